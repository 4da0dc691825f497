/*
 * The processor's own vocabulary: instructions that C has no words for, model-specific registers, flags, control
 * bits and page-table entries. Names follow the manuals'.
 */
#pragma once

#include <stdint.h>

#define MSR_APIC_BASE 0x1bu
#define MSR_CAPABILITIES 0x10au
#define MSR_SYSENTER_CS 0x174u /* and the two after it: stack and entry */
#define MSR_MCG_CAP 0x179u
#define MSR_PAT 0x277u
#define MSR_MC0_STATUS 0x401u /* four registers for each bank; the next one is the address */
#define MSR_X2APIC 0x800u     /* the first of its registers */
#define MSR_EFER 0xc0000080u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_SFMASK 0xc0000084u
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u /* the one that swapgs brings in: user mode's while the kernel runs */

#define CAPABILITY_MDS_NO ((uint64_t)1 << 5)
#define CAPABILITY_TAA_NO ((uint64_t)1 << 8)
#define CAPABILITY_RFDS_CLEAR ((uint64_t)1 << 28)

#define EFER_SCE (1u << 0)
#define EFER_LME (1u << 8)
#define EFER_NXE (1u << 11)

#define FLAGS_TF (1u << 8)
#define FLAGS_IF (1u << 9)
#define FLAGS_DF (1u << 10)
#define FLAGS_IOPL (3u << 12)
#define FLAGS_NT (1u << 14)
#define FLAGS_RF (1u << 16)
#define FLAGS_AC (1u << 18)
#define FLAGS_ID (1u << 21)

#define DR6_NONE 0xffff0ff0u
#define DR7_NONE 0x700u        /* no breakpoint */
#define DR7_ENABLED 0xffu      /* two bits for each breakpoint */
#define DR7_USER 0xffff00ffull /* what user code may choose: those, and kinds and lengths */

#define CR0_PE (1u << 0)
#define CR0_MP (1u << 1)
#define CR0_ET (1u << 4)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_AM (1u << 18)
#define CR0_CD (1u << 30)
#define CR0_PG (1u << 31)

#define CR4_PAE (1u << 5)
#define CR4_MCE (1u << 6)
#define CR4_PGE (1u << 7)
#define CR4_OSFXSR (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP (1u << 11)
#define CR4_PCIDE (1u << 17)
#define CR4_OSXSAVE (1u << 18)
#define CR4_SMEP (1u << 20)
#define CR4_SMAP (1u << 21)

#define CR3_PCID 0xfffu
#define CR3_KEEP ((uint64_t)1 << 63) /* loading it forgets nothing; with CR4_PCIDE only */

#define PTE_PRESENT ((uint64_t)1 << 0)
#define PTE_WRITE ((uint64_t)1 << 1)
#define PTE_USER ((uint64_t)1 << 2)
#define PTE_CACHE_SHIFT 3 /* two bits that choose among the first four types of the PAT register */
#define PTE_ACCESSED ((uint64_t)1 << 5)
#define PTE_DIRTY ((uint64_t)1 << 6)
#define PTE_LARGE ((uint64_t)1 << 7)
#define PTE_GLOBAL ((uint64_t)1 << 8)
#define PTE_NX ((uint64_t)1 << 63)
#define PTE_FRAME ((uint64_t)0x000ffffffffff000)

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf) {
    struct cpuid r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t rdmsr(uint32_t msr) {
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value) {
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline void xsetbv(uint32_t index, uint64_t value) {
    __asm__ volatile("xsetbv" ::"c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline uint64_t rdtsc(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* After all that came before: what another processor has published, together with its time, is then not later. */
static inline uint64_t rdtsc_ordered(void) {
    __asm__ volatile("lfence" ::: "memory");
    return rdtsc();
}

static inline uint64_t flags_read(void) {
    uint64_t value;
    __asm__ volatile("pushfq\n\tpop %0" : "=r"(value)::"memory");
    return value;
}

#define CONTROL_REGISTER(name)                                           \
    static inline uint64_t name##_read(void) {                           \
        uint64_t value;                                                  \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value)::"memory"); \
        return value;                                                    \
    }                                                                    \
    static inline void name##_write(uint64_t value) { __asm__ volatile("mov %0, %%" #name ::"r"(value) : "memory"); }

CONTROL_REGISTER(cr0)
CONTROL_REGISTER(cr2)
CONTROL_REGISTER(cr3)
CONTROL_REGISTER(cr4)
CONTROL_REGISTER(dr0)
CONTROL_REGISTER(dr1)
CONTROL_REGISTER(dr2)
CONTROL_REGISTER(dr3)
CONTROL_REGISTER(dr6)
CONTROL_REGISTER(dr7)

static inline void mfence(void) { __asm__ volatile("mfence" ::: "memory"); }
static inline void clflush(uintptr_t va) { __asm__ volatile("clflush (%0)" ::"r"(va) : "memory"); }
static inline void clflushopt(uintptr_t va) { __asm__ volatile("clflushopt (%0)" ::"r"(va) : "memory"); }
static inline void clwb(uintptr_t va) { __asm__ volatile("clwb (%0)" ::"r"(va) : "memory"); }
static inline void wbinvd(void) { __asm__ volatile("wbinvd" ::: "memory"); }

static inline void invlpg(uintptr_t va) { __asm__ volatile("invlpg (%0)" ::"r"(va) : "memory"); }

static inline void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static inline void out16(uint16_t port, uint16_t value) { __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port)); }
static inline void out32(uint16_t port, uint32_t value) { __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }

static inline uint32_t in32(uint16_t port) {
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint8_t in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
