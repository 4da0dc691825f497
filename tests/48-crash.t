# Crash reports, of each kind of crash there is, as a person sees them: beside the console under `make run APP=`, and on
# the screen in the monitor.
use strict;
use warnings;
use Cwd qw(getcwd);
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Make;
use Test::More;

my $dir = getcwd . '/build/tests/crash';
my $make = Make->new($dir, limit => 240);

# Runs itself once for each crash, waits, and says how it ended; then crashes by the first argument itself.
my $source = $make->program('app.c', <<'C');
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/debug.h>
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/object.h>
#include "user/lib/launch.h"
#define KEPT __attribute__((noinline, noclone))
static const int fixed = 1;
static unsigned char data[64] = {0xc3};
static volatile int zero;
static void *volatile nowhere = NULL;
KEPT static void read_null(int *at) { zero = *at; }
KEPT static void caller(int n, int *at) { if (n > 0) caller(n - 1, at); else read_null(at); zero = n; }
static void null(void) { caller(2, (int *)8); }
static void constant(void) { *(volatile int *)&fixed = 2; }
static void execute(void) { ((void (*)(void))(void *)data)(); zero = 1; }
static void jump(void) { ((void (*)(void))nowhere)(); zero = 1; }
KEPT static int deep(int n) { volatile char room[256]; room[0] = (char)n; return deep(n + 1) + room[0]; }
static void stack(void) { zero = deep(0); }
static void undefined(void) { __asm__ volatile("ud2"); }
static void breakpoint(void) { __asm__ volatile("int3"); }
static void divide(void) { zero = 100 / zero; }
static void odd(void) { *(volatile int *)0x8000000000000000 = 1; }
static void library(void) { zero = (int)strlen((char *)nowhere + 16); }
KEPT static void loops(void) {
    static void *loop[2];
    loop[0] = loop, loop[1] = __builtin_return_address(0);
    __asm__ volatile("mov %0, %%rsp; mov %0, %%rbp; ud2" :: "r"(loop));
}
static void lost(void) { __asm__ volatile("mov $8, %rsp; mov $-8, %rbp; ud2"); }
KEPT __attribute__((optimize("omit-frame-pointer"))) static void plain(int *at) {
    volatile int some[20] = {0};
    some[*at] = 1;
}
static void frameless(void) { plain((int *)8); zero = 1; }
static void shrunk(void) {
    zx_handle_t vmo;
    zx_vaddr_t at;
    zx_vmo_create(8192, ZX_VMO_RESIZABLE, &vmo);
    zx_object_set_property(vmo, ZX_PROP_NAME, "shrunk", 6);
    zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, 8192, &at);
    zx_vmo_set_size(vmo, 4096);
    *(volatile char *)(at + 4096) = 1;
}
static pthread_barrier_t together;
static void *thread(void *at) { pthread_barrier_wait(&together); zero = *(volatile int *)at; return NULL; }
static void threads(void) {
    pthread_t ids[4];
    pthread_barrier_init(&together, NULL, 4);
    for (int i = 0; i < 4; i++) pthread_create(&ids[i], NULL, thread, (void *)16);
    for (int i = 0; i < 4; i++) pthread_join(ids[i], NULL);
}
/* Handles the process's exceptions: goes on behind the ud2. */
static zx_handle_t own;
static void *handler(void *unused) {
    zx_exception_info_t info;
    zx_handle_t exception, crashed;
    zx_thread_state_general_regs_t regs;
    uint32_t state = ZX_EXCEPTION_STATE_HANDLED;
    zx_object_wait_one(own, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL);
    zx_channel_read(own, 0, &info, &exception, sizeof(info), 1, NULL, NULL);
    zx_exception_get_thread(exception, &crashed);
    zx_thread_read_state(crashed, ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof(regs));
    regs.rip += 2;
    zx_thread_write_state(crashed, ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof(regs));
    zx_object_set_property(exception, ZX_PROP_EXCEPTION_STATE, &state, sizeof(state));
    zx_handle_close(exception);
    return unused;
}
static void handled(void) {
    pthread_t id;
    zx_task_create_exception_channel(zx_process_self(), 0, &own);
    pthread_create(&id, NULL, handler, NULL);
    undefined();
    exit(5);
}
/* The reporter's own crash: the addresses on init's stack, which is that large, become ones that cannot be. */
static void init(void) {
    static zx_info_maps_t maps[64];
    static unsigned char garbage[8192];
    zx_koid_t first;
    zx_handle_t process;
    size_t count;
    memset(garbage, 0x41, sizeof(garbage));
    zx_object_get_info(zx_job_default(), ZX_INFO_JOB_PROCESSES, &first, sizeof(first), &count, NULL);
    zx_object_get_child(zx_job_default(), first, ZX_RIGHT_SAME_RIGHTS, &process);
    zx_object_get_info(process, ZX_INFO_PROCESS_MAPS, maps, sizeof(maps), &count, NULL);
    for (size_t i = 0; i < count; i++) {
        if (maps[i].type != ZX_INFO_MAPS_TYPE_MAPPING || maps[i].size != 256 << 10) continue;
        zx_vaddr_t top = maps[i].base + maps[i].size;
        zx_process_write_memory(process, top - sizeof(garbage), garbage, sizeof(garbage), &count);
    }
}
static const struct { const char *name; void (*run)(void); } crashes[] = {
    {"null", null}, {"constant", constant}, {"execute", execute}, {"jump", jump}, {"stack", stack},
    {"undefined", undefined}, {"breakpoint", breakpoint}, {"divide", divide}, {"odd", odd}, {"library", library},
    {"loops", loops}, {"lost", lost}, {"frameless", frameless}, {"shrunk", shrunk}, {"threads", threads},
    {"handled", handled}, {"init", init},
};
/* Once it has a debugger: one that comes later than the crash sees only the thread's end. */
static void attended(void) {
    zx_info_process_t info = {.debugger_attached = false};
    while (!info.debugger_attached)
        zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL);
    null();
}
/* A child under a debugger that passes its crash on, when it has told that it has seen it. */
static void debugged(void) {
    const char *const args[] = {"app", "attended", NULL};
    zx_handle_t child, channel, exception;
    zx_exception_info_t info;
    if (launch_program("app", args, &child, NULL) != ZX_OK) return;
    zx_task_create_exception_channel(child, ZX_EXCEPTION_CHANNEL_DEBUGGER, &channel);
    do zx_object_wait_one(channel, ZX_CHANNEL_READABLE, zx_deadline_after(ZX_SEC(5)), NULL);
    while (zx_channel_read(channel, 0, &info, &exception, sizeof(info), 1, NULL, NULL) == ZX_OK &&
           info.type == ZX_EXCP_THREAD_STARTING && zx_handle_close(exception) == ZX_OK);
    printf("debugger: %x\n", info.type);
    zx_handle_close(channel);
    zx_handle_close(exception);
    zx_object_wait_one(child, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, NULL);
}
static void all(void) {
    for (size_t i = 0; i + 1 < sizeof(crashes) / sizeof(*crashes); i++) {
        const char *const args[] = {"app", crashes[i].name, NULL};
        zx_handle_t child;
        int64_t code = 0;
        if (launch_program("app", args, &child, NULL) == ZX_OK) launch_wait(child, &code);
        printf("%s %lld\n", crashes[i].name, (long long)code);
    }
}
int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc > 1 && strcmp(argv[1], "all") == 0) return all(), debugged(), 3;
    if (argc > 1 && strcmp(argv[1], "attended") == 0) attended();
    for (size_t i = 0; argc > 1 && i < sizeof(crashes) / sizeof(*crashes); i++) {
        if (strcmp(argv[1], crashes[i].name) == 0) crashes[i].run();
    }
    return 0;
}
C

