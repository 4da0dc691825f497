/*
 * What is typed, on the host (user/lib/keyboard.c), where somebody else's terminal is read: its thread hears when it is
 * asked. Whenever it says that bytes have come it is held up there, until the reader has done all that it can.
 */
#include "user/lib/keyboard.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <zircon/syscalls.h>
#include <zircon/threads.h>

#include "user/lib/launch.h"
#include "user/lib/serial.h"
#include "user/libc/terminal.h"

static unsigned tests, failures;

static void ok(bool good, const char *what) {
    printf("%sok %u - %s\n", good ? "" : "not ", ++tests, what);
    failures += !good;
}

/* --- the system --- */

enum { NONE, EVENT, WANTED, HANDLES }; /* in the order in which they are created */

static mtx_t lock;
static cnd_t changed;
static zx_signals_t signals[HANDLES];
static zx_handle_t created;
static thrd_t reader;
static bool held, idle; /* the thread: it has said that bytes have come; it waits to be asked */
static size_t heard;    /* how often it has read */

zx_status_t zx_event_create(uint32_t options, zx_handle_t *out) {
    (void)options;
    *out = ++created;
    return ZX_OK;
}

zx_status_t zx_object_signal(zx_handle_t handle, uint32_t clear, uint32_t set) {
    const bool says = handle == EVENT && !thrd_equal(thrd_current(), reader);
    mtx_lock(&lock);
    signals[handle] = (signals[handle] & ~clear) | set;
    if (says) held = true;
    cnd_broadcast(&changed);
    while (says && held) cnd_wait(&changed, &lock);
    mtx_unlock(&lock);
    return ZX_OK;
}

zx_status_t zx_object_wait_one(zx_handle_t handle, zx_signals_t waitfor, zx_time_t deadline, zx_signals_t *observed) {
    (void)deadline, (void)observed;
    mtx_lock(&lock);
    while (!(signals[handle] & waitfor)) {
        idle = true;
        cnd_broadcast(&changed);
        cnd_wait(&changed, &lock);
    }
    idle = false;
    mtx_unlock(&lock);
    return ZX_OK;
}

zx_status_t zx_object_set_property(zx_handle_t handle, uint32_t property, const void *value, size_t size) {
    (void)handle, (void)property, (void)value, (void)size;
    return ZX_OK;
}

zx_time_t zx_deadline_after(zx_duration_t duration) { return duration; }
zx_status_t zx_nanosleep(zx_time_t deadline) { return deadline > 0 ? ZX_OK : ZX_ERR_INTERNAL; }
int thrd_status_to_zx_status(int status) { return status == thrd_success ? ZX_OK : ZX_ERR_NO_MEMORY; }

zx_handle_t thrd_get_zx_handle(thrd_t thread) {
    (void)thread;
    return NONE;
}

/* --- whose terminal it is --- */

static const char *const lines[] = {"a", "bc", "d"};

bool __port_input_is_console(void) { return false; }
void __port_console_input_init(struct console_input *input) { *input = (struct console_input){.kind = CONSOLE_PIPE}; }

size_t __port_console_decode(struct console_input *input, char *text, size_t len) {
    (void)input, (void)text;
    return len;
}

zx_handle_t launch_resource(void) { return ZX_HANDLE_INVALID; }

zx_status_t serial_open(zx_handle_t resource, enum serial_line line, struct serial **out) {
    (void)resource, (void)line, (void)out;
    return ZX_ERR_NOT_FOUND;
}

zx_status_t serial_read(struct serial *serial, void *buffer, size_t size, zx_time_t deadline, size_t *actual) {
    (void)serial, (void)buffer, (void)size, (void)deadline, (void)actual;
    return ZX_ERR_NOT_FOUND;
}

long __port_terminal_read(char *buffer, size_t size) {
    size_t at = heard++;
    if (at >= sizeof(lines) / sizeof(*lines)) return 0;
    size_t len = strlen(lines[at]) < size ? strlen(lines[at]) : size;
    memcpy(buffer, lines[at], len);
    return (long)len;
}

/* --- the tests --- */

/* Waits until the thread says that bytes have come: false if it waits to be asked instead. */
static bool comes(void) {
    mtx_lock(&lock);
    while (!held && !(idle && !(signals[WANTED] & ZX_EVENT_SIGNALED))) cnd_wait(&changed, &lock);
    bool come = held;
    mtx_unlock(&lock);
    return come;
}

static void let_go(void) {
    mtx_lock(&lock);
    held = false;
    cnd_broadcast(&changed);
    mtx_unlock(&lock);
}

/* Is this all that there is to take? */
static bool takes(const char *text) {
    char byte;
    for (; *text; text++) {
        if (!keyboard_next(&byte) || byte != *text) return false;
    }
    return !keyboard_next(&byte);
}

int main(void) {
    mtx_init(&lock, mtx_plain);
    cnd_init(&changed);
    reader = thrd_current();
    if (keyboard_start() != ZX_OK) abort();
    ok(!comes() && heard == 0, "nothing is read before it is asked for");
    char byte;
    ok(!keyboard_next(&byte) && comes(), "what is asked for comes");
    ok(takes("a"), "it is there when that is said");
    let_go();
    ok(comes() && heard == 2, "more was asked for at that moment, and comes");
    ok(keyboard_next(&byte) && byte == 'b', "of several bytes one is taken");
    let_go();
    ok(!comes() && heard == 2, "then nothing more is read");
    ok(takes("c") && comes(), "until all of them are");
    ok(takes("d"), "and so on");
    let_go();
    ok(comes() && keyboard_ended(), "to the end");
    let_go();
    printf("1..%u\n", tests);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
