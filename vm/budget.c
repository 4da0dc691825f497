/*
 * Budgets: their life, limits and lists; see budget.h for what they count and how.
 *
 * A budget may end wherever a page is freed, and it is itself a heap object: freeing it may end another one. So budgets
 * are not freed recursively: the thread that puts the first on the list frees them all, in a loop.
 */
#include "vm/budget.h"

#include "kernel/base/arith.h"
#include "kernel/base/spinlock.h"

/* Guards the list of all, [d], and is held while a limit is set. */
static struct spinlock lock = SPINLOCK_INIT(RANK_BUDGETS, "budgets");
static LIST_HEAD(, budget_place) budgets GUARDED_BY(lock) = {&root_budget.place};

#define UNLIMITED .limit = BUDGET_UNLIMITED, .overdrawn = BUDGET_UNLIMITED
struct budget root_budget = {
    .counts = {[BUDGET_MEMORY] = {UNLIMITED, .used = BUDGET_HAS_JOB},
               [BUDGET_MEMORY + 1 ... BUDGET_KINDS - 1] = {UNLIMITED}},
    .heap = HEAP_INIT(true),
    .place = {.link = {.le_prev = &budgets.lh_first}, .is_budget = true},
};

/* A count or a limit without the bit for the job. */
static uint64_t number_in(enum budget_kind kind, const _Atomic uint64_t *word) {
    uint64_t number = atomic_load_explicit(word, memory_order_relaxed);
    return kind == BUDGET_MEMORY && number != BUDGET_UNLIMITED ? number & ~BUDGET_HAS_JOB : number;
}

/* Counted, but not used. What becomes spare meanwhile may be missed, or not. */
static ALWAYS_INLINE uint64_t spare_of(const struct budget *budget, enum budget_kind kind) {
    uint64_t spare = 0;
    for (unsigned i = 0; i < CPU_PARTS; i++)
        spare += atomic_load_explicit(&budget->spare[i].of[kind], memory_order_relaxed) & ~BUDGET_CLOSED;
    return spare;
}

/* Of two concurrent changes the later one stays, whole: the lock is held, or no other thread knows the budget yet. */
static void limit_store(struct budget *budget, enum budget_kind kind, uint64_t limit) {
    struct budget_count *count = &budget->counts[kind];
    atomic_store_explicit(&count->limit, limit, memory_order_relaxed);
    const uint64_t counted = atomic_load_explicit(&count->used, memory_order_relaxed);
    const uint64_t had = counted - min_u64(spare_of(budget, kind), counted);
    atomic_store_explicit(&count->overdrawn, add_up_to_max(max_u64(limit, had), BUDGET_OVERDRAFT),
                          memory_order_relaxed);
}

struct budget *budget_create(struct budget *parent) {
    struct budget *budget = heap_new(struct budget);
    if (!budget) return NULL;
    budget->parent = parent;
    budget->above = parent->parent ? parent : NULL;
    for (enum budget_kind kind = 0; kind < BUDGET_KINDS; kind++) limit_store(budget, kind, BUDGET_UNLIMITED);
    atomic_init(&budget->counts[BUDGET_MEMORY].used, BUDGET_HAS_JOB);
    heap_init(&budget->heap);
    budget->place.is_budget = true;
    spin_lock(&lock);
    LIST_INSERT_HEAD(&budgets, &budget->place, link);
    spin_unlock(&lock);
    return budget;
}

/*
 * The budgets that have ended, the latest first. The root's, which never ends, is at the tail while a thread is freeing
 * them. The list is empty only when no thread is.
 */
static _Atomic(struct budget *) over;

/* What was counted of other kinds referred to the job. */
static void budget_free(struct budget *budget) {
    for (enum budget_kind kind = 0; kind < BUDGET_KINDS; kind++)
        ASSERT(number_in(kind, &budget->counts[kind].used) == 0);
    spin_lock(&lock);
    LIST_REMOVE(&budget->place, link);
    spin_unlock(&lock);
    heap_free(budget);
}

static void free_those(struct budget *first) {
    for (struct budget *next; first && first != &root_budget; first = next) {
        next = first->next;
        budget_free(first);
    }
}

