/*
 * What the machine keeps for each processor. GS points here while the kernel runs; the portable part is one member,
 * and arch_this_cpu() gives the address of that. Its first fields are known to machine code by offset.
 */
#pragma once

#include <stdint.h>

#include "arch/mmu.h"
#include "arch/x86_64/trap.h"
#include "kernel/base/compiler.h"
#include "kernel/base/cpu.h"

/* The order is what SYSCALL and SYSRET expect: kernel code, kernel data; then (unused), user data, user code. */
enum gdt_selector {
    SELECTOR_KERNEL_CODE = 0x08,
    SELECTOR_KERNEL_DATA = 0x10,
    SELECTOR_SYSRET_BASE = 0x18,
    SELECTOR_USER_DATA = 0x20 | 3,
    SELECTOR_USER_CODE = 0x28 | 3,
    SELECTOR_TSS = 0x30,
};
#define GDT_ENTRIES 8

/*
 * The hardware's task-state segment: stack pointers for entries from user mode, and for vectors that bring a stack;
 * then a map of the I/O ports that user code may not use, which counts if `io_bitmap` says where in the segment it is.
 */
struct [[gnu::packed]] tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_bitmap;
    uint64_t ports[PORT_MAP_WORDS];
    uint8_t end; /* the processor reads two bytes for each port: all ones */
};
#define TSS_NO_PORTS sizeof(struct tss) /* past the end: user code may use none */

#define CALL_ROOM 8
struct percpu {
    struct cpu *self;              /* gs:0, &cpu */
    struct thread *current;        /* gs:8 */
    uint64_t call_sp;              /* gs:16, where a system call's stack begins: CALL_ROOM below tss->rsp[0] */
    uint64_t user_sp;              /* gs:24, for the two instructions in which the system-call entry has no stack */
    struct trap_frame panic_frame; /* gs:32, the registers at its first call of panic() */
    uint32_t panicked;             /* gs:208, they are there */
    const struct trap_frame *fatal_frame; /* of a trap that proved fatal; NULL: there was none */
    struct arch_aspace *aspace; /* loaded, maybe only left over from the last user thread; NULL: kernel half only */
    vaddr_t fs_base, gs_base;   /* what the last user thread had; in the registers, unless it loaded selectors */
    zx_time_t alarm;            /* when upcall_alarm() is due */
    uint32_t apic_id;           /* [I] by which others interrupt it */
    struct cpu cpu;
    struct tss *tss;    /* [I] */
    uint32_t ports_end; /* words of tss->ports from here on are all ones */
    uint64_t gdt[GDT_ENTRIES];
    vaddr_t gdt_shown; /* the address that the processor is given for it */
};

static inline struct percpu *percpu_this(void) { return container_of(arch_this_cpu(), struct percpu, cpu); }

/* Gives the boot processor its struct percpu, GDT, TSS and IDT. Before it nothing of the kernel's C code may run. */
void percpu_init(void);

/* Moves IDT and GDT, whose addresses user code may ask for, to ones that say nothing. After mmu_boot(). */
void percpu_show(void);

/* Makes a struct percpu, with stacks, for another processor; NULL when there is no memory. */
struct percpu *percpu_new(unsigned id, uint32_t apic_id);

/* Makes it the running processor's. */
void percpu_load(struct percpu *cpu);

/* Of a processor that runs, or is being started. */
struct percpu *percpu_of(unsigned id);

/* Those that run, one bit each. */
uint64_t cpus_running(void);
