/*
 * What processors may go on remembering of an address space that they have left, and what they must forget: the books
 * about it, which are kept the same whether the processor can remember or not.
 */
#include "arch/thread.h"
#include "arch/usercopy.h"
#include "kernel/base/string.h"
#include "tests/kernel/support.h"

#define EVERYBODY UINT64_MAX

/* An address space with one page of a VMO in it. */
struct home {
    struct aspace *as;
    struct vmo *vmo;
    vaddr_t va;
};

static bool home_make(struct home *h) {
    *h = (struct home){.as = space_new(), .vmo = vmo_of(1, false)};
    if (h->as && h->vmo) h->va = map_pages(h->as->root, h->vmo, 0, 1, RW, PERM_ALL);
    return h->va != 0;
}

static void home_end(struct home *h) {
    if (h->as) space_end(h->as);
    if (h->vmo) vmo_unref(h->vmo);
}

/* Whether the processor that it runs on has the address space loaded, before and after it drops the page. */
struct visit {
    const struct home *home;
    uint8_t value;
    bool loaded, stale_before, stale_after;
};

static bool is_stale_here(const struct home *h) { return h->as->arch.stale >> arch_this_cpu()->id & 1; }

static void visit_run(void *arg) {
    struct visit *v = arg;
    (void)!arch_copy_from_user(&v->value, v->home->va, 1);
    bool were_on = arch_irq_disable();
    v->loaded = v->home->as->arch.cpus >> arch_this_cpu()->id & 1;
    v->stale_before = is_stale_here(v->home);
    arch_mmu_drop(&v->home->as->arch, v->home->va, PAGE_SIZE);
    v->stale_after = is_stale_here(v->home);
    if (were_on) arch_irq_enable();
}

static void look_run(void *arg) {
    struct visit *v = arg;
    (void)!arch_copy_from_user(&v->value, v->home->va, 1);
}

/* Waits until no processor has it loaded, not even left over from a thread that ran there. */
static void leave_all(const struct home *h) {
    while (h->as->arch.cpus != 0) {
        arch_leave_aspace();
        thread_yield();
    }
}

KTEST("mmu_load/every processor is stale in a new address space, until it loads it") {
    struct home h;
    struct visit v = {.home = &h};
    NEED(home_make(&h));
    EXPECT(h.as->arch.stale == EVERYBODY);
    EXPECT(run_in(h.as, visit_run, &v) && v.loaded && !v.stale_before);
    home_end(&h);
}

KTEST("mmu_load/a processor forgets at once what is dropped while it has the address space loaded") {
    struct home h;
    struct visit v = {.home = &h};
    NEED(home_make(&h));
    EXPECT(run_in(h.as, visit_run, &v) && v.loaded && !v.stale_after);
    home_end(&h);
}

KTEST("mmu_load/a processor that is away keeps what it remembers until something is dropped, and then is stale") {
    struct home h;
    struct visit v = {.home = &h};
    NEED(home_make(&h));
    EXPECT(run_in(h.as, look_run, &v));
    leave_all(&h);
    uint64_t before = h.as->arch.stale;
    EXPECT(before != EVERYBODY && is_loaded(h.as, h.va));
    aspace_drop(h.as, h.va + PAGE_SIZE, PAGE_SIZE);
    EXPECT(h.as->arch.stale == before);
    aspace_drop(h.as, h.va, PAGE_SIZE);
    EXPECT(h.as->arch.stale == EVERYBODY);
    home_end(&h);
}

KTEST("mmu_load/whoever comes back sees the page that was mapped while nobody was there") {
    struct home h;
    struct visit v = {.home = &h};
    NEED(home_make(&h));
    struct vmo *other = vmo_of(1, false);
    NEED(other && vmo_poke(h.vmo, 0, 1) && vmo_poke(other, 0, 2));
    EXPECT(run_in(h.as, look_run, &v) && v.value == 1);
    leave_all(&h);
    EXPECT(map_at(h.as->root, (h.va - h.as->root->region.base) / PAGE_SIZE, other, 0, 1,
                  RW | ZX_VM_SPECIFIC_OVERWRITE) == ZX_OK);
    EXPECT(run_in(h.as, look_run, &v) && v.value == 2);
    home_end(&h);
    vmo_unref(other);
}

#define PCIDS 4096

static struct arch_aspace spaces[PCIDS];

/* Makes address spaces until one gets no number of its own. Returns how many have one; all are stale everywhere. */
static unsigned pcids_exhaust(bool *stale) {
    unsigned count = 0;
    *stale = true;
    while (count < PCIDS && arch_mmu_init(&spaces[count]) == ZX_OK) {
        *stale = *stale && spaces[count].stale == EVERYBODY;
        if (spaces[count].pcid != 0) {
            count++;
            continue;
        }
        arch_mmu_destroy(&spaces[count]);
        break;
    }
    return count;
}

static bool pcids_differ(unsigned count) {
    static bool seen[PCIDS];
    memset(seen, 0, sizeof(seen));
    for (unsigned i = 0; i < count; i++) {
        if (spaces[i].pcid >= PCIDS || seen[spaces[i].pcid]) return false;
        seen[spaces[i].pcid] = true;
    }
    return true;
}

KTEST("mmu_load/address spaces have numbers of their own; where there is none left, they run without") {
    struct home h;
    struct visit v = {.home = &h};
    bool stale;
    unsigned count = pcids_exhaust(&stale);
    EXPECT(count > PCIDS / 2 && count < PCIDS && stale && pcids_differ(count));
    EXPECT(home_make(&h) && vmo_poke(h.vmo, 0, 3) && h.as->arch.pcid == 0);
    EXPECT(run_in(h.as, visit_run, &v) && v.value == 3 && !v.stale_after);
    home_end(&h);
    while (count > 0) arch_mmu_destroy(&spaces[--count]);
}

KTEST("mmu_load/a number that was given back serves again, and is stale on every processor") {
    struct home first, second;
    struct visit v = {.home = &first};
    NEED(home_make(&first));
    unsigned pcid = first.as->arch.pcid;
    EXPECT(run_in(first.as, look_run, &v) && first.as->arch.stale != EVERYBODY);
    home_end(&first);
    NEED(home_make(&second));
    EXPECT(second.as->arch.pcid == pcid && second.as->arch.stale == EVERYBODY);
    home_end(&second);
}

KTEST("mmu_load/MAP_RANGE loads each large page once, and nobody has to forget what was not there or stays as it is") {
    const size_t len = 2 * MMU_LARGE_PAGE;
    struct aspace *as = space_new();
    struct vmo *run;
    NEED(as && vmo_create_contiguous(len, 21, &run) == ZX_OK);
    as->arch.stale = 0;
    struct vmar_map args = {.options = RW | ZX_VM_MAP_RANGE, .vmo = run, .len = len, .ceiling = RW};
    vaddr_t va;
    EXPECT(vmar_map(as->root, &args, &va) == ZX_OK && is_writable(as, va) && is_writable(as, va + len - PAGE_SIZE));
    EXPECT(as->arch.stale == 0);
    EXPECT(vmar_op_range(as->root, ZX_VMAR_OP_MAP_RANGE, va, len) == ZX_OK && as->arch.stale == 0);
    EXPECT(vmar_protect(as->root, PERM_READ, va, len) == ZX_OK && as->arch.stale == EVERYBODY);
    space_end(as);
    vmo_unref(run);
}
