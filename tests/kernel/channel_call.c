/*
 * Calls over channels: the numbers, and every order in which reply, close, cancel and interrupt can come.
 */
#include "arch/time.h"
#include "kernel/base/string.h"
#include "kernel/object/channel.h"
#include "tests/kernel/support.h"
#include "vm/budget.h"

/* Both ends; the first is also in a table, for calls go through handles. */
static struct handle end[2];
static struct handle_table table;
static zx_handle_t value;

static bool begin(void) {
    struct object *a, *b;
    handle_table_init(&table, &root_budget);
    if (channel_create(&a, &b) != ZX_OK) return false;
    end[0] = handle_make(a, ZX_DEFAULT_CHANNEL_RIGHTS);
    end[1] = handle_make(b, ZX_DEFAULT_CHANNEL_RIGHTS);
    if (handle_reserve(&table, &value) != ZX_OK) return false;
    handle_publish(&table, value, handle_make(a, ZX_DEFAULT_CHANNEL_RIGHTS));
    object_unref(a);
    object_unref(b);
    return true;
}

static void finish(void) {
    handle_table_destroy(&table);
    handle_discard(end[0]);
    if (end[1].object) handle_discard(end[1]);
}

static void close_peer(void) {
    handle_discard(end[1]);
    end[1].object = NULL;
}

struct note {
    uint32_t txid, text;
};

static struct message *message(struct note note) {
    struct message *m;
    if (message_create(sizeof(note), 0, &m) != ZX_OK) return NULL;
    memcpy(message_data(m), &note, sizeof(note));
    return m;
}

static zx_status_t send(size_t from, struct note note) {
    struct message *m = message(note);
    return m ? channel_write(end[from].object, NULL, m) : ZX_ERR_NO_MEMORY;
}

/* What it says, or all zeros. */
static struct note text_of(const struct message *m) {
    struct note note = {0};
    if (m->num_bytes == sizeof(note)) memcpy(&note, message_data(m), sizeof(note));
    return note;
}

/* The same, and takes the message. */
static struct note open(struct message *m) {
    const struct note note = text_of(m);
    message_discard(m);
    return note;
}

static struct note receive(size_t at) {
    uint32_t bytes = sizeof(struct note), handles = 4;
    struct message *m;
    return channel_read(end[at].object, NULL, false, &bytes, &handles, &m) == ZX_OK ? open(m) : (struct note){0};
}

/* A call by another thread. */
struct caller {
    struct runner runner;
    size_t from;
    uint32_t text;
    zx_time_t deadline;
    bool persists; /* continues after a suspension */
    zx_status_t status;
    struct note reply;
};

static void call_through(struct caller *c, struct handle_slot *use) {
    struct message *request = message((struct note){0, c->text}), *reply;
    if (!request) return;
    struct channel_call call;
    zx_status_t status = channel_call_begin(&call, end[c->from].object, use, request);
    if (status == ZX_OK) status = channel_call_wait(&call, c->deadline, &reply);
    if (status == ZX_ERR_INTERNAL_INTR_RETRY && c->persists) {
        arch_attention_lower(&thread_current()->arch, ATTENTION_SUSPEND);
        status = channel_call_wait(&call, c->deadline, &reply);
    }
    if (status == ZX_ERR_INTERNAL_INTR_RETRY) channel_call_end(&call);
    if (status == ZX_OK) {
        c->reply = text_of(reply);
        channel_call_done(&call, reply);
    }
    c->status = status;
}

/* From the first end, through its handle. */
static void call_run(void *arg) {
    struct caller *c = arg;
    struct handle_slot *use;
    if (c->from != 0) return call_through(c, NULL);
    c->status = handle_use_any(&table, value, 0, &use);
    if (c->status != ZX_OK) return;
    c->status = ZX_ERR_INTERNAL;
    call_through(c, use);
    handle_done(&table, use);
}

static bool calls(struct caller *c, size_t from, uint32_t text) {
    *c = (struct caller){.from = from, .text = text, .deadline = ZX_TIME_INFINITE, .status = ZX_ERR_INTERNAL};
    if (!runner_start(&c->runner, NULL, call_run, c)) return false;
    runner_settle(&c->runner);
    return c->status == ZX_ERR_INTERNAL;
}

static bool ended(struct caller *c, zx_status_t status, uint32_t text) {
    runner_join(&c->runner);
    return c->status == status && c->reply.text == text;
}

static zx_status_t poll(uint32_t text) {
    struct caller c = {.text = text};
    call_run(&c);
    return c.status;
}

KTEST("channel_call/the reply goes to its caller, past the queue and its signal") {
    struct caller c;
    NEED(begin() && calls(&c, 0, 1));
    struct note request = receive(1);
    EXPECT(request.text == 1 && (request.txid & 0x80000000));
    EXPECT(send(1, (struct note){request.txid, 2}) == ZX_OK);
    EXPECT(object_signals(end[0].object) == ZX_CHANNEL_WRITABLE);
    EXPECT(ended(&c, ZX_OK, 2));
    finish();
}

KTEST("channel_call/a reply that came counts, whatever else ends the wait before the caller looks") {
    struct caller c;
    struct handle handle;
    for (int i = 0; i < 3; i++) {
        NEED(begin() && calls(&c, 0, 1));
        EXPECT(send(1, (struct note){receive(1).txid, 2}) == ZX_OK);
        if (i == 0) close_peer();
        if (i == 1) thread_interrupt(&c.runner.thread, ATTENTION_KILL);
        if (i == 2) {
            EXPECT(handle_remove(&table, value, &handle) == ZX_OK);
            handle_discard(handle);
        }
        EXPECT(ended(&c, ZX_OK, 2));
        finish();
    }
}

