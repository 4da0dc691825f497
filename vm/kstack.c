/*
 * Kernel stacks; see kstack.h. The area is cut into slots of one guard page and the stack above it; a bitmap says which are
 * taken, the lowest free one is used first. One mutex guards bitmap and mappings.
 */
#include "vm/kstack.h"

#include "arch/upcall.h"
#include "kernel/base/log.h"
#include "kernel/sched/mutex.h"
#include "vm/page.h"

#define SLOT_SIZE (KSTACK_SIZE + PAGE_SIZE)
#define MAX_STACKS ((size_t)16384)
#define WORD_BITS 64

static struct mutex lock = MUTEX_INIT(lock, RANK_KERNEL_STACKS, "kernel stacks");
static uint64_t taken[MAX_STACKS / WORD_BITS];

static vaddr_t slot_stack(size_t slot) { return KERNEL_DYNAMIC_BASE + slot * SLOT_SIZE + PAGE_SIZE; }

static bool slot_take(size_t *slot) {
    for (size_t word = 0; word < countof(taken); word++) {
        if (~taken[word] == 0) continue;
        unsigned bit = (unsigned)__builtin_ctzll(~taken[word]);
        taken[word] |= (uint64_t)1 << bit;
        *slot = word * WORD_BITS + bit;
        return true;
    }
    return false;
}

static void stack_unmap(size_t slot, size_t npages) {
    for (size_t i = 0; i < npages; i++) page_free(page_from_phys(arch_kernel_unmap(slot_stack(slot) + i * PAGE_SIZE)));
    taken[slot / WORD_BITS] &= ~((uint64_t)1 << slot % WORD_BITS);
}

static bool stack_map(size_t slot) {
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

void *kstack_alloc(void) {
    _Static_assert(MAX_STACKS * SLOT_SIZE <= KERNEL_DYNAMIC_SIZE, "the area holds all slots");
    void *stack = NULL;
    size_t slot;
    mutex_lock(&lock);
    if (slot_take(&slot) && stack_map(slot)) stack = (void *)slot_stack(slot);
    mutex_unlock(&lock);
    return stack;
}

void kstack_free(void *stack) {
    size_t slot = ((vaddr_t)stack - KERNEL_DYNAMIC_BASE) / SLOT_SIZE;
    mutex_lock(&lock);
    stack_unmap(slot, KSTACK_PAGES);
    mutex_unlock(&lock);
}

void *upcall_stack_alloc(void) { return kstack_alloc(); }

bool kstack_tables_sound(void) {
    mutex_lock(&lock);
    bool sound = arch_kernel_tables_sound();
    mutex_unlock(&lock);
    return sound;
}
