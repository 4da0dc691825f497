/*
 * Two at once and one alone, in turns: what the second processor adds. Neither may wait for the other where nothing is
 * shared. Writers, each to a target of its own; small calls on objects of one's own, of two threads and of two
 * processes; small writes of two threads, to targets that they share more and more of; and bare copies, which show what
 * the host has to give.
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

static const char *const small_names[SMALLS] = {"handle", "signal", "object", "message", "map", "fault"};

static double rate_of(operation *act, const void *arg) {
    double begin = seconds_now(), end;
    unsigned long calls = 0;
    do {
        for (unsigned i = 0; i < AT_A_TIME; i++) act(arg);
        calls += AT_A_TIME;
        end = seconds_now();
    } while (end - begin < SMALL_SPAN);
    return (double)calls / (end - begin);
}

struct small_act {
    enum small what;
    const void *own;
};

static void small_act(const void *arg) {
    const struct small_act *act = arg;
    small_run(act->what, act->own);
}

double small_rate(enum small what, const void *own) { return rate_of(small_act, &(struct small_act){what, own}); }

struct small_thread {
    pthread_t thread;
    operation *act;
    const void *arg;
    double rate;
};

static void *small_main(void *arg) {
    struct small_thread *t = arg;
    t->rate = rate_of(t->act, t->arg);
    return NULL;
}

/* Of so many threads, each with one of the arguments. */
static double threads_rate(operation *act, const void *const args[], unsigned count) {
    struct small_thread threads[WORKERS];
    double rate = 0;
    for (unsigned i = 0; i < count; i++) {
        threads[i].act = act;
        threads[i].arg = args[i];
        if (pthread_create(&threads[i].thread, NULL, small_main, &threads[i]) != 0) fail("pthread_create", "refused");
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i].thread, NULL);
        rate += threads[i].rate;
    }
    return rate;
}

static void tell_threads(operation *act, const void *const args[WORKERS], const char *name, int round) {
    double one = threads_rate(act, args, 1);
    tell(threads_rate(act, args, WORKERS) / one, "together/threads/%s/%d", name, round);
}

static double workers_rate(enum small what, unsigned count) {
    double rate = 0;
    for (unsigned i = 0; i < count; i++) worker_ask(i, what);
    for (unsigned i = 0; i < count; i++) rate += worker_answer(i);
    return rate;
}

void time_small(void) {
    struct small_act acts[WORKERS];
    const void *args[WORKERS];
    for (unsigned i = 0; i < WORKERS; i++) {
        acts[i].own = small_own();
        args[i] = &acts[i];
    }
    workers_start();
    for (int round = 0; round < SMALL_ROUNDS; round++) {
        for (enum small what = 0; what < SMALLS; what++) {
            for (unsigned i = 0; i < WORKERS; i++) acts[i].what = what;
            tell_threads(small_act, args, small_names[what], round);
            double one = workers_rate(what, 1);
            tell(workers_rate(what, WORKERS) / one, "together/processes/%s/%d", small_names[what], round);
        }
    }
    workers_end();
}

/* Two threads write, each to pages of its own: of its own target, of its own mapping in one target, of one mapping. */
static const struct small_write {
    const char *name;
    size_t len;
    enum { OWN_TARGETS, OWN_MAPPINGS, ONE_MAPPING } shared;
} small_writes[] = {
    {"write-8-targets", WORD, OWN_TARGETS},
    {"write-8-mappings", WORD, OWN_MAPPINGS},
    {"write-8-mapping", WORD, ONE_MAPPING},
    {"write-64k-mappings", 64 * KIB, OWN_MAPPINGS},
};

static void time_small_write(const struct small_write *what) {
    const size_t pages = (what->len + PAGE - 1) / PAGE, targets = what->shared == OWN_TARGETS ? WORKERS : 1;
    const struct layout layout = {.pages = WORKERS * pages, .each = what->shared == OWN_MAPPINGS ? pages : 0};
    struct target *made[WORKERS] = {target_make(&layout)};
    struct transfer transfers[WORKERS];
    const void *args[WORKERS];
    for (size_t i = 1; i < targets; i++) made[i] = target_make(&layout);
    for (size_t i = 0; i < WORKERS; i++) {
        struct target *target = made[i % targets];
        unsigned char *buffer = memory_map(pages * PAGE);
        memset(buffer, 1, pages * PAGE);
        transfers[i] = (struct transfer){target, target->base + i * pages * PAGE, buffer, what->len};
        args[i] = &transfers[i];
    }
    for (int round = 0; round < SMALL_ROUNDS; round++) tell_threads(methods[0].write, args, what->name, round);
    for (size_t i = 0; i < WORKERS; i++) memory_unmap(transfers[i].here, pages * PAGE);
    for (size_t i = 0; i < targets; i++) target_end(made[i]);
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
    for (size_t i = 0; i < sizeof(small_writes) / sizeof(small_writes[0]); i++) time_small_write(&small_writes[i]);
}
