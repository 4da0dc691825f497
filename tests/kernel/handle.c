/*
 * Handle tables: values, generations, rights, and what happens when they are full.
 */
#include "kernel/object/handle.h"

#include "kernel/sched/sched.h"
#include "tests/kernel/support.h"
#include "vm/budget.h"

static unsigned orphaned, freed;
static void count_orphan(struct object *object UNUSED) { orphaned++; }
static void count_free(struct object *object UNUSED) { freed++; }
static const struct object_ops event_ops = {
    .type = ZX_OBJ_TYPE_EVENT, .free = count_free, .on_zero_handles = count_orphan};

static struct handle_table table;
static struct object event;

/* There is no other table. */
static uint64_t reserved_or_live(void) { return budget_used(&root_budget, BUDGET_HANDLES); }

static void begin(void) {
    handle_table_init(&table, &root_budget);
    object_init(&event, &event_ops, 0);
    orphaned = freed = 0;
}

/* Every handle is closed with its table, and the object is freed with the last of them. */
static void end(void) {
    handle_table_destroy(&table);
    object_unref(&event);
    EXPECT(freed == 1);
}

/* A live handle to the event; 0 if there is none to be had. */
static zx_handle_t give(zx_rights_t rights) {
    zx_handle_t value;
    if (handle_reserve(&table, &value) != ZX_OK) return 0;
    handle_publish(&table, value, handle_make(&event, rights));
    return value;
}

static bool close(zx_handle_t value) {
    struct handle handle;
    if (handle_remove(&table, value, &handle) != ZX_OK) return false;
    handle_discard(handle);
    return true;
}

/* What a look-up says, with its reference given back. */
static zx_status_t look(zx_handle_t value, zx_obj_type_t type, zx_rights_t rights) {
    struct handle handle;
    zx_status_t status = handle_get(&table, value, type, rights, &handle);
    if (status == ZX_OK) object_unref(handle.object);
    return status;
}

static bool is_live(zx_handle_t value) { return look(value, ZX_OBJ_TYPE_EVENT, 0) == ZX_OK; }

KTEST("handle/a value is live from its publication to its removal, and counted") {
    zx_handle_t value;
    begin();
    size_t count = handle_count();
    NEED(handle_reserve(&table, &value) == ZX_OK);
    EXPECT((value & 3) == 3 && !is_live(value) && !close(value));
    handle_publish(&table, value, handle_make(&event, ZX_RIGHT_READ));
    EXPECT(is_live(value) && handle_count() == count + 1);
    EXPECT(close(value) && !is_live(value) && !close(value) && handle_count() == count);
    EXPECT(orphaned == 1 && freed == 0);
    end();
}

KTEST("handle/a reserved value that is given up names nothing, and its slot serves again") {
    zx_handle_t value;
    begin();
    NEED(handle_reserve(&table, &value) == ZX_OK);
    handle_unreserve(&table, value);
    EXPECT(!is_live(value) && reserved_or_live() == 0);
    zx_handle_t next = give(0);
    EXPECT(next && next != value && is_live(next) && !is_live(value));
    end();
}

KTEST("handle/a duplicate counts before the handle that it is made from can go, and one that is refused never counts") {
    struct handle copy;
    begin();
    zx_handle_t value = give(ZX_RIGHT_READ | ZX_RIGHT_DUPLICATE), weak = give(ZX_RIGHT_READ);
    NEED(value && weak);
    EXPECT(handle_duplicate(&table, weak, ZX_RIGHT_READ, &copy) == ZX_ERR_ACCESS_DENIED);
    EXPECT(handle_duplicate(&table, value, ZX_RIGHT_WRITE, &copy) == ZX_ERR_INVALID_ARGS);
    EXPECT(atomic_load(&event.handles) == 2 && close(weak));
    NEED(handle_duplicate(&table, value, ZX_RIGHT_READ, &copy) == ZX_OK);
    EXPECT(close(value) && orphaned == 0 && copy.object == &event && copy.rights == ZX_RIGHT_READ);
    handle_discard(copy);
    EXPECT(orphaned == 1 && handle_duplicate(&table, value, ZX_RIGHT_READ, &copy) == ZX_ERR_BAD_HANDLE);
    end();
}

