# The monitor: each command, what it says to wrong words, its keys on a terminal, and its end; and the programs that
# are there to be read.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Path qw(make_path);
use Machine;
use Make;
use Test::More;

my $out = Machine::out('debug');
my $dir = 'build/tests/monitor';
make_path($dir);

# Of the window of a session, and of one whose size nobody has told.
use constant {COLUMNS => 120, COLUMNS_UNTOLD => 80};

# A line with nothing typed yet.
my $PROMPT = qr/jargoon> \e\[K$/;
my $ASKED = qr/treasure> \e\[K$/;

# The archive that the machine gets, and what its command line says of the window.
our $bootfs = "$out/bootfs-test";
our $window = '';

# Types each of the second ones when the output matches the first; returns what was on the screen.
sub talk {
    my (@talk) = @_;
    my $machine = Machine->new(
        kernel => "$out/kernel.elf", bootfs => $bootfs, dir => $dir, fw => 'pvh', console => 'talk',
        talk => \@talk, cmdline => "init.run=monitor$window",
    );
    my $result = $machine->run;
    my @faults = (Machine::faults($result), $result->{unsaid} ? "$result->{unsaid} pairs were not matched" : ());
    is_deeply(\@faults, [], 'the session ends well');
    diag($_) for Machine::explain($result, @faults);
    return $result->{console};
}

# Each command of a session, and what it must say.
sub session {
    my (@pairs) = @_;
    my @commands = map { $pairs[2 * $_] } 0 .. $#pairs / 2;
    local $window = ' init.rows=40 init.columns=' . COLUMNS;
    my $console = talk((map { ($PROMPT, "$_\r") } @commands), $PROMPT, "exit\r");
    my @answers = split /^.*jargoon> .*?\r\n/m, clean($console);
    shift @answers;
    fits(COLUMNS, @answers);
    while (my ($command, $want) = splice @pairs, 0, 2) {
        my $answer = shift @answers;
        like($answer, $want, $command);
    }
}

sub fits {
    my ($columns, @text) = @_;
    is_deeply([grep { length > $columns } map { split /\r?\n/ } @text], [], "no row has more than $columns columns");
    return;
}

# The screen without what moves the cursor: only the last drawing of a line that is being typed counts.
sub clean {
    my ($text) = @_;
    $text =~ s/^.*\r(?!\n)//mg;
    $text =~ s/\e\[[0-9;]*[A-Za-z]//g;
    return $text;
}

# Looking around. init has always the same place in memory, and its text is in the archive.
my $NONE = qr/^$/;
session(
    'ps' => qr/^[ ]+KOID[ ]+NAME[ ].*^[ ]+\d+[ ]+init[ ]+running[ ]+\d+K[ ].*
        ^[ ]+\d+[ ]+thread[ ]init[ ]+running.*^[ ]+\d+[ ]+monitor[ ].*thread[ ]keyboard/xms,
    'maps init' => qr/^The[ ]address[ ]space[ ]of[ ]init[ ]\d+:.*all[ ]of[ ]it.*
        0x0*1000000[ ]+\S+[ ]r--[ ]\#+[ ]+(\d+)\/\1[ ]+archive[ ]\d+\+0x\w+.*[ ]r-x[ ].*[ ]rw-[ ].*region/xs,
    'handles init' => qr/^Handles[ ]to[ ]init[ ]\d+,[ ]its[ ]own[ ]and[ ]others':[ ]\d+\..*
        ^[ ]{2}archive[ ]+koid[ ]\d+,[ ]\S+,[ ]\S+[ ]committed\n[ ]+duplicate[ ]transfer[ ]read[ ]execute[ ]map/xms,
    'handles' => qr/^  process +koid \d+, by handle 0x\w+\n      duplicate.*^  root resource +koid/ms,
    'programs' => qr/^[ ]{2}bomb[ ]+(?:(?!^[ ]{2}(?:init|monitor|gdbserver|tests)\b).)*
        ^[ ]{2}hello[ ]+The[ ]smallest[ ]program:[ ]it[ ]says[ ]hello,[ ]to[ ]whoever[ ]its[ ]arguments[ ]name\.\n
        ^[ ]{2}patcher[ ]+A[ ]detour/xms,
    'free' => qr/^Of 25\dM of memory.*^  free +2[45]\dM +#{35,40}$/ms,
    'help' => qr/^processes\n  ps +lists.*^  exit +switches/ms,
    'help dump' => qr/^dump PID ADDR \[LEN\]: shows memory/,
    'help zx_vmar_map' => qr/^Maps[ ]len[ ]bytes.*ZX_ERR_ACCESS_DENIED[ ]+either[ ]handle[ ]lacks.*\n
        -[ ][ ]No[ ]address.*\n[ ]{3}\w/xs,
    'time programs' => qr/hello.*^That took [\d.]+ ms\.$/ms,
    '' => $NONE,
    '# a comment' => $NONE,
    'run hello one "two words"' => qr/^hello, one, two words\n$/,
    'time run hello' => qr/^hello\nThat took/,
    'start watcher count' => qr/^watcher \d+ runs in the background\.\n$/,
    'maps watcher' => qr/r-x .*archive.* rw- .* data .*region.* rw- #\.+ +\d+\/2048  stack /s,
    'write watcher 0x1000000 "Hi \x41\n" 00 beef' => qr/^8 bytes written\.\n$/,
    'dump watcher 1000000 8' => qr/^000001000000 48 69 20 41 0a 00 be ef +\|Hi A\.\.\.\.\|\n$/,
    'dump watcher 1000ffc 8' => qr/^000001000ffc (\w\w ){8} /,
    'search watcher "Hi A"' => qr/^0x0*1000000  /,
    'search watcher 48692041' => qr/^0x0*1000000  /,
    'search watcher "no such text"' => qr/^It is nowhere in the memory of watcher\.$/,
    'fill watcher 1000000 0x10 255' => qr/^16 bytes filled\.$/,
    'dump watcher 1000000 0x11' => qr/^000001000000 (ff ){8} (ff ){8}\|\.{16}\|\n000001000010 \w\w  /,
    'dump watcher 0' => qr/^Nothing is mapped at 0 in watcher \d+\.$/,
    'write watcher 0 00' => qr/^Nothing is mapped at 0 in watcher/,
    'fill watcher 0 1 0' => qr/^0 bytes filled\.\nNothing is mapped at 0/,
    'where watcher' => qr/^watcher \d+, thread \d+ was stopped, at 0x10\w+\.\n  0x0*10\w+\n/,
    'step watcher 100' => qr/^watcher \d+, thread \d+ has made its step, at 0x10\w+\.\n$/,
    'regs watcher' => qr/has made its step, at (0x\w+)\.\n  rax +[0-9a-f]{16}  rbx .*  rip +0*10\w+ /s,
    'break watcher 0' => qr/^No breakpoint can be at 0: ZX_ERR_NO_MEMORY\.\n$/,
    'continue watcher' => qr/^watcher \d+ goes on, without breakpoints\.\n$/,
    'kill watcher' => qr/^watcher \d+ was killed\n$/,
    'start hello from afar' => qr/^hello (\d+) runs in the background\.\n(hello \1: hello, from, afar\n)?/,
    'run tour' => qr/^That was the tour\. All \d+ things/m,
    'privileged start watcher init 1000000 20' => qr/^watcher \d+ runs in the background\.$/m,
    'wait watcher' => qr/^watcher (\d+): +2\.0 s .*\nwatcher \1 ended with return code 0\n$/m,
);

# Wrong words: one line each, which names what was expected.
session(
    'nonsense' => qr/^There is no command 'nonsense'; `help` lists them all\.\n$/,
    'ps all' => qr/^ps takes no arguments; .*\n$/,
    'dump' => qr/^dump takes PID ADDR \[LEN\]; .*\n$/,
    'dump init' => qr/^dump takes PID ADDR \[LEN\]; .*\n$/,
    'dump init 0 1 2' => qr/^dump takes PID ADDR \[LEN\]; .*\n$/,
    'dump 1 0' => qr/^There is no process 1; .*\n$/,
    'maps nobody' => qr/^There is no process nobody; `ps` shows .*\n$/,
    'maps monitor' => qr/^That is this monitor, which cannot look at itself from outside\.\n$/,
    'search monitor 00' => qr/^That is this monitor.*\n$/,
    'dump init xyz' => qr/^ADDR is an address in hexadecimal, such as 0x1000000, not 'xyz'\.\n$/,
    'dump init 1ffffffffffffffff' => qr/^ADDR is an address.*\n$/,
    'dump init ffffffffffffffff' => qr/^Nothing is mapped at 0xffffffffffffffff in init.*\n$/,
    'dump init 0 0' => qr/^LEN is a number from 1 to 65536 .*, not '0'\.\n$/,
    'dump init 0 65537' => qr/^LEN is a number .*\n$/,
    'write init 0' => qr/^write takes PID ADDR BYTES; .*\n$/,
    'write init 0 5' => qr/^Text stands in quotes, and bytes are pairs of hexadecimal digits: '5' is neither\.\n$/,
    'write init 0 ""' => qr/^The text is empty: .*\n$/,
    'write init 0 "open' => qr/^A quote is not closed\.\n$/,
    'write init 0 "\q"' => qr/^After a backslash there can be .*\n$/,
    'fill init 0 1 256' => qr/^BYTE is a number from 0 to 255 .*, not '256'\.\n$/,
    'fill init 0 -1 0' => qr/^LEN is a number .*\n$/,
    'kill init' => qr/^With init the whole machine ends; `exit` does that\.\n$/,
    'kill monitor' => qr/^That is this monitor; `exit` ends it\.\n$/,
    'wait monitor' => qr/^monitor does not end before this monitor does\.\n$/,
    'run nothing' => qr/^There is no program nothing; `programs` lists them\.\n$/,
    'start ../etc' => qr/^There is no program .*\n$/,
    'run ' . 'x' x 200 => qr/^[x\n]+ cannot be started: its name is too long/,
    'help nonsense' => qr/^There is no command 'nonsense' to explain; .*\n$/,
    'privileged ps' => qr/^privileged takes run\|start NAME; `help privileged` tells more\.\n$/,
    'privileged kill init' => qr/^Only `run` and `start` can be privileged\.\n$/,
    'run watcher init 1000000' => qr/^There is no process init, or more than one\.\nwatcher \d+ ended with .* 1\n$/,
    'time time ps' => qr/^A time of a time is not to be had\.\n$/,
    'start watcher count' => qr/runs/, 'start watcher count ' => qr/runs/,
    'kill watcher' => qr/^Several processes are called watcher; name one by its koid, .*\n$/,
    'a ' x 70 => qr/^There are too many words on the line\.\n$/,
);

# Keys.
my $console = talk(
    $PROMPT, "hlp dmp\e[D\e[Du\e[H\e[Ce\e[F\x7f\x7fmp\r",
    qr/dump PID ADDR.*$PROMPT/s, "nothing\x15\e[99~run hello up\r",
    qr/hello, up\r?\n.*$PROMPT/s, "\e[A\x17again\r",
    qr/hello, again\r?\n.*$PROMPT/s, "nonsense\x03",
    qr/nonsense\e\[K\^C\r\n.*$PROMPT/s, "\x04",
);
unlike($console, qr/There is no command/, 'what was edited away has no effect');

# Programs and keys: Ctrl-C ends a program, Ctrl-D its input; what it asks for is edited like a command.
$console = talk(
    $PROMPT, "privileged run watcher init 1000000 100000\r",
    qr/0\.3 s.*\n/, "typed ahead\x03",
    qr/\^C\r?\nwatcher \d+ was killed\n.*$PROMPT/s, "run treasure\r",
    $ASKED, "golx\x7fd\r",
    qr/There are \d+ pieces\.\n.*$ASKED/s, "go\x03",
    qr/treasure \d+ was killed\n.*$PROMPT/s, "run treasure\r",
    $ASKED, "\x04",
    qr/You leave as poor as you came\.\n.*$PROMPT/s, "start watcher count\r",
    qr/runs in the background\.\n.*$PROMPT/s, "wait watcher\r",
    qr/wait watcher\e\[K\r\n/, "\x03",
    qr/$PROMPT/, "search watcher 00\x03exit\r",
);
unlike($console, qr/typed ahead\r\n/, 'Ctrl-C takes away what was typed before it');

# A program that reads keys gets each as it is typed, unseen; then it reads a line like any other.
$window = ' init.columns=132 init.rows=43';
$console = talk(
    $PROMPT, "run test/keys\r",
    qr/132 by 43\r\n.*nothing typed\r\n/s, "a",
    qr/key 97\r\n/, "\e[A\r\x04\x7f",
    qr/key 27\r\nkey 91\r\nkey 65\r\nkey 13\r\nkey 4\r\nkey 127\r\n/, "q",
    qr/key 113\r\n.*and a line:\r?\n/s, "lin\x7fne\r",
    qr/<line>\r?\n.*$PROMPT/s, "exit\r",
);
$window = '';
like($console, qr/nothing typed\r\nkey 97\r\n/, 'a key is not shown by anybody but the program');

# Tab completes commands, programs, processes and topics of help; where nothing is certain, what there is is shown.
$console = talk(
    $PROMPT, "hel\tdum\t\r",
    qr/dump PID ADDR.*$PROMPT/s, "st\t",
    qr/start +step/, "art wat\tcount\r",
    qr/background.*$PROMPT/s, "time du\tw\t1000000 4\r",
    qr/7f 45 4c 46.*That took.*$PROMPT/s, "limit prog\tthreads none\r",
    $PROMPT, "help zx_ticks_g\t\r",
    qr/Reads the finest counter.*$PROMPT/s, "privileged r\the\tx\x15exit\r",
);
like($console, qr/jargoon> time dump watcher 1000000 4/, 'a process');
like($console, qr/jargoon> limit programs threads none/, 'a job');
like($console, qr/jargoon> .*privileged run he/, 'words of a command, and programs');

# A terminal that tells its size is believed, from that line on, and by the programs that are run.
$console = talk(
    $PROMPT, "\e[43;50Rhelp dump\r",
    qr/dump PID ADDR \[LEN\]: shows memory, in hexadecimal\r?\nand as text\r?\n.*$PROMPT/s, "dump init 1000000 16\r",
    qr/^000001000000 (?:\w\w ){8}\|\.ELF\.{4}\|\r?\n000001000008 .*$PROMPT/ms, "run test/keys\r",
    qr/50 by 43.*nothing typed\r\n/s, "q", qr/and a line:\r?\n/, "x\r",
    $PROMPT, sub { select undef, undef, undef, 1.2; return "exit\r" },
);
my $question = qr/\e7\e\[999;999H\e\[6n\e8/;
like($console, qr/$question\rjargoon> \e\[K/, 'it is asked at each prompt');
like($console, qr/jargoon> \e\[K${question}e/, 'and when a key comes after a while');

# Nor is anything wider than a window of which nobody has told the size.
$console = clean(talk(map({ ($PROMPT, "$_\r") } qw(help programs ps jobs handles), 'maps init', 'handles init',
    'dump init 1000000', 'help zx_vmar_map', 'help ps', 'free', 'search init 7f454c46', 'start watcher count',
    'regs watcher', 'exit')));
fits(COLUMNS_UNTOLD, grep { !/^jargoon>/ } split /^/, $console);
like($console, qr/^  hello +The smallest .*\n {16}\w+/m, 'words are wrapped below each other');

# A program in the background does not tear the line that is being typed.
$console = talk(
    $PROMPT, "privileged start watcher init 1000000 3\r",
    qr/background.*$PROMPT/s, "run hello t",
    qr/\r\e\[Kwatcher \d+: +0\.2 s.*\n\rjargoon> run hello t/, "orn\r",
    qr/hello, torn\n.*$PROMPT/s, "exit\r",
);

# A breakpoint in a program that runs: it is met again and again, also by a thread that stood there; then it is gone.
my ($at) = `nm $out/user/watcher.elf` =~ /^0*(\w+) T _zx_object_wait_one$/m;
session(
    'start watcher count' => qr/runs in the background/,
    "break watcher $at" => qr/^watcher \d+ is stopped, and has a breakpoint at 0x$at; `continue` has it go on\.\n$/,
    'continue watcher' => qr/^watcher \d+, thread \d+ is at a breakpoint, at 0x$at\.\n$/,
    'continue watcher ' => qr/^watcher \d+, thread \d+ is at a breakpoint, at 0x$at\.\n$/,
    "dump watcher $at 1" => qr/ cc  /,
    'step watcher' => qr/has made its step, at (?!0x$at)/,
    "break watcher $at " => qr/^The breakpoint at 0x$at is taken out\.\n$/,
    "dump watcher $at 1 " => qr/ (?!cc)\w\w  /,
    'break monitor 0' => qr/^That is this monitor, which cannot debug itself\.\n$/,
    'break nobody 0' => qr/^There is no process nobody; .*\n$/,
    'continue watcher  ' => qr/goes on, without breakpoints/,
    'kill watcher' => qr/^watcher \d+ was killed\n$/,
);

# What takes all it can get is held by its job's limit, whatever it takes, and others go on.
sub bomb {
    my ($what, @then) = @_;
    return ($PROMPT, "start bomb $what\r", qr/background.*$PROMPT/s, "limit bomb memory 8M\r", @then);
}
my @others = ("jobs\r", qr/programs.*$PROMPT/s, "run hello\r", qr/hello\r?\n.*$PROMPT/s, "kill bomb\r");
$console = clean(talk(
    (map { bomb($_, qr/bomb \d+: \d+ $_, and no more: ZX_ERR_NO_MEMORY.*$PROMPT/s, @others) }
        qw(threads messages pages)),
    bomb('tables', qr/bomb \d+: \d+ tables so far.*$PROMPT/s, @others),
    bomb('stores', qr/bomb \d+ crashed\r?\n.*$PROMPT/s, "exit\r"),
));
is(() = $console =~ /^bomb \d+: [1-9]\d* (?:threads|messages|pages), and no more: ZX_ERR_NO_MEMORY\r?$/mg, 3,
    'a bomb of threads, of messages, of pages is held');
my ($tables) = $console =~ /^bomb \d+: (\d+) tables so far\r?$/m;
cmp_ok($tables, '>', (8 << 20) / 4096, 'one of page tables goes on in the memory that it may have');
is(() = $console =~ m{^ +\d+ +bomb +(?:8(?:\.0)?M|[0-7]\.\d+M|\d+K)/8M }mg, 4, 'none has more than it may have')
    or diag(grep { / bomb / } split /^/m, $console);
my $reason = qr/.*\n.*it writes 0x\w+, where the mapping has no memory behind it/;
like($console, qr/^bomb \d+ crashed in thread main \d+: $reason/m,
    'one of stores dies, which is reported though it has no memory left');
is(() = $console =~ m{^ +\d+    programs +\S+/2\d\dM}mg, 4, 'with all others in a job that leaves an eighth of memory');
# However many processes there are, each can be seen and killed, whether it came first or last.
$console = clean(talk(
    $PROMPT, "start watcher count\r", $PROMPT, "start bomb processes\r", $PROMPT, "limit bomb processes 1500\r",
    qr/bomb \d+: \d+ processes, and no more.*$PROMPT/s, "kill watcher\r", $PROMPT, "start watcher count\r",
    $PROMPT, "kill watcher\r", $PROMPT, "kill bomb\r", $PROMPT, "exit\r",
));
is(() = $console =~ /^(?:watcher|bomb) \d+ was killed\n/mg, 3, 'beside 1,500 processes each is found');
session(
    'jobs' => qr/^ +KOID  NAME +MEMORY +HANDLES +THREADS .*\n +\d+  root +[\d.]+M .*\n +\d+    programs +0B\/2\d\dM /,
    'limit programs threads 5' => $NONE,
    'jobs ' => qr/^ +\d+    programs +0B\/2\d\dM +0 +0\/5 /m,
    'limit programs memory none' => $NONE,
    'jobs  ' => qr/^ +\d+    programs +0B +0 +0\/5 /m,
    'limit nobody memory 1M' => qr/^There is no job nobody; `jobs` shows their names and koids\.\n$/,
    'limit programs stuff 1' => qr/^KIND is memory, handles, threads, processes or jobs, not 'stuff'\.\n$/,
    'limit programs memory 1T' => qr/^AMOUNT is a number, with K, M or G behind it if need be, or none, not '1T'\.\n$/,
    'limit programs memory' => qr/^limit takes JOB KIND AMOUNT; /,
);

# Two of one program: the same pages, until one of them is written to. `on` is the n-th of those started.
sub on {
    my ($n, $command) = @_;
    return sub { my @koids = $_[0] =~ /^watcher (\d+) runs/mg; return sprintf "$command\r", $koids[$n] };
}

$console = clean(talk(
    ($PROMPT, "start watcher count\r") x 2,
    $PROMPT, on(0, 'maps %d'), $PROMPT, on(1, 'maps %d'),
    $PROMPT, on(0, 'write %d 0x1000000 "changed"'),
    $PROMPT, on(0, 'dump %d 0x1000000 16'), $PROMPT, on(1, 'dump %d 0x1000000 16'), $PROMPT, on(0, 'maps %d'),
    $PROMPT, on(0, 'kill %d'), $PROMPT, on(0, 'dump %d 0x1000000'), $PROMPT, "ps\r", $PROMPT, "exit\r",
));
my @answers = split /^jargoon> .*\n/m, $console;
my ($first, $second, $changed) = map { [/0x0*1000000 .*(\d+\+0x\w+)$/m, /r-x .*(\d+\+0x\w+)$/m] } @answers[3, 4, 8];
is_deeply($first, $second, 'two instances of one program map the same pages of the archive');
isnt("@$first", "@$changed", 'until text is written: then the written one has its own');
like($answers[6], qr/\|changed/, 'it sees what was written');
like($answers[7], qr/\|\.ELF/, 'and the other does not');
like($answers[10], qr/^There is no process \d+/, 'a process that has been killed is no more');
like($answers[11], qr/^ +(\d+)  init .*^ +\d+  watcher /ms, 'and the other lives on');

# Names and lines that would play with the terminal are shown with all that is not plain text escaped.
{
    local $bootfs = "$dir/bootfs";
    my @files = ((map { "bin/$_=$out/user/$_" } qw(init monitor)), "bin/rude=$out/user/test/rude");
    system('user/mkbootfs', $bootfs, @files) == 0
        or die "cannot make $bootfs\n";
    my $rude = sub {
        my ($command) = @_;
        return sub { return $command . ' ' . ($_[0] =~ /^rude (\d+) runs/m)[0] . "\r" };
    };
    $console = talk(
        $PROMPT, "start rude\r", qr/a line.*$PROMPT/s, "ps\r",
        map({ ($PROMPT, $rude->($_)) } qw(maps handles kill)), $PROMPT, "exit\r",
    );
    my $NAME = qr/\\x1b\]0;gotcha\\x07\\x5crude\\xff/;
    like($console, qr/rude \d+: \\x1b\]0;gotcha\\x07\ta line\r?$/m, 'a line of a program in the background');
    like($console, qr/^ +\d+  $NAME +running.*\n +\d+    thread $NAME +running/m, 'names of processes and threads');
    like($console, qr/^The address space of $NAME \d+:.* $NAME \d+\+0/ms, 'the name of what is mapped');
    like($console, qr/^Handles to $NAME \d+.*\n  $NAME +koid/ms, 'and of what is held');
    unlike($console, qr/[\a\xff]/, 'none of it gets through');
}

# The game, played to its end: scan and dig until three places or fewer are left, then write to them.
sub player {
    my ($heard) = @_;
    return "exit\r" if $heard =~ /bows.*jargoon> \e\[K$/s;
    my ($gold) = $heard =~ /.*There are (\d+) pieces/s or return "gold\r";
    my ($count, $places) = $heard =~ /.*\n(\d+) places?((?: 0x\w+)*)[^\n]*\n/s or return "scan $gold\r";
    my @places = split ' ', $places;
    my $since = substr $heard, rindex $heard, "$count place";
    return "scan $gold\r" if $since =~ /There are \d+ pieces/ && $count > 3;
    return "dig\r" if $count > 3;
    my $pokes = () = $heard =~ /Written/g;
    return "poke $places[$pokes % @places] 1000000\r";
}

$console = talk($PROMPT, "run treasure\r", (qr/(treasure|jargoon)> \e\[K$/, \&player));
like($console, qr/The keeper bows and opens the door: \d+ digs, \d+ scans, [123] pokes\./, 'the game can be won');

# From a pipe: no prompt, no echo, no escape sequences; the end of the input is the end.
Machine::leave_make();

sub make_run {
    my ($input, @args) = @_;
    Machine::spew("$dir/input", $input);
    my $stdout = `make run @{[Make::UNCOUNTED]} FW=pvh @args <$dir/input 2>$dir/stderr`;
    return ($? >> 8, $stdout);
}

my $only = 'CMDLINE=init.run=monitor';
my ($code, $stdout) = make_run("run hello\nhelp exit\n", $only);
is($code, 0, 'the end of piped input ends the monitor with success');
like($stdout, qr/^hello\nexit: switches the machine off\n[^\e\r]*$/,
    'piped commands are done, and nothing else is shown');
($code, $stdout) = make_run('', $only);
is($code, 0, 'no input at all is no failure');
is($stdout, '', 'and nothing is shown');
($code, $stdout) = make_run("exit\nrun hello\n", $only);
is("$code$stdout", '0', 'nothing is done after exit');
($code, $stdout) = make_run('run hello last', $only);
is($stdout, "hello, last\n", 'a last line without a newline counts');
($code, $stdout) = make_run("run treasure\ngold\nquit\nrun hello\n", $only);
like($stdout, qr/There are \d+ pieces.*You leave as poor as you came.\nhello\n$/s,
    'a program takes the lines it asks for, and the monitor those that follow');
for my $command ('nosuch', 'dump init', 'dump init 0', 'run nosuch', 'run watcher nobody 0', 'kill nobody', 'echo "') {
    ($code, $stdout) = make_run("$command\nrun hello\n", $only);
    is($code, 1, "a script of which `$command` fails is one that fails");
    like($stdout, qr/\A\S.*\nhello\n\z/s, 'but what follows is done');
    is(Machine::slurp("$dir/stderr") =~ s/^(?:\[|make: waiting for another make).*\n//mgr, '',
        'and nothing else is said');
}
($code, $stdout) = make_run("run monitor\nrun treasure\ngold\nquit\nexit\nrun hello out\n", $only);
like($stdout, qr/There are \d+ pieces.*You leave as poor as you came.\nhello, out\n$/s,
    'a monitor in the monitor, and a program in that, take their lines, and leave the others');
is($code, 0, 'which is no failure');
($code, $stdout) = make_run("privileged run init\nrun hello in\nexit\nrun hello out\n", $only);
is($stdout, "hello, in\nhello, out\n", 'and so does an init');
($code, $stdout) = make_run("start monitor\nprivileged start monitor\nrun hello out\nrun hello last\n", $only);
like($stdout, qr/^hello, out\n(?:.*\n)*hello, last\n/m, 'one in the background takes nothing of what is typed');
($code, $stdout) = make_run('x' x 5000 . "\nrun hello\n", $only);
is($stdout, "That line is too long: 999 characters are the limit.\nhello\n",
    'a line that is too long is refused, whole');
($code, $stdout) = make_run("run hello\n");
like($stdout, qr/^That was the tour\..*\nhello\n$/m, 'make run shows the tour first');
($code, $stdout) = make_run("run hello\n", "CMDLINE='init.run=monitor init.console=none'");
is("$code$stdout", '0', 'a console without input is at its end');

# The programs tell plain stories and end by themselves, in the monitor and alone.
my %story = (
    watcher => qr/^Another[ ]process[ ]counts[ ]at[ ]0x\w+.*\n
        ([ ]+\d\.\d[ ]s[ ]+\d+[ ]{2}\+[1-9]\d*\n){10}
        My[ ]own[ ]counter,[ ]at[ ]the[ ]same[ ]address,[ ]is[ ]still[ ]0\.\n$/x,
    patcher => qr/^A[ ]neighbour[ ].*\n(.*:[ ]What[ ]a[ ]fine[ ]day\.\n){3}
        Now[ ]I[ ]write[ ].*\n(.*What.*\n)?(.*:[ ]I[ ]am[ ]not[ ]quite[ ]myself\.\n){2,3}
        Its[ ]five[ ].*\n[ ]+neighbour[ ]{2}e9([ ]\w\w){4}\n[ ]+patcher[ ]{4}e9([ ]\w\w){4}\n
        My[ ]own[ ]greet\(\)[ ]says:[ ]What[ ]a[ ]fine[ ]day\.\n
        And[ ]I[ ]take[ ].*\n(.*myself.*\n)?(.*What[ ]a[ ]fine[ ]day\.\n){2,3}$/x,
);
for my $name (sort keys %story) {
    ($code, $stdout) = make_run("run $name\n", $only);
    like($stdout, $story{$name}, "$name in the monitor");
    ($code, $stdout) = make_run('', "APP=user/programs/$name.c");
    like($stdout, $story{$name}, "$name alone");
    is($code, 0, 'ends well');
}

done_testing;
