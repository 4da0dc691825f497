/* Between the parts of the simulated machine. */
#pragma once

#include <stddef.h>

/* One round of the idle thread: lets others run, or moves time on to the alarm. */
void host_idle(void);

/* So much physical memory, and the boot information that tells of it. */
void host_memory_init(size_t size);

/* So many bytes of zeros that take no memory until they are touched. Ends the program if there are none. */
void *host_map(size_t len);
