/*
 * A buddy system; see page_runs.h. Invariant: a free run of order n starts at a frame number divisible by 2^n, its head
 * is PAGE_FREE with that order and on the list of that order, its other pages are PAGE_FREE_TAIL; no two free buddies
 * of one order exist.
 */
#include "vm/page_runs.h"

struct spinlock runs_lock = SPINLOCK_INIT(RANK_PAGES, "pages");
size_t frames_end;

static struct page_list free_lists[PAGE_MAX_ORDER + 1] GUARDED_BY(runs_lock);
static atomic_size_t pages; /* [g/a] on those lists */

size_t runs_pages(void) { return atomic_load_explicit(&pages, memory_order_relaxed); }

static void run_put(size_t frame, unsigned order) REQUIRES(&runs_lock) {
    struct page *head = &pages_array[frame];
    head->state = PAGE_FREE;
    head->order = (uint8_t)order;
    LIST_INSERT_HEAD(&free_lists[order], head, link);
}

static void count_change(size_t change) REQUIRES(&runs_lock) {
    atomic_store_explicit(&pages, runs_pages() + change, memory_order_relaxed);
}

void runs_free(size_t frame, unsigned order) {
    count_change((size_t)1 << order);
    for (; order < PAGE_MAX_ORDER; order++) {
        size_t buddy = frame ^ ((size_t)1 << order);
        if (buddy >= frames_end) break;
        struct page *other = &pages_array[buddy];
        if (other->state != PAGE_FREE || other->order != order) break;
        LIST_REMOVE(other, link);
        other->state = PAGE_FREE_TAIL;
        frame &= ~((size_t)1 << order);
    }
    run_put(frame, order);
}

/* The order of the largest run that begins at `frame` and ends at `end` or before. */
static unsigned order_within(size_t frame, size_t end) {
    unsigned order = frame ? (unsigned)__builtin_ctzl(frame) : PAGE_MAX_ORDER;
    if (order > PAGE_MAX_ORDER) order = PAGE_MAX_ORDER;
    while (order > 0 && frame + ((size_t)1 << order) > end) order--;
    return order;
}

void runs_free_range(size_t frame, size_t end) {
    for (unsigned order; frame < end; frame += (size_t)1 << order) {
        order = order_within(frame, end);
        runs_free(frame, order);
    }
}

unsigned runs_order(unsigned order) {
    while (order <= PAGE_MAX_ORDER && LIST_EMPTY(&free_lists[order])) order++;
    return order;
}

struct page *runs_cut(unsigned order) {
    unsigned have = runs_order(order);
    if (have > PAGE_MAX_ORDER) return NULL;
    struct page *head = LIST_FIRST(&free_lists[have]);
    LIST_REMOVE(head, link);
    count_change(-((size_t)1 << order));
    while (have > order) {
        have--;
        run_put((size_t)(head - pages_array) + ((size_t)1 << have), have);
    }
    head->state = PAGE_USED;
    return head;
}
