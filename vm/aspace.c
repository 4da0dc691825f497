/* Address spaces and page faults; see aspace.h. */
#include "vm/aspace.h"

#include "arch/cache.h"
#include "arch/ioports.h"
#include "arch/upcall.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/trace.h"
#include "kernel/sched/thread.h"
#include "vm/heap.h"
#include "vm/mapping.h"
#include "vm/vmar.h"

zx_status_t aspace_create(struct budget *budget, struct aspace **out) {
    struct rooted_aspace *both = heap_new(struct rooted_aspace);
    if (!both) return ZX_ERR_NO_MEMORY;
    struct aspace *as = &both->aspace;
    zx_status_t status = arch_mmu_init(&as->arch);
    if (status != ZX_OK) {
        heap_free(both);
        return status;
    }
    atomic_init(&as->refs, 1);
    mutex_init(&as->lock, RANK_ASPACE, "address space");
    mutex_init(&as->translations_lock, RANK_TRANSLATIONS, "translations");
    mutex_init(&as->futex_lock, RANK_FUTEX, "futexes");
    RB_INIT(&as->futexes);
    vmar_init_root(&both->root, as);
    as->root = &both->root;
    for (unsigned i = 0; i < CPU_PARTS; i++) {
        atomic_init(&as->parts[i].found, &mapping_none);
        atomic_init(&as->parts[i].found_before, &mapping_none);
        atomic_init(&as->parts[i].near, as->root);
    }
    as->budget = budget;
    reclaim_begin(as);
    *out = as;
    return ZX_OK;
}

void aspace_unref(struct aspace *as) {
    if (!refcount_unref(&as->refs)) return;
    ASSERT(as->state == ASPACE_DEAD && RB_EMPTY(&as->futexes));
    heap_free(container_of(as, struct rooted_aspace, aspace));
}

void aspace_begin_death(struct aspace *as) {
    aspace_lock(as);
    if (as->state == ASPACE_ALIVE) as->state = ASPACE_DYING;
    mutex_unlock(&as->lock);
}

struct region *region_walk_next(struct region *r, size_t *depth) {
    if (r->kind == REGION_VMAR && !RB_EMPTY(&vmar_from_region(r)->children)) {
        ++*depth;
        return region_first(&vmar_from_region(r)->children);
    }
    struct region *next = NULL;
    for (; r->parent && !(next = region_next(r)); r = &r->parent->region) --*depth;
    return next;
}

void aspace_destroy(struct aspace *as) {
    /* First, so that a listing finds all regions, or a dead address space. */
    aspace_lock(as);
    as->state = ASPACE_DEAD;
    mutex_unlock(&as->lock);
    /* Its owner may have destroyed the root already. */
    (void)!vmar_destroy(as->root);
    reclaim_end(as);
    arch_mmu_destroy(&as->arch);
    object_unref(&as->root->object);
}

bool aspace_is_dead(struct aspace *as) {
    aspace_lock(as);
    bool dead = as->state == ASPACE_DEAD;
    mutex_unlock(&as->lock);
    return dead;
}

/* Starts where the last search ended, and walks up and down: a nearby region is found at once, however deep it is. */
struct mapping *aspace_search(struct aspace_part *part, vaddr_t addr) {
    struct mapping *m = atomic_load_explicit(&part->found_before, memory_order_relaxed);
    if (mapping_holds(m, addr)) return m;
    struct vmar *vmar = atomic_load_explicit(&part->near, memory_order_relaxed);
    struct region *r;
    while (vmar->region.parent && addr - vmar->region.base >= vmar->region.len) vmar = vmar->region.parent;
    while ((r = region_find(&vmar->children, addr)) && r->kind == REGION_VMAR) vmar = vmar_from_region(r);
    atomic_store_explicit(&part->near, vmar, memory_order_relaxed);
    if (!r) return NULL;
    m = atomic_load_explicit(&part->found, memory_order_relaxed);
    atomic_store_explicit(&part->found_before, m, memory_order_relaxed);
    m = mapping_from_region(r);
    atomic_store_explicit(&part->found, m, memory_order_relaxed);
    return m;
}

static void hint_clear(_Atomic(struct mapping *) *hint, const struct mapping *m) {
    if (atomic_load_explicit(hint, memory_order_relaxed) == m)
        atomic_store_explicit(hint, &mapping_none, memory_order_relaxed);
}

void aspace_forget(struct aspace *as, const struct mapping *m) {
    for (unsigned i = 0; i < CPU_PARTS; i++) {
        hint_clear(&as->parts[i].found, m);
        hint_clear(&as->parts[i].found_before, m);
    }
}

