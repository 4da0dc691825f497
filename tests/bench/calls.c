/*
 * What other calls cost that programs make often: an entry into the kernel and back, handles, memory, threads,
 * processes, and going to another process and back.
 */
#include <pthread.h>

#include "tests/bench/measures.h"
#include "tests/bench/meter.h"
#include "tests/bench/system.h"

#define TRIES 20
#define LIVES 8 /* of threads and processes */

/* An operation without argument, as the meter wants it. */
static void run(const void *arg) { (*(void (*const *)(void))arg)(); }

void measure_call(const char *name, void (*call)(void), unsigned tries) {
    tell((double)meter_least(run, &call, tries), "call/%s", name);
}

static void touch(const void *arg) { **(volatile unsigned char *const *)arg = 1; }

static void measure_fault(void) {
    unsigned char *memory = memory_map(TRIES * PAGE);
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < TRIES; i++) {
        unsigned char *at = memory + i * PAGE;
        uint64_t cost = meter_once(touch, &at);
        if (cost < least) least = cost;
    }
    tell((double)least, "call/page-fault");
    memory_unmap(memory, TRIES * PAGE);
}

static void map_touch_unmap(void) {
    unsigned char *memory = memory_map(PAGE);
    touch(&memory);
    memory_unmap(memory, PAGE);
}

static void *thread_main(void *arg) { return arg; }

static void thread_life(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, thread_main, NULL) != 0) fail("pthread_create", "refused");
    pthread_join(thread, NULL);
}

void measure_calls(void) {
    measure_call("cheapest", call_cheapest, TRIES);
    measure_call("refused", call_refused, TRIES);
    measure_call("handle", handle_twice, TRIES);
    measure_fault();
    measure_call("map-touch-unmap", map_touch_unmap, TRIES);
    measure_call("thread", thread_life, LIVES);
    measure_call("process", process_life, LIVES);
    measure_call("program", program_life, LIVES);
    echo_start();
    measure_call("round-trip", echo_round, TRIES);
    echo_end();
    measure_own();
}
