# The second serial line and its driver in user mode. The program test/line does most of it, twice, for it leaves the
# line open; here is the other end, a Unix socket.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use Machine;
use Test::More;
use Time::HiRes qw(sleep);

use constant {FAST => 100, TRIES => 500};

# How many want each of the host's processors. What the line does is the emulator's work and the other end's, at once.
chomp(my $cpus = `nproc`);
my ($load) = Machine::slurp('/proc/loadavg') =~ /^(\S+)/;
my $enough = FAST / ($load > $cpus ? $load / $cpus : 1);

my $out = Machine::out("debug");
my $dir = 'build/tests/serial';
my $socket = "$dir/line";

sub row { return pack 'C*', map { ($_ * 7 + int($_ / 256) * 13) & 0xff } 0 .. $_[0] - 1 }

# Does what test/line asks for, until the machine is gone; returns what went wrong.
sub partner {
    my $line;
    for (1 .. TRIES) {
        last if $line = IO::Socket::UNIX->new(Peer => $socket);
        sleep 0.02;
    }
    return 'nobody is there' unless $line;
    my $heard = '';
    for (;;) {
        while ($heard =~ s/^([A-Z])//) { syswrite $line, $1 }
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
    return length $heard ? "what was this: $heard" : '';
}

my $machine = Machine->new(
    kernel => "$out/kernel.elf", bootfs => "$out/bootfs", dir => $dir, fw => 'pvh', line => $socket,
    cmdline => 'init.run=test/line,test/line init.privileged=test/line',
);
unlink $socket;
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
my %rates;
push @{$rates{$1}}, $2 while $result->{console} =~ /^(received|sent): (\d+) KiB/mg;
for my $way (qw(received sent)) {
    is(scalar @{$rates{$way} // []}, 2, "$way, by both programs");
    cmp_ok($_, '>=', $enough, "$way at $_ KiB a second") for @{$rates{$way} // []};
}
done_testing;
