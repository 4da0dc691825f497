/*
 * Pointers that user mode handed in, typed by the direction in which bytes may move through them. They are
 * allegations: worth nothing until a copy through them has succeeded, and never dereferenced otherwise.
 */
#pragma once

#include "arch/types.h"

typedef struct {
    vaddr_t addr;
} user_in_t;

typedef struct {
    vaddr_t addr;
} user_out_t;
