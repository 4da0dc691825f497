/*
 * Reading and writing a parked thread's vector registers where the processor did not save what was in its reset state:
 * the area holds anything there.
 */
#include <zircon/syscalls/debug.h>

#include "arch/thread.h"
#include "arch/x86_64/features.h"
#include "kernel/base/string.h"
#include "kernel/sched/thread.h"
#include "tests/kernel/support.h"
#include "vm/heap.h"

#define IN_USE_AT 512 /* the word of the area that says which components were saved */

/* A thread that never runs, with nothing saved in its area, which is full of what does not count. */
static bool thread_make(struct thread *t) {
    char *area = heap_alloc(cpu_has.vector_size);
    *t = (struct thread){.arch = {.vector = area}};
    if (!area) return false;
    memset(area, 0xa5, cpu_has.vector_size);
    memset(area + IN_USE_AT, 0, sizeof(uint64_t));
    return true;
}

static bool all_zero(const void *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (((const char *)bytes)[i]) return false;
    }
    return true;
}

KTEST("vector_state/what the processor did not save reads as reset, and stays so when others are written") {
    struct thread t;
    zx_thread_state_fp_regs_t fp;
    static zx_thread_state_vector_regs_t vector;
    if (!cpu_has.xsave) return;
    NEED(thread_make(&t));
    arch_state_read(&t, ZX_THREAD_STATE_FP_REGS, &fp);
    EXPECT(fp.fcw == VECTOR_RESET_FCW && fp.fsw == 0 && fp.ftw == 0 && fp.fop == 0 && fp.fip == 0 && fp.fdp == 0);
    EXPECT(all_zero(fp.st, sizeof(fp.st)));
    fp.st[0].low = 1;
    EXPECT(arch_state_write(&t, ZX_THREAD_STATE_FP_REGS, &fp) == ZX_OK);
    arch_state_read(&t, ZX_THREAD_STATE_VECTOR_REGS, &vector);
    EXPECT(all_zero(vector.zmm, sizeof(vector.zmm)) && all_zero(vector.opmask, sizeof(vector.opmask)));
    arch_state_read(&t, ZX_THREAD_STATE_FP_REGS, &fp);
    EXPECT(fp.st[0].low == 1 && fp.fcw == VECTOR_RESET_FCW);
    heap_free(t.arch.vector);
}
