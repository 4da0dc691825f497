/*
 * gdbserver: GDB and LLDB debug this machine's processes, over the second serial line.
 *
 *     gdbserver                       waits for a debugger, which attaches to processes or runs programs
 *     gdbserver PROGRAM [ARGS]        launches a program, and stops it at its first instruction; the debugger shows
 *                                     what it writes
 *     gdbserver --wait PROGRAM [ARGS] likewise, but console and exit status are the program's
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/status.h>

#include "user/gdbserver/output.h"
#include "user/gdbserver/server.h"
#include "user/lib/launch.h"
#include "user/lib/serial.h"

#define STACK_TAKEN 65536

bool server_end;

static int fail(const char *what, zx_status_t status) {
    printf("gdbserver: %s: %s\n", what, zx_status_get_string(status));
    return EXIT_FAILURE;
}

static void wait_for_anything(zx_handle_t awaited) {
    zx_wait_item_t items[ZX_WAIT_MANY_MAX_ITEMS] = {{session_event(), SERIAL_READABLE, 0},
                                                    {run_channel(), ZX_CHANNEL_READABLE, 0}};
    size_t count = 2;
    if (awaited != ZX_HANDLE_INVALID) items[count++] = (zx_wait_item_t){awaited, ZX_PROCESS_TERMINATED, 0};
    for (const struct debug_process *p = processes; p; p = p->next) {
        if (p->ended) continue;
        items[count++] = (zx_wait_item_t){p->channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, 0};
        items[count++] = (zx_wait_item_t){p->handle, ZX_PROCESS_TERMINATED, 0};
    }
    if (session.under_way) count += output_items(items + count, ZX_WAIT_MANY_MAX_ITEMS - count);
    (void)zx_object_wait_many(items, count, ZX_TIME_INFINITE);
}

static void serve_once(zx_handle_t awaited) {
    wait_for_anything(awaited);
    run_take();
    if (session.under_way) output_serve();
    session_read();
    stops_look();
}

/* Until the program has ended, if its end is awaited. */
static int serve(zx_handle_t awaited) {
    zx_info_process_t info = {0};
    while (!server_end) {
        serve_once(awaited);
        if (awaited == ZX_HANDLE_INVALID) continue;
        if (zx_object_wait_one(awaited, ZX_PROCESS_TERMINATED, 0, NULL) != ZX_OK) continue;
        stops_look(); /* it may have ended since the last look, and the debugger is told first */
        (void)zx_object_get_info(awaited, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL);
        zx_process_exit(info.return_code);
    }
    detach_all();
    return EXIT_SUCCESS;
}

/* Beside it runs a guard of its own kind, which undoes what was done to programs if the server is killed. */
static zx_status_t guard_start(void) {
    static const char *const args[] = {"gdbserver", "--guard", NULL};
    zx_handle_t process, channel;
    zx_status_t status = launch_partner(args, "gdbguard", &process, &channel);
    if (status != ZX_OK) return status;
    guard_use(process, channel);
    zx_handle_close(process);
    return ZX_OK;
}

/* All the memory of its own that it may need: it is to go on where a program has used up what there is. */
__attribute__((noinline)) static void memory_take(void) {
    extern char __bss_start[], _end[];
    volatile char stack[STACK_TAKEN];
    for (volatile char *at = __bss_start; at < _end; at += ZX_PAGE_SIZE) {
        const char byte = *at;
        *at = byte;
    }
    for (size_t at = 0; at < sizeof(stack); at += ZX_PAGE_SIZE) stack[at] = 0;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--guard") == 0) return guard_run(zx_take_startup_handle(PA_HND(PA_USER0, 0)));
    bool waits = argc > 1 && strcmp(argv[1], "--wait") == 0;
    zx_handle_t awaited = ZX_HANDLE_INVALID;
    struct debug_process *p;
    memory_take();
    zx_status_t status = session_start();
    if (status != ZX_OK) return fail("there is no line to a debugger", status);
    status = guard_start();
    if (status != ZX_OK) return fail("the guard cannot be started", status);
    status = run_start();
    if (status != ZX_OK) return fail("programs cannot be debugged", status);
    if (argc > 1 + waits) {
        run_args = (const char *const *)argv + 1 + waits;
        status = run_launch(run_args, waits, &p);
        if (status != ZX_OK) return fail(run_args[0], status);
        if (waits) status = zx_handle_duplicate(p->handle, ZX_RIGHT_SAME_RIGHTS, &awaited);
        if (status != ZX_OK) return fail(run_args[0], status);
    }
    return serve(awaited);
}
