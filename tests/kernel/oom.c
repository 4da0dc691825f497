/*
 * Which program ends when memory runs out: the rule, on trees of jobs whose processes have not been started; and that
 * it ends, for the machine's want and for a limit's.
 */
#include "kernel/object/oom.h"

#include <zircon/syscalls/object.h>

#include "kernel/object/process.h"
#include "kernel/object/resource.h"
#include "tests/kernel/support.h"
#include "vm/budget.h"
#include "vm/page.h"

/* A process that holds so many pages, which its job is charged with. */
static bool member_make(struct job *job, size_t pages, bool mapped, struct process **out) {
    zx_handle_t value;
    struct budget *own = budget_assume(job->budget);
    struct vmo *vmo = vmo_of(pages, false);
    bool good = vmo && vmo_commit(vmo, 0, PAGES(pages)) == ZX_OK && process_create(job, "member", out) == ZX_OK;
    if (good && mapped) good = map_pages((*out)->root, vmo, 0, pages, RW, PERM_ALL) != 0;
    if (good && !mapped) good = handle_reserve(&(*out)->handles, &value) == ZX_OK;
    if (good && !mapped) handle_publish(&(*out)->handles, value, handle_make(&vmo->object, ZX_RIGHT_READ));
    (void)budget_assume(own);
    if (vmo) vmo_unref(vmo);
    return good;
}

static bool give_root_resource(struct process *process) {
    struct object *resource;
    zx_handle_t value;
    if (resource_create_root(&resource) != ZX_OK) return false;
    bool good = handle_reserve(&process->handles, &value) == ZX_OK;
    if (good) handle_publish(&process->handles, value, handle_make(resource, ZX_RIGHT_READ));
    object_unref(resource);
    return good;
}

/* Closes the caller's handle to a process, so that it dies if it never ran. */
static void member_end(struct process *process) {
    object_handle_unref(&process->object);
    object_unref(&process->object);
}

static bool chosen(struct job *root, const struct process *expected) {
    struct oom_choice choice = oom_choose(root);
    if (choice.victim) object_unref(&choice.victim->object);
    if (choice.dying) object_unref(&choice.dying->object);
    return choice.victim == expected;
}

/* Two jobs below a root, the second with one below it; and processes. */
static struct tree {
    struct job *root, *first, *second, *inner;
    struct process *p[4];
} tree;

static bool tree_make(void) {
    tree = (struct tree){0};
    return job_create_root(&tree.root) == ZX_OK && job_create(tree.root, &tree.first) == ZX_OK &&
           job_create(tree.root, &tree.second) == ZX_OK && job_create(tree.second, &tree.inner) == ZX_OK;
}

static void job_end(struct job *job) {
    object_handle_unref(&job->object);
    object_unref(&job->object);
}

static void tree_end(void) {
    for (size_t i = 0; i < countof(tree.p); i++) {
        if (tree.p[i]) member_end(tree.p[i]);
    }
    job_end(tree.inner);
    job_end(tree.second);
    job_end(tree.first);
    object_unref(&tree.root->object);
}

KTEST("oom/the job that has most, with what is below it; in it the largest, job or process; the next; then none") {
    NEED(tree_make());
    NEED(member_make(tree.first, 100, true, &tree.p[0]) && member_make(tree.second, 50, true, &tree.p[1]) &&
         member_make(tree.inner, 80, true, &tree.p[2]));
    EXPECT(chosen(tree.root, tree.p[2]) && chosen(tree.second, tree.p[2]) && chosen(tree.first, tree.p[0]));
    process_kill(tree.p[2], 0);
    EXPECT(chosen(tree.root, tree.p[0]) && chosen(tree.second, tree.p[1]));
    process_kill(tree.p[0], 0);
    EXPECT(chosen(tree.root, tree.p[1]));
    process_kill(tree.p[1], 0);
    EXPECT(chosen(tree.root, NULL));
    tree_end();
}

KTEST("oom/in it the largest process, whether it has mapped its memory or has only handles to it") {
    NEED(tree_make());
    NEED(member_make(tree.first, 20, true, &tree.p[0]) && member_make(tree.first, 40, false, &tree.p[1]) &&
         member_make(tree.first, 30, true, &tree.p[2]));
    EXPECT(chosen(tree.root, tree.p[1]));
    process_kill(tree.p[1], 0);
    EXPECT(chosen(tree.root, tree.p[2]));
    tree_end();
}

