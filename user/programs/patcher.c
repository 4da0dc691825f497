/*
 * A detour in a running neighbour: its function is changed under its feet, and changed back.
 *
 * The neighbour is a second process with this same program. Over and over it calls greet() and sends what that returns.
 * The patcher makes its greet() jump to another function, and nobody else's: the two processes run from the same
 * pages of the boot archive, but the first write to program text gives the written process a page of its own.
 *
 * What to look at: detour_write(). A jump to anywhere takes 5 bytes. They are written over the first instruction of a
 * function that another processor may just be executing: it meets the old instruction or the new one, never a part of
 * each, since zx_process_write_memory lets nobody execute text while it changes it. All that is needed is that the
 * first instruction is as long as the jump, for the neighbour may be about to execute the second.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#include "user/lib/launch.h"

#define JUMP_LEN 5
#define JUMP 0xe9

#define PAUSE ZX_MSEC(50)
#define MAX_TEXT 64
#define GREETINGS 3

__asm__(".pushsection .text.greet, \"ax\", @progbits\n"
        ".balign 16\n"
        "greet:\n"
        "greet_text:\n"
        "    .byte 0xe9\n"
        "    .long greet_usual - (. + 4)\n"
        ".popsection\n");

extern uint8_t greet_text[];
const char *greet(void);
const char *greet_usual(void);
const char *greet_otherwise(void);

/* `used`: that assembly jumps to it, or a patch, the compiler cannot see. */
__attribute__((used)) const char *greet_usual(void) { return "What a fine day."; }
__attribute__((used)) const char *greet_otherwise(void) { return "I am not quite myself."; }

/* The neighbour. It ends when nobody hears it any more. */
static int neighbour(void) {
    zx_handle_t channel = zx_take_startup_handle(PA_HND(PA_USER0, 0));
    for (;;) {
        const char *text = greet();
        if (zx_channel_write(channel, 0, text, (uint32_t)strlen(text), NULL, 0) != ZX_OK) return EXIT_SUCCESS;
        zx_nanosleep(zx_deadline_after(PAUSE));
    }
}

/* The patcher. */

static void need(zx_status_t status, const char *what) {
    if (status == ZX_OK) return;
    printf("%s: %s.\n", what, zx_status_get_string(status));
    exit(EXIT_FAILURE);
}

static void listen(zx_handle_t channel) {
    for (int i = 0; i < GREETINGS; i++) {
        char text[MAX_TEXT];
        uint32_t len;
        need(zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL), "The neighbour is not heard");
        need(zx_channel_read(channel, 0, text, NULL, sizeof(text), 0, &len, NULL), "The neighbour is not heard");
        printf("    neighbour: %.*s\n", (int)len, text);
    }
}

static void write_bytes(zx_handle_t process, const void *at, const void *bytes, size_t len) {
    size_t actual;
    need(zx_process_write_memory(process, (zx_vaddr_t)at, bytes, len, &actual), "The text cannot be written");
}

/* A jump's distance counts from the end of the jump. */
static void detour_write(zx_handle_t process, const void *to) {
    int32_t distance = (int32_t)((intptr_t)to - (intptr_t)(greet_text + JUMP_LEN));
    uint8_t jump[JUMP_LEN] = {JUMP};
    memcpy(jump + 1, &distance, sizeof(distance));
    write_bytes(process, greet_text, jump, sizeof(jump));
}

static void show_text(const char *whose, const uint8_t *bytes) {
    printf("    %-10s", whose);
    for (int i = 0; i < JUMP_LEN; i++) printf(" %02x", bytes[i]);
    printf("\n");
}

static void show_both(zx_handle_t process) {
    uint8_t bytes[JUMP_LEN] = {0};
    size_t actual;
    need(zx_process_read_memory(process, (zx_vaddr_t)greet_text, bytes, sizeof(bytes), &actual), "No text to be read");
    show_text("neighbour", bytes);
    show_text("patcher", greet_text);
}

int main(int argc, char **argv) {
    if (argc > 1) return neighbour();
    zx_handle_t process, channel;
    const char *const args[] = {argv[0], "neighbour", NULL};
    need(launch_partner(args, NULL, &process, &channel), "The neighbour cannot be started");
    printf("A neighbour calls greet(), which is at %p, over and over.\n", (const void *)greet_text);
    listen(channel);

    printf("Now I write a detour into it, to greet_otherwise() at %p.\n", (const void *)greet_otherwise);
    detour_write(process, (const void *)greet_otherwise);
    listen(channel);

    printf("Its five bytes, in the neighbour and in me, who run the same program:\n");
    show_both(process);
    printf("My own greet() says: %s\n", greet());

    printf("And I take the detour away.\n");
    detour_write(process, (const void *)greet_usual);
    listen(channel);
    zx_task_kill(process);
    return EXIT_SUCCESS;
}
