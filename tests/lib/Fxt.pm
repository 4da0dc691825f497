# A strict reader of Fuchsia's trace format, written from its public description: what that calls reserved must be zero,
# each size must be right to the word, each reference must have been registered, and each text be padded with zeros. It
# dies with the place of the first word that is not as it should be.
package Fxt;
use strict;
use warnings;

no warnings qw(portable);
use constant MAGIC => 0x0016547846040010;
my %argument_words = (0 => 1, 1 => 1, 2 => 1, 3 => 2, 4 => 2, 5 => 2, 6 => 1, 7 => 2, 8 => 2, 9 => 1);

# read(BYTES): {ticks => in a second, records => [{kind, …} …], processes => {koid => name}, threads => {koid =>
# {name, process}}}. A record has `words`, its size, and what its kind says.
sub read {
    my ($class, $bytes) = @_;
    die "fxt: not whole words\n" if length($bytes) % 8;
    my $self = bless {bytes => $bytes, at => 0, strings => {}, refs => {}, records => [], ticks => 1e9,
        processes => {}, threads => {}}, $class;
    my @words = unpack 'Q<*', $bytes;
    $self->{words} = \@words;
    $self->wrong('no magic number') unless @words && $words[0] == MAGIC;
    while ($self->{at} < @words) {
        my $header = $words[$self->{at}];
        my ($type, $size) = ($header & 15, $header >> 4 & 0xfff);
        $self->wrong("a record of $size words") if $size == 0 || $self->{at} + $size > @words;
        $self->{end} = $self->{at} + $size;
        $self->{start} = $self->{at}++;
        my $read = {0 => \&metadata, 1 => \&initialization, 2 => \&string, 3 => \&thread, 4 => \&event,
            7 => \&kernel_object, 8 => \&scheduling}->{$type} or $self->wrong("record type $type");
        my $record = $self->$read($header);
        $self->wrong('a record that is longer than it says') if $self->{at} != $self->{end};
        push @{$self->{records}}, {%$record, words => $size};
    }
    delete @$self{qw(words bytes at end start)};
    return $self;
}

