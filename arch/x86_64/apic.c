/*
 * The local APIC, by its registers in memory. Its timer counts down once and then interrupts; being
 * 32 bits wide it may have to be wound up several times until a far deadline.
 */
#include "arch/x86_64/apic.h"

#include "arch/time.h"
#include "arch/upcall.h"
#include "arch/x86_64/mmu_tables.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/trap.h"
#include "arch/x86_64/x86.h"
#include "kernel/base/arith.h"

#define APIC_BASE_X2 (1u << 10)
#define APIC_BASE_ENABLE (1u << 11)

enum apic_register {
    APIC_PRIORITY = 0x80,
    APIC_EOI = 0xb0,
    APIC_SPURIOUS = 0xf0,
    APIC_LVT_TIMER = 0x320,
    APIC_LVT_LINT0 = 0x350,
    APIC_LVT_ERROR = 0x370,
    APIC_TIMER_START = 0x380,
    APIC_TIMER_NOW = 0x390,
    APIC_TIMER_DIVIDE = 0x3e0,
};

#define APIC_SOFTWARE_ENABLE 0x100u
#define LVT_MASKED 0x10000u
#define DIVIDE_BY_ONE 0xbu

#define PIC1 0x20
#define PIC2 0xa0

static volatile char *registers;
static uint64_t ticks_per_ns_32; /* timer ticks in a nanosecond, 32 bits of fraction */

static void apic_write(enum apic_register r, uint32_t value) { *(volatile uint32_t *)(registers + r) = value; }

static uint32_t apic_read(enum apic_register r) { return *(volatile uint32_t *)(registers + r); }

/* Even masked they may raise a spurious interrupt, which must not look like an exception: move it out of the way. */
static void pics_silence(void) {
    static const uint8_t words[4][2] = {{0x11, 0x11}, {VECTOR_PIC, VECTOR_PIC + 8}, {4, 2}, {1, 1}};
    for (unsigned i = 0; i < 4; i++) {
        out8(PIC1 + (i > 0), words[i][0]);
        out8(PIC2 + (i > 0), words[i][1]);
    }
    out8(PIC1 + 1, 0xff);
    out8(PIC2 + 1, 0xff);
}

void apic_init(void) {
    pics_silence();
    uint64_t base = rdmsr(MSR_APIC_BASE);
    if (base & APIC_BASE_X2) wrmsr(MSR_APIC_BASE, base & ~(uint64_t)(APIC_BASE_X2 | APIC_BASE_ENABLE));
    wrmsr(MSR_APIC_BASE, (base & ~(uint64_t)APIC_BASE_X2) | APIC_BASE_ENABLE);
    registers = mmu_map_device(base & PTE_FRAME);
    apic_write(APIC_PRIORITY, 0);
    apic_write(APIC_LVT_LINT0, LVT_MASKED);
    apic_write(APIC_LVT_ERROR, LVT_MASKED);
    apic_write(APIC_LVT_TIMER, LVT_MASKED);
    apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_ONE);
    apic_write(APIC_SPURIOUS, APIC_SOFTWARE_ENABLE | VECTOR_SPURIOUS);
}

void apic_counter_start(void) { apic_write(APIC_TIMER_START, UINT32_MAX); }

uint32_t apic_counter(void) { return apic_read(APIC_TIMER_NOW); }

void apic_set_rate(uint64_t ticks_per_second) {
    apic_write(APIC_TIMER_START, 0);
    ticks_per_ns_32 = (ticks_per_second << 32) / 1000000000;
    apic_write(APIC_LVT_TIMER, VECTOR_ALARM);
}

/* One tick more than needed rather than one less: early alarms would only have to be wound up again. */
static void timer_wind(zx_time_t deadline) {
    zx_time_t now = arch_time_now();
    uint64_t wait = deadline > now ? (uint64_t)deadline - (uint64_t)now : 0;
    unsigned __int128 ticks = ((unsigned __int128)wait * ticks_per_ns_32 >> 32) + 1;
    apic_write(APIC_TIMER_START, ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks);
}

void arch_alarm_set(zx_time_t deadline) {
    bool were_on = arch_irq_disable();
    percpu_this()->alarm = deadline;
    if (deadline == ZX_TIME_INFINITE) {
        apic_write(APIC_TIMER_START, 0);
    } else {
        timer_wind(deadline);
    }
    if (were_on) arch_irq_enable();
}

void apic_end_of_interrupt(void) { apic_write(APIC_EOI, 0); }

void apic_alarm_interrupt(void) {
    struct percpu *cpu = percpu_this();
    apic_end_of_interrupt();
    if (cpu->alarm == ZX_TIME_INFINITE) return;
    if (arch_time_now() < cpu->alarm) {
        timer_wind(cpu->alarm);
        return;
    }
    cpu->alarm = ZX_TIME_INFINITE;
    upcall_alarm();
}
