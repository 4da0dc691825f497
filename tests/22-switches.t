# Races, repeatably. On one processor whose instructions are counted, the option kernel.sched.force=SEED makes threads
# give way to each other at locks, where references are given back, and between the windows of a transfer, where the
# seed says. The report ends with a digest of the switches that there were: the number of the thread that came, and the
# nanosecond, one after the other.
#
# All races are run under the seeds that SEEDS= names, one if it does not. What fails under a seed fails again under it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Test::More;

my @seeds = split ' ', $ENV{SEEDS} // 3;
my $out = Machine::out('debug');
my $dir = 'build/tests/switches';

# What several threads do to one another; and enough of it to compare runs by.
my @races = (
    qw(write_memory/L read_memory/L fault/L task_suspend_token/L vmar_map/L channel/L stress/),
    qw(handle_duplicate/L object_get_child/L),
    qw(task_kill/a task_kill/L1 task_kill/L7), 'task_kill/L2 L5',
    'soon gone: waiting', 'soon gone: suspended', 'soon gone: writing',
);
my @few = qw(write_memory/L8 write_memory/L10 fault/L12 channel/L6);

# A machine that makes these user tests run.
sub user_tests {
    my ($name, @words) = @_;
    return (Machine::user_tests("$dir/$name", @words), cmdline => 'init.run=tests stress.seconds=1');
}

# Runs tests under a seed, and returns what the report told of the switches.
sub switches {
    my ($name, $seed, %machine) = @_;
    my $result = Machine->new(
        %machine, cmdline => "$machine{cmdline} kernel.sched.force=$seed", dir => "$dir/$name", fw => 'pvh', smp => 1,
        accel => 'tcg', timeout => 400,
        # The processor's random numbers repeat as well.
        qemu_flags => '-icount shift=2,sleep=off -seed 1',
    )->relay($name);
    my ($told) = map { /^# forced switches: (.*)/ } @{$result->{report}};
    $told //= 'none';
    like($told, qr/^seed $seed, \d{4,} switches, digest \w+$/, "threads were switched ($name)");
    note("$name: $told");
    return $told;
}

my %few = user_tests('few', @few);
my $told = switches('once', 1, %few);
is(switches('twice', 1, %few), $told, 'the same seed makes the same switches, to the nanosecond');
my $other = switches('other', 2, %few);
isnt((split ' ', $other)[-1], (split ' ', $told)[-1], 'another seed makes others');

my %races = user_tests('races', @races);
switches("races-seed-$_", $_, %races) for @seeds;
switches("kernel-seed-$_", $_, %races, kernel => "$out/kernel-test.elf", cmdline => 'kernel.test=unit') for @seeds;
done_testing;
