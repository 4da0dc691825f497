# LLDB, Debian's own: attaches to a program in this machine, breaks by name, steps, shows variables and frames, and sees
# the program to its end. Skipped where it is not installed; `make deps` does not install it.
use strict;
use warnings;
use Cwd qw(getcwd);
use FindBin;
use lib "$FindBin::Bin/lib";
use Debugged;
use Make;
use Test::More;

my ($lldb) = grep { -x } map { my $dir = $_; map { "$dir/$_" } qw(lldb lldb-14) } split /:/, $ENV{PATH};
plan skip_all => 'lldb is not installed' unless $lldb;

Machine::leave_make();
my $dir = 'build/tests/lldb';
my $machine = Debugged->start(dir => $dir, args => [qw(debugged calls)], timeout => 200);
my @commands = map { ('-o', $_) } (
    'settings set plugin.process.gdb-remote.packet-timeout 60',
    'process connect --plugin gdb-remote unix-connect://' . getcwd . "/$dir/gdb.sock",
    'breakpoint set --name fifth', 'continue', 'bt', 'frame variable', 'print *at', 'register read rip xmm0',
    'memory region $pc', 'thread step-in', 'thread step-over', 'thread step-inst', 'thread step-out',
    'breakpoint delete --force', 'continue',
);
open my $out, '-|', 'sh', '-c', 'exec timeout 150 "$@" 2>&1', $lldb, $lldb, '--batch', '--no-lldbinit', $machine->{elf},
    @commands or die "$lldb: $!\n";
my $text = do { local $/; <$out> };
close $out;
my @wanted = (
    qr/_start at start\.S/, 'it attaches to a program at its first instruction',
    qr/stop reason = breakpoint 1\.1\n.*`fifth\(at=0x\w+, n=14\) at debugged\.c/, 'it breaks by name',
    qr/frame #1: .*`fourth\(n=13\).*frame #4: .*`first\(n=10\).*frame #7: .*`main\(argc=2/s, 'frames with arguments',
    qr/\(int\) n = 14\n/, 'variables',
    qr/\(point\) \$\d = \(x = 3, y = 4, name = "here"\)/, 'a struct',
    qr/rip = 0x\w+ .*`fifth.*xmm0 = \{/s, 'registers',
    qr/\[0x0*1001000-0x\w+\) r-x/, 'the mapping that the program is in',
    qr/stop reason = step in\n/, 'a step',
    qr/stop reason = step over\n/, 'a step over a call',
    qr/stop reason = instruction step into\n/, 'an instruction',
    qr/stop reason = step out\n.*`fourth\(n=13\)/s, 'a step out',
    qr/\[debugged\] result \d+\n/, 'what the program writes',
    qr/exited with status = 42/, 'how it ends',
);
my $rest = $text;
while (my ($pattern, $name) = splice @wanted, 0, 2) {
    my $found = $name =~ /^what the/ ? $text =~ $pattern : $rest =~ s/^.*?$pattern//s;
    ok($found, $name) or diag($text);
}
is_deeply([Machine::faults($machine->finish)], [], 'the machine ends well');

# As make starts it.
my $make = Make->new("$dir/make", limit => 120);
my $program = $make->program('seven.c', "int main(int argc, char **argv) {\n    return argc + 5;\n}\n");
my $words = $make->program('words', "frame variable argc\ncontinue\n");
my ($code, $stdout, $stderr) =
    $make->run('/dev/null', 'gdb', "APP=$program", 'ARGS=one', "GDB=$lldb --batch --no-lldbinit -s $words");
is($code, 0, 'make gdb runs LLDB where GDB= names it') or diag($stdout, $stderr);
like($stdout, qr/`main\(argc=2.* at seven\.c:2.*\(int\) argc = 2\n.*exited with status = 7/s, 'which sits at main');
done_testing;
