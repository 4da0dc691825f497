# GDB in batch: several stops at once, faults that the program handles itself, breakpoints that GDB writes like other
# memory, a process that much depends on, and what this machine does not offer.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Debugged;
use Test::More;

Machine::leave_make();
my $machine = Debugged->start(dir => 'build/tests/gdb-stops', smp => 2, timeout => 100);

sub session {
    my ($what, $commands, @pairs) = @_;
    return $machine->session($what, "set remote exec-file bin/debugged\n$commands", @pairs);
}

my $text = session('at once', <<'GDB', qr/exited with code 052/, 'the program ends');
set args burst
break burst_hit
commands
silent
printf "hit %d %d\n", who, round
continue
end
run
GDB
my @hits = $text =~ /^(hit \d \d)$/mg;
is_deeply([sort @hits], [map { my $who = $_; map { "hit $who $_" } 0 .. 2 } 0 .. 3],
    '22: four threads at one breakpoint: each is told each time, none twice') or diag($text);

session('faults of the program\'s own', <<'GDB',
set args handles
monitor second-chance on
run
print handled
continue
monitor second-chance off
run
handle SIGILL nostop noprint pass
continue
GDB
    qr/first: on\.\n/, 'its handlers come first',
    qr/received signal SIGILL.*\$1 = 3\n/s, 'what they pass on stops it, and nothing else does',
    qr/terminated with signal SIGILL/, 'passed on again, it ends the program',
    qr/first: off\.\n.*received signal SIGILL/s, 'or GDB comes first',
    qr/^(?!.*received signal).*terminated with signal SIGILL/s, 'a signal that GDB does not want is passed untold',
);

session('breakpoints that GDB writes', <<'GDB',
set remote software-breakpoint-packet off
set args calls
break fifth
run
x/1xb fifth
finish
next
continue
GDB
    qr/Breakpoint 1, fifth \(at=at\@entry=0x\w+ <where>, n=n\@entry=14\)/, 'one is met',
    qr/<fifth>:\t0x55\n/, 'memory is shown without it',
    qr/Value returned is \$1 = 17\n/, 'and stepped over',
    qr/exited with code 052/, 'the program ends',
);

session('threads', <<'GDB',
set args threads
break threads_meet
run
thread apply all print own
info proc exe
set var go_on = 0
tbreak exit
continue
info threads
GDB
    qr/(?: = [12]\n.*){2} = -1\n/s, 'each has its own of a thread-local variable',
    qr{exe = '/bin/debugged'}, 'where their program is',
    qr/ Frame *\n\* 1 [^\n]*\n\z/, 'threads that have ended are not listed',
);
session('watching while it steps', <<'GDB',
set args calls
break fifth
run
rwatch where.x
watch total
next
next
next
watch n
continue
continue
kill
GDB
    qr/Hardware read watchpoint 2: where\.x\n\nValue = 3\n/, 'who reads is told',
    qr/Watchpoint 4: n\n/, 'a variable in a register is watched by steps',
    qr/Hardware watchpoint 3: total\n\nOld value = 0\nNew value = 14\n/, 'and another meanwhile, who writes is told',
    qr/Watchpoint 4 deleted/, 'until its function ends',
);

my ($init) = $machine->gdb('monitor ps') =~ /(\d+)  init\n/;
session('init', <<"GDB",
attach $init
info threads
monitor maps
monitor ps
add-inferior -exec $machine->{elf}
inferior 2
set remote exec-file bin/debugged
set args calls
break calls
run
print add(20, 3)
continue
inferior 1
detach
GDB
    qr/"init" \(waiting for one of several objects\)/, '16: who launched the server stands',
    qr/r-xp .* archive\n.*$init  init  \(debugged\)/s, '16: the server answers',
    qr/Breakpoint 1.*, calls \(\).*\$1 = 23\n/s, '16: and runs another program meanwhile',
    qr/exited with code 052/, '16: to its end',
    qr/\[Inferior 1 \(process $init\) detached\]/, 'detach',
);

session('what is not offered', <<"GDB",
maint packet QCatchSyscalls:1;1
maint packet QThreadEvents:1
set args calls
break calls
run
catch syscall write
continue
disconnect
set non-stop on
try target extended-remote $machine->{line}{path}
GDB
    qr/received: ""\n/, 'the packet for system calls is not known',
    qr/received: ""\n/, 'nor that for the events of threads, which GDB learns of when all stop',
    qr/Your system does not support this type\nof catchpoint/, 'so catching them is refused',
    qr/exited with code 052/, 'and the program goes on',
    qr/Non-stop mode requested, but remote does not support non-stop/, 'threads that do not stop together',
);

is_deeply([Machine::faults($machine->finish)], [], 'the machine ends well');
done_testing;
