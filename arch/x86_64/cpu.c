/* A processor: what it can do, switched on; and what the kernel asks about it now and then. */
#include "arch/cpu.h"

#include <stdatomic.h>

#include "arch/x86_64/features.h"
#include "arch/x86_64/mmu_tables.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/trap.h"
#include "arch/x86_64/x86.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

/* The PAT register's types, each at the number of its policy, so that a policy is its own index. */
#define PAT_WRITE_BACK 6ull
#define PAT_UNCACHED 0ull
#define PAT_WRITE_COMBINING 1ull
#define PAT_POLICIES                                                                               \
    (PAT_WRITE_BACK << 8 * ZX_CACHE_POLICY_CACHED | PAT_UNCACHED << 8 * ZX_CACHE_POLICY_UNCACHED | \
     PAT_UNCACHED << 8 * ZX_CACHE_POLICY_UNCACHED_DEVICE | PAT_WRITE_COMBINING << 8 * ZX_CACHE_POLICY_WRITE_COMBINING)

/* x87, SSE, AVX, and the three parts of AVX-512. */
#define XCR0_WANTED 0xe7u
#define LEGACY_VECTOR_SIZE 512u
#define MXCSR_MASK_AT 28
#define MXCSR_MASK_DEFAULT 0xffbfu

/* CLFLUSH is as old as x86-64, but some hypervisors hide what it acts on. */
#define CACHE_LINE_DEFAULT 64u

/* What user code may not carry into a system call. */
#define SYSCALL_CLEARS (FLAGS_TF | FLAGS_IF | FLAGS_DF | FLAGS_IOPL | FLAGS_NT | FLAGS_RF | FLAGS_AC)

#define VENDOR_INTEL 0x756e6547u /* how "GenuineIntel" begins */

struct cpu_features cpu_has;

extern const char syscall_entry[], trap_returned[], trap_ist_returned[]; /* entry.asm */
extern void *const verw_sites[];                                         /* there too; ends with 0 */

/* usercopy.asm; ends with zeroes. */
extern const struct smap_site {
    void *at;
    uint8_t instruction[3];
} usercopy_smap_sites[];

/* Do the processor's buffers leak, and can it clear them on request? */
static bool wants_verw(struct cpuid structured) {
    uint64_t immune = structured.edx >> 29 & 1 ? rdmsr(MSR_CAPABILITIES) : 0;
    bool by_transactions = (structured.ebx >> 11 & 1) && !(immune & CAPABILITY_TAA_NO);
    bool clears = structured.edx >> 10 & 1;
    return (clears && (by_transactions || !(immune & CAPABILITY_MDS_NO))) || (immune & CAPABILITY_RFDS_CLEAR);
}

static void features_find(void) {
    struct cpuid basic = cpuid(1, 0);
    struct cpuid extended = cpuid(0x80000001, 0);
    struct cpuid structured = cpuid(0, 0).eax >= 7 ? cpuid(7, 0) : (struct cpuid){0};
    cpu_has.global_pages = basic.edx >> 13 & 1;
    /* Where the kernel's own translations were not global, dropping one would miss it under all other numbers. */
    cpu_has.pcid = cpu_has.global_pages && (basic.ecx >> 17 & 1);
    cpu_has.xsave = basic.ecx >> 26 & 1;
    cpu_has.xsaveopt = cpu_has.xsave && (cpuid(0xd, 1).eax & 1);
    cpu_has.rdrand = basic.ecx >> 30 & 1;
    cpu_has.x2apic = basic.ecx >> 21 & 1;
    cpu_has.smep = structured.ebx >> 7 & 1;
    cpu_has.smap = structured.ebx >> 20 & 1;
    cpu_has.umip = structured.ecx >> 2 & 1;
    cpu_has.verw = wants_verw(structured);
    cpu_has.clflushopt = structured.ebx >> 23 & 1;
    cpu_has.clwb = structured.ebx >> 24 & 1;
    cpu_has.cache_line = (basic.ebx >> 8 & 0xff) * 8;
    if (cpu_has.cache_line == 0) cpu_has.cache_line = CACHE_LINE_DEFAULT;
    cpu_has.nx = extended.edx >> 20 & 1;
    cpu_has.huge_pages = extended.edx >> 26 & 1;
    struct cpuid sizes = cpuid(0x80000000, 0).eax >= 0x80000008 ? cpuid(0x80000008, 0) : (struct cpuid){.eax = 36};
    cpu_has.phys_bits = sizes.eax & 0xff;
    cpu_has.x87_stays = !(sizes.ebx >> 2 & 1) && cpuid(0, 0).ebx != VENDOR_INTEL;
}

