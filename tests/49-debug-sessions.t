#!/usr/bin/perl
# A few sessions of debuggers at random, after which nothing is left; `make debug-sessions` has more. And that what is
# left would be found: a server that keeps something of each session.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Test::More;

sub sessions { return scalar qx(tests/debug-sessions @_ 2>&1) }

my $text = sessions(3, 1);
is($?, 0, 'sessions at random leave nothing') or diag($text);
note($text);

$text = sessions(2, 1, Machine::out('release') . '/user/test/gdbserver-leaks');
isnt($?, 0, 'a server that keeps something fails');
like($text, qr/process \d+  gdbserver has \d+ handles, and had \d+$/m, 'for its handles');
like($text, qr/process \d+  gdbserver has \d+ more pages$/m, 'and for its pages');
diag($text) unless Test::More->builder->is_passing;
done_testing;
