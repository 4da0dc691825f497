# Debuggers as make starts them: `make gdb` with a program, `make run` that waits for one, and `make gdb` beside the
# monitor.
use strict;
use warnings;
use Cwd qw(getcwd);
use FindBin;
use JSON::PP qw(decode_json);
use lib "$FindBin::Bin/lib";
use Machine;
use Make;
use POSIX ();
use Test::More;

use constant PATIENCE => 60;

my $dir = getcwd . '/build/tests/gdb-make';
my $make = Make->new($dir, limit => 120);
my $program = $make->program('args.c', <<'C');
#include <stdio.h>
int main(int argc, char **argv) {
    printf("%d, the last is %s\n", argc, argv[argc - 1]);
    return 7;
}
C

# A person's words for GDB; `GDB=` takes a debugger with its arguments.
my $script = $make->program('script', <<'GDB');
print argv[2]
next
info source
continue
print $_exitcode
GDB
my ($code, $stdout, $stderr) =
    $make->run('/dev/null', 'gdb', "APP=$program", q(ARGS=one 'two words'), "GDB=gdb -batch -x $script");
is($code, 0, 'make gdb runs the debugger that is named, and ends as it does') or diag($stdout, $stderr);
my $rest = $stdout;
for my $wanted (
    [qr/programs write without a debugger is in \S+/, 'it says where else output is'],
    [qr/Temporary breakpoint 1, main \(argc=3, argv=0x\w+\) at .*args\.c:2\n/, 'it sits at main, with arguments'],
    [qr/\$1 = 0x\w+ "two words"/, 'which are as a shell splits them'],
    [qr/Current source file is .*args\.c/, 'source lines are there'],
    [qr/exited with code 07\]\n\$2 = 7\n/, 'it ends'],
) {
    ok($rest =~ s/^.*?$wanted->[0]//s, $wanted->[1]) or diag($stdout);
}

# A failed assertion stops where it is, with its callers; then the program ends as it does without a debugger.
my $failing = $make->program('failing.c', <<'C');
#include <assert.h>
static __attribute__((noinline)) void check(int number) { assert(number == 2); }
int main(void) {
    check(1);
    return 0;
}
C
my @failed =
    $make->run('/dev/null', 'gdb', "APP=$failing", q(GDB=gdb -batch -ex continue -ex bt -ex continue));
my $callers = qr{^#0  abort \(\).* check \(.*failing\.c:2\n.* main \(\) at \S*failing\.c:4\n}ms;
like($failed[1], qr{SIGTRAP.*$callers.*code 0206\]}s,
    'a failed assertion stops in the debugger with its callers, and ends with 134') or diag(@failed);

# Has make run something that is debugged from elsewhere by GDB with these words. In them TOLD is make's line, and the
# run's folder is that of the line: another test's run may have the first one. Its input is open until GDB has ended,
# and then is `end`. Returns what GDB wrote, and make's status, output and errors.
sub beside {
    my ($arguments, $words, $end) = @_;
    unlink "$dir/stderr";
    pipe my $input, my $typing or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        close $typing;
        my ($code) = $make->run('/dev/fd/' . fileno $input, @$arguments);
        POSIX::_exit($code);
    }
    close $input;
    my ($limit, $line) = (time + PATIENCE);
    select undef, undef, undef, 0.05
        until ($line) = Machine::slurp("$dir/stderr") =~ /^jargoon: (gdb -ex .*)\n/m or time > $limit;
    my ($folder) = ($line // '') =~ m{ (\S+/run[^/]*/)gdb\.sock};
    $words =~ s/TOLD/$line/ if $line;
    $words =~ s{build/release/run/}{$folder}g if $folder;
    my $text = $line ? `$words 2>&1` : '';
    print $typing $end;
    close $typing;
    waitpid $pid, 0;
    return ($text, $? >> 8, map { Machine::slurp("$dir/$_") } qw(stdout stderr));
}

like($stderr, qr/^\[app\] 3, the last is two words\n/m, 'what the program writes GDB shows, marked');

my $text;
my $batch = "-nx -q -batch -iex 'set remotetimeout 60'";
my $to_end = "-ex 'break main' -ex continue -ex 'print argc' -ex continue -ex 'print \$_exitcode'";
($text, $code, $stdout, $stderr) = beside(['run', "APP=$program", 'GDB=wait'], "TOLD $batch $to_end", '');
like($text, qr/Breakpoint 1, main \(argc=1, .*\$1 = 1\n.*exited with code 07\].*\n\$2 = 7\n/s,
    'make run with GDB=wait: the program waits, and the line that was told attaches to it') or diag($stderr);
like($stdout, qr{^1, the last is .*app\n\z}, 'its output is its own');
is($code, 7, 'and its exit status make\'s');

# What an editor makes of the lines in book/debugging.md, which speak of the same.
my ($lines) = Machine::slurp('book/debugging.md') =~ /^ +(\{"configurations".*?\]\}\]\})\n/ms;
my $editor = decode_json($lines =~ s/\$\{workspaceFolder\}/getcwd/egr)->{configurations}[0];
my $setup = join ' ', map { "-ex '$_->{text}'" } @{$editor->{customLaunchSetupCommands}};
($text, $code, $stdout, $stderr) = beside(['run', "APP=$program", 'GDB=wait'],
    "$editor->{MIMode} $batch -cd='$editor->{cwd}' '$editor->{program}' $setup $to_end", '');
