# make itself: what it says when something is missing or cannot be written to, and what it builds, where, in how many
# steps.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Make;
use Test::More;

my $dir = abs_path('.') . '/build/tests/make';
my $make = Make->new($dir, counts => 1);

# make ends with this one line, on standard error, and nothing else.
sub refused {
    my ($name, $line, @args) = @_;
    my ($code, $stdout, $stderr) = $make->run('/dev/null', @args);
    is($code, 2, "$name: make fails");
    is($stdout, '', "$name: without a word on standard output");
    like($stderr, qr/\A[^\n]*\*\*\* $line\.  Stop\.\n\z/, "$name: in a line that says what to do");
}

# A PATH that has everything but one tool.
my $deps = qr/: not found; `make deps` installs it/;
my $path = "$dir/path";
remove_tree($path);
make_path($path);
for my $tool (map { glob "$_/*" } reverse split /:/, $ENV{PATH}) {
    my $link = $path . '/' . $tool =~ s{.*/}{}r;
    unlink $link;
    symlink $tool, $link;
}
for (['gcc', 'kernel'], ['nasm', 'kernel'], ['ld', 'kernel'], ['xorriso', 'iso'], ['mformat', 'iso'],
    ['grub-mkrescue', 'run'], ['qemu-system-x86_64', 'run'], ['gdb', 'debug'], ['g++', 'sdk'])
{
    my ($tool, $goal) = @$_;
    my $at = readlink "$path/$tool";
    unlink "$path/$tool";
    local $ENV{PATH} = $path;
    refused("no $tool", qr/\Q$tool\E$deps/, $goal);
    symlink $at, "$path/$tool";
}
refused('no musl', qr{musl \(/nowhere\)$deps}, 'run', 'MUSL_INCLUDE=/nowhere');
refused('no libc.a', qr{musl \(/nowhere\)$deps}, 'run', 'MUSL_LIBC=/nowhere');

# Folders.
my $elsewhere = qr/cannot be written to, it belongs to \w+; O=FOLDER builds elsewhere/;
refused('a folder that cannot be', qr{/proc $elsewhere}, 'run', 'O=/proc/none');
refused('a blank', qr/O=a b: no name with a blank can be built in/, 'run', 'O=a b');
refused('O= for tests', qr/O= is for what runs: test builds in this folder alone/, 'test', 'O=/tmp');
SKIP: {
    my @nobody = qw(setpriv --reuid=65534 --regid=65534 --clear-groups);
    skip 'only root can be somebody else', 1 if $> || system("@nobody test -r Makefile") != 0;
    like(scalar `@nobody make run 2>&1`, qr{\A\S+ \*\*\* \Q@{[abs_path('build')]}\E\S* $elsewhere\.  Stop\.\n\z},
        'a build folder of another user\'s');
}

# What a first `make run` does: no tests, each step numbered, and all of it where O= says.
my $o = tempdir(CLEANUP => 1);
my ($code, $stdout) = $make->run('/dev/null', '-n', 'run', "O=$o/");
is($code, 0, 'a dry run comes to its end');
my @steps = $stdout =~ /^printf .* '(\[\d+\/\d+\])' /mg;
cmp_ok(scalar @steps, '>', 100, 'it says each step');
is_deeply(\@steps, [map { "[$_/" . @steps . ']' } 1 .. @steps], 'and of how many it is');
is_deeply([$stdout =~ m{\btests/(?:user|programs|kernel)/\S+}g], [], 'tests are not built for it');
is_deeply([$stdout =~ m{(?<!\S)build/\S+}g], [], 'and nothing is written but where O= says');

# On as many processors as there are, or as -j says.
for my $case (['', "-j\\d+"], ['-j1', '-j1']) {
    my ($given, $want) = @$case;
    (undef, $stdout) = $make->run('/dev/null', '-np', 'kernel', "O=$o", $given || ());
    like($stdout, qr/^MAKEFLAGS = .* $want\b/m, $given ? 'a -j is heeded' : 'make builds on all processors');
}

done_testing;
