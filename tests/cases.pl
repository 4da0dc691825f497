#!/usr/bin/perl
# Holds the names of the tests to the list of cases, tests/CASES.md: every id that the list explains is in the name of a
# test, and every id in a name is explained there. Every test that syscalls/CHOICES.md names, by the beginning of its
# name, exists. Prints what it finds, one line each, and fails if that is anything.
use strict;
use warnings;

sub slurp { open my $in, '<', $_[0] or die "$_[0]: $!\n"; local $/; return <$in> }

my %listed = map { $_ => 1 } slurp('tests/CASES.md') =~ /^- \*\*([A-Z]\d+)\*\* \S/mg;
my $letters = join '', sort keys %{{map { substr($_, 0, 1) => 1 } keys %listed}};

# The tests that the list of choices names, in the last column of its tables.
my @shown = map { /\| ([^|]*) \|$/ ? $1 =~ /`([^`]+)`/g : () } split /\n/, slurp('syscalls/CHOICES.md');
my $all_names = '';

# Each id's first file. The names in scripts begin with their ids.
my %named;
for my $file (glob 'tests/*/*.[ch] tests/*.t') {
    my $text = slurp($file);
    my @names = $file =~ /\.t$/ ? $text =~ /'((?:[A-Z]\d+ )+)/g : $text =~ /\bK?TEST\w*\(([^;{]*?"(?:[^"]|"\s*")*")/g;
    # A name that several tests share the beginning of is a macro.
    push @names, $text =~ /^#define \w+ ("\w+\/.*")/mg;
    for my $name (@names) {
        $all_names .= "\n" . join '', $name =~ /"((?:[^"\\]|\\.)*)"/g;
        $named{$_} //= $file for $name =~ /\b([$letters]\d{1,2})\b/g;
    }
}

my @findings = (
    (map { "tests/CASES.md: no test is named after $_" } grep { !$named{$_} } sort keys %listed),
    (map { "syscalls/CHOICES.md: there is no test $_" } grep { $all_names !~ /^\Q$_\E/m } @shown),
    (map { "$named{$_}: $_ is not explained in tests/CASES.md" } grep { !$listed{$_} } sort keys %named),
);
print "$_\n" for @findings;
exit(@findings ? 1 : 0);
