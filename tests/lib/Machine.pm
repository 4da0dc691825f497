# A machine in QEMU: how it is built, run within a time limit, watched, and judged.
#
# Its three streams never mix: the console is the programs', the log the kernel's, the report the tests'. A run is
# good only if QEMU ended with a code that nothing but the kernel's own power-off can give, the report begins with
# exactly one boot banner and closes with its end marker, and, where tests ran, every test that was planned is in it.
# All else, QEMU's exit 0 above all (that is what a triple fault looks like), is a failure with a reason in words.
package Machine;
use strict;
use warnings;
use DebugLine;
use Fcntl qw(F_SETFD);
use File::Path qw(make_path);
use IO::Select;
use MIME::Base64 qw(decode_base64);
use POSIX qw(WIFEXITED WEXITSTATUS WTERMSIG WNOHANG);
use Time::HiRes qw(time sleep);

# What a machine is to QEMU, its firmware and its console.
use lib 'arch/x86_64';
use Emulator;
our @ISA = 'Emulator';
use constant {map { $_ => Emulator->$_ } qw(POWER_OK POWER_FAIL POWER_PANIC)};

use constant {RECORDED_BYTE_TIME => 0.01, TERMINAL_LOOK => 0.5, FIONREAD => 0x541b};

# What the environment (that is, make's command line) may set, and what holds otherwise.
my %defaults = (
    smp => 2, mem => '256M', accel => '', cmdline => '', qemu_flags => '', timeout => 120, Emulator->defaults,
);

# new(kernel => FILE, bootfs => FILE, dir => DIR, NAME => VALUE …). `dir` receives the run's files. `cmdline` is put
# before the CMDLINE of the environment. `console` is where the console's output and input are:
#   file       a file; no input
#   unread     a file as well, but nobody reads what was written until the report has ended: soon no more can be written
#   terminal   this terminal, key by key. Ctrl-C is a key like others; Ctrl-] x ends the emulator
#   socket     a Unix socket, console.sock in the folder; what goes out is in a file as well
#   stdio      standard output, and standard input with its end marked: the kernel is told init.console=pipe
#   talk       to and from `talk`, a list of pairs: when the output matches the first, the second is typed, which may
#              be code that gets the output so far and returns the text. After each match the search continues behind
#              it. If code is at the very end, it answers as often as its pair matches
sub new {
    my ($class, %args) = @_;
    my $self = bless {console => 'file', %args}, $class;
    $self->{$_} //= length($ENV{uc $_} // '') ? $ENV{uc $_} : $defaults{$_} for keys %defaults;
    $self->{cmdline} .= " $ENV{CMDLINE}" if defined $args{cmdline} && length($ENV{CMDLINE} // '');
    $self->{cmdline} .= ' init.console=pipe' if $self->{console} eq 'stdio';
    $self->{cmdline} =~ s/^\s+|\s+$//g;
    $self->check;
    die "SMP=$self->{smp} is no number of processors from 1 to 64\n" unless $self->{smp} =~ /^([1-9]|[1-5]\d|6[0-4])$/;
    die "TIMEOUT=$self->{timeout} is no number of seconds\n" unless $self->{timeout} =~ /^\d+(\.\d+)?$/;
    make_path($self->{dir});
    return $self;
}

# A make that a script starts is not part of the one that started the script.
sub leave_make {
    delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES), map { uc } keys %defaults};
    delete @ENV{qw(BUILD V APP ARGS PIE PRIVILEGED TESTS)};
}

