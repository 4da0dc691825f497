/*
 * Tests that run in user mode, against the system calls as programs meet them. A test is a block under TEST("call/what
 * it shows"), or TEST("call/A6 …") with the case's id; any file of tests/user may hold some, and they need no list:
 *
 *     TEST("vmo_read/A12 beyond the end") {
 *         zx_handle_t vmo;
 *         NEED_OK(zx_vmo_create(4096, 0, &vmo));
 *         EXPECT_STATUS(zx_vmo_read(vmo, &byte, 4096, 1), ZX_ERR_OUT_OF_RANGE);
 *     }
 *
 * A false EXPECT fails the test and lets it go on; a false NEED also leaves the function, which must return nothing.
 * Each argument is evaluated once.
 *
 * Each test runs in a process of its own, so what it leaves behind ends with it, and its crash is its failure
 * alone. After it the kernel must have got everything back: pages, heap, objects and handles.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/errors.h>
#include <zircon/types.h>

struct user_test {
    const char *name;
    void (*run)(void);
};

#define TEST_GLUE_(a, b) a##b
#define TEST_GLUE(a, b) TEST_GLUE_(a, b)
#define TEST_AS(title, function, entry)                                                                       \
    static void function(void);                                                                               \
    static const struct user_test entry                                                                       \
        __attribute__((section("utests"), used, aligned(sizeof(void *)))) = {.name = title, .run = function}; \
    static void function(void)
#define TEST(title) TEST_AS(title, TEST_GLUE(test_run_, __LINE__), TEST_GLUE(test_entry_, __LINE__))

#define TEST_TRUE(cond) test_true((cond), __FILE__, __LINE__, #cond)
#define TEST_EQ(actual, want) test_eq((uint64_t)(actual), (uint64_t)(want), __FILE__, __LINE__, #actual)
#define TEST_STATUS(call, want) test_status((call), (want), __FILE__, __LINE__, #call)
#define TEST_BYTES(actual, want, len) test_bytes((actual), (want), (len), __FILE__, __LINE__, #actual)

#define EXPECT(cond) ((void)TEST_TRUE(cond))
#define EXPECT_EQ(actual, want) ((void)TEST_EQ(actual, want))
#define EXPECT_STATUS(call, want) ((void)TEST_STATUS(call, want))
#define EXPECT_OK(call) EXPECT_STATUS(call, ZX_OK)
#define EXPECT_BYTES(actual, want, len) ((void)TEST_BYTES(actual, want, len))

/* Of a call of the C library: it fails, with this error. Needs <errno.h>. */
#define EXPECT_ERRNO(failed, number) \
    do {                             \
        errno = 0;                   \
        EXPECT(failed);              \
        EXPECT_EQ(errno, number);    \
    } while (0)

#define TEST_NEED(check)    \
    do {                    \
        if (!check) return; \
    } while (0)
#define NEED(cond) TEST_NEED(TEST_TRUE(cond))
#define NEED_EQ(actual, want) TEST_NEED(TEST_EQ(actual, want))
#define NEED_STATUS(call, want) TEST_NEED(TEST_STATUS(call, want))
#define NEED_OK(call) NEED_STATUS(call, ZX_OK)
#define NEED_BYTES(actual, want, len) TEST_NEED(TEST_BYTES(actual, want, len))

/*
 * Note a failure of the running test, with its place and the values, unless all is as it should be. Return whether it
 * is.
 */
bool test_true(bool good, const char *file, int line, const char *text);
bool test_eq(uint64_t actual, uint64_t want, const char *file, int line, const char *text);
bool test_status(zx_status_t actual, zx_status_t want, const char *file, int line, const char *text);
bool test_bytes(const void *actual, const void *want, size_t len, const char *file, int line, const char *text);

/* A remark in the report. May be called from any thread of the test. */
void test_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The root resource, for calls that want one. Borrowed. */
zx_handle_t test_resource(void);
