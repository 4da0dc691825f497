/*
 * Budgets: that a limit is met exactly, whatever is allocated, that a refusal changes nothing, and that what was
 * charged is refunded to the budget that paid, whichever thread frees it and however late.
 */
#include "vm/budget.h"

#include "kernel/object/event.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/user_thread.h"
#include "tests/kernel/support.h"
#include "vm/kstack.h"
#include "vm/page.h"

#define LIMIT 21

static uint64_t pages_of(const struct budget *budget) { return budget_used(budget, BUDGET_MEMORY); }

static struct budget *limited(struct budget *parent, uint64_t pages) {
    struct budget *budget = budget_create(parent);
    if (budget && budget_set_limit(budget, BUDGET_MEMORY, pages) == ZX_OK) return budget;
    return NULL;
}

/* Single pages for the heap until there are no more. Returns how many, and they are freed. */
static size_t pages_to_be_had(struct budget *budget) {
    static struct page *pages[2 * LIMIT];
    size_t count = 0;
    struct budget *own = budget_assume(budget);
    while (count < countof(pages) && (pages[count] = page_alloc_for(PAGE_SLAB))) count++;
    (void)budget_assume(own);
    for (size_t i = 0; i < count; i++) page_free(pages[i]);
    return count;
}

KTEST("budget/of a limit of N pages exactly N can be had, one by one, and one more only when one is given back") {
    struct budget *budget = limited(&root_budget, LIMIT);
    NEED(budget);
    EXPECT(pages_to_be_had(budget) == LIMIT && pages_of(budget) == 0 && budget_peak(budget, BUDGET_MEMORY) == LIMIT);
    EXPECT(pages_to_be_had(budget) == LIMIT);
    struct budget *own = budget_assume(budget);
    struct page *most = page_alloc_contiguous(LIMIT - 1, 0), *last = page_alloc();
    EXPECT(most && last && pages_of(budget) == LIMIT && !page_alloc());
    page_free(last);
    EXPECT((last = page_alloc()) && pages_of(budget) == LIMIT);
    (void)budget_assume(own);
    page_free(last);
    for (size_t i = 0; i < LIMIT - 1; i++) page_free(most + i);
    EXPECT(pages_of(budget) == 0);
    budget_leave(budget);
}

KTEST("budget/a thread that must not fail goes beyond the limit for its heap, is charged for it, and others get "
      "nothing until then") {
    struct budget *budget = limited(&root_budget, LIMIT);
    NEED(budget);
    struct budget *own = budget_assume(budget);
    struct page *most = page_alloc_contiguous(LIMIT, 0), *none = page_alloc();
    thread_current()->reports = true;
    struct page *beyond = page_alloc_for(PAGE_SLAB);
    EXPECT(!page_alloc() && !page_alloc_for(PAGE_VMO));
    thread_current()->reports = false;
    EXPECT(most && !none && beyond && pages_of(budget) == LIMIT + 1 && !page_alloc());
    EXPECT(budget_peak(budget, BUDGET_MEMORY) == LIMIT + 1);
    (void)budget_assume(own);
    if (beyond) page_free(beyond);
    EXPECT(pages_of(budget) == LIMIT && pages_to_be_had(budget) == 0);
    for (size_t i = 0; most && i < LIMIT; i++) page_free(most + i);
    EXPECT(pages_of(budget) == 0);
    budget_leave(budget);
}

KTEST("budget/runs, pages in a row and as many as there are: each is charged for what it has, and no more") {
    struct budget *budget = limited(&root_budget, LIMIT);
    NEED(budget);
    struct budget *own = budget_assume(budget);
    size_t count;
    struct page *run = page_alloc_run(4), *row, *some;
    EXPECT(run && pages_of(budget) == 16 && !page_alloc_run(3) && pages_of(budget) == 16);
    EXPECT(!page_alloc_contiguous(6, 0) && pages_of(budget) == 16);
    NEED((row = page_alloc_contiguous(3, 2)));
    EXPECT(pages_of(budget) == 19);
    NEED((some = page_alloc_some(16, &count)));
    EXPECT(count == 2 && pages_of(budget) == LIMIT && !page_alloc_some(1, &count) && !page_alloc());
    (void)budget_assume(own);
    page_free(run);
    EXPECT(pages_of(budget) == 5);
    for (size_t i = 0; i < 3; i++) page_free(row + i);
    for (size_t i = 0; i < 2; i++) page_free(some + i);
    EXPECT(pages_of(budget) == 0);
    budget_leave(budget);
}

