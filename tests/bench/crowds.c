/*
 * How the cost of calls on objects grows with how many wait for them. Prints lines of a name and a number, instructions
 * per call, for tests/70-scaling.t; run it as scaling.c, which has the same for memory.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/port.h>

#define TRIES 9

static void must(zx_status_t status, int line) {
    if (status == ZX_OK) return;
    printf("line %d: %s\n", line, zx_status_get_string(status));
    exit(EXIT_FAILURE);
}
#define MUST(call) must((call), __LINE__)

static uint64_t now(void) {
    _mm_lfence();
    return __rdtsc();
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static void tell(const char *what, unsigned n, uint64_t cost) {
    printf("%s %u %llu\n", what, n, (unsigned long long)cost);
}

static zx_handle_t duplicate(zx_handle_t handle) {
    zx_handle_t out;
    MUST(zx_handle_duplicate(handle, ZX_RIGHT_SAME_RIGHTS, &out));
    return out;
}

static uint64_t close_cost(zx_handle_t handle) {
    uint64_t begin = now();
    MUST(zx_handle_close(handle));
    return now() - begin;
}

static uint64_t signal_cost(zx_handle_t event) {
    uint64_t cost = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        uint64_t begin = now();
        MUST(zx_object_signal(event, ZX_USER_SIGNAL_1, i % 2 ? 0 : ZX_USER_SIGNAL_1));
        cost = least(cost, now() - begin);
    }
    return cost;
}

/*
 * An event with so many handles, through each of which a port watches it for a signal that does not come: raising
 * another one, closing a handle through which nobody watches, and closing one of the others.
 */
static void watches(unsigned count) {
    zx_handle_t event, port, *handles = calloc(count, sizeof(*handles));
    uint64_t bystander = UINT64_MAX, watched = UINT64_MAX;
    MUST(zx_event_create(0, &event));
    MUST(zx_port_create(0, &port));
    for (unsigned i = 0; i < count; i++) {
        handles[i] = duplicate(event);
        MUST(zx_object_wait_async(handles[i], port, i, ZX_USER_SIGNAL_0, ZX_WAIT_ASYNC_ONCE));
    }
    tell("signal-watched", count, signal_cost(event));
    for (int i = 0; i < TRIES; i++) bystander = least(bystander, close_cost(duplicate(event)));
    tell("close-bystander", count, bystander);
    for (unsigned i = 0; i < count; i++) watched = least(watched, close_cost(handles[(count / 2 + i) % count]));
    tell("close-watched", count, watched);
    MUST(zx_handle_close(event));
    MUST(zx_handle_close(port));
    free(handles);
}

int main(void) {
    for (unsigned count = 1; count <= 10000; count *= 100) watches(count);
    return 0;
}
