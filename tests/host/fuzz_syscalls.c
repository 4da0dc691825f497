/*
 * Fuzzing the system calls: an input is a program for a world of processes, checked against the model at each step.
 * WORLD_TRACE=1 prints each call and its status.
 */
#include <stdlib.h>

#include "tests/host/world.h"

#define MEMORY ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct world world;
    static bool booted;
    if (!booted) host_start(MEMORY);
    booted = true;
    world.trace = getenv("WORLD_TRACE");
    world_run(&world, data, size);
    return 0;
}