KTEST("budget/what is charged to a child counts in all its ancestors, and what one of them refuses nobody is charged") {
    struct budget *outer = limited(&root_budget, LIMIT), *inner = limited(outer, LIMIT), *other = limited(outer, 3);
    NEED(outer && inner && other);
    const uint64_t root = pages_of(&root_budget);
    struct budget *own = budget_assume(other);
    struct page *pages = page_alloc_contiguous(3, 0);
    (void)budget_assume(own);
    NEED(pages);
    EXPECT(pages_of(other) == 3 && pages_of(outer) == 3 && pages_of(&root_budget) == root + 3);
    EXPECT(budget_room(inner, BUDGET_MEMORY) == LIMIT - 3 && budget_room(other, BUDGET_MEMORY) == 0);
    EXPECT(pages_to_be_had(inner) == LIMIT - 3 && pages_of(inner) == 0 && pages_of(outer) == 3);
    EXPECT(budget_peak(inner, BUDGET_MEMORY) == LIMIT - 2 && budget_peak(outer, BUDGET_MEMORY) == LIMIT);
    EXPECT(pages_to_be_had(other) == 0);
    for (size_t i = 0; i < 3; i++) page_free(pages + i);
    EXPECT(pages_of(outer) == 0 && pages_of(&root_budget) == root);
    budget_leave(other);
    budget_leave(inner);
    budget_leave(outer);
}

KTEST("budget/a limit below what is used refuses all, and takes nothing away") {
    struct budget *budget = limited(&root_budget, LIMIT);
    NEED(budget);
    struct budget *own = budget_assume(budget);
    struct page *pages = page_alloc_contiguous(5, 0);
    NEED(pages && budget_set_limit(budget, BUDGET_MEMORY, 2) == ZX_OK);
    EXPECT(pages_of(budget) == 5 && !page_alloc());
    for (size_t i = 0; i < 3; i++) {
        EXPECT(!page_alloc());
        page_free(pages + i);
    }
    EXPECT(pages_of(budget) == 2 && !page_alloc());
    page_free(pages + 3);
    struct page *again = page_alloc();
    EXPECT(again && pages_of(budget) == 2);
    (void)budget_assume(own);
    page_free(again);
    page_free(pages + 4);
    budget_leave(budget);
}

KTEST("budget/a thread that must not fail gets BUDGET_OVERDRAFT pages beyond each limit, and no more") {
    struct budget *outer = limited(&root_budget, LIMIT), *budget = limited(outer, LIMIT);
    NEED(outer && budget);
    thread_current()->reports = true;
    EXPECT(pages_to_be_had(budget) == LIMIT + BUDGET_OVERDRAFT);
    EXPECT(budget_peak(outer, BUDGET_MEMORY) == LIMIT + BUDGET_OVERDRAFT);
    thread_current()->reports = false;
    EXPECT(pages_to_be_had(budget) == LIMIT && pages_of(budget) == 0 && pages_of(outer) == 0);
    budget_leave(budget);
    budget_leave(outer);
}

