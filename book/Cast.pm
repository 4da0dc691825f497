# Casts: sessions at a terminal as pictures that move. One is a column of lines that is moved up behind a window, and a
# curtain over the lines that are still to come. Where nothing moves, as in a print, its first screen is shown.
package Cast;
use strict;
use warnings;
use Text::Tabs;

use constant {ROWS => 26, COLUMNS => 84, LINE => 19, CHARACTER => 8.43, EDGE => 14};
use constant {SHORT => 0.25, LONG => 0.9, LAST => 6}; # seconds: a line of output, a typed one, the last screen

# A line in as many as it takes on a terminal.
sub wrapped { return $_[0] eq '' ? '' : $_[0] =~ /(.{1,${\COLUMNS}})/g }

sub is_typed { return $_[0] =~ /^(?:\$|\(gdb\)) / }

sub text_of {
    my ($line, $row) = @_;
    my ($y, $class) = (EDGE + LINE * ($row + 0.75), is_typed($line) ? 't' : $line =~ /^\d\. / ? 'h' : 'o');
    $line =~ s/[&<>]/{'&' => '&amp;', '<' => '&lt;', '>' => '&gt;'}->{$&}/ge;
    return $line eq '' ? '' : qq(<text x="${\EDGE}" y="$y" class="$class">$line</text>\n);
}

# How far the column and the curtain have moved when each line has come: in rows, with the second it is at.
sub keyframes {
    my ($name, $total, @at) = @_;
    my @moves = @at[0, grep { $at[$_][1] != $at[$_ - 1][1] } 1 .. $#at];
    my $text = join '',
        map { sprintf "%.2f%%{transform:translateY(%dpx)}", 100 * $_->[0] / $total, $_->[1] * LINE } @moves;
    return "\@keyframes $name {$text}\n";
}

# The picture of a session's text.
sub svg {
    my @lines = map { wrapped(expand($_)) } split /\n/, $_[0];
    my ($now, @up, @down) = (0);
    for my $i (0 .. $#lines) {
        push @up, [$now, -($i >= ROWS ? $i - ROWS + 1 : 0)];
        push @down, [$now, $i >= ROWS ? ROWS : $i + 1];
        $now += is_typed($lines[$i]) ? LONG : $lines[$i] eq '' ? 0 : SHORT;
    }
    my $total = $now + LAST;
    my ($width, $height) = (int(COLUMNS * CHARACTER + 2 * EDGE), ROWS * LINE + 2 * EDGE);
    my $text = join '', map { text_of($lines[$_], $_) } 0 .. $#lines;
    my ($inner, $edge) = (ROWS * LINE, EDGE);
    return <<"END" =~ s/^ +//mgr;
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $width $height" width="$width" height="$height">
        <style>
        text {font: 14px "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre; fill: #c4ccd4}
        .t {fill: #ffffff; font-weight: bold} .h {fill: #f4d58d}
        .up, .down {animation: ${\sprintf '%.1f', $total}s step-end infinite}
        .up {animation-name: up} .down {animation-name: down; transform: translateY(${inner}px)}
        ${\keyframes('up', $total, @up)}${\keyframes('down', $total, @down)}</style>
        <clipPath id="screen"><rect x="0" y="$edge" width="$width" height="$inner"/></clipPath>
        <rect width="$width" height="$height" rx="8" fill="#1e242b"/>
        <g clip-path="url(#screen)">
        <g class="up" xml:space="preserve">
        $text</g>
        <rect class="down" x="0" y="$edge" width="$width" height="$inner" fill="#1e242b"/>
        </g>
        </svg>
END
}

1;
