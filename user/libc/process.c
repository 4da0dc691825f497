/*
 * The handles that came with the bootstrap message: four that every program finds at hand, and the rest, each of which
 * the program can take once.
 */
#include <zircon/process.h>
#include <zircon/processargs.h>

#include "user/libc/port.h"
#include "user/libc/pthread_impl.h"

static zx_handle_t thread_self;
static zx_handle_t process_self;
static zx_handle_t vmar_root_self;
static zx_handle_t job_default;
static zx_handle_t resource;

static uint32_t kept_ids[ZX_CHANNEL_MAX_MSG_HANDLES];
static zx_handle_t kept_handles[ZX_CHANNEL_MAX_MSG_HANDLES];
static size_t kept_count;

static zx_handle_t *own_handle(uint32_t id) {
    switch (id) {
    case PA_HND(PA_THREAD_SELF, 0):
        return &thread_self;
    case PA_HND(PA_PROC_SELF, 0):
        return &process_self;
    case PA_HND(PA_VMAR_ROOT, 0):
        return &vmar_root_self;
    case PA_HND(PA_JOB_DEFAULT, 0):
        return &job_default;
    default:
        return NULL;
    }
}

void __port_handles_keep(const uint32_t *ids, const zx_handle_t *handles, size_t count) {
    for (size_t i = 0; i < count; i++) {
        zx_handle_t *own = own_handle(ids[i]);
        if (ids[i] == PA_HND(PA_RESOURCE, 0)) resource = handles[i];
        if (own) {
            *own = handles[i];
        } else {
            kept_ids[kept_count] = ids[i];
            kept_handles[kept_count++] = handles[i];
        }
    }
}

zx_handle_t __port_resource(void) { return resource; }

zx_handle_t zx_take_startup_handle(uint32_t hnd_info) {
    for (size_t i = 0; i < kept_count; i++) {
        zx_handle_t handle = kept_handles[i];
        if (kept_ids[i] != hnd_info || handle == ZX_HANDLE_INVALID) continue;
        kept_handles[i] = ZX_HANDLE_INVALID;
        return handle;
    }
    return ZX_HANDLE_INVALID;
}

zx_handle_t __port_main_thread(void) { return thread_self; }

/* A thread that the C library made knows its own. */
zx_handle_t _zx_thread_self(void) {
    const struct port_pthread *self = __libc.threaded ? pthread_current() : NULL;
    return self && self->handle ? self->handle : thread_self;
}
zx_handle_t _zx_process_self(void) { return process_self; }
zx_handle_t _zx_vmar_root_self(void) { return vmar_root_self; }
zx_handle_t _zx_job_default(void) { return job_default; }

PORT_ALIAS(zx_thread_self, _zx_thread_self);
PORT_ALIAS(zx_process_self, _zx_process_self);
PORT_ALIAS(zx_vmar_root_self, _zx_vmar_root_self);
PORT_ALIAS(zx_job_default, _zx_job_default);
