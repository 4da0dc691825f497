/*
 * The console's input, for one program after the other that init runs. None needs a resource to read the console with:
 * each has an end of a channel, and asks for input by it (user/libc/terminal.h). What was typed ahead and not asked for
 * is the next program's.
 */
#pragma once

#include <stddef.h>
#include <zircon/types.h>

/* Begins to serve a program: `*end` is for it. */
zx_status_t input_open(zx_handle_t *end);

/* Puts what to wait for into `items`, and returns how many there are. When one of them comes, input_serve() is due. */
#define INPUT_ITEMS 1
size_t input_items(zx_wait_item_t items[INPUT_ITEMS]);

/* Does what there is to do, without waiting. */
void input_serve(void);

/* The program has ended. */
void input_close(void);
