/*
 * What programs write whose terminal is the debugger's: it is shown there, each line marked with the program's name.
 * It is taken while the debugger waits for a stop; until then a program that writes waits.
 */
#pragma once

#include <stddef.h>
#include <zircon/syscalls.h>

/* Makes a terminal for a program; its end is for the program to find. False: there are too many. */
bool output_open(const char *name, zx_handle_t *end);

/* Shows what has been written so far. */
void output_serve(void);

/* Lets go of all: from now on they write to the console. */
void output_close_all(void);

/* Adds what is to be waited for; returns how many items that is. */
size_t output_items(zx_wait_item_t *items, size_t room);
