/*
 * Handle tables; see handle.h. Slots live in chunks that never move; the directory of the chunks is replaced by one
 * twice as large, and the old one is kept until the table is freed, since a look-up may still be reading it.
 *
 * Each chunk belongs for good to one of a few shelves, which have a lock each. A free slot is on its chunk's shelf,
 * wherever it was closed. A new handle takes a slot of its processor's shelf, so processors that make and close handles
 * do not contend. The processor number is only a guess, which does no harm. If a shelf has no free slot, those of the
 * others are used; only when none has one does each get a new chunk. So the size of a table depends on how many handles
 * it had at most, not on which processors made them. The table's own lock guards which chunks there are, and is taken
 * before a shelf's.
 *
 * A look-up takes no lock. A slot's word holds the handle's value and the number of calls that use it. If the value
 * matches, a compare-and-swap of the word counts one more use; if the word has changed in between, it is read again. If
 * several processors use the handle at once, each counts its uses in a copy of the slot (handle_use.c). A handle in
 * use is not freed: a close clears the value at once, so that no new use begins, and if there are uses it leaves a
 * reference to the object in the slot; the last use gives back both, under the same lock. Uses are calls of the table's
 * own process, so none is left when the table is freed. All other fields of a slot change under its shelf's lock, or,
 * while the slot is reserved and on no shelf, by the thread that reserved it.
 */
#include "kernel/object/handle.h"

#include "kernel/base/log.h"
#include "kernel/object/handle_internal.h"
#include "vm/budget.h"
#include "vm/usercopy.h"

#define INDEX_BITS 18
/* Values are positive as an int32_t: programs test for that. */
#define VALUE_MASK ((zx_handle_t)INT32_MAX)
#define ONE_GENERATION (1u << (INDEX_BITS + 2))
/* Both low bits of each value. */
#define FIXED_BITS 3u

/* What is not there yet, so that each index leads to a slot. */
static struct handle_chunk no_slots = {.slots = {[0 ... HANDLE_CHUNK - 1] = {.word = WORD_OF(0, SLOT_FREE)}}};
static struct handle_directory no_chunks = {.index_mask = HANDLE_CHUNK - 1, .chunks = {&no_slots}};

void handle_table_init(struct handle_table *table, struct budget *budget) {
    atomic_init(&table->directory, &no_chunks);
    table->budget = budget;
    mutex_init(&table->lock, RANK_CHUNKS, "handle table");
    for (unsigned i = 0; i < CPU_PARTS; i++) mutex_init(&table->shelves[i].lock, RANK_HANDLES, "handles");
    table->mixer = (uint32_t)arch_entropy() & VALUE_MASK & ~FIXED_BITS;
}

static struct handle_chunk *chunk_at(const struct handle_table *table, uint32_t index) {
    return table->directory->chunks[index / HANDLE_CHUNK];
}

/* The slot that `value` was reserved in. */
static struct handle_slot *slot_reserved(struct handle_table *table, zx_handle_t value) {
    struct handle_slot *slot = handle_slot_of(table, value);
    CHECK(word_of(slot) == WORD_OF(value, SLOT_RESERVED));
    return slot;
}

/* Appends the slot to the free ones. Its word says so already, and no call uses it. */
static ALWAYS_INLINE void slot_free(struct handle_shelf *shelf, struct handle_slot *slot) REQUIRES(&shelf->lock) {
    slot->next_free = NULL;
    if (likely(shelf->free_first))
        shelf->free_last->next_free = slot;
    else
        shelf->free_first = slot;
    shelf->free_last = slot;
}

/* Of one that was reserved, or closed but used. */
static void slot_put_back(struct handle_shelf *shelf, struct handle_slot *slot) REQUIRES(&shelf->lock) {
    slot_set_free(slot);
    slot_free(shelf, slot);
}

void handle_lost(struct object *object) {
    object_lose_handles(object);
    object_tell_rest();
}

static zx_status_t not_found(struct handle_table *table) {
    return handle_refuse(table, ZX_POL_BAD_HANDLE, ZX_ERR_BAD_HANDLE);
}

static bool has_rights(zx_rights_t has, zx_rights_t wanted) { return (has & wanted) == wanted; }

zx_status_t handle_derive_rights(zx_rights_t have, zx_rights_t want, zx_rights_t *out) {
    if (want == ZX_RIGHT_SAME_RIGHTS) want = have;
    if (!has_rights(have, want)) return ZX_ERR_INVALID_ARGS;
    *out = want;
    return ZX_OK;
}