KTEST("handle/H1, H2, H11 values that were never given out name nothing") {
    begin();
    zx_handle_t value = give(0);
    NEED(value);
    EXPECT(!is_live(0) && !is_live(UINT32_MAX));
    for (zx_handle_t low = 0; low < 3; low++) EXPECT(!is_live((value & ~3u) | low));
    for (unsigned bit = 2; bit < 32; bit++) EXPECT(!is_live(value ^ 1u << bit));
    random_seed(6);
    for (int i = 0; i < 10000; i++) {
        zx_handle_t guess = (zx_handle_t)random_below((uint64_t)1 << 32);
        EXPECT(guess == value || !is_live(guess));
    }
    end();
}

KTEST("handle/H5, H6, H7, H13 bad handle, then wrong type, then missing right") {
    begin();
    zx_handle_t value = give(ZX_RIGHT_READ | ZX_RIGHT_WAIT);
    struct handle handle;
    EXPECT(look(value ^ 4, ZX_OBJ_TYPE_VMO, ZX_RIGHT_WRITE) == ZX_ERR_BAD_HANDLE);
    EXPECT(look(value, ZX_OBJ_TYPE_VMO, ZX_RIGHT_WRITE) == ZX_ERR_WRONG_TYPE);
    EXPECT(look(value, ZX_OBJ_TYPE_EVENT, ZX_RIGHT_WRITE) == ZX_ERR_ACCESS_DENIED);
    EXPECT(look(value, ZX_OBJ_TYPE_EVENT, ZX_RIGHT_READ | ZX_RIGHT_WRITE) == ZX_ERR_ACCESS_DENIED);
    EXPECT(look(value, ZX_OBJ_TYPE_EVENT, ZX_RIGHT_READ | ZX_RIGHT_WAIT) == ZX_OK);
    EXPECT(handle_get_any(&table, value, ZX_RIGHT_WRITE, &handle) == ZX_ERR_ACCESS_DENIED);
    EXPECT(handle_get_any(&table, value ^ 4, ZX_RIGHT_WRITE, &handle) == ZX_ERR_BAD_HANDLE);
    EXPECT(atomic_load(&event.refs) == 2);
    end();
}

KTEST("handle/H3, H4 a stale value stays stale while its slot is used 2,000 times more") {
    begin();
    zx_handle_t stale = give(0);
    NEED(stale && close(stale));
    for (int i = 0; i < 2000; i++) {
        zx_handle_t value = give(0);
        NEED(value && value != stale && !is_live(stale) && is_live(value) && close(value));
    }
    end();
}

KTEST("handle/the slot that was freed first is used first") {
    zx_handle_t values[8];
    if (sched_cpu_count() > 1) return; /* each has slots of its own, and the test may move */
    begin();
    for (size_t i = 0; i < 8; i++) NEED((values[i] = give(0)));
    static const size_t order[] = {5, 2, 7, 0};
    for (size_t i = 0; i < 4; i++) NEED(close(values[order[i]]));
    /* A slot shows in the low bits of a value, under the table's mixer. */
    const zx_handle_t slot_bits = ((1u << 18) - 1) << 2;
    for (size_t i = 0; i < 4; i++) {
        zx_handle_t again = give(0);
        EXPECT(((again ^ values[order[i]]) & slot_bits) == 0 && again != values[order[i]]);
    }
    end();
}

/* One slot, more often than it has generations, under mixers of every kind. */
KTEST("handle/choices: a value is positive as an int32_t, however often its slot was used") {
    for (int round = 0; round < 8; round++) {
        begin();
        for (int i = 0; i < 5000; i++) {
            zx_handle_t value;
            NEED(handle_reserve(&table, &value) == ZX_OK && (int32_t)value > 0 && (value & 3) == 3);
            handle_unreserve(&table, value);
        }
        end();
    }
}

/* Threads that reserve, so many handles each; and how many slots of the table nobody has. */
#define MANY 3

struct reserving {
    struct runner runner;
    size_t count, most;
    zx_handle_t *values;
};

