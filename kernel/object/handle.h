/*
 * Handles: a process's names for objects, each with the rights it may be used with.
 *
 * A slot of the table is free, reserved, or live. A new handle is reserved first, so that the value can be given to
 * user mode before anything can be named by it; then it is published with its object, which cannot fail, or given up. A
 * live handle holds a reference to its object. Removing it from the table moves that reference out: a handle outside
 * any table (in a message) is a `struct handle`, and its holder owns it.
 *
 * A job's budget counts what is reserved or live in the tables of its processes, and the handles in their messages
 * (message.h). A closed handle is no longer counted, though calls that use it may keep its slot until they end.
 *
 * A value encodes slot and generation, mixed with a random word of the process; both low bits are always set, and the
 * highest never. A slot changes under the mutex of the shelf that it belongs to; look-ups take no lock (handle.c).
 *
 * A value that names nothing, or an object of another type than is asked for, is a matter of the process's policy: the
 * running thread, which is one of its, may have an exception to raise then, or be killed.
 */
#pragma once

#include "kernel/base/log.h"
#include "kernel/base/switch_point.h"
#include "kernel/base/userptr.h"
#include "kernel/object/policy.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/object.h"

struct budget;

#define HANDLE_MAX_PER_PROCESS ((uint32_t)1 << 18)

struct handle {
    struct object *object; /* with a reference and a handle count */
    zx_rights_t rights;
};

/* A place for a handle; handle.c says what its word holds. */
struct handle_slot {
    _Atomic uint64_t word; /* [h/a] */
    union {
        struct handle handle;          /* [h/a] live, or closed and in use; with a reference */
        struct handle_slot *next_free; /* [h] free */
    };
};

#define HANDLE_CHUNK 32u /* contiguous slots */
/*
 * So far apart are slots that are used first one after the other: threads on several processors may use these handles,
 * so they do not lie in one cache line. Slots that may share one are at least 7 apart in that order.
 */
#define HANDLE_SPREAD 9u
_Static_assert(HANDLE_SPREAD % 2 == 1 && HANDLE_SPREAD * sizeof(struct handle_slot) > CACHE_LINE);

struct handle_chunk {
    struct handle_slot slots[HANDLE_CHUNK];
    _Atomic(struct handle_copies *) copies; /* [h/a] of slots that several processors use at once; handle_use.c */
    atomic_uint met;                        /* [a] look-ups that found the handle in use already */
    struct handle_shelf *shelf;             /* [I] NULL: a placeholder for absent chunks */
};

struct handle_directory {
    struct handle_directory *smaller;        /* [I] the one that it replaced */
    uint32_t index_mask;                     /* [I] of the slots that it has room for */
    _Atomic(struct handle_chunk *) chunks[]; /* [n/a] */
};

/* Some chunks of a table: those that one processor, or a few, made when it had no slot left. */
struct handle_shelf {
    struct mutex lock;                          /* guards [h], in its chunks too */
    struct handle_slot *free_first, *free_last; /* [h] a queue: the slot freed first is used first */
    struct handle_chunk *newest;                /* [h] */
    uint32_t unused;                            /* [h] slots of that one that were never used */
    char apart[CACHE_LINE];                     /* from what other processors write */
};

struct handle_table {
    struct handle_shelf shelves[CPU_PARTS];       /* each processor takes new slots from one of them */
    _Atomic(struct handle_directory *) directory; /* [n/a] of its chunks; grows, never shrinks */
    uint32_t mixer;                               /* [I] */
    struct budget *budget;                        /* [I] its job's: charged with what is reserved and live */
    struct policy policy;                         /* [I] its process's, from job_add() on */
    struct mutex lock;                            /* guards [n] */
    uint32_t slots;                               /* [n] of its chunks */
};

/* Of a table that is all zero, or was destroyed. */
void handle_table_init(struct handle_table *table, struct budget *budget);
/*
 * Closes every handle, gives up every reserved value, and frees the table's memory. No other thread uses it any more,
 * but one may still be walking it.
 */
void handle_table_destroy(struct handle_table *table);

