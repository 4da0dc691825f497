# The tests that run as a user program: the system calls as programs meet them. Once on one processor that offers everything,
# where time is counted in instructions, four nanoseconds each, so that what a test sees does not depend on how busy the host
# is; and once on several plain ones that run freely, as many as SMP= says.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Test::More;

my $out = Machine::out('debug');
my $counted = '-icount shift=2,sleep=off';

for my $run (['counted', 'max', 1, $counted, ' test.exact=1'], ['free', $ENV{CPU} || 'qemu64', $ENV{SMP} || 2, '', '']) {
    my ($name, $cpu, $smp, $flags, $options) = @$run;
    Machine->new(
        kernel => "$out/kernel.elf", bootfs => "$out/bootfs", dir => "build/tests/user-$name",
        fw => 'pvh', cpu => $cpu, smp => $smp, timeout => $ENV{TIMEOUT} || 180, cmdline => "init.run=tests$options",
        qemu_flags => join(' ', $flags, $ENV{QEMU_FLAGS} // ''),
    )->relay($name);
}
done_testing;
