/*
 * What to do about exceptions and interrupts. User mode's go up to the kernel, by arch/upcall.h. In kernel mode the
 * only exception that is no bug is a page fault of a user copy; everything else ends in a panic.
 *
 * Comes with interrupts off; turns them on for whatever may sleep, if the interrupted code had them on.
 */
#include "arch/x86_64/trap.h"

#include <zircon/errors.h>
#include <zircon/syscalls/exception.h>

#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/thread.h"
#include "arch/upcall.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/hold.h"
#include "arch/x86_64/mmu_tables.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/shootdown.h"
#include "arch/x86_64/x86.h"
#include "kernel/base/lockrank.h"
#include "kernel/base/log.h"
#include "kernel/base/symbols.h"

#define ERR_WRITE 2u
#define ERR_USER 4u
#define ERR_RESERVED 8u
#define ERR_FETCH 16u

#define NMI_REASONS 0x61 /* a port: bit 7, memory or the bus; bit 6, a device */

/* usercopy.asm; ends with zeroes. */
extern const struct fixup {
    uint64_t at;
    uint64_t go_on;
} usercopy_fixups[];

/* clang-format off */
static const char *const vector_names[VECTOR_INTERRUPTS] = {
    "divide error", "debug", "non-maskable interrupt", "breakpoint", "overflow", "bound", "invalid opcode",
    "device not available", "double fault", "coprocessor overrun", "invalid TSS", "segment not present",
    "stack segment", "general protection", "page fault", "vector 15", "x87 error", "alignment check", "machine check",
    "SIMD error", "virtualization", "control protection",
};
/* clang-format on */

/* Saying that a stack overflowed helps more than the double fault that it ends in. */
static bool hit_guard_page(const struct trap_frame *frame, vaddr_t addr) {
    if (addr < KERNEL_DYNAMIC_BASE || kernel_page_present(addr)) return false;
    return addr + PAGE_SIZE > frame->rsp && addr < frame->rsp + PAGE_SIZE;
}

/* The first error that the processor has noted down, in its own numbers. */
static NORETURN void machine_check(const char *where) {
    unsigned banks = rdmsr(MSR_MCG_CAP) & 0xff;
    for (unsigned i = 0; i < banks; i++) {
        uint64_t status = rdmsr(MSR_MC0_STATUS + 4 * i);
        if (!(status >> 63)) continue;
        uint64_t address = status >> 58 & 1 ? rdmsr(MSR_MC0_STATUS + 4 * i + 1) : 0;
        panic("machine check in %s: bank %u, status %#lx, address %#lx", where, i, status, address);
    }
    panic("machine check in %s, of which no bank knows", where);
}

/* Whatever was interrupted may hold any lock, the log's too: nothing is said but by the panic. */
static NORETURN void kernel_fault(const struct trap_frame *frame, vaddr_t addr) {
    percpu_this()->fatal_frame = frame;
    const char *name = frame->vector < VECTOR_INTERRUPTS ? vector_names[frame->vector] : NULL;
    bool paging = frame->vector == VECTOR_PAGE_FAULT || frame->vector == VECTOR_DOUBLE_FAULT;
    if (paging && hit_guard_page(frame, addr)) panic("kernel stack overflow (at %#llx)", (unsigned long long)addr);
    const char *where = frame_is_user(frame) ? "user mode" : "the kernel";
    if (frame->vector == VECTOR_MACHINE_CHECK) machine_check(where);
    if (frame->vector == VECTOR_NMI) panic("%s in %s: port %#x reads %#x", name, where, NMI_REASONS, in8(NMI_REASONS));
    if (frame->vector != VECTOR_PAGE_FAULT)
        panic("%s in %s (vector %u, error code %#llx)", name ? name : "trap", where, (unsigned)frame->vector,
              (unsigned long long)frame->err_code);
    const char *how = frame->err_code & ERR_FETCH ? "executing" : frame->err_code & ERR_WRITE ? "writing" : "reading";
    panic("page fault in the kernel, %s %#llx (error code %#llx)", how, (unsigned long long)addr,
          (unsigned long long)frame->err_code);
}

