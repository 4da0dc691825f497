/*
 * The simulated machine's memory: physical memory, kernel stacks, user translations, and user copies. See host.h.
 *
 * Translations are kept in four levels of tables of 512, made of pages that the kernel gives, as on a PC; so running
 * out of memory for them can be tested. An entry is a physical address with the bits below.
 */
#define _GNU_SOURCE
#include "arch/mmu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arch/boot.h"
#include "arch/ioports.h"
#include "arch/upcall.h"
#include "arch/usercopy.h"
#include "kernel/base/arith.h"
#include "kernel/base/poison.h"
#include "kernel/sched/thread.h"
#include "tests/host/cache.h"
#include "tests/host/host.h"
#include "tests/host/memory.h"
#include "vm/aspace.h"

#define ENTRY_PRESENT 1u
#define ENTRY_WRITE 2u
#define ENTRY_EXECUTE 4u
#define ENTRY_LARGE 8u /* a translation above the last level */
#define ENTRY_CACHE_SHIFT 4
#define ARCHIVE_LEN (2 * PAGE_SIZE + 100) /* of the boot archive, before all free memory */
#define ARCHIVE_ROOM (4 * PAGE_SIZE)      /* and more that is nobody's */
#define LEVELS 4u
#define INDEX_BITS 9u
#define ENTRIES (1u << INDEX_BITS)
#define TOP_ENTRIES (ENTRIES / 2) /* user space is the lower half */

char *host_physmap;
vaddr_t host_dynamic_base;
static struct boot_info boot_info = {.loader = "host", .cmdline = ""};

const struct boot_info *arch_boot_info(void) { return &boot_info; }

void *host_map(size_t len) {
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        perror("host: memory");
        exit(2);
    }
    return p;
}

void host_memory_init(size_t size) {
    host_physmap = host_map(size);
    host_dynamic_base = (vaddr_t)host_map(KERNEL_DYNAMIC_SIZE);
    host_cache_init(size);
    /* Frame 0 stays out, as it does on a PC: a physical address of 0 is always a mistake. */
    boot_info.bootfs = (struct boot_range){{PAGE_SIZE}, ARCHIVE_LEN};
    const uint64_t first = PAGE_SIZE + ARCHIVE_ROOM;
    boot_info.ram = (struct boot_ranges){.range = {{{first}, size - first}}, .count = 1};
    boot_info.ram_total = size;
}

/* --- kernel stacks --- */

/*
 * The area for them is memory of its own, which only AddressSanitizer guards: mapping the very frames there would
 * cost a Linux call for each page, and nobody looks at a stack through the physmap. The frame is remembered, and
 * given back.
 */
static uint64_t *dynamic_frame(vaddr_t va) {
    static uint64_t frames[KERNEL_DYNAMIC_SIZE >> PAGE_SHIFT];
    return &frames[(va - host_dynamic_base) >> PAGE_SHIFT];
}

zx_status_t arch_kernel_map(vaddr_t va, paddr_t pa) {
    *dynamic_frame(va) = pa.raw;
    memory_unpoison((void *)va, PAGE_SIZE);
    if (*dynamic_frame(va - PAGE_SIZE) == 0) memory_poison((void *)(va - PAGE_SIZE), PAGE_SIZE);
    return ZX_OK;
}

void arch_kernel_unmap(vaddr_t va, size_t count, paddr_t *pages) {
    for (size_t i = 0; i < count; i++, va += PAGE_SIZE) {
        pages[i].raw = *dynamic_frame(va);
        *dynamic_frame(va) = 0;
        memory_poison((void *)va, PAGE_SIZE);
    }
}

bool arch_kernel_tables_sound(void) { return true; }

/* --- user translations --- */

static uint64_t *table_at(uint64_t entry) { return arch_phys_to_virt((paddr_t){page_round_down(entry)}); }

static unsigned entry_index(vaddr_t va, unsigned level) {
    return (unsigned)(va >> (PAGE_SHIFT + INDEX_BITS * (level - 1))) % ENTRIES;
}

void arch_zero(void *memory, size_t len) { memset(memory, 0, len); }
void arch_page_zero(void *page) { memset(page, 0, PAGE_SIZE); }
void arch_page_copy(void *to, const void *from) { memcpy(to, from, PAGE_SIZE); }

uint64_t arch_phys_end(void) { return (uint64_t)1 << 40; }

zx_status_t arch_mmu_init(struct arch_aspace *as) {
    as->ports.raw = 0;
    return upcall_table_alloc(&as->root);
}

void arch_mmu_destroy(struct arch_aspace *as) {
    arch_mmu_drop(as, 0, USER_END);
    upcall_table_free(as->root);
    if (as->ports.raw) upcall_table_free(as->ports);
}

