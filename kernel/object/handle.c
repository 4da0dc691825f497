/*
 * Handle tables; see handle.h. Slots live in chunks that never move, so that growing costs no copying; the array of
 * chunk pointers doubles.
 */
#include "kernel/object/handle.h"

#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "vm/heap.h"
#include "vm/usercopy.h"

#define CHUNK_SLOTS 64u
#define INDEX_BITS 18
#define INDEX_MASK ((1u << INDEX_BITS) - 1)
#define FIXED_BITS 3u
/* Values are positive as an int32_t: programs test for that. */
#define VALUE_MASK ((zx_handle_t)INT32_MAX)
#define ONE_GENERATION (1u << (INDEX_BITS + 2))
#define NO_SLOT UINT32_MAX

/* What a slot is the low bits of its value tell, so that comparing values is all that a look-up has to do. */
enum slot_state { SLOT_FREE, SLOT_RESERVED, SLOT_LIVE = FIXED_BITS };

struct handle_slot {
    union {
        struct object *object; /* live */
        uint32_t next_free;    /* free */
    };
    zx_rights_t rights;
    zx_handle_t value; /* the last one given out, but for the low bits: enum slot_state */
};

static atomic_size_t live_handles;

size_t handle_count(void) { return atomic_load(&live_handles); }

struct handle handle_make(struct object *object, zx_rights_t rights) {
    object_ref(object);
    object_handle_ref(object);
    return handle_adopt(object, rights);
}

struct handle handle_adopt(struct object *object, zx_rights_t rights) {
    atomic_fetch_add_explicit(&live_handles, 1, memory_order_relaxed);
    return (struct handle){object, rights};
}

void handle_discard(struct handle handle) {
    atomic_fetch_sub_explicit(&live_handles, 1, memory_order_relaxed);
    object_handle_unref(handle.object);
    object_unref(handle.object);
}

void handle_table_init(struct handle_table *table) {
    *table = (struct handle_table){.free_first = NO_SLOT, .free_last = NO_SLOT};
    mutex_init(&table->lock, RANK_HANDLES, "handle table");
    table->mixer = (uint32_t)arch_entropy() & VALUE_MASK & ~FIXED_BITS;
}

static struct handle_slot *slot_at(struct handle_table *table, uint32_t index) {
    return &table->chunks[index / CHUNK_SLOTS][index % CHUNK_SLOTS];
}

/*
 * The slot that `value` names, if it is in that state; else NULL. Under the lock.
 *
 * The mask keeps a processor that guesses wrong at the check within the directory, whose unused entries lead nowhere.
 * The bits that it cuts off a value are in the comparison with the slot's.
 */
static inline struct handle_slot *slot_find(struct handle_table *table, zx_handle_t value, enum slot_state state,
                                            uint32_t *index) {
    *index = (value ^ table->mixer) >> 2 & table->index_mask;
    if ((value & FIXED_BITS) != FIXED_BITS || *index >= table->slots) return NULL;
    struct handle_slot *slot = slot_at(table, *index);
    return slot->value == (value ^ (FIXED_BITS ^ state)) ? slot : NULL;
}

static void slot_set(struct handle_slot *slot, enum slot_state state) {
    slot->value = (slot->value & ~FIXED_BITS) | state;
}

static bool slot_is_live(const struct handle_slot *slot) { return (slot->value & FIXED_BITS) == SLOT_LIVE; }

static void slot_free(struct handle_table *table, uint32_t index, struct handle_slot *slot) {
    slot_set(slot, SLOT_FREE);
    slot->next_free = NO_SLOT;
    if (table->free_last == NO_SLOT)
        table->free_first = index;
    else
        slot_at(table, table->free_last)->next_free = index;
    table->free_last = index;
    table->live--;
}

static bool has_rights(zx_rights_t has, zx_rights_t wanted) { return (has & wanted) == wanted; }

zx_status_t handle_derive_rights(zx_rights_t have, zx_rights_t want, zx_rights_t *out) {
    if (want == ZX_RIGHT_SAME_RIGHTS) want = have;
    if (!has_rights(have, want)) return ZX_ERR_INVALID_ARGS;
    *out = want;
    return ZX_OK;
}

zx_status_t handle_duplicate(struct handle_table *table, zx_handle_t value, zx_rights_t rights, struct handle *out) {
    uint32_t index;
    zx_status_t status = ZX_ERR_BAD_HANDLE;
    mutex_lock(&table->lock);
    const struct handle_slot *slot = slot_find(table, value, SLOT_LIVE, &index);
    if (slot) {
        status = has_rights(slot->rights, ZX_RIGHT_DUPLICATE) ? handle_derive_rights(slot->rights, rights, &rights)
                                                              : ZX_ERR_ACCESS_DENIED;
        if (status == ZX_OK) *out = handle_make(slot->object, rights);
    }
    mutex_unlock(&table->lock);
    return status;
}

/* The reference is taken last: a failure has nothing to give back. */
static inline zx_status_t get_checked(struct handle_table *table, zx_handle_t value, bool typed, zx_obj_type_t type,
                                      zx_rights_t rights, struct handle *out) {
    zx_status_t status = ZX_OK;
    uint32_t index;
    mutex_lock(&table->lock);
    const struct handle_slot *slot = slot_find(table, value, SLOT_LIVE, &index);
    if (!slot) {
        status = ZX_ERR_BAD_HANDLE;
    } else if (typed && slot->object->ops->type != type) {
        status = ZX_ERR_WRONG_TYPE;
    } else if (!has_rights(slot->rights, rights)) {
        status = ZX_ERR_ACCESS_DENIED;
    } else {
        struct object *object = slot->object;
        *out = (struct handle){object, slot->rights};
        object_ref(object);
    }
    mutex_unlock(&table->lock);
    return status;
}

