/*
 * The kernel heap: objects of up to half a page come from slabs of a size class, larger ones are runs of pages. Each
 * budget has a heap: what a thread allocates comes from that of its budget, and is freed wherever it came from. So that
 * processors do not contend, each has slabs that only it, or a few, allocate from.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kernel/base/compiler.h"
#include "kernel/base/cpu.h"
#include "kernel/base/spinlock.h"
#include "vm/page.h"

#define HEAP_CLASSES 13

/*
 * A heap has its classes once for each part of the processors, a row each. What a row has beyond the classes keeps the
 * rows' cache lines apart.
 */
#define HEAP_ROW 16u

/* The part of a heap that has objects of one size, for some processors. */
struct heap_class {
    struct spinlock lock;   /* guards [b] */
    struct page_list roomy; /* [b] slabs with a free object */
    struct page *empty;     /* [b] the one of them that is wholly empty, and is kept for the next; or NULL */
};

struct heap {
    atomic_bool keeps; /* [a] empty slabs; a class reads it under its lock */
    struct heap_class classes[CPU_PARTS * HEAP_ROW];
};

#define HEAP_INIT(keeps_)                                                                  \
    {                                                                                      \
        .keeps = (keeps_), .classes = {                                                    \
            [0 ... CPU_PARTS * HEAP_ROW - 1] = {.lock = SPINLOCK_INIT(RANK_HEAP, "heap")}, \
        }                                                                                  \
    }
void heap_init(struct heap *heap);

/* Aligned to 16 bytes, contents undefined; NULL when there is no memory. */
MUST_CHECK void *heap_alloc(size_t size);
MUST_CHECK void *heap_alloc_zeroed(size_t size);
/* NULL is allowed. */
void heap_free(void *object);

#define heap_new(type) ((type *)heap_alloc_zeroed(sizeof(type)))

/* Bytes given out by all heaps, counted in whole classes and pages. */
size_t heap_bytes(void);

/* From now on a class keeps an empty slab for the next object, or does not. */
void heap_keep(struct heap *heap, bool keeps);

/* Gives the kept slabs back. True: there were any. */
bool heap_trim(struct heap *heap);

/* The two halves of that, for callers that cannot free where they collect. */
void heap_collect(struct heap *heap, struct page_list *slabs);
bool heap_release(struct page_list *slabs);
