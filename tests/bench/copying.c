/*
 * The bare loops, measured.
 */
#include <string.h>

#include "tests/bench/copies.h"
#include "tests/bench/measures.h"
#include "tests/bench/meter.h"
#include "tests/bench/system.h"

#define TRIES 3

const size_t sizes[] = {1, 8, 64, 512, 4 * KIB, 64 * KIB, MIB, 16 * MIB, 64 * MIB};
const size_t size_count = sizeof(sizes) / sizeof(sizes[0]);

struct work {
    const struct copy_loop *loop;
    struct copy copy;
};

static void run(const void *arg) {
    const struct work *work = arg;
    work->loop->run(&work->copy);
}

typedef void measure_fn(const struct work *work);

static void each_loop(size_t len, measure_fn *measure) {
    unsigned char *memory = memory_map(2 * len + APART * (PLACES + 1));
    memset(memory, 1, 2 * len + APART * (PLACES + 1));
    for (size_t i = 0; i < copy_loop_count; i++) {
        const struct work work = {&copy_loops[i], {memory + len / PAGE * PAGE + APART, memory, len}};
        if (len % work.loop->unit == 0) measure(&work);
    }
    memory_unmap(memory, 2 * len + APART * (PLACES + 1));
}

static void count_one(const struct work *work) {
    tell((double)meter_least(run, work, TRIES), "copy/%s/%zu", work->loop->name, work->copy.len);
}

void measure_copies(void) {
    for (size_t s = 0; s < size_count; s++) each_loop(sizes[s], count_one);
}

static void time_one(const struct work *first) {
    struct work work = *first;
    double least = meter_time(run, &work);
    for (size_t place = 1; place < PLACES; place++) {
        work.copy.to += APART;
        double time = meter_time(run, &work);
        if (time < least) least = time;
    }
    tell(least, "copy/%s/%zu", work.loop->name, work.copy.len);
}

void time_copy(size_t len) { each_loop(len, time_one); }
