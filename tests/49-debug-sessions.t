#!/usr/bin/perl
# A few sessions of debuggers at random; `make debug-sessions` has more.
use strict;
use warnings;

exec 'tests/debug-sessions', 3, 1 or die "tests/debug-sessions: $!\n";
