/*
 * Keeping memory and the caches in step. Accesses through the caches agree with each other on all processors. An access
 * past them, through a translation of another cache policy, sees what they hold only after one of these calls.
 *
 * Ranges are physical and of any alignment; each line that a range touches is treated as a whole. On return the effect
 * holds for every processor.
 */
#pragma once

#include <stddef.h>

#include "arch/types.h"

/* Writes modified lines back. The caches may keep them. */
void arch_cache_clean(paddr_t pa, size_t len);

/* Writes modified lines back, then forgets all. No call only forgets: memory may hold an earlier owner's bytes. */
void arch_cache_flush(paddr_t pa, size_t len);

/* After a clean: what was written, through whatever addresses, is what this processor executes. */
void arch_cache_sync(void);
