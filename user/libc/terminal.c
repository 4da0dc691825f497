/* The program's end of terminal.h; a program that was given no terminal has the console. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "user/libc/port.h"
#include "user/libc/terminal.h"

static zx_handle_t terminal;
static zx_handle_t input; /* the terminal, or a channel for input only */
static bool has_input;    /* is input asked for, and not read from the console? */

void __port_terminal_open(void) {
    terminal = zx_take_startup_handle(TERMINAL_HANDLE_ID);
    input = terminal != ZX_HANDLE_INVALID ? terminal : zx_take_startup_handle(INPUT_HANDLE_ID);
    has_input = input != ZX_HANDLE_INVALID;
}

zx_handle_t __port_input_take(void) {
    zx_handle_t taken = terminal != ZX_HANDLE_INVALID ? ZX_HANDLE_INVALID : input;
    if (taken != ZX_HANDLE_INVALID) input = ZX_HANDLE_INVALID;
    return taken;
}

/* Asks, and gets `reply_len` bytes back, header included. */
static zx_status_t ask(zx_handle_t channel, const struct terminal_message *request, uint32_t len,
                       struct terminal_message *reply, uint32_t *reply_len) {
    if (channel == ZX_HANDLE_INVALID) return ZX_ERR_BAD_HANDLE;
    uint32_t handle_count;
    const zx_channel_call_args_t args = {
        .wr_bytes = request, .wr_num_bytes = len, .rd_bytes = reply, .rd_num_bytes = sizeof(*reply)};
    return zx_channel_call(channel, 0, ZX_TIME_INFINITE, &args, reply_len, &handle_count);
}

void __port_terminal_write(const char *text, size_t len) {
    struct terminal_message request = {.act = TERMINAL_WRITE}, reply;
    uint32_t reply_len;
    while (len > 0) {
        size_t part = len < TERMINAL_MAX_TEXT ? len : TERMINAL_MAX_TEXT;
        memcpy(request.text, text, part);
        if (ask(terminal, &request, TERMINAL_HEADER_LEN + (uint32_t)part, &reply, &reply_len) != ZX_OK) break;
        text += part;
        len -= part;
    }
    __port_console_write(text, len);
}

/* What does not fit waits for the next call. */
static size_t terminal_read(char *buffer, size_t size) {
    static struct terminal_message reply;
    static uint32_t at, end;
    if (at == end) {
        const struct terminal_message request = {.act = TERMINAL_READ};
        at = end = TERMINAL_HEADER_LEN;
        if (ask(input, &request, TERMINAL_HEADER_LEN, &reply, &end) != ZX_OK || end < TERMINAL_HEADER_LEN) end = at;
    }
    size_t len = size < end - at ? size : end - at;
    memcpy(buffer, (const char *)&reply + at, len);
    at += (uint32_t)len;
    return len;
}

size_t __port_terminal_read(char *buffer, size_t size) {
    if (size == 0) return 0;
    return has_input ? terminal_read(buffer, size) : __port_console_read(buffer);
}
