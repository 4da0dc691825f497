/* The interrupt controllers for devices. arch/irq.h has the rest. */
#pragma once

/* Finds them, with all their sources masked. Once, at boot, when this processor's APIC is known. */
void ioapic_init(void);
