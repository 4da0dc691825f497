/*
 * Kernel stacks.
 */
#include "vm/kstack.h"

#include "kernel/base/string.h"
#include "tests/kernel/support.h"
#include "vm/budget.h"
#include "vm/page.h"

KTEST("kstack/a stack is memory, and its slot is used again") {
    char *first = kstack_alloc(&root_budget);
    NEED(first);
    memset(first, 1, KSTACK_SIZE);
    char *second = kstack_alloc(&root_budget);
    EXPECT(second && second != first);
    kstack_free(first, &root_budget);
    EXPECT(kstack_alloc(&root_budget) == first);
    kstack_free(first, &root_budget);
    if (second) kstack_free(second, &root_budget);
}

KTEST("kstack/between two stacks lies a page that nothing can use") {
    vaddr_t first = (vaddr_t)kstack_alloc(&root_budget), second = (vaddr_t)kstack_alloc(&root_budget);
    NEED(first && second);
    vaddr_t low = first < second ? first : second, high = first < second ? second : first;
    EXPECT(high - low >= KSTACK_SIZE + PAGE_SIZE);
    /* A page can be put there only because none is. */
    struct page *page = page_alloc();
    NEED(page && arch_kernel_map(low - PAGE_SIZE, page_phys(page)) == ZX_OK);
    paddr_t removed;
    arch_kernel_unmap(low - PAGE_SIZE, 1, &removed);
    EXPECT(removed.raw == page_phys(page).raw);
    page_free(page);
    kstack_free((void *)first, &root_budget);
    kstack_free((void *)second, &root_budget);
}

static zx_status_t make_stack(void *arg) {
    void **stack = arg;
    *stack = kstack_alloc(&root_budget);
    return *stack ? ZX_OK : ZX_ERR_NO_MEMORY;
}

static bool no_stack(void *arg) { return *(void **)arg == NULL; }

KTEST("kstack/whichever page cannot be had, no stack is half made") {
    void *stack;
    kstack_trim();
    EXPECT(fail_each_allocation(make_stack, no_stack, &stack) >= 1);
    kstack_free(stack, &root_budget);
}

KTEST("kstack/a thousand stacks at once, with their tables, all go back") {
    static void *stacks[1000];
    for (size_t i = 0; i < countof(stacks); i++) NEED((stacks[i] = kstack_alloc(&root_budget)));
    for (size_t i = 0; i < countof(stacks); i++) kstack_free(stacks[i], &root_budget);
}
