# Files of the host's in a program, and of a program's on the host: FILES= and OUTFILES= of make run.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Make;
use Test::More;

my $dir = getcwd . '/build/tests/files and folders';
my $make = Make->new($dir);

# A megabyte of bytes of every kind, in no order.
my $state = 1;
my $bytes = join '', map { $state = ($state * 1103515245 + 12345) & 0x7fffffff; chr($state >> 16 & 255) } 1 .. 1 << 20;
my $data = $make->program('data file.bin', $bytes);
make_path("$dir/tree/inner");
Machine::spew("$dir/tree/a.txt", "A\n");
Machine::spew("$dir/tree/inner/b.txt", "B\n");
Machine::spew("$dir/tree/empty", '');

my $copy = $make->program('copy.c', <<'C');
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static void show(const char *path) {
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        struct stat status;
        char name[300];
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        if (entry->d_name[0] == '.' || stat(name, &status) != 0) continue;
        printf("%s %ld\n", name, S_ISDIR(status.st_mode) ? -1 : (long)status.st_size);
        if (S_ISDIR(status.st_mode)) show(name);
    }
    if (folder) closedir(folder);
}
static void copy(const char *from, const char *to) {
    static char bytes[1 << 20];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    if (!in || !out) exit(9);
    fwrite(bytes, 1, fread(bytes, 1, sizeof(bytes), in), out);
    fclose(in);
    fclose(out);
}
int main(int argc, char **argv) {
    printf("%d%d\n", isatty(0), isatty(1));
    show("tree");
    for (int i = 1; i + 1 < argc; i += 2) copy(argv[i], argv[i + 1]);
    FILE *own = fopen("tree/a.txt", "a+");
    char text[9] = "";
    fputs("more\n", own);
    rewind(own);
    fread(text, 1, 8, own);
    fputs(text, stdout);
    if (argc > 1) mkdir("out", 0777);
    return argc > 1 && rename("result", "out/a result") != 0;
}
C

my @left = map { getcwd . "/$_" } 'a result', 'jargoon-test-empty', 'jargoon-test-missing';
unlink @left;
my ($code, $stdout, $stderr) = $make->run('/dev/null', 'run', "APP=$copy", "FILES='$data' '$dir/tree/'",
    q(ARGS='data file.bin' result tree/empty jargoon-test-empty),
    q(OUTFILES='out/a result' jargoon-test-empty jargoon-test-missing));
is($code, 0, 'a program with files of the host runs');
is($stdout, "00\ntree/a.txt 2\ntree/empty 0\ntree/inner -1\ntree/inner/b.txt 2\nA\nmore\n",
    'it finds each file under the last part of its name, folders whole, and changes what it likes');
ok(Machine::slurp($left[0]) eq $bytes, 'a megabyte that it read, wrote and left is on the host, byte by byte');
ok(-e $left[1] && -z $left[1], 'so is a file of no bytes');
ok(!-e $left[2], 'one that it did not make is not');
like($stderr, qr/^jargoon: OUTFILES: the program left no jargoon-test-missing$/m, 'and standard error says so');
is(Machine::slurp("$dir/tree/a.txt"), "A\n", 'the host keeps its own');
diag($stderr) if $code;
unlink @left;

# A second make counts the steps of the first, while that runs: it knows neither, and writes nothing.
my $counted = 'build/tests/counted';
make_path($counted);
unlink glob "$counted/*";
$make->run('/dev/null', '-n', 'COUNTING=1', 'BUILD=release', "RUN=$counted", 'run', 'APP=x', 'OUTFILES=y');
is(join(' ', glob "$counted/*"), '', 'the make that counts steps leaves the names and arguments alone');

# Named from where make runs, as people do: a file, one in a folder, a folder, and what is in a folder.
my $near = 'build/tests/files and folders';
for my $case (['LICENSE', 'LICENSE'], ["'$near/tree/a.txt'", 'a.txt'], ["'$near/tree'", 'tree/a.txt'],
    ["'$near/tree/.'", 'a.txt'], ["'./$near/tree/../tree/inner/b.txt'", 'b.txt']) {
    my ($files, $name) = @$case;
    my $bootfs = "$dir/bootfs";
    is(system('user/mkbootfs', $bootfs, "files/=$files"), 0, "FILES=$files is taken");
    ok(Machine::slurp($bootfs) =~ /files\/\Q$name\E\0/, "and there is $name");
}

# What a program sends that has not left a file, or another than was asked for, or one twice.
my $hostile = $make->program('hostile.c', <<'C');
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls.h>
#include "user/libc/terminal.h"
int main(int argc, char **argv) {
    zx_handle_t input = __port_input_take();
    struct terminal_message message = {.act = TERMINAL_FILE};
    struct terminal_file file = {(uint64_t)atoll(argv[1]), 0, (uint64_t)atoll(argv[2])};
    memcpy(message.text, &file, sizeof(file));
    for (int i = 0; i < 1000; i++)
        zx_channel_write(input, 0, &message, TERMINAL_HEADER_LEN + sizeof(file), NULL, 0);
    return zx_object_wait_one(input, ZX_CHANNEL_PEER_CLOSED, zx_deadline_after(ZX_SEC(20)), NULL) == ZX_OK ? 42 : 1;
}
C
for my $case (['7 0', 'a file that was not asked for'], ['0 1', 'a file without its bytes'],
    ['0 1000000000000', 'a file without end']) {
    my ($args, $name) = @$case;
    ($code, $stdout, $stderr) =
        $make->run('/dev/null', 'run', "APP=$hostile", "ARGS=$args", 'OUTFILES=jargoon-test-missing', 'FW=pvh');
    is($code, 42, "a program that sends $name loses its channel");
    ok(!-e $left[2], 'and nothing is written');
}

($code, $stdout, $stderr) = $make->run('/dev/null', 'run', "APP=$copy", 'FILES=no-such-file');
isnt($code, 0, 'a file that is not there ends the run');
like($stderr, qr/^FILES: there is no no-such-file$/m, 'and its name is told');

($code, $stdout, $stderr) =
    $make->run("/dev/null", "run", "APP=$copy", "FILES='$dir/tree/a.txt' '$dir/tree/../tree/a.txt'");
isnt($code, 0, 'two files of one name end it too');
like($stderr, qr/^FILES: .* would both be files\/a\.txt$/m, 'and both are told');

# At a terminal.
my $terminal = $make->program('terminal.c', <<'C');
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
int main(void) {
    struct winsize size = {0};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    printf("[%d%d, %d by %d]\n", isatty(STDIN_FILENO), isatty(STDOUT_FILENO), size.ws_col, size.ws_row);
    return 0;
}
C
like(`script -qec "stty rows 33 cols 99; make run 'APP=$terminal'" /dev/null </dev/null`, qr/\[11, 99 by 33\]/,
    'a program knows a terminal when it has one, and how large the window is');

done_testing;
