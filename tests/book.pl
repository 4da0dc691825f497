#!/usr/bin/perl
# Holds the pages to the tree: every *.md, or those named. book/README.md says what is checked, and how a page names a
# figure so that it can be. Prints what it finds, one line each, and fails if that is anything.
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));
use File::Basename;
use File::Find;
use File::Spec;
use FindBin;
use JSON::PP;

chdir "$FindBin::Bin/..";

# The rooms' pages have five exercises each.
my @ROOMS = map { "$_/README.md" } qw(arch kernel/base kernel/sched vm kernel/object syscalls user tests);
# Pages in which each figure belongs to a name; but not those of measurements, and of limits that programs meet.
my $STRICT = qr/^(README|walks|tracing|INVARIANTS|SECURITY|PORTING)\.md$/;
my %MEASURED = map { $_ => 1 } qw(README.md tests/bench/README.md tests/host/explore/README.md user/libc/README.md
    user/monitor/README.md user/sdk/README.md book/programs.md book/debugging.md book/commands.md);
# Folders of inputs, in which nothing else may lie: the one above has the page.
my $INPUTS = qr{^tests/host/corpus/};
# Names in this file are wrong on purpose.
my $WRONG = 'tests/05-book.t';

my $findings = 0;
sub finding { my ($page, $line, $what) = @_; print $page, $line ? ":$line" : '', ": $what\n"; $findings++ }

sub slurp { open my $in, '<', $_[0] or die "$_[0]: $!\n"; local $/; return <$in> }

# --- what there is ---

