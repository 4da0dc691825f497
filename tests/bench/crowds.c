/*
 * How the cost of calls on objects grows with how many wait for them. Prints lines of a name and a number, instructions
 * per call, for tests/70-scaling.t; run it as scaling.c, which has the same for memory.
 */
#include <pthread.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/port.h>

#include "tests/bench/growth.h"

static zx_handle_t duplicate(zx_handle_t handle) {
    zx_handle_t out;
    MUST(zx_handle_duplicate(handle, ZX_RIGHT_SAME_RIGHTS, &out));
    return out;
}

static uint64_t close_cost(zx_handle_t handle) {
    uint64_t begin = now();
    MUST(zx_handle_close(handle));
    return now() - begin;
}

static uint64_t signal_cost(zx_handle_t event) {
    uint64_t cost = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        uint64_t begin = now();
        MUST(zx_object_signal(event, ZX_USER_SIGNAL_1, i % 2 ? 0 : ZX_USER_SIGNAL_1));
        cost = least(cost, now() - begin);
    }
    return cost;
}

/*
 * An event with so many handles, through each of which a port watches it for a signal that does not come: raising
 * another one, closing a handle through which nobody watches, and closing one of the others.
 */
static void watches(unsigned count) {
    zx_handle_t event, port, *handles = calloc(count, sizeof(*handles));
    uint64_t bystander = UINT64_MAX, watched = UINT64_MAX;
    MUST(zx_event_create(0, &event));
    MUST(zx_port_create(0, &port));
    for (unsigned i = 0; i < count; i++) {
        handles[i] = duplicate(event);
        MUST(zx_object_wait_async(handles[i], port, i, ZX_USER_SIGNAL_0, ZX_WAIT_ASYNC_ONCE));
    }
    tell("signal-watched", count, signal_cost(event));
    for (int i = 0; i < TRIES; i++) bystander = least(bystander, close_cost(duplicate(event)));
    tell("close-bystander", count, bystander);
    for (unsigned i = 0; i < count; i++) watched = least(watched, close_cost(handles[(count / 2 + i) % count]));
    tell("close-watched", count, watched);
    MUST(zx_handle_close(event));
    MUST(zx_handle_close(port));
    free(handles);
}

/* An event pair, and so many watches for a signal of one end. */
static zx_handle_t ends[2], watcher;
static volatile bool strobed;

static void *strobe_run(void *arg) {
    while (strobed) {
        MUST(zx_nanosleep(zx_deadline_after(ZX_USEC(200))));
        MUST(zx_object_signal_peer(ends[0], 0, ZX_USER_SIGNAL_0));
        MUST(zx_object_signal_peer(ends[0], ZX_USER_SIGNAL_0, 0));
    }
    return arg;
}

/* Three calls that take locks under which observers are told. */
static uint64_t rewatch_cost(uint64_t key) {
    uint64_t begin = now();
    MUST(zx_object_wait_async(ends[1], watcher, key, ZX_USER_SIGNAL_1, ZX_WAIT_ASYNC_ONCE));
    MUST(zx_port_cancel(watcher, ends[1], key));
    MUST(zx_object_signal_peer(ends[1], 0, 0));
    return now() - begin;
}

