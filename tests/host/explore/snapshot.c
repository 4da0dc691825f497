/*
 * Snapshots of the machine's memory. Taking one makes all of it read-only; the first store to each page then copies
 * it aside and makes it writable for good. To restore is to copy back the pages that were ever stored to: one or two
 * hundred. An image is another copy of just those: of later, which is restored in the same way.
 *
 * AddressSanitizer's own memory about the machine's goes back with it. All that is kept here is outside the
 * machine.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arch/types.h"
#include "kernel/base/poison.h"
#include "tests/host/explore/explore.h"

#define MAX_RANGES 40
#define MAX_PAGES 20000
#define IMAGE_ROOM ((size_t)64 << 20)

#define UNCHECKED __attribute__((no_sanitize("address", "undefined")))

static struct range { uintptr_t start, end; } ranges[MAX_RANGES];
static unsigned range_count;

/* A page, as far as it is the machine's, and what it held at the snapshot. */
static struct saved {
    char *at;
    uint32_t offset, size;
    char *copy;
} * saved;
static unsigned saved_count;
static char *copies;

/* What the pages saved so far held at a later time; others were still as at the snapshot. */
static struct image {
    unsigned pages;
    char *copies;
} images[SNAPSHOT_IMAGES];
static unsigned image_count;
static char *image_room;

static void range_add(uintptr_t start, uintptr_t end) {
    if (range_count == MAX_RANGES) abort();
    ranges[range_count++] = (struct range){start, end};
}

#ifdef POISON_ASAN
/* AddressSanitizer's byte for the eight at an address. */
static uintptr_t shadow(uintptr_t address) {
    size_t scale, offset;
    __asan_get_shadow_mapping(&scale, &offset);
    return (address >> scale) + offset;
}
#endif

void snapshot_add(void *start, size_t size) {
    uintptr_t from = (uintptr_t)start;
    range_add(from, from + size);
#ifdef POISON_ASAN
    range_add(shadow(from + 7), shadow(from + size));
#endif
}

/* The C library's own: AddressSanitizer's looks at what is copied. */
static void *(*copy)(void *to, const void *from, size_t size);

static void must_protect(uintptr_t start, uintptr_t end, int protection) {
    start &= ~(uintptr_t)PAGE_MASK;
    end = (end + PAGE_MASK) & ~(uintptr_t)PAGE_MASK;
    if (mprotect((void *)start, end - start, protection) != 0) abort();
}

/* The pages at the ends of ranges may hold other things too; those are not copied. */
UNCHECKED static bool save_page(uintptr_t page) {
    bool found = false;
    for (unsigned i = 0; i < range_count; i++) {
        uintptr_t from = ranges[i].start > page ? ranges[i].start : page;
        uintptr_t to = ranges[i].end < page + PAGE_SIZE ? ranges[i].end : page + PAGE_SIZE;
        if (from >= to) continue;
        found = true;
        if (saved_count == MAX_PAGES) return false;
        struct saved *s = &saved[saved_count];
        *s = (struct saved){(char *)from, 0, (uint32_t)(to - from), copies + saved_count * PAGE_SIZE};
        saved_count++;
        copy(s->copy, s->at, s->size);
    }
    return found;
}

UNCHECKED static void faulted(int signal_number, siginfo_t *info, void *context) {
    (void)context;
    uintptr_t page = (uintptr_t)info->si_addr & ~(uintptr_t)PAGE_MASK;
    if (saved && info->si_code == SEGV_ACCERR && save_page(page)) {
        mprotect((void *)page, PAGE_SIZE, PROT_READ | PROT_WRITE);
        return;
    }
    signal(signal_number, SIG_DFL);
    fprintf(stderr, "a wrong access at %p\n", info->si_addr);
    raise(SIGABRT);
}

static void *must_map(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) abort();
    return memory;
}

void snapshot_take(void) {
    stack_t stack = {.ss_sp = must_map(SIGSTKSZ * 8), .ss_size = SIGSTKSZ * 8};
    struct sigaction action = {.sa_sigaction = faulted, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    copy = (void *(*)(void *, const void *, size_t))dlsym(RTLD_NEXT, "memcpy");
    copies = must_map(MAX_PAGES * PAGE_SIZE);
    image_room = must_map(IMAGE_ROOM);
    saved = must_map(MAX_PAGES * sizeof(*saved));
    sigaltstack(&stack, NULL);
    sigaction(SIGSEGV, &action, NULL);
    for (unsigned i = 0; i < range_count; i++) must_protect(ranges[i].start, ranges[i].end, PROT_READ);
}

bool snapshot_push(void) {
    const struct image *last = image_count ? &images[image_count - 1] : NULL;
    char *at = last ? last->copies + last->pages * PAGE_SIZE : image_room;
    if (image_count == SNAPSHOT_IMAGES || at + saved_count * PAGE_SIZE > image_room + IMAGE_ROOM) return false;
    images[image_count++] = (struct image){saved_count, at};
    for (unsigned i = 0; i < saved_count; i++) copy(at + i * PAGE_SIZE, saved[i].at, saved[i].size);
    return true;
}

void snapshot_pop(void) { image_count--; }

void snapshot_restore(void) {
    const struct image image = image_count ? images[image_count - 1] : (struct image){0, NULL};
    for (unsigned i = 0; i < image.pages; i++) copy(saved[i].at, image.copies + i * PAGE_SIZE, saved[i].size);
    for (unsigned i = image.pages; i < saved_count; i++) copy(saved[i].at, saved[i].copy, saved[i].size);
}

size_t snapshot_pages(void) { return saved_count; }
