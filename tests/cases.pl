#!/usr/bin/perl
# Holds the names of the tests to the list of cases, tests/CASES.md: every id that the list explains is in the name of a
# test, and every id in a name is explained there. Every test that the last column of a table in syscalls/CHOICES.md or
# kernel/SECURITY.md names, by the beginning of its name, exists; SCRIPT.t/WORDS is what a script says of a test. Prints
# what it finds, one line each, and fails if that is anything.
use strict;
use warnings;

sub slurp { open my $in, '<', $_[0] or die "$_[0]: $!\n"; local $/; return <$in> }

my %listed = map { $_ => 1 } slurp('tests/CASES.md') =~ /^- \*\*([A-Z]\d+)\*\* \S/mg;
my $letters = join '', sort keys %{{map { substr($_, 0, 1) => 1 } keys %listed}};

# The tests that a page names.
sub shown { return map { /\| ([^|]*) \|$/ ? $1 =~ /`([^`]+)`/g : () } split /\n/, slurp($_[0]) }
my $all_names = '';

sub is_there {
    my ($script, $words) = $_[0] =~ m{^([\w-]+\.t)/(.+)};
    return $script ? slurp("tests/$script") =~ /\Q$words/ : $all_names =~ /^\Q$_[0]/m;
}

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
    (map { my $page = $_; map { "$page: there is no test $_" } grep { !is_there($_) } shown($page) }
        'syscalls/CHOICES.md', 'kernel/SECURITY.md'),
    (map { "$named{$_}: $_ is not explained in tests/CASES.md" } grep { !$listed{$_} } sort keys %named),
);
print "$_\n" for @findings;
exit(@findings ? 1 : 0);