static int compare_costs(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

#define CALLS 50

/* The 90th percentile: during some the other thread runs. */
static uint64_t most_of(uint64_t costs[CALLS]) {
    qsort(costs, CALLS, sizeof(costs[0]), compare_costs);
    return costs[CALLS * 9 / 10];
}

/* How long calls of a thread take, beside one that has all of them told again and again, and sleeps in between. */
static void beside_telling(unsigned count) {
    uint64_t costs[CALLS];
    pthread_t thread;
    strobed = true;
    if (pthread_create(&thread, NULL, strobe_run, NULL) != 0) must(ZX_ERR_NO_MEMORY, __LINE__);
    for (unsigned i = 0; i < CALLS; i++) {
        MUST(zx_nanosleep(zx_deadline_after(ZX_USEC(50))));
        costs[i] = rewatch_cost(count);
    }
    strobed = false;
    pthread_join(thread, NULL);
    tell("watch-beside-told", count, most_of(costs));
}

/* For how long a thread does not run, at most, while a timer goes off that so many watch. */
static void beside_timer(unsigned count) {
    zx_handle_t timer;
    uint64_t most = 0, last;
    MUST(zx_timer_create(0, ZX_CLOCK_MONOTONIC, &timer));
    for (unsigned i = 0; i < count; i++)
        MUST(zx_object_wait_async(timer, watcher, i, ZX_TIMER_SIGNALED, ZX_WAIT_ASYNC_ONCE));
    MUST(zx_timer_set(timer, zx_deadline_after(ZX_USEC(100)), 0));
    for (const uint64_t begin = last = now(); last - begin < ZX_MSEC(20);) {
        const uint64_t at = now();
        if (at - last > most) most = at - last;
        last = at;
    }
    MUST(zx_object_wait_one(timer, ZX_TIMER_SIGNALED, 0, NULL));
    MUST(zx_handle_close(timer));
    tell("run-beside-timer", count, most);
}

static void tellings(unsigned count) {
    MUST(zx_eventpair_create(0, &ends[0], &ends[1]));
    MUST(zx_port_create(0, &watcher));
    for (unsigned i = 0; i < count; i++)
        MUST(zx_object_wait_async(ends[1], watcher, i, ZX_USER_SIGNAL_0, ZX_WAIT_ASYNC_REPEATING));
    beside_telling(count);
    beside_timer(count);
    MUST(zx_handle_close(watcher));
    for (int i = 0; i < 2; i++) MUST(zx_handle_close(ends[i]));
}

static zx_handle_t called; /* the end through which calls are made */

static void *call_run(void *arg) {
    uint32_t request[2] = {0}, reply[2], bytes, handles;
    const zx_channel_call_args_t args = {
        .wr_bytes = request, .wr_num_bytes = sizeof(request), .rd_bytes = reply, .rd_num_bytes = sizeof(reply)};
    MUST(zx_channel_call(called, 0, ZX_TIME_INFINITE, &args, &bytes, &handles));
    return arg;
}

static uint64_t answer_cost(zx_handle_t end, uint32_t txid) {
    const uint32_t answer[2] = {txid};
    uint64_t begin = now();
    MUST(zx_channel_write(end, 0, answer, sizeof(answer), NULL, 0));
    return now() - begin;
}

static uint32_t receive(zx_handle_t end) {
    uint32_t request[2], bytes;
    MUST(zx_object_wait_one(end, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL));
    MUST(zx_channel_read(end, 0, request, NULL, sizeof(request), 0, &bytes, NULL));
    return request[0];
}

/* So many threads in a call over one channel: a message that is no answer, and answers, the oldest call first. */
static void calls(unsigned count) {
    zx_handle_t end;
    pthread_t *threads = calloc(count, sizeof(*threads));
    uint32_t *txids = calloc(count, sizeof(*txids));
    uint64_t message = UINT64_MAX, answer = UINT64_MAX;
    MUST(zx_channel_create(0, &called, &end));
    for (unsigned i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, call_run, NULL) != 0) must(ZX_ERR_NO_MEMORY, __LINE__);
        txids[i] = receive(end);
    }
    for (int i = 0; i < TRIES; i++) message = least(message, answer_cost(end, 1));
    tell("message-beside-calls", count, message);
    for (unsigned i = 0; i < count; i++) {
        const uint64_t cost = answer_cost(end, txids[i]);
        if (i < TRIES) answer = least(answer, cost);
    }
    tell("answer-call", count, answer);
    for (unsigned i = 0; i < count; i++) pthread_join(threads[i], NULL);
    MUST(zx_handle_close(called));
    MUST(zx_handle_close(end));
    free(threads);
    free(txids);
}

static void send(zx_handle_t end, zx_handle_t handle) { MUST(zx_channel_write(end, 0, NULL, 0, &handle, 1)); }

/* An end in a queue of an end in a queue, and so on: sending it a message that carries an end. */
static void nesting(unsigned count) {
    zx_handle_t first, inner, near, far, extra[2];
    uint64_t cost = UINT64_MAX;
    MUST(zx_channel_create(0, &first, &inner));
    for (unsigned i = 0; i < count; i++) {
        MUST(zx_channel_create(0, &near, &far));
        send(near, inner);
        MUST(zx_handle_close(near));
        inner = far;
    }
    for (int i = 0; i < TRIES; i++) {
        MUST(zx_channel_create(0, &extra[0], &extra[1]));
        uint64_t begin = now();
        send(first, extra[0]);
        cost = least(cost, now() - begin);
        MUST(zx_handle_close(extra[1]));
    }
    tell("send-into-nested", count, cost);
    MUST(zx_handle_close(first));
    MUST(zx_handle_close(inner));
}

