#!/usr/bin/perl
# Draws the book's pictures with Graphviz, and its casts:
#
#     book/pictures.pl [FOLDER]    draws those whose source has changed, into FOLDER (book/pictures)
#     book/pictures.pl check       names those that are not what their source would give, and fails if any is
#
# Most have a source beside them: pictures/NAME.dot, or pictures/NAME.txt, a session that is shown as a cast. Two are
# made from what the build itself uses: the rooms from tests/lib/Rooms.pm, the address map from the constants of arch.
# The last line of a picture has a digest of its source and one of itself. So a check needs no Graphviz, and a picture
# that was changed by hand is found as well.
#
# The pictures must read on white and on dark: boxes have a light ground of their own, all else is of a middle grey.
use strict;
use warnings;
use Digest::SHA 'sha1_hex';
use File::Basename;
use File::Temp;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../tests/lib";
use Cast;
use Rooms;

chdir "$FindBin::Bin/..";

my $INK = '#6f7881'; # four to one against white, and against the usual dark grounds
my $TEXT = '#1b1f24';
my %FILL = (task => '#f6d5c4', object => '#cfe3f5', memory => '#d5ebcf', tree => '#f4e6b8', page => '#e3e3e8',
    fresh => '#f3c1c1', machine => '#e2d6ef', step => '#e3e3e8', aspace => '#d5ebcf', store => '#cfe3f5',
    off => '#f3c1c1', others => '#f4e6b8');

sub slurp { open my $in, '<', $_[0] or die "$_[0]: $!\n"; local $/; return <$in> }
sub spew { open my $to, '>', $_[0] or die "$_[0]: $!\n"; print $to $_[1]; close $to or die "$_[0]: $!\n" }

# --- the rooms ---

# May any file of the one include some header of the other?
sub uses {
    my ($from, $to) = @_;
    return $from ne $to && Rooms::may_include("$from/any.c", "$to/any.h", 0);
}

# Edges that no way over a third room stands for.
sub direct {
    my ($from, $to, @rooms) = @_;
    return uses($from, $to) && !grep { uses($from, $_) && uses($_, $to) } @rooms;
}

sub rooms {
    my @kernel = @Rooms::ROOMS;
    my @rooms = (@kernel, 'arch/x86_64', 'user', 'tests/kernel', 'tests/user');
    my %label = (
        arch => 'arch\nwhat a machine must offer', 'arch/x86_64' => 'arch/x86_64\na PC',
        'kernel/base' => 'kernel/base\nlocks, log, panic', 'kernel/sched' => 'kernel/sched\nthreads, waiting',
        vm => 'vm\nmemory, transfers', 'kernel/object' => 'kernel/object\nhandles, processes, channels',
        syscalls => 'syscalls\nthe interface', kernel => 'kernel/main.c\nthe boot sequence',
        user => 'user\nprograms', 'tests/kernel' => 'tests/kernel', 'tests/user' => 'tests/user',
        public => 'syscalls/include/zircon\npublic headers',
    );
    my %class = (user => 'task', 'tests/user' => 'page', 'tests/kernel' => 'page', public => 'object',
        arch => 'machine', 'arch/x86_64' => 'machine');
    my $dot = "digraph rooms {\n    rankdir = TB\n    nodesep = 0.3\n    ranksep = 0.35\n";
    for (@rooms, 'public') {
        $dot .= sprintf qq(    "%s" [label = "%s", class = %s]\n), $_, $label{$_}, $class{$_} // 'memory';
    }
    for my $from (@rooms) {
        $dot .= join '', map { qq(    "$from" -> "$_"\n) } grep { direct($from, $_, @rooms) } @rooms;
    }
    $dot .= qq(    "$_" -> "public"\n) for qw(user syscalls);
    return "$dot}\n";
}

# --- the address map ---

# The value of a constant of the headers, and `1 << 39` and the like.
sub constant {
    my ($file, $name) = @_;
    my ($value) = slurp($file) =~ /^#define $name (.*)$/m or die "$file has no $name\n";
    $value =~ s/\((?:vaddr_t|size_t)\)//g;
    die "$file: $name is $value\n" if $value !~ /^[\s\dxa-f()<+*-]+$/;
    no warnings 'portable';
    return eval $value; ## no critic: digits and operators only
}

