/*
 * The measurements, one source for Jargoon and for Linux:
 *
 *     bench instructions     instructions per call; to be run where the time-stamp counter counts them
 *     bench time             nanoseconds per call
 *     bench together         the throughput of two writers beside that of one
 *     bench turns            the small calls of that, to be run on one processor
 *     bench up               only that the machine is up, and the memory in use
 *
 * The last argument counts: Linux puts words of its own command line before it.
 *
 * tests/bench/bench runs it and reads the results, lines of `= NAME VALUE`, the last of them `= end 0`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/measures.h"
#include "tests/bench/meter.h"
#include "tests/bench/system.h"

static void measure_all(void) {
    meter_start();
    measure_calls();
    measure_copies();
    measure_transfers();
    measure_mappings();
    measure_generations();
    measure_buffers();
    measure_words();
}

static void measure_memory(void) {}

static const struct {
    const char *name;
    void (*run)(void);
} modes[] = {{"instructions", measure_all},
             {"time", time_transfers},
             {"together", time_together},
             {"turns", time_small},
             {"up", measure_memory}};

int main(int argc, char **argv) {
    if (system_is_child(argc, argv)) return 0;
    printf("= begin 0\n"); /* the machine is up */
    fflush(stdout);
    system_start();
    tell((double)system_memory_used(), "memory-used");
    for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(argv[argc - 1], modes[i].name) != 0) continue;
        modes[i].run();
        tell(0, "end");
        return system_end(EXIT_SUCCESS);
    }
    fail("bench", "it is to be told what to measure");
}