KTEST("budget/a limit is as wide as the ancestors' at most, and what they have now is what counts") {
    struct budget *outer = budget_create(&root_budget), *inner = budget_create(outer);
    NEED(outer && inner);
    for (enum budget_kind kind = 0; kind < BUDGET_KINDS; kind++) {
        EXPECT(budget_limit(inner, kind) == BUDGET_UNLIMITED);
        EXPECT(budget_effective_limit(inner, kind) == BUDGET_UNLIMITED);
        EXPECT(budget_set_limit(outer, kind, BUDGET_UNLIMITED / 2 - 1) == ZX_OK);
        EXPECT(budget_limit(outer, kind) == BUDGET_UNLIMITED / 2 - 1);
        EXPECT(budget_set_limit(outer, kind, 10) == ZX_OK);
        EXPECT(budget_limit(inner, kind) == BUDGET_UNLIMITED && budget_effective_limit(inner, kind) == 10);
        EXPECT(budget_set_limit(inner, kind, 11) == ZX_ERR_OUT_OF_RANGE);
        EXPECT(budget_set_limit(inner, kind, BUDGET_UNLIMITED) == ZX_ERR_OUT_OF_RANGE);
        EXPECT(budget_set_limit(inner, kind, 10) == ZX_OK && budget_limit(inner, kind) == 10);
        EXPECT(budget_set_limit(outer, kind, 9) == ZX_OK);
        EXPECT(budget_limit(inner, kind) == 10 && budget_effective_limit(inner, kind) == 9);
        EXPECT(budget_charge(inner, kind, 9) && !budget_charge(inner, kind, 1));
        EXPECT(budget_used(inner, kind) == 9 && budget_used(outer, kind) == 9);
        budget_refund(inner, kind, 9);
        EXPECT(budget_used(inner, kind) == 0 && budget_used(outer, kind) == 0);
    }
    budget_leave(inner);
    budget_leave(outer);
}

KTEST("budget/whoever frees a page, it is given back to who allocated it") {
    struct budget *first = budget_create(&root_budget), *second = budget_create(&root_budget);
    NEED(first && second);
    struct budget *own = budget_assume(first);
    struct page *page = page_alloc();
    void *object = heap_alloc(100), *run = heap_alloc(3 * PAGE_SIZE);
    (void)budget_assume(second);
    NEED(page && object && run);
    EXPECT(pages_of(first) == 1 + 1 + 4 && pages_of(second) == 0);
    heap_free(object);
    heap_free(run);
    page_free(page);
    (void)budget_assume(own);
    EXPECT(pages_of(first) == 0 && pages_of(second) == 0);
    budget_leave(first);
    budget_leave(second);
}

KTEST("budget/pages of several budgets that are freed together go back to each") {
    struct budget *first = budget_create(&root_budget), *second = budget_create(&root_budget);
    struct page_gather gather = {0};
    NEED(first && second);
    struct page *pages = page_alloc_contiguous(6, 3);
    NEED(pages);
    for (size_t i = 0; i < 6; i++) {
        struct budget *payer = i < 2 ? first : i < 5 ? second : &root_budget;
        page_set_use(pages + i, PAGE_VMO);
        EXPECT(budget_charge(payer, BUDGET_MEMORY, 1));
        budget_refund(pages[i].budget, BUDGET_MEMORY, 1);
        pages[i].budget = payer;
    }
    EXPECT(pages_of(first) == 2 && pages_of(second) == 3);
    for (size_t i = 0; i < 6; i++) page_unref_gather(pages + i, &gather);
    page_gather_free(&gather);
    EXPECT(pages_of(first) == 0 && pages_of(second) == 0);
    budget_leave(first);
    budget_leave(second);
}

KTEST("budget/each heap has its own slabs; an empty one is kept where that is wanted, and given up before a refusal") {
    struct budget *budget = limited(&root_budget, 2);
    NEED(budget);
    heap_keep(&budget->heap, true);
    struct budget *own = budget_assume(budget);
    void *small = heap_alloc(40), *large = heap_alloc(1000);
    NEED(small && large);
    EXPECT(pages_of(budget) == 2 && !heap_alloc(200));
    heap_free(small);
    heap_free(large);
    EXPECT(pages_of(budget) == 2);
    struct page *page = page_alloc();
    EXPECT(page && pages_of(budget) == 1);
    page_free(page);
    NEED((small = heap_alloc(40)));
    heap_free(small);
    EXPECT(pages_of(budget) == 1);
    heap_keep(&budget->heap, false);
    EXPECT(pages_of(budget) == 0);
    NEED((small = heap_alloc(40)));
    heap_free(small);
    EXPECT(pages_of(budget) == 0);
    (void)budget_assume(own);
    budget_leave(budget);
}

