/*
 * Tests that run inside the kernel, before any user program. A test is a block under KTEST("room/what it shows"); any
 * file of tests/kernel may hold some, and they need no list:
 *
 *     KTEST("arith/rounding up wraps") {
 *         uint64_t out;
 *         EXPECT(!page_round_up(UINT64_MAX, &out));
 *     }
 *
 * A false EXPECT fails the test and lets it go on; a false NEED also leaves it. After each test the kernel's
 * self-checks run: what it took it must have given back, and the kernel's invariants must hold.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/types.h>

#include "kernel/base/compiler.h"

struct kernel_test {
    const char *name;
    void (*run)(void);
};

#define KTEST_GLUE_(a, b) a##b
#define KTEST_GLUE(a, b) KTEST_GLUE_(a, b)
#define KTEST_AS(title, function, entry)                                                                        \
    static void function(void);                                                                                 \
    static const struct kernel_test entry                                                                       \
        __attribute__((section("ktests"), used, aligned(sizeof(void *)))) = {.name = (title), .run = function}; \
    static void function(void)
#define KTEST(title) KTEST_AS(title, KTEST_GLUE(ktest_run_, __LINE__), KTEST_GLUE(ktest_entry_, __LINE__))

#define EXPECT(cond) ((void)kernel_test_expect((cond), __FILE__, __LINE__, #cond))
#define NEED(cond)                                                \
    do {                                                          \
        if (!(cond)) {                                            \
            kernel_test_expect(false, __FILE__, __LINE__, #cond); \
            return;                                               \
        }                                                         \
    } while (0)

/* Notes a failure of the running test, with its place, unless `good`. Returns `good`. */
bool kernel_test_expect(bool good, const char *file, int line, const char *text);

/* One line to the report. */
void kernel_test_report(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Ends the run with the running test, which is not even reported: for the test of the harness itself. */
void kernel_tests_stop(void);

/* Runs them all: the plan first, a line for each. Returns how many failed. */
int kernel_tests_main(void);
