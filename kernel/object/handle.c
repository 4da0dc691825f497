/*
 * Handle tables; see handle.h. Slots live in chunks that never move; the directory of the chunks is replaced by one
 * twice as large, and stays until the table goes, for somebody may be looking through it.
 *
 * A look-up takes no lock. A slot's word holds the handle's value and how many calls use it. If the value is the one
 * that is looked for, the same compare-and-swap counts one use more: a word that has changed in between is looked at
 * again. What is used is not freed: a close takes the value away at once, so that nobody begins to use it, and where it
 * finds uses it leaves a reference to the object in the slot; the last use gives back both. Uses are calls of the
 * table's own process, so none is left when the table goes. All else that is in a slot changes under the lock, or, when
 * it is published, by whoever has reserved it.
 */
#include "kernel/object/handle.h"

#include "kernel/base/log.h"
#include "vm/heap.h"
#include "vm/usercopy.h"

#define CHUNK_SLOTS 64u
#define INDEX_BITS 18
/* Values are positive as an int32_t: programs test for that. */
#define VALUE_MASK ((zx_handle_t)INT32_MAX)
#define ONE_GENERATION (1u << (INDEX_BITS + 2))

/* The low bits of a slot's value. */
enum slot_state { SLOT_FREE, SLOT_RESERVED, SLOT_CLOSED /* but used */, SLOT_LIVE = HANDLE_FIXED_BITS };

struct handle_slot {
    /* [h/a] the value last given out, with the state in its low bits; and, above 32 bits, how many calls use it */
    _Atomic uint64_t word;
    union {
        struct object *object;         /* [h/a] live or closed; with a reference */
        struct handle_slot *next_free; /* [h] free */
    };
    zx_rights_t rights; /* [h/a] likewise */
};

struct handle_directory {
    struct handle_directory *smaller;       /* [I] the one that it replaced */
    uint32_t index_mask;                    /* [I] of the slots that it has room for */
    _Atomic(struct handle_slot *) chunks[]; /* [h/a] */
};

/* What is not there yet, so that each index leads to a slot. */
static struct handle_slot no_slots[CHUNK_SLOTS];
static struct handle_directory no_chunks = {.index_mask = CHUNK_SLOTS - 1, .chunks = {no_slots}};

void handle_table_init(struct handle_table *table) {
    *table = (struct handle_table){.directory = &no_chunks};
    mutex_init(&table->lock, RANK_HANDLES, "handle table");
    table->mixer = (uint32_t)arch_entropy() & VALUE_MASK & ~HANDLE_FIXED_BITS;
}

static inline struct handle_slot *slot_at(const struct handle_directory *directory, uint32_t index) {
    return atomic_load_explicit(&directory->chunks[index / CHUNK_SLOTS], memory_order_acquire) + index % CHUNK_SLOTS;
}

/*
 * The slot that is to be looked at for `value`. The mask keeps it, for a processor that guesses too, within the
 * directory; the bits that it cuts off the value are in the comparison with the slot's.
 */
static inline struct handle_slot *slot_of(struct handle_table *table, zx_handle_t value) {
    const struct handle_directory *directory = atomic_load_explicit(&table->directory, memory_order_acquire);
    return slot_at(directory, (value ^ table->mixer) >> 2 & directory->index_mask);
}

static uint64_t word_of(const struct handle_slot *slot) {
    return atomic_load_explicit(&slot->word, memory_order_acquire);
}

static zx_handle_t value_of(uint64_t word) { return (zx_handle_t)word; }

static bool names(uint64_t word, zx_handle_t value) {
    return value_of(word) == value && (value & HANDLE_FIXED_BITS) == SLOT_LIVE;
}

static bool is_in_state(uint64_t word, enum slot_state state) { return (word & HANDLE_FIXED_BITS) == state; }

static bool is_used(uint64_t word) { return word >= HANDLE_ONE_USE; }

static uint64_t with_state(uint64_t word, enum slot_state state) {
    return (word & ~(uint64_t)HANDLE_FIXED_BITS) | state;
}

/* Under the lock: the slot that `value` names, or NULL. */
static struct handle_slot *slot_find(struct handle_table *table, zx_handle_t value) {
    struct handle_slot *slot = slot_of(table, value);
    return names(word_of(slot), value) ? slot : NULL;
}

/* The slot that `value` was reserved in. */
static struct handle_slot *slot_reserved(struct handle_table *table, zx_handle_t value) {
    struct handle_slot *slot = slot_of(table, value);
    CHECK(word_of(slot) == with_state(value, SLOT_RESERVED));
    return slot;
}

