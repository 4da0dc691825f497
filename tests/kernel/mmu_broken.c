/*
 * Translations that the processor cannot use, because the address they lead to has more bits than it knows: they end
 * what meets them, a copy or a program, and not the machine. No call can make one, so these tests do.
 */
#include <zircon/syscalls/object.h>

#include "arch/usercopy.h"
#include "kernel/object/process.h"
#include "kernel/object/user_thread.h"
#include "kernel/object/wait.h"
#include "tests/kernel/support.h"

#define BROKEN (USER_BASE + PAGE_SIZE)

/* False also where every address that an entry can hold is good. */
static bool break_at(struct aspace *as, vaddr_t va) {
    if (arch_phys_end() >= (uint64_t)1 << 51) return false;
    return arch_mmu_map(&as->arch, va, (paddr_t){arch_phys_end()}, PAGE_SIZE, MMU_WRITE | MMU_EXECUTE,
                        ZX_CACHE_POLICY_CACHED) == ZX_OK;
}

struct copies {
    uint64_t word;
    size_t from, to, stored;
};

static void copies_run(void *arg) {
    struct copies *c = arg;
    c->from = arch_copy_from_user(&c->word, BROKEN, sizeof(c->word));
    c->to = arch_copy_to_user(BROKEN, &c->word, sizeof(c->word));
    c->stored = arch_store_to_user(BROKEN, c->word);
}

KTEST("mmu/a copy that meets a translation with reserved bits ends there") {
    struct copies c = {0};
    struct aspace *as = space_new();
    NEED(as && break_at(as, BROKEN));
    EXPECT(run_in(as, copies_run, &c));
    EXPECT(c.from == sizeof(c.word) && c.to == sizeof(c.word) && c.stored == sizeof(c.word));
    space_end(as);
}

static bool terminates(struct process *process) {
    zx_signals_t observed;
    struct process_info info;
    if (object_wait_one(&process->object, NULL, NULL, ZX_PROCESS_TERMINATED, ZX_SEC(3600), &observed) != ZX_OK)
        return false;
    process_get_info(process, &info);
    return info.exited && info.return_code == ZX_TASK_RETCODE_EXCEPTION_KILL;
}

KTEST("mmu/a program that meets a translation with reserved bits crashes, alone") {
    struct job *job;
    struct process *process;
    struct user_thread *thread;
    NEED(job_create_root(&job) == ZX_OK && process_create(job, "broken", &process) == ZX_OK &&
         user_thread_create(process, "broken", &thread) == ZX_OK);
    NEED(break_at(process->aspace, BROKEN));
    EXPECT(process_start(process, thread, BROKEN, BROKEN, (struct handle){0}, 0) == ZX_OK && terminates(process));
    while (atomic_load(&thread->object.refs) != 1) thread_yield();
    object_unref(&thread->object);
    object_unref(&process->object);
    object_unref(&job->object);
}