zx_status_t handle_get(struct handle_table *table, zx_handle_t value, zx_obj_type_t type, zx_rights_t rights,
                       struct handle *out) {
    return get_checked(table, value, true, type, rights, out);
}

zx_status_t handle_get_any(struct handle_table *table, zx_handle_t value, zx_rights_t rights, struct handle *out) {
    return get_checked(table, value, false, ZX_OBJ_TYPE_NONE, rights, out);
}

bool handle_names(struct handle_table *table, zx_handle_t value, const struct object *object) {
    uint32_t index;
    mutex_lock(&table->lock);
    const struct handle_slot *slot = slot_find(table, value, SLOT_LIVE, &index);
    bool names = slot && slot->object == object;
    mutex_unlock(&table->lock);
    return names;
}

static bool grow_directory(struct handle_table *table) {
    uint32_t room = table->chunk_room ? table->chunk_room * 2 : 4;
    struct handle_slot **bigger = heap_alloc_zeroed(room * sizeof(*bigger));
    if (!bigger) return false;
    if (table->chunks) memcpy(bigger, table->chunks, table->chunk_room * sizeof(*bigger));
    heap_free(table->chunks);
    table->chunks = bigger;
    table->chunk_room = room;
    table->index_mask = room * CHUNK_SLOTS - 1;
    return true;
}

/* One more slot at the end of the table, or NO_SLOT. */
static uint32_t slot_append(struct handle_table *table) {
    uint32_t index = table->slots, chunk = index / CHUNK_SLOTS;
    if (index == HANDLE_MAX_PER_PROCESS) return NO_SLOT;
    if (index % CHUNK_SLOTS == 0) {
        if (chunk == table->chunk_room && !grow_directory(table)) return NO_SLOT;
        table->chunks[chunk] = heap_alloc_zeroed(CHUNK_SLOTS * sizeof(struct handle_slot));
        if (!table->chunks[chunk]) return NO_SLOT;
    }
    slot_at(table, index)->value = index << 2 ^ table->mixer;
    table->slots++;
    return index;
}

static uint32_t slot_take(struct handle_table *table) {
    uint32_t index = table->free_first;
    if (index == NO_SLOT) return slot_append(table);
    table->free_first = slot_at(table, index)->next_free;
    if (table->free_first == NO_SLOT) table->free_last = NO_SLOT;
    return index;
}

zx_status_t handle_reserve(struct handle_table *table, zx_handle_t *value) {
    mutex_lock(&table->lock);
    uint32_t index = slot_take(table);
    if (index != NO_SLOT) {
        struct handle_slot *slot = slot_at(table, index);
        slot->value = (((slot->value ^ table->mixer) + ONE_GENERATION) & VALUE_MASK) ^ table->mixer;
        slot_set(slot, SLOT_RESERVED);
        table->live++;
        *value = slot->value | FIXED_BITS;
    }
    mutex_unlock(&table->lock);
    return index == NO_SLOT ? ZX_ERR_NO_MEMORY : ZX_OK;
}

void handle_publish(struct handle_table *table, zx_handle_t value, struct handle handle) {
    uint32_t index;
    mutex_lock(&table->lock);
    struct handle_slot *slot = slot_find(table, value, SLOT_RESERVED, &index);
    CHECK(slot);
    slot->object = handle.object;
    slot->rights = handle.rights;
    slot_set(slot, SLOT_LIVE);
    mutex_unlock(&table->lock);
}

void handle_unreserve(struct handle_table *table, zx_handle_t value) {
    uint32_t index;
    mutex_lock(&table->lock);
    struct handle_slot *slot = slot_find(table, value, SLOT_RESERVED, &index);
    CHECK(slot);
    slot_free(table, index, slot);
    mutex_unlock(&table->lock);
}

zx_status_t handle_remove(struct handle_table *table, zx_handle_t value, struct handle *out) {
    uint32_t index;
    mutex_lock(&table->lock);
    struct handle_slot *slot = slot_find(table, value, SLOT_LIVE, &index);
    if (slot) {
        *out = (struct handle){slot->object, slot->rights};
        slot_free(table, index, slot);
    }
    mutex_unlock(&table->lock);
    if (!slot) return ZX_ERR_BAD_HANDLE;
    object_cancel(out->object, table, value);
    return ZX_OK;
}

bool handle_next(struct handle_table *table, uint32_t *index, struct handle *out) {
    bool found = false;
    mutex_lock(&table->lock);
    while (*index < table->slots && !found) {
        struct handle_slot *slot = slot_at(table, (*index)++);
        found = slot_is_live(slot);
        if (!found) continue;
        *out = (struct handle){slot->object, slot->rights};
        object_ref(slot->object);
    }
    mutex_unlock(&table->lock);
    return found;
}

void handle_table_destroy(struct handle_table *table) {
    for (uint32_t index = 0; index < table->slots; index++) {
        struct handle_slot *slot = slot_at(table, index);
        struct handle handle;
        if (slot_is_live(slot) && handle_remove(table, slot->value, &handle) == ZX_OK) handle_discard(handle);
    }
    mutex_lock(&table->lock);
    struct handle_slot **chunks = table->chunks;
    uint32_t slots = table->slots;
    table->chunks = NULL;
    table->slots = table->chunk_room = table->index_mask = 0;
    table->free_first = table->free_last = NO_SLOT;
    mutex_unlock(&table->lock);
    for (uint32_t chunk = 0; chunk * CHUNK_SLOTS < slots; chunk++) heap_free(chunks[chunk]);
    heap_free(chunks);
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
