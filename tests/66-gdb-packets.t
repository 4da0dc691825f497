#!/usr/bin/perl
# GDB's protocol as gdbserver has it, as an ordinary program under AddressSanitizer and UndefinedBehaviorSanitizer.
use strict;
use warnings;

exec 'build/host/gdb_packets' or die "build/host/gdb_packets: $!\n";
