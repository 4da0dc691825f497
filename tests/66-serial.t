# The second serial line and its driver in user mode. The program test/line does most of it, twice, for it leaves the
# line open; here is the other end, a Unix socket.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use Machine;
use Socket qw(SOL_SOCKET);
use Test::More;
use Time::HiRes qw(sleep time);

# KiB a second; and the share of it that is asked for on the busiest host.
use constant {FAST => 100, LEAST => 0.1, TRIES => 500, SO_PEERCRED => 17};

my $out = Machine::out("debug");
my $dir = 'build/tests/serial';
my $socket = "$dir/line";
my $times = "$dir/times";

sub row { return pack 'C*', map { ($_ * 7 + int($_ / 256) * 13) & 0xff } 0 .. $_[0] - 1 }

# For how long in all threads of that process were ready to run, and had no processor, in seconds.
sub waited {
    my ($pid) = @_;
    my $sum = 0;
    for my $thread (glob "/proc/$pid/task/*/schedstat") { $sum += (split ' ', Machine::slurp($thread))[1] // 0 }
    return $sum / 1e9;
}

# Does what test/line asks for, until the machine is gone; returns what went wrong. Each row passes through the
# emulator's threads and this one, one after the other: what any of them waited for a processor is part of its time. The
# whole time, and that part, are left in a file.
sub partner {
    my $line;
    for (1 .. TRIES) {
        last if $line = IO::Socket::UNIX->new(Peer => $socket);
        sleep 0.02;
    }
    return 'nobody is there' unless $line;
    my ($emulator) = unpack 'i', getsockopt $line, SOL_SOCKET, SO_PEERCRED;
    my ($heard, @looks) = ('');
    for (;;) {
        while ($heard =~ s/^([A-Z])//) { syswrite $line, $1 }
        push @looks, [time, waited($emulator) + waited($$)] if $heard =~ /^send|^take \d+\n\z/;
        if ($heard =~ s/^send (\d+)\n//) { Machine::put($line, row($1)) }
        if ($heard =~ /^take (\d+)\n/ && length $heard >= $+[0] + $1) {
            my ($row, $len) = (substr($heard, $+[0], $1), $1);
            return "another row of $len came" if $row ne row($len);
            $heard = substr $heard, $+[0] + $len;
            syswrite $line, '!';
        } else {
            sleep 0.0005 if $heard =~ /^take/; # not for each byte; the socket holds 277 of them
            sysread $line, $heard, 65536, length $heard or last;
        }
    }
    Machine::spew($times, join ' ', map { $looks[-1][$_] - $looks[0][$_] } 0, 1) if @looks > 1;
    return length $heard ? "what was this: $heard" : '';
}

my $machine = Machine->new(
    kernel => "$out/kernel.elf", bootfs => "$out/bootfs-test", dir => $dir, fw => 'pvh', line => $socket,
    cmdline => 'init.run=test/line,test/line init.privileged=test/line',
);
unlink $socket, $times;
my $pid = fork // die "fork: $!\n";
if (!$pid) {
    my $wrong = partner();
    print STDERR "# $wrong\n" if length $wrong;
    POSIX::_exit(length $wrong ? 1 : 0);
}
my $result = $machine->run;
kill TERM => $pid if $result->{timed_out};
waitpid $pid, 0;
is($?, 0, 'the other end got what was sent');
my @faults = Machine::faults($result);
ok(!@faults, 'one program has the line, waits for it in every way, loses nothing, and sleeps while it is idle');
diag($_) for Machine::explain($result, @faults);
my ($whole, $waited) = split ' ', Machine::slurp($times);
note(sprintf 'for %.2f s of %.2f s the emulator or the other end waited for a processor', $waited, $whole);
my $own = 1 - $waited / $whole;
my $enough = FAST * ($own > LEAST ? $own : LEAST);
my %rates;
push @{$rates{$1}}, $2 while $result->{console} =~ /^(received|sent): (\d+) KiB/mg;
for my $way (qw(received sent)) {
    is(scalar @{$rates{$way} // []}, 2, "$way, by both programs");
    cmp_ok($_, '>=', $enough, "$way at $_ KiB a second") for @{$rates{$way} // []};
}
done_testing;
