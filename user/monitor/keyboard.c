/*
 * The thread puts bytes into a ring, of which it alone moves the head and the program alone the tail. It has no
 * thread-local storage, so all it does is system calls.
 */
#include "user/monitor/keyboard.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "libc_inline/machine.h"
#include "user/lib/launch.h"

#define RING_SIZE 1024u
#define KEPT_SIZE 4096u
#define STACK_SIZE 16384u
#define FULL_PAUSE ZX_MSEC(10)

#define END_OF_INPUT 0x04
#define QUOTE 0x16

static char ring[RING_SIZE];
static atomic_uint ring_head, ring_tail; /* counts of bytes put in and taken out */
static atomic_bool ring_ended;
static zx_handle_t event, console;
static bool terminal, silent; /* is there a person, can there be any input? */

static char kept[KEPT_SIZE];
static size_t kept_len;

static _Alignas(16) char stack[STACK_SIZE];

/* The thread. */

static bool read_byte(char *out) {
    size_t wanted = 1;
    return zx_debug_read(console, out, &wanted) == ZX_OK;
}

/* One byte of the input as it was meant; false at its end. */
static bool read_input(char *out) {
    if (silent || !read_byte(out)) return false;
    if (terminal) return true;
    if (*out == QUOTE) return read_byte(out);
    return *out != END_OF_INPUT;
}

static void thread_main(void) {
    char byte;
    while (read_input(&byte)) {
        unsigned head = atomic_load(&ring_head);
        while (head - atomic_load(&ring_tail) == RING_SIZE) zx_nanosleep(zx_deadline_after(FULL_PAUSE));
        ring[head % RING_SIZE] = byte;
        atomic_store(&ring_head, head + 1);
        zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
    }
    atomic_store(&ring_ended, true);
    zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
    zx_thread_exit();
}

/* The program. */

bool keyboard_is_terminal(void) { return terminal; }
zx_handle_t keyboard_event(void) { return event; }

zx_status_t keyboard_start(void) {
    const char *kind = getenv("init.console");
    silent = kind && strcmp(kind, "none") == 0;
    terminal = !kind || (strcmp(kind, "pipe") != 0 && !silent);
    console = launch_resource();
    zx_handle_t thread;
    zx_status_t status = zx_event_create(0, &event);
    if (status != ZX_OK) return status;
    status = zx_thread_create(zx_process_self(), "keyboard", strlen("keyboard"), 0, &thread);
    if (status != ZX_OK) return status;
    zx_vaddr_t top = machine_stack_pointer((zx_vaddr_t)stack, STACK_SIZE);
    status = zx_thread_start(thread, (uintptr_t)thread_main, top, 0, 0);
    zx_handle_close(thread);
    return status;
}

static void take(void) {
    unsigned tail = atomic_load(&ring_tail);
    while (tail != atomic_load(&ring_head) && kept_len < KEPT_SIZE) {
        kept[kept_len++] = ring[tail++ % RING_SIZE];
        atomic_store(&ring_tail, tail);
    }
}

/* The signal goes down first: a byte that comes after the look puts it up again. */
void keyboard_poll(void) {
    zx_object_signal(event, ZX_EVENT_SIGNALED, 0);
    take();
}

bool keyboard_pending(void) { return kept_len > 0; }

static void kept_drop(size_t len) {
    kept_len -= len;
    memmove(kept, kept + len, kept_len);
}

bool keyboard_next(char *out) {
    if (kept_len == 0) keyboard_poll();
    if (kept_len == 0) return false;
    *out = kept[0];
    kept_drop(1);
    return true;
}

bool keyboard_interrupted(void) {
    keyboard_poll();
    const char *found = terminal ? memrchr(kept, KEYBOARD_INTERRUPT, kept_len) : NULL;
    if (found) kept_drop((size_t)(found - kept) + 1);
    return found;
}

/* Bytes are looked for once more after the end is known: none come after it. */
bool keyboard_ended(void) {
    keyboard_poll();
    if (!atomic_load(&ring_ended)) return false;
    take();
    return kept_len == 0;
}