my (%file, %folder, @pages, $text);
find({no_chdir => 1, preprocess => sub { grep { !/^\.git$|^build$|^\.[^.c]|~$/ } @_ }, wanted => sub {
    my $path = s{^\./}{}r;
    if (-d) { $folder{$path} //= 0; return }
    $file{$path} = 1;
    $folder{dirname($path)}++ unless basename($path) eq 'README.md';
    push @pages, $path if $path =~ /\.md$/;
}}, '.');
my %named = map { basename($_) => 1 } keys %file;

my @sources = grep { !m{$INPUTS|\.(md|svg|json)$|^$WRONG$} && -T } sort keys %file;
my %source = map { $_ => slurp($_) } @sources;
$text = join "\n", values %source;
my %word = map { $_ => 1 } $text =~ /\w+/g;
my %function = map { $_ => 1 } $text =~ /\b([A-Za-z_]\w*)\(/g, $text =~ /^sub (\w+)/mg;
$word{"zx_$_"} = $function{"zx_$_"} = 1 for $source{'syscalls/syscalls.def'} =~ /(\w+)\(/g;
$word{"sys_$_"} = 1 for $source{'syscalls/syscalls.def'} =~ /(\w+)\(/g;
my %tagged = map { $_ => 1 } $text =~ /\b((?:struct|union|enum) \w+)(?= \{)/g;

my %rules = map { $_ => $source{$_} } grep { m{(^|/)Makefile$|\.mk$} } @sources;
my $rules = join "\n", values %rules;
my $scripts = join "\n", $rules,
    map { $source{$_} } grep { m{^tests/.*\.(t|pm)$|^arch/.*\.pm$|^tests/[\w-]+$|^user/sdk/} } @sources;
my %target = map { $_ => 1 } map { split } $rules =~ /^\.PHONY:(.*)$/mg, $rules =~ /^([\w.-][\w .-]*?):(?!=)/mg;
$target{"check-$_"} = 1 for map { split } $rules =~ /^CHECKS := (.*)$/mg;

# --- figures ---

my %value;
for my $name (grep { m{\.[ch]$} && !m{^tests/} } @sources) {
    push @{$value{$1}}, $2 while $source{$name} =~ /^#define (\w+)[ \t]+([^\n]*?)\s*(?:\/\*.*)?$/mg;
    push @{$value{$1}}, $2 while $source{$name} =~ /\b(\w+) = ([\w\(\)<+* ]+?)[,;](?=\s)/g;
}
for my $name (grep { m{^tests/bench/|\.p[lm]$} && !/\.[ch]$/ } @sources) {
    push @{$value{$1}}, $2 while $source{$name} =~ /\b([A-Z_]{3,}) => (\d+)\b/g;
}
my %UNIT = (KiB => 1 << 10, MiB => 1 << 20, GiB => 1 << 30, ms => 1_000_000);
my $bench = decode_json(slurp('tests/bench/reference.json'))->{figures};

# What a constant's definition comes to, or undef.
sub evaluate {
    my ($expression, $depth) = @_;
    return if ($depth // 0) > 8;
    $expression =~ s/\((?:unsigned|u?int\d+_t|size_t|uintptr_t|vaddr_t|zx_\w+)\)//g;
    $expression =~ s/\bZX_MSEC\(/(1000000*(/ and $expression .= ')';
    $expression =~ s/\b(0x[0-9a-f]+|\d+)(?:u|ul|ull|l|ll)\b/$1/gi;
    for my $name ($expression =~ /\b([A-Za-z_]\w*)\b/g) {
        my ($inner) = grep { defined } map { evaluate($_, ($depth // 0) + 1) } @{$value{$name} // []};
        return unless defined $inner;
        $expression =~ s/\b$name\b/$inner/g;
    }
    return if $expression !~ /^[\dxa-f\s()<>+*\/-]+$/i;
    my $result = eval $expression; ## no critic: digits and operators only
    return $result;
}

# Is it a name that a figure can belong to? Then what it comes to: several, where files have constants of one name.
sub values_of {
    my ($name) = @_;
    return $bench->{$name} if exists $bench->{$name};
    return grep { defined } map { evaluate($_) } @{$value{$name} // []};
}

sub check_figure {
    my ($page, $line, $name, $figure, $unit) = @_;
    my @values = values_of($name) or return finding($page, $line, "`$name` has no figure");
    my $told = $figure =~ tr/,//dr * ($UNIT{$unit} // 1);
    my $near = exists $bench->{$name} ? $bench->{$name} * 0.02 : 0; # as bench-check allows
    return if grep { abs($_ - $told) <= $near } @values;
    finding($page, $line, "`$name` is $values[0], not $figure" . ($unit ? " $unit" : ''));
}

# --- names ---

# Words in capitals stand for any name in a path.
sub exists_at {
    my ($path) = @_;
    return 1 if $file{$path} || exists $folder{$path};
    return 0 if $path !~ /[*…]|\b[A-Z]+\b/;
    my $any = qr/[*…]|\b(?:[A-Z]{2,}|X)\b/;
    my $pattern = join '', map { /^$any$/ ? '[^/]+' : quotemeta } split /($any)/, $path;
    return scalar grep { /^$pattern$/ } keys %file, keys %folder;
}

my $ENDS = qr{\.(?:c|h|cc|asm|S|pl|pm|t|mk|md|def|svg|dot|json|py|ld|sh|list|mutant|cmake|pc|specs)$};

sub is_path {
    my ($page, $path) = @_;
    return 1 if $path =~ /^</ && index($text, "include $path") >= 0;
    return 1 if $path =~ m{/$} && index($text, "\"$path") >= 0;
    $path =~ s{^<(.*)>$}{$1};
    $path =~ s{/$}{};
    return 1 if $path =~ m{^(/|~|\.\.?/|\.(?!ci|clang)|\$|https?:|build$|build/|files$)};
    return exists $file{"user/$1/main.c"} || exists $file{"user/programs/$1.c"} || $1 eq 'tests' || $1 eq 'NAME'
        if $path =~ m{^bin/(\w+)$};
    return exists_at("tests/programs/$1.c") || exists_at("tests/programs/$1.cc") if $path =~ m{^test/([\w-]+)$};
    my @places = ('', dirname($page) . '/', 'syscalls/include/', 'user/libzx/include/', 'build/interface/');
    return 1 if grep { exists_at(File::Spec->canonpath("$_$path") =~ s{^\./}{}r) } @places;
    return 1 if -e "build/interface/$path";
    return 1 if $named{$path} || $path =~ m{/} && index($text, "\"$path") >= 0; # the beginning of a test's name
    return $text =~ m{(?<![\w./-])\Q$path\E(?![\w-])};
}

sub check_make {
    my ($page, $line, $command) = @_;
    $command =~ s/'[^']*'|"[^"]*"//g;
    $command =~ s/[|;<>#].*//;
    for my $word (split ' ', $command =~ s/^make\s*//r) {
        last if $word =~ /[^\w=.,:\/+…*-]/;
        next if $word =~ m{^-|/|^…} && $word !~ /=/;
        if (my ($name) = $word =~ /^([A-Z_]+)=/) {
            finding($page, $line, "no rule looks at $name=") unless $scripts =~ /\b\Q$name\E\b/i;
        } elsif ($word =~ /^[a-z][\w-]*$/ && !$target{$word}) {
            finding($page, $line, "there is no `make $word`");
        }
    }
}

# The end of a family's names begins with `_`; NAME stands for any name.
sub is_called {
    my ($word) = @_;
    return 1 if $word{$word};
    my $pattern = join '\w+', map { quotemeta } split /NAME/, $word, -1;
    return $word =~ /^_|NAME/ && grep { /$pattern$/ } keys %word;
}

# What is wrong with a name, or nothing.
sub wrong_name {
    my ($page, $name) = @_;
    return "there is no option $1" if $name =~ /^((?:kernel|init|aslr|test)\.[a-z.-]+)(?:=|$)/ && index($text, $1) < 0;
    return if $name =~ /^(?:kernel|init|aslr)\.[a-z.-]+(?:=|$)/;
    return "there is no function $1()" if $name =~ /^([a-z_]\w*)\([^()]*\)$/ && !$function{$1};
    return "there is no $name" if $name =~ /^(?:struct|enum|union) \w+$/ && !$tagged{$name} && $name !~ /\bX$/;
    return if $name =~ /[\s(),='"\$@%\\|]/ || $name =~ /^-/;
    if ($name =~ m{/} || $name =~ $ENDS) {
        return exists $bench->{$name} || is_path($page, $name) ? undef : "there is no $name";
    }
    return if $name !~ /_/ || $name =~ /…|\*/;
    for my $word (grep { /_/ } $name =~ /\w+/g) { return "nothing is called $word" unless is_called($word) }
    return;
}

# Does the file have the function, or the label? A header's is a declaration, or a body.
sub has_function {
    my ($path, $name) = @_;
    my $source = $source{$path} // '';
    return $source =~ /^\s*sub \Q$name\E\b/m if $path =~ /\.(pl|pm|t)$/;
    return $source =~ /^\s*(?:STORE )?\Q$name\E[:,]/m if $path =~ /\.(asm|S)$/;
    return index(slurp($path), $name) >= 0 if $path =~ /\.md$/;
    return $source =~ /^(?:\w[^;={]*|#define )\b\Q$name\E\(/m;
}

# --- pages ---

sub anchors {
    my ($page) = @_;
    my %seen;
    return map { my $slug = lc; $slug =~ s/`//g; $slug =~ s/[^\w\- ]//g; ($slug =~ tr/ /-/r) => 1 }
        slurp($page) =~ /^#+ +(.*)$/mg;
}

sub check_link {
    my ($page, $line, $target) = @_;
    return if $target =~ /^(https?|mailto):/;
    my ($path, $anchor) = $target =~ /^([^#]*)#?(.*)$/;
    my $there = $path eq '' ? $page : join('/', dirname($page), $path);
    1 while $there =~ s{(^|/)(?!\.\./)[^/]+/\.\./}{$1} || $there =~ s{(^|/)\./}{$1};
    return finding($page, $line, "$path leads nowhere") unless $file{$there} || exists $folder{$there};
    my %anchors = $anchor ne '' ? anchors($there) : ();
    finding($page, $line, "$there has no heading #$anchor") if $anchor ne '' && !$anchors{$anchor};
}

# The text with its code blocks blanked; make commands in them are checked.
sub without_blocks {
    my ($page, @lines) = @_;
    my ($blank, $in, $fenced) = (1, 0, 0);
    for my $i (0 .. $#lines) {
        my $line = $lines[$i];
        if ($line =~ /^\s*```/) { $fenced = !$fenced; $lines[$i] = '' }
        $in = $line =~ /^ {4}/ && ($blank || $in) || $in && $line eq '' unless $fenced;
        $blank = $line eq '';
        next unless $in || $fenced;
        check_make($page, $i + 1, $1) if $line =~ /^\s*(?:\$ )?(?:echo [^|]*\| )?(make .*?)(?:  .*)?$/;
        $lines[$i] = '';
    }
    return join "\n", @lines;
}

# A naked figure: of two digits or more, or with a unit.
my $NUMBER = qr/(?<![\w.,#*&-])(\d[\d,]*)(?![\w]|[-.,]\w)/;

sub check_naked {
    my ($page, $body) = @_;
    $body =~ s/^## Exercises.*//ms;
    $body =~ s/`[^`]*`\s+\(\d[\d,]*[^)]*\)|`[^`]*`|\]\([^)]*\)/$& =~ tr{\n}{}cdr/ge;
    $body =~ s/^(?:#.*|\s*\d+\. )//mg;
    while ($body =~ /$NUMBER( (?:KiB|MiB|GiB|ms|instructions|pages))?/g) {
        my ($number, $unit) = ($1, $2);
        next if $number =~ tr/,//dr < 10 && !$unit;
        my $line = 1 + (substr($body, 0, $-[0]) =~ tr/\n//);
        finding($page, $line, "$number stands without a name that it can be checked by");
    }
}

sub check_page {
    my ($page) = @_;
    my $body = without_blocks($page, split /\n/, slurp($page));
    # What is said not to be there is not there, and what was tried has its names from elsewhere.
    $body =~ s/^## What (?:is not offered|there is not|was tried)\n\K.*?(?=^## |\z)/$& =~ tr{\n}{}cdr/gmse;
    my $line = sub { 1 + (substr($body, 0, $_[0]) =~ tr/\n//) };
    while ($body =~ /`([^`]+)`(?:(?:\s+in|,)\s+`([^`]+)`|\s+\((\d[\d,]*)(?:\s+(\w+))?[^)]*\))?/g) {
        my ($at, $name, $where, $figure, $unit, $next) = ($line->($-[0]), $1, $2, $3, $4, $-[2]);
        pos($body) = $next - 1 if defined $where; # it is a name itself
        $name =~ s/\s+/ /g;
        if ($name =~ /^make\b/) { check_make($page, $at, $name); next }
        my $wrong = wrong_name($page, $name);
        finding($page, $at, $wrong) if $wrong;
        check_figure($page, $at, $name, $figure, $unit // '')
            if defined $figure && ($name =~ m{^[A-Z_]+$} || exists $bench->{$name} || values_of($name));
        next if !defined $where || !$file{$where} || substr($body, $-[0], $next - $-[0]) !~ /`\s+in\s/;
        my ($function) = $name =~ /^(\w+)(?:\(.*\))?$/;
        finding($page, $at, "$where has no $name") if $function && !has_function($where, $function);
    }
    check_link($page, $line->($-[0]), $1) while $body =~ /\]\(([^()\s]+)\)/g;
    check_naked($page, $body) if basename($page) =~ $STRICT && !$MEASURED{$page};
}

my @wanted = @ARGV ? @ARGV : sort @pages;
check_page($_) for @wanted;
if (!@ARGV) {
    for my $folder (sort grep { $folder{$_} > 5 && !/$INPUTS/ } keys %folder) {
        finding($folder, 0, "$folder{$folder} files and no README.md") unless $file{"$folder/README.md" =~ s{^\./}{}r};
    }
    for my $room (@ROOMS) {
        my ($exercises) = slurp($room) =~ /^## Exercises\n(.*)/ms;
        my $count = () = ($exercises // '') =~ /^\d\. /mg;
        finding($room, 0, "$count exercises, not five") if $count != 5;
    }
    my $all = join "\n", map { slurp($_) } @pages;
    for my $picture (sort grep { m{^book/pictures/.*\.svg$} } keys %file) {
        finding($picture, 0, 'no page shows it') if index($all, basename($picture)) < 0;
    }
}
exit($findings ? 1 : 0);
