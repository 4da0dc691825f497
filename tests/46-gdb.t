# GDB, Debian's own, in batch: what a person does with it on Linux it does with this machine's programs. One machine;
# each script's output is compared.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Debugged;
use Test::More;

Machine::leave_make();
my $dir = 'build/tests/gdb';
my $machine = Debugged->start(dir => $dir, args => [qw(debugged calls)], timeout => 900);
my $elf = $machine->{elf};

sub session { return $machine->session(@_) }

session('a program that was launched', <<'GDB',
break calls
continue
call first(1)
print add(2, 3)
break fifth
continue
bt
print *at
set var at->y = 40
print where
finish
up
info locals
info proc mappings
info auxv
x/20i $pc
info registers rip
print $fs_base != 0
delete
tbreak add
continue
until
step
info threads
monitor maps
monitor handles
monitor ps
monitor nonsense
detach
GDB
    qr/Breakpoint 1, calls \(\).*\d\tstatic void calls\(void\)/s, 'a breakpoint is met, and its line shown',
    qr/\$1 = 18\n/, 'a function is called',
    qr/\$2 = 5\n/, 'and another',
    qr/Breakpoint 2, fifth \(at=at\@entry=0x\w+ <where>, n=n\@entry=14\)/, 'arguments are shown',
    qr/#1 .* fourth \(n=n\@entry=13\).*#4 .* first \(n=n\@entry=10\).*#5 .* calls \(\).*#7 .* main \(argc=2,/s,
        'frames, their functions, arguments and lines',
    qr/\$3 = \{x = 8, y = 4, name = 0x\w+ "here"\}/, 'a struct',
    qr/\$4 = \{x = 8, y = 40,/, 'a member is set',
    qr/fourth \(n=n\@entry=13\).*Value returned is \$5 = 22/s, 'finish tells the value',
    qr/third \(n=n\@entry=12\)/, 'up goes to the caller',
    qr/0x1000000 +0x1001000 .*r--p +archive.*r-xp +archive.*rw-p +stack/s, 'mappings',
    qr/AT_PHDR .* 0x10\w+\n.*AT_ENTRY .* 0x10\w+\n/s, 'the auxiliary vector',
    qr/=> 0x\w+ <third\+\d+>:\t\w+.*\n(?: +0x\w+ <\w+(?:\+\d+)?>:\t\w+.*\n){19}/, 'instructions',
    qr/rip +0x\w+ +0x\w+ <third\+\d+>/, 'registers',
    qr/\$6 = 1\n/, 'the base of FS',
    qr/add \(a=32, b=b\@entry=1\)/, 'a temporary breakpoint',
    qr/calls \(\) at .*debugged\.c:\d+/, 'until and step end in the caller',
    qr/\* 1    Thread \d+\.\d+ "main" \(stopped\)/, 'threads have names, and tell what they do',
    qr/r-xp .* archive\n/, 'monitor maps',
    qr/of type \d+\n.*memory object \d+, archive/s, 'monitor handles',
    qr/\d+  gdbserver\n.*\d+  debugged  \(debugged\)/s, 'monitor ps',
    qr/no such command; `monitor help`/, 'a wrong monitor command is told',
    qr/\[Inferior 1 \(process \d+\) detached\]/, 'detach',
);
session('watching', <<'GDB',
hbreak first
run
delete
watch total
rwatch where.x
continue
continue
info registers xmm0
set var total = 7
print total
delete
continue
print $_exitcode
GDB
    qr/Hardware assisted breakpoint 1 at .*Breakpoint 1, first \(n=/s, 'a breakpoint of the processor\'s',
    qr/Hardware read watchpoint 3: where\.x\n\nValue = 3\n/, 'who reads a variable',
    qr/Hardware watchpoint 2: total\n\nOld value = 0\nNew value = 14\n/, 'who writes it',
    qr/v4_float = \{/, 'vector registers are shown as numbers',
    qr/\$\d = 7\n/, 'a variable is set',
    qr/\[debugged\] result \d+\n/, 'what the program writes is shown, marked',
    qr/exited with code 052\]\n\$\d = 42\n/, 'and how it ends',
);

session('registers', <<'GDB',
set args vectors segments
break debugged.c:vectors
run
finish
print $st0
print $mxcsr
set var $xmm0.v2_double[0] = 2.5
set var $ymm3.v8_int32[7] = 77
stepi
print $xmm0.v2_double[0]
print $ymm3.v8_int32[7]
tbreak segments
continue
set var $own = $fs_base
set var $fs_base = (long)&bases[0]
set var $gs_base = (long)&bases[1]
finish
print based
try set var $gs_base = 1L << 62
print $gs_base == &bases[1]
set var $fs_base = $own
continue
info threads
GDB
    qr/Breakpoint 1, vectors \(x=x\@entry=1\.5\)/, 'a breakpoint',
    qr/Value returned is \$1 = 5\.25/, 'a result in a vector register',
    qr/\$2 = [-\w.]+\n/, 'the x87 unit is shown',
    qr/\$3 = \[ .*IM.* \]/, 'and the control word of the vectors, by flags',
    qr/= 2\.5\n\$\d = 77\n/, 'SSE and AVX registers are set, and kept',
    qr/act \(what=.*\n\$\d = \{17, 34\}\n/s, 'the bases of FS and GS are set, and the program sees them',
    qr/Could not write register "gs_base".*\n\$\d = 1\n/, 'one that is no address is refused',
    qr/\[debugged\] segments 1\n.*exited with code 052\]\nNo threads\./s, 'and with its own it ends',
);

session('faults', <<'GDB',
set args crash
run
print $_siginfo._sifields._sigfault.si_addr
bt
continue
run
signal 0
kill
GDB
    qr/Program received signal SIGSEGV, Segmentation fault\.\ncrash \(at=at\@entry=0x10\)/, 'a segmentation fault',
    qr/\$1 = \(void \*\) 0x10/, 'its address',
    qr/#0  crash .*#2 .* main \(argc=2/s, 'where it was',
    qr/Program terminated with signal SIGSEGV/, 'passed on, it ends the program',
    qr/received signal SIGSEGV.*received signal SIGSEGV/s, 'run again, and not passed on, it comes again',
);

session('threads', <<'GDB',
set args threads
break threads_meet
run
info threads
set scheduler-locking on
thread 2
print $a = counts[1], $b = counts[0]
stepi 8
print counts[1] + counts[0] > $a + $b
thread 3
set var $before = counts[0] + counts[1]
thread 1
stepi 3
print counts[0] + counts[1] - $before
set scheduler-locking off
set var go_on = 0
delete
continue
GDB
    qr/Thread \d+ "main" hit Breakpoint 1, threads_meet \(\)/, 'the breakpoint is met by one',
    qr/1 .*"main" \(stopped\).*\n.*"worker" \((running|suspended)\) .*worker \(.*\n.*"worker" .*worker \(/,
        'all are listed',
    qr/\$\d+ = 1\n/, 'one is stepped',
    qr/\$\d+ = 0\n/, '19: the others stand while one steps alone',
    qr/\[debugged\] joined\n.*exited with code 052/s, 'all go on to the end',
);

session('a condition', <<'GDB',
set args loop
set breakpoint always-inserted on
break tick if i == 199
run
print i
info breakpoints
delete
set args flags
tbreak flags
run
stepi 40
delete
continue
set args calls
tbreak main
run
step 1000
info threads
GDB
    qr/Breakpoint 1, tick \(i=i\@entry=199\).*\$1 = 199/s, 'is true the two hundredth time',
    qr/stop only if i == 199 \(target evals\)\n\s*breakpoint already hit 1 time/, 'which the server finds out',
    qr/\[debugged\] flags 0\n/, '21: a step shows in no flags that the program pushes',
    qr/result 28\n.*exited with code 052\].*No threads\./s, '20: a program that ends under step is told',
);

open my $words, '>', "$dir/words" or die "$dir/words: $!\n";
print $words join '', map { pack 'V', $_ * 2654435761 % 4294967296 } 1 .. 65536;
close $words;
session('memory', <<"GDB",
set args memory
break memory_filled
run
dump binary memory $dir/dump space+8126464 space+9699328
restore $dir/words binary space
dump binary memory $dir/back space+258048 space+262144
find /w space, +262144, 0x9e3779b1
try x/2xw 0x10
try set var *(int *)0x10 = 1
set var *(char *)memory_filled = 0x90
x/1xb memory_filled
print /x *(unsigned char *)memory_filled
kill
GDB
    qr/Breakpoint 1, memory_filled/, 'a breakpoint',
    qr/Restoring binary file .*words into memory/, 'a quarter of a MiB is restored',
    qr/0x\w+\n1 pattern found/, 'and found in memory',
    qr/Cannot access memory at address 0x10\n/, '14: memory that is not there is an error',
    qr/Cannot access memory at address 0x10\n/, '15: to write it too',
    qr/memory_filled>:\t0x90\n/, '18: what is written over a breakpoint is read, and the breakpoint is not',
);
is(-s "$dir/dump", 3 << 19, 'a MiB and a half are dumped');
is(Machine::slurp("$dir/dump"), join('', "\0" x (1 << 18), 'x' x (1 << 20), "\0" x (1 << 18)), 'as they are');
is(Machine::slurp("$dir/back"), substr(Machine::slurp("$dir/words"), -4096), 'what was restored is there, to its end');

# Ctrl-C, in a loop without system calls and in a call that blocks; then the debugger is killed in the middle of it.
for (['spin', qr/spin \(\)/], ['wait', qr/zx_object_wait_one .*blocked \(\)/s]) {
    my ($what, $frame) = @$_;
    session($what, <<"GDB",
set args $what
break main
run
break calls
signal-me SIGINT
continue
bt
info threads
signal-me SIGKILL
continue
GDB
        qr/received signal SIGINT.*$frame.*in act \(.*in main \(/s, '10: Ctrl-C stops it where it is',
        qr/"main" \((running|waiting for an object)\)/, 'and what it was doing is told');
}

# They go on, without the breakpoints; and are attached to by another debugger, which fetches the program from here.
my $list = $machine->gdb("monitor ps");
my @pids = $list =~ /(\d+)  debugged\n/g;
cmp_ok(scalar @pids, '>=', 2, 'the programs of the killed debuggers live') or diag($list);
my $text = session('attach', <<"GDB",
attach $pids[-2]
print \$a = counts[0]
x/1xb calls
detach
attach $pids[-2]
print counts[0] > \$a
x/1xb main
detach
attach $pids[-1]
bt
kill
attach $pids[-2]
kill
try attach 1
GDB
    qr/spin \(\)/, 'a program that was there before',
    qr/calls>:\t0x55\n/, '17: the killed debugger\'s breakpoint is gone',
    qr/= 1\n.*main>:\t0x55/s, 'it went on all the time',
    qr/blocked \(\)/, 'and one that is blocked',
    qr/killed\].*killed\]/s, 'both are killed',
    qr/Attaching to .* failed|[Aa]ttach.*failed/, 'who is not there cannot be attached to',
);

# Two instances of one text.
$text = session('two instances', <<'GDB',
set args spin
break spin
run
delete
detach
set args loop
tbreak tick
run
break tick
monitor ps
GDB
    qr/Temporary breakpoint 2, tick/, 'one meets a breakpoint',
);
my ($other) = $text =~ /(\d+)  debugged\n/;
session('the other', "attach $other\nx/1xb tick\nx/1xb spin\nkill",
    qr/tick>:\t0x(?!cc)\w\w\n.*spin>:\t0x(?!cc)/s, 'is not changed, and runs on');

# Without a program's file: it is read from the machine.
$text = $machine->gdb("set remote exec-file bin/debugged\nset args calls\nstarti\ninfo files\nkill\n",
    '-ex', 'echo \n');
like($text, qr/Reading \/bin\/debugged from remote target.*Entry point: 0x1\w+\n/s,
    'the program is read from the machine');

session('a child', <<'GDB',
set args child
set detach-on-fork off
set follow-fork-mode child
break calls
run
info inferiors
bt
kill inferiors 1 2
set detach-on-fork on
set follow-fork-mode parent
inferior 1
delete
run
GDB
    qr/Breakpoint 1.*, calls \(\)/, 'the breakpoint is met by the process that the program starts',
    qr/  1 +process \d+ .*\* 2 +process \d+ /s, 'which is another inferior',
    qr/\[debugged\] child 42\n/, 'or it is let alone',
);

my $result = $machine->finish;
is_deeply([Machine::faults($result)], [], 'the machine ends well');
like($result->{console}, qr/result \d+\n/, 'what was written after a detach is on the console');
done_testing;