static const uint32_t exception_types[VECTOR_INTERRUPTS] = {
    [VECTOR_DEBUG] = ZX_EXCP_HW_BREAKPOINT,
    [VECTOR_BREAKPOINT] = ZX_EXCP_SW_BREAKPOINT,
    [VECTOR_INVALID_OPCODE] = ZX_EXCP_UNDEFINED_INSTRUCTION,
    [VECTOR_PAGE_FAULT] = ZX_EXCP_FATAL_PAGE_FAULT,
};

/* Interrupts are off, and off again when it returns. */
static void user_exception(const struct trap_frame *frame, uint64_t vector, uint64_t err_code, vaddr_t addr) {
    struct arch_exception e = {.type = exception_types[vector] ? exception_types[vector] : ZX_EXCP_GENERAL,
                               .context.arch.u.x86_64 = {.vector = vector, .err_code = err_code, .cr2 = addr},
                               .fault_addr = addr,
                               .pc = frame->rip,
                               .sp = frame->rsp};
    format(e.detail, sizeof(e.detail), "vector %lu, error %#lx", vector, err_code);
    arch_irq_enable();
    upcall_exception(&e);
    arch_irq_disable();
}

static zx_status_t fault_resolve(const struct trap_frame *frame, vaddr_t addr) {
    if (!is_user_address(addr)) return ZX_ERR_OUT_OF_RANGE;
    unsigned flags = 0;
    if (frame->err_code & ERR_WRITE) flags |= FAULT_WRITE;
    if (frame->err_code & ERR_FETCH) flags |= FAULT_EXECUTE;
    if (frame->err_code & ERR_USER) flags |= FAULT_USER;
    if ((frame->err_code & ERR_RESERVED) || !(frame->rflags & FLAGS_IF))
        return upcall_page_fault(addr, flags | FAULT_NO_WAIT);
    arch_irq_enable();
    zx_status_t status = upcall_page_fault(addr, flags);
    arch_irq_disable();
    return status;
}

static void copy_fault(struct trap_frame *frame, vaddr_t addr) {
    const struct fixup *fixup = usercopy_fixups;
    while (fixup->at != 0 && fixup->at != frame->rip) fixup++;
    if (fixup->at == 0 || !is_user_address(addr)) kernel_fault(frame, addr);
    if (fault_resolve(frame, addr) != ZX_OK) frame->rip = fixup->go_on;
}

/*
 * User code can make the processor access memory in its own name, to load a segment, say. To resolve that fault would
 * not help, nor one of a translation with bits that this processor does not know: the program ends.
 */
static void page_fault(struct trap_frame *frame) {
    vaddr_t addr = cr2_read();
    if (frame->err_code & ERR_RESERVED)
        log_line("the translation of %#lx has reserved bits set (error %#lx)", addr, frame->err_code);
    if (!frame_is_user(frame))
        copy_fault(frame, addr);
    else if (!(frame->err_code & ERR_USER) || fault_resolve(frame, addr) != ZX_OK)
        user_exception(frame, VECTOR_PAGE_FAULT, frame->err_code, addr);
}

/* What interrupts from the APIC are about. */
static void (*const interrupts[256])(void) = {
    [VECTOR_ALARM] = apic_alarm_interrupt,
    [VECTOR_KICK] = upcall_kick,
    [VECTOR_SHOOTDOWN] = shootdown_serve,
    [VECTOR_HOLD] = hold_serve,
    [VECTOR_STOP] = arch_halt,
};

static void device_interrupt(unsigned num) {
    if (arch_irq_exists(num))
        upcall_irq(num);
    else
        log_line("unexpected interrupt, vector %u", VECTOR_IRQ + num);
    apic_end_of_interrupt();
}

