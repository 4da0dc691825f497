/*
 * Other threads' registers: those of a parked thread are in the frame that its last entry into the kernel left at the
 * top of its stack, in its vector area, and in struct arch_thread, and are loaded from there when it resumes. Nothing
 * may get in that would fault or trap in the kernel when it is loaded.
 */
#include <zircon/errors.h>
#include <zircon/syscalls/debug.h>

#include "arch/thread.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/trap.h"
#include "arch/x86_64/x86.h"
#include "kernel/base/compiler.h"
#include "kernel/base/string.h"

/* What user code can change for itself; RF does no harm, and gets a thread past a breakpoint. */
#define FLAGS_USER (0xcd5u | FLAGS_TF | FLAGS_NT | FLAGS_RF | FLAGS_AC | FLAGS_ID)

/* How the areas begin, with and without XSAVE … */
struct vector_area {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    struct {
        uint64_t low, high;
    } st[8];
    uint64_t xmm[16][2];
    uint64_t unused[12];
    uint64_t in_use; /* … from here on only with: components that are to be loaded, others are reset */
};

#define ST_HIGH 0xffffu
#define FOP_BITS 0x7ffu

static struct trap_frame *frame_of(const struct arch_thread *at) { return (struct trap_frame *)at->kernel_sp - 1; }

static bool is_base(uint64_t va) { return va == 0 || is_user_address(va); }

/* All of the lower half, for the processor to find out what is there. */
static bool is_rip(uint64_t va) { return va >> 47 == 0; }

/* Those that a frame and <zircon/syscalls/debug.h> both have, under the same names. */
#define FRAME_REGISTERS(X)                                                                                        \
    X(rax), X(rbx), X(rcx), X(rdx), X(rsi), X(rdi), X(rbp), X(rsp), X(r8), X(r9), X(r10), X(r11), X(r12), X(r13), \
        X(r14), X(r15), X(rip), X(rflags)

static void general_read(const struct arch_thread *at, void *state) {
    const struct trap_frame *f = frame_of(at);
    zx_thread_state_general_regs_t *r = state;
#define READ(name) r->name = f->name
    FRAME_REGISTERS(READ);
    r->fs_base = at->fs_base;
    r->gs_base = at->gs_base;
}

static zx_status_t general_write(struct arch_thread *at, const void *state) {
    const zx_thread_state_general_regs_t *r = state;
    struct trap_frame *f = frame_of(at);
    if (!is_rip(r->rip) || !is_base(r->fs_base) || !is_base(r->gs_base)) return ZX_ERR_INVALID_ARGS;
    if ((r->rflags ^ f->rflags) & ~(uint64_t)FLAGS_USER) return ZX_ERR_INVALID_ARGS;
#define WRITE(name) f->name = r->name
    FRAME_REGISTERS(WRITE);
    at->fs_base = r->fs_base;
    at->gs_base = r->gs_base;
    return ZX_OK;
}

static const uint16_t component_sizes[VECTOR_COMPONENTS] = {
    [VECTOR_AVX] = 256, [VECTOR_OPMASK] = 64, [VECTOR_UPPER_HALVES] = 512, [VECTOR_HIGH_REGISTERS] = 1024};

/* Components that are in their reset state may not have been saved: puts that state into the area. */
static struct vector_area *area_of(const struct arch_thread *at) {
    struct vector_area *area = at->vector;
    const uint64_t missing = cpu_has.xsave ? ~area->in_use : 0;
    if (missing >> VECTOR_X87 & 1) {
        memset(area, 0, offsetof(struct vector_area, mxcsr));
        memset(area->st, 0, sizeof(area->st));
        area->fcw = VECTOR_RESET_FCW;
    }
    if (missing >> VECTOR_SSE & 1) memset(area->xmm, 0, sizeof(area->xmm));
    for (unsigned i = VECTOR_AVX; i < VECTOR_COMPONENTS; i++) {
        if ((missing >> i & 1) && cpu_has.vector_at[i])
            memset((char *)area + cpu_has.vector_at[i], 0, component_sizes[i]);
    }
    return area;
}

