/*
 * The page allocator.
 */
#include "vm/page.h"

#include "kernel/base/poison.h"
#include "kernel/base/string.h"
#include "tests/kernel/support.h"

KTEST("page/a run of every order is aligned, in use, and given back") {
    for (unsigned order = 0; order <= PAGE_MAX_ORDER; order++) {
        size_t before = pages_free();
        struct page *run = page_alloc_run(order);
        if (!run) continue; /* this machine has no such run free */
        size_t frame = page_phys(run).raw >> PAGE_SHIFT, count = (size_t)1 << order;
        EXPECT(frame % count == 0);
        EXPECT(pages_free() == before - count);
        EXPECT(page_in_use(page_phys(run)) && page_in_use(page_phys(run + count - 1)));
        page_free(run);
        EXPECT(pages_free() == before);
        EXPECT(!page_in_use(page_phys(run)) && !page_in_use(page_phys(run + count - 1)));
    }
}

KTEST("page/an order above the highest is refused") { EXPECT(page_alloc_run(PAGE_MAX_ORDER + 1) == NULL); }

KTEST("page/frames that are not there are not in use") { EXPECT(!page_in_use((paddr_t){UINT64_MAX})); }

static unsigned largest_order(void) {
    unsigned order = PAGE_MAX_ORDER;
    struct page *run;
    while (!(run = page_alloc_run(order))) order--;
    page_free(run);
    return order;
}

KTEST("page/single pages freed in any order become the large runs they were cut from") {
    unsigned order = largest_order();
    struct page *all = memory_take_all();
    memory_give_back(all);
    EXPECT(largest_order() == order);
    static struct page *pages[512];
    random_seed(1);
    for (size_t i = 0; i < countof(pages); i++) NEED((pages[i] = page_alloc()));
    for (size_t left = countof(pages); left > 0; left--) {
        size_t pick = random_below(left);
        page_free(pages[pick]);
        pages[pick] = pages[left - 1];
    }
    EXPECT(largest_order() == order);
}

/* Of those that are kept back: as many as there are, at most one more than there should be. */
static unsigned take_kept(struct page **pages) {
    unsigned count = 0;
    thread_current()->reports = true;
    while (count <= PAGES_KEPT && (pages[count] = page_alloc_for(PAGE_SLAB))) count++;
    thread_current()->reports = false;
    return count;
}

KTEST("page/some are kept back for the heap of threads that must not fail, and are made up for before others get any") {
    static struct page *kept[PAGES_KEPT + 1];
    size_t before = pages_free();
    struct page *all = memory_take_all(), *one = page_alloc();
    NEED(all && !one);
    thread_current()->reports = true;
    EXPECT(!page_alloc() && !page_alloc_for(PAGE_VMO) && !page_alloc_zeroed(PAGE_TABLE) && !page_alloc_run(0));
    thread_current()->reports = false;
    EXPECT(take_kept(kept) == PAGES_KEPT && pages_free() == 0);
    for (unsigned i = 0; i < PAGES_KEPT; i++) {
        page_free(kept[i]);
        EXPECT(!page_alloc() && pages_free() == i + 1);
    }
    memory_give_back(all);
    EXPECT((one = page_alloc()) != NULL && take_kept(kept) == PAGES_KEPT + 1);
    for (unsigned i = 0; i <= PAGES_KEPT; i++) page_free(kept[i]);
    if (one) page_free(one);
    EXPECT(pages_free() == before);
}

KTEST("page/when all pages are taken there is none, and then there are again") {
    size_t before = pages_free();
    struct page *all = memory_take_all();
    EXPECT(pages_free() == PAGES_KEPT && !pages_left(1));
    EXPECT(page_alloc() == NULL && page_alloc_zeroed(PAGE_USED) == NULL);
    memory_give_back(all);
    EXPECT(pages_free() == before);
    struct page *page = page_alloc();
    NEED(page);
    page_free(page);
}

KTEST("page/no page is given out twice") {
    static struct page *pages[64];
    for (size_t i = 0; i < countof(pages); i++) {
        NEED((pages[i] = page_alloc_run(i % 4)));
        memset(page_data(pages[i]), (int)i, PAGE_SIZE << i % 4);
    }
    for (size_t i = 0; i < countof(pages); i++) {
        const uint8_t *data = page_data(pages[i]);
        EXPECT(data[0] == i && data[(PAGE_SIZE << i % 4) - 1] == i);
        page_free(pages[i]);
    }
}

static bool is_zero(const struct page *page) {
    const uint64_t *words = page_data(page);
    uint64_t any = 0;
    for (size_t i = 0; i < PAGE_SIZE / sizeof(*words); i++) any |= words[i];
    return any == 0;
}

KTEST("page/a zeroed page is zero, whatever it held before") {
    for (int round = 0; round < 4; round++) {
        struct page *page = page_alloc_zeroed(PAGE_USED);
        NEED(page);
        EXPECT(is_zero(page));
        memset(page_data(page), 0xff, PAGE_SIZE);
        page_free(page);
    }
}

KTEST("page/a page that is freed as zero is given out as zero, and is memory like any other") {
    const size_t before = pages_free();
    for (int round = 0; round < 4; round++) {
        struct page *page = page_alloc_zeroed(PAGE_TABLE);
        NEED(page);
        EXPECT(is_zero(page) && pages_free() == before - 1);
        page_free_zero(page);
        EXPECT(pages_free() == before && !page_in_use(page_phys(page)));
        NEED((page = round % 2 ? page_alloc() : page_alloc_zeroed(PAGE_TABLE)));
        EXPECT(round % 2 || is_zero(page));
        memset(page_data(page), 0xff, PAGE_SIZE);
        page_free(page);
    }
    struct page *page = page_alloc_zeroed(PAGE_TABLE);
    NEED(page);
    page_free_zero(page);
    struct page *all = memory_take_all();
    EXPECT(all && pages_free() == PAGES_KEPT);
    memory_give_back(all);
    EXPECT(pages_free() == before);
}

