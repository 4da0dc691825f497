/*
 * The guard of a debugger; see debug_guard.h.
 *
 * A process that is guarded has an exception channel from attach to the end, whatever becomes of the debugger: what its
 * threads meet in between is kept there. The debugger's end of the channel to it shows when the debugger has ended.
 */
#include "user/lib/debug_guard.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>

#include "user/lib/debug_internal.h"

#define TABLE_LEN ((sizeof(struct guard_table) + 4095) & ~(size_t)4095)

/* What is asked for, and the answer: a channel call's, with handles. */
struct guard_message {
    zx_txid_t txid;
    zx_status_t status;
};

/* --- the debugger's side --- */

static zx_handle_t guard;
static zx_koid_t guard_koid;

void guard_use(zx_handle_t process, zx_handle_t channel) {
    guard = channel;
    guard_koid = debug_koid(process);
}

bool guard_used(void) { return guard != ZX_HANDLE_INVALID; }

bool guard_is_gone(void) { return zx_object_wait_one(guard, ZX_CHANNEL_PEER_CLOSED, 0, NULL) == ZX_OK; }

static zx_status_t table_map(zx_handle_t vmo, struct guard_table **out) {
    zx_vaddr_t addr;
    zx_status_t status =
        zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, TABLE_LEN, &addr);
    if (status == ZX_OK) *out = (struct guard_table *)addr;
    return status;
}

void guard_detach(struct guard_table *table) {
    if (!table) return;
    table->released = true;
    zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)table, TABLE_LEN);
}

/* Asks the guard to take a process. Handles: a duplicate of the process's, and the table's memory. */
static zx_status_t guard_ask(zx_handle_t process, zx_handle_t vmo, zx_handle_t *channel) {
    struct guard_message request = {0}, reply;
    zx_handle_t handles[2];
    uint32_t len, count;
    zx_status_t status = zx_handle_duplicate(process, ZX_RIGHT_SAME_RIGHTS, &handles[0]);
    if (status != ZX_OK) return status;
    status = zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS, &handles[1]);
    if (status != ZX_OK) {
        zx_handle_close(handles[0]);
        return status;
    }
    const zx_channel_call_args_t args = {&request, handles, &reply, channel, sizeof(request), 2, sizeof(reply), 1};
    status = zx_channel_call(guard, 0, ZX_TIME_INFINITE, &args, &len, &count);
    if (status != ZX_OK) return status;
    if (len < sizeof(reply)) return ZX_ERR_IO_DATA_INTEGRITY;
    return reply.status == ZX_OK && count == 0 ? ZX_ERR_IO_DATA_INTEGRITY : reply.status;
}

zx_status_t guard_attach(zx_handle_t process, zx_handle_t *channel, struct guard_table **table) {
    zx_handle_t vmo;
    if (debug_koid(process) == guard_koid) return ZX_ERR_ACCESS_DENIED;
    zx_status_t status = zx_vmo_create(TABLE_LEN, 0, &vmo);
    if (status != ZX_OK) return status;
    status = table_map(vmo, table);
    if (status == ZX_OK) {
        status = guard_ask(process, vmo, channel);
        if (status != ZX_OK) guard_detach(*table);
    }
    if (status != ZX_OK) *table = NULL;
    zx_handle_close(vmo);
    return status;
}

/* A debugger that is out of its mind may have written anything there. */
static size_t in_use(const struct guard_table *table) {
    const size_t claimed = table->in_use;
    return claimed < GUARD_BREAKS ? claimed : GUARD_BREAKS;
}

static struct guard_break *break_of(struct guard_table *table, zx_vaddr_t addr) {
    for (struct guard_break *b = table->breaks; b < table->breaks + in_use(table); b++) {
        if (b->planted && b->addr == addr) return b;
    }
    return NULL;
}

static struct guard_break *break_free(struct guard_table *table) {
    struct guard_break *b = table->breaks, *end = b + in_use(table);
    while (b < end && b->planted) b++;
    if (b < end) return b;
    return table->in_use < GUARD_BREAKS ? &table->breaks[table->in_use++] : NULL;
}