/* In the order that the manuals have for memory types. CR4_PGE is not set yet: a load of CR3 forgets all. */
static void pat_init(void) {
    uint64_t cr0 = cr0_read();
    cr0_write(cr0 | CR0_CD);
    wbinvd();
    cr3_write(cr3_read());
    wrmsr(MSR_PAT, PAT_POLICIES | PAT_POLICIES << 32);
    wbinvd();
    cr3_write(cr3_read());
    cr0_write(cr0);
}

static void control_init(void) {
    cr0_write(CR0_PG | CR0_AM | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
    pat_init();
    uint64_t cr4 = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    if (cpu_has.global_pages) cr4 |= CR4_PGE;
    if (cpu_has.pcid) cr4 |= CR4_PCIDE; /* the tables loaded now are page-aligned: their number is 0, as it must be */
    if (cpu_has.smep) cr4 |= CR4_SMEP;
    if (cpu_has.smap) cr4 |= CR4_SMAP;
    if (cpu_has.umip) cr4 |= CR4_UMIP;
    if (cpu_has.xsave) cr4 |= CR4_OSXSAVE;
    cr4_write(cr4);
    if (cpu_has.xsave) xsetbv(0, cpuid(0xd, 0).eax & XCR0_WANTED);
}

/* Processors that do not report the mask have the one that the manuals give for them. */
static uint32_t mxcsr_mask_find(void) {
    _Alignas(16) uint32_t area[LEGACY_VECTOR_SIZE / 4];
    __asm__ volatile("fxsave64 %0" : "=m"(area));
    return area[MXCSR_MASK_AT / 4] ? area[MXCSR_MASK_AT / 4] : MXCSR_MASK_DEFAULT;
}

/* What vector state takes, now that its components are switched on. Once, for threads on every processor. */
static void vector_find(void) {
    cpu_has.vector_size = cpu_has.xsave ? cpuid(0xd, 0).ebx : LEGACY_VECTOR_SIZE;
    cpu_has.mxcsr_mask = mxcsr_mask_find();
    for (uint32_t i = VECTOR_AVX; cpu_has.xsave && i < VECTOR_COMPONENTS; i++)
        cpu_has.vector_at[i] = cpuid(0xd, 0).eax & XCR0_WANTED & 1u << i ? cpuid(0xd, i).ebx : 0;
    cpu_has.wide_moves = cpu_has.vector_at[VECTOR_AVX] && !cpu_has.vector_at[VECTOR_UPPER_HALVES];
}

static void syscall_init(void) {
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | (cpu_has.nx ? EFER_NXE : 0));
    wrmsr(MSR_STAR, (uint64_t)(SELECTOR_SYSRET_BASE | 3) << 48 | (uint64_t)SELECTOR_KERNEL_CODE << 32);
    wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
    wrmsr(MSR_SFMASK, SYSCALL_CLEARS);
    for (unsigned i = 0; i < 3; i++) wrmsr(MSR_SYSENTER_CS + i, 0); /* the other way in leads nowhere */
}

