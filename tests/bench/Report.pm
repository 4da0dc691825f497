# Turns results into tables: aligned text for a terminal, and a short one in Markdown for tests/bench/README.md.
package Report;
use strict;
use warnings;

my @SIZES = (1, 8, 64, 512, 4096, 65536, 1048576, 16777216, 67108864);
my @LINUX = (['process_vm', 'process_vm_writev'], ['proc_mem', '/proc/PID/mem'], ['ptrace', 'ptrace']);

sub size_name {
    my ($bytes) = @_;
    return $bytes / 1048576 . ' MiB' if $bytes >= 1048576;
    return $bytes >= 1024 ? $bytes / 1024 . ' KiB' : $bytes == 1 ? '1 byte' : "$bytes bytes";
}

# A number with commas; a dash where there is none.
sub number {
    my ($value) = @_;
    return '-' unless defined $value;
    my $text = sprintf '%.0f', $value;
    1 while $text =~ s/^(\d+)(\d{3})/$1,$2/;
    return $text;
}

sub ratio { my ($over, $under) = @_; return defined $over && $under ? sprintf '%.1f', $over / $under : '-' }

# Lines of columns, the first aligned to the left and the others to the right.
sub text_table {
    my ($title, @rows) = @_;
    my @width;
    for my $row (@rows) {
        for (0 .. $#$row) { $width[$_] = length $row->[$_] if length $row->[$_] > ($width[$_] // 0) }
    }
    my $line = sub {
        my ($row) = @_;
        my @cells = map { sprintf $_ ? "%$width[$_]s" : "%-$width[$_]s", $row->[$_] } 0 .. $#$row;
        return '  ' . join('  ', @cells) =~ s/\s+$//r . "\n";
    };
    return "\n$title\n\n" . join '', map { $line->($_) } @rows;
}

sub markdown_table {
    my ($head, @rows) = @_;
    return join '', map { '| ' . join(' | ', @$_) . " |\n" } $head, ['---', ('---:') x $#$head], @rows;
}

# One line of a comparison: what it is called, the name's beginning and end around the method's.
sub transfer_row {
    my ($r, $label, $before, $after, $bare) = @_;
    my $ours = $r->{jargoon}{"$before/zx_process/$after"};
    my @theirs = map { $r->{linux}{"$before/$_->[0]/$after"} } @LINUX;
    my $lean = $r->{lean}{"$before/$LINUX[0][0]/$after"};
    return [$label, (map { number($_) } $ours, $bare, @theirs, $lean), ratio($theirs[0], $ours), ratio($lean, $ours)];
}

sub transfer_head {
    my ($direction) = @_;
    return ['', 'Jargoon', 'bare copy', "process_vm_${direction}v", qw(/proc/PID/mem ptrace lean ratio), 'to lean'];
}

sub bare { my ($r, $size) = @_; return $r->{jargoon}{"copy/rep-movsq/$size"} }

sub size_rows {
    my ($r, $before, $state) = @_;
    return map { transfer_row($r, size_name($_), $before, "$state/$_", bare($r, $_)) } @SIZES;
}

my %STATES = (
    present => 'pages present', absent => 'pages never touched before', shared => 'pages shared, copied when written',
);

sub transfer_tables {
    my ($r) = @_;
    my $text = '';
    for (['write', 'write'], ['read', 'read']) {
        my ($before, $word) = @$_;
        for my $state (qw(present absent shared)) {
            my @rows = size_rows($r, $before, $state);
            push @rows, transfer_row($r, '100 mappings, 400 KiB', $before, 'scattered/409600') if $state eq 'present';
            $text .= text_table("$word: $STATES{$state}", transfer_head($word), @rows);
        }
        my @rows = map { transfer_row($r, size_name($_), "buffer/$before", $_, undef) } 8, 4096, 65536, 1048576;
        $text .= text_table("$word: the caller's buffer never touched before", transfer_head($word), @rows);
    }
    return $text;
}

sub growth_tables {
    my ($r) = @_;
    my @mappings = map { transfer_row($r, number($_), 'mappings', $_) } 1, 100, 10_000, 100_000;
    my @generations = map {
        my $count = $_;
        [number($count), map { number($r->{jargoon}{"generations/zx_process/$_/$count"}) } qw(own shared)]
    } 1, 10, 100, 1000;
    return text_table('write of 8 bytes: the target has so many mappings', transfer_head('write'), @mappings)
        . text_table('write of 8 bytes: so many generations of snapshots (Linux has none)',
        ['', 'page of its own', 'page shared with all'], @generations);
}

# One vectored call beside as many calls: a system without such a call makes many.
sub words_table {
    my ($r) = @_;
    my @rows = map {
        my $count = $_;
        my ($ours, @theirs) = ($r->{jargoon}{"words/calls/$count"},
            map { $r->{linux}{"words/$_/$count"}, $r->{lean}{"words/$_/$count"} } qw(calls vectored));
        [number($count), (map { number($_) } $ours, @theirs), map { ratio($_, $ours) } @theirs[2, 3]]
    } 1, 10, 100, 1000;
    return text_table('write of 8 bytes to each of so many pages', ['', 'Jargoon, calls', 'Linux, calls', 'lean',
        'process_vm_writev, one', 'lean', 'ratio of it', 'to lean'], @rows);
}

my @COUNTS = (1, 10, 100, 1000, 10_000, 100_000);

# What grows with what, in instructions; of lists and sums for each of so many.
sub law_table {
    my ($growth) = @_;
    my %laws = map { m{^growth/(.+)/1$} ? ($1 => 1) : () } keys %$growth;
    my @rows = map {
        my $law = $_;
        [$law =~ tr/-/ /r, map { number($growth->{"growth/$law/$_"}) } @COUNTS]
    } sort keys %laws;
    return text_table('how costs grow with what there is', ['', map { number($_) } @COUNTS], @rows);
}

my @CALLS = (
    ['cheapest', 'cheapest system call'], ['refused', 'write to a process that does not exist'],
    ['handle', 'handle duplicated and closed'], ['page-fault', 'page fault on a new page'],
    ['map-touch-unmap', 'page mapped, touched, unmapped'], ['thread', 'thread created, joined'],
    ['process', 'process created, ended, waited for'], ['program', 'program launched, ended, waited for'],
    ['round-trip', 'to another process and back'],
);

sub call_row {
    my ($r, $name, $label) = @_;
    my ($ours, $theirs, $lean) = map { $r->{$_}{"call/$name"} } qw(jargoon linux lean);
    return [$label, (map { number($_) } $ours, $theirs, $lean), ratio($theirs, $ours), ratio($lean, $ours)];
}

sub loop_table {
    my ($r) = @_;
    my @loops = qw(rep-movsq rep-movsb registers sse);
    my @rows = map { my $size = $_; [size_name($size), map { number($r->{jargoon}{"copy/$_/$size"}) } @loops] } @SIZES;
    return text_table('bare loops in one process', ['', map { s/-/ /r } @loops], @rows);
}

# --- by time ---

sub median { my @sorted = sort { $a <=> $b } @_; return @sorted ? $sorted[$#sorted / 2] : undef }

# Median, least and most of the ratios of two lists.
sub spread {
    my ($over, $under, $places) = @_;
    my @ratios = map { $over->[$_] / $under->[$_] } 0 .. $#$under;
    return figures(\@ratios, $places // 2);
}

sub figures {
    my ($values, $places, $scale) = @_;
    my @sorted = sort { $a <=> $b } @$values;
    return map { sprintf "%.${places}f", $_ / ($scale // 1) } median(@sorted), @sorted[0, -1];
}

sub time_rows {
    my ($results) = @_;
    my ($ours, $theirs) = @{$results->{time}}{qw(jargoon linux)};
    my @rows;
    for my $direction (qw(write read)) {
        for my $size (65536, 1048576, 16777216) {
            push @rows, ["$direction ${\size_name($size)}, of a bare copy's speed", 'at least 0.9',
                spread($ours->{"copy/rep-movsq/$size"}, $ours->{"$direction/zx_process/present/$size"})];
        }
        for ([1048576, 'throughput', 6], [8, 'rate', 4]) {
            my ($size, $what, $goal) = @$_;
            push @rows, ["$direction ${\size_name($size)}, of process_vm_${direction}v's $what", "at least $goal",
                spread($theirs->{"$direction/process_vm/present/$size"},
                    $ours->{"$direction/zx_process/present/$size"})];
        }
    }
    for (['jargoon', 'write', 'writers', 'Jargoon', 'at least 1.6'], ['linux', 'write', 'writers', 'Linux', ''],
        ['jargoon', 'copy', 'bare copies', 'the host', '']) {
        my ($who, $what, $words, $name, $goal) = @$_;
        my $values = $results->{together}{$who};
        push @rows, ["two $words at once, of one's throughput: $name", $goal,
            figures([map { $values->{$_} } grep { m{^together/$what/} } keys %$values], 2)];
    }
    return @rows;
}

# Median ratios of two at once to one, by what they do.
my @SMALLS = (
    ['handle', 'handle duplicated and closed'], ['signal', 'event raised and lowered'],
    ['object', 'memory object made and closed'], ['message', 'message of 8 bytes sent and received'],
    ['map', 'page mapped and unmapped'], ['fault', 'pages touched for the first time, given back together'],
    ['write-8-targets', 'write of 8 bytes, to a target each'],
    ['write-8-mappings', 'write of 8 bytes, to one target, a mapping each'],
    ['write-8-mapping', 'write of 8 bytes, to one mapping'],
    ['write-64k-mappings', 'write of 64 KiB, to one target, a mapping each'],
);

sub small_rows {
    my ($results) = @_;
    return map {
        my ($name, $label) = @$_;
        [$label, map {
            my ($run, $who, $form) = @$_;
            my $values = $results->{$run}{$who};
            my $median = median(map { $values->{$_} } grep { m{^together/$form/$name/} } keys %$values);
            defined $median ? sprintf '%.2f', $median : '-'
        } map({ my $form = $_; map { ['together', $_, $form] } qw(jargoon linux) } qw(threads processes)),
            map { ['turns', $_, 'threads'] } qw(jargoon linux)]
    } @SMALLS;
}

sub start_rows {
    my ($results) = @_;
    my ($ours, $theirs) = @{$results->{time}}{qw(jargoon linux)};
    my $used = sub { figures($_[0]{'memory-used'}, 1, 1048576) };
    my $image = sub { number($results->{image}{$_[0]} / 1024) };
    return (
        ['power-on to the first word of a program, s: Jargoon by GRUB', 'at most 0.6', figures($ours->{up}, 2)],
        ['power-on to the first word of a program, s: Linux by the emulator', '', figures($theirs->{up}, 2)],
        ['kernel image, KiB: Jargoon', 'at most 512', $image->('jargoon'), '', ''],
        ['kernel image, KiB: Linux, compressed', '', $image->('linux'), '', ''],
        ['memory in use of 1 GiB, MiB: Jargoon', 'at most 18.4', $used->($ours)],
        ['memory in use of 1 GiB, MiB: Linux', '', $used->($theirs)],
    );
}

# --- tests/bench/README.md's ---

my @GOALS = (
    ['cheapest system call', 'call/cheapest', 'call/cheapest', sub { 100 }],
    ['invalid handle refused', 'call/refused', 'call/refused', sub { 150 }],
    (map {
        ["write ${\size_name($_)}", "write/zx_process/present/$_", "write/process_vm/present/$_", sub { 350 }]
    } 1, 8),
    (map {
        my ($size, $more) = @$_;
        ["write ${\size_name($size)}", "write/zx_process/present/$size", "write/process_vm/present/$size",
            sub { $_[0] + $more }, $size]
    } [4096, 400], [65536, 1600], [1048576, 20_000]),
    (map {
        ["write ${\size_name($_)}, beyond the copy", "beyond/$_", "beyond/$_"]
    } 65536, 1048576),
    ['write 64 KiB, never touched', 'write/zx_process/absent/65536', 'write/process_vm/absent/65536',
        sub { 2 * $_[0] + 8000 }, 65536],
    (map {
        ["read ${\size_name($_)}", "read/zx_process/present/$_", "read/process_vm/present/$_", sub { 1.05 * $_[1] }, $_]
    } 1, 8, 4096, 65536, 1048576),
);

# What a write of present pages takes besides the loop that its kernel copies with: words here and in a lean Linux, else
# bytes.
sub beyond {
    my ($r, $size) = @_;
    my $ours = $r->{jargoon}{"write/zx_process/present/$size"};
    my ($theirs, $lean) = map { $r->{$_}{"write/process_vm/present/$size"} } qw(linux lean);
    return ($ours - bare($r, $size), $theirs - $r->{linux}{"copy/rep-movsb/$size"}, $lean - bare($r, $size));
}

sub goal_rows {
    my ($r) = @_;
    ($r->{jargoon}{"beyond/$_"}, $r->{linux}{"beyond/$_"}, $r->{lean}{"beyond/$_"}) = beyond($r, $_) for 65536, 1048576;
    return map {
        my ($label, $ours, $theirs, $goal, $size) = @$_;
        my $bare = defined $size ? bare($r, $size) : undef;
        [$label, number($r->{jargoon}{$ours}), number($r->{linux}{$theirs}), number($r->{lean}{$theirs}), number($bare),
            $goal ? number($goal->($bare, $r->{jargoon}{$ours =~ s/^read/write/r})) : '-',
            ratio($r->{linux}{$theirs}, $r->{jargoon}{$ours}), ratio($r->{lean}{$theirs}, $r->{jargoon}{$ours})]
    } @GOALS;
}

# Returns the text and the Markdown.
sub tables {
    my ($results) = @_;
    my $r = $results->{instructions};
    my @time_head = ('', 'goal', 'median', 'least', 'most');
    my @goal_head = ('instructions per call', 'Jargoon', 'Linux', 'lean', 'bare copy', 'goal', 'ratio', 'to lean');
    my @call_head = ('Jargoon', 'Linux', 'lean', 'ratio', 'to lean');
    my $rounds = @{$results->{time}{linux}{up}};
    my @time = time_rows($results);
    my @start = start_rows($results);
    my @small_head = (map { ("Jargoon, $_", "Linux, $_") } 'threads', 'processes', 'one processor');
    my @small = small_rows($results);
    my $text = "$results->{tools}{emulator}; $results->{kernel}; $results->{tools}{compiler}\n"
        . "Instructions per call; the ratio is Linux's first method's to Jargoon's. Lean is a Linux that does not\n"
        . "clear each page as it allocates it, nor use string instructions of bytes: the emulator counts each byte.\n"
        . transfer_tables($r) . growth_tables($r) . words_table($r) . law_table($results->{growth})
        . text_table('other calls', ['', @call_head], map { call_row($r, @$_) } @CALLS)
        . loop_table($r)
        . text_table("By time, as ratios within one round, of $rounds rounds in turns", \@time_head, @time)
        . text_table("Two at once, on objects of their own: throughput over one's", ['', @small_head], @small)
        . text_table('From the start', \@time_head, @start)
        . text_table('The goals', \@goal_head, goal_rows($r));
    my $markdown = markdown_table(\@goal_head, goal_rows($r)) . "\n"
        . markdown_table(['other calls', @call_head], map { call_row($r, @$_) } @CALLS)
        . "\n"
        . markdown_table(['by time', @time_head[1 .. 4]], grep({ $_->[0] !~ /^read/ } @time), @start) . "\n"
        . markdown_table(["two at once, of one's throughput", @small_head], @small);
    return ($text, $markdown);
}

1;
