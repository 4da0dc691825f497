/*
 * The bottom room: strings, formatting, arithmetic, options, names of functions.
 */
#include "arch/cpu.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/options.h"
#include "kernel/base/string.h"
#include "kernel/base/symbols.h"
#include "tests/kernel/harness.h"

KTEST("string/memcpy moves every length, at every alignment, and nothing beside it") {
    char src[96];
    char dst[128];
    for (size_t i = 0; i < sizeof(src); i++) src[i] = (char)(i + 1);
    for (size_t at = 0; at < 16; at++) {
        for (size_t len = 0; len <= 80; len++) {
            memset(dst, 0, sizeof(dst));
            EXPECT(memcpy(dst + 16 + at, src + at, len) == dst + 16 + at);
            NEED(memcmp(dst + 16 + at, src + at, len) == 0);
            NEED(dst[15 + at] == 0 && dst[16 + at + len] == 0);
        }
    }
}

KTEST("string/memmove works in both directions") {
    char up[8] = "abcdef";
    char down[8] = "abcdef";
    memmove(up + 1, up, 6);
    memmove(down, down + 1, 6);
    EXPECT(memcmp(up, "aabcdef", 7) == 0);
    EXPECT(strcmp(down, "bcdef") == 0);
}

KTEST("string/memset fills exactly its range") {
    unsigned char bytes[40] = {0};
    memset(bytes + 3, 0xa5, 30);
    for (size_t i = 0; i < sizeof(bytes); i++) EXPECT(bytes[i] == (i >= 3 && i < 33 ? 0xa5 : 0));
}

KTEST("string/comparisons order as unsigned bytes") {
    EXPECT(memcmp("a\x80", "a\x7f", 2) > 0);
    EXPECT(memcmp("ab", "ac", 1) == 0);
    EXPECT(strcmp("\x80", "\x7f") > 0);
    EXPECT(strcmp("ab", "abc") < 0);
    EXPECT(strncmp("abX", "abY", 2) == 0);
    EXPECT(strncmp("ab", "abc", 3) < 0);
}

KTEST("string/lengths stop where they should") {
    EXPECT(strlen("") == 0 && strlen("abc") == 3);
    EXPECT(strnlen("abc", 2) == 2 && strnlen("abc", 9) == 3);
}

KTEST("string/string_copy cuts and always terminates") {
    char out[4] = "zzz";
    string_copy(out, "abcdef", sizeof(out));
    EXPECT(strcmp(out, "abc") == 0);
    string_copy(out, "x", sizeof(out));
    EXPECT(strcmp(out, "x") == 0);
}

#define EXPECT_FORMAT(want, ...)                                 \
    do {                                                         \
        char out_[64];                                           \
        size_t len_ = format(out_, sizeof(out_), __VA_ARGS__);   \
        EXPECT(len_ == strlen(want) && strcmp(out_, want) == 0); \
    } while (0)

KTEST("format/numbers in every size and base") {
    EXPECT_FORMAT("-2147483648 0 7", "%d %d %u", INT32_MIN, 0, 7u);
    EXPECT_FORMAT("18446744073709551615", "%lu", UINT64_MAX);
    EXPECT_FORMAT("-9223372036854775808", "%ld", INT64_MIN);
    EXPECT_FORMAT("deadbeef ff", "%x %lx", 0xdeadbeefu, 0xfful);
    EXPECT_FORMAT("18446744073709551615 -1", "%zu %lld", SIZE_MAX, -1ll);
}

KTEST("format/width, zero and left alignment, precision") {
    EXPECT_FORMAT("   42|42   |00042", "%5d|%-5d|%05d", 42, 42, 42);
    EXPECT_FORMAT("000000ff", "%08x", 0xffu);
    EXPECT_FORMAT("ab|   ab|ab   ", "%.2s|%5.2s|%-5.2s", "abcdef", "abcdef", "abcdef");
    EXPECT_FORMAT("c%", "%c%%", 'c');
}

KTEST("format/a short buffer is cut, terminated, and told the whole length") {
    char out[4] = "zzz";
    EXPECT(format(out, sizeof(out), "%d", 123456) == 6);
    EXPECT(strcmp(out, "123") == 0);
    EXPECT(format(NULL, 0, "abc") == 3);
}

KTEST("arith/rounding to pages") {
    uint64_t out = 1;
    EXPECT(page_round_up(0, &out) && out == 0);
    EXPECT(page_round_up(1, &out) && out == PAGE_SIZE);
    EXPECT(page_round_up(PAGE_SIZE, &out) && out == PAGE_SIZE);
    EXPECT(!page_round_up(UINT64_MAX, &out));
    EXPECT(page_round_up(UINT64_MAX - PAGE_MASK, &out) && out == UINT64_MAX - PAGE_MASK);
    EXPECT(page_aligned(0) && page_aligned(PAGE_SIZE) && !page_aligned(PAGE_SIZE + 8));
}

KTEST("arith/ranges within ranges, without overflow") {
    EXPECT(range_within(10, 5, 10, 5));
    EXPECT(range_within(15, 0, 10, 5));
    EXPECT(!range_within(9, 1, 10, 5));
    EXPECT(!range_within(14, 2, 10, 5));
    EXPECT(!range_within(16, 0, 10, 5));
    EXPECT(!range_within(12, UINT64_MAX, 10, 5));
    EXPECT(range_within(0, UINT64_MAX, 0, UINT64_MAX));
}

/* Other words for one look, and back. */
static bool option_bool_in(const char *line, bool fallback) {
    const char *real = options_line();
    options_init(line);
    bool value = option_bool("aslr.disable", fallback);
    options_init(real);
    return value;
}

KTEST("options/true, false, and what is neither") {
    EXPECT(option_bool_in("aslr.disable", false) && option_bool_in("aslr.disable=on", false));
    EXPECT(option_bool_in("aslr.disable=true", false) && option_bool_in("aslr.disable=1", false));
    EXPECT(!option_bool_in("aslr.disable=false", true) && !option_bool_in("aslr.disable=0", true));
    EXPECT(!option_bool_in("aslr.disable=off", true));
    EXPECT(option_bool_in("aslr.disable=maybe", true) && !option_bool_in("aslr.disable=", false));
}

KTEST("options/only whole names count, and of several the last") {
    EXPECT(option_bool_in("", true) && !option_bool_in("   ", false));
    EXPECT(option_bool_in("aslr.disabled=false aslr.disabl=false xaslr.disable=false", true));
    EXPECT(!option_bool_in("aslr.disable=true other aslr.disable=false", true));
    EXPECT(!option_bool_in("  aslr.disable=true   aslr.disable=false  ", true));
}

KTEST("options/values are cut to the room there is") {
    const char *real = options_line();
    char value[5] = "zzzz";
    options_init("kernel.test=something else");
    EXPECT(option_string("kernel.test", value, sizeof(value)) && strcmp(value, "some") == 0);
    EXPECT(!option_string("test.provoke", value, sizeof(value)));
    options_init(real);
}

KTEST("symbols/an address inside a function has its name") {
    size_t offset = 99;
    EXPECT(strcmp(symbol_find((uintptr_t)symbol_find, &offset), "symbol_find") == 0);
    EXPECT(offset == 0);
    EXPECT(strcmp(symbol_find((uintptr_t)symbol_find + 1, &offset), "symbol_find") == 0);
    EXPECT(offset == 1);
    EXPECT(strcmp(symbol_find(0, &offset), "?") == 0);
}

KTEST("cpu/self-tests of the processor hold") { EXPECT(arch_invariants_hold()); }
