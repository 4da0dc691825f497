/*
 * Each processor's descriptor tables: segments, task state with the extra stacks; and the 256 interrupt gates of all.
 *
 * Double fault, NMI, machine check and debug bring their own stacks: the first because there may be no usable
 * stack left, the others because they can strike before the system-call entry has found one. Where the emulator has
 * debug exceptions come twice, they do without: the second would overwrite where the first came from.
 */
#include <stddef.h>

#include "arch/thread.h"
#include "arch/upcall.h"
#include "arch/x86_64/mmu_tables.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/trap.h"
#include "arch/x86_64/x86.h"
#include "kernel/base/string.h"

#define IST_STACK_SIZE 8192
#define IST_STACKS 4

#define GATE_INTERRUPT 0x8e00u /* present, 64-bit interrupt gate: enters with interrupts off */
#define GATE_FROM_USER 0x6000u /* user code may name the vector in an int instruction */

/* entry.asm and panic.asm know these. */
_Static_assert(offsetof(struct percpu, self) == 0);
_Static_assert(offsetof(struct percpu, current) == 8);
_Static_assert(offsetof(struct percpu, call_sp) == 16);
_Static_assert(offsetof(struct percpu, user_sp) == 24);
_Static_assert(offsetof(struct percpu, panic_frame) == 32);
_Static_assert(offsetof(struct percpu, panicked) == 208);
_Static_assert(offsetof(struct arch_thread, sp) == 0);
_Static_assert(offsetof(struct arch_thread, attention) == 8);
_Static_assert(sizeof(struct trap_frame) == 22 * sizeof(uint64_t));
_Static_assert(offsetof(struct tss, ports) == 104);

struct gate {
    uint16_t offset_low, selector, flags, offset_middle;
    uint32_t offset_high, reserved;
};

struct [[gnu::packed]] table_pointer {
    uint16_t limit;
    uint64_t base;
};

static _Alignas(PAGE_SIZE) struct percpu boot_cpu;
static _Alignas(PAGE_SIZE) struct tss boot_tss;
static struct percpu *cpus[MAX_CPUS] = {&boot_cpu};
static _Alignas(PAGE_SIZE) struct gate idt[256];
static vaddr_t idt_shown = (vaddr_t)idt;
static _Alignas(16) char ist_stacks[IST_STACKS][IST_STACK_SIZE];

static void gdt_fill(struct percpu *cpu) {
    uint64_t base = (uint64_t)cpu->tss;
    uint64_t *gdt = cpu->gdt;
    gdt[SELECTOR_KERNEL_CODE / 8] = 0x00af9b000000ffff;
    gdt[SELECTOR_KERNEL_DATA / 8] = 0x00cf93000000ffff;
    gdt[SELECTOR_USER_DATA / 8] = 0x00cff3000000ffff;
    gdt[SELECTOR_USER_CODE / 8] = 0x00affb000000ffff;
    gdt[SELECTOR_TSS / 8] =
        (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 | (uint64_t)0x89 << 40 | (base >> 24 & 0xff) << 56;
    gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
}

/* Loads the GDT and every register that refers to it. The selectors of ds, es, fs and gs stay 0. */
static void gdt_load(struct percpu *cpu) {
    struct table_pointer pointer = {sizeof(cpu->gdt) - 1, cpu->gdt_shown};
    gdt_fill(cpu); /* anew, for a task state that is loaded once is marked as busy */
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %2, %%ss\n\t"
                     "ltr %w3" ::"m"(pointer),
                     "i"(SELECTOR_KERNEL_CODE), "r"(SELECTOR_KERNEL_DATA), "r"(SELECTOR_TSS)
                     : "rax", "memory");
}

/* Counted from 1, as the gates have it; 0 is none. */
static const uint8_t gate_stacks[256] = {
    [VECTOR_DOUBLE_FAULT] = 1, [VECTOR_NMI] = 2, [VECTOR_MACHINE_CHECK] = 3, [VECTOR_DEBUG] = 4};

/*
 * QEMU's translator reports a step over an access that a breakpoint watches twice, the second time at the first
 * instruction of the first one's handler. It reports none between a system call's instruction and its entry, where the
 * kernel has no stack yet.
 */
