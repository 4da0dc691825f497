/* A debugged process's memory, and the breakpoints in it; see debug.h. */
#include <stdlib.h>
#include <string.h>

#include "user/lib/debug.h"

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
        if (b->plain || !covers(b, addr, *actual, &begin, &end)) continue;
        memcpy((char *)buffer + (b->addr + begin - addr), b->was + begin, end - begin);
    }
    return status;
}

/* Is this how a debugger plants a breakpoint that knows no other way? */
static bool is_plain_break(const void *buffer, size_t len) {
    return len == machine_break_len && memcmp(buffer, machine_break, len) == 0;
}

static struct debug_break **link_of(struct debug_process *p, zx_vaddr_t addr) {
    struct debug_break **at = &p->breaks;
    while (*at && (*at)->addr != addr) at = &(*at)->next;
    return at;
}

static void unlink_break(struct debug_break **at) {
    struct debug_break *b = *at;
    *at = b->next;
    free(b);
}

/* What is written goes to the text around the breakpoints, and to what is put back where they are. */
static zx_status_t write_around(struct debug_process *p, zx_vaddr_t addr, const char *bytes, size_t len,
                                size_t *actual) {
    char *copy = malloc(len);
    if (!copy) return ZX_ERR_NO_MEMORY;
    memcpy(copy, bytes, len);
    for (struct debug_break **at = &p->breaks; *at;) {
        size_t begin, end;
        struct debug_break *b = *at;
        bool covered = covers(b, addr, len, &begin, &end);
        if (covered && b->plain) {
            unlink_break(at);
            continue;
        }
        if (covered) {
            memcpy(b->was + begin, bytes + (b->addr + begin - addr), end - begin);
            memcpy(copy + (b->addr + begin - addr), machine_break + begin, end - begin);
        }
        at = &b->next;
    }
    zx_status_t status = zx_process_write_memory(p->handle, addr, copy, len, actual);
    free(copy);
    return status;
}

zx_status_t debug_write(struct debug_process *p, zx_vaddr_t addr, const void *buffer, size_t len, size_t *actual) {
    if (is_plain_break(buffer, len) && !debug_break_find(p, addr)) {
        zx_status_t status = debug_break_insert(p, addr);
        if (status == ZX_OK) (*link_of(p, addr))->plain = true;
        if (status == ZX_OK) *actual = len;
        return status;
    }
    return p->breaks ? write_around(p, addr, buffer, len, actual)
                     : zx_process_write_memory(p->handle, addr, buffer, len, actual);
}

/* --- breakpoints --- */

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

zx_status_t debug_break_insert(struct debug_process *p, zx_vaddr_t addr) {
    struct debug_break *b = debug_break_find(p, addr);
    if (b) {
        b->plain = false;
        return ZX_OK;
    }
    b = calloc(1, sizeof(*b));
    if (!b) return ZX_ERR_NO_MEMORY;
    b->addr = addr;
    zx_status_t status = read_whole(p, addr, b->was, machine_break_len);
    if (status == ZX_OK) status = write_whole(p, addr, machine_break, machine_break_len);
    if (status != ZX_OK) {
        free(b);
        return status;
    }
    b->next = p->breaks;
    p->breaks = b;
    return ZX_OK;
}

/* What the program has put in its place meanwhile is left alone. */
static void put_back(struct debug_process *p, const struct debug_break *b) {
    uint8_t now[MACHINE_BREAK_MAX];
    if (read_whole(p, b->addr, now, machine_break_len) != ZX_OK) return;
    if (memcmp(now, machine_break, machine_break_len) != 0) return;
    (void)write_whole(p, b->addr, b->was, machine_break_len);
}

zx_status_t debug_break_remove(struct debug_process *p, zx_vaddr_t addr) {
    struct debug_break **at = link_of(p, addr);
    if (!*at) return ZX_ERR_NOT_FOUND;
    put_back(p, *at);
    unlink_break(at);
    return ZX_OK;
}

void debug_breaks_remove(struct debug_process *p) {
    while (p->breaks) {
        put_back(p, p->breaks);
        unlink_break(&p->breaks);
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
