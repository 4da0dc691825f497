# `make run` as a newcomer types it: the tour, and programs of one's own from anywhere, with their output and exit
# status.
use strict;
use warnings;
use Cwd qw(getcwd);
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Make;
use POSIX ();
use Test::More;

my $dir = getcwd . '/build/tests/run and spaces';
my $make = Make->new($dir);
sub make { return $make->run(@_) }
sub program { return $make->program(@_) }

sub app {
    my ($file, @args) = @_;
    return make('/dev/null', 'run', "APP=$file", @args);
}

# The tour.
for my $stdin ('/dev/null', 'closed') {
    my ($code, $stdout, $stderr) = make($stdin, 'run');
    is($code, 0, "make run ends well with standard input from $stdin");
    my @missing = grep { $stdout !~ $_ } @{TOUR()};
    is_deeply(\@missing, [], 'the tour shows every scene and every error');
    is_deeply([not_said($stdout)], [], 'and says what README.md shows of it');
    diag($stdout, $stderr) if $code || @missing;
}

# Lines of the tour as README.md shows it that are not in the output; addresses and counts may differ.
sub not_said {
    my ($stdout) = @_;
    my ($command, @shown) = split /\n/, Machine::slurp('book/pictures/tour.txt');
    my %said = map { s/0x[0-9a-f]+|\d+/N/gr => 1 } split /\n/, $stdout;
    return grep { !$said{$_ =~ s/0x[0-9a-f]+|\d+/N/gr} } @shown;
}

# The scenes of the tour, and every error of the call's page.
sub TOUR {
    return [
        qr/"nobody has written here".*"hello from your parent"/s, qr/ends in "left\|", the second begins with "right"/,
        qr/write 100 bytes,.*ZX_OK, 60\b/s,
        qr/is 0xcc in the first.*gets 42\..*behind the breakpoint.*ZX_OK, 1 byte\n.*goes on and gets 42\./s,
        qr/does not carry the right to write +ZX_ERR_ACCESS_DENIED/,
        qr/closed +ZX_ERR_BAD_HANDLE/, qr/not a process +ZX_ERR_WRONG_TYPE/,
        qr/killed +ZX_ERR_BAD_STATE/, qr/not cached +ZX_ERR_BAD_STATE/,
        qr/NULL +ZX_ERR_INVALID_ARGS/, qr/not mapped +ZX_ERR_INVALID_ARGS/, qr/half .* mapped +ZX_ERR_INVALID_ARGS/,
        qr/0 bytes .* +ZX_ERR_INVALID_ARGS/, qr/64 MiB and one byte .* +ZX_ERR_INVALID_ARGS/,
        qr/no memory at the address +ZX_ERR_NO_MEMORY/, qr/^That was the tour\. All \d+ things/m,
    ];
}

# Firmware reads the console as well, and must not get what is meant for the system: the end of the input above all.
my ($uefi, $console) = make(program('script', "run hello UEFI\n"), qw(run FW=uefi TIMEOUT=60));
is($uefi, 0, 'make run ends well under UEFI too');
like($console, qr/^hello, UEFI\n\z/m, 'and no byte of its input is lost');

# From here on nothing depends on the firmware but what says so: no image for it to boot need be made.
$ENV{FW} = 'pvh';

# Exit statuses.
my $exit = program('exit status.c', <<'C');
#include <stdlib.h>
int main(int argc, char **argv) { return argc > 1 ? atoi(argv[1]) : 99; }
C
for my $status (0, 1, 3, 42, 255) {
    my ($code, $stdout, $stderr) = app($exit, "ARGS=$status");
    is($code, $status, "a program's exit status $status is make's");
    is($stdout, '', 'and nothing is on standard output');
    diag($stderr) if $code != $status;
}

# Arguments and exact output.
my $args = program('args.c', <<'C');
#include <stdio.h>
#include <zircon/syscalls.h>
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) printf("[%s]\n", argv[i]);
    printf("no newline at the end");
    return 0;
}
C
my ($code, $stdout, $stderr) = app($args, q(ARGS=plain "two words" 'single $HOME "quoted"' a\ b '' x=1,y ; * "it's"));
is($code, 0, 'a program with arguments runs');
is($stdout, join('', map { "[$_]\n" } 'plain', 'two words', 'single $HOME "quoted"', 'a b', '', 'x=1,y', ';', '*',
    "it's") . 'no newline at the end', 'it gets its arguments as a shell would split them, and its output is exact');
diag($stderr) if $code;