static NOINLINE void is_over(struct budget *budget) {
    struct budget *before = atomic_load(&over);
    do {
        budget->next = before;
    } while (!atomic_compare_exchange_weak(&over, &before, budget));
    if (before) return;
    do {
        free_those(atomic_exchange(&over, &root_budget));
        before = &root_budget;
    } while (!atomic_compare_exchange_strong(&over, &before, NULL));
}

static void raise_peak(struct budget_count *count, uint64_t used) {
    uint64_t peak = atomic_load_explicit(&count->peak, memory_order_relaxed);
    while (used > peak && !atomic_compare_exchange_weak_explicit(&count->peak, &peak, used, memory_order_relaxed,
                                                                 memory_order_relaxed))
        ;
}

/* Unless there is a job, the budget may be freed as soon as the amount is no longer counted. */
static void count_down(struct budget *budget, enum budget_kind kind, uint64_t amount) {
    struct budget_count *count = &budget->counts[kind];
    uint64_t used = atomic_load_explicit(&count->used, memory_order_relaxed);
    do {
        raise_peak(count, used);
    } while (!atomic_compare_exchange_weak_explicit(&count->used, &used, used - amount, memory_order_acq_rel,
                                                    memory_order_relaxed));
    if (kind == BUDGET_MEMORY && used == amount) is_over(budget);
}

/* What was spare of that kind. If it was closed, it stays so. */
static uint64_t spare_take_out(struct budget *budget, enum budget_kind kind) {
    uint64_t taken = 0;
    for (unsigned i = 0; i < CPU_PARTS; i++) {
        _Atomic uint32_t *spare = &budget->spare[i].of[kind];
        if (atomic_load_explicit(spare, memory_order_relaxed) == 0) continue;
        taken += atomic_fetch_and_explicit(spare, BUDGET_CLOSED, memory_order_acquire) & ~BUDGET_CLOSED;
    }
    return taken;
}

static uint64_t spare_close(struct budget *budget, enum budget_kind kind) {
    for (unsigned i = 0; i < CPU_PARTS; i++) {
        _Atomic uint32_t *spare = &budget->spare[i].of[kind];
        atomic_fetch_or_explicit(spare, BUDGET_CLOSED, memory_order_relaxed);
    }
    return spare_take_out(budget, kind);
}

/* Memory comes last, for that may end it. */
void budget_leave(struct budget *budget) {
    for (enum budget_kind kind = BUDGET_KINDS - 1; kind > BUDGET_MEMORY; kind--)
        count_down(budget, kind, spare_close(budget, kind));
    count_down(budget, BUDGET_MEMORY, spare_close(budget, BUDGET_MEMORY) + BUDGET_HAS_JOB);
}

/* From `budget` up to, but not including, `end`. */
static void refund_until(struct budget *budget, const struct budget *end, enum budget_kind kind, uint64_t amount) {
    for (struct budget *above; budget != end; budget = above) {
        above = budget->above;
        if (!budget_spare_put(budget, kind, amount)) count_down(budget, kind, amount);
    }
}

NOINLINE void budget_refund_slow(struct budget *budget, enum budget_kind kind, uint64_t amount) {
    refund_until(budget, NULL, kind, amount);
}

/* What is counted is used, and may become the peak. False: not so, it would be too much, or another was faster. */
static ALWAYS_INLINE bool count_up_quick(struct budget *budget, enum budget_kind kind, uint64_t amount) {
    struct budget_count *count = &budget->counts[kind];
    uint64_t used = atomic_load_explicit(&count->used, memory_order_relaxed);
    const uint64_t more = used + amount;
    return spare_of(budget, kind) == 0 && more <= atomic_load_explicit(&count->limit, memory_order_relaxed) &&
           atomic_compare_exchange_strong_explicit(&count->used, &used, more, memory_order_relaxed,
                                                   memory_order_relaxed);
}

