/*
 * zx_channel_call: what is sent, and which message is the reply. What else ends the wait is in channel_call_ends.c.
 */
#include "tests/user/calling.h"
#include "tests/user/probe.h"

static struct calling one;

TEST("channel_call/handles that are none, and of other types") { check_handles(KIND_CHANNEL, poll_call); }

/* Ends cannot be duplicated: each right in turn is left out of a fresh one. */
TEST("channel_call/needs READ and WRITE") {
    const zx_rights_t rights[] = {ZX_RIGHT_READ, ZX_RIGHT_WRITE, 0, ZX_DEFAULT_CHANNEL_RIGHTS & ~ZX_RIGHT_READ,
                                  ZX_DEFAULT_CHANNEL_RIGHTS & ~ZX_RIGHT_WRITE};
    for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
        struct pair pair = pair_make();
        MUST(zx_handle_replace(pair.a, rights[i], &pair.a));
        EXPECT_STATUS(poll_call(pair.a), ZX_ERR_ACCESS_DENIED);
        EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
    }
    struct pair pair = pair_make();
    MUST(zx_handle_replace(pair.a, ZX_RIGHT_READ | ZX_RIGHT_WRITE, &pair.a));
    EXPECT_STATUS(poll_call(pair.a), ZX_ERR_TIMED_OUT);
}

TEST("channel_call/the request as it was written, but for a number of the kernel's in front; the reply comes back") {
    struct pair pair = pair_make();
    NEED(calls(&one, pair.a, 100));
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE | ZX_CHANNEL_READABLE);
    struct note request = take(pair.b);
    EXPECT_EQ(request.text, 100);
    EXPECT(request.txid & KERNEL_TXID);
    NEED_OK(put(pair.b, request.txid, 200));
    call_ends(&one, ZX_OK, 200);
    EXPECT_EQ(one.reply.txid, request.txid);
    EXPECT_EQ(signals_of(pair.a), ZX_CHANNEL_WRITABLE);
}

