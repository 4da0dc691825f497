/*
 * Waiting through a port: zx_object_wait_async and zx_port_cancel.
 */
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/port.h>

#include "tests/user/child.h"
#include "tests/user/probe.h"

#define KEY 0x123456789abcdef0u
#define S0 ZX_USER_SIGNAL_0
#define S1 ZX_USER_SIGNAL_1
#define S2 ZX_USER_SIGNAL_2
#define ONCE ZX_WAIT_ASYNC_ONCE
#define AGAIN ZX_WAIT_ASYNC_REPEATING

static zx_handle_t port_make(void) {
    zx_handle_t port;
    MUST(zx_port_create(0, &port));
    return port;
}

/* The next packet is this one. */
static void expect_signal(zx_handle_t port, uint64_t key, uint32_t type, zx_signals_t trigger, zx_signals_t observed) {
    zx_port_packet_t packet = {0};
    zx_port_packet_t want = {.key = key, .type = type, .signal = {trigger, observed, 1, 0, 0}};
    EXPECT_OK(zx_port_wait(port, 0, &packet));
    EXPECT_BYTES(&packet, &want, sizeof(want));
}

static void expect_empty(zx_handle_t port) {
    zx_port_packet_t packet;
    EXPECT_STATUS(zx_port_wait(port, 0, &packet), ZX_ERR_TIMED_OUT);
}

static zx_status_t wait_at(zx_handle_t port) {
    return zx_object_wait_async(handle_of(KIND_EVENT), port, KEY, S0, ONCE);
}
static zx_status_t wait_for(zx_handle_t handle) {
    static zx_handle_t port;
    if (!port) port = port_make();
    return zx_object_wait_async(handle, port, KEY, S0, ONCE);
}
static zx_status_t cancel_for(zx_handle_t handle) {
    zx_status_t status = zx_port_cancel(handle_of(KIND_PORT), handle, KEY);
    return status == ZX_ERR_NOT_FOUND ? ZX_OK : status;
}

TEST("object_wait_async/bad ports, and handles of other types; needs WRITE on the port") {
    check_handles(KIND_PORT, wait_at);
    check_rights(port_make(), ZX_RIGHT_WRITE, wait_at);
}

TEST("object_wait_async, port_cancel/what is no handle is BAD_HANDLE; needs WAIT") {
    check_bad_handles(wait_for);
    check_rights(event_make(), ZX_RIGHT_WAIT, wait_for);
    check_bad_handles(cancel_for);
    check_rights(event_make(), ZX_RIGHT_WAIT, cancel_for);
}

TEST("object_wait_async/other options than ONCE and REPEATING are INVALID_ARGS, after the handles") {
    zx_handle_t port = port_make(), event = event_make();
    for (uint32_t options = 2; options != 0; options <<= 1)
        EXPECT_STATUS(zx_object_wait_async(event, port, KEY, S0, options), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_object_wait_async(ZX_HANDLE_INVALID, port, KEY, S0, 2), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_object_wait_async(event, ZX_HANDLE_INVALID, KEY, S0, 2), ZX_ERR_BAD_HANDLE);
    EXPECT_OK(zx_object_signal(event, 0, S0));
    expect_empty(port);
}

TEST("object_wait_async/a signal that comes up puts in one packet, with the state of that moment") {
    zx_handle_t port = port_make(), event = event_make();
    NEED_OK(zx_object_wait_async(event, port, KEY, S0 | S1, ONCE));
    NEED_OK(zx_object_signal(event, 0, S2));
    expect_empty(port);
    NEED_OK(zx_object_signal(event, 0, S1));
    NEED_OK(zx_object_signal(event, S1 | S2, 0));
    NEED_OK(zx_object_signal(event, 0, S0));
    expect_signal(port, KEY, ZX_PKT_TYPE_SIGNAL_ONE, S0 | S1, S1 | S2);
    expect_empty(port);
}