static uint64_t wake_cost(const zx_futex_t *word) {
    uint64_t begin = now();
    MUST(zx_futex_wake(word, 1));
    return now() - begin;
}

#define WORDS 1024

static zx_futex_t words[WORDS];

static void *futex_run(void *arg) {
    while (zx_futex_wait(&words[0], 0, ZX_HANDLE_INVALID, ZX_TIME_INFINITE) != ZX_ERR_BAD_STATE) continue;
    return arg;
}

/* So many threads wait for one word: waking at any other, where nobody waits, and waking one of them. */
static void futexes(unsigned count) {
    pthread_t *threads = calloc(count, sizeof(*threads));
    uint64_t most = 0, wake = UINT64_MAX;
    words[0] = 0;
    for (unsigned i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, futex_run, NULL) != 0) must(ZX_ERR_NO_MEMORY, __LINE__);
    }
    MUST(zx_nanosleep(zx_deadline_after(ZX_MSEC(100))));
    for (unsigned i = 1; i < WORDS; i++) {
        uint64_t cost = UINT64_MAX;
        for (int k = 0; k < 3; k++) cost = least(cost, wake_cost(&words[i]));
        if (cost > most) most = cost;
    }
    tell("futex-beside-waiters", count, most);
    for (int i = 0; i < TRIES; i++) wake = least(wake, wake_cost(&words[0]));
    tell("futex-wake", count, wake);
    words[0] = 1;
    MUST(zx_futex_wake(&words[0], UINT32_MAX));
    for (unsigned i = 0; i < count; i++) pthread_join(threads[i], NULL);
    free(threads);
}

/* A look at one event, which is signalled, by either call. */
static void looks(void) {
    zx_handle_t event;
    uint64_t one = UINT64_MAX, many = UINT64_MAX;
    MUST(zx_event_create(0, &event));
    MUST(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
    zx_wait_item_t item = {event, ZX_USER_SIGNAL_0, 0};
    for (int i = 0; i < TRIES; i++) {
        uint64_t begin = now();
        MUST(zx_object_wait_one(event, ZX_USER_SIGNAL_0, 0, &item.pending));
        one = least(one, now() - begin);
        begin = now();
        MUST(zx_object_wait_many(&item, 1, 0));
        many = least(many, now() - begin);
    }
    tell("wait-one", 1, one);
    tell("wait-many", 1, many);
    MUST(zx_handle_close(event));
}

#define TURN 20000u

/* Maps memory of its own and unmaps it. */
static void *map_run(void *arg) {
    zx_handle_t vmo;
    MUST(zx_vmo_create(4096, 0, &vmo));
    for (unsigned i = 0; i < TURN; i++) {
        zx_vaddr_t at;
        MUST(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, 4096, &at));
        MUST(zx_vmar_unmap(zx_vmar_root_self(), at, 4096));
    }
    MUST(zx_handle_close(vmo));
    return arg;
}

/* So many threads that do it for many turns on the processor: what both calls cost. */
static void turns(unsigned count) {
    pthread_t *threads = calloc(count, sizeof(*threads));
    uint64_t begin = now();
    for (unsigned i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, map_run, NULL) != 0) must(ZX_ERR_NO_MEMORY, __LINE__);
    }
    for (unsigned i = 0; i < count; i++) pthread_join(threads[i], NULL);
    tell("map-in-turns", count, (now() - begin) / (count * TURN));
    free(threads);
}

int main(void) {
    for (unsigned count = 1; count <= 10; count *= 10) turns(count);
    looks();
    for (unsigned count = 1; count <= 1000; count *= 10) futexes(count);
    for (unsigned count = 1; count <= 10000; count *= 100) watches(count);
    for (unsigned count = 1; count <= 100000; count *= 100000) tellings(count);
    for (unsigned count = 1; count <= 1000; count *= 10) calls(count);
    for (unsigned count = 1; count <= 10000; count *= 100) nesting(count);
    return 0;
}