/* Components that were in their reset state are loaded from the area from now on. */
static void put_in_use(struct vector_area *area, unsigned components) {
    for (unsigned i = 0; cpu_has.xsave && i < VECTOR_COMPONENTS; i++) {
        if ((components >> i & 1) && (i < VECTOR_AVX || cpu_has.vector_at[i])) area->in_use |= (uint64_t)1 << i;
    }
}

static void fp_read(const struct arch_thread *at, void *state) {
    const struct vector_area *area = area_of(at);
    zx_thread_state_fp_regs_t *r = state;
    *r = (zx_thread_state_fp_regs_t){
        .fcw = area->fcw, .fsw = area->fsw, .ftw = area->ftw, .fop = area->fop, .fip = area->fip, .fdp = area->fdp};
    for (unsigned i = 0; i < countof(area->st); i++) {
        r->st[i].low = area->st[i].low;
        r->st[i].high = area->st[i].high & ST_HIGH;
    }
}

static zx_status_t fp_write(struct arch_thread *at, const void *state) {
    const zx_thread_state_fp_regs_t *r = state;
    struct vector_area *area = area_of(at);
    area->fcw = r->fcw;
    area->fsw = r->fsw;
    area->ftw = r->ftw;
    area->fop = r->fop & FOP_BITS;
    area->fip = r->fip;
    area->fdp = r->fdp;
    for (unsigned i = 0; i < countof(area->st); i++) {
        area->st[i].low = r->st[i].low;
        area->st[i].high = r->st[i].high & ST_HIGH;
    }
    put_in_use(area, 1u << VECTOR_X87);
    return ZX_OK;
}

/* Words of a component, NULL if this processor lacks it. */
static uint64_t *component(struct vector_area *area, unsigned which, unsigned word) {
    uint32_t at = cpu_has.vector_at[which];
    return at ? (uint64_t *)((char *)area + at) + word : NULL;
}

/* The words of zx_thread_state_vector_regs_t that are registers: 32 of eight words, and eight of one. */
#define VECTOR_WORDS (offsetof(zx_thread_state_vector_regs_t, mxcsr) / sizeof(uint64_t))

/* One of them. A register's parts are far apart. */
static uint64_t *vector_word(struct vector_area *area, unsigned i) {
    unsigned reg = i / 8, word = i % 8;
    if (reg >= 32) return component(area, VECTOR_OPMASK, word);
    if (reg >= 16) return component(area, VECTOR_HIGH_REGISTERS, (reg - 16) * 8 + word);
    if (word >= 4) return component(area, VECTOR_UPPER_HALVES, reg * 4 + word - 4);
    if (word >= 2) return component(area, VECTOR_AVX, reg * 2 + word - 2);
    return &area->xmm[reg][word];
}

static void vector_read(const struct arch_thread *at, void *state) {
    struct vector_area *area = area_of(at);
    for (unsigned i = 0; i < VECTOR_WORDS; i++) {
        const uint64_t *word = vector_word(area, i);
        ((uint64_t *)state)[i] = word ? *word : 0;
    }
    ((zx_thread_state_vector_regs_t *)state)->mxcsr = area->mxcsr;
}

static zx_status_t vector_write(struct arch_thread *at, const void *state) {
    const zx_thread_state_vector_regs_t *r = state;
    struct vector_area *area = area_of(at);
    if (r->mxcsr & ~cpu_has.mxcsr_mask) return ZX_ERR_INVALID_ARGS;
    for (unsigned i = 0; i < VECTOR_WORDS; i++) {
        uint64_t *word = vector_word(area, i);
        if (word) *word = ((const uint64_t *)state)[i];
    }
    area->mxcsr = r->mxcsr;
    put_in_use(area, ~(1u << VECTOR_X87));
    return ZX_OK;
}

static void debug_read(const struct arch_thread *at, void *state) {
    zx_thread_state_debug_regs_t *r = state;
    *r = (zx_thread_state_debug_regs_t){.dr6 = at->dr6, .dr7 = at->dr7};
    memcpy(r->dr, at->dr, sizeof(r->dr));
}