/*
 * For a closed handle whose last use this was: no other thread reaches the slot any more. If it was the last of a copy,
 * that was one of the slot's own uses.
 */
void handle_done_last(struct handle_table *table, struct handle_slot *use) {
    struct object *object = use->handle.object;
    struct handle_slot *slot;
    struct handle_shelf *shelf = handle_find(table, handle_use_value(use), &slot)->shelf;
    bool last = true;
    mutex_lock(&shelf->lock);
    if (use != slot) {
        slot_set_free(use);
        last = handle_use_end(slot);
    }
    if (last) slot_put_back(shelf, slot);
    mutex_unlock(&shelf->lock);
    if (last) object_unref(object);
}

/*
 * Another handle counts, or the one that is used was the last and has been closed. So the count does not rise from 0
 * again.
 */
static ALWAYS_INLINE zx_status_t duplicate(struct handle_table *table, zx_handle_t value, zx_rights_t rights,
                                           struct handle *out) {
    struct handle_slot *use;
    zx_status_t status = handle_use_any(table, value, ZX_RIGHT_DUPLICATE, &use);
    if (status != ZX_OK) return status;
    struct object *object = use->handle.object;
    status = handle_derive_rights(use->handle.rights, rights, &rights);
    if (status == ZX_OK && !object_handle_try_ref(object)) status = not_found(table);
    if (status == ZX_OK) {
        object_ref(object);
        *out = handle_adopt(object, rights);
    }
    handle_done(table, use);
    return status;
}

zx_status_t handle_duplicate(struct handle_table *table, zx_handle_t value, zx_rights_t rights, struct handle *out) {
    return duplicate(table, value, rights, out);
}

#define FIRST_ROOM 4u /* chunks of a table's first directory */

static bool grow_directory(struct handle_table *table) {
    struct handle_directory *old = table->directory == &no_chunks ? NULL : table->directory;
    uint32_t had = old ? (old->index_mask + 1) / HANDLE_CHUNK : 0, room = old ? had * 2 : FIRST_ROOM;
    struct handle_directory *bigger = heap_alloc(sizeof(*bigger) + room * sizeof(bigger->chunks[0]));
    if (!bigger) return false;
    bigger->smaller = old;
    bigger->index_mask = room * HANDLE_CHUNK - 1;
    for (uint32_t i = 0; i < room; i++) atomic_init(&bigger->chunks[i], i < had ? old->chunks[i] : &no_slots);
    atomic_store_explicit(&table->directory, bigger, memory_order_release);
    return true;
}

/* In the order in which they are used first. */
static struct handle_slot *slot_nth(struct handle_chunk *chunk, uint32_t n) {
    return &chunk->slots[n * HANDLE_SPREAD % HANDLE_CHUNK];
}

/* Everything else in a slot is set when the slot is used. */
static struct handle_chunk *chunk_make(const struct handle_table *table, uint32_t index, struct handle_shelf *shelf) {
    struct handle_chunk *chunk = heap_alloc(sizeof(*chunk));
    if (!chunk) return NULL;
    const uint64_t first = WORD_OF((index << 2 ^ table->mixer) | FIXED_BITS, SLOT_FREE);
    atomic_init(&chunk->copies, NULL);
    atomic_init(&chunk->met, 0);
    chunk->shelf = shelf;
    for (zx_handle_t i = 0; i < HANDLE_CHUNK; i++) atomic_init(&chunk->slots[i].word, first ^ HANDLE_WORD(i << 2));
    return chunk;
}

/* The shelf has no unused slot left. */
static void chunk_add(struct handle_table *table, struct handle_chunk *chunk) REQUIRES(&table->lock) {
    struct handle_shelf *shelf = chunk->shelf;
    mutex_lock(&shelf->lock);
    atomic_store_explicit(&table->directory->chunks[table->slots / HANDLE_CHUNK], chunk, memory_order_release);
    table->slots += HANDLE_CHUNK;
    shelf->newest = chunk;
    shelf->unused = HANDLE_CHUNK;
    mutex_unlock(&shelf->lock);
}

/* What a table has room for, and what its directory has, is whole rounds of the shelves. */
_Static_assert(HANDLE_MAX_PER_PROCESS % (CPU_PARTS * HANDLE_CHUNK) == 0 && FIRST_ROOM % CPU_PARTS == 0);

