# The tests that run as a user program: the system calls as programs meet them. Once on one processor that offers
# everything, where time is counted in instructions, four nanoseconds each, so that what a test sees does not depend on
# how busy the host is; and once on several plain ones that run freely, as many as SMP= says. ONLY='vmo_read L8' is
# those tests whose names have one of these words in them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Test::More;

my $out = Machine::out('debug');
my $counted = '-icount shift=2,sleep=off -rtc base=2018-12-24T12:34:56,clock=vm';
# What takes longest in a debug build is a block of random bytes (13,500), or a page filled under a lock.
use constant {NS_PER_INSTRUCTION => 4, IRQ_OFF_MAX => 20_000};

my @only = split ' ', $ENV{ONLY} // '';

my @runs = (
    ['counted', 'max', 1, $counted, ' test.exact=1 test.utc=1545654896 kernel.irq.watch'],
    ['free', $ENV{CPU} || 'qemu64', $ENV{SMP} || 2, '', ''],
);
for my $run (@runs) {
    my ($name, $cpu, $smp, $flags, $options) = @$run;
    my $result = Machine->new(
        kernel => "$out/kernel.elf", bootfs => "$out/bootfs", dir => "build/tests/user-$name",
        @only ? Machine::user_tests("build/tests/user-$name", @only) : (),
        fw => 'pvh', cpu => $cpu, smp => $smp, timeout => $ENV{TIMEOUT} || 400, cmdline => "init.run=tests$options",
        qemu_flags => join(' ', $flags, $ENV{QEMU_FLAGS} // ''),
    )->relay($name);
    next unless $flags;
    my ($ns, $where) = map { /^# interrupts off for (\d+) ns at most, in (\w+)/ ? ($1, $2) : () } @{$result->{report}};
    my $off = ($ns // 'inf') / NS_PER_INSTRUCTION;
    ok($off <= IRQ_OFF_MAX, 'interrupts are never off for more than ' . IRQ_OFF_MAX . ' instructions')
        or diag("$off, in " . ($where // 'nothing that was told'));
}
done_testing;