void aspace_forget_vmar(struct aspace *as, const struct vmar *vmar) {
    for (unsigned i = 0; i < CPU_PARTS; i++) {
        _Atomic(struct vmar *) *near = &as->parts[i].near;
        if (atomic_load_explicit(near, memory_order_relaxed) == vmar)
            atomic_store_explicit(near, vmar->region.parent, memory_order_relaxed);
    }
}

void aspace_drop(struct aspace *as, vaddr_t base, size_t len) {
    if (len == 0) return;
    mutex_lock(&as->translations_lock);
    arch_mmu_drop(&as->arch, base, len);
    mutex_unlock(&as->translations_lock);
}

void aspace_write_protect(struct aspace *as, vaddr_t base, size_t len) {
    mutex_lock(&as->translations_lock);
    arch_mmu_write_protect(&as->arch, base, len);
    mutex_unlock(&as->translations_lock);
}

zx_status_t aspace_allow_ports(struct aspace *as, uint32_t first, uint32_t count) {
    mutex_lock(&as->translations_lock);
    zx_status_t status = arch_ioports_allow(&as->arch, first, count);
    mutex_unlock(&as->translations_lock);
    return status;
}

/*
 * Does the whole large page that `va` lies `into` bytes into lie in the mapping, in the VMO, and on one run of frames?
 */
static bool fits_large(const struct mapping *m, vaddr_t va, size_t into) {
    if (m->vmo->kind == VMO_PAGED || va % MMU_LARGE_PAGE != into) return false;
    uint64_t in_vmo = m->offset + (va - m->region.base) - into;
    return range_within(va - into, MMU_LARGE_PAGE, m->region.base, m->region.len) &&
           range_within(in_vmo, MMU_LARGE_PAGE, 0, m->vmo->size);
}

static ALWAYS_INLINE unsigned prot_of(const struct mapping *m, bool writable) {
    return ((m->perms & PERM_WRITE) && writable ? MMU_WRITE : 0) | (m->perms & PERM_EXECUTE ? MMU_EXECUTE : 0);
}

zx_status_t aspace_load(struct aspace *as, struct mapping *m, vaddr_t va, const struct vmo_page *page, vaddr_t *end) {
    struct vmo *store = m->vmo->store;
    mutex_assert_held(&store->lock);
    const unsigned prot = prot_of(m, page->writable);
    paddr_t pa = page->pa;
    if (pa.raw == page_phys(vmo_zero_page).raw) vmo_hole_shown(store, mapping_store_offset(m) + (va - m->region.base));
    size_t size = PAGE_SIZE, into = pa.raw % MMU_LARGE_PAGE;
    if (fits_large(m, va, into)) {
        size = MMU_LARGE_PAGE;
        va -= into;
        pa.raw -= into;
    }
    *end = va + size;
    mapping_note_loaded(m, va, *end);
    /* The firmware, or this VMO under another policy, may have left lines of it in the caches. */
    if (unlikely(m->vmo->kind == VMO_PHYSICAL)) arch_cache_flush(pa, size);
    mutex_lock(&as->translations_lock);
    zx_status_t status = arch_mmu_map(&as->arch, va, pa, size, prot, store->cache_policy);
    mutex_unlock(&as->translations_lock);
    return status;
}

/*
 * The pages beside the one at `va`, which was read and is loaded: a program that reads one reads others nearby. Only
 * those that the store has at hand, and of its own.
 */
#define BESIDE 8
static NOINLINE void load_beside(struct vmo *store, struct mapping *m, vaddr_t va) REQUIRES(&store->lock) {
    struct aspace *as = m->aspace;
    const vaddr_t window = va & ~(BESIDE * PAGE_SIZE - 1), shown = min_u64(m->region.len, m->vmo->size - m->offset);
    const vaddr_t base = max_u64(window, m->region.base);
    const vaddr_t end = min_u64(window + BESIDE * PAGE_SIZE, m->region.base + shown);
    paddr_t pages[BESIDE];
    unsigned count = 0, found = 0;
    uint64_t offset = mapping_store_offset(m) + (base - m->region.base);
    for (vaddr_t at = base; at < end; at += PAGE_SIZE, offset += PAGE_SIZE) {
        void *near;
        const bool is_near = vmo_near_page(store, offset, true, &near);
        pages[count++] = is_near ? arch_virt_to_phys(near) : (paddr_t){0};
        found += is_near;
    }
    if (found <= 1) return;
    mapping_note_loaded(m, base, base + count * PAGE_SIZE);
    mutex_lock(&as->translations_lock);
    arch_mmu_map_beside(&as->arch, base, pages, count, prot_of(m, true), store->cache_policy);
    mutex_unlock(&as->translations_lock);
}

