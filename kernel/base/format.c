/*
 * printf's formats, as far as log.h lists them, into a buffer. Counts what does not fit, so that callers learn the
 * length they would have needed.
 */
#include <stdbool.h>
#include <stdint.h>

#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

struct sink {
    char *out;
    size_t size, len;
};

struct spec {
    bool left, zeroes, prefix;
    int longs; /* how many l before the letter; z counts as one */
    size_t width;
    size_t precision; /* SIZE_MAX: not given */
};

#define DIGITS_MAX 20 /* of 2^64 in decimal */

static void put(struct sink *sink, char c) {
    if (sink->len + 1 < sink->size) sink->out[sink->len] = c;
    sink->len++;
}

static void put_repeated(struct sink *sink, char c, size_t count) {
    while (count-- > 0) put(sink, c);
}

/* A sign or "0x", then at least `digits` digits, then spaces or zeroes to the width. */
static void put_field(struct sink *sink, const struct spec *spec, const char *prefix, const char *text, size_t len,
                      size_t zeroes) {
    size_t total = strlen(prefix) + zeroes + len;
    size_t padding = spec->width > total ? spec->width - total : 0;
    bool zero_padding = spec->zeroes && !spec->left;
    if (!spec->left && !zero_padding) put_repeated(sink, ' ', padding);
    while (*prefix != '\0') put(sink, *prefix++);
    put_repeated(sink, '0', zeroes + (zero_padding ? padding : 0));
    for (size_t i = 0; i < len; i++) put(sink, text[i]);
    if (spec->left) put_repeated(sink, ' ', padding);
}

static void put_number(struct sink *sink, const struct spec *spec, const char *prefix, uint64_t value, unsigned base) {
    char digits[DIGITS_MAX];
    size_t len = 0;
    for (; value != 0; value /= base) digits[DIGITS_MAX - ++len] = "0123456789abcdef"[value % base];
    size_t least = spec->precision == SIZE_MAX ? 1 : spec->precision;
    struct spec field = *spec;
    if (spec->precision != SIZE_MAX) field.zeroes = false;
    put_field(sink, &field, prefix, digits + DIGITS_MAX - len, len, least > len ? least - len : 0);
}

static void put_string(struct sink *sink, const struct spec *spec, const char *text) {
    if (!text) text = "(null)";
    struct spec field = *spec;
    field.zeroes = false;
    put_field(sink, &field, "", text, strnlen(text, spec->precision), 0);
}

static size_t parse_number(const char **fmt) {
    size_t value = 0;
    for (; **fmt >= '0' && **fmt <= '9'; ++*fmt) value = value * 10 + (size_t)(**fmt - '0');
    return value;
}

/* Everything between the percent sign and the letter. Leaves `fmt` at the letter. */
static struct spec parse_spec(const char **fmt) {
    struct spec spec = {.precision = SIZE_MAX};
    for (; **fmt == '-' || **fmt == '0' || **fmt == '#'; ++*fmt) {
        spec.left |= **fmt == '-';
        spec.zeroes |= **fmt == '0';
        spec.prefix |= **fmt == '#';
    }
    spec.width = parse_number(fmt);
    if (**fmt == '.') {
        ++*fmt;
        spec.precision = parse_number(fmt);
    }
    for (; **fmt == 'l' || **fmt == 'z'; ++*fmt) spec.longs++;
    return spec;
}

/* NOLINTBEGIN(clang-analyzer-valist.Uninitialized): it loses sight of a list that is passed by address */
static void put_converted(struct sink *sink, const struct spec *spec, char letter, va_list *args) {
    switch (letter) {
    case 'd': {
        int64_t value = spec->longs ? va_arg(*args, int64_t) : va_arg(*args, int);
        uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
        put_number(sink, spec, value < 0 ? "-" : "", magnitude, 10);
        break;
    }
    case 'u':
    case 'x': {
        uint64_t value = spec->longs ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);
        const char *prefix = spec->prefix && letter == 'x' && value != 0 ? "0x" : "";
        put_number(sink, spec, prefix, value, letter == 'x' ? 16 : 10);
        break;
    }
    case 'p': put_number(sink, spec, "0x", (uintptr_t)va_arg(*args, void *), 16); break;
    case 's': put_string(sink, spec, va_arg(*args, const char *)); break;
    case 'c': put(sink, (char)va_arg(*args, int)); break;
    default: put(sink, letter); break;
    }
}
/* NOLINTEND(clang-analyzer-valist.Uninitialized) */

size_t format_args(char *out, size_t size, const char *fmt, va_list args) {
    struct sink sink = {out, size, 0};
    va_list rest;
    va_copy(rest, args);
    for (; *fmt != '\0'; fmt++) {
        if (*fmt != '%') {
            put(&sink, *fmt);
            continue;
        }
        fmt++;
        struct spec spec = parse_spec(&fmt);
        if (*fmt == '\0') break;
        put_converted(&sink, &spec, *fmt, &rest);
    }
    va_end(rest);
    if (size > 0) out[min_u64(sink.len, size - 1)] = '\0';
    return sink.len;
}

size_t format(char *out, size_t size, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    size_t len = format_args(out, size, fmt, args);
    va_end(args);
    return len;
}
