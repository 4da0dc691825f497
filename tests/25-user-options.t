# The options of the kernel that its users notice, each in a machine of its own: zx_process_write_memory switched off,
# which every other test wants on; limits in the way of memory; random placement; another clock; and a console that
# takes nothing more. And a machine with so little memory that it runs out soon.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Test::More;

# Runs the tests whose names contain one of the words, with an option; they must be that many, or more.
sub with_option {
    my ($option, $count, $words, %machine) = @_;
    my $result = Machine->new(
        Machine::user_tests('build/tests/user-options', @$words), cmdline => "init.run=tests $option", %machine,
    )->relay($option);
    cmp_ok(scalar Machine::tests(@{$result->{report}}), '>=', $count, "these were the tests meant ($option)");
    return $result;
}

with_option("kernel.enable-debugging-syscalls=$_", 1, ['write_memory/NOT_SUPPORTED']) for 'true', 'false';
with_option('kernel.smp.maxcpus=4', 13, ['T21'], smp => 4);
with_option('test.limit=1', 40, ['T20', 'create/out of memory', 'etc/out of memory']);
with_option('aslr.disable=false', 4, ['vmar_map/placement', 'memory/random operations']);

# The clock for processors whose counters are none: with many threads, and over sleeps that last several of its turns.
my @clock = ('kernel.clock=pm', 10, [qw(clock_get_monotonic/ ticks_ nanosleep/ deadline_after/)]);
like(with_option(@clock, smp => 4)->{log}, qr/clock: ACPI's timer, because/, 'the clock was the one that was wanted');
$clock[0] .= ' test.exact=1';
with_option(@clock, smp => 1, qemu_flags => '-icount shift=2,sleep=off');

my $short = with_option('test.memory=short', 6, ['oom/'], mem => '32M');
like($short->{log}, qr/^\[.*\] out of memory: process \d+ of job \d+ ends, which has \d+ pages: 'child'\r?$/m,
    'the log has a line for each that ended');

my $unread = with_option('test.console=unread', 3, ['writing to the console'], console => 'unread');
cmp_ok(length $unread->{console}, '>', 4096, 'the console was full, and all of it came when somebody read it at last');
done_testing;
