/* What debug builds look at in free pages: that nobody writes them, and that those are zero that are said to be. */
#pragma once

#include <limits.h>

#include "kernel/base/log.h"
#include "kernel/base/poison.h"
#include "vm/page.h"

static inline bool page_is_zero(const struct page *page) {
    const uint64_t *words = page_data(page);
    uint64_t any = 0;
    for (size_t i = 0; i < PAGE_SIZE / sizeof(*words); i++) any |= words[i];
    return any == 0;
}

#ifdef POISON_FILLS
/* Pages new to the allocator may hold anything; pages that were free before hold only the poison. */
#define REFS_POISONED UINT_MAX

static inline void run_mark_poisoned(struct page *head, unsigned order) {
    for (size_t i = 0; i < (size_t)1 << order; i++)
        atomic_store_explicit(&head[i].refs, REFS_POISONED, memory_order_relaxed);
}

static inline void run_check_poison(const struct page *head, unsigned order) {
    for (const struct page *page = head; page < head + ((size_t)1 << order); page++) {
        if (atomic_load_explicit(&page->refs, memory_order_relaxed) != REFS_POISONED) continue;
        size_t touched = memory_touched(page_data(page), PAGE_SIZE);
        if (touched < PAGE_SIZE)
            panic("page %#lx: written at byte %zu while it was free", page_phys(page).raw, touched);
    }
}
#else
static inline void run_mark_poisoned(struct page *head UNUSED, unsigned order UNUSED) {}
static inline void run_check_poison(const struct page *head UNUSED, unsigned order UNUSED) {}
#endif
