/*
 * Shared by the in-kernel tests; see support.h.
 */
#include "tests/kernel/support.h"

#include "arch/upcall.h"
#include "kernel/base/arith.h"
#include "kernel/sched/run_queue.h"
#include "vm/budget.h"
#include "vm/heap.h"
#include "vm/inject.h"
#include "vm/kstack.h"
#include "vm/page.h"

static uint64_t random_state = 1;

void random_seed(uint64_t seed) { random_state = seed * 2 + 1; }

/* Xorshift, multiplied: its low bits are as good as its high ones. */
uint64_t random_below(uint64_t limit) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (random_state * 0x2545f4914f6cdd1d >> 11) % limit;
}

struct page *memory_take_all(void) {
    struct page *taken = NULL;
    for (int order = PAGE_MAX_ORDER; order >= 0; order--) {
        struct page *run;
        while ((run = page_alloc_run((unsigned)order))) {
            run->link.le_next = taken;
            taken = run;
        }
    }
    return taken;
}

void memory_give_back(struct page *taken) {
    while (taken) {
        struct page *next = taken->link.le_next;
        page_free(taken);
        taken = next;
    }
}

#ifdef DEBUG
static unsigned fail_each(bool by_limit, zx_status_t (*act)(void *arg), bool (*unchanged)(void *arg), void *arg) {
    for (unsigned nth = 1;; nth++) {
        inject_arm(by_limit ? 0 : nth);
        if (by_limit && !inject_limit(nth - 1)) return 0;
        zx_status_t status = act(arg);
        bool fired = inject_fired();
        inject_arm(0);
        inject_unlimit();
        if (!fired) {
            EXPECT(status == ZX_OK);
            return nth - 1;
        }
        EXPECT(status == ZX_ERR_NO_MEMORY);
        EXPECT(unchanged(arg));
        if (status == ZX_OK || nth > 1000) return 0;
    }
}

unsigned fail_each_allocation(zx_status_t (*act)(void *arg), bool (*unchanged)(void *arg), void *arg) {
    return fail_each(false, act, unchanged, arg);
}

unsigned fail_at_each_limit(zx_status_t (*act)(void *arg), bool (*unchanged)(void *arg), void *arg) {
    return fail_each(true, act, unchanged, arg);
}
#else
unsigned fail_each_allocation(zx_status_t (*act)(void *arg), bool (*unchanged)(void *arg) UNUSED, void *arg) {
    EXPECT(act(arg) == ZX_OK);
    return 1;
}

unsigned fail_at_each_limit(zx_status_t (*act)(void *arg), bool (*unchanged)(void *arg), void *arg) {
    return fail_each_allocation(act, unchanged, arg);
}
#endif

struct vmo *vmo_of(uint64_t npages, bool resizable) {
    struct vmo *vmo;
    return vmo_create(PAGES(npages), resizable, &vmo) == ZX_OK ? vmo : NULL;
}

static uint8_t *vmo_byte(struct vmo *vmo, uint64_t offset, bool write) {
    struct vmo *store = vmo->store;
    struct vmo_page page;
    zx_status_t status = ZX_ERR_OUT_OF_RANGE;
    mutex_lock(&store->lock);
    if (offset < vmo->size) status = vmo_get_page(store, vmo->store_offset + offset, write, &page);
    mutex_unlock(&store->lock);
    return status == ZX_OK ? (uint8_t *)arch_phys_to_virt(page.pa) + (offset & PAGE_MASK) : NULL;
}

bool vmo_poke(struct vmo *vmo, uint64_t offset, uint8_t value) {
    uint8_t *byte = vmo_byte(vmo, offset, true);
    if (byte) *byte = value;
    return byte != NULL;
}

int vmo_peek(struct vmo *vmo, uint64_t offset) {
    const uint8_t *byte = vmo_byte(vmo, offset, false);
    return byte ? *byte : -1;
}

uint64_t vmo_frame(struct vmo *vmo, uint64_t offset) {
    const uint8_t *byte = vmo_byte(vmo, offset, false);
    return byte ? page_round_down(arch_virt_to_phys(byte).raw) : 0;
}

struct aspace *space_new(void) {
    struct aspace *as;
    return aspace_create(budget_current(), &as) == ZX_OK ? as : NULL;
}

void space_end(struct aspace *as) {
    aspace_destroy(as);
    aspace_unref(as);
}

vaddr_t map_pages(struct vmar *vmar, struct vmo *vmo, uint64_t first, size_t npages, uint32_t perms, uint32_t ceiling) {
    vaddr_t base;
    struct vmar_map args = {
        .options = perms, .vmo = vmo, .vmo_offset = PAGES(first), .len = PAGES(npages), .ceiling = ceiling};
    return vmar_map(vmar, &args, &base) == ZX_OK ? base : 0;
}

