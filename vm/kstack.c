/*
 * Kernel stacks; see kstack.h. The area is cut into slots of one guard page and the stack above it; a bitmap says which
 * are taken, the lowest free one is used first. There are more slots than memory has room for stacks. A few freed
 * stacks are kept mapped: unmapping one takes a shootdown on every processor. One mutex guards it all.
 */
#include "vm/kstack.h"

#include "arch/upcall.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/poison.h"
#include "kernel/sched/mutex.h"
#include "vm/budget.h"
#include "vm/page.h"

#define SLOT_SIZE (KSTACK_SIZE + PAGE_SIZE)
#define WORD_BITS 64
#define MAX_SPARE 16

static struct mutex lock = MUTEX_INIT(lock, RANK_KERNEL_STACKS, "kernel stacks");
static uint64_t *taken;   /* [I] a bit for each slot, [k] set while it is */
static size_t word_count; /* [I] */
static size_t first_word; /* [k] none before it has a free slot */
static void *spare[MAX_SPARE];
static size_t spare_count;

static vaddr_t slot_stack(size_t slot) { return KERNEL_DYNAMIC_BASE + slot * SLOT_SIZE + PAGE_SIZE; }

/* More slots than memory has room for stacks, unless the area has fewer. */
void kstack_init(void) {
    word_count = min_u64(pages_total() / KSTACK_PAGES + WORD_BITS, KERNEL_DYNAMIC_SIZE / SLOT_SIZE) / WORD_BITS;
    taken = heap_alloc_zeroed(word_count * sizeof(taken[0]));
    CHECK(taken);
}

static bool slot_take(size_t *slot) REQUIRES(&lock) {
    while (first_word < word_count && ~taken[first_word] == 0) first_word++;
    if (first_word == word_count) return false;
    unsigned bit = (unsigned)__builtin_ctzll(~taken[first_word]);
    taken[first_word] |= (uint64_t)1 << bit;
    *slot = first_word * WORD_BITS + bit;
    return true;
}

static void stack_unmap(size_t slot, size_t npages) REQUIRES(&lock) {
    paddr_t pages[KSTACK_PAGES];
    arch_kernel_unmap(slot_stack(slot), npages, pages);
    for (size_t i = 0; i < npages; i++) page_free(page_from_phys(pages[i]));
    taken[slot / WORD_BITS] &= ~((uint64_t)1 << slot % WORD_BITS);
    first_word = min_u64(first_word, slot / WORD_BITS);
}

static bool stack_map(size_t slot) REQUIRES(&lock) {
    for (size_t i = 0; i < KSTACK_PAGES; i++) {
        struct page *page = page_alloc();
        if (!page || arch_kernel_map(slot_stack(slot) + i * PAGE_SIZE, page_phys(page)) != ZX_OK) {
            if (page) page_free(page);
            stack_unmap(slot, i);
            return false;
        }
    }
    return true;
}

static void *stack_make(void) REQUIRES(&lock) {
    size_t slot;
    return slot_take(&slot) && stack_map(slot) ? (void *)slot_stack(slot) : NULL;
}

/* The tables, which stacks of several budgets share, are the root's; so are the pages for as long as they are spare. */
static void *stack_take(void) {
    struct budget *own = budget_assume(&root_budget);
    mutex_lock(&lock);
    void *stack = spare_count > 0 ? spare[--spare_count] : stack_make();
    mutex_unlock(&lock);
    (void)budget_assume(own);
    return stack;
}

void *kstack_alloc(struct budget *budget) {
    const bool moves = budget != &root_budget;
    if (moves && !budget_charge(budget, BUDGET_MEMORY, KSTACK_PAGES)) return NULL;
    void *stack = stack_take();
    if (stack) memory_unpoison(stack, KSTACK_SIZE);
    if (moves) budget_refund(stack ? &root_budget : budget, BUDGET_MEMORY, KSTACK_PAGES);
    return stack;
}

static void stack_unmake(void *stack) REQUIRES(&lock) {
    stack_unmap(((vaddr_t)stack - KERNEL_DYNAMIC_BASE) / SLOT_SIZE, KSTACK_PAGES);
}

void kstack_free(void *stack, struct budget *budget) {
    if (budget != &root_budget) {
        CHECK(budget_charge(&root_budget, BUDGET_MEMORY, KSTACK_PAGES));
        budget_refund(budget, BUDGET_MEMORY, KSTACK_PAGES);
    }
    mutex_lock(&lock);
    if (spare_count < MAX_SPARE) {
        memory_poison(stack, KSTACK_SIZE);
        spare[spare_count++] = stack;
    } else {
        stack_unmake(stack);
    }
    mutex_unlock(&lock);
}

void kstack_trim(void) {
    mutex_lock(&lock);
    while (spare_count > 0) stack_unmake(spare[--spare_count]);
    mutex_unlock(&lock);
}

void *upcall_stack_alloc(void) { return kstack_alloc(&root_budget); }

bool kstack_tables_sound(void) {
    mutex_lock(&lock);
    bool sound = arch_kernel_tables_sound();
    mutex_unlock(&lock);
    return sound;
}