/* The image is still writable, and nothing in it has run yet that is changed here. */
static void verw_sites_write(void) {
    static const uint8_t nop[7] = {0x0f, 0x1f, 0x80};
    for (void *const *site = verw_sites; *site; site++) memcpy(*site, nop, sizeof(nop));
}

/* The same. */
static void smap_sites_write(void) {
    for (const struct smap_site *site = usercopy_smap_sites; site->at; site++)
        memcpy(site->at, site->instruction, sizeof(site->instruction));
}

void cpu_init_this(void) {
    control_init();
    syscall_init();
}

void cpu_init(void) {
    features_find();
    if (cpu_has.smap) smap_sites_write();
    if (!cpu_has.verw) verw_sites_write();
    cpu_init_this();
    vector_find();
}

void features_log(void) {
    log_line("cpu:%s%s%s%s%s%s%s%s%s%s%s%s%s%s", cpu_has.nx ? " nx" : "", cpu_has.smep ? " smep" : "",
             cpu_has.smap ? " smap" : "", cpu_has.umip ? " umip" : "", cpu_has.global_pages ? " global" : "",
             cpu_has.pcid ? " pcid" : "", cpu_has.huge_pages ? " huge" : "", cpu_has.xsave ? " xsave" : "",
             cpu_has.xsaveopt ? " xsaveopt" : "", cpu_has.rdrand ? " rdrand" : "", cpu_has.x2apic ? " x2apic" : "",
             cpu_has.clflushopt ? " clflushopt" : "", cpu_has.clwb ? " clwb" : "", cpu_has.verw ? " verw" : "");
}

_Noreturn void arch_halt(void) {
    for (;;) __asm__ volatile("cli\n\thlt" ::: "memory");
}

/* Finalizer of a well-known shape: two rounds of shift and multiply spread a small change over all bits. */
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93;
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93;
    return x ^ x >> 32;
}

uint64_t arch_entropy(void) {
    for (unsigned tries = 0; cpu_has.rdrand && tries < 10; tries++) {
        uint64_t value;
        bool ok;
        __asm__ volatile("rdrand %0" : "=r"(value), "=@ccc"(ok));
        if (ok) return value;
    }
    static _Atomic uint64_t state;
    return mix(atomic_fetch_add(&state, rdtsc() | 1) + rdtsc());
}

/* Without SMAP, AC means nothing to the kernel and is left as user code had it. */
bool arch_invariants_hold(void) {
    uint64_t must_be_clear = FLAGS_DF | (cpu_has.smap ? FLAGS_AC : 0);
    return (flags_read() & must_be_clear) == 0;
}

/* A stack frame as the compiler makes it: the caller's frame pointer, then the return address. */
struct stack_frame {
    const struct stack_frame *caller;
    uintptr_t pc;
};

static bool frame_readable(const struct stack_frame *frame, size_t len) {
    vaddr_t va = (vaddr_t)frame;
    return va % 8 == 0 && kernel_page_present(va) && kernel_page_present(va + len - 1);
}

/* Above the frame of a trap's handler is the trap's own, and in it what was interrupted. */
static const struct trap_frame *frame_of_trap(const struct stack_frame *frame) {
    bool trapped = frame->pc == (uintptr_t)trap_returned || frame->pc == (uintptr_t)trap_ist_returned;
    return trapped ? (const struct trap_frame *)(frame + 1) : NULL;
}

size_t arch_backtrace(uintptr_t *pcs, size_t max, const void *start) {
    const struct stack_frame *frame = start ? start : __builtin_frame_address(0);
    size_t count = 0;
    while (count < max && frame_readable(frame, sizeof(*frame)) && frame->pc >= KERNEL_IMAGE_BASE) {
        pcs[count++] = frame->pc;
        const struct trap_frame *trap = frame_of_trap(frame);
        if (trap && (!frame_readable((const void *)trap, sizeof(*trap)) || frame_is_user(trap))) break;
        if (trap && count < max) pcs[count++] = trap->rip;
        frame = frame->caller;
    }
    return count;
}
