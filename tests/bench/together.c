/*
 * Two at once and one alone, in turns: what the second processor adds. Neither may wait for the other where nothing is
 * shared. Writers, each to a target of its own; small calls on objects of one's own, of two threads and of two
 * processes; and bare copies, which tell what the host has to give.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "tests/bench/copies.h"
#include "tests/bench/measures.h"
#include "tests/bench/meter.h"
#include "tests/bench/system.h"

#define WRITERS 2
#define ROUNDS 7
#define LEN MIB
#define BUFFER (2 * LEN + APART + ROUNDS * PAGE)

struct writer {
    pthread_t thread;
    struct transfer transfer;
    struct copy copy;
    unsigned long calls;
};

static struct writer writers[WRITERS];
static atomic_bool stop;

static void *write_on(void *arg) {
    struct writer *writer = arg;
    for (writer->calls = 0; !stop; writer->calls++) methods[0].write(&writer->transfer);
    return NULL;
}

static void *copy_on(void *arg) {
    struct writer *writer = arg;
    for (writer->calls = 0; !stop; writer->calls++) copy_loops[0].run(&writer->copy);
    return NULL;
}

static double seconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Bytes per second of so many writers. */
static double throughput(void *(*work)(void *), size_t count) {
    const struct timespec span = {.tv_nsec = 300000000};
    double begin = seconds_now(), calls = 0;
    stop = false;
    for (size_t i = 0; i < count; i++) {
        if (pthread_create(&writers[i].thread, NULL, work, &writers[i]) != 0) fail("pthread_create", "refused");
    }
    nanosleep(&span, NULL);
    stop = true;
    for (size_t i = 0; i < count; i++) {
        pthread_join(writers[i].thread, NULL);
        calls += (double)writers[i].calls;
    }
    return calls * (double)LEN / (seconds_now() - begin);
}

#define SMALL_ROUNDS 5
#define SMALL_SPAN 0.04 /* seconds */
#define AT_A_TIME 64    /* calls between two looks at the clock */

static const char *const small_names[SMALLS] = {"handle", "signal", "object", "message", "map"};

double small_rate(enum small what, const void *own) {
    double begin = seconds_now(), end;
    unsigned long calls = 0;
    do {
        for (unsigned i = 0; i < AT_A_TIME; i++) small_run(what, own);
        calls += AT_A_TIME;
        end = seconds_now();
    } while (end - begin < SMALL_SPAN);
    return (double)calls / (end - begin);
}

struct small_thread {
    pthread_t thread;
    void *own;
    enum small what;
    double rate;
};

static void *small_main(void *arg) {
    struct small_thread *t = arg;
    t->rate = small_rate(t->what, t->own);
    return NULL;
}

static double threads_rate(struct small_thread *threads, enum small what, unsigned count) {
    double rate = 0;
    for (unsigned i = 0; i < count; i++) {
        threads[i].what = what;
        if (pthread_create(&threads[i].thread, NULL, small_main, &threads[i]) != 0) fail("pthread_create", "refused");
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i].thread, NULL);
        rate += threads[i].rate;
    }
    return rate;
}

static double workers_rate(enum small what, unsigned count) {
    double rate = 0;
    for (unsigned i = 0; i < count; i++) worker_ask(i, what);
    for (unsigned i = 0; i < count; i++) rate += worker_answer(i);
    return rate;
}

static void time_small(void) {
    struct small_thread threads[WORKERS];
    for (unsigned i = 0; i < WORKERS; i++) threads[i].own = small_own();
    workers_start();
    for (int round = 0; round < SMALL_ROUNDS; round++) {
        for (enum small what = 0; what < SMALLS; what++) {
            double one = threads_rate(threads, what, 1);
            tell(threads_rate(threads, what, WORKERS) / one, "together/threads/%s/%d", small_names[what], round);
            one = workers_rate(what, 1);
            tell(workers_rate(what, WORKERS) / one, "together/processes/%s/%d", small_names[what], round);
        }
    }
    workers_end();
}

static void time_writers(void) {
    const struct layout layout = {.pages = LEN / PAGE};
    for (size_t i = 0; i < WRITERS; i++) {
        struct target *target = target_make(&layout);
        unsigned char *buffer = memory_map(BUFFER);
        memset(buffer, 1, BUFFER);
        writers[i].transfer = (struct transfer){target, target->base, buffer, LEN};
        writers[i].copy = (struct copy){buffer + LEN + APART, buffer, LEN};
    }
    for (int round = 0; round < ROUNDS; round++) {
        double one = throughput(write_on, 1);
        tell(throughput(write_on, 2) / one, "together/write/%d", round);
        one = throughput(copy_on, 1);
        tell(throughput(copy_on, 2) / one, "together/copy/%d", round);
        /*
         * Where the buffer and the target's frames happen to evict each other from the emulator's buffer, they will no
         * more.
         */
        for (size_t i = 0; i < WRITERS; i++) writers[i].transfer.here += PAGE;
    }
    for (size_t i = 0; i < WRITERS; i++) {
        target_end(writers[i].transfer.target);
        memory_unmap(writers[i].copy.to - LEN - APART, BUFFER);
    }
}

void time_together(void) {
    time_writers();
    time_small();
}