/* Programs here execute no instruction that would use a port. */
zx_status_t arch_ioports_allow(struct arch_aspace *as, uint32_t first UNUSED, uint32_t count UNUSED) {
    return as->ports.raw ? ZX_OK : upcall_table_alloc(&as->ports);
}

static vaddr_t entry_span(unsigned level) { return (vaddr_t)1 << (PAGE_SHIFT + INDEX_BITS * (level - 1)); }

/* Does the entry of that level point to a table? */
static bool is_table(uint64_t entry, unsigned level) { return level > 1 && entry && !(entry & ENTRY_LARGE); }

/* The deepest entry for `va`, down to level `floor`. */
static uint64_t *find(const struct arch_aspace *as, vaddr_t va, unsigned floor, unsigned *level) {
    uint64_t *entry = table_at(as->root.raw) + entry_index(va, LEVELS);
    for (*level = LEVELS; *level > floor && is_table(*entry, *level); --*level)
        entry = table_at(*entry) + entry_index(va, *level - 1);
    return entry;
}

static bool table_empty(const uint64_t *table) {
    for (unsigned i = 0; i < ENTRIES; i++) {
        if (table[i]) return false;
    }
    return true;
}

static void table_drop(uint64_t *table, unsigned level, vaddr_t va, vaddr_t end) {
    for (vaddr_t next; va < end; va = next) {
        uint64_t *entry = &table[entry_index(va, level)];
        next = min_u64(end, (va | (entry_span(level) - 1)) + 1);
        if (is_table(*entry, level)) {
            table_drop(table_at(*entry), level - 1, va, next);
            if (!table_empty(table_at(*entry))) continue;
            upcall_table_free((paddr_t){page_round_down(*entry)});
        }
        *entry = 0;
    }
}

void arch_mmu_drop(struct arch_aspace *as, vaddr_t va, size_t len) {
    table_drop(table_at(as->root.raw), LEVELS, va, va + len);
    host_forget(as, va, len);
}

/* As few as can be, so that others come in between. */
bool arch_mmu_drop_some(struct arch_aspace *as, vaddr_t *va) {
    unsigned level;
    while (*va < USER_END && !*find(as, *va, 2, &level)) *va = (*va | (entry_span(level) - 1)) + 1;
    if (*va >= USER_END) return false;
    vaddr_t end = (*va | (entry_span(2) - 1)) + 1;
    arch_mmu_drop(as, *va, end - *va);
    *va = end;
    return true;
}

static void table_protect(uint64_t *table, unsigned level, vaddr_t va, vaddr_t end) {
    for (vaddr_t next; va < end; va = next) {
        uint64_t *entry = &table[entry_index(va, level)];
        next = min_u64(end, (va | (entry_span(level) - 1)) + 1);
        if (is_table(*entry, level))
            table_protect(table_at(*entry), level - 1, va, next);
        else
            *entry &= ~(uint64_t)ENTRY_WRITE;
    }
}

void arch_mmu_write_protect(struct arch_aspace *as, vaddr_t va, size_t len) {
    table_protect(table_at(as->root.raw), LEVELS, va, va + len);
    host_forget(as, va, len);
}

zx_status_t arch_mmu_map(struct arch_aspace *as, vaddr_t va, paddr_t pa, size_t size, unsigned prot, uint32_t cache) {
    unsigned floor = size == MMU_LARGE_PAGE ? 2 : 1, level;
    uint64_t *entry = find(as, va, floor, &level);
    if (*entry && (level > floor || is_table(*entry, level))) arch_mmu_drop(as, va, size);
    while (entry = find(as, va, floor, &level), level > floor) {
        paddr_t table;
        if (upcall_table_alloc(&table) != ZX_OK) {
            arch_mmu_drop(as, va, size);
            return ZX_ERR_NO_MEMORY;
        }
        *entry = table.raw | ENTRY_PRESENT;
    }
    bool replaces = *entry;
    *entry = pa.raw | ENTRY_PRESENT | (floor > 1 ? ENTRY_LARGE : 0) | (prot & MMU_WRITE ? ENTRY_WRITE : 0) |
             (prot & MMU_EXECUTE ? ENTRY_EXECUTE : 0) | (uint64_t)cache << ENTRY_CACHE_SHIFT;
    if (replaces) host_forget(as, va, size);
    return ZX_OK;
}

void arch_mmu_map_beside(struct arch_aspace *as, vaddr_t va, const paddr_t *pages, unsigned count, unsigned prot,
                         uint32_t cache) {
    for (unsigned i = 0; i < count; i++) {
        unsigned level;
        if (pages[i].raw == 0 || *find(as, va + i * PAGE_SIZE, 1, &level) || level > 1) continue;
        (void)!arch_mmu_map(as, va + i * PAGE_SIZE, pages[i], PAGE_SIZE, prot, cache);
    }
}