sub wrong {
    my ($self, $what) = @_;
    die sprintf "fxt: %s, at byte %d\n", $what, 8 * ($self->{start} // 0);
}

# Bits [from, to] of a word.
sub bits { my ($word, $from, $to) = @_; return $word >> $from & (~0 >> (63 - $to + $from)) }

sub reserved {
    my ($self, $word, @ranges) = @_;
    while (my ($from, $to) = splice @ranges, 0, 2) {
        $self->wrong("reserved bits $from to $to are set") if bits($word, $from, $to);
    }
}

sub word {
    my ($self) = @_;
    $self->wrong('a record that is shorter than it says') if $self->{at} >= $self->{end};
    return $self->{words}[$self->{at}++];
}

sub text {
    my ($self, $len) = @_;
    my $words = int(($len + 7) / 8);
    $self->wrong('a text beyond its record') if $self->{at} + $words > $self->{end};
    my $text = substr $self->{bytes}, 8 * $self->{at}, 8 * $words;
    $self->{at} += $words;
    my $padding = substr $text, $len, length($text), '';
    $self->wrong('a text is not padded with zeros') if $padding =~ /[^\0]/;
    return $text;
}

sub string_ref {
    my ($self, $ref) = @_;
    return '' if $ref == 0;
    return $self->text($ref & 0x7fff) if $ref & 0x8000;
    return $self->{strings}{$ref} // $self->wrong("string $ref is not registered");
}

# Where the reference is 0 the next two words are the thread.
sub thread_ref {
    my ($self, $ref) = @_;
    return $self->{refs}{$ref} // $self->wrong("thread $ref is not registered") if $ref;
    return [$self->word, $self->word];
}

sub metadata {
    my ($self, $header) = @_;
    my $type = bits($header, 16, 19);
    if ($type == 1) {
        $self->reserved($header, 60, 63);
        return {kind => 'provider', id => bits($header, 20, 51), name => $self->text(bits($header, 52, 59))};
    }
    $self->reserved($header, 52, 63) if $type == 2;
    return {kind => 'section', id => bits($header, 20, 51)} if $type == 2;
    return {kind => 'magic'} if $header == MAGIC && $self->{start} == 0;
    $self->wrong("metadata type $type");
}

sub initialization {
    my ($self, $header) = @_;
    $self->reserved($header, 16, 63);
    $self->{ticks} = $self->word or $self->wrong('a second without ticks');
    return {kind => 'initialization'};
}

sub string {
    my ($self, $header) = @_;
    $self->reserved($header, 31, 31, 47, 47, 48, 63);
    my $index = bits($header, 16, 30) or $self->wrong('string 0');
    $self->{strings}{$index} = $self->text(bits($header, 32, 46));
    return {kind => 'string'};
}

sub thread {
    my ($self, $header) = @_;
    $self->reserved($header, 24, 63);
    my $index = bits($header, 16, 23) or $self->wrong('thread 0');
    $self->{refs}{$index} = [$self->word, $self->word];
    return {kind => 'thread'};
}

sub arguments {
    my ($self, $count) = @_;
    my %args;
    for (1 .. $count) {
        my $header = $self->word;
        my ($type, $size) = (bits($header, 0, 3), bits($header, 4, 15));
        my $words = $argument_words{$type} // $self->wrong("argument type $type");
        $self->wrong("an argument of $size words, not $words") if $size != $words;
        my $name = $self->string_ref(bits($header, 16, 31));
        my $value = $words == 2 ? $self->word : bits($header, 32, 63);
        $self->reserved($header, 32, 63) if $words == 2 || $type == 0;
        $args{$name} = $type == 1 ? unpack('l', pack 'L', $value) : $value;
    }
    return \%args;
}

my %event_types = (0 => 'instant', 1 => 'counter', 2 => 'begin', 3 => 'end', 4 => 'complete', 5 => 'async begin',
    6 => 'async instant', 7 => 'async end', 8 => 'flow begin', 9 => 'flow step', 10 => 'flow end');

sub event {
    my ($self, $header) = @_;
    my $kind = $event_types{bits($header, 16, 19)} // $self->wrong('no such type of event');
    my $time = $self->word;
    my ($process, $thread) = @{$self->thread_ref(bits($header, 24, 31))};
    my $category = $self->string_ref(bits($header, 32, 47));
    my $name = $self->string_ref(bits($header, 48, 63));
    my %event = (kind => $kind, time => $time, process => $process, thread => $thread, category => $category,
        name => $name, args => $self->arguments(bits($header, 20, 23)));
    $event{last} = $self->word if $kind !~ /^(instant|begin|end)$/;
    $self->wrong('an event that ends before it begins') if $kind eq 'complete' && $event{last} < $time;
    return \%event;
}

sub kernel_object {
    my ($self, $header) = @_;
    $self->reserved($header, 44, 63);
    my ($type, $koid) = (bits($header, 16, 23), $self->word);
    my $name = $self->string_ref(bits($header, 24, 39));
    my $args = $self->arguments(bits($header, 40, 43));
    $self->{processes}{$koid} = $name if $type == 1;
    $self->{threads}{$koid} = {name => $name, process => $args->{process}} if $type == 2;
    return {kind => 'object', type => $type, koid => $koid, name => $name, args => $args};
}

sub scheduling {
    my ($self, $header) = @_;
    my $type = bits($header, 60, 63);
    my $time = $self->word;
    if ($type == 0) {
        my ($from, $to) = map { $self->thread_ref($_) } bits($header, 28, 35), bits($header, 36, 43);
        return {kind => 'switch', time => $time, cpu => bits($header, 16, 23), state => bits($header, 24, 27),
            from => $from->[1], to => $to->[1], from_idle => !bits($header, 44, 51), to_idle => !bits($header, 52, 59)};
    }
    if ($type == 1) {
        $self->reserved($header, 40, 59);
        my ($from, $to) = ($self->word, $self->word);
        return {kind => 'switch', time => $time, cpu => bits($header, 20, 35), state => bits($header, 36, 39),
            from => $from, to => $to, args => $self->arguments(bits($header, 16, 19))};
    }
    $self->wrong("scheduling record type $type") if $type != 2;
    $self->reserved($header, 36, 59);
    my $thread = $self->word;
    return {kind => 'wake', time => $time, cpu => bits($header, 20, 35), thread => $thread,
        args => $self->arguments(bits($header, 16, 19))};
}

1;
