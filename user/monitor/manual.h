/* The manual pages of the system calls, as user/manual made them of syscalls/NAME.md, in etc/manual of the archive. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Says the page of the call; false if there is none. */
bool manual_say(const char *call);

/* Shows each call that has a page to `visit`. */
void manual_each(void (*visit)(const char *name, size_t len));
