/*
 * Watching another process count, without its help.
 *
 *     watcher                       starts a process of its own that counts as fast as it can, and looks at its counter
 *     watcher PID ADDR [SAMPLES]    looks at the 8 bytes at ADDR of any process, named by koid or name
 *
 * What to look at: sample(), where zx_process_read_memory fetches a variable of a process that runs on meanwhile and
 * never notices; and main(), where the watcher knows the variable's address without asking: both processes run this
 * same program, which is linked to stand at the same addresses everywhere. The variables are two all the same. Each
 * process has pages of its own for what it writes: the watcher's own counter stays 0.
 *
 * In the monitor `start watcher count` starts only the one that counts, for whoever wants to look at it with other
 * tools.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#include "user/lib/launch.h"
#include "user/lib/process_find.h"

#define PERIOD_MS 100
#define DEFAULT_SAMPLES 10
#define MAX_SAMPLES 100000

/* Volatile, or the compiler would see that nobody in this process reads it, and leave it out. */
static volatile uint64_t counter;

/* Adds a thousand at once: what others write to the counter meanwhile stays, but for that one instruction. */
static void count_thousand(void) {
    volatile uint64_t n = 0;
    while (n < 1000) n++;
    counter += n;
}

/* The counting process. It stops when the watcher's end of the channel is closed: when the watcher is gone, that is. */
static int count(void) {
    zx_handle_t watcher = zx_take_startup_handle(PA_HND(PA_USER0, 0));
    for (;;) {
        for (int i = 0; i < 1000; i++) count_thousand();
        if (zx_object_wait_one(watcher, ZX_CHANNEL_PEER_CLOSED, 0, NULL) == ZX_OK) return EXIT_SUCCESS;
    }
}

static zx_status_t sample(zx_handle_t process, zx_vaddr_t addr, uint64_t *value) {
    size_t actual;
    zx_status_t status = zx_process_read_memory(process, addr, value, sizeof(*value), &actual);
    /* Memory can end in the middle of the eight bytes. Then fewer come, and that is no error. */
    return status == ZX_OK && actual < sizeof(*value) ? ZX_ERR_NO_MEMORY : status;
}

static int watch(zx_handle_t process, zx_vaddr_t addr, long samples) {
    uint64_t before, now;
    zx_status_t status = sample(process, addr, &before);
    zx_time_t start = zx_clock_get_monotonic();
    for (long i = 1; i <= samples && status == ZX_OK; i++) {
        /* A deadline, not a pause: what the loop itself takes does not add up. */
        zx_nanosleep(start + i * ZX_MSEC(PERIOD_MS));
        status = sample(process, addr, &now);
        if (status != ZX_OK) break;
        printf("%5.1f s  %20" PRIu64 "  %+" PRId64 "\n", (double)i * PERIOD_MS / 1000, now, (int64_t)(now - before));
        before = now;
    }
    if (status == ZX_OK) return EXIT_SUCCESS;
    printf("There is nothing more to see: %s.\n", zx_status_get_string(status));
    return EXIT_FAILURE;
}

static int watch_own(const char *self) {
    zx_handle_t process, channel;
    /* A program can start itself: it is in the archive under the name that is its first argument. */
    const char *const args[] = {self, "count", NULL};
    zx_status_t status = launch_partner(args, NULL, &process, &channel);
    if (status != ZX_OK) {
        printf("The counting process cannot be started: %s.\n", zx_status_get_string(status));
        return EXIT_FAILURE;
    }
    printf("Another process counts at %p; ten times a second I look how far it is.\n", (const void *)&counter);
    int result = watch(process, (zx_vaddr_t)&counter, DEFAULT_SAMPLES);
    printf("My own counter, at the same address, is still %" PRIu64 ".\n", counter);
    zx_task_kill(process);
    return result;
}

int main(int argc, char **argv) {
    if (argc == 1) return watch_own(argv[0]);
    if (argc == 2 && strcmp(argv[1], "count") == 0) return count();

    zx_handle_t process;
    zx_koid_t koid;
    char *end = "?";
    zx_vaddr_t addr = argc >= 3 ? strtoull(argv[2], &end, 16) : 0;
    long samples = argc == 4 ? strtol(argv[3], NULL, 10) : DEFAULT_SAMPLES;
    if (argc < 3 || argc > 4 || *end != '\0' || samples < 1 || samples > MAX_SAMPLES) {
        printf("usage: %s [PID ADDR [SAMPLES]]\n", argv[0]);
        return EXIT_FAILURE;
    }
    if (process_find(argv[1], &process, &koid) != ZX_OK) {
        printf("There is no process %s, or more than one.\n", argv[1]);
        return EXIT_FAILURE;
    }
    return watch(process, addr, samples);
}
