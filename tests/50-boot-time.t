# From power-on to the first instruction in user mode, through GRUB and the boot image: at most one second. What can be
# seen from outside is when a program is first heard on the console, which is a little later.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Test::More tests => 2;

use constant {LIMIT => 1.0, RUNS => 7};

my $out = Machine::out('release');
my $machine = Machine->new(
    kernel => "$out/kernel.elf", bootfs => "$out/bootfs", dir => 'build/tests/boot-time', fw => 'bios',
    cmdline => 'init.run=hello',
);
my @results = map { $machine->run } 1 .. RUNS;
is_deeply([map { Machine::faults($_) } @results], [], 'every run is good');
my @seconds = sort { $a <=> $b } map { $_->{heard} // 1e9 } @results;
my $median = $seconds[$#seconds / 2];
ok($median <= LIMIT, sprintf 'a program is heard after %.2f s, the median of %d runs', $median, RUNS);
diag(sprintf 'power-on to the first output of a program: %.2f s (%.2f to %.2f)', $median, @seconds[0, -1]);
