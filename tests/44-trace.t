# make trace: what the kernel did while a program ran, read back by a strict reader of Fuchsia's trace format, and shown
# by the page in a browser.
use strict;
use warnings;
use Cwd qw(getcwd);
use FindBin;
use lib "$FindBin::Bin/lib";
use Fxt;
use Machine;
use Make;
use Test::More;

use constant {ROUNDS => 40, BYTES_AN_EVENT => 16, LOAD_MS => 2000, FRAME_MS => 200};

my $dir = getcwd . '/build/tests/trace';
my $make = Make->new($dir);
my @left = map { getcwd . "/trace.$_" } qw(fxt html);
unlink @left;

# Two threads that send a message to and fro, one page that is touched, one call that fails, and a thread that ends.
my $program = $make->program('traced.c', <<"C");
#include <pthread.h>
#include <stdio.h>
#include <zircon/syscalls.h>
static zx_handle_t ends[2];
static char page[8192];
static void *answer(void *arg) {
    for (int i = 0; i < @{[ROUNDS]}; i++) {
        char text[8];
        uint32_t len;
        zx_object_wait_one(ends[1], ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL);
        zx_channel_read(ends[1], 0, text, NULL, sizeof(text), 0, &len, NULL);
        zx_channel_write(ends[1], 0, text, len, NULL, 0);
    }
    return arg;
}
int main(void) {
    pthread_t thread;
    zx_channel_create(0, &ends[0], &ends[1]);
    pthread_create(&thread, NULL, answer, NULL);
    for (int i = 0; i < @{[ROUNDS]}; i++) {
        char text[8] = "ping";
        uint32_t len;
        zx_channel_write(ends[0], 0, text, 8, NULL, 0);
        zx_object_wait_one(ends[0], ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL);
        zx_channel_read(ends[0], 0, text, NULL, sizeof(text), 0, &len, NULL);
    }
    pthread_join(thread, NULL);
    ((volatile char *)page)[4096] = 1;
    zx_handle_close(0x7ffffff3);
    puts("traced");
    return 3;
}
C

# The page as the browser has it when all its scripts have run.
sub browse {
    my ($page) = @_;
    my $chromium = 'chromium --headless=new --no-sandbox --disable-gpu --window-size=1400,900 --dump-dom';
    return scalar `HOME='$dir' timeout 100 $chromium 'file://$page' 2>'$dir/chromium.log'`;
}

# --- one program ---

