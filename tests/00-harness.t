# The harness itself: what must fail does, and for the right reason. Kernels that misbehave on demand, an emulator that
# lies, and reports that are almost good.
use strict;
use warnings;
use FindBin;
use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use Time::HiRes qw(sleep);
use lib "$FindBin::Bin/lib";
use DebugLine;
use Machine;
use Test::More;

my $out = Machine::out('debug');
my $dir = 'build/tests/harness';

sub provoke {
    my ($provoke, %args) = @_;
    my $machine = Machine->new(
        kernel => "$out/kernel-test.elf", bootfs => "$out/bootfs-test", dir => $dir, fw => 'pvh',
        cmdline => "kernel.test=unit test.only=harness/ test.provoke=$provoke", %args,
    );
    return $machine->run;
}

sub faults_of { return join '; ', Machine::faults(provoke(@_), plan => 1) }

is(faults_of('nothing'), '', 'a good kernel is found good');
like(faults_of('panic'), qr/the kernel panicked/, 'a panic is noticed');
like(faults_of('hang', timeout => 4), qr/^ran out of time/, 'a hang is noticed');
like(faults_of('wrong'), qr{failed: harness/nothing is provoked}, 'a wrong result is noticed');
like(faults_of('truncate'), qr/planned \d+ tests, saw \d+/, 'a truncated run is noticed');
like(faults_of('triple'), qr/QEMU exited with 0 \(the machine reset itself/, 'a triple fault is noticed');

# What a panic leaves for whoever must find out why.
my $log = Machine::slurp("$dir/kernel.log");
unlike($log, qr/PANIC/, 'the log of a triple fault knows of no panic');
faults_of('panic');
$log = Machine::slurp("$dir/kernel.log");
like($log, qr/PANIC: /, 'a panic says why');
like($log, qr/rip ffffffff8[0-9a-f]{7} .* panicking\+0x/, 'shows where it was');
for my $register (qw(rsp rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r11 r12 r13 r14 r15 cr0 cr2 cr3 cr4)) {
    like($log, qr/^.* \b$register +[0-9a-f]{16}\b/m, "shows the registers ($register)");
}
unlike($log, qr/\brsp 0{16}/, 'as they were');
like($log, qr/backtrace:.*panic\+0x.*kernel_tests_main\+0x.*main_entry\+0x/s, 'and who called whom, by name');

# What the physmap does not give.
like(faults_of('text'), qr/the kernel panicked/, 'the text of the kernel is not writable at its other address');
like(Machine::slurp("$dir/kernel.log"), qr/PANIC: page fault in the kernel, writing 0xffff80/, 'and the panic says so');
like(faults_of('hole'), qr/the kernel panicked/, 'what lies between RAM is not there');
like(Machine::slurp("$dir/kernel.log"), qr/PANIC: page fault .* reading 0xffff8000000a0000/, 'and it says so');

# Two that panic at once: one message, and its own processor's registers.
for my $try (1 .. 5) {
    like(faults_of('together', smp => 2), qr/the kernel panicked/, 'two processors panic at once');
    $log = Machine::slurp("$dir/kernel.log");
    my ($where) = my @messages = $log =~ /PANIC.*: (here|there)$/mg;
    is(@messages, 1, 'and one says so');
    like($log, qr/rip .* panic_$where\+0x/, 'with its own registers');
    like($log, qr/backtrace:.* panic_$where\+0x/s, 'and its own calls');
    like($log, qr/\] on processor [01]$/m, 'which processor it was');
    is((grep { !/^\[ *\d+\.\d+\] / } split /\r?\n/, $log), 0, 'no line is torn');
}

# A counter that differs is no clock.
is(faults_of('skew', smp => 2), '', 'processors whose counters differ run');
$log = Machine::slurp("$dir/kernel.log");
like($log, qr/clock: ACPI's timer, because the processors' counters differ$/m, 'and take another clock');
faults_of('nothing', smp => 2);
unlike(Machine::slurp("$dir/kernel.log"), qr/clock:/, 'those whose counters agree do not');

# What the machine itself reports ends in the same way. It is told to by way of the emulator's own monitor.
sub reported {
    my ($command) = @_;
    my $monitor = "$dir/monitor";
    unlink $monitor;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        for (1 .. 300) {
            sleep 0.1;
            next unless Machine::slurp("$dir/kernel.log") =~ /hangs/;
            my $socket = IO::Socket::UNIX->new(Peer => $monitor) or next;
            print $socket "$command\n";
            sleep 1;
            last;
        }
        POSIX::_exit(0);
    }
    my $faults = faults_of('hang', smp => 1, timeout => 30, qemu_flags => "-monitor unix:$monitor,server=on,wait=off");
    waitpid $pid, 0;
    like($faults, qr/the kernel panicked/, "the machine reports: $command");
    return Machine::slurp("$dir/kernel.log");
}
$log = reported('nmi');
like($log, qr/PANIC: non-maskable interrupt in the kernel: port 0x61 reads 0x\w+$/m, 'what it was, by the board');
like($log, qr/\] on processor 0$/m, 'and where');
$log = reported('mce 0 1 0xbd00000000000135 0x4 0x12345678 0x8c');
my $noted = qr/bank 1, status 0xbd00000000000135, address 0x12345678/;
like($log, qr/PANIC: machine check in the kernel: $noted$/m, 'what it was, by the processor');

