/*
 * Slabs; see heap.h. A slab is one page cut into objects of its class; the list of a class holds the slabs that have
 * room. One that is wholly empty is kept if the heap keeps any and the class has none; else it is given back. Each
 * class in each row of each heap has its own spinlock. A slab stays with its class, whichever processor frees.
 */
#include "vm/heap.h"

#include "kernel/base/log.h"
#include "kernel/base/poison.h"
#include "kernel/base/tally.h"
#include "vm/budget.h"
#include "vm/heap_check.h"
#include "vm/inject.h"

static const uint16_t class_sizes[HEAP_CLASSES] = {32, 64, 96, 128, 192, 256, 336, 448, 528, 672, 1024, 1360, 2048};

/* Of the objects of a heap's class with that index. */
static size_t size_at(unsigned index) { return class_sizes[index % HEAP_ROW]; }

static struct tally used[HEAP_CLASSES]; /* objects given out by all heaps */
static struct tally run_bytes;          /* given out */

void heap_init(struct heap *heap) { *heap = (struct heap)HEAP_INIT(false); }

size_t heap_bytes(void) {
    size_t bytes = tally_sum(&run_bytes);
    for (unsigned c = 0; c < HEAP_CLASSES; c++) bytes += class_sizes[c] * tally_sum(&used[c]);
    return bytes;
}

/* The class of objects of up to 16 times so many bytes. */
static const uint8_t class_of[] = {
    [0 ... 2] = 0,    [3 ... 4] = 1,    [5 ... 6] = 2,     [7 ... 8] = 3,   [9 ... 12] = 4,
    [13 ... 16] = 5,  [17 ... 21] = 6,  [22 ... 28] = 7,   [29 ... 33] = 8, [34 ... 42] = 9,
    [43 ... 64] = 10, [65 ... 85] = 11, [86 ... 128] = 12,
};

static unsigned class_for(size_t size) {
    unsigned c = class_of[(size + 15) / 16];
    ASSERT(size <= class_sizes[c] && (c == 0 || size > class_sizes[c - 1]));
    return c;
}

/* All the bytes that the object has which begins on this page. */
static size_t room_of(const struct page *page) {
    return page->state == PAGE_SLAB ? size_at(page->order) : PAGE_SIZE << page->order;
}

/* All of a free object but the link to the next. */
static void object_poison(void **object, size_t size) { memory_poison(object + 1, size - sizeof(*object)); }

/* Where in its slab an object lies, in 16 bytes; SLAB_FULL, where none is, ends the chain of those that are free. */
#define SLAB_FULL UINT8_MAX

static void **object_at(void *data, uint8_t place) { return (void **)((char *)data + place * 16); }

static uint8_t place_of(const void *object) { return (uint8_t)(((uintptr_t)object & PAGE_MASK) / 16); }

/* Cuts a fresh page into a chain of free objects. */
static struct page *slab_make(unsigned index) {
    const size_t size = size_at(index);
    struct page *slab = page_alloc_for(PAGE_SLAB);
    if (!slab) return NULL;
    char *data = page_data(slab);
    slab->slab_used = 0;
    slab->slab_free = SLAB_FULL;
    slab->order = (uint8_t)index;
    for (size_t i = PAGE_SIZE / size; i-- > 0;) {
        void **object = (void **)(data + i * size);
        *object = object_at(data, slab->slab_free);
        slab->slab_free = place_of(object);
        object_poison(object, size);
    }
    return slab;
}

static void slab_release(struct page *slab) {
    memory_unpoison(page_data(slab), PAGE_SIZE);
    slab->order = 0;
    page_free(slab);
}

static ALWAYS_INLINE void *slab_take(struct heap_class *class, struct page *slab) REQUIRES(&class->lock) {
    void **object = object_at(page_data(slab), slab->slab_free);
    ASSERT(slab->slab_free != SLAB_FULL);
    slab->slab_free = place_of(*object);
    slab->slab_used++;
    heap_free_check(object, *object, size_at(slab->order));
    if (slab->slab_free == SLAB_FULL) LIST_REMOVE(slab, link);
    if (slab == class->empty) class->empty = NULL;
    return object;
}

/* Gives it a slab more, and takes the first object of that. */
static NOINLINE void *class_grow(struct heap_class *class, unsigned index) {
    struct page *fresh = slab_make(index);
    if (!fresh) return NULL;
    spin_lock(&class->lock);
    LIST_INSERT_HEAD(&class->roomy, fresh, link);
    void *object = slab_take(class, fresh);
    spin_unlock(&class->lock);
    tally_add(&used[index % HEAP_ROW], 1);
    return object;
}

