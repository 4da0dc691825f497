/*
 * Helpers for tests of memory; see memory.h.
 */
#include "tests/user/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <zircon/syscalls/object.h>

void test_must(bool good) {
    if (!good) exit(EXIT_FAILURE);
}

uint64_t random_seed(void) {
    const char *given = getenv("test.seed");
    uint64_t seed = given ? strtoull(given, NULL, 0) : zx_ticks_get() | 1;
    test_note("seed %llu", (unsigned long long)seed);
    return seed;
}

bool times_are_exact(void) { return getenv("test.exact") != NULL; }
uint64_t amount(uint64_t all) { return times_are_exact() ? all / 8 : all; }

uint64_t random_next(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static unsigned char pattern(unsigned seed, size_t i) {
    return seed ? (unsigned char)(i + (i >> 8) * 59 + (i >> 16) * 101 + seed * 37) : 0;
}

void pattern_fill(void *buffer, size_t len, unsigned seed) {
    unsigned char *bytes = buffer;
    for (size_t i = 0; i < len; i++) bytes[i] = pattern(seed, i);
}

void *map_here(zx_handle_t vmo, uint64_t offset, size_t len, zx_vm_option_t perms) {
    zx_vaddr_t addr = 0;
    MUST(zx_vmar_map(zx_vmar_root_self(), perms, 0, vmo, offset, len, &addr));
    return (void *)addr;
}

void unmap_here(const void *addr, size_t len) { MUST(zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)addr, len)); }

unsigned char *buffer_make(size_t len) {
    size_t pages = (len + PAGE - 1) / PAGE * PAGE;
    zx_handle_t region;
    zx_vaddr_t base;
    MUST(zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC, 0,
                          pages + 2 * PAGE, &region, &base));
    vmar_map_at(region, base + PAGE, vmo_make(pages), 0, pages, PERM_RW);
    return (unsigned char *)base + PAGE;
}

zx_handle_t vmo_make(size_t len) {
    zx_handle_t vmo = ZX_HANDLE_INVALID;
    MUST(zx_vmo_create(len, 0, &vmo));
    return vmo;
}

struct memory memory_of(zx_handle_t vmo, size_t len, unsigned seed) {
    return (struct memory){.vmo = vmo, .view = map_here(vmo, 0, len, PERM_RW), .len = len, .seed = seed};
}

struct memory memory_make(size_t len, unsigned seed) {
    struct memory m = memory_of(vmo_make(len), len, seed);
    if (seed) pattern_fill(m.view, len, seed);
    return m;
}

bool memory_test(const struct memory *m, size_t at, const void *bytes, size_t len, const char *file, int line,
                 const char *text) {
    const unsigned char *wanted = bytes;
    for (size_t i = 0; i < m->len; i++) {
        unsigned char want = i >= at && i - at < len ? wanted[i - at] : pattern(m->seed, i);
        if (m->view[i] == want) continue;
        char what[80];
        snprintf(what, sizeof(what), "%s, byte %#zx of %#zx,", text, i, m->len);
        return test_eq(m->view[i], want, file, line, what);
    }
    return true;
}

bool memory_test_up_to(const struct memory *m, size_t at, const void *bytes, size_t most, const char *file, int line,
                       const char *text) {
    const unsigned char *wanted = bytes;
    size_t len = 0;
    while (len < most && m->view[at + len] == wanted[len]) len++;
    return memory_test(m, at, bytes, len, file, line, text);
}

zx_rights_t handle_rights(zx_handle_t handle) {
    zx_info_handle_basic_t info;
    MUST(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL));
    return info.rights;
}

zx_handle_t handle_with(zx_handle_t handle, zx_rights_t rights) {
    zx_handle_t copy = ZX_HANDLE_INVALID;
    MUST(zx_handle_duplicate(handle, rights, &copy));
    return copy;
}

zx_handle_t handle_without(zx_handle_t handle, zx_rights_t rights) {
    return handle_with(handle, handle_rights(handle) & ~rights);
}

struct target target_make(void) {
    struct target t;
    MUST(zx_process_create(zx_job_default(), "target", strlen("target"), 0, &t.process, &t.vmar));
    return t;
}

