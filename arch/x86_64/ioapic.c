/*
 * I/O APICs: controllers with a pin for each source, which lead to this machine's boot processor.
 *
 * Numbers below 16 are those of the old PC's bus, which ACPI may have led to other pins and may have described; a pin
 * that one of them was led to is known by that number alone. The others are pins as ACPI counts them, through all
 * controllers. A controller has two registers to say which of its own one means, and its value: a lock keeps the two
 * together.
 */
#include "arch/x86_64/ioapic.h"

#include "arch/irq.h"
#include "arch/upcall.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/mmu_tables.h"
#include "arch/x86_64/percpu.h"
#include "kernel/base/arith.h"
#include "kernel/base/spinlock.h"

#define ISA_IRQS 16u
#define CONTROLLERS_MAX 8u
#define OVERRIDES_MAX 16u

#define SELECT 0 /* words of a controller's memory */
#define WINDOW 4
#define REGISTER_VERSION 1u
#define REGISTER_PIN(pin) (0x10u + 2 * (pin)) /* and the one behind it: the processor */

#define PIN_LOW ((uint32_t)1 << 13)
#define PIN_LEVEL ((uint32_t)1 << 15)
#define PIN_MASKED ((uint32_t)1 << 16)

/* Flags of ACPI: two bits each, 0 is the bus's own way. */
#define FLAGS_POLARITY(flags) ((flags)&3u)
#define FLAGS_TRIGGER(flags) ((flags) >> 2 & 3u)
#define ACPI_LOW 3u
#define ACPI_LEVEL 3u

/* A source's pin. [I] but for `mode`, which is written while it is masked and nobody's */
static struct source {
    volatile uint32_t *controller; /* NULL: there is no such source */
    unsigned pin;
    uint32_t usual, mode; /* PIN_LOW and PIN_LEVEL as firmware has them, and as they are now */
} sources[IRQ_VECTORS];

static struct spinlock lock = SPINLOCK_INIT(RANK_LOG, "interrupt controllers");

static void write(volatile uint32_t *controller, uint32_t r, uint32_t value) REQUIRES(&lock) {
    controller[SELECT] = r;
    controller[WINDOW] = value;
}

static unsigned pin_count(volatile uint32_t *controller) {
    controller[SELECT] = REGISTER_VERSION;
    return (controller[WINDOW] >> 16 & 0xff) + 1;
}

static uint32_t mode_of_flags(uint16_t flags, uint32_t usual) {
    uint32_t mode = usual;
    if (FLAGS_POLARITY(flags)) mode = (mode & ~PIN_LOW) | (FLAGS_POLARITY(flags) == ACPI_LOW ? PIN_LOW : 0);
    if (FLAGS_TRIGGER(flags)) mode = (mode & ~PIN_LEVEL) | (FLAGS_TRIGGER(flags) == ACPI_LEVEL ? PIN_LEVEL : 0);
    return mode;
}

/* Each pin under its own number, masked. */
static void controller_add(const struct acpi_ioapic *found) {
    volatile uint32_t *controller = mmu_map_device(found->address);
    const unsigned count = pin_count(controller);
    spin_lock(&lock);
    for (unsigned pin = 0; pin < count; pin++) {
        const uint32_t num = found->first + pin, mode = num < ISA_IRQS ? 0 : PIN_LOW | PIN_LEVEL;
        write(controller, REGISTER_PIN(pin), PIN_MASKED);
        if (num < IRQ_VECTORS) sources[num] = (struct source){controller, pin, mode, mode};
    }
    spin_unlock(&lock);
}

/* Leads the old bus's numbers to where ACPI says: first all that are led elsewhere lose what was theirs before. */
static void overrides_apply(const struct acpi_override *overrides, unsigned count) {
    struct source pins[OVERRIDES_MAX];
    for (unsigned i = 0; i < count; i++) {
        const struct acpi_override *o = &overrides[i];
        pins[i] = o->pin < IRQ_VECTORS ? sources[o->pin] : (struct source){0};
        pins[i].usual = mode_of_flags(o->flags, 0);
    }
    for (unsigned i = 0; i < count; i++) {
        if (overrides[i].pin < IRQ_VECTORS) sources[overrides[i].pin].controller = NULL;
    }
    for (unsigned i = 0; i < count; i++) {
        if (overrides[i].irq < ISA_IRQS) sources[overrides[i].irq] = pins[i];
    }
}

void ioapic_init(void) {
    struct acpi_ioapic controllers[CONTROLLERS_MAX];
    struct acpi_override overrides[OVERRIDES_MAX];
    unsigned count = acpi_ioapics(controllers, CONTROLLERS_MAX);
    for (unsigned i = 0; i < count; i++) controller_add(&controllers[i]);
    count = acpi_overrides(overrides, OVERRIDES_MAX);
    overrides_apply(overrides, count);
}

bool arch_irq_exists(unsigned num) { return num < IRQ_VECTORS && sources[num].controller; }

bool arch_irq_configure(unsigned num, uint32_t mode) {
    static const uint32_t modes[] = {[ZX_INTERRUPT_MODE_EDGE_LOW] = PIN_LOW,
                                     [ZX_INTERRUPT_MODE_EDGE_HIGH] = 0,
                                     [ZX_INTERRUPT_MODE_LEVEL_LOW] = PIN_LOW | PIN_LEVEL,
                                     [ZX_INTERRUPT_MODE_LEVEL_HIGH] = PIN_LEVEL};
    struct source *source = &sources[num];
    source->mode = mode == ZX_INTERRUPT_MODE_DEFAULT ? source->usual : modes[mode];
    spin_lock(&lock);
    write(source->controller, REGISTER_PIN(source->pin) + 1, percpu_of(0)->apic_id << 24);
    spin_unlock(&lock);
    return source->mode & PIN_LEVEL;
}

static void pin_set(unsigned num, uint32_t masked) {
    const struct source *source = &sources[num];
    spin_lock(&lock);
    write(source->controller, REGISTER_PIN(source->pin), masked | source->mode | (VECTOR_IRQ + num));
    spin_unlock(&lock);
}

void arch_irq_mask(unsigned num) { pin_set(num, PIN_MASKED); }
void arch_irq_unmask(unsigned num) { pin_set(num, 0); }
