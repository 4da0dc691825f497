/*
 * zx_channel_call: what is sent, which message is the reply, and what ends the wait for it.
 */
#include "tests/user/child.h"
#include "tests/user/probe.h"

#define NEVER (zx_deadline_after(ZX_SEC(10)))
#define KERNEL_TXID 0x80000000u

/* A request or a reply. */
struct note {
    zx_txid_t txid;
    uint32_t text;
};

static zx_channel_call_args_t args_of(const struct note *request, struct note *reply) {
    return (zx_channel_call_args_t){
        .wr_bytes = request, .wr_num_bytes = sizeof(*request), .rd_bytes = reply, .rd_num_bytes = sizeof(*reply)};
}

/* A call in a thread of its own. */
struct calling {
    struct worker worker;
    zx_handle_t channel;
    zx_time_t deadline;
    struct note request, reply;
    zx_channel_call_args_t args;
    uint32_t bytes, handles;
    zx_status_t status;
    atomic_bool over;
};

static void call_now(void *arg) {
    struct calling *c = arg;
    c->status = zx_channel_call(c->channel, 0, c->deadline, &c->args, &c->bytes, &c->handles);
    c->over = true;
}

static void calling_prepare(struct calling *c, zx_handle_t channel, uint32_t text) {
    c->channel = channel;
    c->deadline = NEVER;
    c->request = (struct note){7, text};
    c->reply = (struct note){UNTOUCHED, UNTOUCHED};
    c->args = args_of(&c->request, &c->reply);
    c->bytes = c->handles = UNTOUCHED;
    c->over = false;
}

static bool calling_start(struct calling *c) {
    if (!worker_start(&c->worker, call_now, c)) return false;
    return thread_waits(c->worker.thread) && TEST_TRUE(!c->over);
}

static bool calls(struct calling *c, zx_handle_t channel, uint32_t text) {
    calling_prepare(c, channel, text);
    return calling_start(c);
}

static void call_ends(struct calling *c, zx_status_t status, uint32_t text) {
    if (!worker_join(&c->worker)) return;
    EXPECT_STATUS(c->status, status);
    EXPECT_EQ(c->reply.text, text);
    EXPECT_EQ(c->bytes, status == ZX_OK ? sizeof(struct note) : UNTOUCHED);
    EXPECT_EQ(c->handles, status == ZX_OK ? 0 : UNTOUCHED);
    EXPECT_EQ(c->request.txid, 7);
}

/* The request that came to an end; one must be there. */
static struct note take(zx_handle_t end) {
    struct note note = {0, 0};
    uint32_t bytes = 0;
    MUST(zx_channel_read(end, 0, &note, NULL, sizeof(note), 0, &bytes, NULL));
    MUST_BE(bytes == sizeof(note));
    return note;
}

static zx_status_t put(zx_handle_t end, zx_txid_t txid, uint32_t text) {
    struct note note = {txid, text};
    return zx_channel_write(end, 0, &note, sizeof(note), NULL, 0);
}

static struct calling one, two;

/* One call that needs no other thread: it polls. */
static zx_status_t poll_call(zx_handle_t channel) {
    struct note request = {1, 2};
    struct note reply;
    zx_channel_call_args_t args = args_of(&request, &reply);
    return zx_channel_call(channel, 0, 0, &args, NULL, NULL);
}

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

TEST("channel_call/PEER_CLOSED at once when the other end is gone, even with messages left") {
    struct pair pair = pair_make();
    NEED_OK(put(pair.b, 1, 2));
    MUST(zx_handle_close(pair.b));
    EXPECT_STATUS(poll_call(pair.a), ZX_ERR_PEER_CLOSED);
    EXPECT_EQ(take(pair.a).text, 2);
}

TEST("channel_call/PEER_CLOSED when the other end goes meanwhile") {
    struct pair pair = pair_make();
    NEED(calls(&one, pair.a, 1));
    MUST(zx_handle_close(pair.b));
    call_ends(&one, ZX_ERR_PEER_CLOSED, UNTOUCHED);
}

TEST("channel_call/a reply that came before the other end went is the answer") {
    struct pair pair = pair_make();
    NEED(calls(&one, pair.a, 1));
    zx_txid_t txid = take(pair.b).txid;
    NEED_OK(put(pair.b, txid, 9));
    MUST(zx_handle_close(pair.b));
    call_ends(&one, ZX_OK, 9);
}

TEST("channel_call/CANCELED when the handle is closed, replaced, or sent away") {
    for (int i = 0; i < 3; i++) {
        struct pair pair = pair_make();
        struct pair carrier = pair_make();
        NEED(calls(&one, pair.a, 1));
        if (i == 0) MUST(zx_handle_close(pair.a));
        if (i == 1) MUST(zx_handle_replace(pair.a, ZX_RIGHT_SAME_RIGHTS, &pair.a));
        if (i == 2) {
            send_handle(carrier.a, pair.a);
            NEED_OK(zx_channel_read(carrier.b, 0, NULL, &pair.a, 0, 1, NULL, NULL));
        }
        call_ends(&one, ZX_ERR_CANCELED, UNTOUCHED);
        EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_READABLE | (i ? ZX_CHANNEL_WRITABLE : ZX_CHANNEL_PEER_CLOSED));
        if (i == 0) continue;
        NEED_OK(put(pair.b, take(pair.b).txid, 3));
        EXPECT_EQ(take(pair.a).text, 3);
    }
}

