#!/usr/bin/perl
# Puts the totals of a whole `make explore`, whose output is in LOG, into README.md beside this script:
#
#     make explore | tee LOG; tests/host/explore/table.pl LOG
#
# A run that was not whole, or in which a scenario failed, is refused. What did not end in its time is named.
use strict;
use warnings;
use File::Basename;

my $readme = dirname(__FILE__) . '/README.md';

sub slurp { open my $in, '<', $_[0] or die "$_[0]: $!\n"; local $/; return <$in> }

sub totals {
    my ($log) = @_;
    my (undef, $rest) = split /^calls +scenarios.*\n/m, $log, 2;
    my @rows = ($rest // '') =~ /^(\S.*?) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +([\d.]+) +([\d.]+)  (\S+)$/mg;
    my ($minutes) = ($rest // '') =~ /^\d+ scenarios, \d+ not ended in time, 0 failed, ([\d.]+) minutes on 2 cores$/m;
    die "no whole run, on two cores and without a failure\n" unless @rows && $minutes;
    my @longer = $log =~ /^(\S+@\S+) .* \d\+ +[\d.]+$/mg;
    my @table;
    while (my ($calls, @counts) = splice @rows, 0, 9) {
        my ($scenarios, $schedules, $repeated, $nodes, undef, $seconds, $most, $slowest) = @counts;
        push @table, "| $calls | $scenarios | $schedules | $repeated | $nodes | $seconds | $slowest, $most s |\n";
    }
    return ($minutes, "@longer", @table);
}

@ARGV == 1 or die "usage: $0 LOG\n";
my ($minutes, $longer, @table) = totals(slurp($ARGV[0]));
my $text = slurp($readme);
my $but = $longer ? ".\nBut `$longer` needs more\nthan its time, and was tried with all schedules of one" : '';
my $part = <<END . join('', @table) . "\n";
A whole run of `make explore` on two cores of a small virtual machine took $minutes minutes. Every scenario was tried
with all schedules of two preemptions, and nothing was wrong$but:

| calls | scenarios | schedules | repeated | nodes | seconds | the longest |
| --- | --- | --- | --- | --- | --- | --- |
END
$text =~ s/^A whole run of `make explore`.*?\n\n\|.*?\n\n//ms;
$text =~ s/^(?=## What is wrong$)/$part/m or die "$readme has no place for it\n";
open my $out, '>', $readme or die "$readme: $!\n";
print $out $text;
close $out or die "$readme: $!\n";
