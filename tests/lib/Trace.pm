# What `make trace` leaves in the folder where make runs: trace.fxt, the recording that init gave to the report of the
# run (user/init/trace.c), and trace.html, the same with what shows it, in one file without anything outside it.
package Trace;
use strict;
use warnings;
use Machine;
use MIME::Base64 qw(encode_base64);

# From the lines of the report. Says so if there is no recording, or not all of it.
sub keep {
    my (@report) = @_;
    my $fxt = Machine::outfiles(@report)->{trace};
    if (!defined $fxt) {
        print STDERR "jargoon: there is no recording: the system did not come to its end\n";
        return;
    }
    Machine::spew('trace.fxt', $fxt);
    Machine::spew('trace.html', page($fxt));
    printf STDERR "jargoon: trace.fxt, %d KiB, for https://ui.perfetto.dev; trace.html, to be opened in a browser\n",
        length($fxt) / 1024;
    return;
}

# The page has a place for the recording and one for the scripts, whose order is that of their use.
sub page {
    my ($fxt) = @_;
    my $page = Machine::slurp('user/trace/page.html');
    my $data = encode_base64($fxt, '');
    my $scripts = join '', map { "<script>\n" . Machine::slurp("user/trace/$_.js") . "</script>\n" }
        qw(format lanes picture view);
    $page =~ s/TRACE_DATA/$data/ or die "user/trace/page.html has no place for the recording\n";
    $page =~ s/<!-- SCRIPTS -->\n/$scripts/ or die "user/trace/page.html has no place for the scripts\n";
    return $page;
}

1;