KTEST("budget/the heap has whole pages of all objects of a size, and they come back in any order") {
    static void *objects[LIMIT * PAGE_SIZE / 32];
    struct budget *budget = limited(&root_budget, LIMIT);
    NEED(budget);
    for (size_t size = 24; size <= PAGE_SIZE / 2; size = size * 2 - size / 3) {
        size_t count = 0;
        struct budget *own = budget_assume(budget);
        while (count < countof(objects) && (objects[count] = heap_alloc(size))) count++;
        (void)budget_assume(own);
        EXPECT(pages_of(budget) == LIMIT && count % LIMIT == 0 && count / LIMIT * size <= PAGE_SIZE);
        for (; count > 0; count--) {
            size_t pick = random_below(count);
            heap_free(objects[pick]);
            objects[pick] = objects[count - 1];
        }
        EXPECT(pages_of(budget) == 0);
    }
    budget_leave(budget);
}

/* Budgets allocated in each other's heaps; none but the last has anything else. */
KTEST(
    "budget/one whose job is gone stays as long as pages are charged to it, and then goes, and those that it held up") {
    static struct budget *budgets[50];
    struct budget *own = budget_current();
    budgets_trim(&root_budget);
    const size_t free = pages_free(), bytes = heap_bytes();
    for (size_t i = 0; i < countof(budgets); i++) {
        NEED((budgets[i] = budget_create(&root_budget)));
        (void)budget_assume(budgets[i]);
    }
    struct page *page = page_alloc();
    (void)budget_assume(own);
    NEED(page);
    for (size_t i = 0; i < countof(budgets); i++) budget_leave(budgets[i]);
    EXPECT(heap_bytes() >= bytes + sizeof(struct budget) * countof(budgets));
    page_free(page);
    budgets_trim(&root_budget);
    EXPECT(heap_bytes() == bytes && pages_free() == free);
}

#define THREADS 4
#define ROUNDS 3000

static struct crowd {
    struct budget *budget;
    atomic_uint had, most;
    atomic_bool over;
} crowd;

/* Now one page, now three: never more than the limit, and the last always by somebody. */
static void charge_and_refund(void *arg) {
    const uint64_t count = 1 + 2 * ((uintptr_t)arg % 2);
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (!budget_charge(crowd.budget, BUDGET_MEMORY, count)) continue;
        unsigned had = atomic_fetch_add(&crowd.had, (unsigned)count) + (unsigned)count;
        if (had > 5) atomic_store(&crowd.over, true);
        atomic_fetch_sub(&crowd.had, (unsigned)count);
        budget_refund(crowd.budget, BUDGET_MEMORY, count);
    }
}

KTEST("budget/several threads that charge it at once never have more than the limit, and leave nothing") {
    static struct runner runners[THREADS];
    crowd = (struct crowd){.budget = limited(&root_budget, 5)};
    NEED(crowd.budget);
    for (uintptr_t i = 0; i < THREADS; i++) NEED(runner_start(&runners[i], NULL, charge_and_refund, (void *)i));
    for (size_t i = 0; i < THREADS; i++) runner_join(&runners[i]);
    EXPECT(!atomic_load(&crowd.over) && pages_of(crowd.budget) == 0);
    EXPECT(budget_peak(crowd.budget, BUDGET_MEMORY) <= 5);
    budget_leave(crowd.budget);
}

/* Each has pages of the other's, and both budgets end at the same moment, for ever other reasons. */
static struct handover {
    struct page *pages[2];
    struct budget *budgets[2];
    atomic_uint arrivals;
} handover;

static void let_go(void *arg) {
    const uintptr_t self = (uintptr_t)arg;
    atomic_fetch_add(&handover.arrivals, 1);
    while (atomic_load(&handover.arrivals) < 2) thread_yield();
    budget_leave(handover.budgets[self]);
    page_free(handover.pages[!self]);
}

KTEST("budget/two that end while others end: each is freed once") {
    static struct runner other;
    budgets_trim(&root_budget);
    const size_t free = pages_free(), bytes = heap_bytes();
    for (unsigned round = 0; round < 200; round++) {
        atomic_store(&handover.arrivals, 0);
        for (size_t i = 0; i < 2; i++) {
            NEED((handover.budgets[i] = budget_create(&root_budget)));
            struct budget *own = budget_assume(handover.budgets[i]);
            handover.pages[i] = page_alloc();
            (void)budget_assume(own);
            NEED(handover.pages[i]);
        }
        NEED(runner_start(&other, NULL, let_go, (void *)1));
        let_go((void *)0);
        runner_join(&other);
    }
    kstack_trim();
    budgets_trim(&root_budget);
    EXPECT(heap_bytes() == bytes && pages_free() == free);
}