TEST("object_wait_async/a signal that is up puts it in at once; no signals never do") {
    zx_handle_t port = port_make(), event = event_make();
    NEED_OK(zx_object_signal(event, 0, S0 | S2));
    NEED_OK(zx_object_wait_async(event, port, KEY, S0 | S1, ONCE));
    NEED_OK(zx_object_wait_async(event, port, KEY, 0, ONCE));
    expect_signal(port, KEY, ZX_PKT_TYPE_SIGNAL_ONE, S0 | S1, S0 | S2);
    expect_empty(port);
}

TEST("object_wait_async/count: the messages of a channel that is readable already, else 1") {
    struct pair pair = pair_make();
    zx_handle_t port = port_make();
    zx_port_packet_t packet = {0};
    for (int i = 0; i < 5; i++) NEED_OK(zx_channel_write(pair.b, 0, "x", 1, NULL, 0));
    NEED_OK(zx_object_wait_async(pair.a, port, KEY, ZX_CHANNEL_READABLE, ONCE));
    NEED_OK(zx_port_wait(port, 0, &packet));
    EXPECT_EQ(packet.signal.count, 5);
    NEED_OK(zx_object_wait_async(pair.a, port, KEY, ZX_CHANNEL_WRITABLE, ONCE));
    expect_signal(port, KEY, ZX_PKT_TYPE_SIGNAL_ONE, ZX_CHANNEL_WRITABLE, ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    NEED_OK(zx_object_wait_async(pair.b, port, KEY, ZX_CHANNEL_READABLE, ONCE));
    NEED_OK(zx_channel_write(pair.a, 0, "x", 1, NULL, 0));
    NEED_OK(zx_channel_write(pair.a, 0, "x", 1, NULL, 0));
    expect_signal(port, KEY, ZX_PKT_TYPE_SIGNAL_ONE, ZX_CHANNEL_READABLE, ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
}

TEST("object_wait_async/REPEATING goes on; what comes up before its packet is taken is added to it") {
    zx_handle_t port = port_make(), event = event_make();
    NEED_OK(zx_object_wait_async(event, port, KEY, S0 | S1, AGAIN));
    NEED_OK(zx_object_signal(event, 0, S0));
    NEED_OK(zx_object_signal(event, S0, S1));
    NEED_OK(zx_object_signal(event, S1, 0));
    expect_signal(port, KEY, ZX_PKT_TYPE_SIGNAL_REP, S0 | S1, S0 | S1);
    expect_empty(port);
    for (int i = 0; i < 3; i++) {
        NEED_OK(zx_object_signal(event, 0, S1));
        expect_signal(port, KEY, ZX_PKT_TYPE_SIGNAL_REP, S0 | S1, S1);
        NEED_OK(zx_object_signal(event, S1, 0));
        expect_empty(port);
    }
}

TEST("object_wait_async/a hundred times on a job and on its handlers' channels: when it was killed all are told") {
    zx_handle_t port = port_make(), job, watched[3];
    zx_port_packet_t packet;
    NEED_OK(zx_job_create(zx_job_default(), 0, &job));
    watched[0] = job;
    NEED_OK(zx_task_create_exception_channel(job, 0, &watched[1]));
    NEED_OK(zx_task_create_exception_channel(job, ZX_EXCEPTION_CHANNEL_DEBUGGER, &watched[2]));
    for (int i = 0; i < 300; i++)
        NEED_OK(
            zx_object_wait_async(watched[i % 3], port, KEY, i % 3 ? ZX_CHANNEL_PEER_CLOSED : ZX_JOB_TERMINATED, ONCE));
    NEED_OK(zx_task_kill(job));
    for (int i = 0; i < 300; i++) NEED_OK(zx_port_wait(port, 0, &packet));
    expect_empty(port);
    for (int i = 0; i < 3; i++) NEED_OK(zx_handle_close(watched[i]));
}

TEST("object_wait_async/the same several times: each puts in its own packet, in order with others") {
    zx_handle_t port = port_make(), event = event_make();
    for (int i = 0; i < 3; i++) NEED_OK(zx_object_wait_async(event, port, KEY, S0, ONCE));
    NEED_OK(zx_object_wait_async(event, port, 1, S1, ONCE));
    NEED_OK(zx_object_signal(event, 0, S1));
    NEED_OK(zx_object_signal(event, 0, S0));
    expect_signal(port, 1, ZX_PKT_TYPE_SIGNAL_ONE, S1, S1);
    for (int i = 0; i < 3; i++) expect_signal(port, KEY, ZX_PKT_TYPE_SIGNAL_ONE, S0, S0 | S1);
    expect_empty(port);
}

TEST("object_wait_async/every kind of object that has signals; those without are NOT_SUPPORTED or lack WAIT") {
    zx_handle_t port = port_make();
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        bool waitable = basic_info(handle_of(kind)).props == ZX_OBJ_PROP_WAITABLE;
        EXPECT_STATUS(zx_object_wait_async(handle_of(kind), port, kind, S0, ONCE),
                      waitable ? ZX_OK : ZX_ERR_ACCESS_DENIED);
        EXPECT_STATUS(zx_port_cancel(port, handle_of(kind), kind), waitable ? ZX_OK : ZX_ERR_ACCESS_DENIED);
    }
}

TEST("object_wait_async/a timer's signal, and the end of a process") {
    static struct child child;
    zx_handle_t port = port_make(), timer = handle_of(KIND_TIMER);
    zx_port_packet_t packet = {0};
    NEED_OK(zx_object_wait_async(timer, port, 1, ZX_TIMER_SIGNALED, ONCE));
    NEED_OK(zx_timer_set(timer, zx_deadline_after(ZX_MSEC(5)), 0));
    NEED_OK(zx_port_wait(port, zx_deadline_after(ZX_SEC(10)), &packet));
    EXPECT(packet.key == 1 && packet.signal.observed == ZX_TIMER_SIGNALED);
    NEED(child_make(&child));
    NEED_OK(zx_object_wait_async(child.process, port, 2, ZX_PROCESS_TERMINATED, ONCE));
    NEED_OK(zx_task_kill(child.process));
    expect_signal(port, 2, ZX_PKT_TYPE_SIGNAL_ONE, ZX_PROCESS_TERMINATED, ZX_PROCESS_TERMINATED);
}

TEST("object_wait_async/closing or replacing the handle ends the wait; a packet that is in the port stays") {
    zx_handle_t port = port_make(), event = event_make(), other = handle_with(event, ZX_RIGHT_SAME_RIGHTS);
    NEED_OK(zx_object_wait_async(event, port, 1, S1, ONCE));
    NEED_OK(zx_object_wait_async(event, port, 2, S0, AGAIN));
    NEED_OK(zx_object_wait_async(event, port, 3, S0, ONCE));
    NEED_OK(zx_object_signal(event, 0, S0));
    MUST(zx_handle_close(event));
    NEED_OK(zx_object_signal(other, 0, S1));
    NEED_OK(zx_object_wait_async(other, port, 4, S2, ONCE));
    NEED_OK(zx_handle_replace(other, ZX_RIGHT_SAME_RIGHTS, &other));
    NEED_OK(zx_object_signal(other, 0, S2));
    zx_port_packet_t packet;
    uint64_t keys = 0;
    for (int i = 0; i < 2; i++) {
        NEED_OK(zx_port_wait(port, 0, &packet));
        keys |= packet.key;
        EXPECT_EQ(packet.signal.observed, S0);
    }
    EXPECT_EQ(keys, 3);
    expect_empty(port);
}

TEST("port_cancel/ends waits and takes their packets back, of this key and very handle alone; else NOT_FOUND") {
    zx_handle_t port = port_make(), event = event_make(), other = handle_with(event, ZX_RIGHT_SAME_RIGHTS);
    zx_port_packet_t own = {.key = 1};
    EXPECT_STATUS(zx_port_cancel(port, event, 1), ZX_ERR_NOT_FOUND);
    NEED_OK(zx_port_queue(port, &own));
    EXPECT_STATUS(zx_port_cancel(port, event, 1), ZX_ERR_NOT_FOUND);
    NEED_OK(zx_object_wait_async(event, port, 1, S0, ONCE));
    NEED_OK(zx_object_wait_async(event, port, 1, S1, ONCE));
    NEED_OK(zx_object_wait_async(event, port, 1, S0, AGAIN));
    NEED_OK(zx_object_wait_async(event, port, 2, S1, ONCE));
    NEED_OK(zx_object_wait_async(other, port, 1, S1, ONCE));
    EXPECT_STATUS(zx_port_cancel(port_make(), event, 1), ZX_ERR_NOT_FOUND);
    NEED_OK(zx_object_signal(event, 0, S0));
    EXPECT_OK(zx_port_cancel(port, event, 1));
    EXPECT_STATUS(zx_port_cancel(port, event, 1), ZX_ERR_NOT_FOUND);
    NEED_OK(zx_port_wait(port, 0, &own));
    EXPECT_EQ(own.type, ZX_PKT_TYPE_USER);
    expect_empty(port);
    EXPECT_OK(zx_port_cancel(port, event, 2));
    NEED_OK(zx_object_signal(event, 0, S1));
    expect_signal(port, 1, ZX_PKT_TYPE_SIGNAL_ONE, S1, S0 | S1);
    expect_empty(port);
    EXPECT_STATUS(zx_port_cancel(port, other, 1), ZX_ERR_NOT_FOUND);
}

/* In every order of the ends; of each three waits one has fired, one repeats. */
static void close_in_order(bool port_first) {
    zx_handle_t port = port_make();
    struct pair pair = eventpair_make();
    for (int i = 0; i < 50; i++) {
        NEED_OK(zx_object_wait_async(pair.a, port, (uint64_t)i, i % 3 ? S0 : S1, i % 2 ? ONCE : AGAIN));
        NEED_OK(zx_object_wait_async(pair.b, port, (uint64_t)i, ZX_EVENTPAIR_PEER_CLOSED, ONCE));
    }
    NEED_OK(zx_object_signal(pair.a, 0, S0));
    if (port_first) MUST(zx_handle_close(port));
    MUST(zx_handle_close(pair.a));
    MUST(zx_handle_close(pair.b));
    if (!port_first) MUST(zx_handle_close(port));
}
static void close_port_first(void) { close_in_order(true); }
static void close_port_last(void) { close_in_order(false); }

TEST("object_wait_async/port, object and peer may go in any order, and nothing stays") {
    check_gives_back(close_port_first);
    check_gives_back(close_port_last);
}

static zx_status_t wait_and_cancel(void) {
    zx_handle_t port = handle_of(KIND_PORT), event = handle_of(KIND_EVENT);
    zx_status_t status = zx_object_wait_async(event, port, KEY, S0, ONCE);
    EXPECT_STATUS(zx_port_cancel(port, event, KEY), status == ZX_OK ? ZX_OK : ZX_ERR_NOT_FOUND);
    return status;
}
TEST("object_wait_async/out of memory: no wait has begun") { check_out_of_memory(wait_and_cancel); }

TEST("object_wait_async/its packet finds room in a full port") {
    zx_handle_t port = port_make(), event = event_make();
    zx_port_packet_t packet = {0};
    NEED_OK(zx_object_wait_async(event, port, KEY, S0, ONCE));
    while (zx_port_queue(port, &packet) == ZX_OK) continue;
    NEED_OK(zx_object_signal(event, 0, S0));
    for (int i = 0; i < 2049; i++) NEED_OK(zx_port_wait(port, 0, &packet));
    expect_signal(port, KEY, ZX_PKT_TYPE_SIGNAL_ONE, S0, S0);
}

/* Several processors begin, fire, take, cancel and close at the same time. */

static struct {
    zx_handle_t port, event;
    _Atomic bool over;
    _Atomic uint64_t begun, taken, cancelled;
} race;

static void signal_often(void *arg) {
    (void)arg;
    while (!atomic_load(&race.over)) {
        zx_object_signal(race.event, 0, S0);
        zx_object_signal(race.event, S0, 0);
    }
}

static void begin_and_cancel(void *arg) {
    (void)arg;
    for (uint64_t key = 0; !atomic_load(&race.over); key = (key + 1) % 16) {
        zx_handle_t own = handle_with(race.event, ZX_RIGHT_SAME_RIGHTS);
        EXPECT_OK(zx_object_wait_async(own, race.port, key, S0, key % 2 ? AGAIN : ONCE));
        EXPECT_OK(zx_object_wait_async(race.event, race.port, key, S0 | S1, key % 3 ? AGAIN : ONCE));
        atomic_fetch_add(&race.begun, 1);
        if (key % 4) zx_port_cancel(race.port, own, key);
        zx_handle_close(own);
        if (zx_port_cancel(race.port, race.event, key) == ZX_OK) atomic_fetch_add(&race.cancelled, 1);
    }
}

static void take_often(void *arg) {
    zx_port_packet_t packet;
    (void)arg;
    while (!atomic_load(&race.over)) {
        if (zx_port_wait(race.port, zx_deadline_after(ZX_MSEC(1)), &packet) != ZX_OK) continue;
        EXPECT(packet.key < 16 && (packet.signal.observed & packet.signal.trigger) && packet.signal.count == 1);
        atomic_fetch_add(&race.taken, 1);
    }
}

TEST("object_wait_async/begun, fired, taken, cancelled and closed by several threads at once") {
    static struct worker workers[4];
    zx_time_t begun = zx_clock_get_monotonic();
    race.port = port_make();
    race.event = event_make();
    NEED(worker_start(&workers[0], signal_often, NULL));
    NEED(worker_start(&workers[1], begin_and_cancel, NULL));
    NEED(worker_start(&workers[2], begin_and_cancel, NULL));
    NEED(worker_start(&workers[3], take_often, NULL));
    while (zx_clock_get_monotonic() < begun + ZX_MSEC(400) || atomic_load(&race.taken) < 20 ||
           atomic_load(&race.cancelled) < 20) {
        if (zx_clock_get_monotonic() > begun + ZX_SEC(20)) break;
        zx_nanosleep(zx_deadline_after(ZX_MSEC(5)));
    }
    atomic_store(&race.over, true);
    for (size_t i = 0; i < 4; i++) NEED(worker_join(&workers[i]));
    EXPECT(race.taken >= 20 && race.cancelled >= 20);
}

static void close_while_firing(void *arg) { zx_handle_close(*(zx_handle_t *)arg); }

TEST("object_wait_async/the port is closed while waits are begun and fire: nothing stays") {
    static struct worker workers[2];
    static zx_handle_t port;
    race.event = event_make();
    NEED(worker_start(&workers[0], signal_often, NULL));
    for (int turn = 0; turn < 50; turn++) {
        port = port_make();
        NEED(worker_start(&workers[1], close_while_firing, &port));
        zx_status_t status = ZX_OK;
        for (int i = 0; i < 1000 && status == ZX_OK; i++)
            status = zx_object_wait_async(race.event, port, KEY, S0, i % 2 ? ONCE : AGAIN);
        EXPECT(status == ZX_OK || status == ZX_ERR_BAD_HANDLE);
        NEED(worker_join(&workers[1]));
    }
    atomic_store(&race.over, true);
    NEED(worker_join(&workers[0]));
}