($code, $stdout) = app($args);
is($stdout, 'no newline at the end', 'no arguments are no arguments');

($code, $stdout, $stderr) = app($args, 'ARGS="open');
isnt($code, 0, 'a quote that is not closed is refused');

# Standard input: what is typed, or comes from a file, from its first byte on.
my $typed = program('typed', "first line\nsecond line, longer than what the machine holds for us\n\nXrest");
($code, $stdout, $stderr) = make($typed, 'run', 'FW=bios', 'APP=' . program('typed.c', <<'C'));
#include <stdio.h>
int main(void) {
    char line[80];
    for (int i = 0; i < 3 && fgets(line, sizeof(line), stdin); i++)
        printf("[%.*s]", (int)__builtin_strcspn(line, "\n"), line);
    return getchar();
}
C
is($stdout, '[first line][second line, longer than what the machine holds for us][]',
    'a program reads its input by lines');
is($code, ord 'X', 'and by single bytes');
diag($stderr) if $code != ord 'X';

($code, $stdout, $stderr) = make($typed, 'run', 'PRIVILEGED=1', 'APP=' . program('resource.c', <<'C'));
#include <stdio.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/syscalls.h>
int main(void) {
    if (zx_handle_close(zx_take_startup_handle(PA_HND(PA_RESOURCE, 0))) != ZX_OK) return 1;
    return getchar();
}
C
is($code, ord 'f', 'a program that has taken the root resource, and closed it, still has standard input');
diag($stderr) if $code != ord 'f';

# What one may expect of a program in C that knows nothing of this system: much memory, standard input, numbers.
my $numbers = program('numbers', join '', "first line\n", "abc 42\n", map { "$_\n" } 1 .. 200);
($code, $stdout, $stderr) = make($numbers, 'run', 'APP=' . program('ordinary.c', <<'C'));
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static char table[8 << 20];
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void) {
    char first[64], word[20], large[1 << 20], *line = NULL;
    size_t capacity = 0;
    long number, sum = 0;
    int lines = 0, *many = malloc(100000 * sizeof(*many));
    ssize_t len = read(STDIN_FILENO, first, sizeof(first));
    printf("read %zd %.*s", len, (int)len, first);
    if (scanf("%19s %ld\n", word, &number) == 2) printf("%s=%ld\n", word, number);
    while (lines < 200 && getline(&line, &capacity, stdin) > 0) sum += atol(line), lines++;
    memset(large, 1, sizeof(large));
    table[sizeof(table) - 1] = large[sizeof(large) - 1];
    for (int i = 0; i < 100000; i++) many[i] = i * 7919 % 100003;
    qsort(many, 100000, sizeof(*many), compare);
    for (int i = 1; i < 100000; i++) lines += many[i] < many[i - 1];
    printf("%d lines, sum %ld, %.3f, %d\n", lines, sum, strtod("2.5e-1", NULL), table[sizeof(table) - 1]);
    return 0;
}
C
is($code, 0, 'an ordinary program ends well');
is($stdout, "read 11 first line\nabc=42\n200 lines, sum 20100, 0.250, 1\n", 'and does what it does elsewhere');
diag($stderr) if $code;

# C++, and both ways to be linked.
my $cxx = <<'CXX';
#include <stdio.h>
#include <zircon/syscalls.h>
struct Shape {
    virtual int area() const = 0;
    virtual ~Shape() { puts("gone"); }
};
struct Square final : Shape {
    explicit Square(int given) : side(given) {}
    int area() const override { return side * side; }
    int side;
};
static Square square(3);
int main(int, char **argv) {
    const Shape *shape = new Square(2);
    printf("%s %d %d %d\n", argv[1], shape->area(), square.area(), zx_handle_close(ZX_HANDLE_INVALID));
    delete shape;
    return 6;
}
CXX
for my $case (['square.cc'], ['square.cpp'], ['square.cxx', 'PIE=1']) {
    my ($name, @more) = @$case;
    ($code, $stdout, $stderr) = app(program($name, $cxx), "ARGS=$name", @more);
    is($code, 6, "a C++ program runs: $name @more");
    is($stdout, "$name 4 9 0\ngone\ngone\n", 'and makes and destroys its objects');
    diag($stderr) if $code != 6;
}

