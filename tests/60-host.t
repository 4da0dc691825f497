#!/usr/bin/perl
# The kernel's unit tests again, as an ordinary program under AddressSanitizer and UndefinedBehaviorSanitizer.
use strict;
use warnings;

exec 'build/host/units' or die "build/host/units: $!\n";