/*
 * A use of a handle by a call of the table's process: the slot, whose handle stays as it is until the use ends, even if
 * it is closed meanwhile.
 *
 * handle_use() begins one, if the object is of that type and the handle has all the rights: BAD_HANDLE, WRONG_TYPE,
 * ACCESS_DENIED, in this order. There is no handle count in it: `on_zero_handles` may run meanwhile. handle_use_any()
 * is for calls that take several types: BAD_HANDLE, then ACCESS_DENIED; the caller checks the type.
 */
MUST_CHECK static ALWAYS_INLINE zx_status_t handle_use(struct handle_table *table, zx_handle_t value,
                                                       zx_obj_type_t type, zx_rights_t rights,
                                                       struct handle_slot **use);
MUST_CHECK static ALWAYS_INLINE zx_status_t handle_use_any(struct handle_table *table, zx_handle_t value,
                                                           zx_rights_t rights, struct handle_slot **use);

/*
 * From now on each processor, or each few, counts its uses of this handle in a copy of the slot. Look-ups that meet do
 * that by themselves. Nothing happens if there is no memory, or no such handle.
 */
void handle_copy(struct handle_table *table, zx_handle_t value);

/* Ends a use. True: the handle was closed, and this was the last one; then handle_done_last() is to follow. */
MUST_CHECK static inline bool handle_use_end(struct handle_slot *use);
void handle_done_last(struct handle_table *table, struct handle_slot *use);

/* Both. No lock is held. */
static inline void handle_done(struct handle_table *table, struct handle_slot *use) {
    if (unlikely(handle_use_end(use))) handle_done_last(table, use);
}

/* Of a use: the value; is the handle still open? */
static inline zx_handle_t handle_use_value(const struct handle_slot *use);
static inline bool handle_use_is_open(const struct handle_slot *use);
/* If it is, a later close sees what the caller has done before: both change the slot's word. */
static inline bool handle_use_stays_open(struct handle_slot *use);

/* The same as a use, but `out->object` comes with a reference for the caller: for what outlasts the use. */
MUST_CHECK zx_status_t handle_get(struct handle_table *table, zx_handle_t value, zx_obj_type_t type, zx_rights_t rights,
                                  struct handle *out);
MUST_CHECK zx_status_t handle_get_any(struct handle_table *table, zx_handle_t value, zx_rights_t rights,
                                      struct handle *out);

/* The rights of a handle made from one with `have`; SAME_RIGHTS: all of them. INVALID_ARGS: they are not a subset. */
MUST_CHECK zx_status_t handle_derive_rights(zx_rights_t have, zx_rights_t want, zx_rights_t *out);

/*
 * One more handle to what `value` names, outside any table, with the rights derived from its own; counted before the
 * one it is made from can go. BAD_HANDLE, ACCESS_DENIED (no DUPLICATE), INVALID_ARGS (the rights).
 */
MUST_CHECK zx_status_t handle_duplicate(struct handle_table *table, zx_handle_t value, zx_rights_t rights,
                                        struct handle *out);

/*
 * Does `value` name that very object at this moment? If it does, a later close sees what the caller has done before,
 * since both change the slot's word. No lock is held.
 */
bool handle_names(struct handle_table *table, zx_handle_t value, const struct object *object);
/* Anything? No policy has to do with that. */
bool handle_is_valid(struct handle_table *table, zx_handle_t value);

/* Sets a value aside. NO_MEMORY: the table is full, there is no memory, or the job has its limit of handles. */
MUST_CHECK zx_status_t handle_reserve(struct handle_table *table, zx_handle_t *value);
/* Makes a reserved value live; takes `handle`. */
void handle_publish(struct handle_table *table, zx_handle_t value, struct handle handle);
void handle_unreserve(struct handle_table *table, zx_handle_t value);

/*
 * The same for handles that count elsewhere until they are published: in the budget `counts`. What counts in an
 * ancestor of both continues to. All of them, or NO_MEMORY.
 */
MUST_CHECK zx_status_t handle_reserve_many(struct handle_table *table, zx_handle_t *values, uint32_t count,
                                           struct budget *counts);
void handle_publish_many(struct handle_table *table, const zx_handle_t *values, const struct handle *handles,
                         uint32_t count, struct budget *counts);
