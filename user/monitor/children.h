/*
 * The programs that the monitor has started, and the loop in which it waits for anything: keys, what the programs want
 * of their terminals (user/libc/terminal.h), and their ends. One of them can be in the foreground: it has screen and
 * keyboard, and the monitor waits for its end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <zircon/types.h>

#include "user/monitor/words.h"

/* From now on crashes are told, those of processes that were not started here too. */
void children_begin(void);

/*
 * `run NAME [ARGS]`: runs a program of the archive until it ends; Ctrl-C kills it. Tells what is to be told. If it is
 * confined it has a job of its own, else all that the monitor has.
 */
void child_run(const struct words *words, bool confined);

/* `start NAME [ARGS]`: starts one in the background. Its input is at its end; its end will be told. */
void child_start(const struct words *words, bool confined);

/* Waits for any process's end; false if Ctrl-C was typed first. Programs in the background go on writing. */
bool child_wait(zx_handle_t process);

/* Was it started here, and its end has not been told yet? */
bool child_is_ours(zx_koid_t koid);

/* Waits for a key; what programs want is done meanwhile. */
void children_serve(void);

/* Waits for a key, for what programs want, which is done, or for signals of an object. */
void children_serve_until(zx_handle_t object, zx_signals_t signals);

/* Serves those in the background once, without waiting; and tells who has ended. */
void children_look(void);

/* How a process ended, in words: "ended with return code 3". */
const char *process_end_words(int64_t code);
