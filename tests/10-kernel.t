# The tests inside the kernel, on a processor that offers everything and on several plain ones.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Test::More;

my $out = Machine::out('debug');
my %processors = (max => 1, qemu64 => 4);

for my $cpu ($ENV{CPU} || sort keys %processors) {
    Machine->new(
        kernel => "$out/kernel-test.elf", bootfs => "$out/bootfs-test", dir => "build/tests/kernel-$cpu",
        fw => 'pvh', timeout => 300, cpu => $cpu, smp => $ENV{SMP} || $processors{$cpu} || 2,
        cmdline => 'kernel.test=unit',
    )->relay($cpu);
}
done_testing;