static struct job *root, *job;

static bool job_begin(void) { return job_create_root(&root) == ZX_OK && job_create(root, &job) == ZX_OK; }

static void job_end(void) {
    object_handle_unref(&job->object);
    object_unref(&job->object);
    object_unref(&root->object);
}

static uint64_t used(enum budget_kind kind) { return budget_used(job->budget, kind); }

static void process_end(struct process *process) {
    process_kill(process, 0);
    object_unref(&process->object);
}

KTEST(
    "job/exactly as many processes, jobs and threads as it may have, until they are freed, and no memory for others") {
    struct process *processes[3] = {NULL};
    struct user_thread *threads[3] = {NULL};
    struct job *jobs[3] = {NULL};
    NEED(job_begin());
    NEED(budget_set_limit(job->budget, BUDGET_PROCESSES, 2) == ZX_OK);
    NEED(budget_set_limit(job->budget, BUDGET_THREADS, 2) == ZX_OK);
    NEED(budget_set_limit(job->budget, BUDGET_JOBS, 2) == ZX_OK);
    for (size_t i = 0; i < 3; i++) {
        const zx_status_t want = i < 2 ? ZX_OK : ZX_ERR_NO_MEMORY;
        EXPECT(process_create(job, "p", &processes[i]) == want);
        NEED(processes[0]);
        EXPECT(user_thread_create(processes[0], "t", &threads[i]) == want);
        EXPECT(job_create(job, &jobs[i]) == want);
    }
    EXPECT(used(BUDGET_PROCESSES) == 2 && used(BUDGET_THREADS) == 2 && used(BUDGET_JOBS) == 2);
    EXPECT(used(BUDGET_MEMORY) == 0); /* all was caused by this thread */
    process_kill(processes[0], 0);
    EXPECT(used(BUDGET_PROCESSES) == 2 && process_create(job, "p", &processes[2]) == ZX_ERR_NO_MEMORY);
    for (size_t i = 0; i < 2; i++) object_unref(&threads[i]->object);
    EXPECT(used(BUDGET_THREADS) == 0 && used(BUDGET_MEMORY) == 0);
    object_unref(&processes[0]->object);
    EXPECT(used(BUDGET_PROCESSES) == 1 && process_create(job, "p", &processes[0]) == ZX_OK);
    for (size_t i = 0; i < 2; i++) {
        process_end(processes[i]);
        object_handle_unref(&jobs[i]->object);
        object_unref(&jobs[i]->object);
    }
    EXPECT(used(BUDGET_PROCESSES) == 0 && used(BUDGET_JOBS) == 0);
    job_end();
}

KTEST("job/a thread is charged for its stack from its start on; without room for it it is not started") {
    struct process *process;
    struct user_thread *thread;
    NEED(job_begin() && process_create(job, "p", &process) == ZX_OK);
    NEED(user_thread_create(process, "t", &thread) == ZX_OK);
    NEED(budget_set_limit(job->budget, BUDGET_MEMORY, KSTACK_PAGES - 1) == ZX_OK);
    EXPECT(process_start(process, thread, 0, 0, (struct handle){0}, 0) == ZX_ERR_NO_MEMORY);
    EXPECT(used(BUDGET_MEMORY) == 0 && !thread->started);
    NEED(budget_set_limit(job->budget, BUDGET_MEMORY, KSTACK_PAGES) == ZX_OK);
    mutex_lock(&process->lock);
    mutex_assert_held(&thread->process->lock);
    EXPECT(user_thread_get_stack(thread) == ZX_OK);
    mutex_unlock(&process->lock);
    EXPECT(used(BUDGET_MEMORY) == KSTACK_PAGES);
    kstack_free(thread->stack, job->budget);
    EXPECT(used(BUDGET_MEMORY) == 0);
    object_unref(&thread->object);
    process_end(process);
    job_end();
}

