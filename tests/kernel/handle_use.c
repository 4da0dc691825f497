/* Handles that several processors use at once: each counts its uses in a copy of the slot. */
#include "kernel/object/handle.h"

#include "tests/kernel/support.h"
#include "vm/budget.h"

static unsigned freed;
static void count_free(struct object *object UNUSED) { freed++; }
static const struct object_ops event_ops = {.type = ZX_OBJ_TYPE_EVENT, .free = count_free};

static struct handle_table table;
static struct object event;

static void begin(void) {
    handle_table_init(&table, &root_budget);
    object_init(&event, &event_ops, 0);
    freed = 0;
}

static void end(void) {
    handle_table_destroy(&table);
    object_unref(&event);
    EXPECT(freed == 1);
}

static zx_handle_t give(void) {
    zx_handle_t value;
    if (handle_reserve(&table, &value) != ZX_OK) return 0;
    handle_publish(&table, value, handle_make(&event, ZX_RIGHT_READ));
    return value;
}

static struct handle_slot *use(zx_handle_t value) {
    struct handle_slot *use;
    return handle_use(&table, value, ZX_OBJ_TYPE_EVENT, ZX_RIGHT_READ, &use) == ZX_OK ? use : NULL;
}

/* Uses of one copied handle, in the order in which they end: begun before it is copied, or through the copy. */
static void close_with(bool first_before, bool second_before) {
    begin();
    zx_handle_t value = give();
    NEED(value);
    struct handle_slot *first = first_before ? use(value) : NULL, *second = second_before ? use(value) : NULL;
    handle_copy(&table, value);
    if (!first_before) first = use(value);
    if (!second_before) second = use(value);
    NEED(first && second);
    EXPECT((first == second) == (first_before == second_before));
    EXPECT(handle_use_value(first) == value && first->handle.object == &event && first->handle.rights == ZX_RIGHT_READ);
    EXPECT(handle_use_is_open(first) && handle_use_stays_open(second) && handle_is_valid(&table, value));
    EXPECT(handle_close(&table, value) == ZX_OK);
    EXPECT(handle_close(&table, value) == ZX_ERR_BAD_HANDLE);
    EXPECT(!use(value) && !handle_is_valid(&table, value));
    EXPECT(!handle_use_is_open(first) && !handle_use_stays_open(second));
    handle_done(&table, first);
    EXPECT(atomic_load(&event.refs) == 2 && !use(value));
    handle_done(&table, second);
    EXPECT(atomic_load(&event.refs) == 1);
    end();
}

KTEST("handle/a copied handle that is closed stays for its uses, wherever they are counted") {
    close_with(false, false);
    close_with(true, true);
    close_with(true, false);
    close_with(false, true);
}

KTEST("handle/a copied handle is found, listed, copied again and closed like any other") {
    struct handle found;
    uint32_t index = 0;
    begin();
    zx_handle_t value = give();
    NEED(value);
    handle_copy(&table, value);
    handle_copy(&table, value);
    EXPECT(handle_names(&table, value, &event) && !handle_names(&table, value ^ 4, &event));
    NEED(handle_get(&table, value, ZX_OBJ_TYPE_EVENT, ZX_RIGHT_READ, &found) == ZX_OK);
    object_unref(found.object);
    EXPECT(handle_get(&table, value, ZX_OBJ_TYPE_EVENT, ZX_RIGHT_WRITE, &found) == ZX_ERR_ACCESS_DENIED);
    EXPECT(handle_get(&table, value, ZX_OBJ_TYPE_VMO, 0, &found) == ZX_ERR_WRONG_TYPE);
    NEED(handle_next(&table, &index, &found));
    object_unref(found.object);
    EXPECT(found.object == &event && !handle_next(&table, &index, &found));
    EXPECT(handle_close(&table, value) == ZX_OK && !use(value) && atomic_load(&event.refs) == 1);
    end();
}

KTEST("handle/the next handle in a slot that was copied is counted in the slot again") {
    begin();
    zx_handle_t value = give();
    NEED(value);
    struct handle_slot *plain = use(value);
    NEED(plain);
    handle_done(&table, plain);
    for (unsigned i = 0; i < 100; i++) {
        handle_copy(&table, value);
        struct handle_slot *copy = use(value);
        NEED(copy && copy != plain);
        EXPECT(handle_close(&table, value) == ZX_OK);
        zx_handle_t next = give(); /* the slot is still in use, so this is another */
        NEED(next && !use(value));
        handle_done(&table, copy);
        EXPECT(handle_close(&table, next) == ZX_OK);
        value = give();
        struct handle_slot *fresh = use(value);
        NEED(fresh);
        handle_done(&table, fresh);
        plain = fresh;
    }
    end();
}

KTEST("handle/closing a table closes what is copied in it, and copying what is no handle does nothing") {
    begin();
    zx_handle_t value = give();
    NEED(value);
    handle_copy(&table, value);
    handle_copy(&table, value ^ 4);
    handle_copy(&table, 0);
    EXPECT(use(value ^ 4) == NULL && use(0) == NULL && atomic_load(&event.refs) == 2);
    end();
}
