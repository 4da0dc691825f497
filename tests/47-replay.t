# Recordings: `make record`, `make replay`, and what is found by going backwards in GDB.
use strict;
use warnings;
use Cwd qw(getcwd);
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Make;
use Recording;
use Test::More;

my $dir = getcwd . '/build/tests/replay and spaces';
my $make = Make->new($dir, limit => 240);

# One byte is written by the program, where it should not be; another by the kernel, for a write_memory.
my $who = $make->program('who.c', <<'C');
#include <stdio.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
static int counter, told;
static void __attribute__((noinline)) innocent(void) { counter++; }
static void __attribute__((noinline)) culprit(int *at, int value) { *at = value; }
int main(void) {
    int value = 0;
    size_t actual;
    for (int i = 0; i < 10; i++) innocent();
    if (scanf("%d", &value) != 1) return 1;
    culprit(&counter, value);
    zx_process_write_memory(zx_process_self(), (zx_vaddr_t)&told, &value, sizeof(value), &actual);
    printf("%d %d\n", counter, told);
    return 7;
}
C
my $nowhere = '/dev/null';
my ($code, $stdout, $stderr) = $make->run($nowhere, 'replay', "APP=$dir/other.c");
like($stderr, qr/there is no recording of APP=.*other\.c; `make record APP=.*other\.c` makes one/,
    'replay of a program that was never recorded is an error');
isnt($code, 0, 'and a status');
{
    my $home = getcwd;
    mkdir "$dir/empty";
    chdir "$dir/empty" or die "$dir/empty: $!\n";
    ok(!eval { Recording->replay('') }, 'without any recording nothing is replayed');
    like($@, qr/there is no recording yet; `make record APP=file.c` makes one/, 'and the error says how to make one');
    chdir $home;
}

($code, $stdout, $stderr) = $make->run($make->program('input', "42\n"), 'record', "APP=$who");
is_deeply([$code, $stdout], [7, "42 42\n"], 'make record runs the program, with its input, output and status');
like($stderr, qr/recorded; `make replay` gives it back/, 'and says how to get it back') or diag($stderr);

# GDB on the last recording, to what it prints after these commands.
sub replay {
    my ($commands, @args) = @_;
    my $script = $make->program('script.gdb', "set pagination off\nset width 0\n$commands");
    return $make->run($nowhere, 'replay', "GDBFLAGS=-nx -batch -x 'build/tests/replay and spaces/script.gdb'", @args);
}

($code, $stdout, $stderr) = replay(<<'GDB', "APP=$who");
continue
tbreak who.c:14
reverse-continue
watch -location *$ram(&told)
reverse-continue
backtrace
delete
watch counter
reverse-continue
backtrace
delete
reverse-stepi
print counter
GDB
my ($ends, $kernel, $writer) = split /^Hardware watchpoint.*/m, $stdout;
like($ends, qr/main \(\) at .*who\.c:7\n.*The recording ends here\..*arch_power_off.*main \(\) at .*who\.c:14/s,
    'a replay begins in main, with its source, stops where the machine is switched off, and comes back from there');
like($kernel // '', qr/^#\d+ .* sys_process_write_memory \(/m, 'a byte that the kernel wrote: $ram(), and the call');
like($writer // '', qr/^#0 .* culprit \(.*value=42\) at .*who\.c:6\n#1 .* main \(\) at .*who\.c:12$/m,
    'who wrote this byte: one watch and one reverse-continue tell the function and its caller');
like($writer // '', qr/^\$1 = 10$/m, 'and a step back is what stood there before');
diag($stdout, $stderr) unless Test::More->builder->is_passing;

# One at a time.
{
    my $held = Recording->locked("APP=$who");
    like(($make->run($nowhere, 'replay', "APP=$who"))[2], qr/is being recorded or replayed already/, 'one at a time');
}

# One user test, which is another recording.
($code, $stdout) = $make->run($nowhere, 'record', 'TESTS=write_memory/T3\ the');
is($code, 0, 'make record runs user tests');
like($stdout, qr{^1\.\.2\nok 1 - write_memory/T3 the .*\nok 2 - write_memory/T3 the .*\n$}, 'those named');
($code, $stdout, $stderr) = replay("break sys_process_write_memory\ncontinue\n");
like($stdout, qr/^replaying TESTS=write_memory.*^Breakpoint 2, sys_process_write_memory /ms,
    'and replay gives them back');
diag($stdout, $stderr) unless Test::More->builder->is_passing;

# What cannot be recorded or replayed.
like(($make->run($nowhere, 'record'))[2], qr/APP=file\.c, or TESTS=.* says what/, 'record wants to know what');
like(($make->run($nowhere, 'record', "APP=$who", 'PIE=1'))[2], qr/leave PIE= out/, 'it takes no PIE=1');
like(($make->run($nowhere, 'record', "APP=$who", 'SMP=4'))[2], qr/with SMP=1 can be recorded, not 4/, 'nor SMP=4');
$make->program('app.elf', '');
{
    local $ENV{PATH} = $dir;
    no warnings 'exec';
    ok(!eval { Recording->replay('')->{machine}->under_gdb }, 'without gdb nothing is replayed');
    like($@, qr/^gdb: not found; `make deps` installs it/, 'and the error says what is missing');
    my %args = (kernel => $who, bootfs => $who, dir => $dir);
    ok(!eval { Recording->begin('APP=none', %args) }, 'nor recorded without');
    like($@, qr/qemu-img .* is it there\? `make deps` installs it/, 'qemu-img');
}
done_testing;