my ($code, $stdout, $stderr) = $make->run('/dev/null', 'run', "APP=$source", 'ARGS=all', 'FW=pvh');
is($code, 3, 'a program whose children crash ends as it wants to');
my @ends = split /\n/, $stdout;
is_deeply([grep { !/ -1028$/ } @ends], ['handled 5', 'debugger: 108'], 'what crashes gets the return code -1028')
    or diag($stdout);

# The reports in order; in words of ours what the linker decides.
my ($x, $line) = (qr/0x[0-9a-f]{12}/, qr{ at \S+/app\.c:\d+});
my @reports = split /^(?=app \d+ crashed)/m, join '', map { /^jargoon: (.*\n)/ ? $1 : () } split /^/, $stderr;
my %report;
for my $name (map { /^(\w+) -1028$/ ? $1 : () } @ends) { $report{$name} = shift(@reports) // '' }
is(scalar @reports, 1, 'a process that crashes has one report, and one whose debugger passes it on too');

my $null = $report{null} =~ s/\b[0-9a-f]{16}\b/VALUE/gr =~ s/$x/ADDRESS/gr =~ s/\d{4,}/KOID/gr =~ s/\+0x\w+/+N/gr
    =~ s/pc, 0x\w+/pc, PC/r =~ s{at \S+/(app\.c):\d+}{at $1:LINE}gr;
is($null =~ s/^  #\d .*(libc_start|__port_start|_start).*\n//mgr, <<'TEXT', 'the whole of a report');
app KOID crashed in thread main KOID: a page fault
it reads 0x8, where nothing is mapped
backtrace:
  #0 ADDRESS read_null+0 at app.c:LINE
  #1 ADDRESS caller+N at app.c:LINE
  #2 ADDRESS caller+N at app.c:LINE
  #3 ADDRESS caller+N at app.c:LINE
  #4 ADDRESS main+N at app.c:LINE
registers:
    rax VALUE    rbx VALUE    rcx VALUE    rdx VALUE
    rsi VALUE    rdi VALUE    rbp VALUE    rsp VALUE
     r8 VALUE     r9 VALUE    r10 VALUE    r11 VALUE
    r12 VALUE    r13 VALUE    r14 VALUE    r15 VALUE
    rip VALUE  flags VALUE     fs VALUE     gs VALUE
mapped around the pc, PC:
   ADDRESS-ADDRESS r-- archive
 > ADDRESS-ADDRESS r-x archive
   ADDRESS-ADDRESS r-- archive
mapped around the address, 0x8:
 > nothing
   ADDRESS-ADDRESS r-- archive
TEXT

my %says = (
    constant => qr/^it writes 0x\w+, where .* cannot be written: r-- archive\n.*\n  #0 $x constant\+\S+$line$/m,
    execute => qr/^it executes 0x\w+, where .* cannot be executed: rw- data\n.*\n  #0 $x \?.*\n  #1 $x execute\+/m,
    jump => qr/^it executes 0, where nothing is mapped\nbacktrace:\n  #0 $x \?\n  #1 $x jump\+\S+$line\n/m,
    stack => qr/^it writes \w+, where nothing is .*: its stack, .* run out\n.*\n(  #\d+ $x deep.*\n){24}  and so on$/m,
    undefined => qr/: an undefined instruction\nbacktrace:\n  #0 $x undefined\+\S+$line\n/,
    breakpoint => qr/: a breakpoint instruction, and no debugger\nbacktrace:\n.* breakpoint\+0x/,
    divide => qr/: a division by zero, or .*\nbacktrace:\n.* divide\+0x/,
    odd => qr/: an address that cannot be, or .*\nbacktrace:\n.* odd\+0x/,
    library => qr/^it reads 0x10,.*\n.*\n  #0 $x strlen\+.*\n  #1 $x library\+\S+$line\n  #2 .* main\+/m,
    loops => qr/\n  #0 $x loops\+.*\n(  #1 .*\n)?registers:/,
    lost => qr/\n  #0 $x lost\+.*\nregisters:(\n.*){2} rsp 0000000000000008\n/,
    frameless => qr/\n  #0 $x plain\+.*\n  #1 $x frameless\+\S+$line\n  #2 .* main\+/,
    shrunk => qr/^it writes 0x\w+000, where the mapping has no memory behind it: rw- shrunk\n.*\n.*\n  #1 $x main\+/m,
    threads => qr/^app \d+ crashed in thread (?!main)\w+ \d+: a page fault\nit reads 0x10, .*\n.*\n  #0 $x thread\+/m,
);
like($report{$_}, $says{$_}, "a report: $_") for sort keys %says;
diag($stdout, $stderr) unless Test::More->builder->is_passing;

# A program that may lie anywhere.
($code, $stdout, $stderr) = $make->run('/dev/null', 'run', "APP=$source", 'ARGS=null', 'FW=pvh', 'PIE=1');
is($code, 139, 'a crash is status 139');
like($stderr, qr/^jargoon:   #0 $x read_null\+\S+$line\njargoon:   #1 $x caller\+\S+$line$/m, 'its lines are found');
is(() = $stderr =~ /crashed in|crash: /g, 1, 'and it is told once') or diag($stderr);

# Whoever reports dies of its own crash as others do: here init, and the machine with it.
($code, $stdout, $stderr) = $make->run('/dev/null', 'run', "APP=$source", 'ARGS=init', 'FW=pvh', 'TIMEOUT=20',
    'PRIVILEGED=1');
is($code, 139, "init's own crash ends the machine");
like($stderr, qr/^jargoon: crash: .* process \d+ 'init'/m, 'and the log tells it') or diag($stderr);

# In the monitor: a program in the background whose text is filled with breakpoints, in main() or on its way there.
my $typed = $make->program('typed', "start watcher count\nfill watcher 1001000 4096 0xcc\nwait watcher\n");
($code, $stdout, $stderr) = $make->run($typed, 'run', 'CMDLINE=init.run=monitor', 'FW=pvh');
like($stdout, qr/^watcher \d+ crashed in thread main \d+: a breakpoint instruction, and no debugger\nbacktrace:
  #0 $x (?:main|_\w+)\+0x\w+\n(  #.*\n)*registers:\n(    .*\n){5}mapped .*\n   $x-$x r--.*\n > $x-$x r-x.*\n/m,
    'the monitor reports a crash, with names');
is(() = $stdout =~ /^watcher \d+ crashed$/mg, 1, 'and then that the program has ended') or diag($stdout);
done_testing;
