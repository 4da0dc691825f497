/* A debugged process's memory, and the breakpoints in it; see debug.h. */
#include <stdlib.h>
#include <string.h>

#include "user/lib/debug_internal.h"
#include "user/lib/process_maps.h"

/* The part of a breakpoint that [addr, + len) covers: [begin, end) of its bytes. */
static bool covers(const struct debug_break *b, zx_vaddr_t addr, size_t len, size_t *begin, size_t *end) {
    *begin = addr > b->addr ? addr - b->addr : 0;
    *end = machine_break_len;
    if (addr + len < b->addr + *end) *end = addr + len > b->addr ? addr + len - b->addr : 0;
    return *begin < *end;
}

zx_status_t debug_read(struct debug_process *p, zx_vaddr_t addr, void *buffer, size_t len, size_t *actual) {
    zx_status_t status = zx_process_read_memory(p->handle, addr, buffer, len, actual);
    for (const struct debug_break *b = p->breaks; b && status == ZX_OK; b = b->next) {
        size_t begin, end;
        if (b->written || !covers(b, addr, *actual, &begin, &end)) continue;
        memcpy((char *)buffer + (b->addr + begin - addr), b->was + begin, end - begin);
    }
    return status;
}

struct debug_break *debug_break_find(const struct debug_process *p, zx_vaddr_t addr) {
    struct debug_break *b = p->breaks;
    while (b && b->addr != addr) b = b->next;
    return b;
}

static zx_status_t read_whole(struct debug_process *p, zx_vaddr_t addr, void *buffer, size_t len) {
    size_t actual = 0;
    zx_status_t status = zx_process_read_memory(p->handle, addr, buffer, len, &actual);
    return status == ZX_OK && actual < len ? ZX_ERR_NO_MEMORY : status;
}

static zx_status_t write_whole(struct debug_process *p, zx_vaddr_t addr, const void *buffer, size_t len) {
    size_t actual = 0;
    zx_status_t status = zx_process_write_memory(p->handle, addr, buffer, len, &actual);
    return status == ZX_OK && actual < len ? ZX_ERR_NO_MEMORY : status;
}

zx_status_t debug_break_plant(struct debug_process *p, struct debug_break *b) {
    zx_status_t status = read_whole(p, b->addr, b->was, machine_break_len);
    if (status == ZX_OK) status = guard_note_break(p->table, b->addr, b->was);
    if (status == ZX_OK) {
        status = write_whole(p, b->addr, machine_break, machine_break_len);
        if (status != ZX_OK) guard_forget_break(p->table, b->addr);
    }
    b->lifted = status != ZX_OK;
    return status;
}

/* Twice at one address is once. */
static zx_status_t break_add(struct debug_process *p, zx_vaddr_t addr) {
    if (debug_break_find(p, addr)) return ZX_OK;
    struct debug_break *b = calloc(1, sizeof(*b));
    if (!b) return ZX_ERR_NO_MEMORY;
    b->addr = addr;
    zx_status_t status = debug_break_plant(p, b);
    if (status != ZX_OK) {
        free(b);
        return status;
    }
    b->next = p->breaks;
    p->breaks = b;
    return ZX_OK;
}

static struct debug_break **link_of(struct debug_process *p, zx_vaddr_t addr) {
    struct debug_break **at = &p->breaks;
    while (*at && (*at)->addr != addr) at = &(*at)->next;
    return at;
}

void debug_conditions_free(struct debug_condition *conditions) {
    while (conditions) {
        struct debug_condition *next = conditions->next;
        free(conditions);
        conditions = next;
    }
}

void debug_break_free(struct debug_break *b) {
    debug_conditions_free(b->conditions);
    free(b);
}

static void unlink_break(struct debug_process *p, struct debug_break **at) {
    struct debug_break *b = *at;
    *at = b->next;
    guard_forget_break(p->table, b->addr);
    debug_break_free(b);
}

/* Has a breakpoint know what was written over it. False: it is no more. */
static bool break_overwritten(struct debug_process *p, struct debug_break *b, zx_vaddr_t addr, const char *bytes,
                              size_t len) {
    size_t begin, end;
    if (!covers(b, addr, len, &begin, &end)) return true;
    const char *part = bytes + (b->addr + begin - addr);
    if (b->written && memcmp(part, machine_break + begin, end - begin) == 0) return true;
    b->written = false;
    memcpy(b->was + begin, part, end - begin);
    if (b->inserted) (void)guard_note_break(p->table, b->addr, b->was);
    return b->inserted;
}

