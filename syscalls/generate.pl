#!/usr/bin/perl
# Makes of syscalls.def, the list of system calls, what is made of it:
#
#     generate.pl headers FOLDER   FOLDER/syscalls/list.h, a macro's call for each call; pointers.h, one for each of
#                                  their pointers; FILE.h for each FILE.c, with an entry for each of its calls;
#                                  FOLDER/zircon/syscalls/prototypes.h, what <zircon/syscalls.h> declares; and
#                                  FOLDER/zircon/zx-syscall-numbers.h
#     generate.pl check            names what a call lacks: its section in the manual, with the synopsis and the rights
#                                  that the list gives it; its function; its test
use strict;
use warnings;
use File::Path qw(make_path);
use List::Util qw(uniq);
use Text::Wrap qw(wrap);

use constant {LIST => 'syscalls/syscalls.def', WIDTH => 120};
($Text::Wrap::columns, $Text::Wrap::unexpand) = (WIDTH + 1, 0);

# The types of objects, and what the body of a call gets of one: the C type, and how to come to it.
my %objects = map { $_ => ['struct object', '%s'] } qw(any waitable channel event port timer interrupt);
$objects{$_} = ["struct $_", "${_}_from_object(%s)"] for qw(job process vmo vmar exception);
$objects{$_} = ['struct resource', 'resource_from_object(%s)'] for qw(resource mmio ioport irq vmex);
$objects{thread} = ['struct user_thread', 'user_thread_from_object(%s)'];
my %included = (
    (map { $_ => 'kernel/object/resource.h' } qw(root resource mmio ioport irq vmex)),
    exception => 'kernel/object/exception.h', job => 'kernel/object/job.h', process => 'kernel/object/process.h',
    thread => 'kernel/object/user_thread.h', vmar => 'vm/vmar.h', vmo => 'vm/vmo.h',
);

sub slurp { open my $in, '<', $_[0] or die "$_[0]: $!\n"; local $/; return <$in> }

# A reader never finds half a file. A file that would not change keeps its time, so that nothing is compiled again.
sub spew {
    my ($file, $text) = @_;
    return if -e $file && slurp($file) eq $text;
    open my $out, '>', "$file.$$" or die "$file: $!\n";
    print $out $text;
    close $out and rename "$file.$$", $file or die "$file: $!\n";
}

# --- reading the list ---

sub parse_argument {
    my ($text) = @_;
    my ($how, $type, $rights, $name, $count, $optional) =
        $text =~ /^(?:(in|out|inout|raw|whole|used) )?([\w|]+)(?:\[([^]]+)\])? (\w+)(?:\[(\w+)\])?(\?)?$/ or return;
    my %arg = (how => $how // '', type => $type, rights => $rights // '', name => $name);
    @arg{qw(count optional)} = ($count, $optional ? 1 : 0);
    my $is_object = !grep { !$objects{$_} && $_ ne 'root' } split /\|/, $type;
    $arg{pointer} = $arg{how} =~ /in|out/;
    $arg{handle} = $is_object && !$arg{pointer};
    $arg{c_type} = $arg{pointer} && $is_object || $arg{handle} ? 'zx_handle_t' : $type;
    $arg{kernel} = {in => 'user_in_t', out => 'user_out_t', inout => 'user_out_t'}->{$arg{how}}
        // $arg{c_type} =~ s/^zx_futex_t$/int32_t/r;
    return if $type =~ /\|/ && !$is_object || $arg{how} =~ /raw|whole|used/ && !$arg{handle};
    return if $count && !$arg{pointer};
    return \%arg;
}

