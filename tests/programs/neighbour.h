/*
 * What tests/programs/neighbour.c is asked with, and answers with.
 */
#pragma once

#include <stdint.h>
#include <zircon/types.h>

struct neighbour_message {
    zx_txid_t txid;
    uint64_t result;
    uint64_t calls;
    zx_vaddr_t function; /* where what it calls begins */
};