TEST("channel_call/TIMED_OUT not before the deadline; a reply that comes later is a message like others") {
    struct pair pair = pair_make();
    struct note request = {1, 50};
    struct note reply = {UNTOUCHED, UNTOUCHED};
    zx_channel_call_args_t args = args_of(&request, &reply);
    uint32_t bytes = UNTOUCHED;
    zx_time_t deadline = zx_deadline_after(ZX_MSEC(20));
    EXPECT_STATUS(zx_channel_call(pair.a, 0, deadline, &args, &bytes, NULL), ZX_ERR_TIMED_OUT);
    EXPECT(zx_clock_get_monotonic() >= deadline);
    EXPECT(bytes == UNTOUCHED && reply.text == UNTOUCHED && request.txid == 1);
    zx_txid_t txid = take(pair.b).txid;
    NEED_OK(put(pair.b, txid, 51));
    EXPECT_EQ(signals_of(pair.a), ZX_CHANNEL_WRITABLE | ZX_CHANNEL_READABLE);
    struct note late = take(pair.a);
    EXPECT(late.txid == txid && late.text == 51);
}

TEST("channel_call/a deadline that has passed still sends the request") {
    struct pair pair = pair_make();
    const zx_time_t deadlines[] = {0, -1, ZX_TIME_INFINITE_PAST, zx_clock_get_monotonic()};
    for (uint32_t i = 0; i < 4; i++) {
        struct note request = {1, i};
        zx_channel_call_args_t args = args_of(&request, NULL);
        EXPECT_STATUS(zx_channel_call(pair.a, 0, deadlines[i], &args, NULL, NULL), ZX_ERR_TIMED_OUT);
        EXPECT_EQ(take(pair.b).text, i);
    }
}

TEST("channel_call/a reply that comes twice: the second is a message like others") {
    struct pair pair = pair_make();
    NEED(calls(&one, pair.a, 1));
    zx_txid_t txid = take(pair.b).txid;
    NEED_OK(put(pair.b, txid, 2));
    NEED_OK(put(pair.b, txid, 3));
    call_ends(&one, ZX_OK, 2);
    EXPECT_EQ(take(pair.a).text, 3);
}

TEST("channel_call/both ends may call each other at a time") {
    struct pair pair = pair_make();
    NEED(calls(&one, pair.a, 1));
    NEED(calls(&two, pair.b, 2));
    EXPECT(!one.over && !two.over);
    struct note at_b = take(pair.b);
    struct note at_a = take(pair.a);
    EXPECT(at_b.text == 1 && at_a.text == 2);
    NEED_OK(put(pair.a, at_a.txid, 20));
    call_ends(&two, ZX_OK, 20);
    EXPECT(!one.over);
    NEED_OK(put(pair.b, at_b.txid, 10));
    call_ends(&one, ZX_OK, 10);
}

#define CROWD 16
static struct calling crowd[CROWD];

