/* Names for code addresses. The table is made from the kernel's own symbols and linked in by a second link. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The function that holds `pc`, and how far into it; "?" when unknown. */
const char *symbol_find(uintptr_t pc, size_t *offset);