static bool debug_comes_twice(void) {
    const struct cpuid who = cpuid(0x40000000, 0);
    const uint32_t name[] = {who.ebx, who.ecx, who.edx};
    return cpuid(1, 0).ecx >> 31 && memcmp(name, "TCGTCGTCGTCG", sizeof(name)) == 0;
}

static void idt_fill(void) {
    const bool twice = debug_comes_twice();
    for (unsigned i = 0; i < 256; i++) {
        uint64_t entry = (uint64_t)vector_entries[i];
        bool from_user = i == VECTOR_BREAKPOINT || i == VECTOR_OVERFLOW;
        uint8_t stack = i == VECTOR_DEBUG && twice ? 0 : gate_stacks[i];
        idt[i] = (struct gate){
            .offset_low = (uint16_t)entry,
            .selector = SELECTOR_KERNEL_CODE,
            .flags = (uint16_t)(GATE_INTERRUPT | (from_user ? GATE_FROM_USER : 0) | stack),
            .offset_middle = (uint16_t)(entry >> 16),
            .offset_high = (uint32_t)(entry >> 32),
        };
    }
}

static void idt_load(void) {
    struct table_pointer pointer = {sizeof(idt) - 1, idt_shown};
    __asm__ volatile("lidt %0" ::"m"(pointer));
}

struct percpu *percpu_of(unsigned id) {
    return cpus[id];
}

static void percpu_fill(struct percpu *cpu, unsigned id, struct tss *tss) {
    cpu->self = &cpu->cpu;
    cpu->cpu.id = id;
    cpu->alarm = ZX_TIME_INFINITE;
    cpu->tss = tss;
    memset(tss, 0, offsetof(struct tss, ports));
    memset(tss->ports, 0xff, sizeof(tss->ports));
    tss->io_bitmap = TSS_NO_PORTS;
    tss->end = 0xff;
    cpu->gdt_shown = (vaddr_t)cpu->gdt;
}

static void gdt_show(struct percpu *cpu) { cpu->gdt_shown = mmu_show(1 + cpu->cpu.id, cpu->gdt, true); }

void percpu_load(struct percpu *cpu) {
    gdt_load(cpu);
    wrmsr(MSR_GS_BASE, (uint64_t)cpu);
    wrmsr(MSR_KERNEL_GS_BASE, 0);
    idt_load();
}

void percpu_init(void) {
    percpu_fill(&boot_cpu, 0, &boot_tss);
    for (unsigned i = 0; i < IST_STACKS; i++) boot_tss.ist[i] = (uint64_t)ist_stacks[i] + IST_STACK_SIZE;
    idt_fill();
    percpu_load(&boot_cpu);
}

void percpu_show(void) {
    idt_shown = mmu_show(0, idt, false);
    gdt_show(&boot_cpu);
    percpu_load(&boot_cpu);
}

/*
 * The task state is in a kernel stack's memory, and the extra stacks share others. What was taken in vain is lost:
 * where that little is missing, all is soon.
 */
struct percpu *percpu_new(unsigned id, uint32_t apic_id) {
    _Static_assert(sizeof(struct percpu) <= PAGE_SIZE && sizeof(struct tss) <= KSTACK_PAGES * PAGE_SIZE);
    const unsigned fit = KSTACK_PAGES * PAGE_SIZE / IST_STACK_SIZE;
    paddr_t page;
    if (upcall_table_alloc(&page) != ZX_OK) return NULL;
    struct percpu *cpu = arch_phys_to_virt(page);
    char *stack = upcall_stack_alloc();
    if (!stack) return NULL;
    percpu_fill(cpu, id, (struct tss *)stack);
    gdt_show(cpu);
    cpu->apic_id = apic_id;
    for (unsigned i = 0; i < IST_STACKS; i++) {
        if (i % fit == 0 && !(stack = upcall_stack_alloc())) return NULL;
        cpu->tss->ist[i] = (uint64_t)stack + (i % fit + 1) * IST_STACK_SIZE;
    }
    return cpus[id] = cpu;
}
