/* Free runs of 2^order frames, all under one spinlock: what the page allocator (page.c) is filled from. */
#pragma once

#include "kernel/base/spinlock.h"
#include "vm/page.h"

extern struct spinlock runs_lock; /* guards [g] */
extern size_t frames_end;         /* [I] the number of the last frame that may be one of memory, plus one */

/* Pages in all of them, at this moment. */
size_t runs_pages(void);

/* A run that is in no list, all of it marked PAGE_FREE_TAIL; and frames in a row, cut into such. */
void runs_free(size_t frame, unsigned order) REQUIRES(&runs_lock);
void runs_free_range(size_t frame, size_t end) REQUIRES(&runs_lock);

/* The order of the smallest free run of at least that order; more than PAGE_MAX_ORDER: there is none. */
unsigned runs_order(unsigned order) REQUIRES(&runs_lock);

/*
 * The smallest free run that holds 2^order pages, cut down to just that, or NULL. Its head is marked, so that no free
 * run merges with it.
 */
MUST_CHECK struct page *runs_cut(unsigned order) REQUIRES(&runs_lock);