void handle_unreserve_many(struct handle_table *table, const zx_handle_t *values, uint32_t count,
                           struct budget *counts);

/* Takes a live handle out of the table; waits begun through it are cancelled. BAD_HANDLE. */
MUST_CHECK zx_status_t handle_remove(struct handle_table *table, zx_handle_t value, struct handle *out);
/* The same, but the table's budget counts it still. */
MUST_CHECK zx_status_t handle_move_out(struct handle_table *table, zx_handle_t value, struct handle *out);
/* Removes and discards it. */
MUST_CHECK zx_status_t handle_close(struct handle_table *table, zx_handle_t value);

/* Outside any table: from a borrowed object whose last handle stays; from a reference and a handle count; given up. */
struct handle handle_make(struct object *object, zx_rights_t rights);
static inline struct handle handle_adopt(struct object *object, zx_rights_t rights);
static inline void handle_discard(struct handle handle);

/* Gives user mode a new handle: `out` gets its value, and it is live. Takes it always. INVALID_ARGS, NO_MEMORY. */
MUST_CHECK zx_status_t handle_give(struct handle_table *table, user_out_t out, struct handle handle);
/* As handle_duplicate(), and gives it. */
MUST_CHECK zx_status_t handle_give_copy(struct handle_table *table, zx_handle_t value, zx_rights_t rights,
                                        user_out_t out);
/* Two of them, or neither. */
MUST_CHECK zx_status_t handle_give_two(struct handle_table *table, user_out_t out0, struct handle handle0,
                                       user_out_t out1, struct handle handle1);

/* The first live handle from slot `*index` on, with a reference; `*index` moves behind it. False at the end. */
bool handle_next(struct handle_table *table, uint32_t *index, struct handle *out);

/* Handles of the whole system; in release builds those that a budget counts. For leak checks. */
size_t handle_count(void);
/* Of them those that no budget counts. */
size_t handle_count_loose(void);

/* --- what is inlined --- */

#ifdef DEBUG
extern atomic_size_t handles_live;
static inline void handles_live_add(size_t change) {
    atomic_fetch_add_explicit(&handles_live, change, memory_order_relaxed);
}
#else
static inline void handles_live_add(size_t change UNUSED) {}
#endif

static inline struct handle handle_adopt(struct object *object, zx_rights_t rights) {
    handles_live_add(1);
    return (struct handle){object, rights};
}

/*
 * A slot's word: how many calls use it; whether look-ups count their uses in copies of it instead; its state, which is
 * 0 while it is live; and the value last given out.
 */
#define HANDLE_USES (((uint64_t)1 << 29) - 1)
#define HANDLE_COPIED ((uint64_t)1 << 29)
#define HANDLE_STATE ((uint64_t)3 << 30)
#define HANDLE_CLOSED ((uint64_t)2 << 30) /* but used */
#define HANDLE_WORD(value) ((uint64_t)(value) << 32)

/* For handle_discard(): it was the last. */
void handle_lost(struct object *object);

static inline void handle_discard(struct handle handle) {
    handles_live_add((size_t)-1);
    if (unlikely(refcount_unref(&handle.object->handles))) handle_lost(handle.object);
    object_unref(handle.object);
}

/*
 * The chunk, and the slot, that is to be looked at for `value`. The mask keeps it, for a processor that guesses too,
 * within the directory; the bits that it cuts off the value are in the comparison with the slot's.
 */
static ALWAYS_INLINE struct handle_chunk *handle_find(const struct handle_table *table, zx_handle_t value,
                                                      struct handle_slot **slot) {
    const struct handle_directory *directory = atomic_load_explicit(&table->directory, memory_order_acquire);
    const uint32_t index = (value ^ table->mixer) >> 2 & directory->index_mask;
    struct handle_chunk *chunk = atomic_load_explicit(&directory->chunks[index / HANDLE_CHUNK], memory_order_acquire);
    *slot = &chunk->slots[index % HANDLE_CHUNK];
    return chunk;
}

static inline struct handle_slot *handle_slot_of(const struct handle_table *table, zx_handle_t value) {
    struct handle_slot *slot;
    (void)handle_find(table, value, &slot);
    return slot;
}