/* One more for each shelf, or none: false. */
static bool add_chunks(struct handle_table *table) REQUIRES(&table->lock) {
    const uint32_t index = table->slots;
    struct handle_chunk *chunks[CPU_PARTS] = {NULL};
    unsigned count = 0;
    if (index == HANDLE_MAX_PER_PROCESS) return false;
    if ((table->directory == &no_chunks || index > table->directory->index_mask) && !grow_directory(table))
        return false;
    while (count < CPU_PARTS &&
           (chunks[count] = chunk_make(table, index + count * HANDLE_CHUNK, &table->shelves[count])))
        count++;
    for (unsigned i = 0; i < count; i++) {
        if (count == CPU_PARTS)
            chunk_add(table, chunks[i]);
        else
            heap_free(chunks[i]);
    }
    return count == CPU_PARTS;
}

static ALWAYS_INLINE struct handle_slot *slot_take_locked(struct handle_shelf *shelf) REQUIRES(&shelf->lock) {
    struct handle_slot *slot = shelf->free_first;
    if (likely(slot))
        shelf->free_first = slot->next_free;
    else if (shelf->unused > 0)
        slot = slot_nth(shelf->newest, HANDLE_CHUNK - shelf->unused--);
    return slot;
}

static ALWAYS_INLINE struct handle_slot *slot_take(struct handle_shelf *shelf) {
    mutex_lock(&shelf->lock);
    struct handle_slot *slot = slot_take_locked(shelf);
    mutex_unlock(&shelf->lock);
    return slot;
}

/* From any shelf, this one first. */
static struct handle_slot *slot_take_any(struct handle_table *table, unsigned first) {
    struct handle_slot *slot = NULL;
    for (unsigned i = 0; i < CPU_PARTS && !slot; i++) slot = slot_take(&table->shelves[(first + i) % CPU_PARTS]);
    return slot;
}

/* For a shelf that had none. It may have by now, even a new chunk of others. */
static NOINLINE struct handle_slot *slot_take_new(struct handle_table *table, unsigned shelf) {
    struct handle_slot *slot = slot_take_any(table, shelf + 1);
    if (slot) return slot;
    mutex_lock(&table->lock);
    do {
        slot = slot_take_any(table, shelf);
    } while (!slot && add_chunks(table));
    mutex_unlock(&table->lock);
    return slot;
}

/* For a handle that is counted already. NULL: NO_MEMORY. */
static ALWAYS_INLINE struct handle_slot *slot_reserve_counted(struct handle_table *table, zx_handle_t *value) {
    const unsigned shelf = cpu_part();
    struct handle_slot *slot = slot_take(&table->shelves[shelf]);
    if (unlikely(!slot && !(slot = slot_take_new(table, shelf)))) return NULL;
    *value = (value_of(word_of(slot)) + ONE_GENERATION) & VALUE_MASK;
    atomic_store_explicit(&slot->word, WORD_OF(*value, SLOT_RESERVED), memory_order_relaxed);
    return slot;
}

static ALWAYS_INLINE struct handle_slot *slot_reserve(struct handle_table *table, zx_handle_t *value) {
    if (unlikely(!budget_charge(table->budget, BUDGET_HANDLES, 1))) return NULL;
    struct handle_slot *slot = slot_reserve_counted(table, value);
    if (unlikely(!slot)) budget_refund(table->budget, BUDGET_HANDLES, 1);
    return slot;
}

zx_status_t handle_reserve(struct handle_table *table, zx_handle_t *value) {
    return slot_reserve(table, value) ? ZX_OK : ZX_ERR_NO_MEMORY;
}

static inline void slot_publish(struct handle_slot *slot, zx_handle_t value, struct handle handle) {
    slot->handle = handle;
    atomic_store_explicit(&slot->word, WORD_OF(value, SLOT_LIVE), memory_order_release);
}

void handle_publish(struct handle_table *table, zx_handle_t value, struct handle handle) {
    slot_publish(slot_reserved(table, value), value, handle);
}

/* The slot alone: the handle that was to have it counts still. */
static void slot_unreserve(struct handle_table *table, zx_handle_t value) {
    struct handle_slot *slot = slot_reserved(table, value);
    struct handle_shelf *shelf = handle_find(table, value, &slot)->shelf;
    mutex_lock(&shelf->lock);
    slot_put_back(shelf, slot);
    mutex_unlock(&shelf->lock);
}

