/*
 * The simulated machine's cache: accesses past it. See cache.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "arch/types.h"

/* For so much physical memory. */
void host_cache_init(size_t size);
/* All that it keeps outside of variables. */
void host_cache_memory(void (*add)(void *start, size_t size));

/* A load or store of the simulated user mode through a translation that is not cached; within a page. */
void host_uncached_load(void *to, paddr_t pa, size_t len);
void host_uncached_store(paddr_t pa, const void *from, size_t len);
