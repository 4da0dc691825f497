#!/usr/bin/perl
# The monitor's line editor, as an ordinary program under AddressSanitizer and UndefinedBehaviorSanitizer.
use strict;
use warnings;

exec 'build/host/line_editor' or die "build/host/line_editor: $!\n";
