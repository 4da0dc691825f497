/*
 * A crash in words, for a person: what a thread did at which address and why it could not, where, called by whom, with
 * which registers, and what is mapped around. The thread is in an exception, which stays as it is.
 *
 * Whatever cannot be had of the process is left out: it may be killed at any moment.
 */
#pragma once

#include <zircon/syscalls.h>
#include <zircon/syscalls/exception.h>

#define CRASH_LINE_MAX 200
#define CRASH_FRAMES_MAX 24

struct crash {
    zx_exception_info_t info;
    zx_handle_t process, thread; /* borrowed */
};

/* Gets a line without its newline, printable and shorter than CRASH_LINE_MAX. */
typedef void crash_line(const char *text);

/* `archive`, if there is one, has the names of functions. */
void crash_report(const struct crash *crash, zx_handle_t archive, crash_line *line);