void vmar_map_at(zx_handle_t vmar, zx_vaddr_t at, zx_handle_t vmo, uint64_t offset, size_t len, zx_vm_option_t perms) {
    zx_info_vmar_t region;
    zx_vaddr_t addr = 0;
    MUST(zx_object_get_info(vmar, ZX_INFO_VMAR, &region, sizeof(region), NULL, NULL));
    MUST(zx_vmar_map(vmar, perms | ZX_VM_SPECIFIC, at - region.base, vmo, offset, len, &addr));
    MUST_BE(addr == at);
}

void target_map(const struct target *t, zx_vaddr_t at, zx_handle_t vmo, uint64_t offset, size_t len,
                zx_vm_option_t perms) {
    vmar_map_at(t->vmar, at, vmo, offset, len, perms);
}

zx_handle_t vmar_make_with(zx_handle_t parent, zx_vaddr_t at, size_t len, zx_vm_option_t can) {
    zx_info_vmar_t region;
    zx_handle_t vmar;
    zx_vaddr_t addr = 0;
    MUST(zx_object_get_info(parent, ZX_INFO_VMAR, &region, sizeof(region), NULL, NULL));
    MUST(zx_vmar_allocate(parent, can | ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_SPECIFIC, at - region.base, len, &vmar, &addr));
    MUST_BE(addr == at);
    return vmar;
}

zx_handle_t vmar_make(zx_handle_t parent, zx_vaddr_t at, size_t len) {
    return vmar_make_with(parent, at, len, ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE);
}

/* The count with its surroundings. */
#define GUARD 0x5a17c0de5a17c0deu
struct watched {
    uint64_t before;
    size_t actual;
    uint64_t after;
};
static const struct watched unwatched = {GUARD, (size_t)GUARD, GUARD};

static struct moved watched_check(zx_status_t status, const struct watched *w, size_t len) {
    EXPECT(w->before == GUARD && w->after == GUARD);
    EXPECT(status == ZX_OK ? w->actual > 0 && w->actual <= len : w->actual == (size_t)GUARD);
    return (struct moved){status, w->actual};
}

struct moved write_to(zx_handle_t process, zx_vaddr_t vaddr, const void *buffer, size_t len) {
    struct watched w = unwatched;
    zx_status_t status = zx_process_write_memory(process, vaddr, buffer, len, &w.actual);
    return watched_check(status, &w, len);
}

struct moved read_from(zx_handle_t process, zx_vaddr_t vaddr, void *buffer, size_t len) {
    struct watched w = unwatched;
    zx_status_t status = zx_process_read_memory(process, vaddr, buffer, len, &w.actual);
    return watched_check(status, &w, len);
}

bool moved_test(struct moved actual, struct moved want, const char *file, int line, const char *text) {
    if (!test_status(actual.status, want.status, file, line, text)) return false;
    return want.status != ZX_OK || test_eq(actual.actual, want.actual, file, line, text);
}

bool target_test(const struct target *t, zx_vaddr_t vaddr, const void *bytes, size_t len, const char *file, int line,
                 const char *text) {
    unsigned char part[1024];
    for (size_t done = 0; done < len;) {
        size_t chunk = len - done < sizeof(part) ? len - done : sizeof(part);
        struct moved moved = read_from(t->process, vaddr + done, part, chunk);
        if (!moved_test(moved, (struct moved){ZX_OK, chunk}, file, line, text)) return false;
        if (!test_bytes(part, (const char *)bytes + done, chunk, file, line, text)) return false;
        done += chunk;
    }
    return true;
}

static zx_status_t command(const char *text) { return zx_debug_send_command(test_resource(), text, strlen(text)); }

bool fail_by_limit(void) { return getenv("test.limit") != NULL; }

void fail_arm(unsigned nth) {
    char text[24];
    snprintf(text, sizeof(text), fail_by_limit() ? "limit %u" : "fail %u", fail_by_limit() ? nth - 1 : nth);
    MUST(command(text));
}

bool fail_over(void) {
    zx_status_t status = command("failed");
    MUST(command(fail_by_limit() ? "limit" : "fail"));
    MUST_BE(status == ZX_OK || status == ZX_ERR_NOT_FOUND);
    return status == ZX_OK;
}