/* False: it would be more than `most`, with nothing spare. */
static NOINLINE bool count_up(struct budget *budget, enum budget_kind kind, uint64_t amount,
                              const _Atomic uint64_t *most) {
    struct budget_count *count = &budget->counts[kind];
    for (;;) {
        uint64_t used = atomic_load_explicit(&count->used, memory_order_relaxed), spare;
        const uint64_t more = used + amount;
        const bool allowed = more <= atomic_load_explicit(most, memory_order_relaxed);
        if ((!allowed || more > atomic_load_explicit(&count->peak, memory_order_relaxed)) &&
            (spare = spare_take_out(budget, kind)) > 0)
            count_down(budget, kind, spare);
        else if (!allowed || atomic_compare_exchange_strong_explicit(&count->used, &used, more, memory_order_relaxed,
                                                                     memory_order_relaxed))
            return allowed;
    }
}

static bool charge_one(struct budget *budget, enum budget_kind kind, uint64_t amount, const _Atomic uint64_t *most) {
    return budget_spare_take(budget, kind, amount) || count_up(budget, kind, amount, most);
}

/* Those from `budget` up to, but not including, `end`. */
static bool charge_each(struct budget *budget, const struct budget *end, enum budget_kind kind, uint64_t amount,
                        bool overdraws) {
    for (struct budget *at = budget; at != end; at = at->above) {
        struct budget_count *count = &at->counts[kind];
        if (charge_one(at, kind, amount, overdraws ? &count->overdrawn : &count->limit)) continue;
        refund_until(budget, at, kind, amount);
        return false;
    }
    return true;
}

static NOINLINE bool charge_all(struct budget *budget, enum budget_kind kind, uint64_t amount) {
    return charge_each(budget, NULL, kind, amount, false);
}

NOINLINE bool budget_charge_slow(struct budget *budget, enum budget_kind kind, uint64_t amount) {
    if (unlikely(budget->above)) return charge_all(budget, kind, amount);
    return likely(count_up_quick(budget, kind, amount)) || count_up(budget, kind, amount, &budget->counts[kind].limit);
}

bool budget_overdraw(struct budget *budget, enum budget_kind kind, uint64_t amount) {
    return charge_each(budget, NULL, kind, amount, true);
}

void budget_add(struct budget *budget, enum budget_kind kind, uint64_t amount) {
    static const _Atomic uint64_t any = UINT64_MAX;
    for (; budget; budget = budget->above) (void)!charge_one(budget, kind, amount, &any);
}

static unsigned depth_of(const struct budget *budget) {
    unsigned depth = 0;
    for (; budget; budget = budget->above) depth++;
    return depth;
}

struct budget *budget_shared(struct budget *a, struct budget *b) {
    unsigned a_depth, b_depth;
    if (a == b) return a;
    for (a_depth = depth_of(a), b_depth = depth_of(b); a_depth > b_depth; a_depth--) a = a->above;
    for (; b_depth > a_depth; b_depth--) b = b->above;
    for (; a != b; a = a->above) b = b->above;
    return a;
}

bool budget_charge_below(const struct budget *shared, struct budget *budget, enum budget_kind kind, uint64_t amount) {
    return charge_each(budget, shared, kind, amount, false);
}

void budget_refund_below(const struct budget *shared, struct budget *budget, enum budget_kind kind, uint64_t amount) {
    refund_until(budget, shared, kind, amount);
}

/* So many are looked at in one hold of the lock. To collect a heap takes 12,000 instructions of a debug build. */
#define PART 16
#define PART_COLLECTED 1

typedef void visit_fn(struct budget *budget, void *arg);

/* All that are there when it begins and when it ends, each once, under the lock, which is released after each part. */
static void visit_all(visit_fn *visit, void *arg, unsigned part) {
    struct budget_place here = {.is_budget = false}, *next;
    spin_lock(&lock);
    LIST_INSERT_HEAD(&budgets, &here, link);
    for (unsigned visited = 1; (next = LIST_NEXT(&here, link)); visited++) {
        LIST_REMOVE(&here, link);
        LIST_INSERT_AFTER(next, &here, link);
        if (next->is_budget) visit(container_of(next, struct budget, place), arg);
        if (visited % part > 0) continue;
        spin_unlock(&lock);
        spin_lock(&lock);
    }
    LIST_REMOVE(&here, link);
    spin_unlock(&lock);
}

