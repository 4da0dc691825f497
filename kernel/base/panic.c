/*
 * The end of a kernel that is wrong about itself. Must work in any state: takes no lock, allocates nothing, and when
 * it fails itself it gets shorter each time.
 */
#include <stdatomic.h>

#include "arch/cpu.h"
#include "arch/power.h"
#include "kernel/base/cpu.h"
#include "kernel/base/log.h"
#include "kernel/base/symbols.h"

#define MESSAGE_MAX 200
#define BACKTRACE_MAX 32

static atomic_uint panics;
static atomic_uint panicking; /* the id of the processor that panics, plus one */

bool panic_begun(void) {
    unsigned who = atomic_load_explicit(&panicking, memory_order_relaxed);
    if (who != 0 && who != arch_this_cpu()->id + 1) arch_halt();
    return who != 0;
}

/* Looks one byte before each address: a call that does not return may be the last instruction of its function. */
void log_backtrace(const void *frame) {
    uintptr_t pcs[BACKTRACE_MAX];
    size_t count = arch_backtrace(pcs, BACKTRACE_MAX, frame);
    for (size_t i = 0; i < count; i++) {
        size_t offset;
        const char *name = symbol_find(pcs[i] - 1, &offset);
        log_line("  %s+%#zx  (%p)", name, offset + 1, (void *)pcs[i]);
    }
}

/* One processor's panic at a time: others that find something wrong then see what the first has done to the system. */
static void panic_alone(void) {
    unsigned nobody = 0, me = arch_this_cpu()->id + 1;
    if (!atomic_compare_exchange_strong(&panicking, &nobody, me) && nobody != me) arch_halt();
    if (nobody != 0) return;
    arch_stop_others();
    log_take();
}

NORETURN void panic(const char *fmt, ...) {
    char message[MESSAGE_MAX];
    va_list args;
    arch_irq_disable();
    panic_alone();
    unsigned before = atomic_fetch_add(&panics, 1);
    if (before < 2) {
        va_start(args, fmt);
        format_args(message, sizeof(message), fmt, args);
        va_end(args);
        log_line("%s: %s", before == 0 ? "PANIC" : "PANIC within a panic", message);
    }
    if (before == 0) {
        arch_registers_log();
        log_line("backtrace:");
        log_backtrace(NULL);
    }
    arch_power_off(POWER_PANIC);
}
