# The public headers: each compiles alone, twice in a row, in C and C++ by both compilers without a warning; layouts and
# values are those of tests/interface.list; every call that is declared is explained there and exists, under both of its
# names.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Path qw(make_path);
use Machine;
use Test::More;

my $dir = 'build/tests/headers';
make_path($dir);
my ($include, $made) = qw(syscalls/include build/interface);
chomp(my @headers = sort `cd $include && find zircon -name '*.h'`, "zircon/zx-syscall-numbers.h\n");
ok(@headers > 10, 'there are headers');

my %languages = (
    'C11' => ['c', qw(gcc clang), '-std=c11'], 'C23' => ['c', qw(gcc clang), '-std=c2x'],
    'C++17' => ['cc', qw(g++ clang++), '-std=c++17'],
);

# What the words of a header need to be used, beside being read.
my %uses = (
    'zircon/assert.h' => 'int f(int x); int f(int x) { ZX_ASSERT(x); ZX_ASSERT_MSG(x, "text");'
        . ' ZX_ASSERT_MSG(x, "%d", x); ZX_DEBUG_ASSERT(x); ZX_DEBUG_ASSERT_MSG(x, "%d", x);'
        . ' ZX_DEBUG_ASSERT_COND(x); ZX_DEBUG_ASSERT_MSG_COND(x, "%d", x); ZX_PANIC("no %d", x); }',
    'zircon/types.h' => 'extern const zx_status_t f[]; extern zx_rights_t r; extern zx_futex_t w; extern bool b;'
        . ' const zx_status_t f[] = {ZX_ERR_IO, ZX_PAGE_SHIFT, (zx_status_t)sizeof(size_t),'
        . ' (zx_status_t)ZX_RIGHT_READ};',
    'zircon/threads.h' => 'zx_handle_t f(void); zx_handle_t f(void) { return thrd_get_zx_handle(thrd_current()); }',
    'zircon/time.h' => 'zx_time_t f(void); zx_time_t f(void) { return zx_time_add_duration(ZX_SEC(1), ZX_MSEC(1)); }',
    'zircon/listnode.h' => <<'END',
struct element { int value; list_node_t node; };
int f(list_node_t *list);
int f(list_node_t *list) {
    struct element *entry, *next, *last = list_remove_tail_type(list, struct element, node);
    int sum = last ? last->value : 0;
    list_for_every_entry(list, entry, struct element, node) sum += entry->value;
    list_for_every_entry_safe(list, entry, next, struct element, node) list_delete(&entry->node);
    return sum + list_is_empty(list);
}
END
    'zircon/compiler.h' => <<'END',
int once(int *x) __NONNULL((1)) __WARN_UNUSED_RESULT;
__NO_INLINE __SECTION(".text.f") int once(int *x) {
    switch (*x) {
    case 1: *x = 2; __FALLTHROUGH;
    case 2: return __ISCONSTANT(7) ? 3 : 4;
    default: __UNREACHABLE;
    }
}
extern __typeof__(once) twice __WEAK_ALIAS("once");
void *text(size_t n) __MALLOC;
int print(const char *format, ...) __PRINTFLIKE(1, 2) __EXPORT;
int scan(const char *text, const char *format, ...) __SCANFLIKE(2, 3) __LOCAL;
int square(int x) __CONST __LEAF_FN;
size_t length(const char *x) __PURE __DEPRECATE;
typedef int __MAY_ALIAS any_int;
static __THREAD int own __UNUSED;
static __CONSTRUCTOR void first(void) {}
static __DESTRUCTOR void last(void) {}
void *caller(void);
__OPTIMIZE("O1") void *caller(void) { return __GET_CALLER(0) ? __GET_FRAME(0) : 0; }
int offer(void);
int __CONCAT(of, fer)(void) { return own; }
END
    'zircon/thread_annotations.h' => 'extern int lock; extern int value TA_GUARDED(lock) __UNUSED;',
    'zircon/processargs.h' => 'extern uint32_t id; uint32_t id = PA_HND(PA_USER0, 7);',
);

my %builtin; # where each compiler's own headers are

