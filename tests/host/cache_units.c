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
#define OLD 0xaa /* the bytes of an earlier owner */
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

KTEST("cache/a frame that was not flushed shows old bytes, and loses stores") {
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

/* --- cache operations --- */

/* A device that reaches memory past the cache: does it see that value in those bytes of the VMO, which is all there? */
static bool device_sees(struct vmo *vmo, uint64_t offset, size_t len, uint8_t value) {
    uint8_t bytes[PAGE_SIZE];
    for (size_t done = 0, n; done < len; done += n) {
        n = min_u64(len - done, PAGE_SIZE - ((offset + done) & PAGE_MASK));
        paddr_t pa = {vmo_frame(vmo, offset + done) + ((offset + done) & PAGE_MASK)};
        host_uncached_load(bytes, pa, n);
        if (!all_are(bytes, n, value)) return false;
    }
    return true;
}

static void device_stores(struct vmo *vmo, uint64_t npages, uint8_t value) {
    uint8_t bytes[PAGE_SIZE];
    memset(bytes, value, sizeof(bytes));
    for (uint64_t i = 0; i < npages; i++)
        host_uncached_store((paddr_t){vmo_frame(vmo, PAGES(i))}, bytes, sizeof(bytes));
}

/* Fills pages through the cache, where they are cached. */
static bool fill(struct vmo *vmo, uint64_t npages, uint8_t value) {
    for (uint64_t at = 0; at < PAGES(npages); at++)
        if (!vmo_poke(vmo, at, value)) return false;
    return true;
}

static bool holds(struct vmo *vmo, uint64_t npages, uint8_t value) {
    for (uint64_t at = 0; at < PAGES(npages); at++)
        if (vmo_peek(vmo, at) != value) return false;
    return true;
}

/* After a clean a device sees what was written; after a flush of clean memory the cache sees what the device wrote. */
static bool maintained(struct vmo *vmo, uint64_t npages) {
    bool good = fill(vmo, npages, OLD) && vmo_cache_range(vmo, 0, PAGES(npages), arch_cache_flush) == ZX_OK;
    good = good && fill(vmo, npages, MINE) && !device_sees(vmo, 0, PAGES(npages), MINE);
    good = good && vmo_cache_range(vmo, 0, PAGES(npages), arch_cache_clean) == ZX_OK;
    good = good && device_sees(vmo, 0, PAGES(npages), MINE) && holds(vmo, npages, MINE);
    device_stores(vmo, npages, 7);
    good = good && vmo_cache_range(vmo, 0, PAGES(npages), arch_cache_flush) == ZX_OK && holds(vmo, npages, 7);
    return good && device_sees(vmo, 0, PAGES(npages), 7);
}

KTEST("cache/CLEAN and INVALIDATE work on every kind of VMO: paged, contiguous, a slice, a snapshot and its parent") {
    struct vmo *paged = vmo_of(40, false), *run, *slice, *parent = vmo_of(3, false), *snapshot;
    NEED(paged && parent && vmo_create_contiguous(PAGES(3), PAGE_SHIFT, &run) == ZX_OK);
    EXPECT(maintained(paged, 40) && maintained(run, 3));
    NEED(vmo_slice(paged, PAGES(17), PAGES(20), &slice) == ZX_OK && fill(paged, 40, 1));
    EXPECT(maintained(slice, 20) && vmo_peek(paged, PAGES(16)) == 1 && vmo_peek(paged, PAGES(37)) == 1);
    NEED(fill(parent, 3, OLD) && vmo_snapshot(parent, 0, PAGES(3), false, &snapshot) == ZX_OK);
    EXPECT(vmo_cache_range(snapshot, 0, PAGES(3), arch_cache_flush) == ZX_OK &&
           device_sees(snapshot, 0, PAGES(3), OLD));
    EXPECT(maintained(snapshot, 3) && device_sees(parent, 0, PAGES(3), OLD) && maintained(parent, 3));
    vmo_unref(snapshot);
    vmo_unref(parent);
    vmo_unref(slice);
    vmo_unref(run);
    vmo_unref(paged);
}

KTEST("cache/an operation on part of a page reaches its lines, and no other page") {
    struct vmo *vmo = vmo_of(3, false);
    NEED(vmo && fill(vmo, 3, OLD) && vmo_cache_range(vmo, 0, PAGES(3), arch_cache_flush) == ZX_OK &&
         fill(vmo, 3, MINE));
    EXPECT(vmo_cache_range(vmo, PAGES(1) + 100, 3000, arch_cache_clean) == ZX_OK);
    EXPECT(device_sees(vmo, PAGES(1) + 100, 3000, MINE) && !device_sees(vmo, PAGES(1), PAGE_SIZE, MINE));
    EXPECT(!device_sees(vmo, 0, PAGE_SIZE, MINE) && !device_sees(vmo, PAGES(2), PAGE_SIZE, MINE));
    EXPECT(fill(vmo, 3, 5) && vmo_cache_range(vmo, PAGES(1) - 1, PAGE_SIZE + 2, arch_cache_clean) == ZX_OK);
    EXPECT(device_sees(vmo, PAGES(1) - 1, PAGE_SIZE + 2, 5));
    vmo_unref(vmo);
}

KTEST("cache/an operation passes over holes, however many, and commits nothing") {
    struct vmo *vmo;
    uint64_t far = (uint64_t)1 << 60;
    NEED(vmo_create(VMO_MAX_SIZE, false, &vmo) == ZX_OK && vmo_poke(vmo, 0, 1) && vmo_poke(vmo, far, 2));
    EXPECT(vmo_cache_range(vmo, 0, VMO_MAX_SIZE, arch_cache_clean) == ZX_OK);
    EXPECT(device_sees(vmo, 0, 1, 1) && device_sees(vmo, far, 1, 2));
    EXPECT(vmo_committed_bytes(vmo, 0, VMO_MAX_SIZE) == 2 * PAGE_SIZE);
    EXPECT(vmo_cache_range(vmo, PAGES(1), far - PAGES(1), arch_cache_flush) == ZX_OK);
    vmo_unref(vmo);
}

KTEST("cache/an operation is NOT_SUPPORTED for a device, INVALID_ARGS for no bytes, OUT_OF_RANGE beyond the end") {
    struct vmo *device, *vmo = vmo_of(2, false);
    NEED(vmo && vmo_create_physical((paddr_t){0xfee00000}, PAGE_SIZE, &device) == ZX_OK);
    EXPECT(vmo_cache_range(device, 0, 0, arch_cache_clean) == ZX_ERR_NOT_SUPPORTED);
    EXPECT(vmo_cache_range(vmo, UINT64_MAX, 0, arch_cache_clean) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmo_cache_range(vmo, PAGES(2), 1, arch_cache_clean) == ZX_ERR_OUT_OF_RANGE);
    EXPECT(vmo_cache_range(vmo, 1, UINT64_MAX, arch_cache_clean) == ZX_ERR_OUT_OF_RANGE);
    EXPECT(vmo_cache_range(vmo, 1, PAGES(2) - 1, arch_cache_clean) == ZX_OK);
    vmo_unref(device);
    vmo_unref(vmo);
}

/* A clean of three windows, and something that another thread does after the first of them. */
static struct turns {
    struct vmo *vmo;
    struct runner cleaner, other;
    bool (*act)(void);
    zx_status_t status;
    bool good;
} turns;

#define TURN_PAGES 48

static void turns_clean(void *arg UNUSED) {
    turns.status = vmo_cache_range(turns.vmo, 0, PAGES(TURN_PAGES), arch_cache_clean);
}

static void turns_act(void *arg UNUSED) { turns.good = turns.act(); }

/* Between windows the lock is handed to its waiters in the order of their arrival. */
static bool ends_with(bool (*act)(void), zx_status_t status) {
    turns = (struct turns){.vmo = vmo_of(TURN_PAGES, true), .act = act};
    if (!turns.vmo || !fill(turns.vmo, TURN_PAGES, OLD)) return false;
    if (vmo_cache_range(turns.vmo, 0, PAGES(TURN_PAGES), arch_cache_clean) != ZX_OK) return false;
    if (!fill(turns.vmo, TURN_PAGES, MINE)) return false;
    mutex_lock(&turns.vmo->lock);
    bool both = runner_start(&turns.cleaner, NULL, turns_clean, NULL);
    if (both) runner_settle(&turns.cleaner);
    both = both && runner_start(&turns.other, NULL, turns_act, NULL);
    if (both) runner_settle(&turns.other);
    mutex_unlock(&turns.vmo->lock);
    if (!both) return false;
    runner_join(&turns.cleaner);
    runner_join(&turns.other);
    return turns.good && turns.status == status;
}

static bool page_cleaned(uint64_t index) REQUIRES(&turns.vmo->lock) {
    struct vmo_page page;
    return vmo_get_page(turns.vmo, PAGES(index), false, &page) == ZX_OK && memory_is(page.pa, MINE);
}

static bool after_first_window(void) {
    mutex_lock(&turns.vmo->lock);
    bool good = page_cleaned(0) && page_cleaned(15) && !page_cleaned(16);
    mutex_unlock(&turns.vmo->lock);
    return good;
}

static bool cut_off(void) { return after_first_window() && vmo_set_size(turns.vmo, PAGES(40)) == ZX_OK; }

static bool kill_cleaner(void) {
    bool good = after_first_window();
    thread_interrupt(&turns.cleaner.thread, ATTENTION_KILL);
    return good;
}

KTEST("cache/a long operation lets others in after each window, goes on with what is left, and ends when killed") {
    NEED(ends_with(cut_off, ZX_OK));
    EXPECT(device_sees(turns.vmo, 0, PAGES(40), MINE));
    vmo_unref(turns.vmo);
    NEED(ends_with(kill_cleaner, ZX_ERR_CANCELED));
    EXPECT(!device_sees(turns.vmo, PAGES(32), PAGES(16), MINE));
    vmo_unref(turns.vmo);
}
