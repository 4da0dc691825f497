/*
 * The page allocator: shelves of single pages, one for a few processors, each with a spinlock of its own; and behind
 * them the free runs (page_runs.h), under one.
 *
 * On the shelves lie pages that are free but not merged yet, PAGE_LOOSE: most pages that are freed are wanted again
 * soon, and to merge them and cut them off again is the larger part of that, and would be done under one lock. An empty
 * shelf is filled with a run. A caller that finds no run merges what is on the shelves, and looks again. Those that are
 * known to be all zero are PAGE_ZERO, and lie apart: tables are, when they are freed, and tables want such.
 */
#include "vm/page.h"

#include "arch/cache.h"
#include "arch/upcall.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/poison.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/tally.h"
#include "vm/budget.h"
#include "vm/inject.h"
#include "vm/page_check.h"
#include "vm/page_runs.h"

struct page *pages_array;

#define SHELVES 8u
#define SHELF_MOST 64u
#define SHELF_FILL_ORDER 4u /* so many pages at most fill an empty shelf */

static struct shelf {
    _Alignas(CACHE_LINE) struct spinlock lock;
    atomic_uint count;            /* [y/a] of both */
    struct page_list loose, zero; /* [y] */
} shelves[SHELVES] = {[0 ... SHELVES - 1] = {.lock = SPINLOCK_INIT(RANK_LOOSE, "loose pages")}};

/* Single pages that are kept back. As long as some are missing, the next that are freed are, and none is put loose. */
static struct page_list kept;
static atomic_uint kept_count; /* changed under the lock */

static atomic_size_t total_pages; /* those of the ranges, and those adopted */

static struct tally used_for[PAGE_STATES];

size_t pages_total(void) { return atomic_load_explicit(&total_pages, memory_order_relaxed); }

static unsigned kept_now(void) { return atomic_load_explicit(&kept_count, memory_order_relaxed); }

static ALWAYS_INLINE unsigned shelf_count(const struct shelf *shelf) {
    return atomic_load_explicit(&shelf->count, memory_order_relaxed);
}

/* What is on the way from one list to another meanwhile may be counted as used. */
size_t pages_free(void) {
    size_t count = runs_pages() + kept_now();
    for (unsigned i = 0; i < SHELVES; i++) count += shelf_count(&shelves[i]);
    return count;
}

size_t pages_used(void) { return pages_total() - pages_free(); }

bool pages_left(size_t count) { return pages_free() >= PAGES_KEPT + count; }

bool pages_may_be_had(size_t count) {
    if (count > pages_free()) return false;
    uint64_t room = budget_room(budget_current(), BUDGET_MEMORY);
    if (count <= room || count - room <= HEAP_CLASSES) return true;
    inject_refused();
    return false;
}

size_t pages_used_for(enum page_state use) { return tally_sum(&used_for[use]); }

void page_set_use(struct page *page, enum page_state use) {
    if (page->state == use) return;
    tally_sub(&used_for[page->state], (size_t)1 << page->order);
    tally_add(&used_for[use], (size_t)1 << page->order);
    page->state = use;
}

bool page_in_use(paddr_t pa) {
    size_t frame = pa.raw >> PAGE_SHIFT;
    if (frame >= frames_end) return false;
    uint8_t state = pages_array[frame].state;
    return state >= PAGE_RESERVED;
}

/* For the owner of a run that is in no list. The run may be long, and no lock is needed. */
static void run_mark(struct page *head, unsigned order, enum page_state state) {
    for (size_t i = 0; i < (size_t)1 << order; i++) head[i].state = state;
}

static void kept_set(unsigned count) REQUIRES(&runs_lock) {
    atomic_store_explicit(&kept_count, count, memory_order_relaxed);
}

static void page_keep(struct page *page) REQUIRES(&runs_lock) {
    page->state = PAGE_LOOSE;
    LIST_INSERT_HEAD(&kept, page, link);
    kept_set(kept_now() + 1);
}

/* Of the running processor. */
static ALWAYS_INLINE struct shelf *shelf_own(void) { return &shelves[arch_this_cpu()->id % SHELVES]; }