static void *class_alloc(unsigned c) {
    const unsigned index = cpu_part() * HEAP_ROW + c;
    struct heap_class *class = &budget_current()->heap.classes[index];
    spin_lock(&class->lock);
    struct page *slab = LIST_FIRST(&class->roomy);
    if (unlikely(!slab)) {
        spin_unlock(&class->lock);
        return class_grow(class, index);
    }
    void *object = slab_take(class, slab);
    spin_unlock(&class->lock);
    tally_add(&used[c], 1);
    return object;
}

/* A slab's last page may free the budget that holds its class: nothing of it is touched once the lock is released. */
static void class_free(struct page *slab, void **object) {
    struct heap *heap = &slab->budget->heap;
    struct heap_class *class = &heap->classes[slab->order];
    bool surplus = false;
    tally_sub(&used[slab->order % HEAP_ROW], 1);
    spin_lock(&class->lock);
    if (slab->slab_free == SLAB_FULL) LIST_INSERT_HEAD(&class->roomy, slab, link);
    *object = object_at((char *)object - ((uintptr_t)object & PAGE_MASK), slab->slab_free);
    slab->slab_free = place_of(object);
    if (unlikely(--slab->slab_used == 0)) {
        surplus = class->empty || !atomic_load_explicit(&heap->keeps, memory_order_relaxed);
        if (surplus)
            LIST_REMOVE(slab, link);
        else
            class->empty = slab;
    }
    spin_unlock(&class->lock);
    if (surplus) slab_release(slab);
}

static unsigned run_order(size_t size) {
    unsigned order = 0;
    while (order <= PAGE_MAX_ORDER && PAGE_SIZE << order < size) order++;
    return order;
}

static NOINLINE void *run_alloc(size_t size) {
    struct page *run = page_alloc_run(run_order(size));
    if (!run) return NULL;
    page_set_use(run, PAGE_HEAP_RUN);
    tally_add(&run_bytes, room_of(run));
    return page_data(run);
}

static void *slot_alloc(size_t size) { return inject_failure() ? NULL : class_alloc(class_for(size)); }

void *heap_alloc(size_t size) {
    size_t wanted;
    if (__builtin_add_overflow(size, HEAP_FENCE, &wanted)) return NULL;
    bool large = wanted > class_sizes[countof(class_sizes) - 1];
    void *object = unlikely(large) ? run_alloc(wanted) : slot_alloc(wanted);
    if (!object) return NULL;
    memory_unpoison(object, size);
    heap_fence_raise(object, size, room_of(page_from_data(object)));
    return object;
}

void *heap_alloc_zeroed(size_t size) {
    void *object = heap_alloc(size);
    if (object) arch_zero(object, size);
    return object;
}

void heap_free(void *object) {
    if (!object) return;
    struct page *page = page_from_data(object);
    CHECK(page->state == PAGE_SLAB || page->state == PAGE_HEAP_RUN);
    heap_fence_check(object, room_of(page));
    if (page->state == PAGE_HEAP_RUN) {
        tally_sub(&run_bytes, room_of(page));
        page_free(page);
    } else {
        object_poison(object, size_at(page->order));
        class_free(page, object);
    }
}

void heap_collect(struct heap *heap, struct page_list *slabs) {
    for (unsigned index = 0; index < CPU_PARTS * HEAP_ROW; index++) {
        struct heap_class *class = &heap->classes[index];
        spin_lock(&class->lock);
        struct page *slab = class->empty;
        if (slab) {
            LIST_REMOVE(slab, link);
            LIST_INSERT_HEAD(slabs, slab, link);
        }
        class->empty = NULL;
        spin_unlock(&class->lock);
    }
}

bool heap_release(struct page_list *slabs) {
    struct page *slab;
    bool any = !LIST_EMPTY(slabs);
    while ((slab = LIST_FIRST(slabs))) {
        LIST_REMOVE(slab, link);
        slab_release(slab);
    }
    return any;
}

bool heap_trim(struct heap *heap) {
    struct page_list slabs = LIST_HEAD_INITIALIZER(slabs);
    heap_collect(heap, &slabs);
    return heap_release(&slabs);
}

/* A slab that becomes empty meanwhile is either kept, and found, or its class sees that none is wanted. */
void heap_keep(struct heap *heap, bool keeps) {
    atomic_store_explicit(&heap->keeps, keeps, memory_order_relaxed);
    if (!keeps) (void)heap_trim(heap);
}
