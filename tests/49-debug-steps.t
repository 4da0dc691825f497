#!/usr/bin/perl
# A program stepped from its main on, each pc compared with what its instructions give; `make debug-steps` goes further.
use strict;
use warnings;

exec 'tests/debug-steps', 400 or die "tests/debug-steps: $!\n";