# Where make puts what it builds.
sub out {
    my ($build) = @_;
    return "build/$build" . (($ENV{CC} // '') =~ /clang/ ? '-clang' : '');
}

sub file { my ($self, $name) = @_; return "$self->{dir}/$name" }

# Runs the machine to its end, or to the end of its time. Returns what was seen:
#   exit       QEMU's exit code; undef if a signal ended it     signal   that signal, or 0
#   timed_out  the limit was reached                            interrupted   somebody typed Ctrl-C
#   seconds    from power-on to the end
#   report     its lines                                        log, console   texts (no console on a terminal)
#   heard      seconds until a program first wrote to the console; undef if none did
#   unsaid     pairs of `talk` that nothing matched
sub run {
    my ($self) = @_;
    unlink map { $self->file($_) } qw(console kernel.log report);
    my $console = $self->{console};
    my (%from, %to);
    for ('report', $console =~ /^(file|unread|talk)$/ ? 'console' : ()) {
        pipe $from{$_}, $to{$_} or die "pipe: $!\n";
        fcntl $to{$_}, F_SETFD, 0 or die "fcntl: $!\n";
    }
    my $to_file = $console =~ /^(file|unread)$/;
    my @command = $self->command(map { '/dev/fd/' . fileno $to{$_} } 'report', $to_file ? 'console' : ());
    my ($input, $typing);
    if ($console =~ /^(stdio|talk)$/) { pipe $input, $typing or die "pipe: $!\n" }
    my $relay = $console eq 'stdio' ? $self->relay_input($typing, $input, values %to) : undef;
    my $start = time;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        close $_ for values %from, $typing // ();
        open STDIN, '<&', $input or POSIX::_exit(127) if $input;
        open STDOUT, '>', $self->file('qemu.out') if $to_file;
        open STDOUT, '>&', $to{console} if $console eq 'talk';
        open STDERR, '>', $self->file('qemu.out') if $to{console};
        exec { $command[0] } @command or print STDERR "$command[0]: $!\n";
        POSIX::_exit(127);
    }
    close $_ for values %to, $input // ();
    # QEMU hears Ctrl-C too, and ends; we stay to tidy up.
    my $interrupted = 0;
    local $SIG{INT} = sub { $interrupted = 1 };
    local @SIG{qw(HUP TERM)} = ending(sub { $pid, $relay // () });
    local $SIG{PIPE} = 'IGNORE';
    my %result = (timed_out => 0, $self->watch(\%from, $start, $typing));
    $result{interrupted} = $interrupted;
    kill TERM => $pid if $result{timed_out};
    my $status = wait_or_kill($pid);
    if ($relay) { kill TERM => $relay; waitpid $relay, 0 }
    $result{exit} = WIFEXITED($status) ? WEXITSTATUS($status) : undef;
    $result{signal} = WIFEXITED($status) ? 0 : WTERMSIG($status);
    $result{seconds} = time - $start;
    $result{log} = slurp($self->file('kernel.log'));
    return \%result;
}

# What a signal that ends this process does, SIGHUP and SIGTERM: it ends those too that `others` gives.
sub ending {
    my ($others) = @_;
    return map { my $status = 128 + $_; sub { kill TERM => $others->(); exit $status } } POSIX::SIGHUP, POSIX::SIGTERM;
}

# Runs it under GDB, stopped at first, with these arguments for GDB beside the kernel. The status is GDB's. GDB starts
# QEMU itself, which on a busy host takes seconds to answer, and talks to it through a pipe. In a session of its own
# QEMU does not hear the Ctrl-C that stops the kernel for GDB; it is ended when GDB has ended.
sub under_gdb {
    my ($self, @arguments) = @_;
    my $pidfile = $self->file('qemu.pid');
    unlink $pidfile;
    my @qemu = ($self->command($self->file('report'), $self->file('console')), qw(-S -gdb stdio -pidfile), $pidfile);
    my $qemu = join ' ', map { "'" . s/'/'\\''/gr . "'" } @qemu;
    my $emulator = sub { return slurp($pidfile) =~ /^(\d+)$/m };
    local @SIG{qw(HUP TERM)} = ending($emulator);
    my $status = system 'gdb', '-q', '-ex', 'set remotetimeout 30', '-ex', "target remote | exec setsid $qemu",
        @arguments, $self->{kernel};
    die "gdb: not found; `make deps` installs it\n" if $status == -1;
    kill KILL => $emulator->();
    return $status ? 1 : 0;
}

# Runs it with a debugger of its programs on this terminal: a command. The machine ends with the debugger.
sub under_debugger {
    my ($self, $command) = @_;
    my $line = DebugLine->open($self->{dir});
    $self->{line} = $line->{line};
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        setpgrp;
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $self->file('qemu.out');
        open STDERR, '>&', \*STDOUT;
        exec $self->command($self->file('report'), $self->file('console')) or POSIX::_exit(127);
    }
    local @SIG{qw(HUP TERM)} = ending(sub { $pid });
    my $status = $line->wait_ready ? system @$command : -2;
    print STDERR "jargoon: the server did not begin; see ", $self->file('console'), "\n" if $status == -2;
    print STDERR "jargoon: $command->[0]: $!\n" if $status == -1;
    kill KILL => $pid;
    waitpid $pid, 0;
    return $status ? 1 : 0;
}

# A process that passes standard input on, once the kernel has begun: what comes before, firmware may take for itself. A
# serial line has no end, so Ctrl-D marks it; where the input itself has a Ctrl-D, or a Ctrl-V, a Ctrl-V before it says
# that it stands for itself.
sub relay_input {
    my ($self, $typing, @of_qemu) = @_;
    pipe my $begun, $self->{beginning} or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if ($pid) {
        close $typing;
        return $pid;
    }
    close $_ for @of_qemu, $self->{beginning};
    sysread $begun, my $nothing, 1;
    my $select = IO::Select->new(\*STDIN);
    for (;;) {
        $select->can_read;
        my $len = sysread STDIN, my $bytes, 4096;
        # QEMU makes the terminal that it writes to, and so the one that is read here, give nothing rather than wait.
        next if !defined $len && ($!{EAGAIN} || $!{EINTR});
        last unless $len && $self->type($typing, $bytes =~ s/([\x04\x16\r])/\x16$1/gr);
    }
    $self->type($typing, "\x04");
    POSIX::_exit(0);
}

# Types it; false if nobody reads any more. A machine that is being recorded takes a byte without having looked whether
# the one before has arrived, so each has time to.
sub type {
    my ($self, $to, $bytes) = @_;
    return put($to, $bytes) unless $self->{recording};
    for my $byte (split //, $bytes) {
        put($to, $byte) or return 0;
        my $unread = pack 'i', 1;
        while (unpack 'i', $unread) {
            sleep RECORDED_BYTE_TIME;
            ioctl $to, FIONREAD, $unread or die "pipe: $!\n";
        }
    }
    return 1;
}

# Writes all of it; false if nobody reads any more.
sub put {
    my ($to, $bytes) = @_;
    while (length $bytes) {
        my $len = syswrite $to, $bytes or return 0;
        substr $bytes, 0, $len, '';
    }
    return 1;
}

# Collects the streams until QEMU closes them or time is up, and types what is to be typed. Where a terminal is closed
# without a signal, for it is ignored or somebody else's, this process ends as with one.
sub watch {
    my ($self, $from, $start, $typing) = @_;
    my @talk = @{$self->{talk} // []};
    my $seen = 0;
    my %text = map { $_ => '' } keys %$from;
    my %name = map { fileno $from->{$_} => $_ } keys %$from;
    my $unread = $self->{console} eq 'unread';
    my $select = IO::Select->new(map { $from->{$_} } grep { !$unread || $_ ne 'console' } keys %$from);
    my $limit = $self->{timeout} ? $start + $self->{timeout} : undef;
    my $terminal = -t STDIN;
    my %result;
    while ($select->count && !$result{timed_out}) {
        my $left = defined $limit ? $limit - time : undef;
        $result{timed_out} = 1 if defined $left && $left <= 0;
        $SIG{HUP}->() if $terminal && !-t STDIN;
        my $wait = $terminal && ($left // TERMINAL_LOOK) >= TERMINAL_LOOK ? TERMINAL_LOOK : $left;
        for my $ready ($result{timed_out} ? () : $select->can_read($wait)) {
            my $name = $name{fileno $ready};
            sysread $ready, $text{$name}, 65536, length $text{$name} or $select->remove($ready);
            $result{heard} //= time - $start if $name eq 'console' && length $text{$name};
        }
        close delete $self->{beginning} if $self->{beginning} && $text{report} =~ /^# boot\b/m;
        if ($unread && $text{report} =~ /^# end$/m) {
            $select->add($from->{console});
            $unread = 0;
        }
        while (@talk && substr($text{console}, $seen) =~ $talk[0]) {
            my $heard = substr $text{console}, 0, $seen += $+[0];
            my $answer = $talk[1];
            splice @talk, 0, 2 unless @talk == 2 && ref $answer;
            put($typing, ref $answer ? $answer->($heard) : $answer) or last;
        }
    }
    $result{unsaid} = grep { defined && !ref } @talk[map { 2 * $_ + 1 } 0 .. $#talk / 2];
    spew($self->file($_), $text{$_}) for keys %text;
    return (%result, console => $text{console} // '', report => [split /\r?\n/, $text{report}]);
}

sub wait_or_kill {
    my ($pid) = @_;
    for (1 .. 250) {
        return $? if waitpid($pid, WNOHANG) == $pid;
        sleep 0.02;
    }
    kill KILL => $pid;
    waitpid $pid, 0;
    return $?;
}

# The files in the lines of a report, as user/init/outfiles.c writes them, by name; those alone that are whole.
sub outfiles {
    my (@report) = @_;
    my (%text, %len);
    for (@report) {
        $len{$1} = $2 if /^outfile (\w+) end (\d+)$/;
        $text{$1} .= decode_base64($2) if /^outfile (\w+) ([\w+\/=]+)$/;
    }
    return {map { $_ => $text{$_} // '' } grep { $len{$_} == length($text{$_} // '') } keys %len};
}

sub spew {
    my ($file, $text) = @_;
    open my $out, '>', $file or die "$file: $!\n";
    print $out $text;
    close $out or die "$file: $!\n";
}

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or return '';
    local $/;
    return <$in> // '';
}

# The reasons why a run is not good; none if it is. `exit` is the code that is expected of QEMU (POWER_OK), and
# `plan` says that the report must hold a complete set of passed tests.
sub faults {
    my ($result, %want) = @_;
    my @lines = @{$result->{report}};
    my $boots = grep { /^# boot\b/ } @lines;
    return 'QEMU did not start the machine' if did_not_start($result) && !$boots;
    my @faults;
    push @faults, 'ran out of time' if $result->{timed_out};
    push @faults, "QEMU was ended by signal $result->{signal}" if $result->{signal} && !$result->{timed_out};
    push @faults, exit_fault($result->{exit}, $want{exit} // POWER_OK) unless $result->{timed_out} || $result->{signal};
    push @faults, "$boots boot banners instead of one" if $boots != 1;
    push @faults, 'the report has no end marker' unless @lines && $lines[-1] eq '# end';
    push @faults, plan_faults(@lines) if $want{plan};
    return grep { defined } @faults;
}

# It has then said why.
sub did_not_start {
    my ($result) = @_;
    return ($result->{exit} // -1) == 1 && ($result->{log} // '') eq '';
}

sub exit_fault {
    my ($exit, $want) = @_;
    return undef if $exit == $want;
    my %words = (
        0 => 'the machine reset itself or was switched off behind our back', POWER_OK, 'success',
        POWER_FAIL, 'the first program failed', POWER_PANIC, 'the kernel panicked',
    );
    return "QEMU exited with $exit" . ($words{$exit} ? " ($words{$exit})" : '') . ", not $want";
}

# What is wrong with a TAP stream that should be one plan and then every test, in order and passed.
sub plan_faults {
    my @plans = map { /^1\.\.(\d+)$/ ? $1 : () } @_;
    return @plans . ' plans instead of one' if @plans != 1;
    my @tests = tests(@_);
    my @faults;
    push @faults, 'planned ' . $plans[0] . ' tests, saw ' . @tests if @tests != $plans[0];
    push @faults, 'tests are out of order' if grep { $tests[$_]{number} != $_ + 1 } 0 .. $#tests;
    push @faults, "failed: $_->{name}" for grep { !$_->{ok} } @tests;
    push @faults, 'the plan is not first' unless (grep { !/^#/ } @_)[0] =~ /^1\.\./;
    push @faults, $_ for grep { /^Bail out!/ } @_;
    return @faults;
}

# The test lines of a report: ok, number, name, and the comments that came before the line.
sub tests {
    my (@tests, @comments);
    for (@_) {
        if (/^(not )?ok (\d+) - (.*)$/) {
            push @tests, {ok => !$1, number => $2, name => $3, comments => [@comments]};
            @comments = ();
        } elsif (/^# (.*)/ && !/^# (boot|end|first user)\b/) {
            push @comments, $1;
        }
    }
    return @tests;
}

# Runs the machine as one test script: each test of its report becomes a test of this one, under its name and the
# label, and one more says whether the run as a whole can be believed.
sub relay {
    my ($self, $label) = @_;
    require Test::More;
    my $result = $self->run;
    for my $test (tests(@{$result->{report}})) {
        Test::More::ok($test->{ok}, "$test->{name} ($label)");
        Test::More::diag($_) for $test->{ok} ? () : @{$test->{comments}};
    }
    Test::More::ok(!faults($result, plan => 1), "the run as a whole ($label)");
    Test::More::diag($_) for explain($result, faults($result, plan => 1));
    return $result;
}

# What new() needs for a machine that runs only the user tests whose names contain one of the words; the files go to
# `dir`.
sub user_tests {
    my ($dir, @words) = @_;
    my $out = out('debug');
    make_path($dir);
    spew("$dir/args", join '', map { "$_\0" } @words);
    my @files = ("bin/init=$out/user/init", "bin/tests=$out/user/tests", "etc/args=$dir/args");
    push @files, map { m{(test/[^/.]+)$} ? "$1=$_" : () } glob "$out/user/test/*";
    system('user/mkbootfs', "$dir/bootfs", @files) == 0 or die "cannot make $dir/bootfs\n";
    return (kernel => "$out/kernel.elf", bootfs => "$dir/bootfs", dir => $dir, fw => 'pvh');
}

# Runs only the user tests whose names have a word in them, for a long time: tells what they note on the way, and at
# the end `sum`, made of it, and how it went. Arguments for the machine are those of new().
sub relay_long {
    my ($word, $name, $sum, %args) = @_;
    my $result = __PACKAGE__->new(user_tests("build/tests/$name", $word), %args)->relay($name);
    Test::More::diag($_) for grep { /^# (?!boot|end)/ } @{$result->{report}};
    Test::More::diag(sprintf 'in all: %s in %.0f s; %s', $sum->($result), $result->{seconds},
        Test::More->builder->is_passing
        ? 'no panic, no hang, nothing left behind, no bystander changed'
        : 'NOT as it must be, see above');
    return $result;
}

# The faults, and if there are any, the ends of log and console, as lines.
sub explain {
    my ($result, @faults) = @_;
    return () unless @faults;
    return (@faults, map { "$_->[0]: $_->[1]" } (map { ['log', $_] } tail($result->{log})),
        map { ['console', $_] } tail($result->{console}));
}

# Whatever was written, a terminal can show it.
sub tail {
    my @lines = map { length > 300 ? substr($_, 0, 300) . ' ...' : $_ } split /\r?\n/, shift;
    s/[^\t\x20-\x7e]/?/g for @lines;
    return @lines > 40 ? @lines[-40 .. -1] : @lines;
}

1;
