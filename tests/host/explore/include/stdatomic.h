/*
 * Atomic operations that are announced: the explorer's build finds this header in the compiler's place. Before each
 * operation the explorer may let other processors run, and after each that releases something too.
 *
 * Plain counters, on which nothing depends, are left alone, and so are all operations in tests.
 */
#pragma once

#include_next <stdatomic.h>

/* What an operand is, by its text. */
enum explore_kind { EXPLORE_OTHER, EXPLORE_SPINLOCK, EXPLORE_MUTEX, EXPLORE_REFERENCES };
#define EXPLORE_KIND(text)                                           \
    (__builtin_strcmp(text, "&l->locked") == 0  ? EXPLORE_SPINLOCK   \
     : __builtin_strcmp(text, "&m->owner") == 0 ? EXPLORE_MUTEX      \
     : __builtin_strcmp(text, "refs") == 0      ? EXPLORE_REFERENCES \
                                                : EXPLORE_OTHER)

/* A place in the sources, and the operand's text. */
struct explore_site {
    const char *file, *function, *what;
    int line;
    enum explore_kind kind;
};

enum explore_access { EXPLORE_READ, EXPLORE_STORE, EXPLORE_CHANGE };

void explore_before(const volatile void *address, enum explore_access access, const struct explore_site *site);
void explore_released(const volatile void *address, const struct explore_site *site);

#define EXPLORE_IN(file) (__builtin_strcmp(__FILE__, file) == 0)
/* Files whose own atomic variables are statistics and the source of koids. */
#define EXPLORE_COUNTS                                                                                                 \
    (EXPLORE_IN("vm/page.c") || EXPLORE_IN("vm/page_runs.c") || EXPLORE_IN("vm/heap.c") ||                             \
     EXPLORE_IN("kernel/sched/object.c") || EXPLORE_IN("kernel/base/tally.h") || EXPLORE_IN("kernel/base/random.c") || \
     EXPLORE_IN("kernel/base/panic.c"))

#define EXPLORE_SITE(p)                                                                                       \
    ({                                                                                                        \
        static const struct explore_site explore_site = {__FILE__, __func__, #p, __LINE__, EXPLORE_KIND(#p)}; \
        &explore_site;                                                                                        \
    })

/* Counts that are inlined: of handles, and of what is charged to budgets, which have no limits here. */
#define EXPLORE_IS(p, text) (__builtin_strcmp(#p, text) == 0)
#define EXPLORE_IS_COUNT(p)                                                                               \
    (EXPLORE_IS(p, "&handles_live") || EXPLORE_IS(p, "&count->limit") || EXPLORE_IS(p, "&count->used") || \
     EXPLORE_IS(p, "&count->peak") || EXPLORE_IS(p, "spare") || EXPLORE_IS(p, "most"))

/*
 * Words of the scheduler's of which all orders that matter are tried at another: how long a run queue is, at the mask
 * of idle processors, on which a change releases nothing; and which queue a thread belongs to, at that one's lock.
 */
#define EXPLORE_QUIET(p) \
    (EXPLORE_COUNTS || EXPLORE_IS_COUNT(p) || EXPLORE_IS(p, "&ready->length") || EXPLORE_IS(p, "&t->queue"))
#define EXPLORE_BEFORE(p, access) (EXPLORE_QUIET(p) ? (void)0 : explore_before((p), (access), EXPLORE_SITE(p)))
#define EXPLORE_RELEASES(order) ((order) == __ATOMIC_RELEASE || (order) >= __ATOMIC_ACQ_REL)
#define EXPLORE_AFTER(p, order)                                                   \
    (EXPLORE_RELEASES(order) && !EXPLORE_QUIET(p) && !EXPLORE_IS(p, "&idle_cpus") \
         ? explore_released((p), EXPLORE_SITE(p))                                 \
         : (void)0)

#define EXPLORE_CHANGING(p, order, operation)     \
    ({                                            \
        EXPLORE_BEFORE(p, EXPLORE_CHANGE);        \
        __auto_type explore_result = (operation); \
        EXPLORE_AFTER(p, order);                  \
        explore_result;                           \
    })

#undef atomic_load
#undef atomic_load_explicit
#undef atomic_store
#undef atomic_store_explicit
#undef atomic_exchange
#undef atomic_exchange_explicit
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_strong_explicit
#undef atomic_compare_exchange_weak
#undef atomic_compare_exchange_weak_explicit
#undef atomic_fetch_add
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_or
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and
#undef atomic_fetch_and_explicit

#define atomic_load_explicit(p, order) (EXPLORE_BEFORE(p, EXPLORE_READ), __c11_atomic_load((p), (order)))
#define atomic_load(p) atomic_load_explicit(p, __ATOMIC_SEQ_CST)
#define atomic_store_explicit(p, value, order) \
    (EXPLORE_BEFORE(p, EXPLORE_STORE), __c11_atomic_store((p), (value), (order)), EXPLORE_AFTER(p, order))
#define atomic_store(p, value) atomic_store_explicit(p, value, __ATOMIC_SEQ_CST)
#define atomic_exchange_explicit(p, value, order) \
    EXPLORE_CHANGING(p, order, __c11_atomic_exchange((p), (value), (order)))
#define atomic_exchange(p, value) atomic_exchange_explicit(p, value, __ATOMIC_SEQ_CST)
#define atomic_compare_exchange_strong_explicit(p, old, value, order, failed) \
    EXPLORE_CHANGING(p, order, __c11_atomic_compare_exchange_strong((p), (old), (value), (order), (failed)))
#define atomic_compare_exchange_strong(p, old, value) \
    atomic_compare_exchange_strong_explicit(p, old, value, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
/* One that never fails without a reason: a try more or less is no other order. */
#define atomic_compare_exchange_weak_explicit atomic_compare_exchange_strong_explicit
#define atomic_compare_exchange_weak atomic_compare_exchange_strong
#define atomic_fetch_add_explicit(p, value, order) \
    EXPLORE_CHANGING(p, order, __c11_atomic_fetch_add((p), (value), (order)))
#define atomic_fetch_add(p, value) atomic_fetch_add_explicit(p, value, __ATOMIC_SEQ_CST)
#define atomic_fetch_sub_explicit(p, value, order) \
    EXPLORE_CHANGING(p, order, __c11_atomic_fetch_sub((p), (value), (order)))
#define atomic_fetch_sub(p, value) atomic_fetch_sub_explicit(p, value, __ATOMIC_SEQ_CST)
#define atomic_fetch_or_explicit(p, value, order) \
    EXPLORE_CHANGING(p, order, __c11_atomic_fetch_or((p), (value), (order)))
#define atomic_fetch_or(p, value) atomic_fetch_or_explicit(p, value, __ATOMIC_SEQ_CST)
#define atomic_fetch_and_explicit(p, value, order) \
    EXPLORE_CHANGING(p, order, __c11_atomic_fetch_and((p), (value), (order)))
#define atomic_fetch_and(p, value) atomic_fetch_and_explicit(p, value, __ATOMIC_SEQ_CST)
