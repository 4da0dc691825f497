/*
 * Two writers at once, each to a target of its own, and one alone, in turns: what the second processor adds. Neither
 * may wait for the other where nothing is shared. The same with bare copies, which tell what the host has to give.
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

void time_together(void) {
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
