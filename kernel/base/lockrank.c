/*
 * The locks that each thread holds, in debug builds. The processor points to the running thread's list; a switch
 * changes it. Before there are threads there is no list, and nothing is checked; nor is anything once a panic has
 * begun.
 *
 * Locks may be released in any order. The list stays sorted all the same, since each new lock ranks above all that are
 * held. So a new lock is compared with the last entry only.
 */
#include "kernel/base/lockrank.h"

#ifdef DEBUG

#include "kernel/base/cpu.h"
#include "kernel/base/log.h"

/* The running thread's list. Interrupts are off while it is in use. */
static struct lock_stack *list_begin(bool *irqs_were_on) {
    *irqs_were_on = arch_irq_disable();
    return panic_begun() ? NULL : arch_this_cpu()->locks;
}

static void list_end(bool irqs_were_on) {
    if (irqs_were_on) arch_irq_enable();
}

static void push(struct lock_stack *list, const void *lock, const char *name, enum lock_rank rank) {
    if (list->depth > 0) {
        const struct held_lock *top = &list->held[list->depth - 1];
        bool above = rank > top->rank || (rank == top->rank && lock > top->lock);
        if (!above) panic("lock '%s' (rank %d) taken under '%s' (rank %d)", name, rank, top->name, top->rank);
    }
    if (list->depth == LOCK_STACK_DEPTH) panic("lock '%s' taken under too many others", name);
    list->held[list->depth++] = (struct held_lock){lock, name, rank};
}

static bool held_find(const struct lock_stack *list, const void *lock, unsigned *index) {
    for (unsigned i = list->depth; i-- > 0;) {
        if (list->held[i].lock != lock) continue;
        *index = i;
        return true;
    }
    return false;
}

void lock_rank_acquire(const void *lock, const char *name, enum lock_rank rank) {
    bool irqs;
    struct lock_stack *list = list_begin(&irqs);
    if (list) push(list, lock, name, rank);
    list_end(irqs);
}

void lock_rank_release(const void *lock) {
    bool irqs;
    struct lock_stack *list = list_begin(&irqs);
    if (list) {
        unsigned i;
        if (!held_find(list, lock, &i)) panic("lock %p released by a thread that does not hold it", lock);
        for (list->depth--; i < list->depth; i++) list->held[i] = list->held[i + 1];
    }
    list_end(irqs);
}

void lock_rank_assert_held(const void *lock) {
    bool irqs;
    unsigned i;
    struct lock_stack *list = list_begin(&irqs);
    if (list && !held_find(list, lock, &i)) panic("lock %p is not held", lock);
    list_end(irqs);
}

void lock_rank_assert_none(void) {
    bool irqs;
    struct lock_stack *list = list_begin(&irqs);
    if (list && list->depth > 0) panic("lock '%s' is still held", list->held[list->depth - 1].name);
    list_end(irqs);
}

#endif
