/*
 * What is typed. A thread of its own waits for the console, so that Ctrl-C is heard while a program runs; what else it
 * hears is kept, in order, until somebody asks for it. If too much is typed ahead, the rest waits in the serial line.
 * What is read through another's terminal is not kept: nothing is asked of that before it is asked for here, for what
 * comes after this program's end is its launcher's.
 *
 * Input from a pipe or a file has an end and no keys: Ctrl-C is then a byte like any other. The run script says so on
 * the kernel's command line, init.console=pipe or none; see user/libc/console.c.
 */
#pragma once

#include <stdbool.h>
#include <zircon/types.h>

#define KEYBOARD_INTERRUPT 0x03

/* Is there somebody with a screen, rather than a pipe? */
bool keyboard_is_terminal(void);

zx_status_t keyboard_start(void);

/* An object to wait for: ZX_EVENT_SIGNALED is up while there is something to keyboard_poll(). Borrowed. */
zx_handle_t keyboard_event(void);

/* Takes in what has been typed by now. */
void keyboard_poll(void);

/* Is there something taken in and not asked for yet? */
bool keyboard_pending(void);

/* The next byte, of those taken in; false if there is none. */
bool keyboard_next(char *out);

/* Was Ctrl-C typed? It is then taken out, with all that was typed before it. */
bool keyboard_interrupted(void);

/* Has the input come to its end, with nothing of it left? */
bool keyboard_ended(void);
