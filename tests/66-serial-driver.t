#!/usr/bin/perl
# The serial lines' driver, as an ordinary program under AddressSanitizer and UndefinedBehaviorSanitizer.
use strict;
use warnings;

exec 'build/host/serial' or die "build/host/serial: $!\n";
