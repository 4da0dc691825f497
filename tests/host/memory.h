/* Between the parts of the simulated machine. */
#pragma once

#include <stddef.h>

/* So much physical memory, and the boot information that tells of it. */
void host_memory_init(size_t size);