static void reserve_up_to_most(void *arg) {
    struct reserving *r = arg;
    zx_handle_t value;
    for (; r->count < r->most && handle_reserve(&table, &value) == ZX_OK; r->count++) {
        if (r->values) r->values[r->count] = value;
    }
}

static void reserve_at_once(struct reserving *all) {
    for (size_t i = 0; i < MANY; i++) NEED(runner_start(&all[i].runner, NULL, reserve_up_to_most, &all[i]));
    for (size_t i = 0; i < MANY; i++) runner_join(&all[i].runner);
}

static size_t slots_left(void) {
    size_t left = 0;
    for (unsigned i = 0; i < CPU_PARTS; i++) {
        const struct handle_shelf *shelf = &table.shelves[i];
        left += shelf->unused;
        for (const struct handle_slot *slot = shelf->free_first; slot; slot = slot->next_free) left++;
    }
    return left;
}

/* A value that is reserved on that shelf; 0: it has no slots. */
static zx_handle_t reserved_on(const struct handle_shelf *shelf) {
    for (uint32_t index = 0; index < table.slots; index += HANDLE_CHUNK) {
        const struct handle_chunk *chunk = table.directory->chunks[index / HANDLE_CHUNK];
        if (chunk->shelf == shelf) return (zx_handle_t)(chunk->slots[1].word >> 32);
    }
    return 0;
}

/* Is the last free slot found, on whichever shelf it is? */
static bool last_is_found(void) {
    bool found = true;
    for (unsigned i = 0; i < CPU_PARTS; i++) {
        zx_handle_t value = reserved_on(&table.shelves[i]);
        if (!value) continue;
        handle_unreserve(&table, value);
        found = found && handle_reserve(&table, &value) == ZX_OK && handle_reserve(&table, &value) != ZX_OK;
    }
    return found;
}

KTEST("handle/H12 a table that threads fill refuses when it is full, and recovers with the first that is closed") {
    struct reserving all[MANY] = {{.most = SIZE_MAX}, {.most = SIZE_MAX}, {.most = SIZE_MAX}};
    begin();
    zx_handle_t first = give(0);
    NEED(first);
    reserve_at_once(all);
    EXPECT(all[0].count + all[1].count + all[2].count + 1 == HANDLE_MAX_PER_PROCESS && give(0) == 0);
    EXPECT(last_is_found());
    EXPECT(is_live(first) && close(first));
    zx_handle_t value = give(0);
    EXPECT(value && is_live(value) && give(0) == 0 && !is_live(first));
    EXPECT(close(value) && slots_left() == 1);
    end();
}

KTEST("handle/handles made one after the other do not lie in one cache line") {
    enum { NEAR = 8 };
    const struct handle_slot *slots[NEAR];
    begin();
    for (size_t i = 0; i < NEAR; i++) NEED((slots[i] = handle_slot_of(&table, give(0))));
    for (size_t i = 1; i < NEAR; i++) {
        const uintptr_t a = (uintptr_t)slots[i - 1], b = (uintptr_t)slots[i];
        EXPECT(a / CACHE_LINE != b / CACHE_LINE && (a + sizeof(*slots[0]) - 1) / CACHE_LINE != b / CACHE_LINE);
    }
    end();
}

KTEST("handle/of threads that reserve at once each gets slots of its own, and none is lost") {
    enum { EACH = 100, ALL = MANY * EACH };
    static zx_handle_t values[ALL];
    struct reserving all[MANY];
    begin();
    for (size_t i = 0; i < MANY; i++) all[i] = (struct reserving){.most = EACH, .values = &values[i * EACH]};
    reserve_at_once(all);
    EXPECT(slots_left() + ALL == table.slots && table.slots <= ALL + CPU_PARTS * HANDLE_CHUNK);
    for (size_t i = 0; i < ALL; i++) {
        for (size_t k = 0; k < i; k++) EXPECT(values[i] != values[k]);
    }
    for (size_t i = 0; i < ALL; i++) handle_unreserve(&table, values[i]);
    EXPECT(slots_left() == table.slots && reserved_or_live() == 0);
    end();
}

