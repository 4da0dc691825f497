/*
 * The program is not trusted. No message of its is looked at before the one before has its answer, and each answer has
 * at least one byte that was typed, but for those of the few files that the host wants: so a program that asks and
 * never looks at the answers fills init's memory with no more than its input. What is no request closes the channel,
 * and so does the end of the input, which has no answer.
 *
 * The console is read from the first request on, and not before: a program with the root resource may do that itself.
 */
#include "user/init/input.h"

#include <stdbool.h>
#include <zircon/syscalls.h>

#include "user/init/outfiles.h"
#include "user/lib/keyboard.h"
#include "user/libc/terminal.h"

static zx_handle_t channel; /* ZX_HANDLE_INVALID: nobody is served */
static bool started;        /* is the console being read? */
static bool asked;          /* a request waits for its answer … */
static zx_txid_t request;   /* … this one */

void input_close(void) {
    zx_handle_close(channel);
    channel = ZX_HANDLE_INVALID;
    asked = false;
}

zx_status_t input_open(zx_handle_t *end) {
    input_close();
    return zx_channel_create(0, &channel, end);
}

size_t input_items(zx_wait_item_t items[INPUT_ITEMS]) {
    if (channel == ZX_HANDLE_INVALID) return 0;
    items[0] = asked ? (zx_wait_item_t){keyboard_event(), ZX_EVENT_SIGNALED, 0}
                     : (zx_wait_item_t){channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, 0};
    return 1;
}

static void answer_with(const struct terminal_message *reply, size_t len) {
    if (zx_channel_write(channel, 0, reply, TERMINAL_HEADER_LEN + (uint32_t)len, NULL, 0) != ZX_OK) input_close();
}

/* Takes the next request, if there is one. A file's is answered at once. */
static void take_request(void) {
    struct terminal_message message;
    zx_handle_t handle = ZX_HANDLE_INVALID;
    uint32_t len = 0, handle_count = 0;
    zx_status_t status = zx_channel_read(channel, 0, &message, &handle, sizeof(message), 1, &len, &handle_count);
    if (status == ZX_ERR_SHOULD_WAIT) return;
    if (status == ZX_OK && len >= TERMINAL_HEADER_LEN && message.act == TERMINAL_FILE) {
        if (!outfiles_report(message.text, len - TERMINAL_HEADER_LEN, handle)) return input_close();
        return answer_with(&(struct terminal_message){.txid = message.txid}, 0);
    }
    zx_handle_close(handle);
    asked =
        status == ZX_OK && len == TERMINAL_HEADER_LEN && (message.act == TERMINAL_READ || message.act == TERMINAL_KEYS);
    request = message.txid;
    if (asked && !started) started = asked = keyboard_start() == ZX_OK;
    if (!asked) input_close();
}

/* Gives the program what has been typed, and asks for no more than there is. */
static void answer(void) {
    struct terminal_message reply = {.txid = request};
    size_t len = 0;
    do {
        while (len < TERMINAL_MAX_TEXT && (len == 0 || keyboard_pending()) && keyboard_next(&reply.text[len])) len++;
        if (len == 0 && keyboard_ended()) return input_close();
    } while (len == 0 && keyboard_pending());
    if (len == 0) return;
    asked = false;
    answer_with(&reply, len);
}

void input_serve(void) {
    if (channel != ZX_HANDLE_INVALID && !asked) take_request();
    if (asked) answer();
}