KTEST("channel_call/a reply that comes after whatever ended the wait is a message like others") {
    struct caller c;
    struct handle handle;
    for (int i = 0; i < 2; i++) {
        NEED(begin() && calls(&c, 0, 1));
        if (i == 0) {
            thread_interrupt(&c.runner.thread, ATTENTION_KILL);
            EXPECT(ended(&c, ZX_ERR_INTERNAL_INTR_RETRY, 0));
        } else {
            EXPECT(handle_remove(&table, value, &handle) == ZX_OK);
            handle_discard(handle);
            EXPECT(ended(&c, ZX_ERR_CANCELED, 0));
        }
        EXPECT(send(1, (struct note){receive(1).txid, 2}) == ZX_OK);
        EXPECT(receive(0).text == 2);
        finish();
    }
}

KTEST(
    "channel_call/a deadline that has passed: the request is there all the same, with a number of its own each time") {
    NEED(begin());
    uint32_t last = 0;
    for (uint32_t text = 1; text < 5; text++) {
        EXPECT(poll(text) == ZX_ERR_TIMED_OUT);
        struct note request = receive(1);
        EXPECT(request.text == text && request.txid != last);
        last = request.txid;
    }
    finish();
}

KTEST("channel_call/interrupted, it waits on for the reply to the one request, or is given up") {
    for (int i = 0; i < 2; i++) {
        struct caller c;
        NEED(begin() && calls(&c, 0, 1));
        c.persists = i == 0;
        thread_interrupt(&c.runner.thread, ATTENTION_SUSPEND);
        runner_settle(&c.runner);
        struct note request = receive(1);
        EXPECT(request.text == 1 && receive(1).text == 0);
        EXPECT(send(1, (struct note){request.txid, 2}) == ZX_OK);
        EXPECT(ended(&c, i == 0 ? ZX_OK : ZX_ERR_INTERNAL_INTR_RETRY, i == 0 ? 2 : 0));
        EXPECT(receive(0).text == (i == 0 ? 0 : 2));
        finish();
    }
}

KTEST("channel_call/PEER_CLOSED before and meanwhile, BAD_HANDLE for a handle that is closed already") {
    struct caller c;
    struct handle handle;
    struct handle_slot *use;
    NEED(begin() && calls(&c, 0, 1));
    close_peer();
    EXPECT(ended(&c, ZX_ERR_PEER_CLOSED, 0));
    EXPECT(poll(1) == ZX_ERR_PEER_CLOSED);
    finish();
    c = (struct caller){.text = 1};
    NEED(begin() && handle_use_any(&table, value, 0, &use) == ZX_OK);
    EXPECT(handle_remove(&table, value, &handle) == ZX_OK);
    handle_discard(handle);
    call_through(&c, use);
    EXPECT(c.status == ZX_ERR_BAD_HANDLE && receive(1).txid == 0);
    handle_done(&table, use);
    finish();
}

KTEST("channel_call/what acts through a handle that has been sent away meanwhile is BAD_HANDLE, and has no effect") {
    uint32_t bytes = sizeof(struct note), handles = 4;
    struct message *read;
    struct handle sent;
    struct handle_slot *use;
    NEED(begin() && send(1, (struct note){0, 7}) == ZX_OK && handle_use_any(&table, value, 0, &use) == ZX_OK);
    NEED(handle_remove(&table, value, &sent) == ZX_OK);
    EXPECT(channel_write(sent.object, use, message((struct note){0, 8})) == ZX_ERR_BAD_HANDLE);
    EXPECT(channel_read(sent.object, use, true, &bytes, &handles, &read) == ZX_ERR_BAD_HANDLE);
    EXPECT(receive(0).text == 7 && receive(1).text == 0);
    handle_done(&table, use);
    handle_discard(sent);
    finish();
}

/* Both ends count from the same beginning, so their first calls have the same number. */
KTEST("channel_call/a request is no reply to the other end's call") {
    struct caller first, second;
    NEED(begin() && calls(&first, 0, 1) && calls(&second, 1, 2));
    struct note at_one = receive(1), at_zero = receive(0);
    EXPECT(at_one.txid == at_zero.txid && at_one.text == 1 && at_zero.text == 2);
    EXPECT(send(0, (struct note){at_zero.txid, 20}) == ZX_OK && ended(&second, ZX_OK, 20));
    EXPECT(first.status == ZX_ERR_INTERNAL);
    EXPECT(send(1, (struct note){at_one.txid, 10}) == ZX_OK && ended(&first, ZX_OK, 10));
    finish();
}

KTEST("channel_call/a hundred callers, answered backwards") {
    static struct caller c[100];
    static struct note request[countof(c)];
    NEED(begin());
    for (uint32_t i = 0; i < countof(c); i++) NEED(calls(&c[i], 0, i + 1));
    for (uint32_t i = 0; i < countof(c); i++) request[i] = receive(1);
    for (uint32_t i = countof(c); i-- > 0;) {
        EXPECT(request[i].text == i + 1);
        EXPECT(send(1, (struct note){request[i].txid, 1000 + i}) == ZX_OK);
        EXPECT(ended(&c[i], ZX_OK, 1000 + i));
    }
    finish();
}
