/*
 * A process without a thread: an address space to write into, laid out page by page. What cannot be made ends the
 * tour.
 */
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#include "user/tour/tour.h"

#define ALL_PERMS (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE)

static void need(zx_status_t status, const char *what) {
    if (status == ZX_OK) return;
    say("", "%s cannot be had: %s.", what, zx_status_get_string(status));
    exit(EXIT_FAILURE);
}

struct dummy dummy_create(void) {
    struct dummy d;
    need(zx_process_create(zx_job_default(), "dummy", strlen("dummy"), 0, &d.process, &d.vmar), "A process");
    need(
        zx_vmar_allocate(d.vmar, ALL_PERMS | ZX_VM_CAN_MAP_SPECIFIC, 0, DUMMY_PAGES * ZX_PAGE_SIZE, &d.region, &d.base),
        "A region");
    return d;
}

/* It never ran, so it ends with its last handle. */
void dummy_destroy(struct dummy *dummy) {
    zx_handle_close(dummy->region);
    zx_handle_close(dummy->vmar);
    zx_handle_close(dummy->process);
}

zx_handle_t dummy_map(const struct dummy *dummy, size_t at, size_t pages, uint32_t cache_policy) {
    zx_handle_t vmo;
    zx_vaddr_t addr;
    need(zx_vmo_create(pages * ZX_PAGE_SIZE, 0, &vmo), "A memory object");
    need(zx_vmo_set_cache_policy(vmo, cache_policy), "The cache policy");
    need(zx_vmar_map(dummy->region, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_SPECIFIC, at * ZX_PAGE_SIZE, vmo, 0,
                     pages * ZX_PAGE_SIZE, &addr),
         "A mapping");
    return vmo;
}
