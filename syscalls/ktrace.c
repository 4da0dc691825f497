/* System calls of tracing. Manual: ktrace.md. */
#include "kernel/object/ktrace.h"
#include "kernel/base/trace.h"
#include "kernel/sched/thread.h"
#include "syscalls/ktrace.h"
#include "syscalls/syscalls.h"
#include "vm/usercopy.h"

static zx_status_t sys_ktrace_control(uint32_t action, uint32_t options, user_in_t ptr UNUSED) {
    switch (action) {
    case KTRACE_ACTION_START: return ktrace_start(options);
    case KTRACE_ACTION_STOP: ktrace_stop(); return ZX_OK;
    case KTRACE_ACTION_REWIND: return ktrace_rewind();
    default: return ZX_ERR_INVALID_ARGS;
    }
}

#define PART 16 /* records that are copied at a time */
#define SIZE sizeof(zx_ktrace_record_t)

/* Copies what of the records lies from byte `offset` on, as far as there is any. */
static zx_status_t copy_part(user_out_t data, uint64_t offset, size_t len, size_t *copied) {
    zx_ktrace_record_t records[PART];
    const size_t skip = offset % SIZE;
    size_t count;
    zx_status_t status = ktrace_read(offset / SIZE, PART, records, &count);
    *copied = count ? min_u64(len, count * SIZE - skip) : 0;
    return status == ZX_OK && *copied ? copy_out(data, (char *)records + skip, *copied) : status;
}

static zx_status_t sys_ktrace_read(user_out_t data, uint32_t offset, size_t data_size, user_out_t actual) {
    size_t count, done = 0, part = 1;
    zx_status_t status = ktrace_count(&count);
    if (status == ZX_OK && data.addr == 0) {
        const size_t all = count * SIZE;
        return user_put(actual, all);
    }
    while (status == ZX_OK && done < data_size && part > 0) {
        if (thread_killed()) return ZX_ERR_CANCELED;
        status = copy_part(user_out_at(data, done), offset + done, data_size - done, &part);
        if (status == ZX_OK) done += part;
    }
    return status == ZX_OK ? user_put(actual, done) : status;
}

static zx_status_t sys_ktrace_write(uint32_t event_id, uint32_t arg0, uint32_t arg1) {
    trace(KTRACE_GRP_PROBE, KTRACE_PROBE, 0, event_id, arg0 | (uint64_t)arg1 << 32);
    return ZX_OK;
}
