/*
 * Whole programs, launched as others launch them: how they end, what they are given, static-PIE ones, and C++. They are
 * those of tests/programs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/syscalls.h>

#include "tests/user/harness.h"
#include "user/lib/launch.h"

#define CRASH ZX_TASK_RETCODE_EXCEPTION_KILL

/* Runs test/NAME with up to two arguments, and returns its return code. */
static int64_t run(const char *name, const char *first, const char *second) {
    char path[64];
    snprintf(path, sizeof(path), "test/%s", name);
    const char *const args[] = {name, first, second, NULL};
    const char *why = "";
    zx_handle_t process;
    int64_t code = INT64_MIN;
    if (!TEST_STATUS(launch_program(path, args, &process, &why), ZX_OK)) {
        test_note("%s: %s", path, why);
        return code;
    }
    EXPECT_OK(launch_wait(process, &code));
    EXPECT_OK(zx_handle_close(process));
    return code;
}

TEST("libc/the exit status is the process's return code, whichever way it is given") {
    EXPECT_EQ(run("ends", "return", "0"), 0);
    EXPECT_EQ(run("ends", "return", "7"), 7);
    EXPECT_EQ(run("ends", "return", "-1"), -1);
    EXPECT_EQ(run("ends", "return", "1000000"), 1000000);
    EXPECT_EQ(run("ends", "exit", "8"), 8);
    EXPECT_EQ(run("ends", "_exit", "9"), 9);
    EXPECT_EQ(run("ends", "_Exit", "10"), 10);
    EXPECT_EQ(run("ends", "process_exit", "11"), (int64_t)11 << 32);
    EXPECT_EQ(run("ends", "thread_exit", "12"), 0);
}

TEST("libc/exit runs handlers, the last one first, and destructors after them") {
    EXPECT_EQ(run("ends", "atexit", "3"), 42);
    EXPECT_EQ(run("ends", "quick_exit", "3"), 55);
    EXPECT_EQ(run("ends", "return", "77"), 78);
    EXPECT_EQ(run("ends", "_Exit", "77"), 77);
}

TEST("libc/abort and a failed assert end with 134, another signal that nobody handles with 128 and its number") {
    EXPECT_EQ(run("ends", "abort", "0"), 134);
    EXPECT_EQ(run("ends", "assert", "0"), 134);
    EXPECT_EQ(run("ends", "raise", "15"), 128 + 15);
    EXPECT_EQ(run("ends", "raise", "11"), 128 + 11);
}

TEST("libc/Zircon's failed assertions and faults are crashes to whoever waits for the program") {
    EXPECT_EQ(run("ends", "ZX_ASSERT", "0"), CRASH);
    EXPECT_EQ(run("ends", "ZX_PANIC", "0"), CRASH);
    EXPECT_EQ(run("ends", "recurse", "0"), CRASH);
    EXPECT_EQ(run("ends", "write", "0"), CRASH);
}

TEST("libc/a thread has a megabyte of stack, and below it a page that faults") {
    EXPECT_EQ(run("ends", "recurse_in_thread", "900"), 0);
    EXPECT_EQ(run("ends", "recurse_in_thread", "1100"), CRASH);
}

TEST("libc/three bytes of thread-local variables are where the linker put them") {
    EXPECT_EQ(run("ends", "locals", "0"), 42);
}

TEST("libc/the program ends with its last thread") { EXPECT_EQ(run("ends", "thrd_exit", "0"), 0); }

TEST("libc/C++ objects are made and destroyed in order, also static ones and those on the heap") {
    EXPECT_EQ(run("cxx", NULL, NULL), 0);
    EXPECT_EQ(run("cxx-pie", NULL, NULL), 0);
    EXPECT_EQ(run("zx", NULL, NULL), 0);
}

TEST("launch/a static-PIE program is right wherever it lies") { EXPECT_EQ(run("place-pie", NULL, NULL), 0); }

TEST("launch/a static-PIE program lies in user memory, on pages of its own") {
    int64_t page = run("place-pie", "where", NULL);
    EXPECT(page >= 0x1000000 / (int64_t)ZX_PAGE_SIZE && page < (int64_t)(0x7ffffffff000 / ZX_PAGE_SIZE));
}
