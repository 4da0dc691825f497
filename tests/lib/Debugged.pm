# A machine with gdbserver in it, in the background, and debuggers in batch that have it one after the other.
package Debugged;
use strict;
use warnings;
use DebugLine;
use File::Path qw(make_path);
use Machine;
use POSIX ();
use Storable ();
use Test::More ();
use Time::HiRes qw(time);

# start(dir => DIR, args => [ARGUMENT …], programs => [NAME …], server => FILE, and what else Machine->new takes): the
# arguments are the first program's, which is gdbserver if nothing else is said; `programs` are there too. FILE takes
# gdbserver's place.
sub start {
    my ($class, %args) = @_;
    make_path($args{dir});
    my $out = Machine::out($args{build} // 'release');
    Machine::spew("$args{dir}/args", join '', map { "$_\0" } @{$args{args} // []});
    my @names = (qw(init gdbserver), @{$args{programs} // []});
    my %file = (map({ ($_ => "$out/user/$_") } @names), debugged => "$out/user/test/debugged");
    $file{gdbserver} = $args{server} if $args{server};
    my @programs = map { "bin/$_=$file{$_}" } sort keys %file;
    system('user/mkbootfs', "$args{dir}/bootfs", @programs, "etc/args=$args{dir}/args") == 0 or die "no archive\n";
    my $self = bless {dir => $args{dir}, elf => "$out/user/test/debugged.elf"}, $class;
    $self->{line} = DebugLine->open($args{dir});
    $self->{machine} = Machine->new(
        kernel => "$out/kernel.elf", bootfs => "$args{dir}/bootfs", fw => 'pvh', console => 'file',
        cmdline => 'init.run=gdbserver init.console=none', line => $self->{line}{line}, %args,
    );
    $self->{pid} = fork // die "fork: $!\n";
    if (!$self->{pid}) {
        my $result = $self->{machine}->run;
        Storable::store($result, "$args{dir}/result");
        POSIX::_exit(0);
    }
    $self->{line}->wait_ready or die "the server in the machine does not begin\n";
    return $self;
}

# The beginning of each script. `try COMMAND` continues if the command fails, and prints the error; `signal-me SIGINT`
# sends gdb that signal once the program runs.
sub script {
    my ($self, $commands) = @_;
    my $try = <<'END';
python
import os, signal, threading
class Try(gdb.Command):
    def __init__(self): super().__init__("try", gdb.COMMAND_USER)
    def invoke(self, line, tty):
        try: gdb.execute(line)
        except gdb.error as e: print(e)
Try()
class Signal(gdb.Command):
    def __init__(self): super().__init__("signal-me", gdb.COMMAND_USER)
    def invoke(self, line, tty):
        number = getattr(signal, line)
        def go(event):
            gdb.events.cont.disconnect(go)
            threading.Timer(0.4, os.kill, (os.getpid(), number)).start()
        gdb.events.cont.connect(go)
Signal()
end
END
    return join "\n", $try, 'set pagination off', 'set width 0', 'set confirm off', 'set remotetimeout 30',
        "target extended-remote $self->{line}{path}", $commands, '';
}

# Runs gdb with these commands, and gives what it has written. `program` is FILE or nothing.
sub gdb {
    my ($self, $commands, @program) = @_;
    my $file = "$self->{dir}/script.gdb";
    Machine::spew($file, $self->script($commands));
    open my $out, '-|', 'sh', '-c', 'exec timeout 300 gdb -nx -q -batch "$@" 2>&1', 'gdb', '-x', $file,
        @program ? @program : $self->{elf} or die "gdb: $!\n";
    local $/;
    my $text = <$out>;
    close $out;
    Machine::spew("$self->{dir}/last.out", $text);
    return $text;
}

# Runs gdb with these commands, and looks for each of the pairs of pattern and name in the output, in that order.
sub session {
    my ($self, $what, $commands, @pairs) = @_;
    my $start = time;
    my $text = $self->gdb($commands);
    Test::More::note(sprintf '%s: %.2f s', $what, time - $start);
    my $rest = $text;
    while (my ($pattern, $name) = splice @pairs, 0, 2) {
        my $found = $rest =~ s/^.*?$pattern//s;
        Test::More::ok($found, "$what: $name");
        Test::More::diag($text) unless $found;
    }
    return $text;
}

# Ends the machine as it is.
sub stop {
    my ($self) = @_;
    kill TERM => $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

# Has the server end, and the machine with it; returns what Machine->run does.
sub finish {
    my ($self) = @_;
    $self->gdb('monitor exit', '-ex', 'quit');
    waitpid $self->{pid}, 0;
    return Storable::retrieve("$self->{dir}/result");
}

1;
