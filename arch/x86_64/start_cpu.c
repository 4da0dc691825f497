/*
 * The other processors: finding, starting, interrupting and stopping them.
 *
 * They are started one after the other, through one page of code and arguments below 1 MiB. A processor that does not
 * come within its time is given up, and those after it with it: it is sent back to wait for a start, lest it come to
 * the page when something else is there. What was on the page, maybe a part of the boot archive, comes back
 * afterwards.
 */
#include <stdatomic.h>

#include "arch/cpu.h"
#include "arch/thread.h"
#include "arch/time.h"
#include "arch/upcall.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/hold.h"
#include "arch/x86_64/mmu_tables.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/shootdown.h"
#include "arch/x86_64/time.h"
#include "arch/x86_64/trap.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

#define ENTRY_BASE 0x8000u /* start_cpu.asm knows it too */
#define INIT_TIME ZX_USEC(200)
#define START_TIME ZX_MSEC(1)
#define START_TRIES 200

struct entry_args {
    uint64_t cr3, efer, stack, cpu, entry;
};

extern const char cpu_entry[], cpu_entry_args[], cpu_entry_end[]; /* start_cpu.asm */

static atomic_uint running = 1;

/* How far the processor is that is being started. It is given up only while it is AWAITED. */
enum newcomer { AWAITED, COMING, HERE, GIVEN_UP };
static _Atomic enum newcomer newcomer;

static bool newcomer_moves(enum newcomer from, enum newcomer to) {
    return atomic_compare_exchange_strong(&newcomer, &from, to);
}

uint64_t cpus_running(void) { return UINT64_MAX >> (64 - atomic_load_explicit(&running, memory_order_acquire)); }

static void wait(zx_duration_t time) {
    zx_time_t end = arch_time_now() + time;
    while (arch_time_now() < end) arch_pause();
}

/* The first C code of a processor, on its own stack, with interrupts off. */
static NORETURN void cpu_main(struct percpu *cpu) {
    if (!newcomer_moves(AWAITED, COMING)) arch_halt();
    percpu_load(cpu);
    cpu_init_this();
    mmu_load_kernel();
    apic_init_this();
    time_compare(true);
    atomic_store(&running, cpu->cpu.id + 1);
    hold_serve();
    upcall_cpu_join();
    atomic_store_explicit(&newcomer, HERE, memory_order_release);
    upcall_cpu_run();
}

/* Pages that starting processors takes. */
enum entry_page { ENTRY_LOWEST_TABLE, ENTRY_SAVED = TOP_LEVEL - 1, ENTRY_PAGES };

static char *entry_code(void) { return arch_phys_to_virt((paddr_t){ENTRY_BASE}); }

static void pages_give_back(const paddr_t *pages, unsigned count) {
    while (count > 0) upcall_table_free(pages[--count]);
}

/* Maps the page of the entry code at its own address, in tables of the kernel's otherwise empty lower half. */
static bool entry_map(paddr_t pages[ENTRY_PAGES]) {
    if (!kernel_page_present((vaddr_t)entry_code())) {
        log_line("no RAM at %#x, where processors would start", ENTRY_BASE);
        return false;
    }
    for (unsigned i = 0; i < ENTRY_PAGES; i++) {
        if (upcall_table_alloc(&pages[i]) == ZX_OK) continue;
        pages_give_back(pages, i);
        return false;
    }
    memcpy(arch_phys_to_virt(pages[ENTRY_SAVED]), entry_code(), PAGE_SIZE);
    uint64_t entry = ENTRY_BASE | PTE_PRESENT;
    for (unsigned level = 1; level < TOP_LEVEL; level++) {
        paddr_t table = pages[ENTRY_LOWEST_TABLE + level - 1];
        ((uint64_t *)arch_phys_to_virt(table))[table_index(ENTRY_BASE, level)] = entry;
        entry = table.raw | PTE_PRESENT;
    }
    *(uint64_t *)arch_phys_to_virt(kernel_root) = entry;
    return true;
}

static void entry_unmap(const paddr_t pages[ENTRY_PAGES]) {
    *(uint64_t *)arch_phys_to_virt(kernel_root) = 0;
    mmu_flush(NULL, ENTRY_BASE, PAGE_SIZE);
    memcpy(entry_code(), arch_phys_to_virt(pages[ENTRY_SAVED]), PAGE_SIZE);
    pages_give_back(pages, ENTRY_PAGES);
}

/* Writes down where the next processor is to begin. */
static bool entry_prepare(unsigned id, uint32_t apic_id) {
    struct percpu *cpu = percpu_new(id, apic_id);
    char *stack = cpu ? upcall_stack_alloc() : NULL;
    if (!stack) return false;
    struct entry_args args = {
        .cr3 = kernel_root.raw,
        .efer = EFER_LME | (cpu_has.nx ? EFER_NXE : 0),
        .stack = (uint64_t)stack + KSTACK_PAGES * PAGE_SIZE,
        .cpu = (uint64_t)cpu,
        .entry = (uint64_t)cpu_main,
    };
    memcpy(entry_code(), cpu_entry, (size_t)(cpu_entry_end - cpu_entry));
    memcpy(entry_code() + (cpu_entry_args - cpu_entry), &args, sizeof(args));
    return true;
}

static bool newcomer_is(enum newcomer state) { return atomic_load_explicit(&newcomer, memory_order_acquire) == state; }

static bool cpu_start(unsigned id, uint32_t apic_id) {
    if (!entry_prepare(id, apic_id)) return false;
    atomic_store(&newcomer, AWAITED);
    apic_init_other(apic_id);
    wait(INIT_TIME);
    for (unsigned i = 0; i < START_TRIES && newcomer_is(AWAITED); i++) {
        /* Twice, as the manuals have it: the first may get lost. */
        if (i < 2) apic_start_other(apic_id, ENTRY_BASE / PAGE_SIZE);
        zx_time_t end = arch_time_now() + START_TIME;
        while (newcomer_is(AWAITED) && arch_time_now() < end) arch_pause();
    }
    if (newcomer_moves(AWAITED, GIVEN_UP)) {
        apic_init_other(apic_id);
        wait(INIT_TIME);
        log_line("the processor with APIC %u does not start", apic_id);
        return false;
    }
    time_compare(false);
    while (!newcomer_is(HERE)) arch_pause();
    return true;
}

unsigned arch_cpus_start(unsigned max) {
    uint32_t apic_ids[MAX_CPUS], self = percpu_this()->apic_id;
    paddr_t pages[ENTRY_PAGES];
    unsigned found = acpi_processors(apic_ids, MAX_CPUS), id = 1;
    time_settle();
    if (max < 2 || found < 2 || !entry_map(pages)) return 1;
    for (unsigned i = 0; i < found && id < max; i++) {
        if (apic_ids[i] == self) continue;
        if (!cpu_start(id, apic_ids[i])) break;
        id++;
    }
    entry_unmap(pages);
    return id;
}

void arch_cpu_kick(unsigned id) { apic_interrupt(percpu_of(id)->apic_id, VECTOR_KICK); }

void arch_stop_others(void) {
    uint64_t others = cpus_running() & ~((uint64_t)1 << arch_this_cpu()->id);
    for (; others != 0; others &= others - 1)
        apic_interrupt(percpu_of((unsigned)__builtin_ctzll(others))->apic_id, VECTOR_STOP);
}