sub compile {
    my ($compiler, $standard, $file) = @_;
    chomp($builtin{$compiler} //= `$compiler -print-file-name=include`);
    my $out = `$compiler $standard -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wundef -Werror -nostdinc \\
        -isystem user/libc/include -isystem /usr/include/x86_64-linux-musl -isystem '$builtin{$compiler}' \\
        -I$include -I$made \\
        $file 2>&1`;
    return $? == 0 ? '' : $out;
}

for my $language (sort keys %languages) {
    my ($suffix, @compilers) = @{$languages{$language}};
    my $standard = pop @compilers;
    # The kernel and the C runtime include them as C23.
    for my $header ($language eq 'C23' ? () : @headers) {
        my $file = "$dir/" . ($header =~ tr{/}{-}r) . ".$suffix";
        Machine::spew($file, "#include <$header>\n" x 2 . ($uses{$header} // 'extern int unused;') . "\n");
        my @complaints = grep { length } map { compile($_, $standard, $file) } @compilers;
        is_deeply(\@complaints, [], "<$header> is clean as $language");
    }
}

# The compiler's own headers are as they are, before and after our words for it.
for my $language ('C11', 'C++17') {
    my ($suffix, @compilers) = @{$languages{$language}};
    my $standard = pop @compilers;
    for my $order ('zircon/compiler.h x86intrin.h', 'x86intrin.h zircon/compiler.h') {
        my $file = "$dir/intrinsics.$suffix";
        Machine::spew($file, join('', map { "#include <$_>\n" } split ' ', $order) . $uses{'zircon/compiler.h'});
        my @complaints = grep { length } map { compile($_, $standard, $file) } @compilers;
        is_deeply(\@complaints, [], "$order, in $language");
    }
}

# --- layouts and values ---

# Each line of the list as an assertion.
my $header = '';
my $asserts = "#include <stddef.h>\n";
my %asserted;
for (map { /^#/ ? () : split /; / } split /\n/, Machine::slurp('tests/interface.list')) {
    if (/^\[(.+)\]$/) { $header = $1; $asserts .= "#include <$header>\n"; next }
    my @facts = /^(.+?) = (.+)$/ ? "($1) == ($2)" : ();
    if (my ($type, $size, $fields) = /^(\w+) (\d+)(?:: (.+))?$/) {
        @facts = "sizeof($type) == $size";
        push @facts, "offsetof($type, $1) == $2" while ($fields // '') =~ /(\w+) (\d+)/g;
    }
    ok(0, "tests/interface.list has no fact in: $_") unless @facts;
    # C has no constant functions.
    my @only = $header eq 'zircon/time.h' ? ("#ifdef __cplusplus\n", "#endif\n") : ('', '');
    $asserts .= join '', $only[0], (map { qq{ASSERT($_, "$_");\n} } @facts), $only[1];
    $asserted{/^(\w+)/ ? $1 : ''} = 1;
}
for my $language (sort keys %languages) {
    my ($suffix, @compilers) = @{$languages{$language}};
    my $standard = pop @compilers;
    my $word = $suffix eq 'c' ? '_Static_assert' : 'static_assert';
    Machine::spew("$dir/interface.$suffix", "#define ASSERT $word\n$asserts");
    my @complaints =
        grep { length } map { compile($_, "$standard -Wno-sign-compare", "$dir/interface.$suffix") } @compilers;
    is_deeply(\@complaints, [], "layouts and values are as listed, in $language");
}

# What has a value or a size in a header is in the list.
my @unlisted;
for my $file (grep { !/numbers|compiler|annotations|listnode|assert|syscalls\.h$/ } @headers) {
    my $text = Machine::slurp("$include/$file");
    push @unlisted, grep { !$asserted{$_} } $text =~ /^#define ((?:ZX|PA)_\w+)/mg,
        $text =~ /^(?:\}|typedef [\w ]+?) (zx_\w+_t);/mg;
}
is_deeply(\@unlisted, [], 'every value and layout of the headers is in the list');

# --- the C++ classes ---

# Each header alone, under both of its names; and each call on handles is in one of them, once.
my $libzx = 'user/libzx/include';
chomp(my @classes = sort `cd $libzx && find zx -name '*.h'`);
ok(@classes > 10, 'there are classes');
for my $header (@classes) {
    my $file = "$dir/" . ($header =~ tr{/}{-}r) . '.cc';
    Machine::spew($file, "#include <$header>\n#include <lib/$header>\nextern int unused;\n");
    my @complaints = grep { length } map { compile($_, "-std=c++17 -fno-exceptions -I$libzx", $file) } qw(g++ clang++);
    is_deeply(\@complaints, [], "<$header> is clean");
}
# All of them in older and newer sources too, under the names that most of these use.
for my $standard (qw(c++14 c++20)) {
    Machine::spew("$dir/zx-all.cc", join('', map { "#include <lib/$_>\n" } @classes) . 'extern zx::event unused;');
    my $flags = "-std=$standard -fno-exceptions -I$libzx";
    my @complaints = grep { length } map { compile($_, $flags, "$dir/zx-all.cc") } qw(g++ clang++);
    is_deeply(\@complaints, [], "the classes are clean as $standard");
}
my $bodies = join '', map { Machine::slurp("$libzx/$_") } @classes;
my @without = qr/^(futex|cprng|system|cache|debug|ktrace|ioports)_|_(noretry|finish|exit)$|^(task_suspend|clock_get)$/;
my %wrapped;
$wrapped{$_}++ for $bodies =~ /\bzx_(\w+)\(/g;
my @calls = Machine::slurp('build/interface/zircon/syscalls/prototypes.h') =~ /^\w+ zx_(\w+)\(/mg;
my @odd = grep { my $call = $_; ($wrapped{$call} // 0) != (grep({ $call =~ $_ } @without) ? 0 : 1) } @calls;
is_deeply(\@odd, [], 'each call on handles is in the classes, once');

# --- the calls ---

# What the stubs and the C runtime define.
my $objects = Machine::out('debug') . '/user/obj/user/libc';
my %defined = map { /^\S+ [TW] (\w+)$/ ? ($1 => 1) : () } `nm $objects/*.o $objects/x86_64/*.o`;
my %listed = map { ("zx_$_" => 1) } Machine::slurp("$made/syscalls/list.h") =~ /^SYSCALL\((\w+),/mg;

my (@undefined, @unexplained, %declared);
my $prototypes = "$made/zircon/syscalls/prototypes.h";
for my $header ($prototypes, map { "$include/zircon/$_.h" } qw(process status)) {
    my @lines = split /\n/, Machine::slurp($header);
    for my $i (1 .. $#lines) {
        my ($name) = $lines[$i] =~ /^(?:const )?\w+ \*?(zx_\w+)\(/ or next;
        $declared{$name} = 1;
        push @undefined, grep { !$defined{$_} } $name, $header eq $prototypes ? "_$name" : ();
        push @unexplained, $name unless $lines[$i - 1] =~ m{\*/$|;$};
    }
}
is_deeply(\@undefined, [], 'every call that is declared exists, by both names');
is_deeply(\@unexplained, [], 'every call is explained where it is declared');
is_deeply([grep { !$declared{$_} } sort keys %listed], [], 'every system call is declared');

done_testing;