sub parse_call {
    my ($text) = @_;
    my ($library, $kind, $type, $name, $args, $after) =
        $text =~ /^(?:(library) )?(?:(blocking|noreturn) )?(?:(\w+) )?(\w+)\((.*?)\)(?: after (\w+\(.*\)))?$/ or return;
    my @args = map { parse_argument($_) // return } split /, /, $args;
    return if @args > 8;
    $args[$_ - 1]{register} = "a$_" for 1 .. @args;
    my $noreturn = ($kind // '') eq 'noreturn';
    $type //= $noreturn ? 'void' : 'zx_status_t';
    $kind = $library // $kind // ($type eq 'zx_status_t' ? 'plain' : 'value');
    return {kind => $kind, noreturn => $noreturn, type => $type, name => $name, args => \@args, after => $after};
}

# Files in the order of the list: {name, page, calls}.
sub parse_list {
    my (@files, $text);
    open my $in, '<', LIST or die LIST . ": $!\n";
    while (<$in>) {
        s/^\s+|\s*(#.*)?\s+$//g;
        next unless length;
        if (/^\[(\w+)(?:: (\w+))?\]$/) {
            push @files, {name => $1, page => $2 // $1, calls => []};
        } elsif (!defined $text && /^after / && @files) {
            $files[-1]{calls}[-1] = parse_call("$files[-1]{calls}[-1]{text} $_") // die LIST . ":$.: no call: $_\n";
        } else {
            $text = defined $text ? "$text $_" : $_;
            next if ($text =~ tr/(//) > ($text =~ tr/)//);
            my $call = @files && parse_call($text) or die LIST . ":$.: no call: $text\n";
            $call->{text} = $text;
            push @{$files[-1]{calls}}, $call;
            undef $text;
        }
    }
    return @files;
}

my @files = parse_list();
my @calls = map { my $file = $_; map { $_->{file} = $file; $_ } @{$file->{calls}} } @files;

# --- for the compilers ---

# What a fuzzer has to know of an argument.
sub argument_kind {
    my ($arg) = @_;
    return uc $arg->{how} if $arg->{pointer};
    return 'HANDLE' if $arg->{handle};
    return 'ADDRESS' if $arg->{type} =~ /^(zx_vaddr_t|uintptr_t)$/;
    return $arg->{type} eq 'zx_time_t' ? 'TIME' : 'NUMBER';
}

sub list_header {
    my $text = <<'END';
/*
 * Made by syscalls/generate.pl. Every system call that the kernel knows, in the order of their numbers:
 *
 *     SYSCALL(name, kind, number of arguments, a kind for each of eight)
 */
END
    for my $call (grep { $_->{kind} ne 'library' } @calls) {
        my @kinds = map { argument_kind($_) } @{$call->{args}};
        my @all = ($call->{name}, uc $call->{kind}, scalar @kinds, @kinds, ('NONE') x (8 - @kinds));
        $text .= 'SYSCALL(' . join(', ', @all) . ")\n";
    }
    return $text;
}

sub pointers_header {
    my $text = <<'END';
/*
 * Made by syscalls/generate.pl. Every argument of a call that is a pointer, of the library's calls too:
 *
 *     POINTER(call, its place from 0, IN OUT or INOUT, size of what it leads to, place of the count or -1, optional?)
 */
END
    for my $call (@calls) {
        my @args = @{$call->{args}};
        for my $i (grep { $args[$_]{pointer} } 0 .. $#args) {
            my $arg = $args[$i];
            my ($count) = grep { $arg->{count} && $args[$_]{name} eq $arg->{count} && !$args[$_]{pointer} } 0 .. $#args;
            my $size = $arg->{c_type} eq 'void' ? 1 : "sizeof($arg->{c_type})";
            my @all = ($call->{name}, $i, uc $arg->{how}, $size, $count // -1, $arg->{optional});
            $text .= 'POINTER(' . join(', ', @all) . ")\n";
        }
    }
    return $text;
}

sub rights_value {
    my ($arg) = @_;
    my @names = $arg->{rights} =~ s/\bby \w+//r =~ /(\w+)/g;
    return join(' | ', map { "ZX_RIGHT_$_" } @names) || '0';
}

# The expression that looks a handle up, to `use` it or to `get` its object. What it finds goes to the struct named.
sub lookup {
    my ($how, $arg, $rights, $value, $out) = @_;
    my $type = $arg->{type};
    return "resource_check_root(caller_handles(), $value)" if $type eq 'root';
    return "caller_use_waitable($value, &$out)" if $type eq 'waitable';
    return "handle_${how}_any(caller_handles(), $value, $rights, &$out)" if $type =~ /^any$|\|/;
    return "handle_$how(caller_handles(), $value, ZX_OBJ_TYPE_\U$type\E, $rights, &$out)";
}

sub object_of { my ($arg) = @_; return @{$objects{$arg->{type} =~ /\|/ ? 'any' : $arg->{type}}} }

# What the body of a call is declared with, and called with, for an argument.
sub body_argument {
    my ($arg) = @_;
    my ($name, $register) = @$arg{qw(name register)};
    return "$arg->{kernel} $name", "($arg->{kernel}){$register}" if $arg->{pointer};
    return "$arg->{kernel} $name", "($arg->{kernel})$register" if !$arg->{handle} || $arg->{how} eq 'raw';
    return () if $arg->{type} eq 'root';
    return "const struct handle *$name", "&$name->handle" if $arg->{how} eq 'whole';
    my ($type, $from) = object_of($arg);
    return "struct handle_slot *$name", $name if $arg->{type} eq 'waitable' || $arg->{how} eq 'used';
    return "$type *$name", sprintf $from, "$name->handle.object";
}

# The rest of an entry: what is left of its steps, the call, and the ends of uses. A step is an expression that gives a
# status, and the use that it begins, if it does.
sub entry_steps {
    my ($indent, $status, $act, @steps) = @_;
    my $first = shift @steps or return "$indent${status}$act;\n";
    my ($step, $held) = @$first;
    my $text = "$indent$status$step;\n${indent}if (status == ZX_OK) {\n";
    $text .= entry_steps("$indent    ", 'status = ', $act, @steps);
    $text .= "$indent    caller_use_end($held);\n" if $held;
    return "$text$indent}\n";
}

# A call of one of FILE.c's functions, with arguments of the entry's call: as the entry makes it, and its prototype.
sub made {
    my ($call, $type, $text) = @_;
    my ($function, $list) = $text =~ /^(\w+)\((.*)\)$/;
    my (@types, @values);
    for (split /, /, $list) {
        my ($name, $addr) = /^(\w+)(\.addr)?$/;
        my ($arg) = grep { $_->{name} eq $name } @{$call->{args}} or die LIST . ": $call->{name} has no argument $_\n";
        push @types, ($addr ? 'vaddr_t ' : "$arg->{kernel} ") . $name;
        push @values, $addr ? $arg->{register} : "($arg->{kernel})$arg->{register}";
    }
    return "$function(" . join(', ', @values) . ')', "static $type $function(" . join(', ', @types) . ");\n";
}

sub entry {
    my ($call) = @_;
    my (@declared, @passed, @steps, @prototypes);
    for my $arg (@{$call->{args}}) {
        my ($declared, $passed) = body_argument($arg) or next;
        push @declared, $declared;
        push @passed, $passed;
    }
    ($steps[0][0], $prototypes[0]) = made($call, 'zx_status_t', $call->{after}) if $call->{after};
    for my $arg (grep { $_->{handle} && $_->{how} ne 'raw' } @{$call->{args}}) {
        my ($rights, $prototype) =
            $arg->{rights} =~ /\(/ ? made($call, 'zx_rights_t', $arg->{rights}) : rights_value($arg);
        push @prototypes, $prototype // ();
        my $held = $arg->{type} eq 'root' ? undef : $arg->{name};
        push @steps, [lookup('use', $arg, $rights, "(zx_handle_t)$arg->{register}", $arg->{name}), $held];
    }
    my $noreturn = $call->{noreturn};
    my $text = join '', (grep { !$call->{file}{prototypes}{$_}++ } @prototypes), $noreturn ? '_Noreturn ' : '',
        "static $call->{type} sys_$call->{name}(", join(', ', @declared) || 'void',
        ");\nSYSCALL_ENTRY($call->{name}) {\n";
    my $act = "sys_$call->{name}(" . join(', ', @passed) . ')';
    return $text . '    ' . ($noreturn ? '' : 'return (uint64_t)') . "$act;\n}\n" unless @steps;
    my @held = map { $_->[1] // () } @steps;
    $text .= '    struct handle_slot ' . join(', ', map { "*$_" } @held) . ";\n" if @held;
    return $text . entry_steps('    ', 'zx_status_t status = ', $act, @steps) . "    return (uint64_t)status;\n}\n";
}

# For a body that looks a handle up by itself: with the type and the rights that the list says.
sub getters {
    my ($call) = @_;
    my $text = '';
    for my $arg (grep { $_->{how} eq 'raw' && $_->{rights} } @{$call->{args}}) {
        next if $arg->{type} =~ /^(any|root|waitable)$|\|/;
        my ($type, $from) = object_of($arg);
        my $found = sprintf $from, 'handle.object';
        my $rights = rights_value($arg);
        $text .= <<END;
MUST_CHECK static inline zx_status_t $call->{name}_use_$arg->{name}(zx_handle_t value, struct handle_slot **out) {
    return @{[lookup('use', $arg, $rights, 'value', '*out')]};
}
MUST_CHECK static inline zx_status_t $call->{name}_get_$arg->{name}(zx_handle_t value, $type **out) {
    struct handle handle;
    zx_status_t status = @{[lookup('get', $arg, $rights, 'value', 'handle')]};
    if (status == ZX_OK) *out = $found;
    return status;
}
END
    }
    return $text;
}

sub entry_header {
    my ($file) = @_;
    my @kernel = grep { $_->{kind} ne 'library' } @{$file->{calls}};
    my %types = map { $_->{type} => 1 } map { @{$_->{args}} } @kernel;
    my @includes = uniq sort 'syscalls/syscalls.h', map { $included{$_} // () } keys %types;
    return "/* Made by syscalls/generate.pl: the entries to the calls of syscalls/$file->{name}.c. */\n"
        . "#pragma once\n\n" . join('', map { "#include \"$_\"\n" } @includes)
        . join('', map { "\n" . getters($_) . entry($_) } @kernel);
}

# Numbers for programs that make system calls without the stubs. The first is the machine's entry code's.
sub numbers_header {
    my $number = 0x10000;
    return "/* Made by syscalls/generate.pl: the numbers of the system calls; the next build may have others. */\n"
        . join '', "#pragma once\n\n", map { sprintf "#define ZX_SYS_%s 0x%x\n", $_->{name}, $number++ }
        grep { $_->{kind} ne 'library' } @calls;
}

# A prototype, with lines that are not too long behind an indentation.
sub prototype_of {
    my ($call, $indent, $end) = @_;
    my @args = map {
        ($_->{how} eq 'in' ? 'const ' : '') . "$_->{c_type} " . ($_->{pointer} ? '*' : '') . $_->{name}
    } @{$call->{args}};
    my $text = "$call->{type} zx_$call->{name}(";
    local $Text::Wrap::break = qr/(?<=,) /;
    return wrap($indent, $indent . ' ' x length $text, $text . (join(', ', @args) || 'void') . ")$end\n");
}

my %pages = map { $_->{page} => -e "syscalls/$_->{page}.md" ? slurp("syscalls/$_->{page}.md") : '' } @files;

# What the manual says of a call, if it does.
sub section {
    my ($call) = @_;
    return $pages{$call->{file}{page}} =~ /^(## zx_$call->{name}\n.*?)(?=^## |\z)/ms ? $1 : '';
}

# Each call by both of its names, under the first sentence of its section.
sub prototypes_header {
    my $text = "/* Made by syscalls/generate.pl: the prototypes of <zircon/syscalls.h>. */\n";
    my $page = '';
    for my $call (@calls) {
        if ($call->{file}{page} ne $page) {
            $page = $call->{file}{page};
            $text .= "\n/* --- syscalls/$page.md --- */\n";
        }
        my ($sentence) = section($call) =~ /\n\n(.*?)[.:](?=\s)/s;
        $sentence = ($sentence // '') =~ s/\[([^]]*)\]\([^)]*\)/$1/gr =~ tr/`//dr;
        $text .= "\n" . wrap('/* ', ' * ', "$sentence. */\n")
            . prototype_of($call, '', $call->{noreturn} ? ' __NO_RETURN;' : ';')
            . "extern __typeof__(zx_$call->{name}) _zx_$call->{name};\n";
    }
    return $text;
}

sub make_headers {
    my ($folder) = @_;
    make_path("$folder/syscalls", "$folder/zircon/syscalls");
    spew("$folder/syscalls/$_->{name}.h", entry_header($_)) for @files;
    spew("$folder/syscalls/list.h", list_header());
    spew("$folder/syscalls/pointers.h", pointers_header());
    spew("$folder/zircon/syscalls/prototypes.h", prototypes_header());
    spew("$folder/zircon/zx-syscall-numbers.h", numbers_header());
}

# --- what is missing ---

my %nouns = map { $_ => "a $_" } keys %objects;
@nouns{qw(any waitable vmo vmar)} = ('any object', 'an object with signals', 'a VMO', 'a VMAR');
@nouns{qw(event exception interrupt)} = ('an event', 'an exception', 'an interrupt');
$nouns{$_} = "the root resource or one of kind \U$_" for qw(mmio ioport irq vmex);

sub rights_of {
    my ($arg) = @_;
    my ($name, $rights) = ("`$arg->{name}`", $arg->{rights});
    return "$name is the root resource" . ($arg->{optional} ? ' or `ZX_HANDLE_INVALID`' : '') if $arg->{type} eq 'root';
    my @words = map { "`ZX_RIGHT_$_`" } $rights =~ /^([A-Z_|]+)/ ? split /\|/, $1 : ();
    push @words, "those for `$1`" if $rights =~ /(?:\(|by )(\w+)/;
    my $words = @words ? join(' and ', @words) : 'none';
    return "$words on each of $name" if $arg->{pointer};
    my $nouns = join ' or ', map { $nouns{$_} } split /\|/, $arg->{type};
    return "$words on $name" . (lc $nouns eq "a $arg->{name}" ? '' : ", $nouns");
}

sub rights_sentence {
    my ($call) = @_;
    my @args = grep { $_->{handle} || $_->{pointer} && $_->{rights} } @{$call->{args}};
    # Of a handle to anything, that needs no right, there is nothing to say.
    @args = grep { $_->{type} ne 'any' || $_->{rights} } @args;
    return 'Rights: ' . (join('; ', map { rights_of($_) } @args) || 'none') . '.';
}

# What a call's section lacks.
sub section_findings {
    my ($call) = @_;
    my $section = section($call) or return 'no section';
    my ($prototype, $rights) = (prototype_of($call, '    ', ';'), rights_sentence($call));
    my @found;
    push @found, 'a section without a first sentence' unless $section =~ /^## .*\n\n[\w`]/;
    push @found, "another synopsis than\n\n$prototype" unless $section =~ /\n\n\Q$prototype\E\n/;
    push @found, "other rights than\n\n$rights\n" unless $section =~ s/\s+/ /gr =~ /; \Q$rights\E/;
    return @found;
}

sub findings {
    my @found;
    my $tests = join '', map { slurp($_) } glob 'tests/user/*.c';
    for my $call (@calls) {
        my ($name, $page, $file) = ($call->{name}, "syscalls/$call->{file}{page}.md", "syscalls/$call->{file}{name}.c");
        push @found, map { "$page: zx_$name has $_" } section_findings($call);
        push @found, "zx_$name is named by no test in tests/user" unless $tests =~ /\bzx_$name\b|"$name\//;
        push @found, "$file has no function sys_$name" if $call->{kind} ne 'library'
            && (!-e $file || slurp($file) !~ /\bsys_$name\(/);
    }
    for my $page (sort keys %pages) {
        my %known = map { ("zx_$_->{name}" => 1) } grep { $_->{file}{page} eq $page } @calls;
        my @strange = grep { !$known{$_} } $pages{$page} =~ /^## (zx_\w+)/mg;
        push @found, map { "syscalls/$page.md has a section on $_, which is no call of its" } @strange;
    }
    return @found;
}

my ($command, @rest) = @ARGV;
$command //= '';
if ($command eq 'headers' && @rest == 1) { make_headers(@rest) }
elsif ($command eq 'check' && !@rest) { my @found = findings(); print "$_\n" for @found; exit(@found ? 1 : 0) }
else { die "usage: generate.pl headers FOLDER | check\n" }
