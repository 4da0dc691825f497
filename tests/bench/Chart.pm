# Draws the charts with gnuplot. One: what a call costs in instructions against the bytes that it moves, both axes
# logarithmic. Every line is named where it ends, in its own colour; arrows say how far Jargoon is from the best of
# Linux. The other: how the costs of some calls grow with what there is.
package Chart;
use strict;
use warnings;
use Machine;

# Whose, the name's beginning, the label, how far above the line's end that is (a factor), colour, width, dashes.
my @LINES = (
    ['linux', 'write/ptrace/present', 'Linux, ptrace', 1, '#b07aa1', 2, 1],
    ['linux', 'write/proc_mem/present', 'Linux, /proc/PID/mem', 1.6, '#e8a33d', 2, 1],
    ['linux', 'write/process_vm/present', 'Linux, process_vm_writev', 0.66, '#d1495b', 3, 1],
    ['jargoon', 'write/zx_process/present', 'Jargoon', 1.5, '#00798c', 5, 1],
    ['jargoon', 'copy/rep-movsq', 'bare copy loop', 0.55, '#8a8a8a', 2, 2],
);

# Pairs of size and cost, by size.
sub points {
    my ($values, $prefix) = @_;
    my @points = map { m{^\Q$prefix\E/(\d+)$} ? [$1, $values->{$_}] : () } keys %$values;
    return sort { $a->[0] <=> $b->[0] } @points;
}

# Arrows from one line to another at a size, with the factor between them.
sub arrows {
    my ($results) = @_;
    my $text = '';
    for my $size (64, 1048576) {
        my $theirs = $results->{linux}{"write/process_vm/present/$size"};
        my $ours = $results->{jargoon}{"write/zx_process/present/$size"};
        next unless $theirs && $ours;
        my $label_at = $size > 64 ? $ours * 0.42 : 1.3 * sqrt($theirs * $ours);
        $text .= "set arrow from $size,${\($theirs * 0.86)} to $size,${\($ours * 1.2)} size graph 0.008,20 filled"
            . " lc rgb '#333333' lw 1.5 front\n";
        $text .= sprintf("set label '%.1f times fewer' at $size,$label_at", $theirs / $ours)
            . " left offset 0.9,0 tc rgb '#333333' font ',13' front\n";
    }
    return $text;
}

sub script {
    my ($results, $linux, $terminal, $file) = @_;
    my ($data, @plots, @labels) = ('');
    for (0 .. $#LINES) {
        my ($who, $prefix, $label, $up, $colour, $width, $dash) = @{$LINES[$_]};
        my @points = points($results->{$who}, $prefix) or next;
        my ($size, $cost) = @{$points[-1]};
        $data .= "\$line$_ << END\n" . join('', map { "$_->[0] $_->[1]\n" } @points) . "END\n";
        my $style = "lc rgb '$colour' lw $width dt $dash pt 7 ps " . ($width > 4 ? 0.9 : 0.55);
        push @plots, "\$line$_ using 1:2 with linespoints $style notitle";
        push @labels, "set label '$label' at $size,${\($cost * $up)} left offset 1.2,0 noenhanced tc rgb '$colour'"
            . " font ',${\($width > 4 ? 19 : 15)}'\n";
    }
    return <<"END" . $data . join('', @labels) . arrows($results) . 'plot ' . join(", \\\n     ", @plots) . "\n";
set terminal $terminal
set output '$file'
title = "Writing into another process's memory: instructions per call"
below = "{/*0.72 Jargoon and $linux in the same emulator, both axes logarithmic; lower is better}"
set title title . "\\n" . below font ',22' offset 0,0.4
set logscale xy
set xrange [0.8:67108864]
set yrange [8:4e8]
set xtics nomirror out ('1 byte' 1, '8' 8, '64' 64, '512' 512, '4 KiB' 4096, \\
    '64 KiB' 65536, '1 MiB' 1048576, '16 MiB' 16777216)
set ytics nomirror out ('10' 10, '100' 100, '1,000' 1e3, '10,000' 1e4, '100,000' 1e5)
set ytics add ('1 million' 1e6, '10 million' 1e7, '100 million' 1e8)
set border 3 lc rgb '#555555'
set grid ytics lt 1 lc rgb '#e4e4e4' lw 1
set xlabel 'bytes written by one call' offset 0,-0.3
set key off
set rmargin 24
set tmargin 5.5
END
}

