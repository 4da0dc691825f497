/* What the firmware's ACPI tables tell: which processors there are, and where the timer is. */
#pragma once

#include <stdint.h>

/* The local APICs' numbers of the processors that may be started, the running one's included; `max` at most. */
unsigned acpi_processors(uint32_t *apic_ids, unsigned max);

/* The port of the power-management timer; 0 if there is none. */
uint16_t acpi_timer_port(void);