static void interrupt(const struct trap_frame *frame) {
    void (*const act)(void) = interrupts[frame->vector];
    if (frame->vector >= VECTOR_IRQ && frame->vector < VECTOR_IRQ + IRQ_VECTORS) {
        device_interrupt((unsigned)frame->vector - VECTOR_IRQ);
    } else if (frame->vector != VECTOR_SPURIOUS && frame->vector >= VECTOR_PIC + 16) {
        if (!act) log_line("unexpected interrupt, vector %u", (unsigned)frame->vector);
        apic_end_of_interrupt();
    }
    if (act) act();
    if (frame->rflags & FLAGS_IF) upcall_interrupt_done();
}

static bool is_fatal(uint64_t vector) {
    return vector == VECTOR_NMI || vector == VECTOR_DOUBLE_FAULT || vector == VECTOR_MACHINE_CHECK;
}

/* Keeps for the thread why it stopped; the processor itself never takes its reasons back. */
static void note_stop(void) {
    ((struct arch_thread *)arch_current_thread())->dr6 = dr6_read();
    dr6_write(DR6_NONE);
}

void trap_handle(struct trap_frame *frame) {
    ASSERT(!arch_irq_enabled());
    ASSERT(arch_invariants_hold());
    if (frame->vector >= VECTOR_INTERRUPTS) {
        interrupt(frame);
    } else if (frame->vector == VECTOR_PAGE_FAULT) {
        page_fault(frame);
    } else if (!frame_is_user(frame) || is_fatal(frame->vector)) {
        kernel_fault(frame, cr2_read());
    } else {
        if (frame->vector == VECTOR_DEBUG) note_stop();
        user_exception(frame, frame->vector, frame->err_code, 0);
    }
    if (frame_is_user(frame)) user_return(frame);
}

/*
 * User code can make the processor deliver a debug exception at the first instruction of the kernel, by loading SS
 * right before a system call; and a copy to or from user memory may meet a breakpoint on data. Nothing is wrong then,
 * and nobody waits for it. What comes twice (descriptors.c) still has to be reported once: dr6 stays.
 */
void trap_handle_ist(struct trap_frame *frame) {
    if (frame->vector != VECTOR_DEBUG) kernel_fault(frame, cr2_read());
    if (frame->rip != (uint64_t)vector_entries[VECTOR_DEBUG]) dr6_write(DR6_NONE);
    frame->rflags = (frame->rflags & ~(uint64_t)FLAGS_TF) | FLAGS_RF; /* go on, past a breakpoint too */
}

/* Returning to a non-canonical address would fault in the kernel, on user mode's GS: the fault is raised here. */
void user_return(struct trap_frame *frame) {
    struct arch_thread *self = (struct arch_thread *)arch_current_thread();
    arch_irq_disable();
    for (;;) {
        if (self->attention != 0) {
            arch_irq_enable();
            upcall_attention();
            arch_irq_disable();
        } else if (frame->rip >> 47 != 0) {
            user_exception(frame, VECTOR_PROTECTION, 0, 0);
        } else {
            break;
        }
    }
    lock_rank_assert_none();
}

/* `back`: the instruction that is meant ends so many bytes before rip. */
static void frame_log(const struct trap_frame *f, unsigned back) {
    size_t offset;
    const char *name = symbol_find(f->rip - back, &offset);
    log_line("rip %016lx  rsp %016lx  flags %08lx  cs %02lx  %s+%#zx", f->rip, f->rsp, f->rflags, f->cs, name,
             offset + back);
    log_line("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx", f->rax, f->rbx, f->rcx, f->rdx);
    log_line("rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx", f->rsi, f->rdi, f->rbp, f->r8);
    log_line("r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx", f->r9, f->r10, f->r11, f->r12);
    log_line("r13 %016lx  r14 %016lx  r15 %016lx", f->r13, f->r14, f->r15);
}

/* The return address of a call that never returns may be past the end of its function. */
void arch_registers_log(void) {
    const struct percpu *cpu = percpu_this();
    log_line("on processor %u", cpu->cpu.id);
    if (cpu->fatal_frame)
        frame_log(cpu->fatal_frame, 0);
    else
        frame_log(&cpu->panic_frame, 1);
    log_line("cr0 %016lx  cr2 %016lx  cr3 %016lx  cr4 %016lx", cr0_read(), cr2_read(), cr3_read(), cr4_read());
}