# Input has an end, every byte in it comes through, also those that mean something on a serial line, and it comes fast:
# 100 KiB a second where nobody else wants the processors, and a tenth of that anywhere.
my $count = program('count.c', <<'C');
#include <stdio.h>
#include <time.h>
int main(void) {
    static unsigned counts[256];
    unsigned count = 0, sum = 0, same = 0;
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int c; (c = getchar()) != EOF; count++) sum += (unsigned)c, counts[c]++;
    clock_gettime(CLOCK_MONOTONIC, &end);
    for (int i = 1; i < 256; i++) same += counts[i] == counts[0];
    double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    printf("%u bytes, %u, %u", count, sum, same);
    printf(", %.0f KiB/s", count / 1024.0 / seconds);
    return count / 1024.0 / seconds < 10 && count > 1000;
}
C
my $bytes = pack('C*', 0 .. 255) x 400;
($code, $stdout) = make(program('bytes', $bytes), 'run', "APP=$count");
like($stdout, qr/^102400 bytes, 13056000, 255, \d+ KiB/, 'a program reads a file to its end, every byte of it');
is($code, 0, 'and in time');
note($stdout);
($code, $stdout) = app($count);
like($stdout, qr/^0 bytes, 0/, 'and sees that there is nothing to read');

# On a terminal: its lines, and Ctrl-D as the end; the monitor's prompt.
sub on_terminal {
    my ($command, @typed) = @_;
    my $typing = join '; ', map { /^\d$/ ? "sleep $_" : "printf '$_'" } @typed;
    return scalar `($typing) | script -qec "$command; echo status \\$?" /dev/null`;
}

$stdout = on_terminal("make run 'APP=$count'", 'one\n', 5, 'two\n', '\004', 3);
like($stdout, qr/8 bytes, 688,.*status 0/s, 'a program alone reads what is typed on the terminal');
$stdout = on_terminal('make run FW=pvh', 'hlp\033[D\033[De\r', 'exit\r', 5);
like($stdout, qr/^That was the tour.*jargoon> .*^processes\r?\n.*jargoon> .*status 0/ms, 'make run ends in the prompt');

# A terminal that is closed, with make as its first process, takes all with it that ran there: the emulator too, which
# `make gdb` keeps from what is typed. `deaf`: where SIGHUP is ignored, that the terminal is gone is seen.
sub processes_below {
    my ($top) = @_;
    my (%parent, %name);
    for (map { Machine::slurp($_) } glob '/proc/[0-9]*/stat') {
        my ($pid, $name, $state, $parent) = /^(\d+) \((.*)\) (\w) (\d+)/s or next;
        ($parent{$pid}, $name{$pid}) = ($parent, $name) if $state ne 'Z';
    }
    my @below = ($top);
    for my $at (@below) { push @below, grep { $parent{$_} == $at } keys %parent }
    return map { ($_ => $name{$_}) } @below[1 .. $#below];
}

sub is_there { return Machine::slurp("/proc/$_[0]/stat") =~ /\) [^Z] / }

sub close_terminal {
    my ($name, $command, $until) = @_;
    my $shown = "$dir/terminal";
    pipe my $from, my $typing or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDIN, '<&', $from;
        open STDOUT, '>', '/dev/null';
        exec 'script', '-qefc', $command, $shown or POSIX::_exit(127);
    }
    my $end = time + 60;
    select undef, undef, undef, 0.05 until Machine::slurp($shown) =~ $until || time > $end;
    like(Machine::slurp($shown), $until, "$name: is there, on a terminal");
    my %there = processes_below($pid);
    ok((grep { /^qemu/ } values %there), "$name: a machine runs");
    kill KILL => $pid;
    waitpid $pid, 0;
    $end = time + 10;
    my @left;
    while ((@left = grep { is_there($_) } keys %there) && time < $end) { select undef, undef, undef, 0.05 }
    is_deeply([sort @there{@left}], [], "$name: nothing of it is left when the terminal is closed");
    kill KILL => @left;
    unlink $shown;
    return;
}
close_terminal('make run', 'make run FW=pvh', qr/jargoon> /);
close_terminal('make run, deaf', 'trap "" HUP; exec make run FW=pvh', qr/jargoon> /);
close_terminal('make gdb', "make gdb 'APP=$exit'", qr/Temporary breakpoint 1, \S*main/); # main has a colour

# Ends that are no exit.
($code, $stdout, $stderr) = app(program('crash.c', <<'C'));
#include <stdio.h>
int main(void) {
    puts("before");
    fflush(stdout);
    *(volatile int *)8 = 1;
    puts("after");
    return 0;
}
C
is($code, 139, 'a crash is status 139');
like($stderr, qr/^jargoon: app \d+ crashed .*\njargoon: it writes 0x8, where nothing is mapped$/m,
    'standard error tells what it was');
