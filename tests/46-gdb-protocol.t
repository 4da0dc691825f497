# GDB's protocol without GDB: what other debuggers do, or an older one, and what GDB does only when it is in a hurry.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Debugged;
use RemoteProtocol;
use Test::More;

Machine::leave_make();
my $machine = Debugged->start(dir => 'build/tests/gdb-protocol', smp => 2, timeout => 120);
my %at = map { /^(\w+) \w (\w+)$/ ? ($2 => hex $1) : () } `nm $machine->{elf}`;
my $gdb;

sub begin { $gdb = RemoteProtocol->new($machine->{line}{path}); return }

# Runs the program with those arguments; returns its process's number, and its thread's id.
sub run {
    my $stop = $gdb->ask('vRun;' . join ';', map { unpack 'H*', $_ } 'bin/debugged', @_);
    my ($pid, $thread) = $stop =~ /thread:(p(\w+)\.\w+);/ ? ($2, $1) : die "run: $stop\n";
    return ($pid, $thread);
}
sub byte { my ($addr) = @_; return unpack 'H*', $gdb->read($addr, 1) }
sub put { my ($addr, $digits) = @_; return $gdb->ask(sprintf 'M%x,%x:%s', $addr, length($digits) / 2, $digits) }
sub insert { my ($addr) = @_; return $gdb->ask(sprintf 'Z0,%x,1', $addr) }
sub remove { my ($addr) = @_; return $gdb->ask(sprintf 'z0,%x,1', $addr) }

sub meets {
    my ($addr, $what) = @_;
    like($gdb->ask('vCont;c'), qr/^T05thread:\S*swbreak/, "$what: it is met");
    is($gdb->pc, $addr, "$what: with the pc at it");
    return;
}

# What a debugger asks first.
begin();
is($gdb->ask('vMustReplyEmpty'), '', 'what is not known has an empty answer');
is($gdb->ask('?'), 'W00', 'nothing runs yet');
my ($pid, $thread) = run('trap');
my $xml = $gdb->ask('qXfer:features:read:target.xml:0,8000');
is_deeply([$xml =~ /<feature name="org\.gnu\.gdb\.i386\.(\w+)">/g], [qw(core sse linux segments avx)],
    '6: registers are in features that GDB knows');
my $bits = 0;
$bits += $_ for $xml =~ /<reg name="\w+" bitsize="(\d+)"/g;
is(length($gdb->ask('g')), $bits / 4, '5: all of them at once are as long as their description says');
is($gdb->ask('vCont?'), 'vCont;c;C;s;S;t;r', '2: what is offered');
is($gdb->ask('qfThreadInfo'), "m$thread", '4: threads are listed');
is($gdb->ask('qsThreadInfo'), 'l', '4: and the list ends');
is($gdb->ask('vKill;a410'), 'E03', 'a process that GDB makes up is none');
is($gdb->ask('QDisableRandomization:0'), 'OK', 'where programs lie a debugger may choose');
like($gdb->ask("qXfer:exec-file:read:$pid:0,fff"), qr{^l/bin/debugged\z}, 'the program\'s file');
like($gdb->ask('qXfer:memory-map:read::0,fff'), qr/^l<\?xml.*<memory-map>.*<memory type="ram" start=/s,
    'the memory\'s map');
is($gdb->ask(sprintf 'Z3,%x,4', $at{total}), '', 'to watch who only reads the processor cannot');

# A breakpoint that is the program's own.
my $stop = $gdb->ask('vCont;c');
like($stop, qr/^T05thread:\Q$thread\E;/, '1: a stop says whose it is');
unlike($stop, qr/swbreak/, '7: the program\'s own breakpoint is none of the debugger\'s');
is(byte($gdb->pc - 1), 'cc', '7: and the pc is behind it');
is($gdb->ask('vCont;c'), "W2a;process:$pid", 'the end says of which process');

