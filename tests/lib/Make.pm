# make, as a person types it: what a test script needs to run it and to see what comes of it, in a folder for files.
package Make;
use strict;
use warnings;
use File::Path qw(make_path);
use Machine;
use POSIX ();

use constant UNCOUNTED => 'step=[-]';

# From here on the script says itself what it wants of make; the make that it was started by has no part in that.
# `limit` ends each run, and what it has started, after so many seconds. `counts`: each step says which of how many it
# is, which takes as long as make takes to begin.
sub new {
    my ($class, $dir, %args) = @_;
    Machine::leave_make();
    make_path($dir);
    return bless {dir => $dir, limit => $args{limit}, counts => $args{counts}}, $class;
}

# Runs make with these arguments, its standard input from a file or 'closed'; returns its exit code, standard output and
# standard error.
sub run {
    my ($self, $stdin, @args) = @_;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDOUT, '>', "$self->{dir}/stdout";
        open STDERR, '>', "$self->{dir}/stderr";
        $stdin eq 'closed' ? close STDIN : open STDIN, '<', $stdin;
        exec $self->{limit} ? ('timeout', $self->{limit}) : (), 'make', $self->{counts} ? () : UNCOUNTED, @args
            or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    return ($? >> 8, map { Machine::slurp("$self->{dir}/$_") } qw(stdout stderr));
}

# Writes a file, a program's source for one; returns its name.
sub program {
    my ($self, $name, $text) = @_;
    Machine::spew("$self->{dir}/$name", $text);
    return "$self->{dir}/$name";
}

1;
