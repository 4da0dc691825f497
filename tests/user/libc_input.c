/*
 * Standard input from a terminal: the test is the terminal, and the program that reads is test/reader.
 */
#include <stdio.h>
#include <string.h>
#include <zircon/syscalls.h>

#include "tests/user/harness.h"
#include "user/lib/launch.h"
#include "user/libc/terminal.h"

#define LINES 600
#define LINE_LEN 80
/* Not a whole number of lines, so that a reader waits in the middle of one. */
#define PART_LEN 1000

static char input[LINES * LINE_LEN];

static void input_make(void) {
    for (size_t i = 0; i < LINES; i++) {
        memset(&input[i * LINE_LEN], 'a' + (int)(i % 26), LINE_LEN - 1);
        input[(i + 1) * LINE_LEN - 1] = '\n';
    }
}

/* Answers requests for input until the program has ended. */
static void serve(zx_handle_t channel) {
    struct terminal_message message;
    size_t at = 0;
    uint32_t len;
    for (;;) {
        zx_object_wait_one(channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL);
        if (zx_channel_read(channel, 0, &message, NULL, sizeof(message), 0, &len, NULL) != ZX_OK) return;
        EXPECT_EQ(message.act, TERMINAL_READ);
        size_t part = sizeof(input) - at < PART_LEN ? sizeof(input) - at : PART_LEN;
        memcpy(message.text, &input[at], part);
        at += part;
        EXPECT_OK(zx_channel_write(channel, 0, &message, TERMINAL_HEADER_LEN + (uint32_t)part, NULL, 0));
    }
}

TEST("libc/threads that read standard input at once get whole lines, and each line once") {
    const char *const args[] = {"reader", NULL};
    struct launch_handle end = {.id = TERMINAL_HANDLE_ID};
    const struct launch reader = {
        .archive = launch_archive(), .path = "test/reader", .args = args, .handles = &end, .handle_count = 1};
    zx_handle_t channel, process;
    int64_t code = INT64_MIN;
    input_make();
    NEED_OK(zx_channel_create(0, &channel, &end.handle));
    NEED_OK(launch(&reader, &process, NULL));
    serve(channel);
    EXPECT_OK(launch_wait(process, &code));
    EXPECT_EQ(code, LINES);
    EXPECT_OK(zx_handle_close(process));
    EXPECT_OK(zx_handle_close(channel));
}
