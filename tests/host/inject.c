/*
 * Failure injection: the programs of the system-call fuzzer's corpus, with every allocation of every call failing once,
 * and then with a limit in the way of it. What fails must fail with NO_MEMORY, leak nothing, and leave everything as it
 * was; then the call is made again. Before that, each program runs once as it is. The files or folders of programs are
 * the arguments; the result is TAP.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/host/world.h"

#define MEMORY ((size_t)64 << 20)
#define MAX_PROGRAM 4096

static struct world world;

/* Calls that cannot be repeated meet one failure in each run: until none of them has so many allocations. */
static void run_failing(const uint8_t *program, size_t size) {
    for (world.nth = 1, world.once_failed = true; world.once_failed; world.nth++) {
        world.once_failed = false;
        world_run(&world, program, size);
    }
}

static bool run_program(const char *path) {
    static uint8_t program[MAX_PROGRAM];
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    size_t size = fread(program, 1, sizeof(program), f);
    fclose(f);
    world.inject = false;
    world_run(&world, program, size);
    world.inject = true;
    world.limit = false;
    run_failing(program, size);
    world.limit = true;
    run_failing(program, size);
    return true;
}

static unsigned run_folder(const char *folder) {
    char path[4096];
    unsigned count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        count += run_program(path);
    }
    if (dir) closedir(dir);
    return count;
}

int main(int argc, char **argv) {
    unsigned count = 0;
    world.trace = getenv("WORLD_TRACE");
    host_start(MEMORY);
    printf("1..1\n");
    for (int i = 1; i < argc; i++) count += run_folder(argv[i]) || run_program(argv[i]);
    bool good = count > 0 && world.injections > 0;
    printf("%sok 1 - %lu failed allocations do no harm\n", good ? "" : "not ", world.injections);
    return !good;
}
