/* Between the parts of the simulated machine. */
#pragma once

#include <stddef.h>

/* One round of the idle thread: lets others run, or moves time on to the alarm. */
void host_idle(void);

/* So much physical memory, and the boot information that tells of it. */
void host_memory_init(size_t size);
