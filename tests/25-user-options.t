# The option that switches zx_process_write_memory off, in a machine of its own: every other test wants the call.
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
open my $args, '>', "$dir/args" or die "$dir/args: $!\n";
print $args "write_memory/NOT_SUPPORTED\0";
close $args;
system('user/mkbootfs', "$dir/bootfs", "bin/init=$out/user/init", "bin/tests=$out/user/tests", "etc/args=$dir/args") == 0
    or die "cannot make $dir/bootfs\n";

for my $value ('true', 'false') {
    my $result = Machine->new(
        kernel => "$out/kernel.elf", bootfs => "$dir/bootfs", dir => $dir, fw => 'pvh',
        cmdline => "init.run=tests kernel.enable-debugging-syscalls=$value",
    )->relay($value);
    is(scalar Machine::tests(@{$result->{report}}), 1, "it was this one test ($value)");
}
done_testing;
