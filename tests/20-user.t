# The user tests (tests/lib/UserTests.pm) on one processor that offers everything, where time is counted in
# instructions, four nanoseconds each, so that what a test sees does not depend on how busy the host is.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use UserTests;

# What takes longest in a debug build is a block of random bytes (13,500), or a page filled under a lock.
use constant {NS_PER_INSTRUCTION => 4, IRQ_OFF_MAX => 20_000};

my $result = UserTests::relay(
    'counted', ' test.exact=1 test.utc=1545654896 kernel.irq.watch', cpu => 'max', smp => 1,
    qemu_flags => '-icount shift=2,sleep=off -rtc base=2018-12-24T12:34:56,clock=vm',
);
my ($ns, $where) = map { /^# interrupts off for (\d+) ns at most, in (\w+)/ ? ($1, $2) : () } @{$result->{report}};
my $off = ($ns // 'inf') / NS_PER_INSTRUCTION;
ok($off <= IRQ_OFF_MAX, 'interrupts are never off for more than ' . IRQ_OFF_MAX . ' instructions')
    or diag("$off, in " . ($where // 'nothing that was told'));
done_testing;
