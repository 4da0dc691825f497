/*
 * The handles that came with the bootstrap message: four that every program finds at hand, and the rest, each of which
 * the program can take once.
 */
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/syscalls.h>

#include "user/libc/port.h"

/* By the type in their id. */
static zx_handle_t own[PA_VMAR_ROOT + 1];
static zx_handle_t resource;

static uint32_t kept_ids[ZX_CHANNEL_MAX_MSG_HANDLES];
static zx_handle_t kept_handles[ZX_CHANNEL_MAX_MSG_HANDLES];
static size_t kept_count;

/* The program may take its root resource; what the console needs is a handle of the port's own. */
void __port_handles_keep(const uint32_t *ids, const zx_handle_t *handles, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == PA_HND(PA_RESOURCE, 0)) zx_handle_duplicate(handles[i], ZX_RIGHT_SAME_RIGHTS, &resource);
        if (ids[i] == PA_HND(PA_HND_TYPE(ids[i]), 0) && PA_HND_TYPE(ids[i]) <= PA_VMAR_ROOT) {
            own[PA_HND_TYPE(ids[i])] = handles[i];
        } else {
            kept_ids[kept_count] = ids[i];
            kept_handles[kept_count++] = handles[i];
        }
    }
}

zx_handle_t __port_resource(void) { return resource; }

zx_handle_t __port_archive(void) {
    static zx_handle_t archive;
    for (size_t i = 0; i < kept_count && archive == ZX_HANDLE_INVALID; i++) {
        if (kept_ids[i] != PA_HND(PA_VMO_BOOTFS, 0)) continue;
        zx_handle_duplicate(kept_handles[i], ZX_RIGHT_SAME_RIGHTS, &archive);
    }
    return archive;
}

zx_handle_t zx_take_startup_handle(uint32_t hnd_info) {
    for (size_t i = 0; i < kept_count; i++) {
        zx_handle_t handle = kept_handles[i];
        if (kept_ids[i] != hnd_info || handle == ZX_HANDLE_INVALID) continue;
        kept_handles[i] = ZX_HANDLE_INVALID;
        return handle;
    }
    return ZX_HANDLE_INVALID;
}

zx_handle_t __port_main_thread(void) { return own[PA_THREAD_SELF]; }
zx_handle_t _zx_process_self(void) { return own[PA_PROC_SELF]; }
zx_handle_t _zx_vmar_root_self(void) { return own[PA_VMAR_ROOT]; }
zx_handle_t _zx_job_default(void) { return own[PA_JOB_DEFAULT]; }

PORT_ALIAS(zx_process_self, _zx_process_self);
PORT_ALIAS(zx_vmar_root_self, _zx_vmar_root_self);
PORT_ALIAS(zx_job_default, _zx_job_default);
