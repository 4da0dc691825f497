# The tests that run as a user program: the system calls as programs meet them, on a processor that offers everything
# and on a plain one. Time is counted in instructions there, four nanoseconds each, so that what a test sees does not
# depend on how busy the host is.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Test::More;

my $out = Machine::out('debug');

for my $cpu ($ENV{CPU} || ('max', 'qemu64')) {
    Machine->new(
        kernel => "$out/kernel.elf", bootfs => "$out/bootfs", dir => "build/tests/user-$cpu",
        fw => 'pvh', cpu => $cpu, timeout => $ENV{TIMEOUT} || 180, cmdline => 'init.run=tests',
        qemu_flags => '-icount shift=2,sleep=off ' . ($ENV{QEMU_FLAGS} // ''),
    )->relay($cpu);
}
done_testing;