static unsigned entry_prot(uint64_t entry) {
    return (entry & ENTRY_WRITE ? MMU_WRITE : 0) | (entry & ENTRY_EXECUTE ? MMU_EXECUTE : 0);
}

bool arch_mmu_query(const struct arch_aspace *as, vaddr_t va, paddr_t *pa, unsigned *prot, uint32_t *cache) {
    unsigned level;
    const uint64_t *entry = find(as, va, 1, &level);
    if (!*entry) return false;
    *pa = (paddr_t){page_round_down(*entry) + page_round_down(va % entry_span(level))};
    *prot = entry_prot(*entry);
    if (cache) *cache = *entry >> ENTRY_CACHE_SHIFT & ZX_CACHE_POLICY_MASK;
    return true;
}

typedef bool visit_fn(vaddr_t va, paddr_t pa, unsigned prot, void *arg);

static bool entry_visit(uint64_t entry, unsigned level, vaddr_t va, visit_fn *visit, void *arg) {
    for (uint64_t at = 0; at < entry_span(level); at += PAGE_SIZE) {
        if (!visit(va + at, (paddr_t){page_round_down(entry) + at}, entry_prot(entry), arg)) return false;
    }
    return true;
}

static bool table_visit(const uint64_t *table, unsigned level, vaddr_t va, visit_fn *visit, void *arg) {
    for (unsigned i = 0; i < (level == LEVELS ? TOP_ENTRIES : ENTRIES); i++, va += entry_span(level)) {
        if (!table[i]) continue;
        bool go_on = is_table(table[i], level) ? table_visit(table_at(table[i]), level - 1, va, visit, arg)
                                               : entry_visit(table[i], level, va, visit, arg);
        if (!go_on) return false;
    }
    return true;
}

bool arch_mmu_visit(const struct arch_aspace *as, visit_fn *visit, void *arg) {
    return table_visit(table_at(as->root.raw), LEVELS, 0, visit, arg);
}

/* --- user copies --- */

/* Where a user address leads, after whatever faults it takes. */
struct place {
    paddr_t pa; /* of the byte */
    bool cached;
};

static zx_status_t user_place(vaddr_t va, unsigned flags, struct place *place) {
    struct arch_aspace *as = thread_current()->arch_aspace;
    zx_status_t status = ZX_OK;
    for (; status == ZX_OK; status = upcall_page_fault(va, flags)) {
        uint32_t cache;
        host_touch(va, flags & FAULT_WRITE);
        if (!as || !host_translate(as, va, flags & FAULT_WRITE, &place->pa, &cache)) continue;
        place->pa.raw += va & PAGE_MASK;
        place->cached = cache == ZX_CACHE_POLICY_CACHED;
        return ZX_OK;
    }
    return status;
}

/* Within a page. */
static void place_copy(struct place place, char *kernel, size_t len, bool write) {
    char *at = arch_phys_to_virt(place.pa);
    if (place.cached)
        memmove(write ? at : kernel, write ? kernel : at, len);
    else if (write)
        host_uncached_store(place.pa, kernel, len);
    else
        host_uncached_load(kernel, place.pa, len);
}

/* Moves bytes one page at a time, out of user memory or into it. Returns how many. */
static size_t user_copy(char *kernel, vaddr_t user, size_t len, unsigned flags, zx_status_t *status) {
    size_t done = 0;
    *status = ZX_OK;
    while (done < len) {
        size_t chunk = min_u64(len - done, PAGE_SIZE - ((user + done) & PAGE_MASK));
        struct place place;
        *status = user_place(user + done, flags, &place);
        if (*status != ZX_OK) break;
        place_copy(place, kernel + done, chunk, flags & FAULT_WRITE);
        done += chunk;
    }
    return done;
}

size_t host_copy_from_user(void *dst, vaddr_t user, size_t len) {
    zx_status_t status;
    return len - user_copy(dst, user, len, 0, &status);
}

size_t host_copy_to_user(vaddr_t user, const void *src, size_t len) {
    zx_status_t status;
    return len - user_copy((char *)(uintptr_t)src, user, len, FAULT_WRITE, &status);
}

zx_status_t host_user_load(void *dst, vaddr_t user, size_t len) {
    zx_status_t status;
    (void)!user_copy(dst, user, len, FAULT_USER, &status);
    return status;
}

zx_status_t host_user_store(vaddr_t user, const void *src, size_t len) {
    zx_status_t status;
    (void)!user_copy((char *)(uintptr_t)src, user, len, FAULT_WRITE | FAULT_USER, &status);
    return status;
}
