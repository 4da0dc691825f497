/*
 * What the caches hold of a frame against what memory holds. Everything cached agrees with everything else cached, on all
 * processors and for the devices of a machine like a PC; memory that somebody reaches past the caches agrees with them only
 * after one of these calls.
 *
 * Ranges are physical and of any alignment; each line that a range touches is treated as a whole. A call returns when
 * memory holds what it says, for every processor.
 */
#pragma once

#include <stddef.h>

#include "arch/types.h"

/* Writes modified lines back. The caches may keep them. */
void arch_cache_clean(paddr_t pa, size_t len);

/*
 * Writes modified lines back, and forgets all lines. There is no call that forgets without writing back: it would bring
 * back bytes that somebody else had there before.
 */
void arch_cache_flush(paddr_t pa, size_t len);

/* Lets this processor execute what was written, through any addresses, and cleaned before. */
void arch_cache_sync(void);
