# The options of the kernel that its users notice, each in a machine of its own: zx_process_write_memory switched off, which every
# other test wants on; and random placement.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Path qw(make_path);
use Machine;
use Test::More;

my $out = Machine::out('debug');
my $dir = 'build/tests/user-options';
make_path($dir);

# Runs the tests whose names contain one of the words, with an option; they must be that many.
sub with_option {
    my ($option, $count, @words) = @_;
    open my $args, '>', "$dir/args" or die "$dir/args: $!\n";
    print $args "$_\0" for @words;
    close $args;
    my @files = ("bin/init=$out/user/init", "bin/tests=$out/user/tests", "etc/args=$dir/args");
    system('user/mkbootfs', "$dir/bootfs", @files) == 0 or die "cannot make $dir/bootfs\n";
    my $result = Machine->new(
        kernel => "$out/kernel.elf", bootfs => "$dir/bootfs", dir => $dir, fw => 'pvh',
        cmdline => "init.run=tests $option",
    )->relay($option);
    is(scalar Machine::tests(@{$result->{report}}), $count, "these were the tests meant ($option)");
}

with_option("kernel.enable-debugging-syscalls=$_", 1, 'write_memory/NOT_SUPPORTED') for 'true', 'false';
with_option('aslr.disable=false', 4, 'vmar_map/placement', 'memory/100,000 random');
done_testing;
