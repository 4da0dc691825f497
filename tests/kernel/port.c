/*
 * Ports from the inside: what is left when the last handle is closed while others still refer to the port, threads that
 * sleep on one, and waits through handles that are none.
 */
#include "kernel/object/port.h"

#include "arch/time.h"
#include "kernel/object/event.h"
#include "tests/kernel/support.h"
#include "vm/budget.h"

#define S0 ZX_USER_SIGNAL_0
#define ROOM 2049 /* packets of programs that fit */

static struct object *port, *event;
static struct handle_table table;
static zx_handle_t value; /* of the event, in the table */

static bool begin(void) {
    if (port_create(false, &port) != ZX_OK || event_create(&event) != ZX_OK) return false;
    handle_table_init(&table, &root_budget);
    if (handle_reserve(&table, &value) != ZX_OK) return false;
    handle_publish(&table, value, handle_make(event, ZX_DEFAULT_EVENT_RIGHTS));
    return true;
}

static void end(void) {
    handle_table_destroy(&table);
    object_unref(event);
    object_unref(port);
}

/* As if the last handle to it were closed. */
static void lose_handle(struct object *object) { handle_discard(handle_make(object, 0)); }

static zx_status_t queue(uint64_t key) { return port_queue(port, &(zx_port_packet_t){.key = key}); }

static zx_status_t watch(zx_handle_t through, uint64_t key) {
    const struct watch_order order = {
        .object = event, .table = &table, .value = through, .key = key, .signals = S0, .count = 1};
    return port_watch(port, &order);
}

/* The key of the next packet; 0: there is none. */
static uint64_t next_key(void) {
    zx_port_packet_t packet;
    return port_wait(port, 0, &packet) == ZX_OK ? packet.key : 0;
}

KTEST("port/2049 packets fit, the next is refused, and the order is kept") {
    NEED(begin());
    for (uint64_t i = 1; i <= ROOM; i++) NEED(queue(i) == ZX_OK);
    EXPECT(queue(1) == ZX_ERR_SHOULD_WAIT);
    EXPECT(next_key() == 1);
    EXPECT(queue(ROOM + 1) == ZX_OK);
    for (uint64_t i = 2; i <= ROOM + 1; i++) NEED(next_key() == i);
    EXPECT(next_key() == 0);
    end();
}

KTEST("port/a wait fires though the port is full") {
    NEED(begin() && watch(value, 7) == ZX_OK);
    while (queue(1) == ZX_OK) continue;
    object_signal(event, 0, S0);
    for (unsigned i = 0; i < ROOM; i++) NEED(next_key() == 1);
    EXPECT(next_key() == 7);
    EXPECT(next_key() == 0);
    end();
}

KTEST("port/once its last handle is gone it takes no packet and no wait, and has dropped those it had") {
    NEED(begin() && queue(1) == ZX_OK && watch(value, 2) == ZX_OK && watch(value, 3) == ZX_OK);
    lose_handle(port);
    object_signal(event, 0, S0);
    EXPECT(next_key() == 0);
    EXPECT(queue(1) == ZX_ERR_BAD_HANDLE && watch(value, 2) == ZX_ERR_BAD_HANDLE);
    EXPECT(port_cancel(port, event, &table, value, 2) == ZX_ERR_NOT_FOUND);
    EXPECT(RB_EMPTY(&event->observers));
    end();
}

KTEST("port/a wait through a handle that was closed meanwhile is over at once, or leaves its packet") {
    NEED(begin());
    EXPECT(watch(value ^ 4, 5) == ZX_OK && RB_EMPTY(&event->observers));
    object_signal(event, 0, S0);
    EXPECT(next_key() == 0);
    EXPECT(watch(value ^ 4, 6) == ZX_OK && next_key() == 6);
    EXPECT(port_cancel(port, event, &table, value ^ 4, 6) == ZX_ERR_NOT_FOUND);
    end();
}

struct taker {
    zx_time_t deadline;
    zx_status_t status;
    zx_port_packet_t packet;
};

static void take(void *arg) {
    struct taker *t = arg;
    t->status = port_wait(port, t->deadline, &t->packet);
}

KTEST("port/who sleeps on it is woken by a packet, also if the last handle goes meanwhile, or at the deadline") {
    struct runner runner;
    struct taker taker = {.deadline = ZX_TIME_INFINITE, .status = ZX_ERR_INTERNAL};
    NEED(begin() && runner_start(&runner, NULL, take, &taker));
    runner_settle(&runner);
    EXPECT(taker.status == ZX_ERR_INTERNAL && queue(9) == ZX_OK);
    runner_join(&runner);
    EXPECT(taker.status == ZX_OK && taker.packet.key == 9);
    taker.deadline = arch_time_now() + ZX_USEC(100);
    NEED(runner_start(&runner, NULL, take, &taker));
    runner_settle(&runner);
    lose_handle(port);
    runner_join(&runner);
    EXPECT(taker.status == ZX_ERR_TIMED_OUT);
    end();
}

