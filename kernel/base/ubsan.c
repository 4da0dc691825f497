/*
 * Handlers of undefined behaviour in debug kernels: -fsanitize=undefined makes the compiler call one of these
 * functions, each of which panics with the place, the kind and the values. The compilers define names and arguments;
 * they are the same in gcc and clang. Needs nothing but panic().
 */
#include <stdint.h>

#include "kernel/base/log.h"

struct place {
    const char *file;
    uint32_t line, column;
};

#define TYPE_NUMBER 0
#define TYPE_SIGNED 1u

struct type {
    uint16_t kind;
    uint16_t shape; /* of a number: whether it is signed, and above that the logarithm of its bits */
    char name[];    /* in quotes */
};

/* What the compiler passes about a place: the place, then the types that matter there. */
struct site {
    struct place place;
    const struct type *type, *other;
};

struct access {
    struct place place;
    const struct type *type;
    uint8_t align_order;
    uint8_t act;
};

struct argument {
    struct place place, attribute;
    int number;
};

struct text {
    char chars[24];
};

/* The value of an operand: the compiler passes its bits; the upper ones are unspecified. */
static struct text number(const struct type *type, uintptr_t bits) {
    struct text text = {"?"};
    unsigned width = 1u << (type->shape >> 1);
    if (type->kind != TYPE_NUMBER || width > 64) return text;
    if (type->shape & TYPE_SIGNED)
        format(text.chars, sizeof(text.chars), "%ld", (int64_t)(bits << (64 - width)) >> (64 - width));
    else
        format(text.chars, sizeof(text.chars), "%lu", bits << (64 - width) >> (64 - width));
    return text;
}

#define UNDEFINED(at, fmt, ...) panic("%s:%u: undefined behaviour: " fmt, (at)->file, (at)->line, ##__VA_ARGS__)

/* One of the compiler's functions. */
#define HANDLER(name, ...)                            \
    NORETURN void __ubsan_handle_##name(__VA_ARGS__); \
    NORETURN void __ubsan_handle_##name(__VA_ARGS__)

#define OVERFLOW_HANDLER(act, sign)                                                                                   \
    HANDLER(act##_overflow_abort, const struct site *at, uintptr_t a, uintptr_t b) {                                  \
        UNDEFINED(&at->place, "%s " sign " %s does not fit %s", number(at->type, a).chars, number(at->type, b).chars, \
                  at->type->name);                                                                                    \
    }

OVERFLOW_HANDLER(add, "+")
OVERFLOW_HANDLER(sub, "-")
OVERFLOW_HANDLER(mul, "*")
OVERFLOW_HANDLER(divrem, "/")

HANDLER(negate_overflow_abort, const struct site *at, uintptr_t value) {
    UNDEFINED(&at->place, "-(%s) does not fit %s", number(at->type, value).chars, at->type->name);
}

HANDLER(shift_out_of_bounds_abort, const struct site *at, uintptr_t value, uintptr_t count) {
    UNDEFINED(&at->place, "shifting %s of type %s by %s", number(at->type, value).chars, at->type->name,
              number(at->other, count).chars);
}

HANDLER(out_of_bounds_abort, const struct site *at, uintptr_t index) {
    UNDEFINED(&at->place, "index %s is outside %s", number(at->other, index).chars, at->type->name);
}

HANDLER(pointer_overflow_abort, const struct site *at, uintptr_t base, uintptr_t result) {
    UNDEFINED(&at->place, "a pointer went from %#lx to %#lx", base, result);
}

HANDLER(type_mismatch_v1_abort, const struct access *at, uintptr_t address) {
    static const char *const acts[] = {"loading", "storing", "referring to", "a member of"};
    const char *act = at->act < countof(acts) ? acts[at->act] : "using";
    uintptr_t misaligned = address & (((uintptr_t)1 << at->align_order) - 1);
    const char *why = !address ? "the null pointer" : misaligned ? "misaligned" : "too small an object";
    UNDEFINED(&at->place, "%s %s at %#lx: %s", act, at->type->name, address, why);
}

HANDLER(load_invalid_value_abort, const struct site *at, uintptr_t value) {
    UNDEFINED(&at->place, "%s is no value of type %s", number(at->type, value).chars, at->type->name);
}

HANDLER(vla_bound_not_positive_abort, const struct site *at, uintptr_t bound) {
    UNDEFINED(&at->place, "an array of %s elements", number(at->type, bound).chars);
}

HANDLER(nonnull_arg_abort, const struct argument *at) {
    UNDEFINED(&at->place, "argument %d is NULL and may not be", at->number);
}

HANDLER(nonnull_return_v1_abort, const struct place *attribute UNUSED, const struct place *at) {
    UNDEFINED(at, "NULL is returned and may not be");
}

HANDLER(invalid_builtin_abort, const struct site *at) { UNDEFINED(&at->place, "zero bits counted in zero"); }

/* These two have no variant that returns. */
HANDLER(builtin_unreachable, const struct site *at) { UNDEFINED(&at->place, "what cannot be reached was reached"); }
HANDLER(missing_return, const struct site *at) { UNDEFINED(&at->place, "a function ended without its value"); }