static zx_status_t check_access(const struct mapping *m, unsigned flags) {
    uint32_t needed = flags & FAULT_EXECUTE ? PERM_EXECUTE : flags & FAULT_WRITE ? PERM_WRITE : PERM_READ;
    return m->perms & needed ? ZX_OK : ZX_ERR_ACCESS_DENIED;
}

/* With the store of `m` locked, and nothing else: so the mapping stays. */
static zx_status_t fault_locked(struct vmo *store, struct mapping *m, vaddr_t va, unsigned flags)
    REQUIRES(&store->lock) {
    uint64_t offset = m->offset + (va - m->region.base);
    struct vmo_page page = {.writable = true};
    zx_status_t status = ZX_OK;
    vaddr_t end;
    if (offset >= m->vmo->size) return ZX_ERR_OUT_OF_RANGE;
    offset += m->vmo->store_offset;
    /* A page of the store's own may be written through the translation, whatever it is wanted for. */
    void *near;
    if (vmo_near_page(store, offset, true, &near))
        page.pa = arch_virt_to_phys(near);
    else
        status = vmo_get_page(store, offset, flags & FAULT_WRITE, &page);
    if (status == ZX_OK) status = aspace_load(m->aspace, m, va, &page, &end);
    if ((flags & FAULT_WRITE) || status != ZX_OK) return status;
    if (page.writable && store->kind == VMO_PAGED && m->region.len > PAGE_SIZE) load_beside(store, m, va);
    return ZX_OK;
}

zx_status_t aspace_fault(struct aspace *as, vaddr_t addr, unsigned flags) {
    struct aspace_part *part = aspace_share(as);
    struct mapping *m = aspace_find_by(as, part, addr);
    zx_status_t status = m ? check_access(m, flags) : ZX_ERR_NOT_FOUND;
    if (status != ZX_OK) {
        aspace_unshare(as, part);
        return status;
    }
    struct vmo *store = m->vmo->store;
    mutex_lock(&store->lock);
    aspace_unshare(as, part);
    status = fault_locked(store, m, page_round_down(addr), flags);
    mutex_unlock(&store->lock);
    return status;
}

/* There was no memory for it. A killed thread returns to the boundary to user mode, or ends its copy. */
static NOINLINE zx_status_t fault_in_need(vaddr_t addr, unsigned flags) {
    const bool user = flags & FAULT_USER;
    zx_status_t status;
    do {
        const struct budget *lacks = reclaim_for_fault();
        status = lacks ? upcall_out_of_memory(lacks, user) : ZX_OK;
        if (thread_killed()) return user ? ZX_OK : ZX_ERR_CANCELED;
        if (status != ZX_OK || (user && thread_interrupted())) return status;
        status = aspace_fault(thread_current()->aspace, addr, flags);
    } while (status == ZX_ERR_NO_MEMORY);
    return status;
}

static ALWAYS_INLINE zx_status_t resolve(vaddr_t addr, unsigned flags) {
    zx_status_t status = aspace_fault(thread_current()->aspace, addr, flags);
    return likely(status != ZX_ERR_NO_MEMORY) ? status : fault_in_need(addr, flags);
}

static NOINLINE zx_status_t traced_fault(vaddr_t addr, unsigned flags) {
    const unsigned how = (flags & FAULT_WRITE ? KTRACE_FAULT_WRITE : 0) |
                         (flags & FAULT_EXECUTE ? KTRACE_FAULT_EXECUTE : 0) |
                         (flags & FAULT_USER ? KTRACE_FAULT_USER : 0);
    trace_record(KTRACE_FAULT, how, addr, 0);
    zx_status_t status = resolve(addr, flags);
    trace_record(KTRACE_FAULT_END, 0, (uint64_t)(int64_t)status, 0);
    return status;
}

zx_status_t upcall_page_fault(vaddr_t addr, unsigned flags) {
    struct thread *self = thread_current();
    if (self->faults_off && !(flags & FAULT_USER)) {
        self->fault_addr = addr;
        self->fault_flags = flags;
        return ZX_ERR_SHOULD_WAIT;
    }
    if (flags & FAULT_NO_WAIT) return ZX_ERR_SHOULD_WAIT;
    lock_rank_assert_none();
    if (!self->aspace) return ZX_ERR_NOT_FOUND;
    return tracing(KTRACE_GRP_MEMORY) ? traced_fault(addr, flags) : resolve(addr, flags);
}
