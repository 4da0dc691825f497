/*
 * The thread reads standard input and puts bytes into a ring, of which it alone moves the head and the program alone
 * the tail. Where that is the console, and nobody else drives the console's serial line, this program does.
 */
#include "user/lib/keyboard.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls.h>
#include <zircon/threads.h>

#include "user/lib/launch.h"
#include "user/lib/serial.h"
#include "user/libc/terminal.h"

#define RING_SIZE 4096u
#define KEPT_SIZE 4096u
#define FULL_PAUSE ZX_MSEC(10)

static char ring[RING_SIZE];
static atomic_uint ring_head, ring_tail; /* counts of bytes put in and taken out */
static atomic_bool ring_ended;
static zx_handle_t event;
static bool terminal; /* is there a person? */

/* What was taken out of the ring and not asked for yet: kept[kept_at] and kept_len bytes on. */
static char kept[KEPT_SIZE];
static size_t kept_at, kept_len;

static struct serial *line; /* the console's; NULL: it is read through standard input … */
static bool sparing;        /* … of which another may be the next reader: nothing is read before it is asked for */
static zx_handle_t wanted;  /* is signaled when it is … */
static atomic_bool asked;   /* … until it is in the ring */
static struct console_input console;

static size_t hear(char *text, size_t size) {
    size_t len = 0;
    if (!line) {
        long got = __port_terminal_read(text, size);
        return got > 0 ? (size_t)got : 0;
    }
    while (len == 0 && !console.ended && serial_read(line, text, size, ZX_TIME_INFINITE, &len) == ZX_OK)
        len = __port_console_decode(&console, text, len);
    return len;
}

static void ring_put(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned head = atomic_load(&ring_head);
        while (head - atomic_load(&ring_tail) == RING_SIZE) zx_nanosleep(zx_deadline_after(FULL_PAUSE));
        ring[head % RING_SIZE] = text[i];
        atomic_store(&ring_head, head + 1);
    }
}

/* Waits until something is wanted, where that matters. */
static bool sparing_wait(void) {
    if (!sparing) return true;
    zx_status_t status = zx_object_wait_one(wanted, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, NULL);
    return status == ZX_OK && zx_object_signal(wanted, ZX_EVENT_SIGNALED, 0) == ZX_OK;
}

/* Whoever looks when the signal comes can take all of it, and ask for more: by then that counts. */
static int thread_main(void *unused) {
    (void)unused;
    char text[1024];
    while (sparing_wait()) {
        size_t len = hear(text, sizeof(text));
        if (len == 0) break;
        ring_put(text, len);
        atomic_store(&asked, false);
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
    __port_console_input_init(&console);
    if (__port_input_is_console()) (void)serial_open(launch_resource(), SERIAL_CONSOLE, &line);
    sparing = !__port_input_is_console();
    thrd_t thread;
    zx_status_t status = zx_event_create(0, &event);
    if (status == ZX_OK) status = zx_event_create(0, &wanted);
    if (status == ZX_OK) status = thrd_status_to_zx_status(thrd_create(&thread, thread_main, NULL));
    if (status != ZX_OK) return status;
    return zx_object_set_property(thrd_get_zx_handle(thread), ZX_PROP_NAME, "keyboard", strlen("keyboard"));
}

/* What is kept moves to the beginning only when all room behind it is used. */
static void take(void) {
    unsigned tail = atomic_load(&ring_tail);
    while (tail != atomic_load(&ring_head) && kept_len < KEPT_SIZE) {
        if (kept_at + kept_len == KEPT_SIZE) {
            memmove(kept, kept + kept_at, kept_len);
            kept_at = 0;
        }
        kept[kept_at + kept_len++] = ring[tail++ % RING_SIZE];
        atomic_store(&ring_tail, tail);
    }
}

/* The signal goes down first: a byte that comes after the look puts it up again. */
void keyboard_poll(void) {
    zx_object_signal(event, ZX_EVENT_SIGNALED, 0);
    take();
    if (sparing && kept_len == 0 && !atomic_exchange(&asked, true)) zx_object_signal(wanted, 0, ZX_EVENT_SIGNALED);
}

bool keyboard_pending(void) { return kept_len > 0; }

static void kept_drop(size_t len) {
    kept_at += len;
    kept_len -= len;
}

bool keyboard_next(char *out) {
    if (kept_len == 0) keyboard_poll();
    if (kept_len == 0) return false;
    *out = kept[kept_at];
    kept_drop(1);
    return true;
}

bool keyboard_interrupted(void) {
    keyboard_poll();
    const char *first = kept + kept_at, *found = terminal ? memrchr(first, KEYBOARD_INTERRUPT, kept_len) : NULL;
    if (found) kept_drop((size_t)(found - first) + 1);
    return found;
}

/* Bytes are looked for once more after the end is known: none come after it. */
bool keyboard_ended(void) {
    keyboard_poll();
    if (!atomic_load(&ring_ended)) return false;
    take();
    return kept_len == 0;
}
