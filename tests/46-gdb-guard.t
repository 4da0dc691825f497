# The server is killed in the middle of its work, and its guard undoes what it has done: no breakpoint is left in the
# text, no thread steps, stands or dies, and the program can be debugged anew.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Debugged;
use RemoteProtocol;
use Test::More;
use Time::HiRes qw(sleep time);

Machine::leave_make();
my $dir = 'build/tests/gdb-guard';
my $say = "$dir/say";

# The monitor is told what to do through a file: its next line, when it is there; after the last one the same again.
my $line = '';
sub next_line {
    my $end = time + 60;
    sleep 0.01 until -e $say || time > $end || $line eq 'exit';
    $line = -e $say ? Machine::slurp($say) : 'exit';
    unlink $say;
    return "$line\r";
}

sub monitor {
    my ($line) = @_;
    Machine::spew("$say.new", $line);
    rename "$say.new", $say;
    for (1 .. 3000) { return if !-e $say; sleep 0.01 }
    die "the monitor does not listen\n";
}

unlink $say;
my $machine = Debugged->start(
    dir => $dir, programs => ['monitor'], smp => 2, timeout => 120,
    cmdline => 'init.run=monitor init.beside=gdbserver',
    console => 'talk', talk => [qr/jargoon> \e\[K$/, \&next_line],
);
my %symbol = map { /^(\w+) [tb] (\w+)$/ ? ($2 => hex $1) : () } `nm $machine->{elf}`;
my ($loop) = `objdump -d --disassemble=worker $machine->{elf}` =~ /\tj(?!mp)\w+ +(\w+) <worker/
    ? hex $1 : die 'no loop';
my ($at, $offset, $size) = `readelf -lW $machine->{elf}` =~ /LOAD +0x(\w+) 0x(\w+) 0x\w+ 0x(\w+) 0x\w+ R E/
    ? (hex $2, hex $1, hex $3) : die 'no text';
my $text = substr Machine::slurp($machine->{elf}), $offset, $size;

sub processes {
    my ($gdb) = @_;
    $gdb->{shown} = '';
    $gdb->ask('qRcmd,' . unpack 'H*', 'ps');
    my %pid = map { /(\d+)  (\w+)/ ? ($2 => $1) : () } split /\n/, $gdb->{shown};
    return %pid;
}

sub counts { my ($gdb) = @_; return unpack 'Q<2', $gdb->read($symbol{counts}, 16) }

# A server of which the program is not known yet; returns the session and the program's number.
sub attach {
    my $gdb = RemoteProtocol->new($machine->{line}{path});
    my %pid = processes($gdb);
    my $stop = $gdb->ask(sprintf 'vAttach;%x', $pid{debugged});
    return ($gdb, $stop =~ /^T00/, %pid);
}

# The session is closed when the server is gone, for that takes its breakpoints out at the end of a session; and when
# the next one has said that it listens.
sub server_ends {
    my ($gdb, $pid) = @_;
    monitor("kill $pid");
    monitor('privileged start gdbserver');
    my ($heard, $select) = ('', IO::Select->new($gdb->{socket}));
    while ($heard !~ /\+\z/ && $select->can_read(5)) { sysread $gdb->{socket}, $heard, 4096, length $heard or last }
    $gdb->close;
}

# The program is as if nobody had ever debugged it.
sub check {
    my ($what) = @_;
    my ($gdb, $attached, %pid) = attach();
    ok($attached, "$what: the program lives, and can be debugged anew");
    ok($gdb->read($at, length $text) eq $text, 'no breakpoint is left in its text');
    my @before = counts($gdb);
    $gdb->send('vCont;c');
    is($gdb->receive(0.3), undef, 'nothing stops it');
    syswrite $gdb->{socket}, "\x03";
    like($gdb->receive, qr/^T02/, 'but who debugs it now');
    my @after = counts($gdb);
    is(scalar(grep { $after[$_] > $before[$_] } 0 .. 1), 2, 'all its threads run');
    return ($gdb, %pid);
}

monitor('start debugged threads');
sleep 0.3;
my ($gdb, $attached, %pid) = attach();
ok($attached, 'a program that runs is attached to');
$gdb->ask(sprintf 'Z0,%x,1;X3,220027', $loop);
$gdb->send('vCont;c');
is($gdb->receive(0.5), undef, 'two threads meet a breakpoint whose condition is never true, and step past it');
server_ends($gdb, $pid{gdbserver});
($gdb, %pid) = check('killed meanwhile');

$gdb->ask(sprintf 'Z0,%x,1', $loop);
$gdb->ask(sprintf 'Z2,%x,8', $symbol{counts} + 8 * $_) for 0, 1;
like($gdb->ask('vCont;c'), qr/^T05/, 'threads have met breakpoints, and are stopped');
like($gdb->ask('vCont;c'), qr/^T05/, 'one after the other');
server_ends($gdb, $pid{gdbserver});
($gdb, %pid) = check('killed while it has stopped them');

$gdb->ask(sprintf 'Z0,%x,1', $loop);
monitor("kill $pid{gdbguard}");
sleep 0.3;
like($gdb->ask('vCont;c'), qr/^W00;process|^E/, 'without its guard no process is debugged further');
server_ends($gdb, $pid{gdbserver});
($gdb, %pid) = check('the guard is killed');
like($gdb->ask(sprintf 'vAttach;%x', $pid{gdbguard}), qr/^E/, 'nobody debugs the guard that he needs');
is($gdb->ask(sprintf 'vKill;%x', $pid{debugged}), 'OK', 'it is killed');
$gdb->close;
monitor('exit');
waitpid $machine->{pid}, 0;
is_deeply([Machine::faults(Storable::retrieve("$dir/result"))], [], 'the machine ends well');
done_testing;
