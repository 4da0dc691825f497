/*
 * Channels: order, ends, and messages that carry channels that carry messages.
 */
#include "kernel/object/channel.h"

#include "kernel/base/string.h"
#include "tests/kernel/support.h"
#include "vm/heap.h"

/* Both ends, each held by one handle outside any table. */
static struct handle end[2];

static bool begin(void) {
    struct object *a, *b;
    if (channel_create(&a, &b) != ZX_OK) return false;
    end[0] = handle_make(a, ZX_DEFAULT_CHANNEL_RIGHTS);
    end[1] = handle_make(b, ZX_DEFAULT_CHANNEL_RIGHTS);
    object_unref(a);
    object_unref(b);
    return true;
}

static void finish(void) {
    handle_discard(end[0]);
    handle_discard(end[1]);
}

static struct message *message(const char *text) {
    struct message *m;
    uint32_t len = (uint32_t)strlen(text);
    if (message_create(len, 2, &m) != ZX_OK) return NULL;
    memcpy(message_data(m), text, len);
    return m;
}

static zx_status_t send(size_t from, const char *text) {
    struct message *m = message(text);
    return m ? channel_write(end[from].object, NULL, m) : ZX_ERR_NO_MEMORY;
}

/* Is the next message at that end this one? It is taken. */
static bool receives(size_t at, const char *text) {
    uint32_t bytes = 100, handles = 4;
    struct message *m;
    if (channel_read(end[at].object, NULL, false, &bytes, &handles, &m) != ZX_OK) return false;
    bool same = bytes == strlen(text) && m->num_bytes == bytes && memcmp(message_data(m), text, bytes) == 0;
    message_discard(m);
    return same;
}

static zx_status_t read_status(size_t at, bool discard, uint32_t room, uint32_t *actual) {
    uint32_t handles = 4;
    struct message *m;
    *actual = room;
    zx_status_t status = channel_read(end[at].object, NULL, discard, actual, &handles, &m);
    if (status == ZX_OK) message_discard(m);
    return status;
}

static bool shows(size_t at, zx_signals_t signals) { return object_signals(end[at].object) == signals; }

KTEST("channel/messages arrive in order, each way, and the signals tell") {
    uint32_t actual;
    NEED(begin());
    EXPECT(shows(0, ZX_CHANNEL_WRITABLE) && shows(1, ZX_CHANNEL_WRITABLE));
    EXPECT(read_status(1, false, 100, &actual) == ZX_ERR_SHOULD_WAIT);
    EXPECT(send(0, "one") == ZX_OK && send(0, "") == ZX_OK && send(0, "three") == ZX_OK && send(1, "back") == ZX_OK);
    EXPECT(shows(1, ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE));
    EXPECT(receives(1, "one") && receives(1, "") && shows(1, ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE));
    EXPECT(receives(1, "three") && shows(1, ZX_CHANNEL_WRITABLE) && receives(0, "back"));
    finish();
}

