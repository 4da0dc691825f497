# The machine's line to debuggers, as a socket in the file system. One end is the emulator's; to the other a debugger
# connects, one after the other. When one disconnects the server in the machine is sent a packet that no debugger
# sends; its `$` ends whatever packet was under way.
package DebugLine;
use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use Time::HiRes qw(sleep);

use constant HANGUP => "\$\x04#04";

# open(DIR): the emulator makes DIR/line.sock, and DIR/gdb.sock is for debuggers. A process of its own passes on what
# comes, until the emulator has closed its end.
sub open {
    my ($class, $dir) = @_;
    my $path = "$dir/gdb.sock";
    unlink $path, "$dir/line.sock";
    my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 1) or die "$path: $!\n";
    pipe my $ready, my $readying or die "pipe: $!\n";
    my $parent = $$;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        setpgrp;
        close $ready;
        my $machine = machine_await("$dir/line.sock", $parent);
        relay($machine, $listener, $readying) if $machine;
        unlink $path;
        POSIX::_exit(0);
    }
    return bless {line => "$dir/line.sock", path => $path, ready => $ready}, $class;
}

# The emulator's socket, once it exists; or nothing, if its user has ended.
sub machine_await {
    my ($path, $parent) = @_;
    while (getppid == $parent) {
        my $machine = IO::Socket::UNIX->new(Peer => $path);
        return $machine if $machine;
        sleep 0.02;
    }
    return;
}

# Waits until a server in the machine listens; false if there is none, and will be none.
sub wait_ready { my ($self) = @_; return sysread $self->{ready}, my $byte, 1 }

# The emulator sends each byte by itself; what comes from it is held back until a packet is whole, or the line has been
# silent for SILENCE seconds: a packet's last bytes may come apart from the rest. Nothing is looked for while a byte
# takes longer than the looking.
use constant {WHOLE => qr/#[0-9a-f]{2}\z|\A[+-]+\z/, PAUSE => 1e-4, SILENCE => 0.01, HELD_MAX => 65536};

sub relay {
    my ($machine, $listener, $readying) = @_;
    my $select = IO::Select->new($machine);
    my ($debugger, $held) = (undef, '');
    local $SIG{PIPE} = 'IGNORE';
    my $pass_on = sub { put($debugger, $held) if $debugger; $held = '' };
    for (;;) {
        my @ready = $select->can_read(length $held ? SILENCE : undef);
        $pass_on->() if !@ready;
        for my $from (@ready) {
            if ($from == $listener) {
                $debugger = $listener->accept or next;
                $select->remove($listener);
                $select->add($debugger);
            } elsif ($from == $machine) {
                sysread $machine, $held, 65536, length $held or return $pass_on->();
                if ($readying) {
                    $select->add($listener);
                    syswrite $readying, 'r';
                    close $readying;
                    undef $readying;
                }
                if (substr($held, -4) !~ WHOLE && length $held < HELD_MAX) { sleep PAUSE; next }
                $pass_on->();
            } elsif (sysread $from, my $bytes, 65536) {
                put($machine, $bytes);
            } else {
                put($machine, HANGUP);
                $select->remove($debugger);
                close $debugger;
                undef $debugger;
                $held = '';
                $select->add($listener);
            }
        }
    }
}

sub put {
    my ($to, $bytes) = @_;
    while (length $bytes) {
        my $len = syswrite $to, $bytes or return;
        substr $bytes, 0, $len, '';
    }
    return;
}

1;