void handle_unreserve(struct handle_table *table, zx_handle_t value) {
    slot_unreserve(table, value);
    budget_refund(table->budget, BUDGET_HANDLES, 1);
}

/*
 * If `value` names a handle, no new use of it can begin. For the current uses a reference stays in the slot; the last
 * of them takes it only once the lock is released.
 */
static ALWAYS_INLINE bool slot_close(struct handle_chunk *chunk, struct handle_slot *slot, zx_handle_t value,
                                     struct handle *out) REQUIRES(&chunk->shelf->lock) {
    uint64_t word = WORD_OF(value, SLOT_LIVE), closed = WORD_OF(value, SLOT_FREE);
    while (unlikely(!atomic_compare_exchange_weak(&slot->word, &word, closed))) {
        if (!handle_word_is_open(word, value)) return false;
        closed =
            is_copied(word) ? handle_copied_closed(word) : with_state(word, is_used(word) ? SLOT_CLOSED : SLOT_FREE);
    }
    if (unlikely(is_copied(word))) word = handle_copies_close(chunk, slot);
    *out = slot->handle;
    if (is_used(word))
        object_ref(slot->handle.object);
    else
        slot_free(chunk->shelf, slot);
    return true;
}

static ALWAYS_INLINE zx_status_t take_out(struct handle_table *table, zx_handle_t value, struct handle *out) {
    struct handle_slot *slot;
    struct handle_chunk *chunk = handle_find(table, value, &slot);
    if (unlikely(!chunk->shelf)) return not_found(table);
    mutex_lock(&chunk->shelf->lock);
    bool closed = slot_close(chunk, slot, value, out);
    mutex_unlock(&chunk->shelf->lock);
    if (!closed) return not_found(table);
    object_cancel(out->object, table, value);
    return ZX_OK;
}

zx_status_t handle_move_out(struct handle_table *table, zx_handle_t value, struct handle *out) {
    return take_out(table, value, out);
}

zx_status_t handle_remove(struct handle_table *table, zx_handle_t value, struct handle *out) {
    zx_status_t status = take_out(table, value, out);
    if (status == ZX_OK) budget_refund(table->budget, BUDGET_HANDLES, 1);
    return status;
}

zx_status_t handle_close(struct handle_table *table, zx_handle_t value) {
    struct handle handle;
    zx_status_t status = take_out(table, value, &handle);
    if (unlikely(status != ZX_OK)) return status;
    budget_refund(table->budget, BUDGET_HANDLES, 1);
    handle_discard(handle);
    return ZX_OK;
}

/* The first that is live from there on, in one chunk. */
static bool next_in_chunk(const struct handle_table *table, uint32_t *index, struct handle *out)
    REQUIRES(&table->lock) {
    struct handle_chunk *chunk = chunk_at(table, *index);
    bool found = false;
    mutex_lock(&chunk->shelf->lock);
    do {
        const struct handle_slot *slot = &chunk->slots[*index % HANDLE_CHUNK];
        found = is_in_state(word_of(slot), SLOT_LIVE);
        if (found) *out = slot->handle;
    } while (++*index % HANDLE_CHUNK != 0 && !found);
    if (found) object_ref(out->object);
    mutex_unlock(&chunk->shelf->lock);
    return found;
}

/* The locks are released between chunks, for others wait for them. The table's keeps the chunk. */
bool handle_next(struct handle_table *table, uint32_t *index, struct handle *out) {
    bool found = false, more;
    do {
        mutex_lock(&table->lock);
        more = *index < table->slots;
        if (more) found = next_in_chunk(table, index, out);
        mutex_unlock(&table->lock);
    } while (!found && more);
    return found;
}

static void free_slots(struct handle_directory *directory, uint32_t slots) {
    for (uint32_t i = 0; i * HANDLE_CHUNK < slots; i++) {
        struct handle_chunk *chunk = directory->chunks[i];
        heap_free(chunk->copies);
        heap_free(chunk);
    }
    while (directory && directory != &no_chunks) {
        struct handle_directory *smaller = directory->smaller;
        heap_free(directory);
        directory = smaller;
    }
}