like($text, qr/Breakpoint 1, main \(argc=1, .*args\.c:2\n.*exited with code 07\]/s, 'an editor attaches by its lines')
    or diag($text, $stderr);

my $attach = $make->program('attach', <<'GDB');
python
import re
gdb.execute("attach " + re.search(r"(\d+)  monitor\n", gdb.execute("monitor ps", to_string=True)).group(1))
end
info threads
detach
GDB
($text, $code, $stdout, $stderr) = beside(['gdb'], "TOLD $batch -x $attach", "exit\n");
like($text, qr/^\* 1 .* "main" \(waiting for .*\n +2 .* "keyboard" \(/m,
    'make gdb: the line that was told reaches a server beside the monitor');
like($text, qr/\[Inferior 1 \(process \d+\) detached\]/, 'GDB lets go of a program that it has attached to');
is($code, 0, 'and the monitor goes on to its end');
diag($text, $stdout, $stderr) unless Test::More->builder->is_passing;

# make debug: the kernel and the program, and a console that is shown, and typed to from elsewhere.
my $talker = $make->program('talker.c', <<'C');
#include <stdio.h>
int main(void) {
    puts("say something");
    printf("heard %c\n", getchar());
    return 0;
}
C
my $debugger = fork // die "fork: $!\n";
if (!$debugger) {
    my $words = "-nx -batch -ex continue -ex 'info address upcall_start' -ex 'hbreak talker.c:5' -ex continue";
    POSIX::_exit(($make->run('/dev/null', 'debug', "APP=$talker", "GDBFLAGS=$words"))[0]);
}
my ($limit, $where) = (time + PATIENCE);
my $saying = qr{`tests/machine console (\S+)`.*^say something$}ms;
select undef, undef, undef, 0.05 until ($where) = Machine::slurp("$dir/stdout") =~ $saying or time > $limit;
my $heard = $where ? `echo x | tests/machine console $where 2>&1` : '';
waitpid $debugger, 0;
$text = Machine::slurp("$dir/stdout");
is($?, 0, 'make debug ends as the debugger does');
like($text, qr/Breakpoint 1, main \(\) at .*talker\.c:2\n/, 'it comes to the main of the program');
like($text, qr/^Symbol "upcall_start" is a function at address 0xffff/m, 'with the kernel\'s symbols');
like($text, qr/^heard x$/m, 'what was typed on another terminal has arrived, and what is written is shown');
diag($text, $heard, Machine::slurp("$dir/stderr")) unless Test::More->builder->is_passing;
done_testing;
