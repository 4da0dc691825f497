/* Every error that the manual page of zx_process_write_memory knows, each provoked for real. */
#include <stdio.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#include "user/tour/tour.h"

#define LIMIT ((size_t)64 << 20)
#define UNTOUCHED ((size_t)0x5eed)

static const char bytes[64];

/* One call that must fail with `want`, and must leave the count alone. */
static void refuse(const char *how, zx_status_t want, zx_handle_t process, zx_vaddr_t vaddr, const void *buffer,
                   size_t len) {
    size_t actual = UNTOUCHED;
    zx_status_t status = zx_process_write_memory(process, vaddr, buffer, len, &actual);
    printf("   %-50s %s\n", how, zx_status_get_string(status));
    check(status == want, zx_status_get_string(want));
    check(actual == UNTOUCHED, "a call that fails does not tell a count");
}

static void refuse_handles(const struct dummy *target) {
    zx_handle_t weak = ZX_HANDLE_INVALID;
    zx_handle_duplicate(target->process, ZX_DEFAULT_PROCESS_RIGHTS & ~ZX_RIGHT_WRITE, &weak);
    refuse("The handle does not carry the right to write", ZX_ERR_ACCESS_DENIED, weak, target->base, bytes, 1);
    zx_handle_close(weak);
    refuse("The handle has been closed", ZX_ERR_BAD_HANDLE, weak, target->base, bytes, 1);
    refuse("The handle is to an address region, not a process", ZX_ERR_WRONG_TYPE, target->vmar, target->base, bytes,
           1);
}

static void refuse_states(const struct dummy *target) {
    struct dummy victim = dummy_create();
    zx_handle_close(dummy_map(&victim, 0, 1, ZX_CACHE_POLICY_CACHED));
    zx_task_kill(victim.process);
    zx_object_wait_one(victim.process, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, NULL);
    refuse("The process has been killed", ZX_ERR_BAD_STATE, victim.process, victim.base, bytes, 1);
    dummy_destroy(&victim);

    zx_handle_close(dummy_map(target, 4, 1, ZX_CACHE_POLICY_UNCACHED));
    refuse("The memory is not cached", ZX_ERR_BAD_STATE, target->process, target->base + 4 * ZX_PAGE_SIZE, bytes, 1);
}

static void refuse_buffers(const struct dummy *target) {
    zx_handle_t region, vmo;
    zx_vaddr_t page, base = 0;
    zx_vmar_allocate(zx_vmar_root_self(),
                     ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC, 0,
                     2 * ZX_PAGE_SIZE, &region, &base);
    zx_vmo_create(ZX_PAGE_SIZE, 0, &vmo);
    zx_vmar_map(region, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, 0, vmo, 0, ZX_PAGE_SIZE, &page);
    const char *mapped = (const char *)base;

    refuse("The buffer is NULL", ZX_ERR_INVALID_ARGS, target->process, target->base, NULL, 1);
    refuse("The buffer is not mapped", ZX_ERR_INVALID_ARGS, target->process, target->base, mapped + ZX_PAGE_SIZE, 1);
    refuse("Only the first half of the buffer is mapped", ZX_ERR_INVALID_ARGS, target->process, target->base, mapped,
           2 * ZX_PAGE_SIZE);
    refuse("There are 0 bytes to write", ZX_ERR_INVALID_ARGS, target->process, target->base, bytes, 0);
    refuse("There are 64 MiB and one byte to write", ZX_ERR_INVALID_ARGS, target->process, target->base, bytes,
           LIMIT + 1);

    zx_vmar_destroy(region);
    zx_handle_close(region);
    zx_handle_close(vmo);
}

void scene_errors(void) {
    scene("Everything that the call refuses to do");
    struct dummy target = dummy_create();
    zx_handle_close(dummy_map(&target, 0, 2, ZX_CACHE_POLICY_CACHED));
    refuse_handles(&target);
    refuse_states(&target);
    refuse_buffers(&target);
    refuse("There is no memory at the address", ZX_ERR_NO_MEMORY, target.process, target.base + 2 * ZX_PAGE_SIZE, bytes,
           1);
    dummy_destroy(&target);
}
