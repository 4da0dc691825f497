/* The program's end of terminal.h; a program that was given no terminal has the console. */
#include "user/libc/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/time.h>

#include "user/libc/files.h"
#include "user/libc/signals.h"

/* Of a question for input; the kernel's own numbers are others. */
#define INPUT_TXID 1u

static zx_handle_t terminal;
static zx_handle_t input; /* the terminal, or a channel for input only */
static bool has_input;    /* is input asked for, and not read from the console? */

void __port_terminal_open(void) {
    terminal = zx_take_startup_handle(TERMINAL_HANDLE_ID);
    input = terminal != ZX_HANDLE_INVALID ? terminal : zx_take_startup_handle(INPUT_HANDLE_ID);
    has_input = input != ZX_HANDLE_INVALID;
}

bool __port_input_is_console(void) { return !has_input; }

zx_handle_t __port_input_take(void) {
    zx_handle_t taken = terminal != ZX_HANDLE_INVALID ? ZX_HANDLE_INVALID : input;
    if (taken != ZX_HANDLE_INVALID) input = ZX_HANDLE_INVALID;
    return taken;
}

/* Sends a request, with a handle unless that is invalid, and waits for the answer. */
static zx_status_t ask(zx_handle_t channel, uint32_t act, const void *text, size_t len, zx_handle_t handle) {
    struct terminal_message request = {.act = act}, answer;
    uint32_t answer_len, handle_count;
    memcpy(request.text, text, len);
    const zx_channel_call_args_t args = {.wr_bytes = &request,
                                         .wr_num_bytes = TERMINAL_HEADER_LEN + (uint32_t)len,
                                         .wr_handles = &handle,
                                         .wr_num_handles = handle != ZX_HANDLE_INVALID,
                                         .rd_bytes = &answer,
                                         .rd_num_bytes = sizeof(answer)};
    return zx_channel_call(channel, 0, ZX_TIME_INFINITE, &args, &answer_len, &handle_count);
}

zx_status_t __port_input_send(uint32_t act, const void *text, size_t len, zx_handle_t handle) {
    return ask(input, act, text, len, handle);
}

void __port_terminal_write(const char *text, size_t len) {
    while (terminal != ZX_HANDLE_INVALID && len > 0) {
        size_t part = len < TERMINAL_MAX_TEXT ? len : TERMINAL_MAX_TEXT;
        if (ask(terminal, TERMINAL_WRITE, text, part, ZX_HANDLE_INVALID) != ZX_OK) break;
        text += part;
        len -= part;
    }
    __port_console_write(text, len);
}

/* --- input --- */

static struct termios modes = {
    .c_iflag = ICRNL | IXON,
    .c_oflag = OPOST | ONLCR,
    .c_cflag = CS8 | CREAD | B38400,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | IEXTEN,
    .c_cc = {[VINTR] = 3, [VERASE] = 0x7f, [VEOF] = 4, [VMIN] = 1},
};

bool __port_terminal_is_raw(void) { return !(modes.c_lflag & ICANON); }

/* How long a read of single keys waits for the first: for ever, or for tenths of a second. */
static zx_time_t input_deadline(void) {
    if (!__port_terminal_is_raw() || modes.c_cc[VMIN] > 0) return ZX_TIME_INFINITE;
    return zx_deadline_after(ZX_MSEC(100) * modes.c_cc[VTIME]);
}

/* What has come in and nobody has read yet. A read that was broken off leaves a question behind that has no answer. */
static struct terminal_message reply;
static uint32_t reply_at, reply_end;
static bool asked;

static zx_status_t input_ask(void) {
    if (asked) return ZX_OK;
    const struct terminal_message request = {.txid = INPUT_TXID,
                                             .act = __port_terminal_is_raw() ? TERMINAL_KEYS : TERMINAL_READ};
    zx_status_t status = zx_channel_write(input, 0, &request, TERMINAL_HEADER_LEN, NULL, 0);
    asked = status == ZX_OK;
    return status;
}

/* The console says a new line where the Enter key was typed, which is not what a program wants that reads keys. */
static void keys_translate(void) {
    for (uint32_t i = reply_at; i < reply_end; i++) {
        char *key = (char *)&reply + i;
        if (*key == '\n') *key = '\r';
    }
}

/* Waits for the answer: 0, also where there will be none, or -EINTR. */
static long input_wait(void) {
    reply_at = reply_end = TERMINAL_HEADER_LEN;
    if (input == ZX_HANDLE_INVALID || input_ask() != ZX_OK) return 0;
    zx_status_t status = __port_object_wait_one(__port_signals(), input, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED,
                                                input_deadline(), NULL);
    if (status == ZX_ERR_INTERNAL_INTR_RETRY) return -EINTR;
    if (status == ZX_ERR_TIMED_OUT) return 0;
    asked = false;
    uint32_t len = 0;
    status = zx_channel_read(input, 0, &reply, NULL, sizeof(reply), 0, &len, NULL);
    if (status == ZX_OK && len > TERMINAL_HEADER_LEN) reply_end = len;
    if (__port_terminal_is_raw() && !(modes.c_iflag & ICRNL)) keys_translate();
    return 0;
}

/* A line at most, unless it is keys. What is left waits for the next call. */
static long input_read(char *buffer, size_t size) {
    long failed = reply_at == reply_end ? input_wait() : 0;
    if (failed) return failed;
    size_t len = size < reply_end - reply_at ? size : reply_end - reply_at;
    const char *line_end = __port_terminal_is_raw() ? NULL : memchr((const char *)&reply + reply_at, '\n', len);
    if (line_end) len = (size_t)(line_end + 1 - ((const char *)&reply + reply_at));
    memcpy(buffer, (const char *)&reply + reply_at, len);
    reply_at += (uint32_t)len;
    return (long)len;
}

long __port_terminal_read(char *buffer, size_t size) {
    if (size == 0) return 0;
    return has_input ? input_read(buffer, size) : __port_console_read(buffer);
}

/* --- what it is --- */

static bool has_word(const char *list, const char *word) {
    size_t len = strlen(word);
    for (const char *at = list; at && (at = strstr(at, word)); at += len) {
        if ((at == list || at[-1] == ',') && (at[len] == ',' || at[len] == '\0')) return true;
    }
    return false;
}

bool __port_terminal_is_there(bool output) {
    return !getenv("init.console") || has_word(getenv("init.tty"), output ? "out" : "in");
}

static unsigned short number_of(const char *name) {
    const char *text = getenv(name);
    return (unsigned short)(text ? atoi(text) : 0);
}

/* As Linux has them, a terminal's modes lack what musl has at its end. */
#define MODES_LEN (offsetof(struct termios, c_cc) + 19)

long __port_terminal_control(unsigned long request, void *what) {
    switch (request) {
    case TIOCGWINSZ:
        *(struct winsize *)what =
            (struct winsize){.ws_row = number_of("init.rows"), .ws_col = number_of("init.columns")};
        return 0;
    case TCGETS: memcpy(what, &modes, MODES_LEN); return 0;
    case TCSETS:
    case TCSETSW:
    case TCSETSF: memcpy(&modes, what, MODES_LEN); return 0;
    default: return -ENOTTY;
    }
}

/* Whether it is a person's; standard output is written by lines even where it is not, for several programs share it. */
int isatty(int fd) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
        int flags = fcntl(fd, F_GETFL);
        if (__port_terminal_is_there((flags & O_ACCMODE) != O_RDONLY)) return 1;
        errno = ENOTTY;
    }
    return 0;
}
