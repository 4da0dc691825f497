# Small C programs, many to a file (tests/cases): each begins with a line
#
#     === name: what it is about
#
# and the same headers are before all of them. Each is built twice, for the host and with the SDK, and what it does on
# the host is what it has to do here: output and exit status, which is 128 and the signal's number after a signal.
package Cases;
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Path qw(make_path);
use Machine;

my @HEADERS = map { "<$_.h>" } qw(
    alloca arpa/inet assert complex ctype dirent errno fcntl fenv float fnmatch ftw getopt glob iconv inttypes langinfo
    libgen limits locale math netdb poll pthread pwd grp regex sched search semaphore setjmp signal spawn stdalign
    stdarg stdatomic stdbool stddef stdint stdio stdio_ext stdlib string strings sys/ioctl sys/mman sys/resource
    sys/select sys/socket sys/stat sys/time sys/times sys/types sys/uio sys/utsname sys/wait syslog termios threads time
    unistd utime wchar wctype ucontext);

# Reads the files and writes each program and a makefile for all into `dir`, what is there already but for changes.
sub new {
    my ($class, $dir, @files) = @_;
    my $self = bless {dir => $dir, cases => []}, $class;
    make_path(map { "$dir/$_" } qw(prelude source host programs));
    for my $file (@files) {
        my ($line, $case) = 0;
        for (split /^/, Machine::slurp($file)) {
            $line++;
            if (/^=== (\w+): (.*)$/) {
                die "$file:$line: a second $1\n" if grep { $_->{name} eq $1 } @{$self->{cases}};
                $case = {name => $1, about => $2, text => "#line " . ($line + 1) . " \"$file\"\n"};
                push @{$self->{cases}}, $case;
            } else {
                ($case // die "$file: it begins with no name\n")->{text} .= $_;
            }
        }
    }
    $self->write_all;
    return $self;
}

sub cases { my ($self) = @_; return @{$self->{cases}} }

sub spew_if_new {
    my ($file, $text) = @_;
    Machine::spew($file, $text) if Machine::slurp($file) ne $text;
    return;
}

sub write_all {
    my ($self) = @_;
    my %is_case = map { $_->{name} => 1 } $self->cases;
    unlink grep { !$is_case{s{.*/}{}r =~ s/\..*//r} } glob "$self->{dir}/{source,host,programs}/*";
    spew_if_new("$self->{dir}/prelude.h", join '', "#define _GNU_SOURCE\n", map { "#include $_\n" } @HEADERS);
    spew_if_new("$self->{dir}/source/$_->{name}.c", $_->{text}) for $self->cases;
    my $sdk = getcwd . '/build/sdk';
    spew_if_new("$self->{dir}/Makefile", <<"MAKE");
NAMES := @{[map { $_->{name} } $self->cases]}
.SECONDARY:
all: \$(NAMES:%=host/%.out) \$(NAMES:%=programs/%)
FLAGS := -std=gnu2x -w -fno-builtin-printf
prelude/host.h: prelude.h Makefile
\t\@cp prelude.h \$@
\t\@gcc \$(FLAGS) -O1 -o \$@.gch -c prelude.h
prelude/sdk.h: prelude.h Makefile $sdk/made
\t\@cp prelude.h \$@
\t\@$sdk/bin/jargoon-cc \$(FLAGS) -O2 -o \$@.gch -c prelude.h
host/%: source/%.c prelude/host.h
\t\@gcc \$(FLAGS) -O1 -include prelude/host.h -o \$@ \$< -lm -lpthread
host/%.out: host/%
\t\@mkdir -p host/\$*.dir && cd host/\$*.dir && exec 2>/dev/null; \\
\t\t../\$* </dev/null >../\$*.out 2>&1; echo "\\n=== end \$\$?" >>../\$*.out
programs/%: source/%.c prelude/sdk.h
\t\@$sdk/bin/jargoon-cc \$(FLAGS) -O2 -s -include prelude/sdk.h -o \$@ \$< -lm -lpthread
MAKE
    return;
}

# What a program did, in words to compare.
sub words {
    my ($text) = @_;
    return $text =~ s/\r//gr;
}

# What each does on the host, by name.
sub on_host {
    my ($self) = @_;
    return {map { $_->{name} => words(Machine::slurp("$self->{dir}/host/$_->{name}.out")) } $self->cases};
}

# The same, from the output of tests/cases/run.c.
sub from_output {
    my ($self, $output) = @_;
    return {map { /\A(\w+)\n(.*?^=== end .*?\n)/ms ? ($1 => $2) : () } split /^=== begin /m, words($output)};
}

1;
