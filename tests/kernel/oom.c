/*
 * Which program ends when memory runs out: the rule, on trees of jobs whose processes have not been started; and that
 * it ends.
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
    struct process *process = oom_choose(root);
    if (process) object_unref(&process->object);
    return process == expected;
}

/* Two jobs below a root, the second with one below it. */
static struct tree { struct job *root, *first, *second, *inner; } tree;

static bool tree_make(void) {
    return job_create_root(&tree.root) == ZX_OK && job_create(tree.root, &tree.first) == ZX_OK &&
           job_create(tree.root, &tree.second) == ZX_OK && job_create(tree.second, &tree.inner) == ZX_OK;
}

static void job_end(struct job *job) {
    object_handle_unref(&job->object);
    object_unref(&job->object);
}

static void tree_end(void) {
    job_end(tree.inner);
    job_end(tree.second);
    job_end(tree.first);
    object_unref(&tree.root->object);
}

KTEST("oom/the job that has most of its own, not counting what is below it; then the next; then none") {
    struct process *p[3];
    NEED(tree_make());
    NEED(member_make(tree.first, 100, true, &p[0]) && member_make(tree.second, 50, true, &p[1]) &&
         member_make(tree.inner, 80, true, &p[2]));
    EXPECT(chosen(tree.root, p[0]));
    process_kill(p[0], 0);
    EXPECT(chosen(tree.root, p[2]));
    process_kill(p[2], 0);
    EXPECT(chosen(tree.root, p[1]));
    process_kill(p[1], 0);
    EXPECT(chosen(tree.root, NULL));
    for (size_t i = 0; i < countof(p); i++) member_end(p[i]);
    tree_end();
}

KTEST("oom/in it the largest process, whether it has mapped its memory or has only handles to it") {
    struct process *p[3];
    NEED(tree_make());
    NEED(member_make(tree.first, 20, true, &p[0]) && member_make(tree.first, 40, false, &p[1]) &&
         member_make(tree.first, 30, true, &p[2]));
    EXPECT(chosen(tree.root, p[1]));
    process_kill(p[1], 0);
    EXPECT(chosen(tree.root, p[2]));
    for (size_t i = 0; i < countof(p); i++) member_end(p[i]);
    tree_end();
}

KTEST("oom/one that has the root resource is passed over, and its job if there is no other") {
    struct process *p[3];
    NEED(tree_make());
    NEED(member_make(tree.first, 100, true, &p[0]) && member_make(tree.first, 10, true, &p[1]) &&
         member_make(tree.second, 50, true, &p[2]));
    NEED(give_root_resource(p[0]));
    EXPECT(chosen(tree.root, p[1]));
    process_kill(p[1], 0);
    EXPECT(chosen(tree.root, p[2]));
    process_kill(p[2], 0);
    EXPECT(chosen(tree.root, NULL));
    for (size_t i = 0; i < countof(p); i++) member_end(p[i]);
    tree_end();
}

KTEST("oom/before all others a job that has KILL_ON_OOM, with what is below it, and whatever its processes hold") {
    struct process *p[3];
    NEED(tree_make());
    NEED(member_make(tree.first, 100, true, &p[0]) && member_make(tree.second, 5, true, &p[1]) &&
         member_make(tree.inner, 10, true, &p[2]));
    atomic_store(&tree.second->kill_on_oom, true);
    EXPECT(give_root_resource(p[2]) && chosen(tree.root, p[2]));
    atomic_store(&tree.inner->kill_on_oom, true);
    EXPECT(chosen(tree.root, p[2]));
    atomic_store(&tree.first->kill_on_oom, true);
    EXPECT(chosen(tree.root, p[0]));
    process_kill(p[0], 0);
    process_kill(p[2], 0);
    EXPECT(chosen(tree.root, p[1]));
    process_kill(p[1], 0);
    EXPECT(chosen(tree.root, NULL));
    for (size_t i = 0; i < countof(p); i++) member_end(p[i]);
    tree_end();
}

KTEST("oom/with nothing left one process ends in each round, and then there is what it had") {
    struct process *p[2];
    struct process_info info[2];
    NEED(tree_make() && member_make(tree.first, 100, true, &p[0]) && member_make(tree.second, 200, true, &p[1]));
    EXPECT(upcall_out_of_memory(false) == ZX_ERR_NO_MEMORY);
    oom_begin(tree.root);
    EXPECT(upcall_out_of_memory(false) == ZX_OK && !process_is_dying(p[1])); /* there is memory */
    struct page *all = memory_take_all();
    EXPECT(upcall_out_of_memory(false) == ZX_OK && pages_left(200));
    process_get_info(p[0], &info[0]);
    process_get_info(p[1], &info[1]);
    EXPECT(!info[0].exited && info[1].exited && info[1].return_code == ZX_TASK_RETCODE_OOM_KILL);
    struct page *more = memory_take_all();
    EXPECT(upcall_out_of_memory(true) == ZX_OK && pages_left(100));
    process_get_info(p[0], &info[0]);
    EXPECT(info[0].exited && info[0].return_code == ZX_TASK_RETCODE_OOM_KILL);
    struct page *rest = memory_take_all();
    EXPECT(upcall_out_of_memory(false) == ZX_ERR_NO_MEMORY);
    oom_begin(NULL);
    memory_give_back(rest);
    memory_give_back(more);
    memory_give_back(all);
    for (size_t i = 0; i < countof(p); i++) member_end(p[i]);
    tree_end();
}