# The bases of segments, one set by itself and one among all registers; what is no address is refused.
use constant {FS_BASE => 58, GS_BASE => 59};
sub quad { my ($value) = @_; return unpack 'H*', pack 'Q<', $value }
sub base { my ($number) = @_; return $gdb->ask(sprintf 'p%x', $number) }
sub set_base { my ($number, $value) = @_; return $gdb->ask(sprintf 'P%x=%s', $number, quad($value)) }
my (%offset, $offset);
for my $reg ($xml =~ /<reg (.*?)\/>/g) {
    my ($name, $bits) = $reg =~ /name="(\w+)" bitsize="(\d+)"/;
    $offset{$name} = $offset // 0;
    $offset += $bits / 4;
}
($pid, $thread) = run('segments');
insert($at{segments});
meets($at{segments}, 'the function that reads by segments');
remove($at{segments});
my $own = unpack 'Q<', pack 'H*', base(FS_BASE);
my $return = unpack 'Q<', $gdb->read(unpack('Q<', pack 'H*', $gdb->ask('p7')), 8);
insert($return);
is(set_base(FS_BASE, $at{bases}), 'OK', 'the base of FS is set');
my $all = $gdb->ask('g');
substr $all, $offset{gs_base}, 16, quad($at{bases} + 8);
is($gdb->ask("G$all"), 'OK', 'and that of GS, with all registers');
is($gdb->ask('g'), $all, 'which are as they were written');
is(set_base(FS_BASE, 1 << 62), 'E16', 'a base that is no address is refused');
my $wrong = $all;
substr $wrong, $offset{$_}, 8, 'f' x 8 for qw(rax mxcsr);
is($gdb->ask("G$wrong"), 'E16', 'so are flags of the vectors that are none, among all registers');
is($gdb->ask('g'), $all, 'and nothing is changed');
meets($return, 'the function\'s caller');
remove($return);
is($gdb->read($at{based}, 16), pack('Q<2', 0x11, 0x22), 'and has read what is there');
set_base(FS_BASE, $own);
is($gdb->ask('vCont;c'), "W2a;process:$pid", 'with its own base it runs to its end');

# A step onto an instruction that faults.
($pid, $thread) = run('crash');
insert($at{crash});
meets($at{crash}, 'the function that crashes');
remove($at{crash});
like($gdb->ask("vCont;s:$thread"), qr/^T0bthread:\Q$thread\E;/, 'a step that faults is told as the fault');
is($gdb->pc, $at{crash}, 'at the instruction');
is($gdb->ask('vCont;C0b'), "X0b;process:$pid", 'which ends the program when it is passed on');

# Breakpoints that a debugger writes itself, and steps over itself.
($pid, $thread) = run('loop');
my $tick = $at{tick};
my $was = byte($tick);
is($gdb->ask(sprintf 'X%x,0:', $tick), 'OK', 'a probe for X is taken');
is(byte($tick), $was, 'and changes nothing');
is(put($tick, 'cc'), 'OK', 'a breakpoint is written');
is(byte($tick), 'cc', 'and read');
for my $time (1, 2) {
    meets($tick, "a written breakpoint, $time");
    put($tick, $was);
    is(byte($tick), $was, 'what was there is written back');
    like($gdb->ask("vCont;s:$thread"), qr/^T05thread/, 'a step over it');
    isnt($gdb->pc, $tick, 'which gets beyond it');
    put($tick, 'cc');
}
is(insert($tick), 'OK', 'one is inserted over it');
is(byte($tick), 'cc', '18: what was written shows');
is(remove($tick), 'OK', 'taken out');
is(byte($tick), 'cc', 'what was written stays');
meets($tick, 'a written breakpoint, after another was taken out over it');
put($tick, $was);
is(insert($tick), 'OK', 'one is inserted');
is(byte($tick), $was, '18: it does not show');
put($tick, 'cc');
is(byte($tick), 'cc', 'until one is written over it');
put($tick, $was);
is(byte($tick), $was, '18: which is overwritten');
like($gdb->ask("vCont;s:$thread"), qr/swbreak/, 'the one that was inserted stays');
put($tick, 'cc');
is(remove($tick), 'OK', 'it is taken out');
is(byte($tick), 'cc', 'and the one that was written stays');
put($tick, $was);
like($gdb->ask('vCont;c'), qr/^W2a/, 'without them it runs to its end');

# Breakpoints of a debugger that goes; and bytes that only look like some.
($pid) = run('spin');
put($tick, 'cc');
put($at{scratch}, 'cc');
$gdb->send('vCont;c');
$gdb->close;
begin();
like($gdb->ask("vAttach;$pid"), qr/^T00thread/, 'the connection broke, and comes again');
is(byte($tick), $was, '17: a breakpoint that was written is taken out');
is(byte($at{scratch}), 'cc', 'the same byte in data stays');