static ALWAYS_INLINE void shelf_set_count(struct shelf *shelf, unsigned count) REQUIRES(&shelf->lock) {
    atomic_store_explicit(&shelf->count, count, memory_order_relaxed);
}

/* As PAGE_LOOSE or PAGE_ZERO. */
static ALWAYS_INLINE void shelf_put(struct shelf *shelf, struct page *page, enum page_state state)
    REQUIRES(&shelf->lock) {
    page->state = state;
    LIST_INSERT_HEAD(state == PAGE_ZERO ? &shelf->zero : &shelf->loose, page, link);
    shelf_set_count(shelf, shelf_count(shelf) + 1);
}

/* False: it is full, or pages are to be kept back first. */
static ALWAYS_INLINE bool shelf_try_put(struct page *page, enum page_state state) {
    struct shelf *shelf = shelf_own();
    if (unlikely(kept_now() < PAGES_KEPT)) return false;
    spin_lock(&shelf->lock);
    const bool has_room = shelf_count(shelf) < SHELF_MOST;
    if (likely(has_room)) shelf_put(shelf, page, state);
    spin_unlock(&shelf->lock);
    return has_room;
}

static ALWAYS_INLINE struct page *first_of(const struct page_list *list, const struct page_list *other) {
    struct page *page = LIST_FIRST(list);
    return likely(page) ? page : LIST_FIRST(other);
}

/* `*zero`: whether one that is all zero is wanted, if there is one; and whether the page is. */
static ALWAYS_INLINE struct page *shelf_take(struct shelf *shelf, bool *zero) {
    spin_lock(&shelf->lock);
    struct page *page = *zero ? first_of(&shelf->zero, &shelf->loose) : first_of(&shelf->loose, &shelf->zero);
    *zero = false;
    if (likely(page)) {
        LIST_REMOVE(page, link);
        shelf_set_count(shelf, shelf_count(shelf) - 1);
        *zero = page->state == PAGE_ZERO;
        page->state = PAGE_USED;
    }
    spin_unlock(&shelf->lock);
    return page;
}

/* A single page that no shelf took. */
static NOINLINE void page_put_elsewhere(struct page *page) {
    spin_lock(&runs_lock);
    if (kept_now() < PAGES_KEPT)
        page_keep(page);
    else
        runs_free((size_t)(page - pages_array), 0);
    spin_unlock(&runs_lock);
}

/* A single page, marked PAGE_FREE_TAIL; as PAGE_LOOSE or PAGE_ZERO, if there is room on the shelf. */
static ALWAYS_INLINE void page_put(struct page *page, enum page_state state) {
    if (unlikely(!shelf_try_put(page, state))) page_put_elsewhere(page);
}

/* Merges all that lie there. False: none did. */
static bool shelf_merge(struct shelf *shelf) {
    struct page *page;
    spin_lock(&runs_lock);
    spin_lock(&shelf->lock);
    const bool any = shelf_count(shelf) > 0;
    while ((page = first_of(&shelf->loose, &shelf->zero))) {
        LIST_REMOVE(page, link);
        page->state = PAGE_FREE_TAIL;
        runs_free((size_t)(page - pages_array), 0);
    }
    shelf_set_count(shelf, 0);
    spin_unlock(&shelf->lock);
    spin_unlock(&runs_lock);
    return any;
}

/* What a report or an end takes is of the heap; what else such a thread is in the middle of has no need to succeed. */
static bool must_be_had(enum page_state use) { return use == PAGE_SLAB && thread_must_succeed(); }

static NOINLINE struct page *kept_take(enum page_state use) {
    if (!must_be_had(use)) return NULL;
    spin_lock(&runs_lock);
    struct page *page = LIST_FIRST(&kept);
    if (page) {
        LIST_REMOVE(page, link);
        kept_set(kept_now() - 1);
        page->state = PAGE_USED;
    }
    spin_unlock(&runs_lock);
    return page;
}

static struct page *run_try(unsigned order) {
    spin_lock(&runs_lock);
    struct page *head = runs_cut(order);
    spin_unlock(&runs_lock);
    return head;
}