/* Does it name a live handle, and uses are counted in it? */
static inline bool handle_word_names(uint64_t word, zx_handle_t value) {
    return (word ^ HANDLE_WORD(value)) <= HANDLE_USES;
}

/* Does it name one at all? */
static inline bool handle_word_is_open(uint64_t word, zx_handle_t value) {
    return handle_word_names(word & ~HANDLE_COPIED, value);
}

/* For handle_use_begin(): the handle is in use already, by one call or by several processors. */
MUST_CHECK struct handle_slot *handle_use_again(struct handle_table *table, zx_handle_t value,
                                                struct handle_slot *slot);

/*
 * Counts a use of the slot that `value` names, or of a copy: that is what `*use` is. Most handles are used by one call
 * at a time: that is tried first, but after a look, for even a compare-and-swap that fails would take the cache line
 * away from other processors.
 */
MUST_CHECK static ALWAYS_INLINE bool handle_use_begin(struct handle_table *table, zx_handle_t value,
                                                      struct handle_slot **use) {
    struct handle_slot *slot = handle_slot_of(table, value);
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    if (unlikely(word != HANDLE_WORD(value) || !atomic_compare_exchange_strong(&slot->word, &word, word + 1)) &&
        !(slot = handle_word_is_open(word, value) ? handle_use_again(table, value, slot) : NULL))
        return false;
    *use = slot;
    switch_point();
    return true;
}

/* For a look-up by the process itself; no lock is held. */
MUST_CHECK static ALWAYS_INLINE zx_status_t handle_refuse(struct handle_table *table, uint32_t condition,
                                                          zx_status_t status) {
    if (unlikely(table->policy.choices != 0)) (void)!policy_apply(table->policy, condition);
    return status;
}

/* Ends a use that the type, if `typed`, or the rights do not allow: WRONG_TYPE or ACCESS_DENIED. */
MUST_CHECK zx_status_t handle_use_refuse(struct handle_table *table, bool typed, zx_obj_type_t type,
                                         struct handle_slot *use);

static ALWAYS_INLINE zx_status_t handle_use_checked(struct handle_table *table, zx_handle_t value, bool typed,
                                                    zx_obj_type_t type, zx_rights_t rights, struct handle_slot **use) {
    if (unlikely(!handle_use_begin(table, value, use)))
        return handle_refuse(table, ZX_POL_BAD_HANDLE, ZX_ERR_BAD_HANDLE);
    const struct handle_slot *slot = *use;
    if (likely((!typed || slot->handle.object->ops->type == type) && (slot->handle.rights & rights) == rights))
        return ZX_OK;
    return handle_use_refuse(table, typed, type, *use);
}

static ALWAYS_INLINE zx_status_t handle_use(struct handle_table *table, zx_handle_t value, zx_obj_type_t type,
                                            zx_rights_t rights, struct handle_slot **use) {
    return handle_use_checked(table, value, true, type, rights, use);
}

static ALWAYS_INLINE zx_status_t handle_use_any(struct handle_table *table, zx_handle_t value, zx_rights_t rights,
                                                struct handle_slot **use) {
    return handle_use_checked(table, value, false, ZX_OBJ_TYPE_NONE, rights, use);
}

static inline bool handle_use_end(struct handle_slot *use) {
    uint64_t before = atomic_fetch_sub_explicit(&use->word, 1, memory_order_acq_rel);
    ASSERT((before & HANDLE_USES) != 0);
    switch_point();
    return unlikely((uint32_t)before == (HANDLE_CLOSED | 1));
}

static inline zx_handle_t handle_use_value(const struct handle_slot *use) {
    return (zx_handle_t)(atomic_load_explicit(&use->word, memory_order_relaxed) >> 32);
}

static inline bool handle_use_is_open(const struct handle_slot *use) {
    return !(atomic_load_explicit(&use->word, memory_order_acquire) & HANDLE_STATE);
}

static inline bool handle_use_stays_open(struct handle_slot *use) {
    return !(atomic_fetch_add_explicit(&use->word, 0, memory_order_acq_rel) & HANDLE_STATE);
}