struct sum {
    enum budget_kind kind;
    uint64_t used;
    bool is_less; /* than that of the parts */
};

static uint64_t own_used(const struct budget *budget, enum budget_kind kind) {
    const uint64_t counted = number_in(kind, &budget->counts[kind].used);
    return counted - min_u64(spare_of(budget, kind), counted);
}

static void add_if_below_root(struct budget *budget, void *arg) {
    struct sum *sum = arg;
    if (!budget->above) sum->used += own_used(budget, sum->kind);
}

uint64_t budget_used(const struct budget *budget, enum budget_kind kind) {
    struct sum sum = {.kind = kind};
    if (budget->parent) return own_used(budget, kind);
    visit_all(add_if_below_root, &sum, PART);
    return sum.used;
}

uint64_t budget_peak(const struct budget *budget, enum budget_kind kind) {
    const struct budget_count *count = &budget->counts[kind];
    return max_u64(number_in(kind, &count->peak), number_in(kind, &count->used));
}

uint64_t budget_limit(const struct budget *budget, enum budget_kind kind) {
    return number_in(kind, &budget->counts[kind].limit);
}

uint64_t budget_effective_limit(const struct budget *budget, enum budget_kind kind) {
    uint64_t least = BUDGET_UNLIMITED;
    for (; budget; budget = budget->above) least = min_u64(least, budget_limit(budget, kind));
    return least;
}

zx_status_t budget_set_limit(struct budget *budget, enum budget_kind kind, uint64_t limit) {
    if (!budget->parent) return ZX_ERR_NOT_SUPPORTED;
    if (limit > budget_effective_limit(budget->parent, kind)) return ZX_ERR_OUT_OF_RANGE;
    if (kind == BUDGET_MEMORY) limit |= BUDGET_HAS_JOB;
    spin_lock(&lock);
    limit_store(budget, kind, limit);
    spin_unlock(&lock);
    return ZX_OK;
}

uint64_t budget_own_room(const struct budget *budget, enum budget_kind kind) {
    uint64_t limit = budget_limit(budget, kind), used = own_used(budget, kind);
    return limit - min_u64(limit, used);
}

uint64_t budget_room(const struct budget *budget, enum budget_kind kind) {
    uint64_t room = UINT64_MAX;
    for (; budget; budget = budget->above) room = min_u64(room, budget_own_room(budget, kind));
    return room;
}

bool budget_is_within(const struct budget *budget, const struct budget *top) {
    while (budget && budget != top) budget = budget->parent;
    return budget;
}

struct collection {
    const struct budget *top;
    struct page_list slabs;
};

static void collect(struct budget *budget, void *arg) {
    struct collection *collection = arg;
    bool keeps = atomic_load_explicit(&budget->heap.keeps, memory_order_relaxed);
    if (keeps && budget_is_within(budget, collection->top)) heap_collect(&budget->heap, &collection->slabs);
}

/* Under the lock they are only collected: to free one may end a budget. */
void budgets_trim(const struct budget *budget) {
    struct collection empty = {.top = budget};
    visit_all(collect, &empty, PART_COLLECTED);
    heap_release(&empty.slabs);
}

static void clear_below(struct budget *budget, void *arg UNUSED) { budget->below = 0; }

static void add_to_parent(struct budget *budget, void *arg) {
    const struct sum *sum = arg;
    if (budget->above) budget->above->below += own_used(budget, sum->kind);
}

static void compare_below(struct budget *budget, void *arg) {
    struct sum *sum = arg;
    if (budget->below > own_used(budget, sum->kind)) sum->is_less = true;
}

/* Has each at least what its children have together? */
static bool sums_are_right(enum budget_kind kind) {
    struct sum sum = {.kind = kind};
    visit_all(clear_below, NULL, PART);
    visit_all(add_to_parent, &sum, PART);
    visit_all(compare_below, &sum, PART);
    return !sum.is_less;
}

bool budgets_sound(void) {
    bool sound = pages_used() == budget_used(&root_budget, BUDGET_MEMORY);
    for (enum budget_kind kind = 0; kind < BUDGET_KINDS; kind++) sound = sums_are_right(kind) && sound;
    return sound;
}
