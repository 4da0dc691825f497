/*
 * The thread reads standard input and puts bytes into a ring, of which it alone moves the head and the program alone
 * the tail.
 */
#include "user/lib/keyboard.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zircon/syscalls.h>
#include <zircon/threads.h>

#define RING_SIZE 1024u
#define KEPT_SIZE 4096u
#define FULL_PAUSE ZX_MSEC(10)

static char ring[RING_SIZE];
static atomic_uint ring_head, ring_tail; /* counts of bytes put in and taken out */
static atomic_bool ring_ended;
static zx_handle_t event;
static bool terminal; /* is there a person? */

static char kept[KEPT_SIZE];
static size_t kept_len;

static int thread_main(void *unused) {
    (void)unused;
    char byte;
    while (read(STDIN_FILENO, &byte, 1) == 1) {
        unsigned head = atomic_load(&ring_head);
        while (head - atomic_load(&ring_tail) == RING_SIZE) zx_nanosleep(zx_deadline_after(FULL_PAUSE));
        ring[head % RING_SIZE] = byte;
        atomic_store(&ring_head, head + 1);
        zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
    }
    atomic_store(&ring_ended, true);
    zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
    return 0;
}

bool keyboard_is_terminal(void) { return terminal; }
zx_handle_t keyboard_event(void) { return event; }

zx_status_t keyboard_start(void) {
    const char *kind = getenv("init.console");
    terminal = !kind || (strcmp(kind, "pipe") != 0 && strcmp(kind, "none") != 0);
    thrd_t thread;
    zx_status_t status = zx_event_create(0, &event);
    if (status == ZX_OK) status = thrd_status_to_zx_status(thrd_create(&thread, thread_main, NULL));
    if (status != ZX_OK) return status;
    return zx_object_set_property(thrd_get_zx_handle(thread), ZX_PROP_NAME, "keyboard", strlen("keyboard"));
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
