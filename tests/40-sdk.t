# Programs of several files, and the SDK as other projects' build systems use it.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Path qw(make_path remove_tree);
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Make;
use Test::More;

my $dir = getcwd . "/build/tests/sdk and 'spaces'";
remove_tree($dir);
my $make = Make->new($dir, limit => 240);
my $sdk = getcwd . '/build/sdk';

# Runs a program; what came of it is told if it is not this.
sub app_is {
    my ($app, $want, $name, @args) = @_;
    my ($code, $stdout, $stderr) = $make->run('/dev/null', 'run', "APP=$app", @args);
    is_deeply([$code, $stdout], $want, $name) or diag($stderr);
    return;
}

sub refused {
    my ($app, $words, $name, @args) = @_;
    my ($code, $stdout, $stderr) = $make->run('/dev/null', 'run', "APP=$app", @args);
    isnt($code, 0, "$name is refused");
    like($stderr, $words, 'and make says why');
    is($stdout, '', 'on standard error');
    return;
}

# Runs a command of the shell in the folder; false if it fails, and then it is told.
sub shell {
    my ($command) = @_;
    my $text = `cd "$dir" && { $command; } 2>&1`;
    return 1 if $? == 0;
    diag("$command\n$text");
    return;
}

# A program of three files and a header.
make_path("$dir/parts/more");
my $main = $make->program('parts/main.c', <<'C');
#include "part.h"
#include <stdio.h>
int main(void) {
    printf("%d %d\n", part(FACTOR), other());
    return 0;
}
C
my $part = $make->program('parts/part.c', <<'C');
#include "part.h"
int part(int n) { return n * 2; }
C
my $other = $make->program('parts/other.cc', <<'CC');
#include "part.h"
#include <array>
#include <atomic>
#include <new>
#include <type_traits>
static_assert(std::is_same_v<std::array<int, 2>::value_type, int>);
extern "C" int other(void) {
    std::array<int, 2> both{1, 2};
    std::atomic<int> sum{0};
    for (int one : both) sum += one;
    return sum;
}
CC
$make->program('parts/part.h', <<'C');
#pragma once
#ifdef __cplusplus
extern "C"
#endif
int other(void);
int part(int n);
C
$make->program('parts/notes.txt', "not a source\n");
app_is("$dir/parts", [0, "42 3\n"], 'a folder is its C and C++ files', 'APP_CFLAGS=-DFACTOR=21');
my $quoted = join ' ', map { s/([ '])/\\$1/gr } $main, $part, $other;
app_is($quoted, [0, "8 3\n"], 'several files are one program', 'APP_CFLAGS=-DFACTOR=4 "-DUNUSED=a b"', 'PIE=1');

refused("$dir/none.c", qr/^APP: there is no \S+\/sdk \(of .*none\.c\)$/m, 'a file that is not there');
refused("$dir/parts/more", qr/^APP: .*more is a folder without a file in C or C\+\+$/m, 'an empty folder');
refused('', qr/APP= names nothing to run/, 'no name');
refused('"parts/main.c', qr/^APP: in APP="parts.* a quote is not closed$/m, 'a quote that is not closed');
refused($quoted, qr/^APP: in APP_CFLAGS='-D a quote is not closed$/m, 'one among the flags', "APP_CFLAGS='-D");

# The compilers, by themselves.
my ($code, $stdout, $stderr) = $make->run('/dev/null', 'sdk');
is($code, 0, 'make sdk makes the SDK');
unlike($stderr, qr/^(?:\[\S+\])? +(?:CC|AS|CXX) /m, 'and what make run has compiled is not compiled again');
my $cc = "$sdk/bin/jargoon-cc";
ok(shell("$cc -O1 -DFACTOR=3 -Iparts -c -o main.o parts/main.c && $cc -c -o part.o parts/part.c"
    . " && $sdk/bin/jargoon-c++ -c -o other.o parts/other.cc && $sdk/bin/jargoon-ar rcs libparts.a part.o other.o"
    . " && $cc -s -o parts.out main.o -L. -lparts -lm -lpthread"), 'files become a library and a program');
app_is("$dir/parts.out", [0, "6 3\n"], 'and that runs');
ok(shell("$cc -DFACTOR=5 -static-pie -o parts.pie parts/*.c*"), 'a program that can lie anywhere is linked');
app_is("$dir/parts.pie", [0, "10 3\n"], 'and runs');
ok(shell("cp -RL $sdk moved && moved/bin/jargoon-cc -DFACTOR=6 -o moved.out parts/*.c*"), 'the SDK can be moved');
like(`cd "$dir" && $cc -o host.out main.o part.o other.o -lbsd 2>&1`, qr/cannot find -lbsd/,
    'a library of the host is not found');
like(`cd "$dir" && $cc -shared -o parts.so part.o 2>&1`, qr/there are no shared objects/, 'a shared object is refused');
ok(shell("test \$(PKG_CONFIG_PATH=$sdk/lib pkg-config --variable=cc jargoon) -ef $cc"), 'pkg-config knows the compiler')
    if `which pkg-config`;

# What needs only headers of C++'s library, and its end where that would throw.
my $cxx = $make->program('headers.cpp', <<'CXX');
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>
struct Counted {
    static inline int alive;
    Counted() { alive++; }
    ~Counted() { alive--; }
};
int main(int argc, char **argv) {
    std::vector<std::string> words(argv + 1, argv + argc);
    std::sort(words.begin(), words.end(), std::greater<>());
    auto shared = std::make_shared<Counted>();
    std::unique_ptr<Counted> own(new (std::nothrow) Counted);
    std::optional<std::function<int(int)>> twice = [](int n) { return n * 2; };
    std::string all;
    for (const auto &word : words) all += word + std::to_string((*twice)(static_cast<int>(word.size()))) + ' ';
    std::printf("%s%d\n", all.c_str(), Counted::alive);
    shared = nullptr, own = nullptr;
    std::fflush(stdout);
    return words.at(2) == "b" ? Counted::alive : 9;
}
CXX
app_is($cxx, [0, "ccc6 bb4 b2 2\n"], 'the C++ library works as far as it is in headers', 'ARGS=b ccc bb');
($code, $stdout, $stderr) = $make->run('/dev/null', 'run', "APP=$cxx", 'ARGS=b ccc');
isnt($code, 0, 'a program that would throw ends');
like($stdout, qr/^ccc6 b2 2\nstd::out_of_range: .*vector/, 'and says what');

# CMake.
SKIP: {
    skip 'cmake is not installed', 2 if !`which cmake`;
    $make->program('CMakeLists.txt', <<'CMAKE');
cmake_minimum_required(VERSION 3.18)
project(parts C CXX)
add_library(part STATIC parts/part.c parts/other.cc)
add_executable(parts parts/main.c)
target_compile_definitions(parts PRIVATE FACTOR=7)
target_link_libraries(parts part m)
CMAKE
    ok(shell("cmake -S . -B made -DCMAKE_TOOLCHAIN_FILE=$sdk/lib/jargoon.cmake && cmake --build made"), 'CMake builds');
    app_is("$dir/made/parts", [0, "14 3\n"], 'and the program runs');
}
done_testing;