static struct page *run_alloc(unsigned order) {
    struct page *head = run_try(order);
    for (unsigned i = 0; i < SHELVES && unlikely(!head); i++) {
        if (shelf_merge(&shelves[i])) head = run_try(order);
    }
    return head;
}

/* A run from the smallest that is free: large enough for a shelf, if there is such a one. */
static struct page *run_cut_for_shelf(unsigned *order) REQUIRES(&runs_lock) {
    *order = runs_order(0);
    if (*order > SHELF_FILL_ORDER) *order = SHELF_FILL_ORDER;
    return runs_cut(*order);
}

/*
 * One of a run, the rest of which fills the shelf. NULL: there is no run. Both locks are held, so that a processor that
 * finds none does not overlook those on the way.
 */
static NOINLINE struct page *page_take_filling(struct shelf *shelf) {
    unsigned order;
    spin_lock(&runs_lock);
    struct page *first = run_cut_for_shelf(&order);
    if (likely(first)) {
        spin_lock(&shelf->lock);
        for (struct page *page = first + ((size_t)1 << order); --page > first;) shelf_put(shelf, page, PAGE_LOOSE);
        spin_unlock(&shelf->lock);
    }
    spin_unlock(&runs_lock);
    return first ? first : run_alloc(0);
}

/* After runs were freed that are no single pages. */
static void kept_fill(void) REQUIRES(&runs_lock) {
    struct page *page;
    while (kept_now() < PAGES_KEPT && (page = runs_cut(0))) page_keep(page);
}

/* All are marked PAGE_FREE_TAIL. */
static void range_free(size_t frame, size_t end) {
    spin_lock(&runs_lock);
    runs_free_range(frame, end);
    kept_fill();
    spin_unlock(&runs_lock);
}

/* What it keeps for the next object is the first that a budget does without. */
static NOINLINE bool charge_trimmed(struct budget *budget, uint64_t pages, enum page_state use) {
    if (heap_trim(&budget->heap) && budget_charge(budget, BUDGET_MEMORY, pages)) return true;
    if (must_be_had(use) && budget_overdraw(budget, BUDGET_MEMORY, pages)) return true;
    inject_refused();
    return false;
}

static ALWAYS_INLINE bool charge(struct budget *budget, uint64_t pages, enum page_state use) {
    return likely(budget_charge(budget, BUDGET_MEMORY, pages)) || charge_trimmed(budget, pages, use);
}

static NOINLINE struct page *run_refused(unsigned order, struct budget *budget) {
    budget_refund(budget, BUDGET_MEMORY, (size_t)1 << order);
    return NULL;
}

/* A run that was just taken, and charged before; its head counts one reference. NULL: there was none to take. */
static ALWAYS_INLINE struct page *run_given(struct page *head, unsigned order, enum page_state use,
                                            struct budget *budget) {
    if (unlikely(!head)) return run_refused(order, budget);
    run_mark(head, order, use);
    memory_unpoison(page_data(head), PAGE_SIZE << order);
    run_check_poison(head, order);
    head->order = (uint8_t)order;
    head->budget = budget;
    tally_add(&used_for[use], (size_t)1 << order);
    atomic_store_explicit(&head->refs, 1, memory_order_relaxed);
    return head;
}

struct page *page_alloc_run(unsigned order) {
    struct budget *budget = budget_current();
    if (order > PAGE_MAX_ORDER || inject_failure() || !charge(budget, (size_t)1 << order, PAGE_USED)) return NULL;
    return run_given(run_alloc(order), order, PAGE_USED, budget);
}

/* Makes a run into pages that are freed one by one. */
static void run_split(struct page *head, unsigned order) {
    struct budget *budget = head->budget;
    for (struct page *page = head; page < head + ((size_t)1 << order); page++) {
        page->order = 0;
        page->budget = budget;
        atomic_store_explicit(&page->refs, 1, memory_order_relaxed);
    }
}

