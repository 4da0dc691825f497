/* The start of time, and which counter measures it. */
#pragma once

#include <stdbool.h>

/* Call once, after apic_init(). */
void time_init(void);

/* Takes another clock if the TSC's rate may change or the command line says so. Before other processors start. */
void time_settle(void);

/*
 * Compares two processors' TSCs: called by both at the same time, before the new one has asked for the time. Where they
 * differ, the other clock is taken; when the old one's call returns, it is.
 */
void time_compare(bool newcomer);

/* Must the clock be looked at every second, by any processor, lest it miss an overflow of its counter? */
bool time_wants_looks(void);