zx_status_t guard_note_break(struct guard_table *table, zx_vaddr_t addr, const uint8_t was[MACHINE_BREAK_MAX]) {
    if (!table) return ZX_OK;
    struct guard_break *b = break_of(table, addr);
    if (!b) b = break_free(table);
    if (!b) return ZX_ERR_NO_RESOURCES;
    b->addr = addr;
    memcpy(b->was, was, sizeof(b->was));
    atomic_signal_fence(memory_order_seq_cst);
    b->planted = true;
    return ZX_OK;
}

void guard_forget_break(struct guard_table *table, zx_vaddr_t addr) {
    struct guard_break *b = table ? break_of(table, addr) : NULL;
    if (b) b->planted = false;
}

static struct guard_step *step_of(struct guard_table *table, zx_koid_t thread) {
    for (struct guard_step *s = table->steps; s < table->steps + GUARD_STEPS; s++) {
        if (s->thread == thread) return s;
    }
    return NULL;
}

/* Of more threads than have room the guard does not know: they end in a trap of their own. */
void guard_note_step(struct guard_table *table, zx_koid_t thread, const struct machine_step *step) {
    struct guard_step *s = table ? step_of(table, 0) : NULL;
    if (!s) return;
    s->step = *step;
    atomic_signal_fence(memory_order_seq_cst);
    s->thread = thread;
}

void guard_forget_step(struct guard_table *table, zx_koid_t thread) {
    struct guard_step *s = table ? step_of(table, thread) : NULL;
    if (s) s->thread = 0;
}

/* --- the guard's side --- */

/* The channel from the process, that to the debugger, and what was done. */
struct guarded {
    zx_handle_t process, exceptions, debugger;
    struct guard_table *table;
};

#define MAX_GUARDED 24

static struct guarded all[MAX_GUARDED];
static size_t count;

static void guarded_close(const struct guarded *g) {
    zx_handle_close(g->process);
    zx_handle_close(g->exceptions);
    zx_handle_close(g->debugger);
    guard_detach(g->table);
}

static void guarded_drop(size_t i) {
    guarded_close(&all[i]);
    all[i] = all[--count];
}

static zx_status_t guarded_add(zx_handle_t process, zx_handle_t vmo, zx_handle_t *debugger) {
    struct guarded g = {.process = process};
    zx_status_t status = count < MAX_GUARDED ? ZX_OK : ZX_ERR_NO_RESOURCES;
    if (status == ZX_OK) status = table_map(vmo, &g.table);
    if (status == ZX_OK)
        status = zx_task_create_exception_channel(process, ZX_EXCEPTION_CHANNEL_DEBUGGER, &g.exceptions);
    if (status == ZX_OK) status = zx_channel_create(0, &g.debugger, debugger);
    if (status == ZX_OK)
        all[count++] = g;
    else
        guarded_close(&g);
    zx_handle_close(vmo);
    return status;
}

/* Takes one request. False: there is none, or none more will come. */
static bool request_take(zx_handle_t from) {
    struct guard_message message;
    zx_handle_t handles[2], debugger = ZX_HANDLE_INVALID;
    uint32_t len, handle_count;
    if (zx_channel_read(from, 0, &message, handles, sizeof(message), 2, &len, &handle_count) != ZX_OK) return false;
    if (handle_count != 2 || len != sizeof(message)) return false;
    message.status = guarded_add(handles[0], handles[1], &debugger);
    (void)zx_channel_write(from, 0, &message, sizeof(message), &debugger, message.status == ZX_OK);
    return true;
}

/* Undoes all, with an exception that nobody took, if there is one. What has ended meanwhile needs nothing. */
static void rescue(struct guarded *g, const zx_exception_info_t *info, zx_handle_t exception) {
    struct debug_process *p;
    zx_handle_t channel = g->exceptions;
    g->exceptions = ZX_HANDLE_INVALID;
    if (debug_adopt(g->process, channel, g->table, &p) == ZX_OK) {
        if (info) debug_message(p, info, exception);
        debug_detach(p);
    } else {
        zx_handle_close(exception);
    }
    g->process = ZX_HANDLE_INVALID;
}

