# The tests inside the kernel, on a processor that offers everything and on a plain one.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Test::More;

my $out = Machine::out('debug');

for my $cpu ($ENV{CPU} || ('max', 'qemu64')) {
    Machine->new(
        kernel => "$out/kernel-test.elf", bootfs => "$out/bootfs", dir => "build/tests/kernel-$cpu",
        fw => 'pvh', cpu => $cpu, cmdline => 'kernel.test=unit',
    )->relay($cpu);
}
done_testing;