TEST("channel_call/readers never see a reply, nor does READABLE") {
    struct pair pair = pair_make();
    static struct calling reader;
    NEED(calls(&reader, pair.a, 1));
    zx_txid_t txid = take(pair.b).txid;
    NEED_OK(put(pair.b, txid, 2));
    char byte;
    EXPECT_STATUS(zx_channel_read(pair.a, 0, &byte, NULL, 1, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
    EXPECT_EQ(signals_of(pair.a), ZX_CHANNEL_WRITABLE);
    call_ends(&reader, ZX_OK, 2);
}

TEST("channel_call/messages that answer nothing go to the queue: other numbers, and less than four bytes") {
    struct pair pair = pair_make();
    NEED(calls(&one, pair.a, 1));
    zx_txid_t txid = take(pair.b).txid;
    NEED_OK(put(pair.b, txid + 1, 10));
    NEED_OK(put(pair.b, txid & ~KERNEL_TXID, 11));
    NEED_OK(put(pair.b, 0, 12));
    NEED_OK(zx_channel_write(pair.b, 0, &txid, 3, NULL, 0));
    NEED_OK(zx_channel_write(pair.b, 0, NULL, 0, NULL, 0));
    settle();
    EXPECT(!one.over);
    for (uint32_t text = 10; text < 13; text++) EXPECT_EQ(take(pair.a).text, text);
    NEED_OK(zx_channel_write(pair.b, 0, &txid, 4, NULL, 0));
    NEED(worker_join(&one.worker));
    EXPECT_STATUS(one.status, ZX_OK);
    EXPECT(one.bytes == 4 && one.reply.txid == txid && one.reply.text == UNTOUCHED);
}

TEST("channel_call/a queue that is full takes no request, SHOULD_WAIT; a reply comes past a full queue") {
    struct pair pair = pair_make();
    NEED(calls(&one, pair.a, 1));
    zx_txid_t txid = take(pair.b).txid;
    while (put(pair.a, 0, 0) == ZX_OK) {}
    while (put(pair.b, 0, 0) == ZX_OK) {}
    EXPECT_STATUS(put(pair.b, 0, 0), ZX_ERR_SHOULD_WAIT);
    EXPECT_STATUS(poll_call(pair.a), ZX_ERR_SHOULD_WAIT);
    EXPECT(!one.over);
    NEED_OK(put(pair.b, txid, 2));
    call_ends(&one, ZX_OK, 2);
}

TEST("channel_call/bad arguments are INVALID_ARGS, before the handle is looked at") {
    for (size_t i = 0; i < bad_source_count; i++) {
        const zx_channel_call_args_t *bad = (const zx_channel_call_args_t *)bad_sources[i];
        EXPECT_STATUS(zx_channel_call(ZX_HANDLE_INVALID, 1, 0, bad, NULL, NULL), ZX_ERR_INVALID_ARGS);
    }
    struct pair pair = pair_make();
    struct note request = {1, 2};
    zx_channel_call_args_t args = args_of(&request, NULL);
    for (uint32_t options = 1; options != 0; options <<= 1)
        EXPECT_STATUS(zx_channel_call(pair.a, options, 0, &args, NULL, NULL), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_channel_call(ZX_HANDLE_INVALID, 1, 0, &args, NULL, NULL), ZX_ERR_INVALID_ARGS);
    for (args.wr_num_bytes = 0; args.wr_num_bytes < 4; args.wr_num_bytes++) {
        EXPECT_STATUS(zx_channel_call(pair.a, 0, 0, &args, NULL, NULL), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_channel_call(ZX_HANDLE_INVALID, 0, 0, &args, NULL, NULL), ZX_ERR_INVALID_ARGS);
    }
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
    EXPECT_STATUS(zx_channel_call(pair.a, 0, 0, &args, NULL, NULL), ZX_ERR_TIMED_OUT);
}

/* A call that sends one handle, and whether that is gone. */
static zx_status_t call_sending(zx_handle_t channel, uint32_t options, uint32_t num_bytes, const void *bytes,
                                const zx_handle_t *handles, uint32_t num_handles) {
    const zx_channel_call_args_t args = {
        .wr_bytes = bytes, .wr_num_bytes = num_bytes, .wr_handles = handles, .wr_num_handles = num_handles};
    return zx_channel_call(channel, options, 0, &args, NULL, NULL);
}

#define EXPECT_GONE(call, want)                                                    \
    do {                                                                           \
        zx_handle_t sent = handle_with(handle_of(KIND_VMO), ZX_RIGHT_SAME_RIGHTS); \
        EXPECT_STATUS(call, want);                                                 \
        EXPECT(!is_handle(sent));                                                  \
    } while (0)

TEST("channel_call/whatever goes wrong, handles sent are gone") {
    static char bytes[65540];
    struct pair pair = pair_make();
    EXPECT_GONE(call_sending(pair.a, 1, 4, bytes, &sent, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_GONE(call_sending(pair.a, 0, 3, bytes, &sent, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_GONE(call_sending(ZX_HANDLE_INVALID, 0, 4, bytes, &sent, 1), ZX_ERR_BAD_HANDLE);
    EXPECT_GONE(call_sending(handle_of(KIND_VMO), 0, 4, bytes, &sent, 1), ZX_ERR_WRONG_TYPE);
    EXPECT_GONE(call_sending(pair.a, 0, 65537, bytes, &sent, 1), ZX_ERR_OUT_OF_RANGE);
    EXPECT_GONE(call_sending(pair.a, 0, 4, NULL, &sent, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_GONE(call_sending(pair.a, 0, 4, bytes, &sent, 1), ZX_ERR_TIMED_OUT);
    zx_handle_t weak = handle_with(handle_of(KIND_VMO), ZX_RIGHT_NONE);
    EXPECT_STATUS(call_sending(pair.a, 0, 4, bytes, &weak, 1), ZX_ERR_ACCESS_DENIED);
    EXPECT(!is_handle(weak));
    MUST(zx_handle_close(pair.b));
    EXPECT_GONE(call_sending(pair.a, 0, 4, bytes, &sent, 1), ZX_ERR_PEER_CLOSED);
}

TEST("channel_call/handles that cannot be read stay; the end itself cannot be sent; 64 and no more") {
    struct pair pair = pair_make();
    struct note request = {1, 2};
    for (size_t i = 0; i < bad_source_count; i++)
        EXPECT_STATUS(call_sending(pair.a, 0, 8, &request, (const zx_handle_t *)bad_sources[i], 1),
                      ZX_ERR_INVALID_ARGS);
    zx_handle_t handles[65];
    for (size_t i = 0; i < 65; i++) handles[i] = event_make();
    EXPECT_STATUS(call_sending(pair.a, 0, 8, &request, handles, 65), ZX_ERR_OUT_OF_RANGE);
    for (size_t i = 0; i < 65; i++) EXPECT(!is_handle(handles[i]));
    EXPECT_STATUS(call_sending(pair.a, 0, 8, &request, (zx_handle_t[]){ZX_HANDLE_INVALID}, 1), ZX_ERR_BAD_HANDLE);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
    EXPECT_STATUS(call_sending(pair.a, 0, 8, &request, &pair.a, 1), ZX_ERR_NOT_SUPPORTED);
    EXPECT(!is_handle(pair.a));
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_PEER_CLOSED);
}

TEST("channel_call/handles go both ways") {
    struct pair pair = pair_make();
    zx_handle_t got = UNTOUCHED;
    zx_handle_t event = event_make();
    zx_handle_t vmo = vmo_make(PAGE);
    zx_koid_t event_koid = basic_info(event).koid;
    zx_koid_t vmo_koid = basic_info(vmo).koid;
    calling_prepare(&one, pair.a, 5);
    one.args.wr_handles = &event;
    one.args.wr_num_handles = 1;
    one.args.rd_handles = &got;
    one.args.rd_num_handles = 1;
    NEED(calling_start(&one));
    EXPECT(!is_handle(event));
    struct note request;
    zx_handle_t received;
    NEED_OK(zx_channel_read(pair.b, 0, &request, &received, sizeof(request), 1, NULL, NULL));
    EXPECT_EQ(basic_info(received).koid, event_koid);
    NEED_OK(zx_channel_write(pair.b, 0, &request, sizeof(request), &vmo, 1));
    NEED(worker_join(&one.worker));
    EXPECT_STATUS(one.status, ZX_OK);
    EXPECT(one.bytes == sizeof(request) && one.handles == 1);
    EXPECT_EQ(basic_info(got).koid, vmo_koid);
}

TEST("channel_call/channel ends in a reply, the caller's own peer among them") {
    struct pair pair = pair_make();
    struct pair carried = pair_make();
    zx_handle_t got[2];
    calling_prepare(&one, pair.a, 5);
    one.args.rd_handles = got;
    one.args.rd_num_handles = 2;
    NEED(calling_start(&one));
    struct note request = take(pair.b);
    zx_handle_t sent[] = {carried.a, carried.b};
    NEED_OK(zx_channel_write(pair.b, 0, &request, sizeof(request), sent, 2));
    NEED(worker_join(&one.worker));
    NEED_EQ(one.handles, 2);
    NEED_OK(put(got[0], 1, 33));
    EXPECT_EQ(take(got[1]).text, 33);
    MUST(zx_handle_close(got[0]));
    EXPECT_EQ(signals_of(got[1]), ZX_CHANNEL_PEER_CLOSED);
}

TEST("channel_call/a reply that does not fit is BUFFER_TOO_SMALL, its sizes are told, and it is lost") {
    struct pair pair = pair_make();
    for (int i = 0; i < 3; i++) {
        struct pair cargo = pair_make();
        zx_handle_t got = UNTOUCHED;
        calling_prepare(&one, pair.a, 5);
        one.args.rd_handles = &got;
        one.args.rd_num_handles = i == 0 ? 1 : 0;
        one.args.rd_num_bytes = i == 1 ? sizeof(struct note) : sizeof(struct note) - 1;
        NEED(calling_start(&one));
        struct note request = take(pair.b);
        NEED_OK(zx_channel_write(pair.b, 0, &request, sizeof(request), &cargo.a, 1));
        NEED(worker_join(&one.worker));
        EXPECT_STATUS(one.status, ZX_ERR_BUFFER_TOO_SMALL);
        EXPECT(one.bytes == sizeof(request) && one.handles == 1 && got == UNTOUCHED);
        EXPECT_EQ(one.reply.text, UNTOUCHED);
        EXPECT_EQ(signals_of(cargo.b), ZX_CHANNEL_PEER_CLOSED);
        EXPECT_EQ(signals_of(pair.a), ZX_CHANNEL_WRITABLE);
    }
}

/* A call whose reply, with a handle, comes to places as given; the handle must be gone. */
static void reply_into(void *bytes, zx_handle_t *handles, uint32_t *actual_bytes, uint32_t *actual_handles);

struct careless {
    struct worker worker;
    zx_handle_t channel;
    zx_channel_call_args_t args;
    uint32_t *actual_bytes, *actual_handles;
    zx_status_t status;
};

static void call_carelessly(void *arg) {
    struct careless *c = arg;
    c->status = zx_channel_call(c->channel, 0, NEVER, &c->args, c->actual_bytes, c->actual_handles);
}

static void reply_into(void *bytes, zx_handle_t *handles, uint32_t *actual_bytes, uint32_t *actual_handles) {
    static struct careless c;
    static struct note request;
    struct pair pair = pair_make();
    struct pair cargo = pair_make();
    c.channel = pair.a;
    c.args = args_of(&request, bytes);
    c.args.rd_handles = handles;
    c.args.rd_num_handles = 1;
    c.actual_bytes = actual_bytes;
    c.actual_handles = actual_handles;
    NEED(worker_start(&c.worker, call_carelessly, &c));
    NEED(thread_waits(c.worker.thread));
    struct note note = take(pair.b);
    NEED_OK(zx_channel_write(pair.b, 0, &note, sizeof(note), &cargo.a, 1));
    NEED(worker_join(&c.worker));
    EXPECT_STATUS(c.status, ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(signals_of(cargo.b), ZX_CHANNEL_PEER_CLOSED);
    MUST(zx_handle_close(pair.a));
    MUST(zx_handle_close(pair.b));
    MUST(zx_handle_close(cargo.b));
}

static void reply_to_bad_places(void) {
    struct note note;
    zx_handle_t handle;
    uint32_t size;
    for (size_t i = 0; i < bad_target_count; i++) {
        void *bad = (void *)bad_targets[i];
        reply_into(bad, &handle, &size, &size);
        reply_into(&note, bad, &size, &size);
        if (!bad) continue;
        reply_into(&note, &handle, bad, &size);
        reply_into(&note, &handle, &size, bad);
    }
}

TEST("channel_call/places that cannot be written are INVALID_ARGS, and the reply is lost") {
    check_gives_back(reply_to_bad_places);
}
