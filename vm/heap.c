/*
 * Slabs; see heap.h. A slab is one page cut into objects of its class; the list of a class holds the slabs that have
 * room. A class that gets a second wholly empty slab gives it back. Each class has its own spinlock.
 */
#include "vm/heap.h"

#include "kernel/base/log.h"
#include "kernel/base/poison.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/string.h"
#include "vm/heap_check.h"
#include "vm/inject.h"
#include "vm/page.h"

static const uint16_t class_sizes[] = {32, 64, 96, 128, 192, 256, 336, 448, 528, 672, 1024, 1360, 2048};

static struct size_class {
    struct spinlock lock;
    LIST_HEAD(, page) roomy; /* slabs with a free object */
    size_t empty;            /* how many of them are wholly empty */
    atomic_size_t used;      /* objects given out; changed under the lock */
} classes[countof(class_sizes)] = {
    [0 ... countof(class_sizes) - 1] = {.lock = SPINLOCK_INIT(RANK_HEAP, "heap")},
};

static atomic_size_t run_bytes; /* given out */

size_t heap_bytes(void) {
    size_t bytes = atomic_load_explicit(&run_bytes, memory_order_relaxed);
    for (unsigned c = 0; c < countof(classes); c++)
        bytes += class_sizes[c] * atomic_load_explicit(&classes[c].used, memory_order_relaxed);
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

static void count_used(struct size_class *class, size_t change) REQUIRES(&class->lock) {
    size_t used = atomic_load_explicit(&class->used, memory_order_relaxed);
    atomic_store_explicit(&class->used, used + change, memory_order_relaxed);
}

/* All the bytes that the object has which begins on this page. */
static size_t room_of(const struct page *page) {
    return page->state == PAGE_SLAB ? class_sizes[page->order] : PAGE_SIZE << page->order;
}

/* All of a free object but the link to the next. */
static void object_poison(void **object, unsigned c) { memory_poison(object + 1, class_sizes[c] - sizeof(*object)); }

/* Cuts a fresh page into a chain of free objects. */
static struct page *slab_make(unsigned c) {
    struct page *slab = page_alloc();
    if (!slab) return NULL;
    char *data = page_data(slab);
    page_set_use(slab, PAGE_SLAB);
    slab->slab_used = 0;
    slab->slab_free = NULL;
    for (size_t i = PAGE_SIZE / class_sizes[c]; i-- > 0;) {
        void **object = (void **)(data + i * class_sizes[c]);
        *object = slab->slab_free;
        slab->slab_free = object;
        object_poison(object, c);
    }
    return slab;
}

static void slab_release(struct page *slab) {
    memory_unpoison(page_data(slab), PAGE_SIZE);
    slab->order = 0;
    page_free(slab);
}

static void *slab_take(struct size_class *class, struct page *slab) REQUIRES(&class->lock) {
    void **object = slab->slab_free;
    ASSERT(object);
    count_used(class, 1);
    slab->slab_free = *object;
    heap_free_check(object, *object, class_sizes[slab->order]);
    if (slab->slab_used++ == 0) class->empty--;
    if (!slab->slab_free) LIST_REMOVE(slab, link);
    return object;
}

/* Gives it a slab more, and takes the first object of that. */
static NOINLINE void *class_grow(unsigned c) {
    struct size_class *class = &classes[c];
    struct page *fresh = slab_make(c);
    if (!fresh) return NULL;
    fresh->order = (uint8_t)c;
    spin_lock(&class->lock);
    LIST_INSERT_HEAD(&class->roomy, fresh, link);
    class->empty++;
    void *object = slab_take(class, fresh);
    spin_unlock(&class->lock);
    return object;
}

static void *class_alloc(unsigned c) {
    struct size_class *class = &classes[c];
    spin_lock(&class->lock);
    struct page *slab = LIST_FIRST(&class->roomy);
    if (unlikely(!slab)) {
        spin_unlock(&class->lock);
        return class_grow(c);
    }
    void *object = slab_take(class, slab);
    spin_unlock(&class->lock);
    return object;
}

static void class_free(struct page *slab, void **object) {
    unsigned c = slab->order;
    struct size_class *class = &classes[c];
    struct page *surplus = NULL;
    spin_lock(&class->lock);
    count_used(class, (size_t)-1);
    if (!slab->slab_free) LIST_INSERT_HEAD(&class->roomy, slab, link);
    *object = slab->slab_free;
    slab->slab_free = object;
    if (--slab->slab_used == 0 && class->empty++ > 0) {
        LIST_REMOVE(slab, link);
        class->empty--;
        surplus = slab;
    }
    spin_unlock(&class->lock);
    if (surplus) slab_release(surplus);
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
    atomic_fetch_add_explicit(&run_bytes, room_of(run), memory_order_relaxed);
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
    if (object) memset(object, 0, size);
    return object;
}

void heap_free(void *object) {
    if (!object) return;
    struct page *page = page_from_data(object);
    CHECK(page->state == PAGE_SLAB || page->state == PAGE_HEAP_RUN);
    heap_fence_check(object, room_of(page));
    if (page->state == PAGE_HEAP_RUN) {
        atomic_fetch_sub_explicit(&run_bytes, room_of(page), memory_order_relaxed);
        page_free(page);
    } else {
        object_poison(object, page->order);
        class_free(page, object);
    }
}

/* An empty slab of the class, taken off its list; NULL if there is none. */
static struct page *empty_slab(struct size_class *class) {
    struct page *slab;
    spin_lock(&class->lock);
    LIST_FOREACH (slab, &class->roomy, link) {
        if (slab->slab_used == 0) break;
    }
    if (slab) {
        LIST_REMOVE(slab, link);
        class->empty--;
    }
    spin_unlock(&class->lock);
    return slab;
}

void heap_trim(void) {
    struct page *slab;
    for (unsigned c = 0; c < countof(class_sizes); c++) {
        while ((slab = empty_slab(&classes[c]))) slab_release(slab);
    }
}
