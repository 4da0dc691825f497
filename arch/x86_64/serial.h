/* Opening and draining the serial ports; arch/console.h has what is done in between. */
#pragma once

#include <stdbool.h>

/* Finds the ports. Before it, what is written is lost. */
void serial_init(void);

/* Waits until the last byte has left. */
void serial_drain(void);
