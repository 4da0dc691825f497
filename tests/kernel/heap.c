/*
 * The kernel heap.
 */
#include "vm/heap.h"

#include "kernel/base/string.h"
#include "tests/kernel/support.h"
#include "vm/budget.h"
#include "vm/page.h"

/* Half a page and less come from slabs. */
#define SLAB_MAX (PAGE_SIZE / 2)

KTEST("heap/every size is aligned to 16 bytes and as large as was asked for") {
    for (size_t size = 0; size <= SLAB_MAX + 64; size++) {
        uint8_t *a = heap_alloc(size), *b = heap_alloc(size);
        NEED(a && b);
        EXPECT((uintptr_t)a % 16 == 0 && (uintptr_t)b % 16 == 0);
        memset(a, 1, size);
        memset(b, 2, size);
        EXPECT(size == 0 || (a[0] == 1 && a[size - 1] == 1 && b[0] == 2 && b[size - 1] == 2));
        heap_free(a);
        heap_free(b);
    }
}

KTEST("heap/what is larger than half a page is a run of pages") {
    for (size_t size = SLAB_MAX + 1; size <= (size_t)1 << 20; size = size * 2 + 1) {
        size_t before = heap_bytes();
        uint8_t *object = heap_alloc(size);
        NEED(object);
        EXPECT((uintptr_t)object % PAGE_SIZE == 0);
        EXPECT(heap_bytes() - before >= size && heap_bytes() - before < 2 * size + PAGE_SIZE);
        object[0] = object[size - 1] = 1;
        heap_free(object);
        EXPECT(heap_bytes() == before);
    }
}

KTEST("heap/more than there can ever be is refused") {
    EXPECT(heap_alloc(SIZE_MAX) == NULL);
    EXPECT(heap_alloc((PAGE_SIZE << PAGE_MAX_ORDER) + 1) == NULL);
}

KTEST("heap/freeing nothing does nothing") { heap_free(NULL); }

KTEST("heap/a zeroed object is zero where another was before") {
    for (size_t size = 1; size <= SLAB_MAX; size = size * 2 + 1) {
        uint8_t *object = heap_alloc(size), any = 0;
        NEED(object);
        memset(object, 0xff, size);
        heap_free(object);
        NEED((object = heap_alloc_zeroed(size)));
        for (size_t i = 0; i < size; i++) any |= object[i];
        EXPECT(any == 0);
        heap_free(object);
    }
}

KTEST("heap/objects of a slab do not overlap, freed in any order") {
    static uint8_t *objects[300];
    random_seed(2);
    for (size_t size = 24; size <= SLAB_MAX; size = size * 3 / 2) {
        for (size_t i = 0; i < countof(objects); i++) {
            NEED((objects[i] = heap_alloc(size)));
            memset(objects[i], (int)(i % 251), size);
        }
        for (size_t left = countof(objects); left > 0; left--) {
            size_t pick = random_below(left);
            EXPECT(memcmp(objects[pick], objects[pick] + 1, size - 1) == 0);
            heap_free(objects[pick]);
            objects[pick] = objects[left - 1];
        }
    }
}

KTEST("heap/when memory is out every size fails, and afterwards works again") {
    budgets_trim(&root_budget);
    struct page *all = memory_take_all();
    for (size_t size = 16; size <= 2 * PAGE_SIZE; size *= 2) {
        /* A slab that others use may still have room; it has an end. */
        struct chain {
            struct chain *next;
        } *chain = NULL, *object;
        while ((object = heap_alloc(size))) {
            object->next = chain;
            chain = object;
        }
        EXPECT(heap_alloc(size) == NULL);
        for (; chain; chain = object) {
            object = chain->next;
            heap_free(chain);
        }
    }
    memory_give_back(all);
    void *object = heap_alloc(100);
    EXPECT(object);
    heap_free(object);
}

KTEST("heap/trimming gives back the slabs that nobody uses") {
    budgets_trim(&root_budget);
    size_t before = pages_free();
    for (size_t size = 32; size <= SLAB_MAX; size *= 2) {
        void *object = heap_alloc(size);
        NEED(object);
        heap_free(object);
    }
    budgets_trim(&root_budget);
    EXPECT(pages_free() == before);
}
