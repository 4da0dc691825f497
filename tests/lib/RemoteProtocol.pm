# The part of GDB's remote protocol that a test needs to be a debugger itself.
package RemoteProtocol;
use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;
use Time::HiRes qw(time);

use constant LIMIT => 60; # seconds for an answer

# Begins a session over the socket of that name. A server that is just beginning loses the first question.
sub new {
    my ($class, $path) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!\n";
    my $self = bless {socket => $socket, text => '', shown => ''}, $class;
    $self->{ack} = 1;
    for my $try (1 .. 12) {
        $self->send('qSupported:multiprocess+;swbreak+;hwbreak+');
        last if defined $self->receive(5);
        die "no answer to the first question\n" if $try == 12;
    }
    $self->send('QStartNoAckMode');
    while (1) { last if ($self->receive // die "no answer to QStartNoAckMode\n") eq 'OK' }
    delete $self->{ack};
    return $self;
}

sub close { my ($self) = @_; close $self->{socket}; return }

sub send {
    my ($self, $text) = @_;
    my $sum = unpack '%8C*', $text;
    syswrite $self->{socket}, ($self->{ack} ? '+' : '') . sprintf '$%s#%02x', $text, $sum;
    return;
}

# The next packet, its runs expanded and its escapes undone; undef: none came within the time. What is for the
# debugger's terminal is collected in `shown`.
sub receive {
    my ($self, $limit) = @_;
    my $end = time + ($limit // LIMIT);
    for (;;) {
        if ($self->{text} =~ s/^[+-]*\$(.*?)#(..)//s) {
            my ($text, $told) = ($1, hex $2);
            die "a wrong checksum: $text\n" if unpack('%8C*', $text) != $told;
            $text =~ s/(.)\*(.)/$1 x (ord($2) - 28)/gse;
            $text =~ s/\}(.)/chr(ord($1) ^ 0x20)/gse;
            if ($text =~ /^O([0-9a-f]+)$/) {
                $self->{shown} .= pack 'H*', $1;
                next;
            }
            return $text;
        }
        my $left = $end - time;
        return if $left <= 0 || !IO::Select->new($self->{socket})->can_read($left);
        sysread $self->{socket}, $self->{text}, 65536, length $self->{text} or die "the line is closed\n";
    }
}

sub ask {
    my ($self, $text) = @_;
    $self->send($text);
    return $self->receive // die "no answer to $text\n";
}

# Goes on with that action until a stop, which is forced after a while.
sub resume {
    my ($self, $action) = @_;
    $self->send("vCont;$action");
    my $stop = $self->receive(0.05 + rand 0.2);
    return $stop if defined $stop;
    syswrite $self->{socket}, "\x03";
    return $self->receive // die "no stop after $action\n";
}

sub read {
    my ($self, $at, $len) = @_;
    my $bytes = '';
    while (length $bytes < $len) {
        my $answer = $self->ask(sprintf 'm%x,%x', $at + length $bytes, $len - length $bytes);
        return $bytes if $answer =~ /^E/ || $answer eq '';
        $bytes .= pack 'H*', $answer;
    }
    return $bytes;
}

sub threads {
    my ($self) = @_;
    my $list = $self->ask('qfThreadInfo');
    return $list =~ s/^m// ? split /,/, $list : ();
}

sub pc { my ($self) = @_; return unpack 'Q<', pack 'H*', $self->ask('p10') }

1;