struct page *page_alloc_some(size_t most, size_t *count) {
    struct budget *budget = budget_current();
    unsigned order = 0;
    while (order < PAGE_MAX_ORDER && (size_t)2 << order <= most) order++;
    if (inject_failure()) return NULL;
    for (struct page *first;; order--) {
        if (charge(budget, (size_t)1 << order, PAGE_USED) &&
            (first = run_given(run_alloc(order), order, PAGE_USED, budget))) {
            *count = (size_t)1 << order;
            run_split(first, order);
            return first;
        }
        if (order == 0) return NULL;
    }
}

/* A single page; `*zero` as above. Whether a page for a slab shall fail the heap has asked already. */
static ALWAYS_INLINE struct page *single_alloc(enum page_state use, bool *zero) {
    struct budget *budget = budget_current();
    if ((use != PAGE_SLAB && inject_failure()) || unlikely(!charge(budget, 1, use))) return NULL;
    struct shelf *shelf = shelf_own();
    struct page *page = shelf_take(shelf, zero);
    if (unlikely(!page)) page = page_take_filling(shelf);
    if (unlikely(!page)) page = kept_take(use);
    return run_given(page, 0, use, budget);
}

struct page *page_alloc_for(enum page_state use) {
    bool zero = false;
    return single_alloc(use, &zero);
}

struct page *page_alloc_zeroed(enum page_state use) {
    bool zero = true;
    struct page *page = single_alloc(use, &zero);
    ASSERT(!page || !zero || page_is_zero(page));
    if (page && !zero) arch_page_zero(page_data(page));
    return page;
}

void page_make_uncached(struct page *page) {
    page_set_use(page, PAGE_UNCACHED);
    arch_cache_flush(page_phys(page), PAGE_SIZE);
}

static NOINLINE void page_free_uncached(struct page *page) {
    arch_cache_flush(page_phys(page), PAGE_SIZE);
    page_set_use(page, PAGE_USED);
    page_free(page);
}

/* A run is free again, but for what it was charged with. */
static ALWAYS_INLINE void run_return(struct page *page, unsigned order) {
    tally_sub(&used_for[page->state], (size_t)1 << page->order);
    memory_poison(page_data(page), PAGE_SIZE << order);
    run_mark_poisoned(page, order);
    run_mark(page, order, PAGE_FREE_TAIL);
    if (likely(order == 0)) return page_put(page, PAGE_LOOSE);
    spin_lock(&runs_lock);
    runs_free((size_t)(page - pages_array), order);
    kept_fill();
    spin_unlock(&runs_lock);
}

void page_free(struct page *page) {
    struct budget *budget = page->budget;
    unsigned order = page->order;
    ASSERT(page->state >= PAGE_USED);
    if (unlikely(page->state == PAGE_UNCACHED)) return page_free_uncached(page);
    run_return(page, order);
    budget_refund(budget, BUDGET_MEMORY, (size_t)1 << order);
}

/* It is not poisoned: it stays zero, which is asserted where it is given out. */
void page_free_zero(struct page *page) {
    struct budget *budget = page->budget;
    ASSERT(page->order == 0 && page->state >= PAGE_USED && page->state != PAGE_UNCACHED && page_is_zero(page));
    tally_sub(&used_for[page->state], 1);
    page->state = PAGE_FREE_TAIL;
    page_put(page, PAGE_ZERO);
    budget_refund(budget, BUDGET_MEMORY, 1);
}

void page_unref(struct page *page) {
    ASSERT(page->state >= PAGE_USED);
    if (refcount32_unref(&page->refs)) page_free(page);
}

void page_gather_free(struct page_gather *gather) {
    struct page *first = gather->first, *end = gather->end;
    gather->first = gather->end = NULL;
    if (first == end) return;
    struct budget *budget = first->budget;
    tally_sub(&used_for[PAGE_VMO], (size_t)(end - first));
    for (struct page *page = first; page < end; page++) {
        ASSERT(page->state == PAGE_VMO && page->order == 0 && page->budget == budget);
        memory_poison(page_data(page), PAGE_SIZE);
        run_mark_poisoned(page, 0);
        page->state = PAGE_FREE_TAIL;
    }
    if (end - first == 1)
        page_put(first, PAGE_LOOSE);
    else
        range_free((size_t)(first - pages_array), (size_t)(end - pages_array));
    budget_refund(budget, BUDGET_MEMORY, (size_t)(end - first));
}

