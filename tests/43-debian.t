# Programs that know nothing of this system, from the distribution's source packages, not a line changed: configured and
# built with the SDK, and run. Where no packages are to be had it is skipped, unless the environment says DEBIAN=must.
use strict;
use warnings;
use Cwd qw(getcwd);
use FindBin;
use lib "$FindBin::Bin/lib";
use DebianSource;
use Machine;
use Make;
use Test::More;

my $dir = getcwd . '/build/tests/debian';
my $make = Make->new($dir, limit => 120);
my $source = DebianSource->new;

# SQLite takes longest to build by far, and the others are built and run meanwhile.
my %builds = (
    'lua5.4' => q(make -C src generic CC='jargoon-cc -std=gnu99'),
    zlib => q(CHOST=x86_64 CC=jargoon-cc ./configure --static; make example minigzip),
    xxhash => 'make xxhsum CC=jargoon-cc',
    mawk => './configure --host=x86_64-linux-musl CC=jargoon-cc; make',
    scheme9 => q(make s9 CC=jargoon-cc EXTRA_OBJS= EXTRA_LIBS= DEFS='-DLIBRARY_PATH=\".\" -DIMAGE_DIR=\".\" )
        . q(-DEXTENSIONS='),
    sqlite3 => './configure --host=x86_64-linux-musl --disable-shared --disable-tcl --disable-readline'
        . ' --disable-threadsafe CC=jargoon-cc BCC=gcc CFLAGS=-O0; make sqlite3 BCC=gcc',
);

my $missing = $source->missing // $source->fetch(sort keys %builds);
plan skip_all => $missing if defined $missing && ($ENV{DEBIAN} // '') ne 'must';
if (!is($missing, undef, 'there are source packages')) {
    done_testing;
    exit 1;
}
is(($make->run('/dev/null', 'sdk'))[0], 0, 'make sdk makes the SDK');
my $sqlite = fork // die "fork: $!\n";
if (!$sqlite) {
    exec $^X, "-I$FindBin::Bin/lib", '-MDebianSource', '-e', 'exit !DebianSource->new->build(@ARGV)', 'sqlite3',
        $builds{sqlite3};
}

# The folder in which a package is built.
sub built {
    my ($package) = @_;
    my $folder = $source->build($package, $builds{$package});
    ok($folder, "$package is built from its source package")
        or diag(join "\n", Machine::tail(Machine::slurp($source->log($package))));
    return $folder // '';
}

# Runs a program with this input; its exit status, output and complaints.
sub run {
    my ($app, $input, @args) = @_;
    return $make->run($make->program('input', $input), 'run', 'FW=pvh', "APP=$app", @args);
}

sub runs {
    my ($app, $input, $want, $name, @args) = @_;
    my ($code, $stdout, $stderr) = run($app, $input, @args);
    is($code, 0, "$name: it ends well") or diag($stderr);
    ref $want ? like($stdout, $want, $name) : ok($stdout eq $want, $name) || diag(join "\n", Machine::tail($stdout));
    return $stdout;
}

# Lua: its language and core libraries by a script of checks.
my $lua = built('lua5.4');
my $module = $make->program('core_module.lua', "return {answer = 6 * 7}\n");
runs("$lua/src/lua", '', qr/\A176 checks\n\z/, 'lua: the core of the language, by 176 checks',
    "FILES=tests/debian/core.lua $module", q(ARGS=core.lua 'an argument'));

# zlib: its own test, and its minigzip against the host's gzip, both ways.
my $zlib = built('zlib');
my $text = runs("$zlib/example", '', qr/^inflate with dictionary: hello, hello!$/m, 'zlib: its own test');
unlike($text, qr/error|failed|bad/, 'zlib: and nothing failed in it');
my $state = 1;
sub pick { $state = ($state * 1103515245 + 12345) & 0x7fffffff; return ($state >> 8) % $_[0] }
my $mixed = join '', map { chr(pick(31)) x ($_ % 9) } 1 .. 25000;
my ($code, $packed) = run("$zlib/minigzip", $mixed);
is($code, 0, 'zlib: minigzip packs 100,000 bytes');
cmp_ok(length $packed, '<', length($mixed) / 2, 'zlib: into less than half');
$make->program('packed.gz', $packed);
ok(`gzip -dc $dir/packed.gz` eq $mixed, 'zlib: gzip unpacks them');
$make->program('mixed', $mixed);
runs("$zlib/minigzip", scalar `gzip -c $dir/mixed`, $mixed, 'zlib: minigzip unpacks what gzip packed', 'ARGS=-d');

# A benchmark of several files. It checks its functions by thousands of vectors first.
my $xxhash = built('xxhash');
my $rates = runs("$xxhash/xxhsum", '', qr/XXH128/, 'xxhash: the benchmark runs', 'ARGS=-b -i1 -B100K');
$rates =~ s/.*\r//gm;
is(scalar(() = $rates =~ /^ *\d+#XXH\w+ +: +102400 -> +\d+ it\/s/mg), 4, 'xxhash: and measures each function');

# mawk: tests of its own that are one script each.
my $mawk = built('mawk');
for my $case (['wc', 'test/wc.awk'], ['wfrq', 'test/wfrq0.awk'], ['decl', 'examples/decl.awk']) {
    my ($name, $script) = @$case;
    runs("$mawk/mawk", '', Machine::slurp("$mawk/test/$name-awk.out"), "mawk: its own test $name",
        "FILES=$mawk/$script $mawk/test/mawktest.dat", 'ARGS=-f ' . $script =~ s{.*/}{}r . ' mawktest.dat');
}

# A Scheme, by its own test: its library is read from a file each time.
my $scheme = built('scheme9');
runs("$scheme/s9", '', "Everything fine!\n", 'scheme9: its own test', "FILES=$scheme/s9.scm $scheme/util/test.scm",
    'ARGS=-i - -f test.scm');

# SQLite's shell: 1,000 statements, of which each SELECT must answer what a hash in Perl does.
my (%rows, @statements, @answers);
sub statement { my ($text, @answer) = @_; push @statements, "$text;\n"; push @answers, @answer; return }
sub total { my $sum = 0; $sum += $_->[1] for @_; return $sum }
statement('CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, count INTEGER)');
statement('CREATE INDEX by_count ON item(count)');
my $begun;
while (@statements < 999) {
    my $id = pick(400);
    my $kind = pick(10);
    if ($kind < 5) {
        my ($name, $count) = ("it''s $id", pick(1000));
        statement("INSERT OR REPLACE INTO item VALUES($id, '$name', $count)");
        $rows{$id} = ["it's $id", $count];
    } elsif ($kind == 5) {
        statement("UPDATE item SET count = count + 1 WHERE id % 7 = " . $id % 7);
        $rows{$_}[1]++ for grep { $_ % 7 == $id % 7 } keys %rows;
    } elsif ($kind == 6) {
        statement("DELETE FROM item WHERE id = $id");
        delete $rows{$id};
    } elsif ($kind == 7) {
        my @found = grep { $rows{$_}[1] >= $id && $rows{$_}[1] < $id + 50 } keys %rows;
        statement("SELECT count(*), total(count), group_concat(name, ' ') FROM (SELECT * FROM item"
            . " WHERE count >= $id AND count < $id + 50 ORDER BY id)",
            join '|', scalar @found, total(map { $rows{$_} } @found) . '.0',
            join ' ', map { $rows{$_}[0] } sort { $a <=> $b } @found);
    } elsif ($kind == 8) {
        my %times;
        push @{$times{$_ % 10}}, $rows{$_} for keys %rows;
        statement('SELECT a.id % 10, sum(b.count) FROM item a JOIN item b USING(id) GROUP BY 1 ORDER BY 1',
            map { "$_|" . total(@{$times{$_}}) } sort keys %times);
    } else {
        statement($begun ? 'ROLLBACK' : 'BEGIN');
        if ($begun) { %rows = %$begun; undef $begun }
        else { $begun = {map { $_ => [@{$rows{$_}}] } keys %rows} }
    }
}
statement('PRAGMA integrity_check', 'ok');
is(scalar @statements, 1000, 'a script of 1,000 statements');
waitpid $sqlite, 0;
my $folder = built('sqlite3');
runs("$folder/sqlite3", join('', @statements), join('', map { "$_\n" } @answers),
    'sqlite3: each answer is right', 'ARGS=-batch -init /dev/null :memory:');

# The list for people names each of them.
my $manual = Machine::slurp('user/sdk/README.md');
like($manual, qr/^\| \Q$_\E \| /m, "the manual lists $_") for sort keys %builds;
done_testing;