KTEST("job/exactly as many handles as it may have, over all its processes") {
    struct process *processes[2];
    struct object *event;
    zx_handle_t values[5], value;
    NEED(job_begin() && event_create(&event) == ZX_OK);
    for (size_t i = 0; i < 2; i++) NEED(process_create(job, "p", &processes[i]) == ZX_OK);
    NEED(budget_set_limit(job->budget, BUDGET_HANDLES, 5) == ZX_OK);
    for (size_t i = 0; i < 5; i++) {
        struct handle_table *table = &processes[i % 2]->handles;
        NEED(handle_reserve(table, &values[i]) == ZX_OK);
        handle_publish(table, values[i], handle_make(event, ZX_RIGHT_SAME_RIGHTS));
    }
    for (size_t i = 0; i < 2; i++) EXPECT(handle_reserve(&processes[i]->handles, &value) == ZX_ERR_NO_MEMORY);
    EXPECT(used(BUDGET_HANDLES) == 5 && budget_used(root->budget, BUDGET_HANDLES) >= 5);
    EXPECT(handle_close(&processes[1]->handles, values[1]) == ZX_OK && used(BUDGET_HANDLES) == 4);
    NEED(handle_reserve(&processes[0]->handles, &value) == ZX_OK);
    EXPECT(used(BUDGET_HANDLES) == 5);
    handle_unreserve(&processes[0]->handles, value);
    for (size_t i = 0; i < 2; i++) process_end(processes[i]);
    EXPECT(used(BUDGET_HANDLES) == 0);
    object_unref(event);
    job_end();
}

KTEST("job/a handle that passes between two jobs counts in one of them, and needs no room in a job above both") {
    struct process *processes[2];
    struct object *event;
    struct handle handle;
    struct job *jobs[2];
    zx_handle_t value;
    NEED(job_begin() && event_create(&event) == ZX_OK && budget_set_limit(job->budget, BUDGET_HANDLES, 1) == ZX_OK);
    for (size_t i = 0; i < 2; i++) NEED(job_create(job, &jobs[i]) == ZX_OK);
    for (size_t i = 0; i < 2; i++) NEED(process_create(jobs[i], "p", &processes[i]) == ZX_OK);
    struct handle_table *from = &processes[0]->handles, *to = &processes[1]->handles;
    struct budget *writers = jobs[0]->budget, *readers = jobs[1]->budget;
    NEED(handle_reserve(from, &value) == ZX_OK);
    handle_publish(from, value, handle_make(event, ZX_RIGHT_SAME_RIGHTS));
    NEED(handle_move_out(from, value, &handle) == ZX_OK);
    EXPECT(used(BUDGET_HANDLES) == 1 && budget_used(writers, BUDGET_HANDLES) == 1);
    EXPECT(handle_reserve(from, &value) == ZX_ERR_NO_MEMORY);
    NEED(budget_set_limit(readers, BUDGET_HANDLES, 0) == ZX_OK);
    EXPECT(handle_reserve_many(to, &value, 1, writers) == ZX_ERR_NO_MEMORY);
    NEED(budget_set_limit(readers, BUDGET_HANDLES, 1) == ZX_OK);
    NEED(handle_reserve_many(to, &value, 1, writers) == ZX_OK);
    handle_unreserve_many(to, &value, 1, writers);
    EXPECT(budget_used(writers, BUDGET_HANDLES) == 1 && budget_used(readers, BUDGET_HANDLES) == 0);
    NEED(handle_reserve_many(to, &value, 1, writers) == ZX_OK);
    handle_publish_many(to, &value, &handle, 1, writers);
    EXPECT(budget_used(writers, BUDGET_HANDLES) == 0 && budget_used(readers, BUDGET_HANDLES) == 1);
    for (size_t i = 0; i < 2; i++) process_end(processes[i]);
    EXPECT(used(BUDGET_HANDLES) == 0);
    for (size_t i = 0; i < 2; i++) object_handle_unref(&jobs[i]->object);
    for (size_t i = 0; i < 2; i++) object_unref(&jobs[i]->object);
    object_unref(event);
    job_end();
}
