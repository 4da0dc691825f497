# Least authority: what a program is given, and what it can do with that to what is not its own. By default nothing;
# with PRIVILEGED=1 everything; and the same from the monitor. The program that tries is tests/programs/authority.c.
use strict;
use warnings;
use Cwd qw(getcwd);
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Make;
use Test::More;

my $make = Make->new(getcwd . '/build/tests/authority', limit => 120);

# What all have: each type, name and rights. The job of a confined program is its own, without SET_POLICY (0x400).
my ($ITSELF, $MAIN) = ("process 'NAME', rights 0x6d3cf", "thread 'main', rights 0x4d2cf");
my $SPACE = "vmar '', rights 0x801f";
my ($ARCHIVE, $CHANNEL) = ("vmo 'archive', rights 0xc077", "channel '', rights 0xf00e");
my ($OWN_JOB, $ROOT_JOB) = ("job 'NAME', rights 0x7dbcf", "job 'root', rights 0x7dfcf");
my $PROGRAMS = "job 'programs', rights 0x7dfcf"; # in which all those others are
my $RESOURCE = "resource '', rights 0x800b";
my @ALL = (
    'change what its job may do', 'command the kernel', 'count memory', 'kill others with its job', 'make resources',
    'map physical memory', "open job 'programs'", "open process 'init'", 'read the console', 'set the clock',
    'take an interrupt', 'take contiguous memory', 'use I/O ports',
);

# The lines that begin with a word, without it, sorted. The C library has a resource of its own, for the console.
sub lines {
    my ($word, $text) = @_;
    my %lines = map { $_ => 1 } $text =~ /^$word (.*)$/mg;
    return [sort keys %lines];
}

sub name { my ($name, @lines) = @_; return [sort map { s/NAME/$name/r } @lines] }

sub app {
    my (@args) = @_;
    my ($code, $stdout, $stderr) = $make->run('/dev/null', 'run', 'APP=tests/programs/authority.c', 'FW=pvh', @args);
    is($code, 0, "the program ends well: @args") or diag($stderr);
    return $stdout;
}

my $confined = app();
is_deeply(lines('has', $confined), name('app', $ITSELF, $MAIN, $SPACE, $ARCHIVE, $CHANNEL, $OWN_JOB),
    'a program has itself, the archive to read, its input, and a job of its own') or diag($confined);
is_deeply(lines('can', $confined), [],
    'a program can do nothing to physical memory, devices, the clock, init, or any other process') or diag($confined);

my $privileged = app('PRIVILEGED=1');
is_deeply(lines('has', $privileged),
    name('app', $ITSELF, $MAIN, $SPACE, $ARCHIVE, $CHANNEL, $ROOT_JOB, $PROGRAMS, $RESOURCE),
    'with PRIVILEGED=1 it has the root job and the root resource') or diag($privileged);
is_deeply(lines('can', $privileged), \@ALL, 'and can do all of that') or diag($privileged);

# init, which every program can ask for input, is not hurt by one that does it wrongly.
for my $case (['a program that asks for input, when there is none, and looks at no answer', 0],
    ['a program that asks for something else', 1]) {
    my ($name, $act) = @$case;
    my $source = $make->program('ask.c', <<'C');
#include <stddef.h>
#include <stdlib.h>
#include <zircon/syscalls.h>
#include "user/libc/terminal.h"
int main(int argc, char **argv) {
    zx_handle_t input = __port_input_take();
    struct terminal_message message = {.act = (uint32_t)atoi(argv[1])};
    for (int i = 0; i < 1000; i++) zx_channel_write(input, 0, &message, TERMINAL_HEADER_LEN, NULL, 0);
    if (zx_object_wait_one(input, ZX_CHANNEL_PEER_CLOSED, zx_deadline_after(ZX_SEC(20)), NULL) != ZX_OK) return 1;
    return zx_object_wait_one(input, ZX_CHANNEL_READABLE, 0, NULL) == ZX_ERR_TIMED_OUT ? 42 : 2;
}
C
    is(($make->run('/dev/null', 'run', "APP=$source", "ARGS=$act", 'FW=pvh'))[0], 42, "$name has no answer but an end");
}

# The monitor does the same with the programs that it starts.
my $typed = $make->program('typed', "run test/authority\nprivileged run test/authority\n");
my $what = join ' ', map { Machine::out('release') . "/$_" } qw(kernel.elf bootfs-test);
my $stdout = `FW=pvh tests/machine run $what build/tests/authority/run init.run=monitor <'$typed'`;
my ($first, $second) = split /^that is all$/m, $stdout;
is_deeply(lines('has', $first), name('authority', $ITSELF, $MAIN, $SPACE, $ARCHIVE, $CHANNEL, $OWN_JOB),
    'a program that the monitor starts has a job of its own too') or diag($stdout);
is_deeply(lines('can', $first), [], 'and can do nothing outside of it') or diag($stdout);
is_deeply(lines('can', $second), [sort @ALL, "open process 'monitor'"], 'unless it is to be privileged')
    or diag($stdout);
done_testing;
