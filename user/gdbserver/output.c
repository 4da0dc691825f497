/* The terminals of programs; see output.h, and user/libc/terminal.h for what programs ask. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "user/gdbserver/output.h"
#include "user/gdbserver/server.h"
#include "user/libc/terminal.h"

#define MAX_OUTPUTS 16

static struct output {
    zx_handle_t channel; /* ZX_HANDLE_INVALID: a free entry */
    char name[ZX_MAX_NAME_LEN];
    bool in_line; /* a line has begun, and not ended */
} outputs[MAX_OUTPUTS];

bool output_open(const char *name, zx_handle_t *end) {
    struct output *o = outputs;
    while (o < outputs + MAX_OUTPUTS && o->channel != ZX_HANDLE_INVALID) o++;
    if (o == outputs + MAX_OUTPUTS || zx_channel_create(0, &o->channel, end) != ZX_OK) return false;
    const char *slash = strrchr(name, '/');
    snprintf(o->name, sizeof(o->name), "%s", slash ? slash + 1 : name);
    o->in_line = false;
    return true;
}

static void output_close(struct output *o) {
    zx_handle_close(o->channel);
    o->channel = ZX_HANDLE_INVALID;
    if (o->in_line) session_show("\n", 1);
}

/* Each line gets the mark when its first character comes. */
static void show(struct output *o, const char *text, size_t len) {
    static char marked[2 * TERMINAL_MAX_TEXT];
    size_t at = 0;
    for (size_t i = 0; i < len; i++) {
        if (at + ZX_MAX_NAME_LEN + 4 > sizeof(marked)) {
            session_show(marked, at);
            at = 0;
        }
        if (!o->in_line) at += (size_t)snprintf(marked + at, sizeof(marked) - at, "[%s] ", o->name);
        marked[at++] = text[i];
        o->in_line = text[i] != '\n';
    }
    session_show(marked, at);
}

static void answer(struct output *o, zx_txid_t request) {
    const struct terminal_message reply = {.txid = request};
    if (zx_channel_write(o->channel, 0, &reply, TERMINAL_HEADER_LEN, NULL, 0) != ZX_OK) output_close(o);
}

/* Input is at its end: the debugger's terminal is the debugger's. */
static void serve(struct output *o) {
    struct terminal_message request;
    uint32_t len = 0;
    while (o->channel != ZX_HANDLE_INVALID) {
        zx_status_t status = zx_channel_read(o->channel, 0, &request, NULL, sizeof(request), 0, &len, NULL);
        if (status == ZX_ERR_SHOULD_WAIT) return;
        if (status != ZX_OK || len < TERMINAL_HEADER_LEN) {
            output_close(o);
        } else {
            if (request.act == TERMINAL_WRITE) show(o, request.text, len - TERMINAL_HEADER_LEN);
            answer(o, request.txid);
        }
    }
}

void output_serve(void) {
    for (struct output *o = outputs; o < outputs + MAX_OUTPUTS; o++) serve(o);
}

void output_close_all(void) {
    for (struct output *o = outputs; o < outputs + MAX_OUTPUTS; o++) {
        zx_handle_close(o->channel);
        o->channel = ZX_HANDLE_INVALID;
    }
}

size_t output_items(zx_wait_item_t *items, size_t room) {
    size_t count = 0;
    for (struct output *o = outputs; o < outputs + MAX_OUTPUTS && count < room; o++) {
        if (o->channel == ZX_HANDLE_INVALID) continue;
        items[count++] = (zx_wait_item_t){o->channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, 0};
    }
    return count;
}
