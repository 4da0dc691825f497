/* The local interrupt controller: the alarm, interrupts for other processors, and the end of interrupts. */
#pragma once

#include <stdint.h>

/* Takes over from the old PICs, which fall silent. */
void apic_init(void);

/* The same for another processor, once the counter's rate is known. */
void apic_init_this(void);

/* Has another processor take an interrupt. */
void apic_interrupt(uint32_t apic_id, uint8_t vector);

/* Resets another processor; then starts it, in real mode, at the first byte of a page below 1 MiB. */
void apic_init_other(uint32_t apic_id);
void apic_start_other(uint32_t apic_id, uint8_t page);

/* The alarm's counter, which runs down from 2^32 - 1 after apic_counter_start(). For calibration. */
void apic_counter_start(void);
uint32_t apic_counter(void);

/* How fast it counts. Until then no alarm can be set. */
void apic_set_rate(uint64_t ticks_per_second);

void apic_alarm_interrupt(void);
void apic_end_of_interrupt(void);