/* Each thread runs where it happens to run: on another processor, some of them. */
KTEST("handle/a table grows with its handles, whichever processor makes them") {
    static zx_handle_t values[HANDLE_CHUNK + 1];
    begin();
    for (int round = 0; round < 20; round++) {
        struct reserving one = {.most = countof(values), .values = values};
        NEED(runner_start(&one.runner, NULL, reserve_up_to_most, &one));
        runner_join(&one.runner);
        EXPECT(one.count == countof(values) && table.slots == CPU_PARTS * HANDLE_CHUNK);
        for (size_t i = 0; i < countof(values); i++) handle_unreserve(&table, values[i]);
    }
    end();
}

KTEST("handle/a table of thousands keeps each apart") {
    static zx_handle_t values[5000];
    begin();
    for (size_t i = 0; i < countof(values); i++) NEED((values[i] = give((zx_rights_t)i)));
    for (size_t i = 0; i < countof(values); i += 2) NEED(close(values[i]));
    for (size_t i = 0; i < countof(values); i++) {
        struct handle handle;
        zx_status_t status = handle_get_any(&table, values[i], 0, &handle);
        EXPECT(status == (i % 2 ? ZX_OK : ZX_ERR_BAD_HANDLE));
        if (status != ZX_OK) continue;
        EXPECT(handle.object == &event && handle.rights == i);
        object_unref(handle.object);
    }
    EXPECT(orphaned == 0);
    end();
}

KTEST("handle/going through a table meets each live handle once, however far apart they lie") {
    static zx_handle_t values[1000];
    static const size_t kept[] = {3, 64, 700, 999};
    struct handle handle;
    uint32_t index = 0;
    begin();
    for (size_t i = 0; i < countof(values); i++) NEED((values[i] = give((zx_rights_t)i)));
    for (size_t i = 0, k = 0; i < countof(values); i++) {
        if (i == kept[k])
            k++;
        else
            NEED(close(values[i]));
    }
    for (size_t k = 0; k < countof(kept); k++) {
        NEED(handle_next(&table, &index, &handle));
        EXPECT(handle.rights == kept[k] && handle.object == &event);
        object_unref(handle.object);
    }
    EXPECT(!handle_next(&table, &index, &handle));
    end();
}

static zx_status_t reserve(void *arg) { return handle_reserve(&table, arg); }
static bool none_reserved(void *arg UNUSED) { return reserved_or_live() == 0 && table.slots == 0; }

KTEST("handle/whichever allocation fails, no value is reserved") {
    zx_handle_t value = 0;
    begin();
    EXPECT(fail_each_allocation(reserve, none_reserved, &value) >= 1);
    EXPECT(value != 0 && reserved_or_live() == 1);
    handle_unreserve(&table, value);
    end();
}

KTEST("handle/a look-up keeps the object when the handle goes meanwhile") {
    struct handle handle;
    begin();
    zx_handle_t value = give(0);
    NEED(handle_get(&table, value, ZX_OBJ_TYPE_EVENT, 0, &handle) == ZX_OK && close(value));
    EXPECT(orphaned == 1 && atomic_load(&event.refs) == 2);
    object_unref(handle.object);
    end();
}

KTEST("handle/two tables give the same object different values") {
    struct handle_table other = {0};
    begin();
    handle_table_init(&other, &root_budget);
    zx_handle_t value = give(0), elsewhere;
    NEED(handle_reserve(&other, &elsewhere) == ZX_OK);
    EXPECT(value != elsewhere);
    handle_unreserve(&other, elsewhere);
    handle_table_destroy(&other);
    end();
}

KTEST("handle/a look whether a value still names its object is no use of a bad handle: no policy has a say") {
    static const zx_policy_basic_t killed = {ZX_POL_BAD_HANDLE, ZX_POL_ACTION_KILL};
    begin();
    zx_handle_t value = give(0);
    NEED(value && policy_add(&table.policy, &killed, 1, true) == ZX_OK);
    EXPECT(handle_names(&table, value, &event) && close(value));
    EXPECT(!handle_names(&table, value, &event));
    table.policy = (struct policy){0};
    end();
}
