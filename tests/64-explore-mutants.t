#!/usr/bin/perl
# Does the explorer find mistakes? Some of those that `make explore-mutants` puts back into the kernel, one of each
# kind: a late flush, a check outside a lock, a use of a handle counted too late, a wake-up lost, a count that comes
# after its object is found. The schedule of each is replayed, with the mistake and without.
exec 'tests/host/explore/mutants/run', 'flush-after-free', 'cache-policy-checks-unlocked', 'use-counts-without-looking',
    'wait-unlocks-before-sleep', 'process-not-counted'
    or die "tests/host/explore/mutants/run: $!\n";
