/*
 * One of several instances of a program. For each message on its channel it calls a function of its text, and answers
 * with what that gave, how often it was called in this instance, and where it is.
 */
#include "tests/programs/neighbour.h"

#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/syscalls.h>

static uint64_t calls = 100; /* not zero: so it comes from the file */

__attribute__((noinline)) static uint64_t answer(void) {
    calls++;
    return 42;
}

int main(void) {
    zx_handle_t channel = zx_take_startup_handle(PA_HND(PA_USER0, 0));
    struct neighbour_message message;
    for (;;) {
        uint32_t len;
        zx_signals_t wanted = ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED;
        if (zx_object_wait_one(channel, wanted, ZX_TIME_INFINITE, NULL) != ZX_OK) return 1;
        if (zx_channel_read(channel, 0, &message, NULL, sizeof(message), 0, &len, NULL) != ZX_OK) return 0;
        uint64_t result = answer();
        message = (struct neighbour_message){message.txid, result, calls, (zx_vaddr_t)answer};
        if (zx_channel_write(channel, 0, &message, sizeof(message), NULL, 0) != ZX_OK) return 2;
    }
}
