# The kernel's own loader: init is a program whose constants were made to want memory to the end of their page, where
# its file goes on with something else. It ends with 0 if it finds zeros there.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use File::Path qw(make_path);
use Test::More;

use constant {PAGE => 4096, PT_LOAD => 1, PF_R => 4, HEADER_SIZE => 56, MEMSZ => 40};

my $out = Machine::out('debug');
my $dir = 'build/tests/init';
make_path($dir);

my $file = Machine::slurp("$out/user/test/zeros");
my ($table, $count) = (unpack('Q', substr $file, 32), unpack('S', substr $file, 56));
for my $at (map { $table + HEADER_SIZE * $_ } 0 .. $count - 1) {
    my ($type, $flags, $offset, $len) = unpack 'LLQx16Q', substr $file, $at;
    next unless $type == PT_LOAD && $flags == PF_R && $offset;
    my $rest = -$len % PAGE;
    like(substr($file, $offset + $len, $rest), qr/[^\0]/, 'the file goes on with something else');
    substr($file, $at + MEMSZ, 8) = pack 'Q', $len + $rest;
}
Machine::spew("$dir/zeros", $file);
chmod 0755, "$dir/zeros";
system('user/mkbootfs', "$dir/bootfs", "bin/init=$dir/zeros") == 0 or die "cannot make $dir/bootfs\n";

my $result = Machine->new(kernel => "$out/kernel.elf", bootfs => "$dir/bootfs", dir => $dir, fw => 'pvh')->run;
my @faults = Machine::faults($result);
ok(!@faults, 'memory that is only read and not in the file is zeros');
diag($_) for Machine::explain($result, @faults);
done_testing;