sub addresses {
    my ($types, $mmu) = ('arch/types.h', 'arch/x86_64/include/arch_inline/mmu.h');
    my %at = map { $_ => constant($mmu, $_) } qw(PHYSMAP_BASE KERNEL_DYNAMIC_BASE KERNEL_DYNAMIC_SIZE KERNEL_IMAGE_BASE
        KERNEL_DEVICE_BASE);
    my ($base, $end) = (constant($types, 'USER_BASE'), constant($types, 'USER_END'));
    my @rows = (
        [$at{KERNEL_DEVICE_BASE}, 'machine', 'device registers, uncached'],
        [$at{KERNEL_IMAGE_BASE}, 'memory', "the kernel's image: text, constants, data"],
        [$at{KERNEL_DYNAMIC_BASE} + $at{KERNEL_DYNAMIC_SIZE}, '', 'nothing'],
        [$at{KERNEL_DYNAMIC_BASE}, 'object', 'kernel stacks, each above a page that faults'],
        [$at{PHYSMAP_BASE}, 'tree', 'all memory, never executable (the physmap)'],
        [$end, '', 'nothing; most of it is no address at all'],
        [$base, 'task', 'the program: whatever its VMARs and mappings say'],
        [0, '', 'nothing is ever mapped here'],
    );
    my $text = join '', map {
        my ($from, $class, $what) = @$_;
        my $cell = $class ? qq(<td class="$class" height="34">$what</td>) : qq(<td border="0">\@ink($what)</td>);
        sprintf qq(<tr>%s<td border="0" align="left" valign="bottom">\@ink(%016x)</td></tr>\n), $cell, $from;
    } @rows;
    return qq(digraph addresses {\n    table [shape = plain, style = "", label = <\n)
        . qq(<table border="0" cellborder="1" cellspacing="0" cellpadding="6">\n$text</table>>]\n}\n);
}

# --- drawing ---

my %MADE = (rooms => \&rooms, addresses => \&addresses);

sub window_size { return constant('vm/window.h', 'WINDOW') / 1024 . ' KiB' }

# What the picture is made of. What Graphviz gets: colours for classes, and a head that all pictures share.
sub source {
    my ($name) = @_;
    return slurp("book/pictures/$name.txt") if -e "book/pictures/$name.txt";
    my $dot = $MADE{$name} ? $MADE{$name}->() : slurp("book/pictures/$name.dot");
    $dot =~ s/\@WINDOW/window_size()/ge;
    $dot =~ s/\@ink\(([^)]*)\)/<font color="$INK">$1<\/font>/g;
    $dot =~ s/<td class="(\w+)"/<td bgcolor="$FILL{$1}"/g;
    $dot =~ s/class = (\w+)/fillcolor = "$FILL{$1}"/g;
    my $head = qq(    bgcolor = transparent\n    fontname = "DejaVu Sans"\n    fontsize = 13\n)
        . qq(    fontcolor = "$INK"\n)
        . qq(    color = "$INK"\n    style = rounded\n)
        . qq(    node [shape = box, style = "filled,rounded", fontname = "DejaVu Sans", fontsize = 12,\n)
        . qq(        color = "$INK", fontcolor = "$TEXT", margin = "0.12,0.07"]\n)
        . qq(    edge [fontname = "DejaVu Sans", fontsize = 11, color = "$INK", fontcolor = "$INK", arrowsize = 0.7]\n);
    $dot =~ s/(digraph \w+ \{\n)/$1$head/ or die "$name: no digraph\n";
    return $dot;
}

sub mark { my ($source, $svg) = @_; return '<!-- ' . sha1_hex($source) . ' ' . sha1_hex($svg) . " -->\n" }

sub parts {
    my ($file) = @_;
    return -e $file ? slurp($file) =~ /\A(.*?)(<!-- [0-9a-f]{40} [0-9a-f]{40} -->\n)\z/s : ();
}

sub is_right {
    my ($name) = @_;
    my ($svg, $mark) = parts("book/pictures/$name.svg");
    return defined $svg && $mark eq mark(source($name), $svg);
}

sub graph {
    my ($name, $dot) = @_;
    my $made = File::Temp->new(SUFFIX => '.dot');
    print $made $dot;
    close $made or die "$made: $!\n";
    my $svg = `dot -Tsvg '$made'`;
    die "Graphviz could not draw $name\n" if $? != 0 || $svg !~ /<\/svg>/;
    $svg =~ s/<!-- .*? -->\n?//gs;
    return $svg =~ s/font-family="DejaVu Sans"/font-family="DejaVu Sans,Verdana,sans-serif"/gr;
}

sub draw {
    my ($name, $to) = @_;
    my $source = source($name);
    my $svg = -e "book/pictures/$name.txt" ? Cast::svg($source) : graph($name, $source);
    spew("$to.svg", $svg . mark($source, $svg));
    print "$to.svg\n";
}

my @names = sort keys %MADE, map { basename($_, '.dot', '.txt') } glob 'book/pictures/*.dot book/pictures/*.txt';
my ($word) = @ARGV;
if (defined $word && $word eq 'check') {
    my @wrong = grep { !is_right($_) } @names;
    print "book/pictures/$_.svg: not made from what is there now; run make pictures\n" for @wrong;
    exit(@wrong ? 1 : 0);
}
draw($_, ($word // 'book/pictures') . "/$_") for grep { defined $word || !is_right($_) } @names;
