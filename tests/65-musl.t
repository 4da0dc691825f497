#!/usr/bin/perl
# musl's archive after user/libc's redirect: its code is as it was but for system calls. On the host, where an entry
# makes the system call after all, a program linked with it does what it does with musl's own. And each of musl's
# functions can be linked with the port layer.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Path 'make_path';
use Machine;
use Test::More;

my $dir = 'build/tests/musl';
make_path($dir);
my $out = Machine::out('debug');
my $lib = '/usr/lib/x86_64-linux-musl';
my $libgcc = `gcc -print-libgcc-file-name` =~ s/\n//r;

sub file {
    my ($name, $text) = @_;
    Machine::spew("$dir/$name", $text);
    return "$dir/$name";
}

sub runs { return system(@_) == 0 }

# --- the same program, linked with musl and with the redirected musl ---

# Two calls see the stack: the return from a signal handler (15), and clone (56) for a thread, which begins on a stack
# of its own, without the return address.
my $entry = file('entry.S', <<'S');
        .globl  __port_linux_entry
__port_linux_entry:
        cmp     $15, %eax
        je      3f
        cmp     $56, %eax
        jne     1f
        test    %rsi, %rsi
        jnz     2f
1:      syscall
        ret
2:      push    %rbx
        mov     8(%rsp), %rbx
        syscall
        test    %eax, %eax
        jz      4f
        pop     %rbx
        ret
3:      lea     136(%rsp), %rsp
        syscall
4:      lea     -128(%rsp), %rsp
        jmp     *%rbx
        .section .note.GNU-stack, "", @progbits
S
my $program = file('program.c', <<'C');
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
extern char **environ;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static volatile int handled;
static long sum;
static void handler(int number) { handled = number; }
static void *work(void *arg) {
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 20000; i++) {
        pthread_mutex_lock(&mutex);
        sum += (long)arg;
        pthread_mutex_unlock(&mutex);
    }
    sem_post(&semaphore);
    return arg;
}
static void threads(void) {
    pthread_t made[4];
    pthread_barrier_init(&barrier, NULL, 4);
    for (long i = 0; i < 4; i++) pthread_create(&made[i], NULL, work, (void *)(i + 1));
    for (int i = 0; i < 4; i++) sem_wait(&semaphore);
    for (int i = 0; i < 4; i++) pthread_join(made[i], NULL);
    printf("sum %ld\n", sum);
}
static void files(void) {
    char text[32] = "", name[] = "/tmp/redirect.XXXXXX";
    struct stat status;
    int fd = mkstemp(name);
    printf("write %zd ", pwrite(fd, "some text", 9, 3));
    printf("seek %ld ", (long)lseek(fd, 3, SEEK_SET));
    printf("read %zd ", read(fd, text, 31));
    printf("%s stat %d ", text, fstat(fd, &status));
    printf("%ld\n", (long)status.st_size);
    FILE *again = fdopen(fd, "r+");
    fprintf(again, "%d", 42);
    printf("close %d ", fclose(again));
    printf("unlink %d ", unlink(name));
    printf("access %d ", access(name, F_OK));
    printf("%d\n", errno);
}
static void processes(void) {
    pid_t child;
    int status = -1;
    char line[32] = "", *args[] = {"sh", "-c", "exit 7", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, 1, 5);
    int failed = posix_spawn(&child, "/bin/sh", &actions, NULL, args, environ);
    waitpid(child, &status, 0);
    FILE *pipe = popen("echo piped", "r");
    fgets(line, sizeof(line), pipe);
    printf("spawn %d %x, popen %s", failed, status, line);
    printf("pclose %d ", pclose(pipe));
    printf("system %d fork ", system("exit 3"));
    fflush(stdout);
    if ((child = fork()) == 0) _exit(9);
    waitpid(child, &status, 0);
    printf("%x\n", status);
}
static void signals(void) {
    struct timespec pause = {.tv_nsec = 1000000};
    sigset_t set;
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    printf("handled %d block %d ", handled, sigprocmask(SIG_BLOCK, &set, NULL));
    printf("kill %d ", kill(getpid(), SIGUSR2));
    printf("wait %d ", sigtimedwait(&set, NULL, &pause));
    printf("sleep %d poll %d\n", nanosleep(&pause, NULL), poll(NULL, 0, 1));
}
int main(void) {
    cpu_set_t cpus;
    void *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(memory, 1, 8192);
    memory = mremap(memory, 8192, 1 << 20, MREMAP_MAYMOVE);
    printf("%d %d ", ((char *)memory)[8191], ((char *)memory)[8192]);
    printf("%d %d ", munmap(memory, 1 << 20), sched_getaffinity(0, sizeof(cpus), &cpus));
    printf("%ld %d\n", sysconf(_SC_NPROCESSORS_ONLN), CPU_COUNT(&cpus));
    printf("%d %ld %d\n", getppid() > 0, sysconf(_SC_OPEN_MAX), open("/nowhere", O_RDONLY));
    threads();
    files();
    processes();
    signals();
    return 0;
}
C