zx_status_t map_at(struct vmar *vmar, uint64_t at, struct vmo *vmo, uint64_t first, size_t npages,
                   zx_vm_option_t options) {
    vaddr_t base;
    struct vmar_map args = {.options = options,
                            .offset = PAGES(at),
                            .vmo = vmo,
                            .vmo_offset = PAGES(first),
                            .len = PAGES(npages),
                            .ceiling = PERM_ALL};
    return vmar_map(vmar, &args, &base);
}

/* The byte behind a translation that allows the access; NULL sends the program into a fault. */
static uint8_t *translated(struct aspace *as, vaddr_t va, bool write) {
    paddr_t pa;
    unsigned prot;
    if (!arch_mmu_query(&as->arch, va, &pa, &prot, NULL)) return NULL;
    if (write && !(prot & MMU_WRITE)) return NULL;
    return (uint8_t *)arch_phys_to_virt(pa) + (va & PAGE_MASK);
}

/* What a fault has loaded may be dropped again at once, while tables are given back. */
int user_load(struct aspace *as, vaddr_t va) {
    const uint8_t *byte = translated(as, va, false);
    for (int i = 0; i < 10 && !byte; i++) {
        if (aspace_fault(as, va, FAULT_USER) != ZX_OK) return -1;
        byte = translated(as, va, false);
    }
    return byte ? *byte : -1;
}

zx_status_t user_store(struct aspace *as, vaddr_t va, uint8_t value) {
    zx_status_t status = translated(as, va, true) ? ZX_OK : aspace_fault(as, va, FAULT_USER | FAULT_WRITE);
    if (status != ZX_OK) return status;
    uint8_t *byte = translated(as, va, true);
    if (!byte) return ZX_ERR_INTERNAL;
    *byte = value;
    return ZX_OK;
}

bool is_loaded(struct aspace *as, vaddr_t va) { return translated(as, va, false) != NULL; }
bool is_writable(struct aspace *as, vaddr_t va) { return translated(as, va, true) != NULL; }

/* Nobody else uses the address space or its VMOs meanwhile, so no lock is needed. */
static bool translation_true(vaddr_t va, paddr_t pa, unsigned prot, void *arg) NO_THREAD_SAFETY {
    const struct mapping *m = aspace_find(arg, va);
    struct vmo_page page;
    if (!m) return false;
    uint64_t offset = m->offset + (va - m->region.base);
    if (offset >= m->vmo->size || vmo_get_page(m->vmo->store, m->vmo->store_offset + offset, false, &page) != ZX_OK)
        return false;
    bool may_write = page.writable && (m->perms & PERM_WRITE);
    return page.pa.raw == pa.raw && (may_write || !(prot & MMU_WRITE)) &&
           ((m->perms & PERM_EXECUTE) || !(prot & MMU_EXECUTE));
}

bool translations_true(struct aspace *as) { return arch_mmu_visit(&as->arch, translation_true, as); }

static void runner_main(void *arg) {
    struct runner *r = arg;
    r->run(r->arg);
    if (r->thread.aspace) {
        r->thread.aspace = NULL;
        r->thread.arch_aspace = NULL;
        arch_leave_aspace();
    }
}

static void runner_reap(struct thread *t) {
    struct runner *r = container_of(t, struct runner, thread);
    kstack_free(r->stack, &root_budget);
    atomic_store(&r->gone, true);
}

bool runner_start(struct runner *r, struct aspace *as, void (*run)(void *arg), void *arg) {
    r->stack = kstack_alloc(&root_budget);
    if (!r->stack) return false;
    r->run = run;
    r->arg = arg;
    atomic_store(&r->gone, false);
    r->thread = (struct thread){0};
    thread_init(&r->thread, runner_main, r, runner_reap);
    thread_give_stack(&r->thread, r->stack, KSTACK_SIZE);
    r->thread.aspace = as;
    r->thread.arch_aspace = as ? &as->arch : NULL;
    thread_start(&r->thread);
    return true;
}

void runner_join(struct runner *r) {
    while (!atomic_load(&r->gone)) thread_yield();
}

void runner_settle(struct runner *r) {
    enum thread_state state;
    do {
        thread_yield();
        struct run_queue *queue = run_queue_lock_of(&r->thread);
        state = r->thread.state;
        run_queue_unlock(queue);
    } while (state != THREAD_BLOCKED && state != THREAD_DEAD);
}

bool run_in(struct aspace *as, void (*run)(void *arg), void *arg) {
    struct runner r;
    if (!runner_start(&r, as, run, arg)) return false;
    runner_join(&r);
    return true;
}

bool turns_are_kept(void) {
#ifdef DEBUG
    if (switch_points_on) return false;
#endif
    return sched_cpu_count() == 1;
}