/* Under the lock. Nobody uses it. */
static void slot_free(struct handle_table *table, struct handle_slot *slot) {
    atomic_store_explicit(&slot->word, with_state(word_of(slot), SLOT_FREE), memory_order_relaxed);
    slot->next_free = NULL;
    if (table->free_first)
        table->free_last->next_free = slot;
    else
        table->free_first = slot;
    table->free_last = slot;
    table->live--;
}

/* For a look-up by the process itself; no lock is held. */
static inline zx_status_t refuse(const struct handle_table *table, uint32_t condition, zx_status_t status) {
    if (unlikely(table->policy.choices != 0)) (void)!policy_apply(table->policy, condition);
    return status;
}

static inline zx_status_t not_found(const struct handle_table *table) {
    return refuse(table, ZX_POL_BAD_HANDLE, ZX_ERR_BAD_HANDLE);
}

static bool has_rights(zx_rights_t has, zx_rights_t wanted) { return (has & wanted) == wanted; }

zx_status_t handle_derive_rights(zx_rights_t have, zx_rights_t want, zx_rights_t *out) {
    if (want == ZX_RIGHT_SAME_RIGHTS) want = have;
    if (!has_rights(have, want)) return ZX_ERR_INVALID_ARGS;
    *out = want;
    return ZX_OK;
}

/* A use of what `value` names. False: it names nothing. The job's policy has no say in it. */
static ALWAYS_INLINE bool use_begin(struct handle_table *table, zx_handle_t value, struct handle_use *use) {
    struct handle_slot *slot = slot_of(table, value);
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    do {
        if (!names(word, value)) return false;
    } while (!atomic_compare_exchange_weak(&slot->word, &word, word + HANDLE_ONE_USE));
    switch_point();
    *use = (struct handle_use){.handle = {slot->object, slot->rights}, .word = &slot->word};
    return true;
}

static ALWAYS_INLINE zx_status_t use_checked(struct handle_table *table, zx_handle_t value, bool typed,
                                             zx_obj_type_t type, zx_rights_t rights, struct handle_use *use) {
    if (!use_begin(table, value, use)) return not_found(table);
    zx_status_t status = ZX_OK;
    if (typed && use->handle.object->ops->type != type)
        status = ZX_ERR_WRONG_TYPE;
    else if (!has_rights(use->handle.rights, rights))
        status = ZX_ERR_ACCESS_DENIED;
    if (status == ZX_OK) return ZX_OK;
    handle_done(table, use);
    return status == ZX_ERR_WRONG_TYPE ? refuse(table, ZX_POL_WRONG_OBJECT, status) : status;
}

zx_status_t handle_use(struct handle_table *table, zx_handle_t value, zx_obj_type_t type, zx_rights_t rights,
                       struct handle_use *use) {
    return use_checked(table, value, true, type, rights, use);
}

zx_status_t handle_use_any(struct handle_table *table, zx_handle_t value, zx_rights_t rights, struct handle_use *use) {
    return use_checked(table, value, false, ZX_OBJ_TYPE_NONE, rights, use);
}

/* Of a closed one whose last use this was: nobody else comes to it any more. */
void handle_done_last(struct handle_table *table, const struct handle_use *use) {
    mutex_lock(&table->lock);
    slot_free(table, container_of(use->word, struct handle_slot, word));
    mutex_unlock(&table->lock);
    object_unref(use->handle.object);
}

static ALWAYS_INLINE zx_status_t get_checked(struct handle_table *table, zx_handle_t value, bool typed,
                                             zx_obj_type_t type, zx_rights_t rights, struct handle *out) {
    struct handle_use use;
    zx_status_t status = use_checked(table, value, typed, type, rights, &use);
    if (status != ZX_OK) return status;
    *out = use.handle;
    object_ref(out->object);
    handle_done(table, &use);
    return ZX_OK;
}

zx_status_t handle_get(struct handle_table *table, zx_handle_t value, zx_obj_type_t type, zx_rights_t rights,
                       struct handle *out) {
    return get_checked(table, value, true, type, rights, out);
}

zx_status_t handle_get_any(struct handle_table *table, zx_handle_t value, zx_rights_t rights, struct handle *out) {
    return get_checked(table, value, false, ZX_OBJ_TYPE_NONE, rights, out);
}

/*
 * Another handle counts, or the one that is used was the last and has been closed. So the count does not rise from 0
 * again.
 */