/* What is behind them was never charged, and is freed at once. */
struct page *page_alloc_contiguous(size_t count, unsigned align_order) {
    struct budget *budget = budget_current();
    unsigned order = align_order;
    while (order <= PAGE_MAX_ORDER && (size_t)1 << order < count) order++;
    if (count == 0 || order > PAGE_MAX_ORDER || inject_failure() || !charge(budget, count, PAGE_USED)) return NULL;
    struct page *first = run_alloc(order);
    if (!first) {
        budget_refund(budget, BUDGET_MEMORY, count);
        return NULL;
    }
    run_split(run_given(first, order, PAGE_USED, budget), order);
    for (size_t i = count; i < (size_t)1 << order; i++) run_return(first + i, 0);
    return first;
}

void page_adopt(struct page *page) {
    ASSERT(page->state == PAGE_RESERVED);
    page->state = PAGE_USED;
    page->order = 0;
    page->budget = &root_budget;
    atomic_fetch_add_explicit(&total_pages, 1, memory_order_relaxed);
    CHECK(budget_charge(&root_budget, BUDGET_MEMORY, 1));
    tally_add(&used_for[PAGE_USED], 1);
    atomic_store_explicit(&page->refs, 1, memory_order_relaxed);
}

zx_status_t upcall_table_alloc(paddr_t *out) {
    struct page *page = page_alloc_zeroed(PAGE_TABLE);
    if (!page) return ZX_ERR_NO_MEMORY;
    *out = page_phys(page);
    return ZX_OK;
}

void upcall_table_free(paddr_t table) { page_free(page_from_phys(table)); }
void upcall_table_free_zero(paddr_t table) { page_free_zero(page_from_phys(table)); }

/* The page array's own place: the end of the first range that has room for it. */
static paddr_t reserve_array(struct boot_range *ram, size_t count, size_t bytes) {
    for (size_t i = 0; i < count; i++) {
        if (ram[i].len < bytes) continue;
        ram[i].len -= bytes;
        return (paddr_t){ram[i].base.raw + ram[i].len};
    }
    panic("no room for the page array: %zu bytes", bytes);
}

static void range_give(const struct boot_range *range) {
    size_t frame = range->base.raw >> PAGE_SHIFT, end = frame + (range->len >> PAGE_SHIFT);
    atomic_fetch_add_explicit(&total_pages, end - frame, memory_order_relaxed);
    range_free(frame, end);
}

/* The frames that lie in no range: the array, as it was cleared, shows them free. The ranges ascend. */
static void reserve_rest(const struct boot_ranges *ram) {
    size_t frame = 0;
    for (size_t i = 0; i <= ram->count; i++) {
        const struct boot_range *r = &ram->range[i];
        size_t next = i < ram->count ? r->base.raw >> PAGE_SHIFT : frames_end;
        for (; frame < next; frame++) pages_array[frame].state = PAGE_RESERVED;
        if (i < ram->count) frame += r->len >> PAGE_SHIFT;
    }
}

void pages_init(const struct boot_info *info) {
    struct boot_ranges ram = info->ram;
    uint64_t bytes;
    CHECK(page_round_up(info->bootfs.base.raw + info->bootfs.len, &bytes));
    frames_end = bytes >> PAGE_SHIFT;
    for (size_t i = 0; i < ram.count; i++)
        frames_end = max_u64(frames_end, (ram.range[i].base.raw + ram.range[i].len) >> PAGE_SHIFT);
    CHECK(page_round_up(frames_end * sizeof(struct page), &bytes));
    pages_array = arch_phys_to_virt(reserve_array(ram.range, ram.count, bytes));
    for (uint64_t at = 0; at < bytes; at += PAGE_SIZE) arch_page_zero((char *)pages_array + at);
    reserve_rest(&ram);
    for (size_t i = 0; i < ram.count; i++) range_give(&ram.range[i]);
}
