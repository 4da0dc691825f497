#!/usr/bin/perl
# What reads the keyboard for programs, as an ordinary program under AddressSanitizer and UndefinedBehaviorSanitizer.
use strict;
use warnings;

exec 'build/host/keyboard' or die "build/host/keyboard: $!\n";
