/* The kernel heap: objects of up to half a page come from slabs of a size class, larger ones are runs of pages. */
#pragma once

#include <stddef.h>

#include "kernel/base/compiler.h"

/* Aligned to 16 bytes, contents undefined; NULL when there is no memory. */
MUST_CHECK void *heap_alloc(size_t size);
MUST_CHECK void *heap_alloc_zeroed(size_t size);
/* NULL is allowed. */
void heap_free(void *object);

#define heap_new(type) ((type *)heap_alloc_zeroed(sizeof(type)))

/* Bytes given out, counted in whole classes and pages. */
size_t heap_bytes(void);

/* Gives cached empty slabs back to the page allocator, so that free pages can be compared. */
void heap_trim(void);
