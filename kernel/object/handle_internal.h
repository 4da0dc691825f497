/* A slot's word, for the files of handle tables; see handle.h. */
#pragma once

#include "kernel/object/handle.h"

enum slot_state { SLOT_LIVE, SLOT_RESERVED, SLOT_CLOSED /* but used */, SLOT_FREE };

/* The word of an unused slot in that state. */
#define STATE_BIT ((uint64_t)1 << 30)
#define WORD_OF(value, state) (HANDLE_WORD(value) | (state)*STATE_BIT)
_Static_assert(HANDLE_CLOSED == SLOT_CLOSED * STATE_BIT);

static inline uint64_t word_of(const struct handle_slot *slot) {
    return atomic_load_explicit(&slot->word, memory_order_acquire);
}

static inline zx_handle_t value_of(uint64_t word) { return (zx_handle_t)(word >> 32); }

static inline bool is_in_state(uint64_t word, enum slot_state state) {
    return (word & HANDLE_STATE) == state * STATE_BIT;
}

static inline bool is_used(uint64_t word) { return word & HANDLE_USES; }

static inline bool is_copied(uint64_t word) { return word & HANDLE_COPIED; }

static inline uint64_t with_state(uint64_t word, enum slot_state state) {
    return (word & ~HANDLE_STATE) | state * STATE_BIT;
}

/* Nobody else uses it. */
static inline void slot_set_free(struct handle_slot *slot) {
    atomic_store_explicit(&slot->word, WORD_OF(value_of(word_of(slot)), SLOT_FREE), memory_order_relaxed);
}

/*
 * Closes one that is copied: first its word, then the copies. The word counts one use more meanwhile. It is returned
 * with the uses that are left, of the slot and of the copies; or free.
 */
static inline uint64_t handle_copied_closed(uint64_t word) {
    return with_state(word & ~HANDLE_COPIED, SLOT_CLOSED) + 1;
}
MUST_CHECK uint64_t handle_copies_close(struct handle_chunk *chunk, struct handle_slot *slot)
    REQUIRES(&chunk->shelf->lock);
