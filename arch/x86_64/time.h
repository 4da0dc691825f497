/*
 * The start of time: call once, after apic_init().
 */
#pragma once

void time_init(void);