# Data that looks like an error.
is(put($at{scratch}, unpack 'H*', 'E01'), 'OK', 'data begins with E');
is($gdb->ask(sprintf 'm%x,3', $at{scratch}), '453031', '13: in digits');
is($gdb->ask(sprintf 'x%x,3', $at{scratch}), 'bE01', '13: in binary, with a letter before it');
is($gdb->ask(sprintf 'X%x,3:E02', $at{scratch}), 'OK', '13: written in binary');
is($gdb->read($at{scratch}, 3), 'E02', 'it is what was written');
put($at{scratch}, 'e01a');
is($gdb->ask(sprintf 'm%x,2', $at{scratch}), 'e01a', '13: digits are small letters, an error\'s E is a capital');

# Files that a debugger has left open.
my $open = 'vFile:open:' . unpack('H*', 'bin/debugged') . ',0,0';
$gdb->ask($open) for 1 .. 8;
is($gdb->ask($open), 'F-1,18', 'not more than eight files are open');
$gdb->close;
begin();
is($gdb->ask($open), 'F0', 'a new session has them all');

# What GDB makes a core file of: mappings that no file is behind.
$gdb->ask("vAttach;$pid");
is($gdb->ask('vFile:open:' . unpack('H*', '/proc/' . hex($pid) . '/maps') . ',0,0'), 'F1', 'mappings are a file');
my $maps = $gdb->ask('vFile:pread:1,fff,0');
like($maps, qr/^F[0-9a-f]+;(?:\w+-\w+ [r-][w-][x-]p \w+ 00:00 0 .*\n)+\z/, 'whose lines name no other file');
like($maps, qr/ r-xp .* archive\n.* rw-p .* stack\n/s, 'but say what is there');
my ($edge) = map { hex } $maps =~ /-(\w+) r[^\n]*\n(?!0*\1-)/;
like($gdb->ask(sprintf 'm%x,20', $edge - 8), qr/^[0-9a-f]{16}\z/, '14: at the end of a mapping as much as there is');
like($gdb->ask(sprintf 'm%x,20', $edge), qr/^E..\z/, '14: and beyond it an error');
like(put($edge - 8, '00' x 32), qr/^E..\z/, '15: to write less than all is an error');

# Steps within a range are not told.
($thread) = $gdb->threads;
my ($begin, $end) = @at{qw(spin worker)};
$gdb->ask("Hg$thread");
$gdb->send(sprintf 'vCont;r%x,%x:%s', $begin, $begin + 4096, $thread);
is($gdb->receive(0.3), undef, 'no step within the range is told');
syswrite $gdb->{socket}, "\x03";
like($gdb->receive, qr/^T02thread:\Q$thread\E/, '10: Ctrl-C ends them');
my $pc = $gdb->pc;
ok($pc >= $begin && $pc < $begin + 4096, 'within it');
is($gdb->receive(0.2), undef, '10: and is answered once');
like($gdb->ask("vCont;s:$thread"), qr/^T05thread/, 'a step after that');
isnt($gdb->pc, $pc, 'is one of its own');
$pc = $gdb->pc;
like($gdb->ask(sprintf 'vCont;r%x,%x:%s', $pc, $pc + 1, $thread), qr/^T05thread/, 'a step out of the range is told');
isnt($gdb->pc, $pc, 'when it is out');
is($gdb->ask("vCont;r1:$thread"), 'E16', 'half a range is an error');

# What only LLDB asks.
my $triple = unpack 'H*', 'x86_64-unknown-none';
like($gdb->ask('qHostInfo'), qr/^triple:$triple;endian:little;ptrsize:8;\z/, 'the host');
like($gdb->ask('qProcessInfo'), qr/^pid:$pid;triple:/, 'the process');
like($gdb->ask(sprintf 'qMemoryRegionInfo:%x', $pc), qr/^start:\w+;size:\w+;permissions:rx;\z/, 'a region');
is($gdb->ask('QThreadSuffixSupported'), 'OK', 'a thread may be named with a register');
like($gdb->ask("p10;thread:$thread;"), qr/^[0-9a-f]{16}\z/, 'and its register is told');
is($gdb->ask('QListThreadsInStopReply'), 'OK', 'stops are to list threads');
like($gdb->ask("vCont;s:$thread"), qr/^T05thread:.*;threads:\Q$thread\E;\z/, 'and do');
is_deeply([map { $gdb->ask($_) } qw(jThreadsInfo qShlibInfoAddr qRegisterInfo0 QSaveRegisterState)], [('') x 4],
    'what it can do without is not known');

is($gdb->ask('QPassSignals:4;zz'), 'E16', 'signals that are none are an error');
is($gdb->ask("vKill;$pid"), 'OK', 'kill');
$gdb->close;
is_deeply([Machine::faults($machine->finish)], [], 'the machine ends well');
done_testing;
