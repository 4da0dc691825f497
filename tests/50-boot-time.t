# From power-on to the first instruction in user mode, through the boot image's own path: at most one second.
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
my @seconds = sort { $a <=> $b } map { $_->{first_user} // 1e9 } @results;
my $median = $seconds[$#seconds / 2];
ok($median <= LIMIT, sprintf 'first user instruction after %.2f s, the median of %d runs', $median, RUNS);
diag(sprintf 'power-on to the first user instruction: %.2f s (%.2f to %.2f)', $median, @seconds[0, -1]);
