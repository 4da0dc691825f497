/* Requests about memory, and breakpoints of both kinds. */
#include <stdlib.h>
#include <string.h>

#include "user/gdbserver/server.h"

/* ADDR,LEN */
static bool take_range(struct request *request, uint64_t *addr, uint64_t *len) {
    return take_hex(request, addr) && take(request, ",") && take_hex(request, len);
}

/* As much as there is, up to a packet's worth: the rest will be asked for. */
static zx_status_t read_some(struct request request, void *bytes, size_t room, size_t *actual) {
    uint64_t addr, len;
    struct debug_process *p = process_general();
    *actual = 0;
    if (!take_range(&request, &addr, &len)) return ZX_ERR_INVALID_ARGS;
    if (!p) return ZX_ERR_NOT_FOUND;
    if (len == 0) return ZX_OK;
    return debug_read(p, addr, bytes, len < room ? len : room, actual);
}

void memory_read(struct request request, struct reply *reply) {
    static uint8_t bytes[PACKET_MAX / 2];
    size_t len;
    zx_status_t status = read_some(request, bytes, sizeof(bytes), &len);
    if (status != ZX_OK) return put_error(reply, status);
    put_hex_bytes(reply, bytes, len);
}

void memory_read_binary(struct request request, struct reply *reply) {
    static uint8_t bytes[PACKET_MAX - 1];
    size_t len;
    zx_status_t status = read_some(request, bytes, sizeof(bytes), &len);
    if (status != ZX_OK) return put_error(reply, status);
    put_text(reply, "b");
    put_bytes(reply, bytes, len);
}

/* All of it, or it is an error. */
static zx_status_t write_all(uint64_t addr, const void *bytes, size_t len) {
    struct debug_process *p = process_general();
    size_t actual = 0;
    if (!p) return ZX_ERR_NOT_FOUND;
    if (len == 0) return ZX_OK;
    zx_status_t status = debug_write(p, addr, bytes, len, &actual);
    return status == ZX_OK && actual < len ? ZX_ERR_NO_MEMORY : status;
}

void memory_write(struct request request, struct reply *reply) {
    static uint8_t bytes[PACKET_MAX / 2];
    uint64_t addr, len;
    size_t given;
    if (!take_range(&request, &addr, &len) || !take(&request, ":") ||
        !take_hex_bytes(&request, bytes, sizeof(bytes), &given) || given != len)
        return put_error(reply, ZX_ERR_INVALID_ARGS);
    put_ok_or_error(reply, write_all(addr, bytes, len));
}

void memory_write_binary(struct request request, struct reply *reply) {
    uint64_t addr, len;
    if (!take_range(&request, &addr, &len) || !take(&request, ":") || (size_t)(request.end - request.at) != len)
        return put_error(reply, ZX_ERR_INVALID_ARGS);
    put_ok_or_error(reply, write_all(addr, request.at, len));
}

/* --- searching --- */

#define SEARCH_CHUNK ((size_t)65536)

/* What a chunk ends in is looked at once more together with the next. */
static zx_status_t search(struct debug_process *p, uint64_t addr, uint64_t len, const void *what, size_t what_len,
                          uint64_t *found) {
    static uint8_t chunk[SEARCH_CHUNK];
    while (len >= what_len) {
        size_t actual = 0;
        zx_status_t status = debug_read(p, addr, chunk, len < sizeof(chunk) ? len : sizeof(chunk), &actual);
        if (status != ZX_OK) return status;
        if (actual < what_len) return ZX_ERR_NO_MEMORY;
        const uint8_t *at = memmem(chunk, actual, what, what_len);
        if (at) {
            *found = addr + (uint64_t)(at - chunk);
            return ZX_OK;
        }
        addr += actual - what_len + 1;
        len -= actual - what_len + 1;
    }
    return ZX_ERR_NOT_FOUND;
}