sub output_with {
    my ($libc, @objects) = @_;
    my @flags = qw(-nostdinc -isystem /usr/include/x86_64-linux-musl -nostdlib -static -O1 -w);
    ok(runs('gcc', @flags, '-o', "$dir/program", "$lib/crt1.o", "$lib/crti.o", $program, @objects, $libc, $libgcc,
        $libc, "$lib/crtn.o"), "a program for the host is linked with $libc") or return 'nothing';
    my $output = `$dir/program`;
    is($?, 0, 'and ends well');
    return $output;
}

my $want = output_with("$lib/libc.a");
is(output_with("$out/user/libc.a", $entry), $want, 'files, threads, processes and signals are the same with both');

# --- code that needs care ---

# Assembles the text of a function, redirects it, and calls it from C: undef if it is refused.
sub result_of {
    my ($text) = @_;
    my $asm = file('code.S', ".text\n.globl code\n.type code, \@function\ncode:\n$text\n"
            . ".section .note.GNU-stack, \"\", \@progbits\n");
    my $main = file('main.c', "#include <stdio.h>\nlong code(long);\nint main(void) { printf(\"%ld\", code(39)); }\n");
    unlink "$dir/code.a";
    runs('gcc', '-c', '-o', "$dir/code.o", $asm) && runs('ar', 'rcs', "$dir/code.a", "$dir/code.o") or die;
    runs("user/libc/x86_64/redirect $dir/code.a $dir/ported.a 2>$dir/refused") or return undef;
    runs('gcc', '-o', "$dir/main", $main, $entry, "$dir/ported.a") or die;
    return `$dir/main`;
}

# 39 is getpid, whose result is positive; kept registers and the red zone are summed up.
my %code = (
    'registers, flags and the red zone are as they were' => [46,
        "movq \$7, -8(%rsp); movq \$39, -128(%rsp); mov %rdi, %rax; xor %edx, %edx; syscall; mov -8(%rsp), %rax;"
        . "add -128(%rsp), %rax; add %rdx, %rax; ret"],
    'a loop back to the call itself' => [3,
        "xor %esi, %esi; mov %rdi, %rax; 1: syscall; inc %rsi; mov %rdi, %rax; cmp \$3, %esi; jne 1b;"
        . " mov %rsi, %rax; ret"],
    'a jump to what follows the call' => [5,
        "xor %eax, %eax; cmp \$1, %edi; je 1f; mov \$39, %eax; syscall; 1: mov \$5, %eax; ret"],
    'a call at the end that does not return' => [0,
        "mov %rdi, %rax; syscall; xor %edi, %edi; mov \$60, %eax; syscall"],
    'what the linker fills in moves along' => [1,
        "lea flag(%rip), %r8; mov %rdi, %rax; syscall; movl \$1, flag(%rip); mov (%r8), %eax; ret;"
        . " .data; flag: .quad 0"],
);
is(result_of($code{$_}[1]), $code{$_}[0] || '', $_) for sort keys %code;
is(result_of("jmp 2f; 1: nop; 2: syscall; 3: jmp 4f; 4: jmp 1b; jmp 3b"), undef,
    'code without room for a call is refused');
like(Machine::slurp("$dir/refused"), qr{^redirect: code\.o: no room for a call at 3$}, 'with its place');

# --- every function links ---

# For each file of `nm`, what it defines (all of it, and for good), and what it needs.
sub symbols {
    my (%all, %strong, %needed);
    for (split /\n/, `nm -A -g @_ 2>/dev/null`) {
        my ($file, $type, $name) = /^(.*?):(?:\s*[0-9a-f]+)?\s+([A-Za-z]) (\S+)$/ or next;
        $needed{$name} = 1 if $type eq 'U';
        $all{$file}{$name} = 1 if $type !~ /[Uwv]/;
        $strong{$file}{$name} = 1 if $type !~ /[UwvWV]/;
    }
    return (\%all, \%strong, \%needed);
}

# The port's objects are linked whole and first. A member of musl's that is needed must define nothing that they do.
my @objects = map { s{^}{$out/user/obj/}r =~ s/\.c$/.o/r =~ s/\.S$/.S.o/r } glob 'user/libc/*.c user/libc/*/*.S';
my ($port_all, $port_strong) = symbols(@objects);
my ($musl_all, $musl_strong, $musl_needed) = symbols("$out/user/libc.a");
my ($gcc_all) = symbols($libgcc);
my %port = map { map { $_ => 1 } keys %$_ } values %$port_all;
my %port_strong = map { map { $_ => 1 } keys %$_ } values %$port_strong;
my (%defined, @twice);
for my $file (keys %$musl_all) {
    my @own = grep { !$port{$_} } keys %{$musl_all->{$file}};
    push @twice, grep { $port_strong{$_} } keys %{$musl_strong->{$file}} if @own;
    $defined{$_} = 1 for keys %{$musl_all->{$file}};
}
# Two members may have one name, as clone's two have, and are then told apart by nothing here.
is_deeply([grep { $_ ne '__clone' } sort @twice], [], 'no function of musl needs what the port layer replaces');
$defined{$_} = 1 for keys %port, (map { keys %$_ } values %$gcc_all), '_GLOBAL_OFFSET_TABLE_', 'main', '_DYNAMIC';
is_deeply([grep { !$defined{$_} } sort keys %$musl_needed], [], 'all that musl needs is there');
cmp_ok(scalar(grep { !/^__/ } keys %defined), '>', 1500, 'of more than 1,500 functions');

done_testing;