zx_status_t handle_duplicate(struct handle_table *table, zx_handle_t value, zx_rights_t rights, struct handle *out) {
    struct handle_use use;
    zx_status_t status = use_checked(table, value, false, ZX_OBJ_TYPE_NONE, ZX_RIGHT_DUPLICATE, &use);
    if (status != ZX_OK) return status;
    struct object *object = use.handle.object;
    status = handle_derive_rights(use.handle.rights, rights, &rights);
    if (status == ZX_OK && !object_handle_try_ref(object)) status = not_found(table);
    if (status == ZX_OK) {
        object_ref(object);
        *out = handle_adopt(object, rights);
    }
    handle_done(table, &use);
    return status;
}

bool handle_names(struct handle_table *table, zx_handle_t value, const struct object *object) {
    struct handle_use use;
    if (!use_begin(table, value, &use)) return false;
    bool is_it = use.handle.object == object;
    handle_done(table, &use);
    return is_it;
}

bool handle_is_valid(struct handle_table *table, zx_handle_t value) {
    return names(word_of(slot_of(table, value)), value);
}

static bool grow_directory(struct handle_table *table) {
    struct handle_directory *old = table->directory == &no_chunks ? NULL : table->directory;
    uint32_t had = old ? (old->index_mask + 1) / CHUNK_SLOTS : 0, room = old ? had * 2 : 4;
    struct handle_directory *bigger = heap_alloc(sizeof(*bigger) + room * sizeof(bigger->chunks[0]));
    if (!bigger) return false;
    bigger->smaller = old;
    bigger->index_mask = room * CHUNK_SLOTS - 1;
    for (uint32_t i = 0; i < room; i++) atomic_init(&bigger->chunks[i], i < had ? old->chunks[i] : no_slots);
    atomic_store_explicit(&table->directory, bigger, memory_order_release);
    return true;
}

static bool add_chunk(struct handle_table *table) {
    uint32_t index = table->slots;
    if ((table->directory == &no_chunks || index > table->directory->index_mask) && !grow_directory(table))
        return false;
    struct handle_slot *chunk = heap_alloc_zeroed(CHUNK_SLOTS * sizeof(*chunk));
    if (!chunk) return false;
    for (uint32_t i = 0; i < CHUNK_SLOTS; i++) atomic_init(&chunk[i].word, (index + i) << 2 ^ table->mixer);
    atomic_store_explicit(&table->directory->chunks[index / CHUNK_SLOTS], chunk, memory_order_release);
    return true;
}

/* One more slot at the end of the table, or NULL. */
static NOINLINE struct handle_slot *slot_append(struct handle_table *table) {
    if (table->slots == HANDLE_MAX_PER_PROCESS) return NULL;
    if (table->slots % CHUNK_SLOTS == 0 && !add_chunk(table)) return NULL;
    return slot_at(table->directory, table->slots++);
}

static struct handle_slot *slot_take(struct handle_table *table) {
    struct handle_slot *slot = table->free_first;
    if (!slot) return slot_append(table);
    table->free_first = slot->next_free;
    return slot;
}

zx_status_t handle_reserve(struct handle_table *table, zx_handle_t *value) {
    mutex_lock(&table->lock);
    struct handle_slot *slot = slot_take(table);
    if (slot) {
        zx_handle_t last = value_of(word_of(slot)) ^ table->mixer;
        zx_handle_t next = ((last + ONE_GENERATION) & VALUE_MASK) ^ table->mixer;
        atomic_store_explicit(&slot->word, with_state(next, SLOT_RESERVED), memory_order_relaxed);
        table->live++;
        *value = next | HANDLE_FIXED_BITS;
    }
    mutex_unlock(&table->lock);
    return slot ? ZX_OK : ZX_ERR_NO_MEMORY;
}

void handle_publish(struct handle_table *table, zx_handle_t value, struct handle handle) {
    struct handle_slot *slot = slot_reserved(table, value);
    slot->object = handle.object;
    slot->rights = handle.rights;
    atomic_store_explicit(&slot->word, value, memory_order_release);
}

void handle_unreserve(struct handle_table *table, zx_handle_t value) {
    mutex_lock(&table->lock);
    slot_free(table, slot_reserved(table, value));
    mutex_unlock(&table->lock);
}

/*
 * Under the lock: nobody begins to use it any more. For those who do use it a reference stays in the slot; the last of
 * them comes for it only once the lock is released.
 */