static void close_all(struct handle_table *table, struct handle_chunk *chunk) {
    const uint32_t unused = chunk == chunk->shelf->newest ? chunk->shelf->unused : 0;
    for (uint32_t n = 0; n < HANDLE_CHUNK - unused; n++) {
        const uint64_t word = word_of(slot_nth(chunk, n));
        ASSERT(!is_used(word));
        if (is_in_state(word, SLOT_LIVE)) (void)!handle_close(table, value_of(word));
        if (is_in_state(word, SLOT_RESERVED)) handle_unreserve(table, value_of(word));
    }
}

void handle_table_destroy(struct handle_table *table) {
    for (uint32_t index = 0; index < table->slots; index += HANDLE_CHUNK) close_all(table, chunk_at(table, index));
    mutex_lock(&table->lock);
    struct handle_directory *directory = table->directory;
    uint32_t slots = table->slots;
    table->directory = &no_chunks;
    table->slots = 0;
    for (unsigned i = 0; i < CPU_PARTS; i++) {
        struct handle_shelf *shelf = &table->shelves[i];
        shelf->free_first = NULL;
        shelf->newest = NULL;
        shelf->unused = 0;
    }
    mutex_unlock(&table->lock);
    free_slots(directory, slots);
}

static void unreserve_first(struct handle_table *table, const zx_handle_t *values, uint32_t count) {
    while (count > 0) slot_unreserve(table, values[--count]);
}

zx_status_t handle_reserve_many(struct handle_table *table, zx_handle_t *values, uint32_t count,
                                struct budget *counts) {
    struct budget *both = budget_shared(table->budget, counts);
    uint32_t reserved = 0;
    if (!budget_charge_below(both, table->budget, BUDGET_HANDLES, count)) return ZX_ERR_NO_MEMORY;
    while (reserved < count && slot_reserve_counted(table, &values[reserved])) reserved++;
    if (likely(reserved == count)) return ZX_OK;
    unreserve_first(table, values, reserved);
    budget_refund_below(both, table->budget, BUDGET_HANDLES, count);
    return ZX_ERR_NO_MEMORY;
}

void handle_unreserve_many(struct handle_table *table, const zx_handle_t *values, uint32_t count,
                           struct budget *counts) {
    unreserve_first(table, values, count);
    budget_refund_below(budget_shared(table->budget, counts), table->budget, BUDGET_HANDLES, count);
}

void handle_publish_many(struct handle_table *table, const zx_handle_t *values, const struct handle *handles,
                         uint32_t count, struct budget *counts) {
    struct budget *both = budget_shared(table->budget, counts);
    for (uint32_t i = 0; i < count; i++) handle_publish(table, values[i], handles[i]);
    budget_refund_below(both, counts, BUDGET_HANDLES, count);
}

static ALWAYS_INLINE zx_status_t give_one(struct handle_table *table, user_out_t out, struct handle handle) {
    zx_handle_t value;
    struct handle_slot *slot = slot_reserve(table, &value);
    zx_status_t status = likely(slot) ? user_put(out, value) : ZX_ERR_NO_MEMORY;
    if (likely(status == ZX_OK)) {
        slot_publish(slot, value, handle);
        return ZX_OK;
    }
    if (slot) handle_unreserve(table, value);
    handle_discard(handle);
    return status;
}

zx_status_t handle_give(struct handle_table *table, user_out_t out, struct handle handle) {
    return give_one(table, out, handle);
}

zx_status_t handle_give_copy(struct handle_table *table, zx_handle_t value, zx_rights_t rights, user_out_t out) {
    struct handle handle;
    zx_status_t status = duplicate(table, value, rights, &handle);
    return status == ZX_OK ? give_one(table, out, handle) : status;
}

zx_status_t handle_give_two(struct handle_table *table, user_out_t out0, struct handle handle0, user_out_t out1,
                            struct handle handle1) {
    zx_handle_t value0, value1;
    struct handle_slot *slot0 = slot_reserve(table, &value0), *slot1 = slot0 ? slot_reserve(table, &value1) : NULL;
    zx_status_t status = slot1 ? user_put(out0, value0) : ZX_ERR_NO_MEMORY;
    if (status == ZX_OK) status = user_put(out1, value1);
    if (status == ZX_OK) {
        slot_publish(slot0, value0, handle0);
        slot_publish(slot1, value1, handle1);
        return ZX_OK;
    }
    if (slot0) handle_unreserve(table, value0);
    if (slot1) handle_unreserve(table, value1);
    handle_discard(handle0);
    handle_discard(handle1);
    return status;
}
