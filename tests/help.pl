#!/usr/bin/perl
# What `make help` prints: the tables of commands and variables in book/commands.md. Given makefiles, it instead checks
# that the tables and the makefiles name the same, prints what they do not, and fails if that is anything.
use strict;
use warnings;
use open qw(:std :encoding(UTF-8));

my $page = 'book/commands.md';

# Targets that are parts of others.
my %parts = map { $_ => 1 } qw(all FORCE user test-images run-machine record-app trace-run);

sub slurp { open my $in, '<', $_[0] or die "$_[0]: $!\n"; local $/; return <$in> }

# Pairs of what to type and what it does: the two tables under "Commands".
my ($section) = slurp($page) =~ /^## Commands\n(.*?)(?=^## |\z)/ms or die "$page has no commands\n";
my @rows = map { [/^\| (.+?) \| (.*) \|$/] } grep { /^\| `/ } split /\n/, $section;

if (!@ARGV) {
    for my $commands (1, 0) {
        print $commands ? "Commands\n" : "\nVariables\n";
        for my $row (grep { ($_->[0] =~ /^`make /) == $commands } @rows) {
            printf "  %-34s %s\n", map { s/\[([^]]*)\]\([^)]*\)/$1/gr =~ tr/`//dr } @$row;
        }
    }
    exit;
}

my $make = join '', map { slurp($_) } @ARGV;
my $tests = join '', map { slurp($_) } glob 'tests/*.t tests/lib/*.pm arch/*/Emulator.pm tests/machine';
my %target = map { $_ => 1 } grep { !/[\$:%]/ && !$parts{$_} } map { split } $make =~ /^\.PHONY:(.*)$/mg;
my %variable = map { $_ => 1 } $make =~ /^([A-Z_]+) \?=/mg, map { split } $make =~ /^export ([A-Z_ ]+)$/mg;
my %told = map { $_ => 1 } map { $_->[0] =~ /`make ([\w-]+)/ } @rows;
my %set = map { $_ => 1 } map { "@$_" =~ /\b([A-Z_]+)=/g } @rows;

sub is_used { my ($name) = @_; return $make =~ /\$\((?:value )?$name\)/ || $tests =~ /\b(?i:$name)\b/ }

my @findings = (
    (map { "make $_ is not in the table of $page" } grep { !$told{$_} } sort keys %target),
    (map { "$page: there is no make $_" } grep { !$target{$_} } sort keys %told),
    (map { "$_= is not in the tables of $page" } grep { !$set{$_} } sort keys %variable),
    (map { "$page: nothing looks at $_=" } grep { !is_used($_) } sort keys %set),
);
print "$_\n" for @findings;
exit(@findings ? 1 : 0);
