/*
 * Uses of handles, and handles that several processors use at once; see handle.h.
 *
 * Each use of a handle changes a word twice. If calls on several processors use the same handle again and again, they
 * take its cache line from one another, which may take longer than the call. So a look-up that sees the word change has
 * the slot copied, once for each processor or each few, and each look-up uses the copy of its own. A copy is a slot
 * too: it has the handle, and a word with the value and with the uses that began on those processors. For a call that
 * uses it, it is what the slot was.
 *
 * The slot's own word is still where a handle is opened and closed. A look-up reads it, and counts a use in a copy only
 * if it says that the slot is live and copied. A close first changes that word, so that no later look-up gets as far as
 * the copies; then it takes the value away from each copy, so that no use begins there either. One that is used stays
 * closed until its uses end, and counts as one use of the slot. Uses that began before the slot was copied end in the
 * slot's word.
 *
 * The copies of a chunk are made when the first is wanted, and stay until the table is freed, since a look-up may be on
 * its way to them: it is kept from mistaking a copy's next handle for the one it looks for by the value in the word. If
 * there is no memory for them, the handle is used as it is.
 */
#include "kernel/object/handle_internal.h"
#include "kernel/sched/sched.h"
#include "vm/heap.h"

struct handle_copies {
    struct {
        _Alignas(CACHE_LINE) struct handle_slot slot;
    } of[CPU_PARTS][HANDLE_CHUNK];
};

static struct handle_slot *copy_of(const struct handle_chunk *chunk, const struct handle_slot *slot, unsigned part) {
    struct handle_copies *copies = atomic_load_explicit(&chunk->copies, memory_order_acquire);
    return &copies->of[part][slot - chunk->slots].slot;
}

static struct handle_copies *copies_make(void) {
    struct handle_copies *copies = heap_alloc(sizeof(*copies));
    if (!copies) return NULL;
    for (unsigned part = 0; part < CPU_PARTS; part++) {
        for (unsigned i = 0; i < HANDLE_CHUNK; i++) atomic_init(&copies->of[part][i].slot.word, WORD_OF(0, SLOT_FREE));
    }
    return copies;
}

void handle_copy(struct handle_table *table, zx_handle_t value) {
    struct handle_slot *slot;
    struct handle_chunk *chunk = handle_find(table, value, &slot);
    if (!chunk->shelf) return;
    struct handle_copies *made = chunk->copies ? NULL : copies_make();
    mutex_lock(&chunk->shelf->lock);
    if (!chunk->copies && made) {
        atomic_store_explicit(&chunk->copies, made, memory_order_release);
        made = NULL;
    }
    if (chunk->copies && handle_word_names(word_of(slot), value)) {
        for (unsigned part = 0; part < CPU_PARTS; part++) {
            struct handle_slot *copy = copy_of(chunk, slot, part);
            copy->handle = slot->handle;
            atomic_store_explicit(&copy->word, WORD_OF(value, SLOT_LIVE), memory_order_release);
        }
        atomic_fetch_or_explicit(&slot->word, HANDLE_COPIED, memory_order_release);
    }
    mutex_unlock(&chunk->shelf->lock);
    heap_free(made);
}

/* Counts one more if it has that value. `*others`: others changed it at the same time. */
static bool count_use(struct handle_slot *slot, zx_handle_t value, bool *others) {
    uint64_t word = word_of(slot);
    *others = false;
    while (handle_word_names(word, value)) {
        if (atomic_compare_exchange_weak(&slot->word, &word, word + 1)) return true;
        *others = true;
    }
    return false;
}

/*
 * Do others change the word all the time? A call that sleeps with a use does not. Only some of the look-ups take the
 * time for that, ever fewer.
 */
#define LOOKS 32
static bool changes(struct handle_chunk *chunk, const struct handle_slot *slot) {
    const unsigned met = atomic_fetch_add_explicit(&chunk->met, 1, memory_order_relaxed) + 1;
    if (met < 16 || (met & (met - 1)) != 0) return false;
    const uint64_t word = word_of(slot);
    for (unsigned i = 0; i < LOOKS; i++) {
        if (word_of(slot) != word) return true;
        arch_pause();
    }
    return false;
}

static NOINLINE struct handle_slot *use_among_processors(struct handle_table *table, zx_handle_t value) {
    struct handle_slot *slot;
    struct handle_chunk *chunk = handle_find(table, value, &slot);
    bool others;
    if (count_use(slot, value, &others)) {
        if (others || changes(chunk, slot)) handle_copy(table, value);
        return slot;
    }
    if (!handle_word_is_open(word_of(slot), value)) return NULL;
    slot = copy_of(chunk, slot, cpu_part());
    return count_use(slot, value, &others) ? slot : NULL;
}

/* One processor takes no cache line from another. */
struct handle_slot *handle_use_again(struct handle_table *table, zx_handle_t value, struct handle_slot *slot) {
    uint64_t word = word_of(slot);
    if (sched_cpu_count() == 1 && handle_word_names(word, value) &&
        atomic_compare_exchange_strong(&slot->word, &word, word + 1))
        return slot;
    return use_among_processors(table, value);
}

uint64_t handle_copies_close(struct handle_chunk *chunk, struct handle_slot *slot) {
    uint64_t used = 0;
    for (unsigned part = 0; part < CPU_PARTS; part++) {
        struct handle_slot *copy = copy_of(chunk, slot, part);
        uint64_t word = word_of(copy), closed;
        do {
            closed = with_state(word, is_used(word) ? SLOT_CLOSED : SLOT_FREE);
        } while (!atomic_compare_exchange_weak(&copy->word, &word, closed));
        if (is_used(word)) used++;
    }
    uint64_t word = atomic_fetch_add(&slot->word, used - 1) + used - 1;
    if (!is_used(word)) atomic_store_explicit(&slot->word, word = with_state(word, SLOT_FREE), memory_order_relaxed);
    return word;
}

zx_status_t handle_use_refuse(struct handle_table *table, bool typed, zx_obj_type_t type, struct handle_slot *use) {
    bool wrong_type = typed && use->handle.object->ops->type != type;
    handle_done(table, use);
    return wrong_type ? handle_refuse(table, ZX_POL_WRONG_OBJECT, ZX_ERR_WRONG_TYPE) : ZX_ERR_ACCESS_DENIED;
}

static ALWAYS_INLINE zx_status_t get_checked(struct handle_table *table, zx_handle_t value, bool typed,
                                             zx_obj_type_t type, zx_rights_t rights, struct handle *out) {
    struct handle_slot *use;
    zx_status_t status = handle_use_checked(table, value, typed, type, rights, &use);
    if (status != ZX_OK) return status;
    *out = use->handle;
    object_ref(out->object);
    handle_done(table, use);
    return ZX_OK;
}

zx_status_t handle_get(struct handle_table *table, zx_handle_t value, zx_obj_type_t type, zx_rights_t rights,
                       struct handle *out) {
    return get_checked(table, value, true, type, rights, out);
}

zx_status_t handle_get_any(struct handle_table *table, zx_handle_t value, zx_rights_t rights, struct handle *out) {
    return get_checked(table, value, false, ZX_OBJ_TYPE_NONE, rights, out);
}

bool handle_names(struct handle_table *table, zx_handle_t value, const struct object *object) {
    struct handle_slot *use;
    if (!handle_use_begin(table, value, &use)) return false;
    bool is_it = use->handle.object == object;
    handle_done(table, use);
    return is_it;
}

bool handle_is_valid(struct handle_table *table, zx_handle_t value) {
    return handle_word_is_open(word_of(handle_slot_of(table, value)), value);
}
