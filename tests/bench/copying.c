/*
 * The bare loops, measured. Source and destination lie an odd number of pages apart: the emulator's translation buffer
 * is direct-mapped, and pages that share an entry of it would evict each other at every access.
 */
#include <string.h>

#include "tests/bench/copies.h"
#include "tests/bench/measures.h"
#include "tests/bench/meter.h"
#include "tests/bench/system.h"

#define TRIES 3
#define APART (37 * PAGE)

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

static void each(size_t least, size_t most, void (*measure)(const struct work *work)) {
    size_t half = most + APART;
    unsigned char *memory = memory_map(2 * half);
    memset(memory, 1, 2 * half);
    for (size_t i = 0; i < copy_loop_count; i++) {
        const struct copy_loop *loop = &copy_loops[i];
        for (size_t s = 0; s < size_count; s++) {
            if (sizes[s] < least || sizes[s] > most || sizes[s] % loop->unit) continue;
            struct work work = {loop, {memory + half, memory, sizes[s]}};
            measure(&work);
        }
    }
    memory_unmap(memory, 2 * half);
}

static void count_one(const struct work *work) {
    tell((double)meter_least(run, work, TRIES), "copy/%s/%zu", work->loop->name, work->copy.len);
}

static void time_one(const struct work *work) {
    tell(meter_time(run, work), "copy/%s/%zu", work->loop->name, work->copy.len);
}

void measure_copies(void) { each(1, 64 * MIB, count_one); }

void time_copies(void) { each(64 * KIB, 16 * MIB, time_one); }
