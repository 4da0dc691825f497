/* The programs for people to run: those that etc/programs of the archive describes, as user/descriptions made it. */
#pragma once

#include <stddef.h>

/* Says each one's name, and what it does. */
void programs_say(void);

/* Shows each name to `visit`. */
void programs_each(void (*visit)(const char *name, size_t len));
