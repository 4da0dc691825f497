#!/usr/bin/perl
# No line of code is longer than 120 columns, and no file of code longer than 500 lines. Prints what is, and fails if
# anything is.
use strict;
use warnings;
use open qw(:std :encoding(UTF-8));
use File::Find;

use constant {COLUMNS => 120, LINES => 500};

my @files = ('Makefile');
find({no_chdir => 1, wanted => sub { push @files, $_ if -f && !/\.(md|svg|json)$|^tests\/host\/corpus\// }},
    qw(.ci arch book kernel vm syscalls user tests));

my $findings = 0;
for my $file (sort @files) {
    open my $in, '<', $file or die "$file: $!\n";
    while (<$in>) {
        chomp;
        s/\t/' ' x 4/ge;
        next if length($_) <= COLUMNS;
        print "$file:$.: ", length($_), " columns\n";
        $findings++;
    }
    next if $. <= LINES;
    print "$file: $. lines\n";
    $findings++;
}
exit($findings ? 1 : 0);