void memory_search(struct request request, struct reply *reply) {
    uint64_t addr, len, found;
    struct debug_process *p = process_general();
    if (!take_hex(&request, &addr) || !take(&request, ";") || !take_hex(&request, &len) || !take(&request, ";") ||
        request.at == request.end || !p)
        return put_error(reply, ZX_ERR_INVALID_ARGS);
    zx_status_t status = search(p, addr, len, request.at, (size_t)(request.end - request.at), &found);
    if (status == ZX_OK)
        put_format(reply, "1,%llx", (unsigned long long)found);
    else if (status == ZX_ERR_NOT_FOUND)
        put_text(reply, "0");
    else
        put_error(reply, status);
}

/* --- breakpoints --- */

/* Types of Z. The processor cannot distinguish reads from writes: debuggers make do with 4. */
enum { BREAK_TEXT, BREAK_HARDWARE, BREAK_WRITE, BREAK_READ, BREAK_ACCESS };

static const enum machine_watch_kind kinds[] = {
    [BREAK_HARDWARE] = WATCH_EXECUTE, [BREAK_WRITE] = WATCH_WRITE, [BREAK_ACCESS] = WATCH_ACCESS};

static bool take_break(struct request *request, uint64_t *type, struct machine_watch *out) {
    uint64_t addr, len;
    if (!take_hex(request, type) || !take(request, ",") || !take_range(request, &addr, &len)) return false;
    *out = (struct machine_watch){.kind = *type <= BREAK_ACCESS ? kinds[*type] : WATCH_NONE, .addr = addr, .len = len};
    return true;
}

static zx_status_t watch_remove(struct debug_process *p, const struct machine_watch *watch) {
    zx_status_t status = debug_watch_remove(p, watch);
    return status == ZX_ERR_NOT_FOUND ? ZX_OK : status;
}

/* What is no breakpoint of the text the processor has, or nobody. */
static void watch_change(struct debug_process *p, const struct machine_watch *w, struct reply *reply,
                         zx_status_t (*change)(struct debug_process *p, const struct machine_watch *watch)) {
    if (w->kind != WATCH_NONE) put_ok_or_error(reply, change(p, w));
}

/* The conditions take the place of those that a breakpoint there had. */
static zx_status_t text_insert(struct debug_process *p, zx_vaddr_t addr, struct request request) {
    struct debug_condition *conditions;
    zx_status_t status = conditions_take(request, &conditions);
    if (status != ZX_OK) return status;
    status = debug_break_insert(p, addr);
    if (status != ZX_OK) {
        debug_conditions_free(conditions);
        return status;
    }
    struct debug_break *b = debug_break_find(p, addr);
    debug_conditions_free(b->conditions);
    b->conditions = conditions;
    return ZX_OK;
}

void break_insert(struct request request, struct reply *reply) {
    uint64_t type;
    struct machine_watch w;
    struct debug_process *p = process_general();
    if (!take_break(&request, &type, &w)) return put_error(reply, ZX_ERR_INVALID_ARGS);
    if (!p) return put_error(reply, ZX_ERR_NOT_FOUND);
    if (type != BREAK_TEXT) return watch_change(p, &w, reply, debug_watch_insert);
    put_ok_or_error(reply, text_insert(p, w.addr, request));
}

/* To take out what is not there is no mistake: debuggers do so after a process has changed. */
void break_remove(struct request request, struct reply *reply) {
    uint64_t type;
    struct machine_watch w;
    struct debug_process *p = process_general();
    if (!take_break(&request, &type, &w)) return put_error(reply, ZX_ERR_INVALID_ARGS);
    if (!p) return put_error(reply, ZX_ERR_NOT_FOUND);
    if (type != BREAK_TEXT) return watch_change(p, &w, reply, watch_remove);
    zx_status_t status = debug_break_remove(p, w.addr);
    put_ok_or_error(reply, status == ZX_ERR_NOT_FOUND ? ZX_OK : status);
}
