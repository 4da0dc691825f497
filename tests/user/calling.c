/*
 * Calls through a channel; see calling.h.
 */
#include "tests/user/calling.h"

#include "tests/user/probe.h"

zx_channel_call_args_t args_of(const struct note *request, struct note *reply) {
    return (zx_channel_call_args_t){
        .wr_bytes = request, .wr_num_bytes = sizeof(*request), .rd_bytes = reply, .rd_num_bytes = sizeof(*reply)};
}

static void call_now(void *arg) {
    struct calling *c = arg;
    c->status = zx_channel_call(c->channel, 0, c->deadline, &c->args, &c->bytes, &c->handles);
    c->over = true;
}

void calling_prepare(struct calling *c, zx_handle_t channel, uint32_t text) {
    c->channel = channel;
    c->deadline = NEVER;
    c->request = (struct note){7, text};
    c->reply = (struct note){UNTOUCHED, UNTOUCHED};
    c->args = args_of(&c->request, &c->reply);
    c->bytes = c->handles = UNTOUCHED;
    c->over = false;
}

bool calling_start(struct calling *c) {
    if (!worker_start(&c->worker, call_now, c)) return false;
    return thread_waits(c->worker.thread) && TEST_TRUE(!c->over);
}

bool calls(struct calling *c, zx_handle_t channel, uint32_t text) {
    calling_prepare(c, channel, text);
    return calling_start(c);
}

void call_ends(struct calling *c, zx_status_t status, uint32_t text) {
    if (!worker_join(&c->worker)) return;
    EXPECT_STATUS(c->status, status);
    EXPECT_EQ(c->reply.text, text);
    EXPECT_EQ(c->bytes, status == ZX_OK ? sizeof(struct note) : UNTOUCHED);
    EXPECT_EQ(c->handles, status == ZX_OK ? 0 : UNTOUCHED);
    EXPECT_EQ(c->request.txid, 7);
}

struct note take(zx_handle_t end) {
    struct note note = {0, 0};
    uint32_t bytes = 0;
    MUST(zx_channel_read(end, 0, &note, NULL, sizeof(note), 0, &bytes, NULL));
    MUST_BE(bytes == sizeof(note));
    return note;
}

zx_status_t put(zx_handle_t end, zx_txid_t txid, uint32_t text) {
    struct note note = {txid, text};
    return zx_channel_write(end, 0, &note, sizeof(note), NULL, 0);
}

zx_status_t poll_call(zx_handle_t channel) {
    struct note request = {1, 2};
    struct note reply;
    zx_channel_call_args_t args = args_of(&request, &reply);
    return zx_channel_call(channel, 0, 0, &args, NULL, NULL);
}