static void slot_close(struct handle_table *table, struct handle_slot *slot) {
    uint64_t word = word_of(slot);
    while (!atomic_compare_exchange_weak(&slot->word, &word, with_state(word, is_used(word) ? SLOT_CLOSED : SLOT_FREE)))
        continue;
    if (is_used(word))
        object_ref(slot->object);
    else
        slot_free(table, slot);
}

zx_status_t handle_remove(struct handle_table *table, zx_handle_t value, struct handle *out) {
    mutex_lock(&table->lock);
    struct handle_slot *slot = slot_find(table, value);
    if (slot) {
        *out = (struct handle){slot->object, slot->rights};
        slot_close(table, slot);
    }
    mutex_unlock(&table->lock);
    if (!slot) return not_found(table);
    object_cancel(out->object, table, value);
    return ZX_OK;
}

/* The lock is released between chunks, for others wait for it. */
bool handle_next(struct handle_table *table, uint32_t *index, struct handle *out) {
    bool found = false, more;
    do {
        mutex_lock(&table->lock);
        while (*index < table->slots && !found) {
            const struct handle_slot *slot = slot_at(table->directory, (*index)++);
            found = is_in_state(word_of(slot), SLOT_LIVE);
            if (found) *out = (struct handle){slot->object, slot->rights};
            if (*index % CHUNK_SLOTS == 0) break;
        }
        if (found) object_ref(out->object);
        more = *index < table->slots;
        mutex_unlock(&table->lock);
    } while (!found && more);
    return found;
}

static void free_slots(struct handle_directory *directory, uint32_t slots) {
    for (uint32_t chunk = 0; chunk * CHUNK_SLOTS < slots; chunk++) heap_free(directory->chunks[chunk]);
    while (directory && directory != &no_chunks) {
        struct handle_directory *smaller = directory->smaller;
        heap_free(directory);
        directory = smaller;
    }
}

void handle_table_destroy(struct handle_table *table) {
    for (uint32_t index = 0; index < table->slots; index++) {
        const uint64_t word = word_of(slot_at(table->directory, index));
        struct handle handle;
        ASSERT(!is_used(word));
        if (is_in_state(word, SLOT_LIVE) && handle_remove(table, value_of(word), &handle) == ZX_OK)
            handle_discard(handle);
    }
    mutex_lock(&table->lock);
    struct handle_directory *directory = table->directory;
    uint32_t slots = table->slots;
    table->directory = &no_chunks;
    table->slots = 0;
    table->free_first = NULL;
    mutex_unlock(&table->lock);
    free_slots(directory, slots);
}

/*
 * Sets values aside for so many handles, tells user mode, and makes them live: all of them, or none. Takes none on
 * failure.
 */
static inline zx_status_t give(struct handle_table *table, zx_handle_t *values, const struct handle *handles,
                               uint32_t count, const user_out_t *outs, uint32_t outs_count) {
    uint32_t reserved = 0;
    zx_status_t status = ZX_OK;
    while (reserved < count && (status = handle_reserve(table, &values[reserved])) == ZX_OK) reserved++;
    for (uint32_t i = 0; i < outs_count && status == ZX_OK; i++)
        status = copy_out(outs[i], &values[i], count / outs_count * sizeof(values[0]));
    for (uint32_t i = 0; i < reserved; i++) {
        if (status == ZX_OK)
            handle_publish(table, values[i], handles[i]);
        else
            handle_unreserve(table, values[i]);
    }
    return status;
}

zx_status_t handle_give_many(struct handle_table *table, user_out_t out, const struct handle *handles, uint32_t count) {
    zx_handle_t values[HANDLE_GIVE_MAX];
    ASSERT(count <= HANDLE_GIVE_MAX);
    return count == 0 ? ZX_OK : give(table, values, handles, count, &out, 1);
}

zx_status_t handle_give(struct handle_table *table, user_out_t out, struct handle handle) {
    zx_handle_t value;
    zx_status_t status = give(table, &value, &handle, 1, &out, 1);
    if (status != ZX_OK) handle_discard(handle);
    return status;
}

zx_status_t handle_give_two(struct handle_table *table, user_out_t out0, struct handle handle0, user_out_t out1,
                            struct handle handle1) {
    zx_handle_t values[2];
    zx_status_t status = give(table, values, (struct handle[]){handle0, handle1}, 2, (user_out_t[]){out0, out1}, 2);
    if (status == ZX_OK) return ZX_OK;
    handle_discard(handle0);
    handle_discard(handle1);
    return status;
}
