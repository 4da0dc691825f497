/*
 * Memory that is not cached, on a machine whose cache shows every flush that is missing; see cache.c.
 */
#include <string.h>

#include "arch/cache.h"
#include "kernel/base/arith.h"
#include "tests/host/cache.h"
#include "tests/host/host.h"
#include "tests/kernel/support.h"
#include "vm/page.h"

#define NPAGES 4
#define OLD 0xaa /* somebody's bytes, who had the frames before */
#define MINE 0x3c

static bool all_are(const uint8_t *bytes, size_t len, uint8_t value) {
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != value) return false;
    return true;
}

/* Does memory hold that value in the whole page? */
static bool memory_is(paddr_t pa, uint8_t value) {
    uint8_t bytes[PAGE_SIZE];
    host_uncached_load(bytes, pa, sizeof(bytes));
    return all_are(bytes, sizeof(bytes), value);
}

/* Leaves all free frames full of old bytes, part of them in the cache only. */
static bool frames_make_old(void) {
    struct page *taken = memory_take_all();
    for (struct page *run = taken; run; run = run->link.le_next) {
        size_t len = min_u64(PAGE_SIZE << run->order, 64 * PAGE_SIZE);
        memset(page_data(run), OLD, len);
    }
    memory_give_back(taken);
    return taken != NULL;
}

/* --- the cache itself --- */

KTEST("cache/who forgets to flush sees old bytes, and loses stores") {
    struct page *page = page_alloc();
    NEED(page);
    paddr_t pa = page_phys(page);
    memset(page_data(page), OLD, PAGE_SIZE);
    arch_cache_flush(pa, PAGE_SIZE);
    EXPECT(memory_is(pa, OLD));
    memset(page_data(page), 0, PAGE_SIZE);
    EXPECT(!memory_is(pa, 0) && !memory_is(pa, OLD)); /* some lines were written back, some were not yet */
    uint8_t mine[PAGE_SIZE];
    memset(mine, MINE, sizeof(mine));
    host_uncached_store(pa, mine, sizeof(mine));
    memset(page_data(page), OLD, PAGE_SIZE);
    EXPECT(!memory_is(pa, MINE));
    arch_cache_flush(pa, PAGE_SIZE);
    page_free(page);
}

KTEST("cache/after a clean memory holds what was written, after a flush the cache holds what memory does") {
    struct page *page = page_alloc();
    NEED(page);
    paddr_t pa = page_phys(page);
    uint8_t *data = page_data(page), mine[PAGE_SIZE];
    memset(data, OLD, PAGE_SIZE);
    arch_cache_clean(pa, PAGE_SIZE);
    for (unsigned i = 0; i < 10; i++) EXPECT(memory_is(pa, OLD));
    memset(mine, MINE, sizeof(mine));
    host_uncached_store(pa, mine, sizeof(mine));
    arch_cache_flush((paddr_t){pa.raw + 1}, PAGE_SIZE - 2);
    EXPECT(all_are(data, PAGE_SIZE, MINE) && memory_is(pa, MINE));
    page_free(page);
}

/* --- VMOs that are not cached --- */

/* What a program does with memory that is not cached, on a thread of its own. */
struct program {
    vaddr_t base;
    size_t len;
    uint8_t expected; /* in all bytes, when it begins */
    uint8_t mine;     /* in all bytes, when it ends */
    bool good;
};

/* Looks at everything, stores to everything, and finds its stores again, however late the cache writes back. */
static void program_run(void *arg) {
    struct program *p = arg;
    uint8_t bytes[PAGE_SIZE], mine[PAGE_SIZE];
    memset(mine, p->mine, sizeof(mine));
    p->good = true;
    for (size_t at = 0; at < p->len; at += PAGE_SIZE) {
        p->good &= host_user_load(bytes, p->base + at, sizeof(bytes)) == ZX_OK;
        p->good &= all_are(bytes, sizeof(bytes), p->expected);
        p->good &= host_user_store(p->base + at, mine, sizeof(mine)) == ZX_OK;
    }
    for (size_t at = 0; at < 10 * p->len; at += PAGE_SIZE) {
        p->good &= host_user_load(bytes, p->base + at % p->len, sizeof(bytes)) == ZX_OK;
        p->good &= all_are(bytes, sizeof(bytes), p->mine);
    }
}

