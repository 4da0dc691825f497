/*
 * Self-checks; see selfcheck.h. A baseline is compared after all that can be reclaimed has been freed, so that it
 * counts only what is held; the rings of tracing count as free. But for a part of a test page tables stay: it may be
 * about to try what it can do without memory, and needs its own.
 */
#include "kernel/object/selfcheck.h"

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "kernel/base/lockrank.h"
#include "kernel/base/log.h"
#include "kernel/object/handle.h"
#include "kernel/object/ktrace.h"
#include "kernel/sched/thread.h"
#include "vm/aspace.h"
#include "vm/budget.h"
#include "vm/kstack.h"
#include "vm/mapping.h"
#include "vm/page.h"

struct counts {
    size_t free_pages, heap_bytes, objects, handles, loose_handles;
};

static struct counts baselines[BASELINE_COUNT];

static struct counts count_now(enum baseline which) {
    if (which == BASELINE_OUTER) reclaim(&root_budget);
    budgets_trim(&root_budget);
    kstack_trim();
    return (struct counts){pages_free() + ktrace_pages(), heap_bytes(), object_count(), handle_count(),
                           handle_count_loose()};
}

void selfcheck_baseline(enum baseline which) { baselines[which] = count_now(which); }

static bool same(const char *what, size_t now, size_t then) {
    if (now != then) log_line("leak check: %s now %zu, before %zu", what, now, then);
    return now == then;
}

zx_status_t selfcheck_leaks(enum baseline which) {
    struct counts now = count_now(which), before = baselines[which];
    bool pages = same("free pages", now.free_pages, before.free_pages);
    bool heap = same("heap bytes", now.heap_bytes, before.heap_bytes);
    bool objects = same("objects", now.objects, before.objects);
    bool handles = same("handles", now.handles, before.handles);
    bool loose = same("handles that no job counts", now.loose_handles, before.loose_handles);
    bool budgets = budgets_sound();
    if (!budgets) log_line("leak check: what budgets count is not what there is");
    return pages && heap && objects && handles && loose && budgets ? ZX_OK : ZX_ERR_BAD_STATE;
}

/* A user translation must lead to an allocated frame, and allow no more than the mapping that it belongs to. */
static bool translation_sound(vaddr_t va, paddr_t pa, unsigned prot, void *arg) {
    struct aspace *as = arg;
    mutex_assert_held(&as->lock);
    const struct mapping *m = aspace_find(as, va);
    bool ours = m && (m->vmo->kind == VMO_PHYSICAL || page_in_use(pa));
    bool sound = ours && (!(prot & MMU_WRITE) || (m->perms & PERM_WRITE)) &&
                 (!(prot & MMU_EXECUTE) || (m->perms & PERM_EXECUTE));
    if (!sound) log_line("unsound translation: %#lx to %#lx, protection %u", va, pa.raw, prot);
    return sound;
}

static bool current_translations_sound(void) {
    struct aspace *as = thread_current()->aspace;
    if (!as) return true;
    aspace_lock(as);
    mutex_lock(&as->translations_lock);
    bool sound = arch_mmu_visit(&as->arch, translation_sound, as);
    mutex_unlock(&as->translations_lock);
    mutex_unlock(&as->lock);
    return sound;
}

zx_status_t selfcheck_invariants(void) {
    lock_rank_assert_none();
    bool processor = arch_invariants_hold();
    if (!processor) log_line("processor state is not what it must be");
    bool kernel = kstack_tables_sound();
    if (!kernel) log_line("kernel page tables are unsound");
    return processor && kernel && current_translations_sound() ? ZX_OK : ZX_ERR_INTERNAL;
}