/* Breakpoints on ports are not for user code, and mean nothing unless they are switched on. */
static bool breaks_on_ports(uint64_t dr7) {
    for (unsigned i = 0; i < 4; i++) {
        if ((dr7 >> (16 + 4 * i) & 3) == 2) return true;
    }
    return false;
}

static zx_status_t debug_write(struct arch_thread *at, const void *state) {
    const zx_thread_state_debug_regs_t *r = state;
    for (unsigned i = 0; i < countof(r->dr); i++) {
        if (!is_base(r->dr[i])) return ZX_ERR_INVALID_ARGS;
    }
    if (breaks_on_ports(r->dr7)) return ZX_ERR_INVALID_ARGS;
    memcpy(at->dr, r->dr, sizeof(at->dr));
    at->dr7 = (r->dr7 & DR7_USER) | DR7_NONE;
    return ZX_OK;
}

static void step_read(const struct arch_thread *at, void *state) {
    *(zx_thread_state_single_step_t *)state = (frame_of(at)->rflags & FLAGS_TF) != 0;
}

static zx_status_t step_write(struct arch_thread *at, const void *state) {
    zx_thread_state_single_step_t step = *(const zx_thread_state_single_step_t *)state;
    if (step > 1) return ZX_ERR_INVALID_ARGS;
    frame_of(at)->rflags &= ~(uint64_t)FLAGS_TF;
    if (step) frame_of(at)->rflags |= FLAGS_TF;
    return ZX_OK;
}

static zx_status_t base_write(vaddr_t *base, const void *state) {
    uint64_t value = *(const uint64_t *)state;
    if (!is_base(value)) return ZX_ERR_INVALID_ARGS;
    *base = value;
    return ZX_OK;
}

static void fs_read(const struct arch_thread *at, void *state) { *(uint64_t *)state = at->fs_base; }
static void gs_read(const struct arch_thread *at, void *state) { *(uint64_t *)state = at->gs_base; }
static zx_status_t fs_write(struct arch_thread *at, const void *state) { return base_write(&at->fs_base, state); }
static zx_status_t gs_write(struct arch_thread *at, const void *state) { return base_write(&at->gs_base, state); }

static const struct {
    size_t size;
    void (*read)(const struct arch_thread *at, void *state);
    zx_status_t (*write)(struct arch_thread *at, const void *state);
} kinds[] = {
    [ZX_THREAD_STATE_GENERAL_REGS] = {sizeof(zx_thread_state_general_regs_t), general_read, general_write},
    [ZX_THREAD_STATE_FP_REGS] = {sizeof(zx_thread_state_fp_regs_t), fp_read, fp_write},
    [ZX_THREAD_STATE_VECTOR_REGS] = {sizeof(zx_thread_state_vector_regs_t), vector_read, vector_write},
    [ZX_THREAD_STATE_DEBUG_REGS] = {sizeof(zx_thread_state_debug_regs_t), debug_read, debug_write},
    [ZX_THREAD_STATE_SINGLE_STEP] = {sizeof(zx_thread_state_single_step_t), step_read, step_write},
    [ZX_THREAD_X86_REGISTER_FS] = {sizeof(uint64_t), fs_read, fs_write},
    [ZX_THREAD_X86_REGISTER_GS] = {sizeof(uint64_t), gs_read, gs_write},
};

_Static_assert(sizeof(zx_thread_state_vector_regs_t) <= ARCH_STATE_MAX, "the largest kind has room");

size_t arch_state_size(uint32_t kind) { return kind < countof(kinds) ? kinds[kind].size : 0; }

void arch_state_read(struct thread *t, uint32_t kind, void *state) {
    kinds[kind].read((const struct arch_thread *)t, state);
}

zx_status_t arch_state_write(struct thread *t, uint32_t kind, const void *state) {
    return kinds[kind].write((struct arch_thread *)t, state);
}
