/*
 * Events and event pairs, and raising signals on objects of any type.
 */
#include "tests/user/child.h"
#include "tests/user/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S0 ZX_USER_SIGNAL_0
#define S1 ZX_USER_SIGNAL_1
#define S7 ZX_USER_SIGNAL_7
#define UP ZX_EVENT_SIGNALED

TEST("event_create/options are 0, or INVALID_ARGS") {
    zx_handle_t event = UNTOUCHED;
    for (uint32_t options = 1; options != 0; options <<= 1)
        EXPECT_STATUS(zx_event_create(options, &event), ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(event, UNTOUCHED);
    EXPECT_STATUS(zx_event_create(1, NULL), ZX_ERR_INVALID_ARGS);
}

TEST("event_create/a new event: its type, rights and signals") {
    zx_info_handle_basic_t info = basic_info(event_make());
    EXPECT_EQ(info.type, ZX_OBJ_TYPE_EVENT);
    EXPECT_EQ(info.rights, ZX_DEFAULT_EVENT_RIGHTS);
    EXPECT_EQ(info.rights, 0xd003);
    EXPECT_EQ(info.related_koid, 0);
    EXPECT_EQ(info.props, ZX_OBJ_PROP_WAITABLE);
    EXPECT_EQ(signals_of(event_make()), 0);
}

static void create_badly(void) {
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_event_create(0, (zx_handle_t *)bad_targets[i]), ZX_ERR_INVALID_ARGS);
}
TEST("event_create/a bad pointer is INVALID_ARGS and leaves nothing") { check_gives_back(create_badly); }

static zx_status_t create_one(void) {
    zx_handle_t event;
    zx_status_t status = zx_event_create(0, &event);
    if (status == ZX_OK) MUST(zx_handle_close(event));
    return status;
}
TEST("event_create/out of memory") { check_out_of_memory(create_one); }

TEST("eventpair_create/options are 0, or NOT_SUPPORTED") {
    struct pair pair = {UNTOUCHED, UNTOUCHED};
    for (uint32_t options = 1; options != 0; options <<= 1)
        EXPECT_STATUS(zx_eventpair_create(options, &pair.a, &pair.b), ZX_ERR_NOT_SUPPORTED);
    EXPECT(pair.a == UNTOUCHED && pair.b == UNTOUCHED);
    EXPECT_STATUS(zx_eventpair_create(1, NULL, NULL), ZX_ERR_NOT_SUPPORTED);
}

TEST("eventpair_create/new ones: their type, rights, signals, and each other") {
    struct pair pair = eventpair_make();
    zx_info_handle_basic_t a = basic_info(pair.a);
    zx_info_handle_basic_t b = basic_info(pair.b);
    EXPECT(a.type == ZX_OBJ_TYPE_EVENTPAIR && b.type == ZX_OBJ_TYPE_EVENTPAIR);
    EXPECT(a.rights == ZX_DEFAULT_EVENTPAIR_RIGHTS && b.rights == ZX_DEFAULT_EVENTPAIR_RIGHTS);
    EXPECT_EQ(a.rights, 0xf003);
    EXPECT(a.related_koid == b.koid && b.related_koid == a.koid && a.koid != b.koid);
    EXPECT_EQ(signals_of(pair.a) | signals_of(pair.b), 0);
    MUST(zx_handle_close(pair.b));
    EXPECT_EQ(basic_info(pair.a).related_koid, b.koid);
}

static void create_pairs_badly(void) {
    zx_handle_t end = UNTOUCHED;
    for (size_t i = 0; i < bad_target_count; i++) {
        EXPECT_STATUS(zx_eventpair_create(0, &end, (zx_handle_t *)bad_targets[i]), ZX_ERR_INVALID_ARGS);
        EXPECT(!is_handle(end));
        EXPECT_STATUS(zx_eventpair_create(0, (zx_handle_t *)bad_targets[i], &end), ZX_ERR_INVALID_ARGS);
        EXPECT(!is_handle(end));
    }
}
TEST("eventpair_create/a bad pointer is INVALID_ARGS and leaves neither") { check_gives_back(create_pairs_badly); }

static zx_status_t create_pair(void) {
    struct pair pair;
    zx_status_t status = zx_eventpair_create(0, &pair.a, &pair.b);
    if (status == ZX_OK) MUST(zx_handle_close(pair.a));
    if (status == ZX_OK) MUST(zx_handle_close(pair.b));
    return status;
}
TEST("eventpair_create/out of memory") { check_out_of_memory(create_pair); }