is($stdout, "before\n", 'what was written before it is on standard output, and nothing else');

($code, $stdout, $stderr) = app(program('killed.c', <<'C'));
#include <zircon/process.h>
#include <zircon/syscalls.h>
int main(void) { return zx_task_kill(zx_process_self()); }
C
is_deeply([$code, $stdout], [137, ''], 'a killed program has status 137, and standard output is its own');
like($stderr, qr/the program was killed/, 'standard error says so');

# Arguments of as many bytes as make itself can be given, many or one; and more than that, which only a makefile has.
my $long = program('long.c', <<'C');
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv) {
    size_t len = 0;
    for (int i = 1; i < argc; i++) len += strlen(argv[i]);
    printf("%d, %zu, %s", argc, len, argv[argc - 1]);
    return 0;
}
C
(undef, $stdout) = app($long, 'ARGS=' . 'x ' x 65_000 . 'end');
is($stdout, '65002, 65003, end', '65,001 arguments arrive');
(undef, $stdout) = app($long, 'ARGS=' . 'x' x 131_000 . ' end');
is($stdout, '3, 131003, end', 'and one of 131,000 bytes');
my $more = program('more.mk', "ARGS := " . 'x ' x 65_600 . "\ninclude Makefile\n");
($code, $stdout, $stderr) = app($long, '-f', $more);
is($code, 125, 'a program with more does not start');
like($stderr, qr/^jargoon: app cannot be started: its arguments are longer than 128 KiB/m, 'and make says so');
is($stdout, '', 'on standard error');
($code, $stdout, $stderr) = make('/dev/null', 'run', 'CMDLINE=init.run=nosuch,hello');
is_deeply([$code, $stdout], [125, ''], 'what init complains of is not on standard output');
like($stderr, qr/^jargoon: nosuch cannot be started: the archive has no such file/m, 'but on standard error');

($code, $stdout, $stderr) = app(program('hang.c', 'int main(void) { for (;;) {} }'), 'TIMEOUT=4');
is($code, 124, 'a program that never ends is stopped, with status 124');
like($stderr, qr/^jargoon: the program did not end within 4 s \(TIMEOUT=\)$/m, 'and make says so');
unlike($stderr, qr/banner|marker/, 'and nothing else');

for my $bad (['SMP=65' => qr/^SMP=65 is no number of processors/m], ['CPU=nosuch' => qr/CPU model 'nosuch'/],
    ['MEM=foo' => qr/-m foo/], ['MACHINE=nosuch' => qr/unsupported machine type/]) {
    ($code, $stdout, $stderr) = app("$dir/hang.c", $bad->[0]);
    isnt($code, 0, "$bad->[0] is refused");
    like($stderr, $bad->[1], 'with the word of who refuses it');
    unlike($stderr, qr/banner|marker|ran out of time/, 'and no other');
}

($code, $stdout, $stderr) = app(program('wrong.c', 'int main(void) { return no_such_thing; }'));
isnt($code, 0, 'a program that does not compile fails');
like($stderr, qr/no_such_thing/, 'with the words of the compiler');

($code, $stdout, $stderr) = app("$dir/missing.c");
isnt($code, 0, 'a program that is not there fails');

# Several at once in one tree: each is itself.
my $beside = program('beside.c', <<'C');
#include <stdio.h>
#include <stdlib.h>
#include <zircon/syscalls.h>
int main(int argc, char **argv) {
    zx_nanosleep(zx_deadline_after(ZX_SEC(1)));
    printf("%s of %d", argv[1], argc);
    return atoi(argv[1]);
}
C
my %beside;
for my $status (51, 52, 53) {
    open $beside{$status}, '-|', 'make', 'run', "APP=$beside", "ARGS=$status" or die "make: $!\n";
}
for my $status (sort keys %beside) {
    is(join('', readline $beside{$status}), "$status of 2", "programs run beside each other ($status)");
    close $beside{$status};
    is($? >> 8, $status, 'and each has its own status');
}

# Other machines, by make's variables.
($code, $stdout) = app($exit, 'ARGS=7', 'FW=pvh', 'SMP=1', 'MACHINE=q35', 'CPU=qemu64', 'BUILD=debug', 'MEM=128M');
is($code, 7, 'FW, SMP, MACHINE, CPU, BUILD and MEM are heard');

done_testing;
