/*
 * The boot processor's way from boot.asm to the portable kernel. The order matters: each line may use only what
 * those above it have set up.
 */
#include "arch/boot.h"
#include "arch/upcall.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/boot_memory.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/ioapic.h"
#include "arch/x86_64/mmu_tables.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/serial.h"
#include "arch/x86_64/time.h"
#include "kernel/base/log.h"

_Noreturn void machine_start(uint32_t magic, uint64_t info);

/* boot.asm calls it on the boot stack, with interrupts off and the first 4 GiB mapped. */
_Noreturn void machine_start(uint32_t magic, uint64_t info) {
    percpu_init();
    serial_init();
    cpu_init();
    boot_info_read(magic, info);
    mmu_boot();
    percpu_show();
    apic_init();
    ioapic_init();
    time_init();
    features_log();
    upcall_start();
}