TEST("eventpair_create/closing one end shows at the other, which keeps its own signals") {
    struct pair pair = eventpair_make();
    zx_handle_t copy = handle_with(pair.b, ZX_RIGHT_SAME_RIGHTS);
    NEED_OK(zx_object_signal(pair.a, 0, UP | S1));
    MUST(zx_handle_close(pair.b));
    EXPECT_EQ(signals_of(pair.a), UP | S1);
    MUST(zx_handle_close(copy));
    EXPECT_EQ(signals_of(pair.a), UP | S1 | ZX_EVENTPAIR_PEER_CLOSED);
    EXPECT_STATUS(zx_object_signal_peer(pair.a, 0, S0), ZX_ERR_PEER_CLOSED);
    EXPECT_OK(zx_object_signal(pair.a, UP, S0));
    EXPECT_EQ(signals_of(pair.a), S0 | S1 | ZX_EVENTPAIR_PEER_CLOSED);
}

TEST("eventpair_create/an end in a message lives; when the message goes, the other end sees it") {
    struct pair pair = eventpair_make();
    struct pair channel = pair_make();
    send_handle(channel.a, pair.b);
    EXPECT_OK(zx_object_signal_peer(pair.a, 0, S0));
    EXPECT_EQ(signals_of(pair.a), 0);
    MUST(zx_handle_close(channel.b));
    EXPECT_EQ(signals_of(pair.a), ZX_EVENTPAIR_PEER_CLOSED);
}

/* object_signal */

static zx_status_t signal_it(zx_handle_t handle) { return zx_object_signal(handle, 0, S0); }

TEST("object_signal/what is no handle is BAD_HANDLE") { check_bad_handles(signal_it); }
TEST("object_signal/without SIGNAL it is ACCESS_DENIED") {
    check_rights(handle_of(KIND_VMO), ZX_RIGHT_SIGNAL, signal_it);
}

TEST("object_signal/objects without signals: their handles lack SIGNAL, and cannot get it") {
    EXPECT_STATUS(signal_it(handle_of(KIND_VMAR)), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(signal_it(handle_of(KIND_RESOURCE)), ZX_ERR_ACCESS_DENIED);
}

static const enum kind waitable[] = {KIND_VMO,     KIND_CHANNEL, KIND_EVENT, KIND_EVENTPAIR,
                                     KIND_PROCESS, KIND_THREAD,  KIND_JOB,   KIND_TIMER};

TEST("object_signal/the eight user signals go up and down on objects of every type that has signals") {
    for (size_t i = 0; i < COUNT(waitable); i++) {
        zx_handle_t handle = handle_of(waitable[i]);
        zx_signals_t own = signals_of(handle);
        for (zx_signals_t bit = ZX_USER_SIGNAL_0; bit != 0; bit <<= 1) {
            EXPECT_OK(zx_object_signal(handle, 0, bit));
            EXPECT_EQ(signals_of(handle), own | bit);
            EXPECT_OK(zx_object_signal(handle, bit, 0));
            EXPECT_EQ(signals_of(handle), own);
        }
    }
}

TEST("object_signal/the kernel's signals are INVALID_ARGS in either mask, but SIGNALED of events") {
    for (size_t i = 0; i < COUNT(waitable); i++) {
        zx_handle_t handle = handle_of(waitable[i]);
        zx_signals_t own = signals_of(handle);
        bool event = waitable[i] == KIND_EVENT || waitable[i] == KIND_EVENTPAIR;
        for (zx_signals_t bit = 1; bit < ZX_USER_SIGNAL_0; bit <<= 1) {
            zx_status_t want = event && bit == UP ? ZX_OK : ZX_ERR_INVALID_ARGS;
            EXPECT_STATUS(zx_object_signal(handle, 0, bit), want);
            EXPECT_STATUS(zx_object_signal(handle, bit, 0), want);
            EXPECT_STATUS(zx_object_signal(handle, bit, S0), want);
            EXPECT_STATUS(zx_object_signal(handle, S0, bit), want);
            EXPECT_STATUS(zx_object_signal(handle, bit, 0), want);
        }
        EXPECT_EQ(signals_of(handle), own);
    }
}

TEST("object_signal/first down, then up: what is in both masks is up; no masks change nothing") {
    zx_handle_t event = event_make();
    NEED_OK(zx_object_signal(event, 0, S0 | S1));
    NEED_OK(zx_object_signal(event, S0 | S1 | UP, S1 | S7));
    EXPECT_EQ(signals_of(event), S1 | S7);
    NEED_OK(zx_object_signal(event, 0, 0));
    EXPECT_EQ(signals_of(event), S1 | S7);
    NEED_OK(zx_object_signal(event, ZX_EVENT_SIGNAL_MASK, ZX_EVENT_SIGNAL_MASK));
    EXPECT_EQ(signals_of(event), ZX_EVENT_SIGNAL_MASK);
    NEED_OK(zx_object_signal(event, ZX_EVENT_SIGNAL_MASK, 0));
    EXPECT_EQ(signals_of(event), 0);
}

TEST("object_signal/all handles to the object show it") {
    zx_handle_t event = event_make();
    zx_handle_t other = handle_with(event, ZX_RIGHT_WAIT);
    NEED_OK(zx_object_signal(event, 0, UP));
    EXPECT_EQ(signals_of(other), UP);
}

/* object_signal_peer */

static zx_status_t signal_peer(zx_handle_t handle) { return zx_object_signal_peer(handle, 0, S0); }

TEST("object_signal_peer/what is no handle is BAD_HANDLE") { check_bad_handles(signal_peer); }

TEST("object_signal_peer/without SIGNAL_PEER it is ACCESS_DENIED, and so are all types without a peer") {
    check_rights(handle_of(KIND_EVENTPAIR), ZX_RIGHT_SIGNAL_PEER, signal_peer);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        if (kind == KIND_CHANNEL || kind == KIND_EVENTPAIR) continue;
        EXPECT_STATUS(signal_peer(handle_of(kind)), ZX_ERR_ACCESS_DENIED);
    }
}