KTEST("oom/a VMO that has another handle does not go with a process") {
    struct handle held;
    uint32_t index = 0;
    NEED(tree_make());
    NEED(member_make(tree.first, 40, false, &tree.p[0]) && member_make(tree.first, 30, true, &tree.p[1]));
    NEED(handle_next(&tree.p[0]->handles, &index, &held));
    object_handle_ref(held.object);
    EXPECT(chosen(tree.root, tree.p[1]));
    object_handle_unref(held.object);
    EXPECT(chosen(tree.root, tree.p[0]));
    object_unref(held.object);
    tree_end();
}

KTEST("oom/one that has the root resource is passed over, and its job if there is no other") {
    NEED(tree_make());
    NEED(member_make(tree.first, 100, true, &tree.p[0]) && member_make(tree.first, 10, true, &tree.p[1]) &&
         member_make(tree.second, 50, true, &tree.p[2]));
    NEED(give_root_resource(tree.p[0]));
    EXPECT(chosen(tree.root, tree.p[1]));
    process_kill(tree.p[1], 0);
    EXPECT(chosen(tree.root, tree.p[2]));
    process_kill(tree.p[2], 0);
    EXPECT(chosen(tree.root, NULL));
    tree_end();
}

KTEST("oom/before its siblings a job that has KILL_ON_OOM, with what is below it, and whatever its processes hold") {
    NEED(tree_make());
    NEED(member_make(tree.first, 100, true, &tree.p[0]) && member_make(tree.second, 5, true, &tree.p[1]) &&
         member_make(tree.inner, 10, true, &tree.p[2]));
    atomic_store(&tree.second->kill_on_oom, true);
    EXPECT(give_root_resource(tree.p[2]) && chosen(tree.root, tree.p[2]));
    atomic_store(&tree.inner->kill_on_oom, true);
    EXPECT(chosen(tree.root, tree.p[2]));
    atomic_store(&tree.first->kill_on_oom, true);
    EXPECT(chosen(tree.root, tree.p[0]));
    process_kill(tree.p[0], 0);
    process_kill(tree.p[2], 0);
    EXPECT(chosen(tree.root, tree.p[1]));
    process_kill(tree.p[1], 0);
    EXPECT(chosen(tree.root, NULL));
    tree_end();
}

KTEST("oom/KILL_ON_OOM says nothing about others than its siblings: nobody puts small jobs before what is large") {
    NEED(tree_make());
    NEED(member_make(tree.first, 100, true, &tree.p[0]) && member_make(tree.second, 30, true, &tree.p[1]) &&
         member_make(tree.inner, 10, true, &tree.p[2]));
    atomic_store(&tree.inner->kill_on_oom, true);
    EXPECT(chosen(tree.root, tree.p[0]) && chosen(tree.second, tree.p[2]));
    atomic_store(&tree.second->marks_pause, ZX_TIME_INFINITE);
    EXPECT(chosen(tree.second, tree.p[1]));
    tree_end();
}

KTEST("oom/what was made later is not looked at: a walk has an end") {
    zx_koid_t koid = 0;
    struct object *object;
    NEED(tree_make() && member_make(tree.first, 10, true, &tree.p[0]));
    const zx_koid_t last = koid_last();
    struct job *later;
    NEED(job_create(tree.first, &later) == ZX_OK && member_make(tree.first, 20, true, &tree.p[1]));
    EXPECT((object = members_next(&tree.first->processes, &koid, last)) == &tree.p[0]->object);
    object_unref(object);
    EXPECT(!members_next(&tree.first->processes, &koid, last) && koid == tree.p[0]->object.koid);
    EXPECT((object = members_next(&tree.first->processes, &koid, koid_last())) == &tree.p[1]->object);
    object_unref(object);
    object_ref(&tree.first->object);
    EXPECT(!job_walk_next(tree.first, tree.first, last));
    job_end(later);
    tree_end();
}

static bool is_alive(struct process *process) { return !process_is_dying(process); }

static bool ended_for_memory(struct process *process) {
    struct process_info info;
    process_get_info(process, &info);
    return info.exited && info.return_code == ZX_TASK_RETCODE_OOM_KILL;
}