like(faults_of('stack'), qr/the kernel panicked/, 'C6 a kernel stack that overflows meets its guard page');
like(Machine::slurp("$dir/kernel.log"), qr/PANIC: kernel stack overflow \(at 0x\w+\)$/m, 'and the panic says so');

# What debug kernels notice of their own mistakes, and the words in which they tell.
my %told = (
    overflow => qr{tests/kernel/provoke\.c:\d+: undefined behaviour: 2147483647 \+ 1 does not fit 'int'},
    fence => qr{heap: 0x\w+, 100 bytes: written behind its end, at byte 100},
    stale => qr{heap: 0x\w+, room for 128 bytes: written at byte 50 while it was free},
    link => qr{heap: 0x\w+, room for 128 bytes: written at byte 0 while it was free},
    twice => qr{heap: 0x\w+, room for 128 bytes: freed while it was free},
    page => qr{page 0x\w+: written at byte 0 while it was free},
);
for my $mistake (sort keys %told) {
    my $result = provoke($mistake);
    like(join('; ', Machine::faults($result, plan => 1)), qr/the kernel panicked/, "a mistake is noticed ($mistake)");
    like($result->{log}, qr/PANIC: $told{$mistake}$/m, 'and told');
}

# The verdict on made-up runs: a good one first, then each with one thing wrong.
my @good = ('# boot', '1..2', 'ok 1 - a', 'ok 2 - b', '# end');

sub verdict {
    my ($report, %args) = @_;
    return join '; ', Machine::faults({exit => 33, signal => 0, timed_out => 0, report => $report, %args}, plan => 1);
}

is(verdict(\@good), '', 'a complete report');
like(verdict(\@good, exit => 0), qr/exited with 0/, 'QEMU ending with 0 is a failure, whatever was reported');
like(verdict(\@good, exit => 1), qr/exited with 1/, 'so is its ending with 1');
like(verdict(\@good, exit => undef, signal => 11), qr/signal 11/, 'and by a signal');
like(verdict(\@good, exit => 35), qr/exited with 35/, 'and as if the first program had failed');
like(verdict(['# boot', @good]), qr/2 boot banners/, 'a second boot banner');
like(verdict([@good[1 .. 4]]), qr/0 boot banners/, 'no boot banner');
like(verdict([@good[0 .. 3]]), qr/no end marker/, 'no end marker');
like(verdict([@good, 'ok 3 - c']), qr/no end marker/, 'something after the end marker');
like(verdict([@good[0, 2, 3, 4]]), qr/0 plans/, 'no plan');
like(verdict([@good[0, 1, 1, 2, 3, 4]]), qr/2 plans/, 'two plans');
like(verdict([@good[0, 2, 1, 3, 4]]), qr/plan is not first/, 'a late plan');
like(verdict([@good[0, 1, 2, 4]]), qr/planned 2 tests, saw 1/, 'a missing test');
like(verdict([@good[0, 1, 2, 2, 4]]), qr/out of order/, 'a test seen twice');
like(verdict([@good[0, 1, 2], 'not ok 2 - b', '# end']), qr/failed: b/, 'a failed test');
like(verdict([@good[0, 1, 2], 'ok', '# end']), qr/planned 2 tests, saw 1/, 'a garbled test');
is(Machine::faults({exit => 33, signal => 0, timed_out => 0, report => []}), 2, 'no report at all');

# The line to debuggers, with a socket in the emulator's place: what arrives of a packet whose last bytes come by
# themselves, after so much that the relay has passed the rest on.
sub bytes_of {
    my ($from, $count) = @_;
    my $bytes = '';
    my $select = IO::Select->new($from);
    while (length $bytes < $count && $select->can_read(5)) { sysread $from, $bytes, $count, length $bytes or last }
    return $bytes;
}

my $line = DebugLine->open($dir);
my $end = IO::Socket::UNIX->new(Local => $line->{line}, Listen => 1) or die "$line->{line}: $!\n";
my $machine = $end->accept;
syswrite $machine, '+';
$line->wait_ready;
my $debugger = IO::Socket::UNIX->new(Peer => $line->{path}) or die "$line->{path}: $!\n";
syswrite $debugger, '?';
is(bytes_of($machine, 1), '?', 'a debugger is heard');
my $most = '$' . 'x' x 65536 . '#';
syswrite $machine, $most;
is(length bytes_of($debugger, length $most), length $most, 'a long packet is passed on before its end has come');
syswrite $machine, '55';
is(bytes_of($debugger, 2), '55', 'and its end by itself');
close $machine;
is(bytes_of($debugger, 1), '', 'the line ends with the machine');

done_testing;