/* What is written changes the text around the breakpoints, and what will be put back where they are. */
static zx_status_t write_around(struct debug_process *p, zx_vaddr_t addr, const char *bytes, size_t len,
                                size_t *actual) {
    char *copy = malloc(len);
    size_t begin, end;
    if (!copy) return ZX_ERR_NO_MEMORY;
    memcpy(copy, bytes, len);
    for (const struct debug_break *b = p->breaks; b; b = b->next) {
        if (b->inserted && covers(b, addr, len, &begin, &end))
            memcpy(copy + (b->addr + begin - addr), machine_break + begin, end - begin);
    }
    zx_status_t status = zx_process_write_memory(p->handle, addr, copy, len, actual);
    free(copy);
    for (struct debug_break **at = &p->breaks; status == ZX_OK && *at;) {
        if (break_overwritten(p, *at, addr, bytes, *actual))
            at = &(*at)->next;
        else
            unlink_break(p, at);
    }
    return status;
}

/* Is this how a debugger plants a breakpoint that knows no other way? To data it is but a byte. */
static bool is_breakpoint(const struct debug_process *p, zx_vaddr_t addr, const void *buffer, size_t len) {
    struct process_maps maps;
    if (len != machine_break_len || memcmp(buffer, machine_break, len) != 0) return false;
    if (process_maps_get(p->handle, &maps) != ZX_OK) return false;
    const zx_info_maps_t *map = process_maps_find(&maps, addr);
    bool text = map && (map->u.mapping.mmu_flags & ZX_VM_PERM_EXECUTE);
    process_maps_free(&maps);
    return text;
}

zx_status_t debug_write(struct debug_process *p, zx_vaddr_t addr, const void *buffer, size_t len, size_t *actual) {
    if (is_breakpoint(p, addr, buffer, len)) {
        zx_status_t status = break_add(p, addr);
        if (status != ZX_OK) return status;
        debug_break_find(p, addr)->written = true;
        *actual = len;
        return ZX_OK;
    }
    return p->breaks ? write_around(p, addr, buffer, len, actual)
                     : zx_process_write_memory(p->handle, addr, buffer, len, actual);
}

/* --- breakpoints --- */

zx_status_t debug_break_insert(struct debug_process *p, zx_vaddr_t addr) {
    zx_status_t status = break_add(p, addr);
    if (status == ZX_OK) debug_break_find(p, addr)->inserted = true;
    return status;
}

/* What the program has put in its place meanwhile is left alone. */
static void put_back(struct debug_process *p, const struct debug_break *b) {
    uint8_t now[MACHINE_BREAK_MAX];
    if (read_whole(p, b->addr, now, machine_break_len) != ZX_OK) return;
    if (memcmp(now, machine_break, machine_break_len) != 0) return;
    (void)write_whole(p, b->addr, b->was, machine_break_len);
}

void debug_break_lift(struct debug_process *p, struct debug_break *b) {
    put_back(p, b);
    guard_forget_break(p->table, b->addr);
    b->lifted = true;
}

zx_status_t debug_break_remove(struct debug_process *p, zx_vaddr_t addr) {
    struct debug_break **at = link_of(p, addr);
    if (!*at || !(*at)->inserted) return ZX_ERR_NOT_FOUND;
    (*at)->inserted = false;
    if ((*at)->written) return ZX_OK;
    put_back(p, *at);
    unlink_break(p, at);
    return ZX_OK;
}

void debug_breaks_remove(struct debug_process *p) {
    while (p->breaks) {
        put_back(p, p->breaks);
        unlink_break(p, &p->breaks);
    }
}

/* --- the processor's --- */

static struct machine_watch *watch_find(struct debug_process *p, const struct machine_watch *like) {
    for (struct machine_watch *w = p->watches; w < p->watches + MACHINE_WATCHES; w++) {
        if (w->kind == like->kind && w->addr == like->addr && w->len == like->len) return w;
    }
    return NULL;
}

zx_status_t debug_watch_insert(struct debug_process *p, const struct machine_watch *watch) {
    if (!machine_watch_possible(watch)) return ZX_ERR_NOT_SUPPORTED;
    if (watch_find(p, watch)) return ZX_OK;
    for (struct machine_watch *w = p->watches; w < p->watches + MACHINE_WATCHES; w++) {
        if (w->kind != WATCH_NONE) continue;
        *w = *watch;
        p->watches_version++;
        return ZX_OK;
    }
    return ZX_ERR_NO_RESOURCES;
}

zx_status_t debug_watch_remove(struct debug_process *p, const struct machine_watch *watch) {
    struct machine_watch *w = watch_find(p, watch);
    if (!w) return ZX_ERR_NOT_FOUND;
    *w = (struct machine_watch){0};
    p->watches_version++;
    return ZX_OK;
}
