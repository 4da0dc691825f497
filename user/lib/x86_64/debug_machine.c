/* The PC's processor, to a debugger; see debug_machine.h. */
#include "user/lib/debug_machine.h"

#include <stdio.h>
#include <zircon/syscalls/debug.h>

#define FLAGS_TF (1u << 8)

#define DR6_STEP (1u << 14)
#define DR7_LOCAL(i) (1u << (2 * (i)))
#define DR7_KIND(i, kind) ((uint64_t)(kind) << (16 + 4 * (i)))
#define DR7_LEN(i, len) ((uint64_t)(len) << (18 + 4 * (i)))

const uint8_t machine_break[MACHINE_BREAK_MAX] = {0xcc};
const size_t machine_break_len = 1;
const size_t machine_break_advance = 1;

static zx_status_t general_get(zx_handle_t thread, zx_thread_state_general_regs_t *regs) {
    return zx_thread_read_state(thread, ZX_THREAD_STATE_GENERAL_REGS, regs, sizeof(*regs));
}

static zx_status_t general_set(zx_handle_t thread, const zx_thread_state_general_regs_t *regs) {
    return zx_thread_write_state(thread, ZX_THREAD_STATE_GENERAL_REGS, regs, sizeof(*regs));
}

zx_status_t machine_place_get(zx_handle_t thread, struct machine_place *out) {
    zx_thread_state_general_regs_t regs;
    zx_status_t status = general_get(thread, &regs);
    if (status == ZX_OK) *out = (struct machine_place){regs.rip, regs.rsp, regs.rbp};
    return status;
}

zx_status_t machine_pc_set(zx_handle_t thread, zx_vaddr_t pc) {
    zx_thread_state_general_regs_t regs;
    zx_status_t status = general_get(thread, &regs);
    if (status != ZX_OK) return status;
    regs.rip = pc;
    return general_set(thread, &regs);
}

void machine_registers_show(zx_handle_t thread) {
    zx_thread_state_general_regs_t regs;
    if (general_get(thread, &regs) != ZX_OK) return;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"rax", regs.rax}, {"rbx", regs.rbx}, {"rcx", regs.rcx},       {"rdx", regs.rdx},    {"rsi", regs.rsi},
        {"rdi", regs.rdi}, {"rbp", regs.rbp}, {"rsp", regs.rsp},       {"r8", regs.r8},      {"r9", regs.r9},
        {"r10", regs.r10}, {"r11", regs.r11}, {"r12", regs.r12},       {"r13", regs.r13},    {"r14", regs.r14},
        {"r15", regs.r15}, {"rip", regs.rip}, {"rflags", regs.rflags}, {"fs", regs.fs_base}, {"gs", regs.gs_base},
    };
    const size_t count = sizeof(rows) / sizeof(rows[0]);
    for (size_t i = 0; i < count; i++)
        printf("  %-6s %016llx%s", rows[i].name, (unsigned long long)rows[i].value,
               i % 3 == 2 || i + 1 == count ? "\n" : "");
}

/* --- steps --- */

/* A step is the flag TF, which these instructions copy: to the stack, eight bytes or two, or to r11. */
enum trace { TRACE_NONE, TRACE_STACK, TRACE_STACK_SHORT, TRACE_CALL };

static enum trace trace_of(const uint8_t *code, size_t len) {
    bool is_short = false;
    size_t at = 0;
    for (; at < len && (code[at] == 0x66 || code[at] >> 4 == 4); at++) is_short |= code[at] == 0x66;
    if (at < len && code[at] == 0x9c) return is_short ? TRACE_STACK_SHORT : TRACE_STACK;
    return at + 1 < len && code[at] == 0x0f && code[at + 1] == 0x05 ? TRACE_CALL : TRACE_NONE;
}

bool machine_code_waits(const uint8_t *code, size_t len) { return trace_of(code, len) == TRACE_CALL; }

static zx_status_t flag_set(zx_handle_t thread, zx_thread_state_single_step_t on) {
    return zx_thread_write_state(thread, ZX_THREAD_STATE_SINGLE_STEP, &on, sizeof(on));
}

zx_status_t machine_step_begin(zx_handle_t thread, const uint8_t *code, size_t len, struct machine_step *out) {
    zx_thread_state_general_regs_t regs;
    zx_status_t status = general_get(thread, &regs);
    if (status != ZX_OK) return status;
    *out = (struct machine_step){.pc = regs.rip, .own = regs.rflags & FLAGS_TF, .trace = (uint8_t)trace_of(code, len)};
    return flag_set(thread, 1);
}

static void trace_clear_stack(zx_handle_t process, zx_vaddr_t sp) {
    uint16_t flags;
    size_t actual;
    if (zx_process_read_memory(process, sp, &flags, sizeof(flags), &actual) != ZX_OK || actual < sizeof(flags)) return;
    flags &= (uint16_t)~FLAGS_TF;
    (void)zx_process_write_memory(process, sp, &flags, sizeof(flags), &actual);
}

void machine_step_end(zx_handle_t process, zx_handle_t thread, const struct machine_step *step) {
    zx_thread_state_general_regs_t regs;
    if (step->own || flag_set(thread, 0) != ZX_OK || step->trace == TRACE_NONE) return;
    if (general_get(thread, &regs) != ZX_OK || regs.rip == step->pc) return;
    if (step->trace != TRACE_CALL) {
        trace_clear_stack(process, regs.rsp);
    } else if (regs.r11 & FLAGS_TF) {
        regs.r11 &= ~(uint64_t)FLAGS_TF;
        (void)general_set(thread, &regs);
    }
}

/* --- breakpoints --- */

bool machine_watch_possible(const struct machine_watch *watch) {
    if (watch->kind == WATCH_EXECUTE) return watch->len == 1;
    bool power = watch->len == 1 || watch->len == 2 || watch->len == 4 || watch->len == 8;
    return power && watch->addr % watch->len == 0;
}

zx_status_t machine_watches_set(zx_handle_t thread, const struct machine_watch watches[MACHINE_WATCHES]) {
    static const uint8_t kinds[] = {[WATCH_EXECUTE] = 0, [WATCH_WRITE] = 1, [WATCH_ACCESS] = 3};
    static const uint8_t lens[] = {[1] = 0, [2] = 1, [4] = 3, [8] = 2};
    zx_thread_state_debug_regs_t regs = {0};
    for (unsigned i = 0; i < MACHINE_WATCHES; i++) {
        const struct machine_watch *w = &watches[i];
        if (w->kind == WATCH_NONE) continue;
        regs.dr[i] = w->addr;
        regs.dr7 |= DR7_LOCAL(i) | DR7_KIND(i, kinds[w->kind]) | DR7_LEN(i, lens[w->len]);
    }
    return zx_thread_write_state(thread, ZX_THREAD_STATE_DEBUG_REGS, &regs, sizeof(regs));
}

/* A bit of dr6 can be set for a breakpoint that is switched off. */
void machine_trap(zx_handle_t thread, const struct machine_watch watches[MACHINE_WATCHES], int *watch, bool *stepped) {
    zx_thread_state_debug_regs_t regs = {0};
    *watch = -1;
    zx_status_t status = zx_thread_read_state(thread, ZX_THREAD_STATE_DEBUG_REGS, &regs, sizeof(regs));
    *stepped = status == ZX_OK && (regs.dr6 & DR6_STEP);
    for (int i = 0; status == ZX_OK && i < MACHINE_WATCHES && *watch < 0; i++) {
        if (watches[i].kind != WATCH_NONE && (regs.dr6 >> i & 1)) *watch = i;
    }
}
