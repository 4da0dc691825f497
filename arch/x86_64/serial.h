/* The serial ports' beginning and end; arch/console.h is what lies between. */
#pragma once

#include <stdbool.h>

/* Finds the ports. Before it, what is written is lost. */
void serial_init(void);

/* Waits until the last byte has left. */
void serial_drain(void);
