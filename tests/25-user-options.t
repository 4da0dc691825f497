# The options of the kernel that its users notice, each in a machine of its own: zx_process_write_memory switched off,
# which every other test wants on; random placement; and a console that takes nothing more.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Test::More;

# Runs the tests whose names contain one of the words, with an option; they must be that many.
sub with_option {
    my ($option, $count, $words, %machine) = @_;
    my $result = Machine->new(
        Machine::user_tests('build/tests/user-options', @$words), cmdline => "init.run=tests $option", %machine,
    )->relay($option);
    is(scalar Machine::tests(@{$result->{report}}), $count, "these were the tests meant ($option)");
    return $result;
}

with_option("kernel.enable-debugging-syscalls=$_", 1, ['write_memory/NOT_SUPPORTED']) for 'true', 'false';
with_option('kernel.smp.maxcpus=4', 11, ['T21'], smp => 4);
with_option('aslr.disable=false', 4, ['vmar_map/placement', 'memory/100,000 random']);

my $unread = with_option('test.console=unread', 3, ['writing to the console'], console => 'unread');
cmp_ok(length $unread->{console}, '>', 4096, 'the console was full, and all of it came when somebody read it at last');
done_testing;