/* Maps the VMO and runs the program; true if it saw `expected` first and its own stores afterwards. */
static bool behaves(struct vmo *vmo, uint8_t expected, uint8_t mine) {
    struct aspace *as = space_new();
    size_t npages = vmo_size(vmo) >> PAGE_SHIFT;
    struct program p = {.len = PAGES(npages), .expected = expected, .mine = mine};
    p.base = as ? map_pages(as->root, vmo, 0, npages, RW, RW) : 0;
    bool good = p.base && run_in(as, program_run, &p) && p.good;
    if (as) space_end(as);
    return good;
}

static struct vmo *uncached(uint32_t policy) {
    struct vmo *vmo = vmo_of(NPAGES, true);
    return frames_make_old() && vmo && vmo_set_cache_policy(vmo, policy) == ZX_OK ? vmo : NULL;
}

#define FOREACH_POLICY(policy) \
    for (uint32_t policy = ZX_CACHE_POLICY_CACHED + 1; policy <= ZX_CACHE_POLICY_MASK; policy++)

KTEST("cache/memory that is not cached begins as zeros and keeps what is stored, faulted in or committed") {
    FOREACH_POLICY(policy) {
        struct vmo *vmo = uncached(policy), *committed = uncached(policy);
        NEED(vmo && committed && vmo_commit(committed, 0, PAGES(NPAGES)) == ZX_OK);
        EXPECT(behaves(vmo, 0, MINE));
        EXPECT(behaves(committed, 0, MINE));
        EXPECT(behaves(committed, MINE, OLD)); /* as another process would see it */
        vmo_unref(vmo);
        vmo_unref(committed);
    }
}

static zx_status_t give_back(struct vmo *vmo, unsigned how) {
    if (how == 0) return vmo_decommit(vmo, 0, PAGES(NPAGES));
    if (how == 1) return vmo_zero(vmo, 0, PAGES(NPAGES));
    zx_status_t status = vmo_set_size(vmo, 0);
    return status == ZX_OK ? vmo_set_size(vmo, PAGES(NPAGES)) : status;
}

KTEST("cache/pages given back by decommit, zero or shrink are zeros again, in memory and in the cache") {
    FOREACH_POLICY(policy) {
        struct vmo *vmo = uncached(policy), *cached = vmo_of(NPAGES, true);
        NEED(vmo && cached);
        for (unsigned how = 0; how < 3; how++) {
            EXPECT(behaves(vmo, 0, MINE) && give_back(vmo, how) == ZX_OK);
            EXPECT(behaves(cached, 0, MINE) && give_back(cached, how) == ZX_OK);
            EXPECT(behaves(vmo, 0, MINE) && give_back(vmo, how) == ZX_OK);
        }
        EXPECT(vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED) == ZX_OK && behaves(vmo, 0, MINE));
        vmo_unref(vmo);
        vmo_unref(cached);
    }
}

KTEST("cache/a frame of memory that was not cached is free only when the cache knows what memory holds") {
    struct vmo *vmo = uncached(ZX_CACHE_POLICY_WRITE_COMBINING);
    NEED(vmo && vmo_commit(vmo, PAGES(1), PAGE_SIZE) == ZX_OK);
    paddr_t pa = {vmo_frame(vmo, PAGES(1))};
    uint8_t mine[PAGE_SIZE];
    memset(mine, MINE, sizeof(mine));
    host_uncached_store(pa, mine, sizeof(mine));
    vmo_unref(vmo);
    struct page *taken = memory_take_all();
    EXPECT(all_are(arch_phys_to_virt(pa), PAGE_SIZE, MINE));
    memory_give_back(taken);
}

/* --- physical memory --- */

KTEST("cache/physical memory shows what was written there before through the cache, under each policy in turn") {
    struct page *page = page_alloc();
    struct vmo *vmo;
    NEED(page && vmo_create_physical(page_phys(page), PAGE_SIZE, &vmo) == ZX_OK);
    memset(page_data(page), OLD, PAGE_SIZE);
    EXPECT(behaves(vmo, OLD, 0));
    for (uint8_t i = 0; i < 8; i++) {
        EXPECT(vmo_set_cache_policy(vmo, i % 2 ? i / 2u : ZX_CACHE_POLICY_CACHED) == ZX_OK);
        EXPECT(behaves(vmo, i, i + 1));
    }
    vmo_unref(vmo);
    arch_cache_flush(page_phys(page), PAGE_SIZE);
    EXPECT(all_are(page_data(page), PAGE_SIZE, 8));
    page_free(page);
}
