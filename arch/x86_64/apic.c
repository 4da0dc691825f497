/*
 * The local APIC, by its registers in memory, or where there is x2APIC by model-specific ones. Its timer counts down
 * once and then interrupts; being 32 bits wide it may have to be wound up several times until a far deadline.
 */
#include "arch/x86_64/apic.h"

#include "arch/time.h"
#include "arch/upcall.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/mmu_tables.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/time.h"
#include "arch/x86_64/trap.h"
#include "arch/x86_64/x86.h"
#include "kernel/base/arith.h"

#define APIC_BASE_X2 (1u << 10)
#define APIC_BASE_ENABLE (1u << 11)

enum apic_register {
    APIC_ID = 0x20,
    APIC_PRIORITY = 0x80,
    APIC_EOI = 0xb0,
    APIC_SPURIOUS = 0xf0,
    APIC_COMMAND = 0x300,
    APIC_COMMAND_HIGH = 0x310,
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

#define COMMAND_INIT 0x500u
#define COMMAND_START 0x600u
#define COMMAND_PENDING 0x1000u
#define COMMAND_ASSERT 0x4000u

#define PIC1 0x20
#define PIC2 0xa0

static volatile char *registers;
static uint64_t ticks_per_ns_32; /* timer ticks in a nanosecond, 32 bits of fraction */

static void apic_write(enum apic_register r, uint32_t value) {
    if (cpu_has.x2apic)
        wrmsr(MSR_X2APIC + r / 16, value);
    else
        *(volatile uint32_t *)(registers + r) = value;
}

static uint32_t apic_read(enum apic_register r) {
    if (cpu_has.x2apic) return (uint32_t)rdmsr(MSR_X2APIC + r / 16);
    return *(volatile uint32_t *)(registers + r);
}

/*
 * With interrupts off: nothing may come between the command's two halves. Unlike a store to the registers in memory, a
 * write to x2APIC's may overtake the stores before it: the fences make them visible to the interrupted processor.
 */
static void apic_command(uint32_t apic_id, uint32_t command) {
    if (cpu_has.x2apic) {
        __asm__ volatile("mfence\n\tlfence" ::: "memory");
        wrmsr(MSR_X2APIC + APIC_COMMAND / 16, (uint64_t)apic_id << 32 | command);
        return;
    }
    bool were_on = arch_irq_disable();
    while (apic_read(APIC_COMMAND) & COMMAND_PENDING) arch_pause();
    apic_write(APIC_COMMAND_HIGH, apic_id << 24);
    apic_write(APIC_COMMAND, command);
    if (were_on) arch_irq_enable();
}

void apic_interrupt(uint32_t apic_id, uint8_t vector) { apic_command(apic_id, COMMAND_ASSERT | vector); }
void apic_init_other(uint32_t apic_id) { apic_command(apic_id, COMMAND_ASSERT | COMMAND_INIT); }
void apic_start_other(uint32_t apic_id, uint8_t page) { apic_command(apic_id, COMMAND_ASSERT | COMMAND_START | page); }

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

static void registers_init(void) {
    apic_write(APIC_PRIORITY, 0);
    apic_write(APIC_LVT_LINT0, LVT_MASKED);
    apic_write(APIC_LVT_ERROR, LVT_MASKED);
    apic_write(APIC_LVT_TIMER, LVT_MASKED);
    apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_ONE);
    apic_write(APIC_SPURIOUS, APIC_SOFTWARE_ENABLE | VECTOR_SPURIOUS);
}

/* Firmware may have left either mode, or none. x2APIC is entered from the older mode, and never left. */
static uint64_t mode_set(void) {
    uint64_t base = rdmsr(MSR_APIC_BASE);
    if (!(base & APIC_BASE_X2)) {
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
        if (cpu_has.x2apic) wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE | APIC_BASE_X2);
    }
    return base & PTE_FRAME;
}

void apic_init(void) {
    pics_silence();
    uint64_t base = mode_set();
    if (!cpu_has.x2apic) registers = mmu_map_device(base);
    registers_init();
    percpu_this()->apic_id = cpu_has.x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
}

void apic_init_this(void) {
    mode_set();
    registers_init();
    apic_write(APIC_LVT_TIMER, VECTOR_ALARM);
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

/* The clock may want looks in between. */
static void alarm_wind(zx_time_t deadline) {
    if (time_wants_looks()) deadline = (zx_time_t)min_u64((uint64_t)deadline, (uint64_t)arch_time_now() + ZX_SEC(1));
    if (deadline == ZX_TIME_INFINITE)
        apic_write(APIC_TIMER_START, 0);
    else
        timer_wind(deadline);
}

void arch_alarm_set(zx_time_t deadline) {
    bool were_on = arch_irq_disable();
    percpu_this()->alarm = deadline;
    alarm_wind(deadline);
    if (were_on) arch_irq_enable();
}

void apic_end_of_interrupt(void) { apic_write(APIC_EOI, 0); }

void apic_alarm_interrupt(void) {
    struct percpu *cpu = percpu_this();
    if (cpu->alarm == ZX_TIME_INFINITE || arch_time_now() < cpu->alarm) {
        alarm_wind(cpu->alarm);
        return;
    }
    cpu->alarm = ZX_TIME_INFINITE;
    upcall_alarm();
}