KTEST("channel/a message that does not fit stays, or is discarded if so asked") {
    uint32_t actual;
    NEED(begin() && send(0, "longer") == ZX_OK && send(0, "next") == ZX_OK);
    EXPECT(read_status(1, false, 5, &actual) == ZX_ERR_BUFFER_TOO_SMALL && actual == 6);
    EXPECT(read_status(1, false, 5, &actual) == ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT(read_status(1, true, 5, &actual) == ZX_ERR_BUFFER_TOO_SMALL && actual == 6);
    EXPECT(receives(1, "next") && shows(1, ZX_CHANNEL_WRITABLE));
    finish();
}

KTEST("channel/when one end closes, the other may still read what was sent, then learns of it") {
    uint32_t actual;
    NEED(begin() && send(0, "last words") == ZX_OK && send(1, "unread") == ZX_OK);
    handle_discard(end[0]);
    EXPECT(shows(1, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED));
    EXPECT(send(1, "too late") == ZX_ERR_PEER_CLOSED);
    EXPECT(receives(1, "last words") && shows(1, ZX_CHANNEL_PEER_CLOSED));
    EXPECT(read_status(1, false, 100, &actual) == ZX_ERR_PEER_CLOSED);
    handle_discard(end[1]);
}

KTEST("channel/an end that is only referenced, with no handle left, is closed") {
    NEED(begin());
    struct object *object = end[0].object;
    object_ref(object);
    handle_discard(end[0]);
    EXPECT(shows(1, ZX_CHANNEL_PEER_CLOSED));
    struct message *m = message("from nowhere");
    EXPECT(m && channel_write(object, NULL, m) == ZX_ERR_PEER_CLOSED);
    object_unref(object);
    handle_discard(end[1]);
}

KTEST("channel/a message owns its handles, wherever it ends") {
    NEED(begin());
    size_t handles = handle_count();
    struct message *m = message("a VMO");
    struct vmo *vmo = vmo_of(1, false);
    NEED(m && vmo);
    message_put(m, handle_make(&vmo->object, 0));
    vmo_unref(vmo);
    EXPECT(channel_write(end[0].object, NULL, m) == ZX_OK && handle_count() == handles + 1);
    handle_discard(end[1]);
    EXPECT(handle_count() == handles - 1);
    handle_discard(end[0]);
}

/* What a message of so many bytes takes: of the heap, and in pages of its own. */
static bool takes(uint32_t bytes, uint32_t handles, size_t heap_most, size_t pages) {
    struct message *m[2];
    if (message_create(bytes, handles, &m[0]) != ZX_OK) return false; /* and there is a slab of that class */
    const size_t heap = heap_bytes(), free = pages_free();
    if (message_create(bytes, handles, &m[1]) != ZX_OK) return false;
    const bool sound = heap_bytes() - heap <= heap_most && free - pages_free() == pages;
    message_discard(m[0]);
    message_discard(m[1]);
    return sound;
}

KTEST("channel/a message takes its bytes, 16 for each handle, and at most 96 more; many bytes are in pages") {
    EXPECT(takes(0, 0, 96, 0) && takes(8, 0, 8 + 96, 0) && takes(40, 2, 40 + 32 + 96, 0));
    EXPECT(takes(ZX_CHANNEL_MAX_MSG_BYTES, 0, 96, ZX_CHANNEL_MAX_MSG_BYTES / PAGE_SIZE));
    EXPECT(takes(PAGE_SIZE + 1, 4, 64 + 96, 2));
}

/* All memory, except for single pages of which no two adjoin. */
static struct page *take_odd_frames(void) {
    struct page *all = NULL, *kept = NULL, *page, *next;
    while ((page = page_alloc())) {
        page->link.le_next = all;
        all = page;
    }
    for (page = all; page; page = next) {
        next = LIST_NEXT(page, link);
        if (page_phys(page).raw / PAGE_SIZE % 2 == 0) {
            page_free(page);
        } else {
            page->link.le_next = kept;
            kept = page;
        }
    }
    return kept;
}

KTEST("channel/a large message needs no two pages that lie side by side") {
    static uint8_t sent[ZX_CHANNEL_MAX_MSG_BYTES];
    struct message *m;
    struct page *kept = take_odd_frames(), *run = page_alloc_run(1);
    EXPECT(!run && pages_free() > countof(sent) / PAGE_SIZE);
    const zx_status_t status = message_create(sizeof(sent), 0, &m);
    memory_give_back(kept);
    NEED(status == ZX_OK);
    for (size_t i = 0; i < sizeof(sent); i++) sent[i] = (uint8_t)random_below(256);
    struct message_piece piece = {0};
    while (message_next(m, &piece)) memcpy(piece.data, sent + piece.at, piece.len);
    EXPECT(piece.at == sizeof(sent));
    bool same = true;
    for (piece = (struct message_piece){0}; message_next(m, &piece);)
        same = same && memcmp(piece.data, sent + piece.at, piece.len) == 0;
    EXPECT(same);
    message_discard(m);
}

static zx_status_t create_message(void *large) {
    struct message *m;
    zx_status_t status = message_create(large ? ZX_CHANNEL_MAX_MSG_BYTES : 8, 1, &m);
    if (status == ZX_OK) message_discard(m);
    return status;
}

KTEST("channel/20,000 channels, each in a message of the next, are closed without recursion") {
    NEED(begin());
    for (int depth = 0; depth < 20000; depth++) {
        struct handle inner = end[1], other = end[0];
        NEED(begin());
        struct message *m = message("");
        NEED(m);
        message_put(m, inner);
        message_put(m, other);
        NEED(channel_write(end[0].object, NULL, m) == ZX_OK);
    }
    finish();
}

/* Sends a handle, which is taken, through an end. */
static zx_status_t send_handle(const struct handle *through, struct handle handle) {
    struct message *m = message("");
    if (!m) return ZX_ERR_NO_MEMORY;
    message_put(m, handle);
    return channel_write(through->object, NULL, m);
}

KTEST("channel/an end sent into its own queue is closed, for nobody could read it out again") {
    NEED(begin());
    EXPECT(send_handle(&end[0], end[1]) == ZX_OK && shows(0, ZX_CHANNEL_PEER_CLOSED));
    handle_discard(end[0]);
}

KTEST("channel/ends sent into each other's queues are closed with all that lies in them") {
    NEED(begin());
    struct handle a0 = end[0], a1 = end[1];
    NEED(begin());
    EXPECT(send_handle(&a0, end[1]) == ZX_OK && !(object_signals(end[0].object) & ZX_CHANNEL_PEER_CLOSED));
    EXPECT(send_handle(&end[0], a1) == ZX_OK);
    EXPECT(shows(0, ZX_CHANNEL_PEER_CLOSED) && object_signals(a0.object) == ZX_CHANNEL_PEER_CLOSED);
    handle_discard(a0);
    handle_discard(end[0]);
}

/* Sends an end that holds another one, which `outcome` then shows PEER_CLOSED if both were closed. */
static zx_status_t send_holder(const struct handle *through, struct handle *outcome) {
    if (!begin()) return ZX_ERR_NO_MEMORY;
    struct handle holder[2] = {end[0], end[1]};
    if (!begin()) return ZX_ERR_NO_MEMORY;
    zx_status_t status = send_handle(&holder[0], end[1]);
    *outcome = end[0];
    handle_discard(holder[0]);
    return status == ZX_OK ? send_handle(through, holder[1]) : status;
}

KTEST("channel/an end that holds others is sent into a queue that lies 1,000 deep in others, and no deeper") {
    struct handle outcome[3];
    NEED(begin());
    struct handle outermost = end[1], through = end[0];
    for (unsigned depth = 0; depth < CHANNEL_DEPTH_MAX; depth++) {
        NEED(begin() && send_handle(&through, end[1]) == ZX_OK);
        handle_discard(through);
        through = end[0];
    }
    EXPECT(send_holder(&through, &outcome[0]) == ZX_OK);
    EXPECT(!(object_signals(outcome[0].object) & ZX_CHANNEL_PEER_CLOSED));
    NEED(begin() && send_handle(&through, end[1]) == ZX_OK);
    struct handle deeper = end[0];
    EXPECT(send_holder(&deeper, &outcome[1]) == ZX_ERR_NO_MEMORY);
    EXPECT(object_signals(outcome[1].object) & ZX_CHANNEL_PEER_CLOSED);
    NEED(begin());
    outcome[2] = end[0];
    EXPECT(send_handle(&deeper, end[1]) == ZX_OK && !(object_signals(end[0].object) & ZX_CHANNEL_PEER_CLOSED));
    handle_discard(outermost);
    for (size_t i = 0; i < countof(outcome); i++) {
        EXPECT(object_signals(outcome[i].object) & ZX_CHANNEL_PEER_CLOSED);
        handle_discard(outcome[i]);
    }
    handle_discard(through);
    handle_discard(deeper);
}

static zx_status_t create(void *arg UNUSED) { return begin() ? ZX_OK : ZX_ERR_NO_MEMORY; }
static bool always(void *arg UNUSED) { return true; }

KTEST("channel/whichever allocation fails, no half of a channel or of a message is left") {
    EXPECT(fail_each_allocation(create_message, always, NULL) >= 1);
    EXPECT(fail_each_allocation(create_message, always, end) >= 1 + ZX_CHANNEL_MAX_MSG_BYTES / PAGE_SIZE);
    EXPECT(fail_each_allocation(create, always, NULL) >= 1);
    finish();
}
