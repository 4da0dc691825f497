/*
 * The local interrupt controller: the alarm, and the end of interrupts.
 */
#pragma once

#include <stdint.h>

/* Takes over from the old PICs, which fall silent. */
void apic_init(void);

/* The alarm's counter, which runs down from 2^32 - 1 after apic_counter_start(). For calibration. */
void apic_counter_start(void);
uint32_t apic_counter(void);

/* How fast it counts. Until then no alarm can be set. */
void apic_set_rate(uint64_t ticks_per_second);

void apic_alarm_interrupt(void);
void apic_end_of_interrupt(void);
