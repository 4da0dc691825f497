/*
 * Memory as the C library gives it out, over VMOs of the program's own.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "tests/user/child.h"
#include "tests/user/harness.h"
#include "tests/user/memory.h"

#define MEBIBYTE ((size_t)1 << 20)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

static void *map(size_t len, int prot) { return mmap(NULL, len, prot, ANONYMOUS, -1, 0); }

/* Blocks of all sizes up to 16 MiB, each marked at both ends with its own number. */
#define SLOTS 48

static struct slot {
    uint32_t *block;
    size_t words;
    uint32_t mark;
} slots[SLOTS];

static bool slot_intact(const struct slot *slot) {
    return !slot->block || (slot->block[0] == slot->mark && slot->block[slot->words - 1] == slot->mark);
}

static bool slot_mark(struct slot *slot, size_t words, uint32_t mark) {
    slot->words = words;
    slot->mark = mark;
    if (slot->block) slot->block[0] = slot->block[words - 1] = mark;
    return slot->block != NULL;
}

TEST("libc/malloc, realloc and free of gigabytes in turn leave every block whole") {
    const uint64_t goal = amount((uint64_t)2 << 30);
    uint64_t total = 0, random = 1;
    for (uint32_t round = 1; total < goal; round++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        struct slot *slot = &slots[(random >> 33) % SLOTS];
        size_t words = (((size_t)1 << (random >> 40) % 23) + (random >> 50) % 512) / 4 + 1;
        NEED(slot_intact(slot));
        if (round % 4 == 0 && slot->block) {
            slot->block = realloc(slot->block, words * 4);
            if (words > 1) NEED(slot->block && slot->block[0] == slot->mark);
        } else {
            free(slot->block);
            slot->block = malloc(words * 4);
        }
        NEED(slot_mark(slot, words, round));
        total += words * 4;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        EXPECT(slot_intact(&slots[i]));
        free(slots[i].block);
    }
}

/* A block of zeros, which are then overwritten. */
static bool gets_zeros(size_t len) {
    volatile unsigned char *block = calloc(1, len);
    if (!block) return false;
    bool zeros = true;
    for (size_t at = 0; at < len; at++) {
        zeros = zeros && block[at] == 0;
        block[at] = 0xff;
    }
    free((void *)block);
    return zeros;
}

TEST("libc/calloc gives zeros, also where there was something before") {
    for (size_t len = 1; len < 8 * MEBIBYTE; len = len * 3 + 1) {
        for (int i = 0; i < 3; i++) EXPECT(gets_zeros(len));
    }
}

TEST("libc/a block can be aligned to what one likes") {
    for (size_t align = 16; align <= MEBIBYTE; align *= 2) {
        void *block = aligned_alloc(align, align);
        NEED(block != NULL);
        EXPECT_EQ((uintptr_t)block % align, 0);
        memset(block, 1, align);
        free(block);
    }
}

static bool can_allocate(size_t count, size_t size) {
    void *volatile block = count == 1 ? malloc(size) : calloc(count, size);
    free(block);
    return block != NULL;
}

TEST("libc/malloc of more than there can be gives NULL and ENOMEM") {
    volatile size_t huge = SIZE_MAX; /* more than a compiler believes anybody could want */
    for (size_t len = MEBIBYTE << 10; len > MEBIBYTE; len *= 4) {
        errno = 0;
        EXPECT(!can_allocate(1, len));
        EXPECT_EQ(errno, ENOMEM);
    }
    EXPECT(!can_allocate(huge / 2, 3));
    char *block = malloc(1000);
    NEED(block != NULL);
    block[999] = 7;
    char *larger = realloc(block, huge / 4);
    EXPECT(larger == NULL && block[999] == 7);
    free(larger ? larger : block);
}

/* What was filled stays filled: no block's memory is given out twice, and none is missing when it is touched. */
TEST("libc/malloc until there is nothing left ends with NULL, not with a crash, and all comes back") {
    static void *blocks[4096];
    for (int round = 0; round < 2; round++) {
        size_t count = 0, len = 300000;
        errno = 0;
        while (count < 4096 && (blocks[count] = malloc(len))) memset(blocks[count++], round + 1, len);
        EXPECT_EQ(errno, ENOMEM);
        NEED(count > 100 && count < 4096);
        for (size_t i = 0; i < count; i++) {
            const unsigned char *bytes = blocks[i];
            EXPECT(bytes[0] == round + 1 && bytes[len / 2] == round + 1 && bytes[len - 1] == round + 1);
            free(blocks[i]);
        }
    }
}