/* Adds what was noted. What cannot be added for want of memory stays as it is. */
void guard_recall(struct debug_process *p, const struct guard_table *table) {
    for (const struct guard_break *from = table->breaks; from < table->breaks + in_use(table); from++) {
        struct debug_break *b = from->planted ? calloc(1, sizeof(*b)) : NULL;
        if (!b) continue;
        *b = (struct debug_break){.next = p->breaks, .addr = from->addr, .inserted = true};
        memcpy(b->was, from->was, sizeof(b->was));
        p->breaks = b;
    }
    for (const struct guard_step *from = table->steps; from < table->steps + GUARD_STEPS; from++) {
        struct debug_thread *t = from->thread ? debug_thread_find(p, from->thread) : NULL;
        if (!t) continue;
        t->step = from->step;
        t->stepping = true;
    }
}

/*
 * Should the debugger end before it has read of it, the thread is to go on to where it was: to a breakpoint, which it
 * then meets again, or into the next step.
 */
static void prepare(struct guarded *g, zx_exception_info_t *info, zx_handle_t exception) {
    uint32_t state = ZX_EXCEPTION_STATE_HANDLED;
    struct machine_place place;
    zx_handle_t thread;
    memset(info->padding1, 0, sizeof(info->padding1));
    if (info->type != ZX_EXCP_SW_BREAKPOINT && info->type != ZX_EXCP_HW_BREAKPOINT) return;
    if (info->type == ZX_EXCP_SW_BREAKPOINT) {
        if (zx_exception_get_thread(exception, &thread) != ZX_OK) return;
        zx_status_t status = machine_place_get(thread, &place);
        const zx_vaddr_t addr = place.pc - machine_break_advance;
        if (status == ZX_OK && break_of(g->table, addr))
            status = machine_pc_set(thread, addr);
        else
            status = ZX_ERR_NOT_FOUND;
        zx_handle_close(thread);
        if (status != ZX_OK) return;
        info->padding1[0] = GUARD_PUT_BACK;
    }
    (void)zx_object_set_property(exception, ZX_PROP_EXCEPTION_STATE, &state, sizeof(state));
}

/* False: the debugger has ended, or the process. */
static bool hand_on(struct guarded *g) {
    zx_exception_info_t info;
    zx_handle_t exception;
    while (zx_object_wait_one(g->debugger, ZX_CHANNEL_PEER_CLOSED, 0, NULL) != ZX_OK) {
        zx_status_t status = zx_channel_read(g->exceptions, 0, &info, &exception, sizeof(info), 1, NULL, NULL);
        if (status == ZX_ERR_SHOULD_WAIT) return true;
        if (status != ZX_OK) return false;
        prepare(g, &info, exception);
        if (zx_channel_write(g->debugger, 0, &info, sizeof(info), &exception, 1) == ZX_OK) continue;
        rescue(g, &info, exception);
        return false;
    }
    if (!g->table->released) rescue(g, NULL, ZX_HANDLE_INVALID);
    return false;
}

static void wait_for_anything(zx_handle_t requests) {
    zx_wait_item_t items[1 + 2 * MAX_GUARDED] = {{requests, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, 0}};
    size_t item_count = requests != ZX_HANDLE_INVALID;
    for (size_t i = 0; i < count; i++) {
        items[item_count++] = (zx_wait_item_t){all[i].exceptions, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, 0};
        items[item_count++] = (zx_wait_item_t){all[i].debugger, ZX_CHANNEL_PEER_CLOSED, 0};
    }
    (void)zx_object_wait_many(items, item_count, ZX_TIME_INFINITE);
}

int guard_run(zx_handle_t requests) {
    while (requests != ZX_HANDLE_INVALID || count > 0) {
        wait_for_anything(requests);
        for (size_t i = count; i-- > 0;) {
            if (!hand_on(&all[i])) guarded_drop(i);
        }
        while (requests != ZX_HANDLE_INVALID && request_take(requests)) {}
        if (requests != ZX_HANDLE_INVALID && zx_object_wait_one(requests, ZX_CHANNEL_PEER_CLOSED, 0, NULL) == ZX_OK) {
            zx_handle_close(requests);
            requests = ZX_HANDLE_INVALID;
        }
    }
    return EXIT_SUCCESS;
}