TEST("object_signal_peer/changes the other end alone, first down, then up") {
    struct pair pairs[] = {eventpair_make(), pair_make()};
    for (size_t i = 0; i < 2; i++) {
        zx_signals_t own = i == 0 ? 0 : ZX_CHANNEL_WRITABLE;
        EXPECT_OK(zx_object_signal_peer(pairs[i].a, 0, S0 | S7));
        EXPECT_EQ(signals_of(pairs[i].a), own);
        EXPECT_EQ(signals_of(pairs[i].b), own | S0 | S7);
        EXPECT_OK(zx_object_signal_peer(pairs[i].a, S0 | S7, S0));
        EXPECT_EQ(signals_of(pairs[i].b), own | S0);
        EXPECT_OK(zx_object_signal_peer(pairs[i].b, S0, 0));
        EXPECT_EQ(signals_of(pairs[i].b), own | S0);
    }
    EXPECT_OK(zx_object_signal_peer(pairs[0].b, 0, UP));
    EXPECT_EQ(signals_of(pairs[0].a), UP);
}

TEST("object_signal_peer/masks as for the object itself, checked before the peer") {
    struct pair pairs[] = {eventpair_make(), pair_make()};
    for (int closed = 0; closed < 2; closed++) {
        for (size_t i = 0; i < 2; i++) {
            for (zx_signals_t bit = 1; bit < ZX_USER_SIGNAL_0; bit <<= 1) {
                if (i == 0 && bit == UP) continue;
                EXPECT_STATUS(zx_object_signal_peer(pairs[i].a, 0, bit), ZX_ERR_INVALID_ARGS);
                EXPECT_STATUS(zx_object_signal_peer(pairs[i].a, bit, 0), ZX_ERR_INVALID_ARGS);
            }
            EXPECT_STATUS(zx_object_signal_peer(pairs[i].a, 0, 0), closed ? ZX_ERR_PEER_CLOSED : ZX_OK);
            if (!closed) MUST(zx_handle_close(pairs[i].b));
        }
    }
}

/* Both ends signal and close at the same time, in two threads. */

static struct pair raced;
static atomic_bool go;

static void signal_until_gone(void *arg) {
    (void)arg;
    while (!atomic_load(&go)) zx_nanosleep(0);
    while (zx_object_signal_peer(raced.a, S1, S0) == ZX_OK) zx_nanosleep(0);
}

static void race_once(void) {
    static struct worker worker;
    raced = eventpair_make();
    atomic_store(&go, false);
    NEED(worker_start(&worker, signal_until_gone, NULL));
    atomic_store(&go, true);
    for (int i = 0; i < 10; i++) EXPECT_OK(zx_object_signal_peer(raced.b, S0, S1));
    MUST(zx_handle_close(raced.b));
    NEED(worker_join(&worker));
    EXPECT(signals_of(raced.a) & ZX_EVENTPAIR_PEER_CLOSED);
    MUST(zx_handle_close(raced.a));
}

TEST("object_signal_peer/while the other end signals back, and goes") { check_gives_back(race_once); }
