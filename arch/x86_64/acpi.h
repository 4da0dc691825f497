/* What the firmware's ACPI tables describe: processors, interrupt controllers, and where the timer is. */
#pragma once

#include <stdint.h>

/* The local APICs' numbers of the processors that may be started, the running one's included; `max` at most. */
unsigned acpi_processors(uint32_t *apic_ids, unsigned max);

/* I/O APICs: where their registers are, and which number their first pin has. */
struct acpi_ioapic {
    uint32_t address, first;
};
unsigned acpi_ioapics(struct acpi_ioapic *out, unsigned max);

/* Interrupts of the old PC's bus that lead to another pin than their number's, or not as they do usually. */
struct acpi_override {
    uint32_t irq, pin;
    uint16_t flags; /* bits 0 and 1: polarity; 2 and 3: trigger mode */
};
unsigned acpi_overrides(struct acpi_override *out, unsigned max);

/* The port of the power-management timer; 0 if there is none. */
uint16_t acpi_timer_port(void);