KTEST("oom/with nothing left one process ends at a time, and then there is what it had") {
    NEED(tree_make());
    NEED(member_make(tree.first, 100, true, &tree.p[0]) && member_make(tree.second, 200, true, &tree.p[1]));
    oom_begin(tree.root);
    EXPECT(upcall_out_of_memory(&root_budget, false) == ZX_OK && is_alive(tree.p[1])); /* there is memory */
    struct page *all = memory_take_all();
    EXPECT(upcall_out_of_memory(&root_budget, false) == ZX_OK && pages_left(200));
    EXPECT(is_alive(tree.p[0]) && ended_for_memory(tree.p[1]));
    struct page *more = memory_take_all();
    EXPECT(upcall_out_of_memory(&root_budget, true) == ZX_OK && pages_left(100) && ended_for_memory(tree.p[0]));
    struct page *rest = memory_take_all();
    EXPECT(upcall_out_of_memory(&root_budget, false) == ZX_ERR_NO_MEMORY);
    oom_begin(NULL);
    EXPECT(upcall_out_of_memory(&root_budget, false) == ZX_ERR_NO_MEMORY);
    memory_give_back(rest);
    memory_give_back(more);
    memory_give_back(all);
    tree_end();
}

static bool limit_to_used(struct job *job) {
    return budget_set_limit(job->budget, BUDGET_MEMORY, budget_used(job->budget, BUDGET_MEMORY)) == ZX_OK;
}

/* A thread of a process for whose fault the second job's limit leaves nothing. */
static void lack(void *status) { *(zx_status_t *)status = upcall_out_of_memory(tree.second->budget, true); }

KTEST("oom/a limit is reached: who has most below it ends, and nobody else; unless that is whose fault it is") {
    zx_status_t status = ZX_ERR_INTERNAL;
    NEED(tree_make());
    NEED(member_make(tree.first, 300, true, &tree.p[0]) && member_make(tree.second, 50, true, &tree.p[1]) &&
         member_make(tree.inner, 80, true, &tree.p[2]) && limit_to_used(tree.second));
    EXPECT(run_in(tree.p[2]->aspace, lack, &status) && status == ZX_ERR_NO_MEMORY);
    EXPECT(is_alive(tree.p[0]) && is_alive(tree.p[1]) && is_alive(tree.p[2]));
    EXPECT(run_in(tree.p[1]->aspace, lack, &status) && status == ZX_OK);
    EXPECT(is_alive(tree.p[0]) && is_alive(tree.p[1]) && ended_for_memory(tree.p[2]));
    EXPECT(run_in(tree.p[1]->aspace, lack, &status) && status == ZX_OK && is_alive(tree.p[1])); /* there is room */
    NEED(limit_to_used(tree.second));
    EXPECT(run_in(tree.p[1]->aspace, lack, &status) && status == ZX_ERR_NO_MEMORY && is_alive(tree.p[1]));
    tree_end();
}

KTEST("oom/after one that ended for its KILL_ON_OOM the siblings are chosen by size, for a second") {
    zx_status_t status = ZX_ERR_INTERNAL;
    struct job *small;
    NEED(tree_make() && job_create(tree.second, &small) == ZX_OK);
    NEED(member_make(tree.second, 90, true, &tree.p[0]) && member_make(tree.inner, 50, true, &tree.p[1]) &&
         member_make(small, 5, true, &tree.p[2]) && member_make(tree.first, 1, true, &tree.p[3]));
    atomic_store(&tree.inner->kill_on_oom, true);
    atomic_store(&small->kill_on_oom, true);
    EXPECT(limit_to_used(tree.second) && run_in(tree.p[3]->aspace, lack, &status) && status == ZX_OK);
    EXPECT(ended_for_memory(tree.p[1]) && chosen(tree.second, tree.p[0]));
    atomic_store(&tree.second->marks_pause, 0);
    EXPECT(chosen(tree.second, tree.p[2]));
    job_end(small);
    tree_end();
}

KTEST("oom/one that was killed and is not gone yet is waited for, and no other ends, and no fault is in vain") {
    static struct runner faults;
    static zx_status_t status;
    NEED(tree_make());
    NEED(member_make(tree.second, 90, true, &tree.p[0]) && member_make(tree.inner, 50, true, &tree.p[1]) &&
         limit_to_used(tree.second));
    atomic_store(&tree.p[1]->state, PROCESS_DYING);
    NEED(runner_start(&faults, tree.p[0]->aspace, lack, &status));
    runner_settle(&faults);
    EXPECT(!atomic_load(&faults.gone) && is_alive(tree.p[0]));
    atomic_store(&tree.p[1]->state, PROCESS_INITIAL);
    process_kill(tree.p[1], 7);
    runner_join(&faults);
    EXPECT(status == ZX_OK && is_alive(tree.p[0]) && !ended_for_memory(tree.p[1]));
    tree_end();
}
