/*
 * The calls for debugging the system itself.
 */
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "tests/user/harness.h"

static const char text[] = "debug_write was here\n";

TEST("debug_write/A1 nothing is written whatever the buffer") {
    EXPECT_OK(zx_debug_write(text, 0));
    EXPECT_OK(zx_debug_write(NULL, 0));
}

TEST("debug_write/a text goes to the console") { EXPECT_OK(zx_debug_write(text, sizeof(text) - 1)); }

TEST("debug_write/S1 S2 S5 S6 bad buffers are refused") {
    EXPECT_STATUS(zx_debug_write(NULL, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_debug_write((const char *)0x1000, 16), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_debug_write((const char *)0xffff800000000000, 16), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_debug_write((const char *)0x800000000000, 16), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_debug_write((const char *)UINTPTR_MAX, 16), ZX_ERR_INVALID_ARGS);
}

TEST("debug_send_command/H1 H5 only for the root resource") {
    EXPECT_STATUS(zx_debug_send_command(ZX_HANDLE_INVALID, "check", 5), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_debug_send_command(zx_process_self(), "check", 5), ZX_ERR_WRONG_TYPE);
    EXPECT_OK(zx_debug_send_command(test_resource(), "check", 5));
}

TEST("debug_send_command/bad buffers, sizes and words are refused") {
    EXPECT_STATUS(zx_debug_send_command(test_resource(), NULL, 5), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_debug_send_command(test_resource(), text, SIZE_MAX), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_debug_send_command(test_resource(), "no such word", 12), ZX_ERR_NOT_FOUND);
    EXPECT_STATUS(zx_debug_send_command(test_resource(), "checked", 7), ZX_ERR_NOT_FOUND);
}