#ifdef DEBUG
KTEST("page/a freed page is poisoned from its first byte to its last") {
    struct page *run = page_alloc_run(2);
    NEED(run);
    memset(page_data(run), 0, PAGE_SIZE * 4);
    const uint8_t *data = page_data(run);
    page_free(run);
    EXPECT(memory_is_poisoned(data) && memory_is_poisoned(data + PAGE_SIZE));
    EXPECT(memory_is_poisoned(data + PAGE_SIZE * 4 - 1));
}
#endif

KTEST("page/a page is cleared and copied to its last byte, and no further") {
    struct page *run = page_alloc_run(2);
    NEED(run);
    char *data = page_data(run);
    memset(data, 1, PAGE_SIZE * 4);
    for (size_t i = 0; i < PAGE_SIZE; i++) data[PAGE_SIZE * 2 + i] = (char)random_below(256);
    const char fill = data[PAGE_SIZE * 2];
    arch_page_zero(data + PAGE_SIZE);
    EXPECT(data[PAGE_SIZE - 1] == 1 && data[PAGE_SIZE * 2] == fill);
    for (size_t i = 0; i < PAGE_SIZE; i++) EXPECT(data[PAGE_SIZE + i] == 0);
    arch_page_copy(data + PAGE_SIZE, data + PAGE_SIZE * 2);
    EXPECT(memcmp(data + PAGE_SIZE, data + PAGE_SIZE * 2, PAGE_SIZE) == 0);
    EXPECT(data[PAGE_SIZE - 1] == 1 && data[PAGE_SIZE * 3] == 1);
    page_free(run);
}

KTEST("page/bytes are cleared from the first to the last, and none beside them") {
    static const size_t lens[] = {0, 1, 7, 8, 255, 256, 257, 472, 511, 512, 513, 1344, 4095, 4096, 4352, 4353, 8192};
    struct page *run = page_alloc_run(2);
    NEED(run);
    unsigned char *data = page_data(run);
    for (size_t l = 0; l < countof(lens); l++) {
        const size_t len = lens[l], from = 1 + random_below(64);
        memset(data, 1, PAGE_SIZE * 3);
        arch_zero(data + from, len);
        size_t cleared = 0;
        for (size_t i = 0; i < len; i++) cleared += data[from + i] == 0;
        EXPECT(cleared == len && data[from - 1] == 1 && data[from + len] == 1);
    }
    page_free(run);
}

KTEST("page/some pages: no more than asked for, side by side, each freed by itself") {
    size_t before = pages_free(), count = 0;
    for (size_t most = 1; most <= 100; most += 33) {
        struct page *first = page_alloc_some(most, &count);
        NEED(first && count >= 1 && count <= most);
        EXPECT(pages_free() == before - count && pages_used_for(PAGE_USED) >= count);
        for (size_t i = count; i-- > 0;) page_free(first + i);
        EXPECT(pages_free() == before);
    }
}

KTEST("page/pages given back together are free, those that others have too are not, and runs grow together again") {
    size_t before = pages_free(), count;
    unsigned order = largest_order();
    struct page_gather gather = {0};
    struct page *first = page_alloc_some(64, &count);
    NEED(first && count > 4);
    for (size_t i = 0; i < count; i++) page_set_use(first + i, PAGE_VMO);
    page_ref(first + 2);
    for (size_t i = 0; i < count; i++) page_unref_gather(first + i, &gather);
    page_gather_free(&gather);
    EXPECT(pages_free() == before - 1 && page_in_use(page_phys(first + 2)) && !page_in_use(page_phys(first + 3)));
    page_unref(first + 2);
    EXPECT(pages_free() == before && largest_order() == order);
}

KTEST("page/a page goes with its last reference") {
    size_t before = pages_free();
    struct page *page = page_alloc();
    NEED(page);
    EXPECT(page_exclusive(page));
    page_ref(page);
    EXPECT(!page_exclusive(page));
    page_unref(page);
    EXPECT(page_exclusive(page) && pages_free() == before - 1);
    page_unref(page);
    EXPECT(pages_free() == before);
}

/* Pages that two threads own, and let go of one after the other, each at the same moment. */
static struct page *owned_by_two[2000];
static atomic_size_t arrivals;

static void let_go(void *arg UNUSED) {
    for (size_t i = 0; i < countof(owned_by_two); i++) {
        atomic_fetch_add(&arrivals, 1);
        while (atomic_load(&arrivals) < 2 * (i + 1)) thread_yield();
        page_unref(owned_by_two[i]);
    }
}

KTEST("page/two owners let go at the same moment: the page goes once") {
    static struct runner other;
    atomic_store(&arrivals, 0);
    for (size_t i = 0; i < countof(owned_by_two); i++) {
        NEED(owned_by_two[i] = page_alloc());
        page_ref(owned_by_two[i]);
    }
    NEED(runner_start(&other, NULL, let_go, NULL));
    size_t without = pages_free();
    let_go(NULL);
    runner_join(&other);
    EXPECT(pages_free() >= without + countof(owned_by_two));
}