KTEST("port/who is interrupted leaves the wait, and no packet is lost") {
    struct runner runner;
    struct taker taker = {.deadline = ZX_TIME_INFINITE, .status = ZX_ERR_INTERNAL};
    NEED(begin() && runner_start(&runner, NULL, take, &taker));
    runner_settle(&runner);
    thread_interrupt(&runner.thread, ATTENTION_SUSPEND);
    runner_join(&runner);
    EXPECT(taker.status == ZX_ERR_INTERNAL_INTR_RETRY);
    EXPECT(queue(4) == ZX_OK && next_key() == 4);
    end();
}

KTEST("port/a packet that comes after the first in the queue was interrupted is the next one's") {
    static struct runner runners[2];
    const unsigned reasons[] = {ATTENTION_KILL, ATTENTION_SUSPEND};
    for (size_t r = 0; r < countof(reasons); r++) {
        struct taker takers[2] = {{.deadline = ZX_TIME_INFINITE}, {.deadline = arch_time_now() + ZX_SEC(5)}};
        NEED(begin());
        for (size_t i = 0; i < countof(takers); i++) {
            NEED(runner_start(&runners[i], NULL, take, &takers[i]));
            runner_settle(&runners[i]);
        }
        thread_interrupt(&runners[0].thread, reasons[r]);
        EXPECT(queue(7) == ZX_OK);
        for (size_t i = 0; i < countof(takers); i++) runner_join(&runners[i]);
        EXPECT(takers[0].status == ZX_ERR_INTERNAL_INTR_RETRY);
        EXPECT(takers[1].status == ZX_OK && takers[1].packet.key == 7);
        end();
    }
}

#define KEYS 24
#define SOURCES 3

/* Two handles to one event, and one to another. */
static struct object *sources[SOURCES];
static zx_handle_t values[SOURCES];
static unsigned begun[SOURCES][KEYS]; /* waits that are neither cancelled nor over */

static bool sources_make(void) {
    sources[0] = sources[1] = event;
    values[0] = value;
    if (event_create(&sources[2]) != ZX_OK) return false;
    for (unsigned i = 1; i < SOURCES; i++) {
        if (handle_reserve(&table, &values[i]) != ZX_OK) return false;
        handle_publish(&table, values[i], handle_make(sources[i], ZX_DEFAULT_EVENT_RIGHTS));
    }
    object_unref(sources[2]);
    return true;
}

static zx_status_t watch_source(unsigned source, uint64_t key) {
    const struct watch_order order = {
        .object = sources[source], .table = &table, .value = values[source], .key = key, .signals = S0, .count = 1};
    return port_watch(port, &order);
}

static bool cancels(unsigned source, uint64_t key) {
    zx_status_t status = port_cancel(port, sources[source], &table, values[source], key);
    bool good = status == (begun[source][key] ? ZX_OK : ZX_ERR_NOT_FOUND);
    begun[source][key] = 0;
    return good;
}

/* Of all waits for the object, through whatever handle, each has come in, once. */
static bool come_in(const struct object *object) {
    unsigned expected[KEYS] = {0};
    zx_port_packet_t packet;
    for (unsigned i = 0; i < SOURCES; i++) {
        for (unsigned key = 0; sources[i] == object && key < KEYS; key++) {
            expected[key] += begun[i][key];
            begun[i][key] = 0;
        }
    }
    while (port_wait(port, 0, &packet) == ZX_OK) {
        if (expected[packet.key]-- == 0) return false;
    }
    for (unsigned key = 0; key < KEYS; key++) {
        if (expected[key]) return false;
    }
    return true;
}

static bool fires(unsigned source) {
    object_signal(sources[source], 0, S0);
    object_signal(sources[source], S0, 0);
    object_tell_rest();
    return come_in(sources[source]);
}

static bool change_at_random(void) {
    const unsigned source = (unsigned)random_below(SOURCES);
    const uint64_t key = random_below(KEYS), what = random_below(64);
    if (what == 0) return fires(source);
    if (what < 16) return cancels(source, key);
    begun[source][key]++;
    return watch_source(source, key) == ZX_OK;
}

KTEST("port/20,000 random waits: whichever are cancelled are gone, and the others come in") {
    NEED(begin() && sources_make());
    random_seed(7);
    for (int step = 0; step < 20000; step++) NEED(change_at_random());
    for (unsigned i = 0; i < SOURCES; i++) EXPECT(fires(i));
    end();
}

static zx_status_t make_port(void *arg) { return port_create(false, arg); }
static zx_status_t make_packet(void *arg UNUSED) { return queue(1); }
static zx_status_t make_watch(void *arg UNUSED) { return watch(value, 1); }
static bool always(void *arg UNUSED) { return true; }
static bool is_quiet(void *arg UNUSED) { return RB_EMPTY(&event->observers) && next_key() == 0; }

KTEST("port/whichever allocation fails, there is no port, no packet, and no wait") {
    struct object *made = NULL;
    NEED(begin());
    EXPECT(fail_each_allocation(make_port, always, &made) >= 1);
    EXPECT(fail_each_allocation(make_packet, is_quiet, NULL) >= 1 && next_key() == 1);
    EXPECT(fail_each_allocation(make_watch, is_quiet, NULL) >= 1);
    object_unref(made);
    lose_handle(port);
    end();
}
