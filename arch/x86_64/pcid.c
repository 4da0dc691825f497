/*
 * Who has which process-context identifier: a bit for each, changed one at a time and without a lock.
 */
#include "arch/x86_64/pcid.h"

#include <stdatomic.h>
#include <stdint.h>

#include "kernel/base/compiler.h"

#define PCID_COUNT 4096u
#define WORD_BITS 64u

static _Atomic uint64_t taken[PCID_COUNT / WORD_BITS] = {(uint64_t)1 << PCID_SHARED};

/* A free bit of one word, or WORD_BITS if there is none. */
static unsigned bit_take(_Atomic uint64_t *word) {
    uint64_t was = atomic_load_explicit(word, memory_order_relaxed);
    while (was != UINT64_MAX) {
        if (atomic_compare_exchange_weak(word, &was, was | (was + 1))) return (unsigned)__builtin_ctzll(~was);
    }
    return WORD_BITS;
}

unsigned pcid_take(void) {
    for (unsigned i = 0; i < countof(taken); i++) {
        unsigned bit = bit_take(&taken[i]);
        if (bit < WORD_BITS) return i * WORD_BITS + bit;
    }
    return PCID_SHARED;
}

void pcid_give_back(unsigned pcid) {
    if (pcid != PCID_SHARED) atomic_fetch_and(&taken[pcid / WORD_BITS], ~((uint64_t)1 << pcid % WORD_BITS));
}
