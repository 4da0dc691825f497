/*
 * zx_channel_call: what ends the wait for a reply, and many calls at a time.
 */
#include "tests/user/calling.h"
#include "tests/user/probe.h"

static struct calling one, two;

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

/* A message that waits has the memory that the channel kept of the last: the call needs some of its own. */
static zx_handle_t lasting;
static zx_status_t call_and_read(void) {
    char bytes[8] = {0};
    zx_status_t status = zx_channel_write(lasting, 0, bytes, sizeof(bytes), NULL, 0);
    if (status != ZX_OK) return status;
    status = poll_call(lasting);
    MUST(zx_channel_read(one.channel, 0, bytes, NULL, sizeof(bytes), 0, NULL, NULL));
    return status == ZX_ERR_TIMED_OUT ? zx_channel_read(one.channel, 0, bytes, NULL, sizeof(bytes), 0, NULL, NULL)
                                      : status;
}

TEST("channel_call/out of memory") {
    struct pair pair = pair_make();
    lasting = pair.a;
    one.channel = pair.b;
    check_out_of_memory(call_and_read);
}