my ($code, $stdout, $stderr) = $make->run('/dev/null', 'trace', "APP=$program", 'SMP=2');
is($code, 3, 'make trace ends as its program did');
is($stdout, "traced\n", 'and shows what it wrote, and nothing else');
like($stderr, qr/^jargoon: trace\.fxt, \d+ KiB.*trace\.html/m, 'standard error names the two files');
my $fxt = -e $left[0] ? Machine::slurp($left[0]) : '';
my $trace = eval { Fxt->read($fxt) };
ok($trace, 'a strict reader finds nothing wrong with the file') or diag($@);
my @records = @{$trace->{records} // []};

my ($app) = grep { $trace->{processes}{$_} eq 'app' } keys %{$trace->{processes}};
ok($app, 'the process has its name') or BAIL_OUT('no trace');
my @threads = grep { $trace->{threads}{$_}{process} == $app } keys %{$trace->{threads}};
is(join(' ', sort map { $trace->{threads}{$_}{name} } @threads), 'main thread', 'so have its threads');

my %of_app = map { $_ => 1 } @threads;
my @calls = grep { $_->{kind} eq 'complete' && $of_app{$_->{thread}} && $_->{name} =~ /^zx_/ } @records;
is(scalar(grep { $_->{name} eq 'zx_channel_write' } @calls), 2 * ROUNDS, 'each call is there, and none twice');
is(scalar(grep { $_->{name} eq 'zx_handle_close' && ($_->{args}{status} // 0) == -11 } @calls), 1,
    'one that failed has its status');
my @reads = grep { $_->{name} eq 'zx_channel_read' } @calls;
my @flows = grep { $_->{kind} =~ /^flow/ && $of_app{$_->{thread}} } @records;
my (%begun, @arrows);
for (sort { $a->{time} <=> $b->{time} } @flows) {
    if ($_->{kind} eq 'flow begin') { $begun{$_->{last}} = $_ }
    else { push @arrows, [$begun{$_->{last}}, $_] if $begun{$_->{last}} }
}
sub in_a_call {
    my ($at) = @_;
    return grep { $_->{thread} == $at->{thread} && $_->{time} <= $at->{time} && $at->{time} <= $_->{last} } @calls;
}
my @between = grep { $_->[0]{thread} != $_->[1]{thread} } @arrows;
is(scalar(@between), 2 * ROUNDS, 'each message is a flow between the threads');
is(scalar(grep { in_a_call($_) } map { @$_ } @between), 4 * ROUNDS, 'which begins and ends within a call');
for my $what ('page committed', 'signal') {
    ok((grep { $_->{kind} eq 'instant' && $_->{name} eq $what } @records), "$what is an instant");
}
ok((grep { $_->{name} && $_->{name} eq 'page fault' && $of_app{$_->{thread}} } @records), 'a page fault is a duration');
ok((grep { $_->{kind} eq 'wake' && $of_app{$_->{thread}} } @records), 'threads wake');

# On each processor whoever comes is whoever leaves next, and no event of a thread lies where it does not run.
my %on;
my @wrong = grep {
    my $known = $on{$_->{cpu}};
    $on{$_->{cpu}} = $_->{to};
    defined $known && $known != $_->{from};
} sort { $a->{time} <=> $b->{time} } grep { $_->{kind} eq 'switch' } @records;
is(scalar(@wrong), 0, 'who leaves a processor is who came to it');
ok(keys %on > 0, 'and there are switches');

# --- what is no trace ---

for ([3, 'no magic number'], [30, 'reserved bits'], [32, 'longer than it says'], [34, 'reserved bits']) {
    my ($at, $why) = @$_;
    my $bad = $fxt;
    substr($bad, $at, 1) ^= chr 0xf0;
    ok(!eval { Fxt->read($bad); 1 }, "the reader refuses a byte that was changed at $at");
    like($@, qr/$why/, '… and says why');
}
ok(!eval { Fxt->read(substr $fxt, 0, -8); 1 }, 'and a file that was cut');

# --- the tour, in a browser ---

($code, $stdout, $stderr) = $make->run('/dev/null', 'trace');
is($code, 0, 'make trace alone traces the tour');
$trace = Fxt->read(Machine::slurp($left[0]));
my ($bytes, $events) = (0, 0);
for (grep { $_->{kind} !~ /^(magic|provider|section|initialization|string|thread|object)$/ } @{$trace->{records}}) {
    $bytes += 8 * $_->{words};
    $events += $_->{kind} eq 'complete' ? 2 : 1;
}
cmp_ok($bytes / $events, '<', BYTES_AN_EVENT, 'an event takes less than ' . BYTES_AN_EVENT . ' bytes');
cmp_ok($events, '>', 1000, 'and there are many');

my ($browser) = grep { -x } map { "$_/chromium" } split /:/, $ENV{PATH};
SKIP: {
    skip 'chromium is not installed', 7 unless $browser;
    my $page = Machine::slurp($left[1]);
    unlike($page, qr/(?:src|href)\s*=|https?:/, 'the page needs nothing from outside');
    my $dom = browse("$left[1]#measure");
    my ($ready) = $dom =~ /data-ready="(\d+)"/;
    my ($frame) = $dom =~ /data-frame="([\d.]+)"/;
    my ($shown) = $dom =~ /([\d,]+) events in/;
    cmp_ok($ready // 1e9, '<', LOAD_MS, 'it shows the tour within ' . LOAD_MS . ' ms');
    cmp_ok($frame // 1e9, '<', FRAME_MS, 'and any part of it within ' . FRAME_MS . ' ms');
    ($shown //= 0) =~ tr/,//d;
    cmp_ok(abs($shown - $events), '<', 10, 'and all of its events');
    like($dom, qr/Click on an event/, 'and waits for a click');
    $dom = browse("$left[1]#process_write");
    my $writes = grep { ($_->{name} // '') eq 'zx_process_write_memory' } @{$trace->{records}};
    like($dom, qr/>1 of $writes</, 'a search finds each call of a kind');
    like($dom, qr/>zx_process_write_memory\nat .*\ntakes .*\nthread +main \(\d+\) of tour/, 'and shows the first');
}
unlink @left;
done_testing;
