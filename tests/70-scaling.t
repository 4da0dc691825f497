# What a call costs must not depend on how many generations of snapshots, mappings, pages or waits there are, or at
# most on the logarithm of their number. tests/bench/scaling.c and crowds.c measure in instructions, which the emulator
# counts exactly: so the figures are the same on any machine.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Test::More;

Machine::leave_make();

my %cost;
for my $app (qw(scaling crowds)) {
    my @make = (
        qw(make run FW=pvh SMP=1 MEM=1G TIMEOUT=180 ACCEL=tcg), "APP=tests/bench/$app.c",
        'QEMU_FLAGS=-icount shift=0,sleep=off',
    );
    open my $run, '-|', @make or die "make: $!\n";
    while (<$run>) {
        $cost{$1}{$2} = $3 if /^(\S+) (\d+) (\d+)\r?$/;
    }
    ok(close $run, "the measurements of $app.c are made");
}

# A series, by how much the last figure may exceed the first, and how far it must go.
sub grows_at_most {
    my ($name, $percent, $most) = @_;
    my $series = $cost{$name} // {};
    my ($first, $last) = @$series{1, $most};
    my $growth = $first && $last ? 100 * ($last / $first - 1) : undef;
    ok(defined $growth && $growth <= $percent,
        sprintf '%s: from 1 to %d at most %d %% dearer', $name =~ tr/-/ /r, $most, $percent);
    diag("$name: ", join ', ', map { "$series->{$_} for $_" } sort { $a <=> $b } keys %$series);
}

grows_at_most($_, 5, 1000) for qw(write-descendant write-descendant-shared write-parent write-parent-after-snapshot);
grows_at_most($_, 60, 100_000) for qw(write-mapped write-among-mappings commit-mapped commit-among-mappings);
# A step of some 46 instructions each time the number doubles, beside 770 for one, and what keeps the tree balanced.
grows_at_most($_, 120, 100_000) for qw(map-among-mappings map-anywhere);
grows_at_most('snapshot', 20, 100_000);
# One step for each table of 512 pages, and at the ends for each page.
grows_at_most('snapshot-loaded', 1500, 100_000);
grows_at_most('read-after-snapshot', 0, 100_000);
grows_at_most($_, 50, 10_000) for qw(list-mapped sum-mapped close-family close-orphans);
grows_at_most($_, 80, 10_000) for qw(signal-watched close-bystander close-watched);
# They are told in parts, some of which another thread may have to wait for.
grows_at_most($_, 2000, 100_000) for qw(watch-beside-told run-beside-timer);
grows_at_most($_, 40, 1000) for qw(message-beside-calls answer-call);
grows_at_most('futex-beside-waiters', 120, 1000);
grows_at_most('send-into-nested', 10, 10_000);
# Each of the others may have something mapped meanwhile; none waits for a lock longer than its turn.
grows_at_most('map-in-turns', 30, 10);

my ($one, $many) = map { $cost{$_}{1} // 0 } qw(wait-one wait-many);
ok($one && $many <= 1.3 * $one, "object_wait_many of one item costs at most 1.3 times what object_wait_one does")
    or diag("$many and $one instructions");

done_testing;