TEST("libc/small blocks until there is nothing left") {
    struct link {
        struct link *next;
        char text[168];
    } *list = NULL;
    size_t count = 0;
    for (;; count++) {
        struct link *link = malloc(sizeof(*link));
        if (!link) break;
        link->next = list;
        memset(link->text, 'x', sizeof(link->text));
        list = link;
    }
    EXPECT_EQ(errno, ENOMEM);
    EXPECT(count > 100000);
    while (list) {
        struct link *next = list->next;
        free(list);
        list = next;
    }
    void *again = malloc(50 * MEBIBYTE);
    EXPECT(again != NULL);
    free(again);
}

/* A process may not look at its own mappings, so a child does: board word 0 is the address, the answer follows. */
static void find_mapping(zx_handle_t parent, uintptr_t there) {
    static zx_info_maps_t maps[256];
    struct board *board = (struct board *)there;
    size_t count = 0;
    zx_object_get_info(parent, ZX_INFO_PROCESS_MAPS, maps, sizeof(maps), &count, NULL);
    for (size_t i = 0; i < count; i++) {
        bool inside = board->words[0] - maps[i].base < maps[i].size;
        if (inside && maps[i].type == ZX_INFO_MAPS_TYPE_MAPPING) memcpy((char *)there + 8, &maps[i], sizeof(maps[i]));
    }
    zx_process_exit(0);
}

/* The mapping that holds an address; zeros if there is none. */
static zx_info_maps_t mapping_at(const void *addr) {
    struct child child;
    zx_info_maps_t found = {0};
    zx_handle_t self;
    EXPECT_OK(zx_handle_duplicate(zx_process_self(), ZX_RIGHT_SAME_RIGHTS, &self));
    if (!child_make(&child)) return found;
    child.board->words[0] = (uintptr_t)addr;
    EXPECT_OK(child_start(&child, find_mapping, self));
    EXPECT_EQ(child_wait(&child), 0);
    memcpy(&found, (char *)child.board + 8, sizeof(found));
    child_close(&child);
    return found;
}

/* Something else may be there by now. */
static bool is_gone(const void *addr) { return strcmp(mapping_at(addr).name, "heap") != 0; }

TEST("libc/mmap maps a VMO of its own, named for what it is, with its pages there") {
    char *memory = map(10 * PAGE, PROT_READ | PROT_WRITE);
    NEED(memory != MAP_FAILED);
    zx_info_maps_t mapping = mapping_at(memory);
    EXPECT_EQ(strcmp(mapping.name, "heap"), 0);
    EXPECT_EQ(mapping.size, 10 * PAGE);
    EXPECT_EQ(mapping.u.mapping.committed_pages, 10);
    EXPECT_EQ(munmap(memory, 10 * PAGE), 0);
    EXPECT(is_gone(memory));
}

TEST("libc/mmap with MAP_NORESERVE gets pages as they are touched") {
    char *memory = mmap(NULL, MEBIBYTE << 10, PROT_READ | PROT_WRITE, ANONYMOUS | MAP_NORESERVE, -1, 0);
    NEED(memory != MAP_FAILED);
    EXPECT_EQ(mapping_at(memory).u.mapping.committed_pages, 0);
    memory[500 * MEBIBYTE] = 1;
    EXPECT_EQ(mapping_at(memory).u.mapping.committed_pages, 1);
    EXPECT_EQ(munmap(memory, MEBIBYTE << 10), 0);
}

