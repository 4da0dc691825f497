/* System calls about the machine, and random bytes. Manual: system.md. */
#include "syscalls/system.h"

#include <zircon/features.h>

#include "arch/boot.h"
#include "kernel/base/arith.h"
#include "kernel/base/random.h"
#include "kernel/sched/sched.h"
#include "vm/usercopy.h"

static uint32_t sys_system_get_num_cpus(void) { return sched_cpu_count(); }
static uint64_t sys_system_get_physmem(void) { return arch_boot_info()->ram_total; }

static zx_status_t sys_system_get_version(user_out_t version, size_t size) {
    static const char text[64] = "Jargoon, with the system calls of Zircon in December 2018";
    return size < sizeof(text) ? ZX_ERR_BUFFER_TOO_SMALL : copy_out(version, text, sizeof(text));
}

static zx_status_t sys_system_get_features(uint32_t kind, user_out_t features) {
    const uint32_t cpu = ZX_HAS_CPU_FEATURES;
    return kind == ZX_FEATURE_KIND_CPU ? user_put(features, cpu) : ZX_ERR_NOT_SUPPORTED;
}

/* At most ZX_CPRNG_DRAW_MAX_LEN bytes at a time; the stub asks as often as it takes. */
static zx_status_t sys_cprng_draw_once(user_out_t buffer, size_t len) {
    uint8_t bytes[ZX_CPRNG_DRAW_MAX_LEN];
    if (len > sizeof(bytes)) return ZX_ERR_INVALID_ARGS;
    random_bytes(bytes, len);
    return len ? copy_out(buffer, bytes, len) : ZX_OK;
}

static zx_status_t sys_cprng_add_entropy(user_in_t buffer, size_t len) {
    uint8_t bytes[ZX_CPRNG_ADD_ENTROPY_MAX_LEN];
    if (len > sizeof(bytes)) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = len ? copy_in(bytes, buffer, len) : ZX_OK;
    if (status == ZX_OK) random_add(bytes, len);
    return status;
}