# How costs grow, of `growth` as Bench.pm returns it: the law's name, the label, how far above the line's end it is,
# colour.
my @LAWS = (
    ['map-among-mappings', 'map a page (mappings)', 1.2, '#d1495b'],
    ['write-mapped', 'write a page (mappings)', 1, '#30638e'],
    ['snapshot', 'take a snapshot (pages)', 0.78, '#00798c'],
    ['sum-mapped', 'sum up memory, each (mappings)', 1.05, '#b07aa1'],
    ['close-bystander', 'close a handle (waits)', 0.95, '#e8a33d'],
    ['signal-watched', 'signal an object (waits)', 0.95, '#5f8a3c'],
);

sub growth_script {
    my ($growth, $terminal, $file) = @_;
    my ($data, @plots, @labels) = ('');
    for (0 .. $#LAWS) {
        my ($law, $label, $up, $colour) = @{$LAWS[$_]};
        my @points = points($growth, "growth/$law") or next;
        my ($count, $cost) = @{$points[-1]};
        $data .= "\$line$_ << END\n" . join('', map { "$_->[0] $_->[1]\n" } @points) . "END\n";
        push @plots, "\$line$_ using 1:2 with linespoints lc rgb '$colour' lw 3 pt 7 ps 0.7 notitle";
        push @labels, "set label '$label' at $count,${\($cost * $up)} left offset 1.2,0 noenhanced tc rgb '$colour'\n";
    }
    push @plots, "x * 1000 with lines lc rgb '#8a8a8a' lw 2 dt 2 notitle";
    return <<"END" . $data . join('', @labels) . 'plot ' . join(", \\\n     ", @plots) . "\n";
set terminal $terminal
set output '$file'
title = "What many others add to the cost of one call"
below = "{/*0.72 instructions, both axes logarithmic; a flat line is a cost that does not grow}"
set title title . "\\n" . below font ',22' offset 0,0.4
set logscale xy
set xrange [0.8:100000]
set yrange [100:100000]
set xtics nomirror out ('1' 1, '10' 10, '100' 100, '1,000' 1e3, '10,000' 1e4, '100,000' 1e5)
set ytics nomirror out ('100' 100, '1,000' 1e3, '10,000' 1e4, '100,000' 1e5)
set border 3 lc rgb '#555555'
set grid ytics lt 1 lc rgb '#e4e4e4' lw 1
set xlabel 'how many others there are' offset 0,-0.3
set label 'if each cost 1,000' at 30,14000 left tc rgb '#8a8a8a'
set key off
set rmargin 32
set tmargin 5.5
END
}

my %TERMINALS = (
    svg => "svg size 960,630 dynamic enhanced font 'DejaVu Sans,15' background '#ffffff'",
    png => "pngcairo size 1650,1080 enhanced font 'DejaVu Sans,15' fontscale 1.45 linewidth 1.5 background '#ffffff'",
);

# `script` makes what gnuplot is to do, of a terminal and the name of a file: FILE.svg and FILE.png.
sub plot {
    my ($file, $script) = @_;
    for (sort keys %TERMINALS) {
        Machine::spew("$file.gnuplot", $script->($TERMINALS{$_}, "$file.$_"));
        system('gnuplot', "$file.gnuplot") == 0 or die "gnuplot could not draw $file.$_\n";
        unlink "$file.gnuplot";
    }
}

# DIR/chart and DIR/growth.
sub draw {
    my ($results, $dir) = @_;
    my $linux = join ' ', 'Linux', $results->{kernel} =~ /(\d+\.\d+)/;
    plot("$dir/chart", sub { script($results->{instructions}, $linux, @_) });
    plot("$dir/growth", sub { growth_script($results->{growth}, @_) });
}

1;