TEST("libc/mmap with MAP_FIXED replaces what is there") {
    char *memory = map(4 * PAGE, PROT_READ | PROT_WRITE);
    NEED(memory != MAP_FAILED);
    memset(memory, 1, 4 * PAGE);
    EXPECT(mmap(memory + PAGE, PAGE, PROT_READ, ANONYMOUS | MAP_FIXED, -1, 0) == memory + PAGE);
    EXPECT(memory[0] == 1 && memory[PAGE] == 0 && memory[2 * PAGE] == 1);
    errno = 0;
    EXPECT(mmap((void *)PAGE, PAGE, PROT_READ, ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
    EXPECT_EQ(errno, ENOMEM);
    EXPECT_EQ(munmap(memory, 4 * PAGE), 0);
}

static void expect_refused(void *start, size_t len, int flags, int fd, int error) {
    errno = 0;
    EXPECT(mmap(start, len, PROT_READ, flags, fd, 0) == MAP_FAILED);
    EXPECT_EQ(errno, error);
}

TEST("libc/mmap refuses files, nothing, and what is not whole pages") {
    expect_refused(NULL, 0, ANONYMOUS, -1, EINVAL);
    expect_refused(NULL, PAGE, MAP_PRIVATE, 1, ENODEV);
    expect_refused(NULL, PAGE, MAP_PRIVATE, 5, EBADF);
    expect_refused((void *)0x2000001, PAGE, ANONYMOUS | MAP_FIXED, -1, EINVAL);
    expect_refused(NULL, SIZE_MAX, ANONYMOUS, -1, ENOMEM);
    errno = 0;
    EXPECT_EQ(munmap((void *)0x2000001, PAGE), -1);
    EXPECT_EQ(errno, EINVAL);
}

TEST("libc/mprotect takes permissions away and gives them back") {
    char *memory = map(2 * PAGE, PROT_NONE);
    NEED(memory != MAP_FAILED);
    EXPECT_EQ(mprotect(memory, 2 * PAGE, PROT_READ | PROT_WRITE), 0);
    memory[0] = memory[PAGE] = 7;
    EXPECT_EQ(mprotect(memory, PAGE, PROT_READ), 0);
    EXPECT(memory[0] == 7 && mapping_at(memory).u.mapping.mmu_flags == ZX_VM_PERM_READ);
    EXPECT_EQ(munmap(memory, 2 * PAGE), 0);
    errno = 0;
    EXPECT_EQ(mprotect(memory, PAGE, PROT_READ), -1);
    EXPECT_EQ(errno, ENOMEM);
}

static _Thread_local char local[100];
static pthread_key_t key;

static void *use_and_tell_stack(void *out) {
    pthread_attr_t attr;
    size_t len;
    for (size_t i = 0; i < sizeof(local); i++) EXPECT_EQ(local[i], 0);
    EXPECT(pthread_getspecific(key) == NULL);
    memset(local, 1, sizeof(local));
    EXPECT_EQ(pthread_setspecific(key, out), 0);
    EXPECT_EQ(pthread_getattr_np(pthread_self(), &attr), 0);
    EXPECT_EQ(pthread_attr_getstack(&attr, out, &len), 0);
    return NULL;
}

/* Where the stack of a thread was that has ended. */
static char *stack_of_next(size_t size, size_t guard) {
    pthread_attr_t attr;
    pthread_t thread;
    void *stack = NULL;
    pthread_attr_init(&attr);
    EXPECT_EQ(pthread_attr_setstacksize(&attr, size), 0);
    EXPECT_EQ(pthread_attr_setguardsize(&attr, guard), 0);
    EXPECT_EQ(pthread_create(&thread, &attr, use_and_tell_stack, &stack), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    return stack;
}

TEST("libc/a thread gets what one that was joined had, zero where it is thread-local, with the guard that it wants") {
    const unsigned writable = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;
    EXPECT_EQ(pthread_key_create(&key, NULL), 0);
    char *first = stack_of_next(16 * PAGE, 2 * PAGE);
    EXPECT_EQ((uintptr_t)stack_of_next(16 * PAGE, 2 * PAGE), (uintptr_t)first);
    EXPECT_EQ((uintptr_t)stack_of_next(15 * PAGE, 3 * PAGE), (uintptr_t)first + PAGE);
    EXPECT_EQ(mapping_at(first).u.mapping.mmu_flags, 0);
    EXPECT_EQ(mapping_at(first + PAGE).u.mapping.mmu_flags, writable);
    EXPECT_EQ((uintptr_t)stack_of_next(17 * PAGE, PAGE), (uintptr_t)first - PAGE);
    EXPECT_EQ(mapping_at(first - 2 * PAGE).u.mapping.mmu_flags, 0);
    EXPECT_EQ(mapping_at(first - PAGE).u.mapping.mmu_flags, writable);
    /* What is kept goes when something else is. */
    EXPECT((uintptr_t)stack_of_next(32 * PAGE, 2 * PAGE) != 0);
    EXPECT(is_gone(first));
    EXPECT_EQ(pthread_key_delete(key), 0);
}

TEST("libc/code that a program makes can be run") {
    static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */
    int (*made)(void);
    char *memory = map(PAGE, PROT_READ | PROT_WRITE);
    NEED(memory != MAP_FAILED);
    memcpy(memory, code, sizeof(code));
    EXPECT_EQ(mprotect(memory, PAGE, PROT_READ | PROT_EXEC), 0);
    memcpy(&made, &memory, sizeof(made));
    EXPECT_EQ(made(), 42);
    EXPECT_EQ(munmap(memory, PAGE), 0);
}

static char image[2 * PAGE] __attribute__((aligned(PAGE)));

TEST("libc/the image and the stack stay as they are") {
    char stack = 1;
    char *page = (char *)((uintptr_t)&stack & ~(uintptr_t)ZX_PAGE_MASK);
    image[0] = 2;
    errno = 0;
    EXPECT_EQ(mprotect(image, PAGE, PROT_READ), -1);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(munmap(image, PAGE), -1);
    EXPECT_EQ(munmap(page, PAGE), -1);
    image[0]++;
    stack++;
    EXPECT(image[0] == 3 && stack == 2);
}

TEST("libc/madvise gives pages back when told that they are not needed, and they read as zeros") {
    char *memory = map(4 * PAGE, PROT_READ | PROT_WRITE);
    NEED(memory != MAP_FAILED);
    memset(memory, 1, 4 * PAGE);
    EXPECT_EQ(madvise(memory, 4 * PAGE, MADV_WILLNEED), 0);
    EXPECT_EQ(madvise(memory + PAGE, 2 * PAGE, MADV_DONTNEED), 0);
    EXPECT_EQ(mapping_at(memory).u.mapping.committed_pages, 2);
    EXPECT(memory[0] == 1 && memory[PAGE] == 0 && memory[3 * PAGE - 1] == 0 && memory[3 * PAGE] == 1);
    EXPECT_EQ(munmap(memory, 4 * PAGE), 0);
}

static char *remap(char *memory, size_t from, size_t to, int flags) {
    for (size_t at = 0; at < from; at += PAGE) memory[at] = (char)(at / PAGE + 1);
    char *moved = mremap(memory, from, to, flags);
    if (moved == MAP_FAILED) return moved;
    for (size_t at = 0; at < to; at += PAGE) EXPECT_EQ(moved[at], at < from ? (char)(at / PAGE + 1) : 0);
    return moved;
}

TEST("libc/mremap grows and shrinks memory, and moves it only if it may") {
    char *memory = map(8 * PAGE, PROT_READ | PROT_WRITE);
    NEED(memory != MAP_FAILED);
    EXPECT(remap(memory, 8 * PAGE, 3 * PAGE, 0) == memory);
    EXPECT(is_gone(memory + 3 * PAGE));
    EXPECT(remap(memory, 3 * PAGE, 5 * PAGE, 0) == memory);
    char *wall = mmap(memory + 5 * PAGE, PAGE, PROT_READ, ANONYMOUS | MAP_FIXED, -1, 0);
    NEED(wall == memory + 5 * PAGE);
    errno = 0;
    EXPECT(remap(memory, 5 * PAGE, 9 * PAGE, 0) == MAP_FAILED);
    EXPECT_EQ(errno, ENOMEM);
    char *moved = remap(memory, 5 * PAGE, 9 * PAGE, MREMAP_MAYMOVE);
    EXPECT(moved != MAP_FAILED && moved != memory);
    EXPECT(is_gone(memory));
    EXPECT_EQ(munmap(moved, 9 * PAGE), 0);
    EXPECT_EQ(munmap(wall, PAGE), 0);
}

TEST("libc/mremap of what is not mapped, as a whole or in part, fails with EFAULT") {
    char *memory = map(3 * PAGE, PROT_READ | PROT_WRITE);
    NEED(memory != MAP_FAILED);
    NEED_EQ(munmap(memory + PAGE, PAGE), 0);
    errno = 0;
    EXPECT(mremap(memory + PAGE, PAGE, 2 * PAGE, 0) == MAP_FAILED);
    EXPECT_EQ(errno, EFAULT);
    errno = 0;
    EXPECT(mremap(memory, 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
    EXPECT_EQ(errno, EFAULT);
    EXPECT_EQ(munmap(memory, 3 * PAGE), 0);
}

TEST("libc/mmap refuses what is neither private nor shared, or both, and an unaligned offset") {
    expect_refused(NULL, PAGE, MAP_ANON, -1, EINVAL);
    expect_refused(NULL, PAGE, MAP_ANON | MAP_PRIVATE | MAP_SHARED, -1, EINVAL);
    errno = 0;
    EXPECT(mmap(NULL, PAGE, PROT_READ, ANONYMOUS, -1, 1) == MAP_FAILED);
    EXPECT_EQ(errno, EINVAL);
}
