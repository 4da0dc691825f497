# The public headers: each compiles alone, twice in a row, in C and C++ by both compilers without a warning; every call
# that is declared is explained there and exists, under both of its names.
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
chomp(my @headers = sort `cd $include && find zircon -name '*.h'`);
ok(@headers > 10, 'there are headers');

my %languages = (
    'C11' => ['c', qw(gcc clang), '-std=c11'], 'C23' => ['c', qw(gcc clang), '-std=c2x'],
    'C++17' => ['cc', qw(g++ clang++), '-std=c++17'],
);

# What the words of a header need to be used, beside being read.
my %uses = (
    'zircon/assert.h' => 'int f(int x); int f(int x) { ZX_ASSERT(x); ZX_ASSERT_MSG(x, "text");'
        . ' ZX_ASSERT_MSG(x, "%d", x); ZX_DEBUG_ASSERT(x); ZX_DEBUG_ASSERT_MSG(x, "%d", x); ZX_PANIC("no %d", x); }',
    'zircon/types.h' => 'extern const zx_status_t f[]; extern zx_rights_t r; extern zx_futex_t w; extern bool b;'
        . ' const zx_status_t f[] = {ZX_ERR_IO, ZX_PAGE_SHIFT, (zx_status_t)sizeof(size_t),'
        . ' (zx_status_t)ZX_RIGHT_READ};',
    'zircon/threads.h' => 'zx_handle_t f(void); zx_handle_t f(void) { return thrd_get_zx_handle(thrd_current()); }',
    'zircon/time.h' => 'zx_time_t f(void); zx_time_t f(void) { return zx_time_add_duration(ZX_SEC(1), ZX_MSEC(1)); }',
    'zircon/processargs.h' => 'extern uint32_t id; uint32_t id = PA_HND(PA_USER0, 7);',
);

sub compile {
    my ($compiler, $standard, $file) = @_;
    chomp(my $builtin = `$compiler -print-file-name=include`);
    my $out = `$compiler $standard -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wundef -Werror -nostdinc \\
        -isystem /usr/include/x86_64-linux-musl -isystem '$builtin' -I$include -I$made $file 2>&1`;
    return $? == 0 ? '' : $out;
}

for my $language (sort keys %languages) {
    my ($suffix, @compilers) = @{$languages{$language}};
    my $standard = pop @compilers;
    for my $header (@headers) {
        my $file = "$dir/" . ($header =~ tr{/}{-}r) . ".$suffix";
        Machine::spew($file, "#include <$header>\n" x 2 . ($uses{$header} // 'extern int unused;') . "\n");
        my @complaints = grep { length } map { compile($_, $standard, $file) } @compilers;
        is_deeply(\@complaints, [], "<$header> is clean as $language");
    }
}

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