TEST("channel_call/many callers at one end: every number differs, and replies in any order find their callers") {
    struct pair pair = pair_make();
    struct note requests[CROWD];
    for (uint32_t i = 0; i < CROWD; i++) NEED(calls(&crowd[i], pair.a, i));
    for (uint32_t i = 0; i < CROWD; i++) {
        requests[i] = take(pair.b);
        EXPECT_EQ(requests[i].text, i);
        EXPECT(requests[i].txid & KERNEL_TXID);
        for (uint32_t j = 0; j < i; j++) EXPECT(requests[i].txid != requests[j].txid);
    }
    for (uint32_t i = 0; i < CROWD; i++) {
        uint32_t which = i * 7 % CROWD;
        NEED_OK(put(pair.b, requests[which].txid, 1000 + which));
        call_ends(&crowd[which], ZX_OK, 1000 + which);
    }
    char byte;
    EXPECT_STATUS(zx_channel_read(pair.a, 0, &byte, NULL, 1, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

TEST("channel_call/many callers, and the other end goes") {
    struct pair pair = pair_make();
    for (uint32_t i = 0; i < CROWD; i++) NEED(calls(&crowd[i], pair.a, i));
    NEED_OK(put(pair.b, take(pair.b).txid, 77));
    MUST(zx_handle_close(pair.b));
    call_ends(&crowd[0], ZX_OK, 77);
    for (uint32_t i = 1; i < CROWD; i++) call_ends(&crowd[i], ZX_ERR_PEER_CLOSED, UNTOUCHED);
}

/* A server that answers out of order, and callers that give up soon at times: late replies are read and counted. */

#define CALLERS 4
#define CALLS 400

static struct pair busy;
static atomic_uint callers_left, answered, given_up;

static void call_often(void *arg) {
    uint64_t chance = (uintptr_t)arg;
    for (uint32_t i = 0; i < CALLS; i++) {
        bool hasty = random_next(&chance) % 4 == 0;
        struct note request = {0, (uint32_t)random_next(&chance)};
        struct note reply = {0, 0};
        zx_channel_call_args_t args = args_of(&request, &reply);
        zx_time_t deadline = hasty ? zx_deadline_after(ZX_USEC(50)) : NEVER;
        zx_status_t status = zx_channel_call(busy.a, 0, deadline, &args, NULL, NULL);
        EXPECT(status == ZX_OK || (hasty && status == ZX_ERR_TIMED_OUT));
        if (status == ZX_OK) EXPECT_EQ(reply.text, request.text + 1);
        atomic_fetch_add(status == ZX_OK ? &answered : &given_up, 1);
    }
    atomic_fetch_sub(&callers_left, 1);
}

static void serve(void) {
    struct note held = {0, 0}, note;
    while (atomic_load(&callers_left) > 0 || (signals_of(busy.b) & ZX_CHANNEL_READABLE)) {
        zx_time_t patience = zx_deadline_after(ZX_USEC(200));
        zx_status_t status = zx_object_wait_one(busy.b, ZX_CHANNEL_READABLE, patience, NULL);
        bool has = status == ZX_OK && zx_channel_read(busy.b, 0, &note, NULL, sizeof(note), 0, NULL, NULL) == ZX_OK;
        if (has && held.txid == 0) {
            held = note; /* the next one is answered before it */
            continue;
        }
        if (has) MUST(put(busy.b, note.txid, note.text + 1));
        if (held.txid) MUST(put(busy.b, held.txid, held.text + 1));
        held.txid = 0;
    }
    if (held.txid) MUST(put(busy.b, held.txid, held.text + 1));
}

TEST("channel_call/callers that give up, and a server that takes its time: every reply is seen once") {
    struct worker *workers = (struct worker *)buffer_make(CALLERS * sizeof(struct worker));
    unsigned late = 0;
    char bytes[8];
    busy = pair_make();
    atomic_store(&callers_left, CALLERS);
    for (size_t i = 0; i < CALLERS; i++) NEED(worker_start(&workers[i], call_often, (void *)(random_seed() + i)));
    serve();
    for (size_t i = 0; i < CALLERS; i++) NEED(worker_join(&workers[i]));
    while (zx_channel_read(busy.a, 0, bytes, NULL, sizeof(bytes), 0, NULL, NULL) == ZX_OK) late++;
    EXPECT_EQ(answered + given_up, CALLERS * CALLS);
    EXPECT_EQ(late, given_up);
}

static void call_for_ever(zx_handle_t channel, uintptr_t there) {
    struct board *board = (struct board *)there;
    struct note request = {1, 2};
    zx_channel_call_args_t args = {.wr_bytes = &request, .wr_num_bytes = sizeof(request)};
    zx_channel_call(channel, 0, ZX_TIME_INFINITE, &args, NULL, NULL);
    board->words[2] = 1;
    zx_process_exit(1);
}

static void kill_caller(void) {
    struct pair pair = pair_make();
    struct child child;
    NEED(child_make(&child));
    NEED_OK(child_start(&child, call_for_ever, pair.a));
    NEED(thread_waits(child.thread));
    struct note request = take(pair.b);
    EXPECT_EQ(request.text, 2);
    NEED_OK(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), ZX_TASK_RETCODE_SYSCALL_KILL);
    EXPECT_EQ(child.board->words[2], 0);
    EXPECT_STATUS(put(pair.b, request.txid, 1), ZX_ERR_PEER_CLOSED);
    MUST(zx_handle_close(pair.b));
    child_close(&child);
}

TEST("channel_call/a kill ends it, and it leaves nothing") { check_gives_back(kill_caller); }

static zx_status_t call_and_close(void) {
    struct pair pair = pair_make();
    zx_status_t status = poll_call(pair.a);
    MUST(zx_handle_close(pair.a));
    MUST(zx_handle_close(pair.b));
    return status == ZX_ERR_TIMED_OUT ? ZX_OK : status;
}

TEST("channel_call/what was sent and never answered leaves nothing") {
    EXPECT_OK(call_and_close());
    baseline_take();
    EXPECT_OK(call_and_close());
    EXPECT(all_given_back());
}

static zx_handle_t lasting;
static zx_status_t call_and_read(void) {
    zx_status_t status = poll_call(lasting);
    char bytes[8];
    return status == ZX_ERR_TIMED_OUT ? zx_channel_read(one.channel, 0, bytes, NULL, sizeof(bytes), 0, NULL, NULL)
                                      : status;
}

TEST("channel_call/out of memory") {
    struct pair pair = pair_make();
    lasting = pair.a;
    one.channel = pair.b;
    check_out_of_memory(call_and_read);
}
