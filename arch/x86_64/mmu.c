/*
 * Translations after boot: those of user address spaces, and of the kernel's dynamic area, which is kept by the same
 * routines under another root.
 *
 * Adding one first makes every table it needs, which may fail, and then links them, which cannot. Dropping unlinks
 * tables as they become empty; they are freed only after the processors have forgotten them.
 */
#include "arch/mmu.h"

#include <stdatomic.h>

#include "arch/upcall.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/ioports.h"
#include "arch/x86_64/mmu_tables.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/shootdown.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"

#define USER_ENTRIES (TABLE_ENTRIES / 2)

_Static_assert(ZX_CACHE_POLICY_MASK == 3);

paddr_t kernel_root;

uint64_t arch_phys_end(void) { return (uint64_t)1 << cpu_has.phys_bits; }

uint64_t pte_no_execute(void) { return cpu_has.nx ? PTE_NX : 0; }

/*
 * What one drop has taken out. Tables wait to be freed in a list through their first words, which to a processor that
 * still walks there are absent entries; the frame is inverted, for it might guess at one that an absent entry names. A
 * link names a table and, if that still has entries which lead to tables, its level and how many entries are in use.
 */
struct dropped {
    uint64_t tables;
    bool any;
    bool large; /* among it a large page, maybe more of it than was asked for */
};

#define LINK_LEVEL_SHIFT 1
#define LINK_LEVEL_MASK ((uint64_t)7 << LINK_LEVEL_SHIFT)

/* A table that nothing leads to any more; `level` is 1 also if it is empty. */
static void table_unlink(uint64_t entry, unsigned level, struct dropped *dropped) {
    uint64_t *table = entry_table(entry);
    uint64_t link = entry & (PTE_FRAME | PTE_COUNT_MASK);
    /* What its first entry leads to is linked first, for the link takes that one's place. */
    if (level > 1 && (*table & PTE_PRESENT)) {
        if (!(*table & PTE_LARGE)) table_unlink(*table, level - 1, dropped);
        link -= PTE_COUNT_ONE;
    }
    *table = dropped->tables ^ PTE_FRAME;
    dropped->tables = link | (uint64_t)level << LINK_LEVEL_SHIFT;
}

/* The tables that one leads to, by its entries but the first. */
static void children_unlink(const uint64_t *table, uint64_t link, struct dropped *dropped) {
    const unsigned level = (link & LINK_LEVEL_MASK) >> LINK_LEVEL_SHIFT;
    uint64_t live = level > 1 ? (link & PTE_COUNT_MASK) >> PTE_COUNT_SHIFT : 0;
    for (unsigned i = 1; live > 0 && i < TABLE_ENTRIES; i++) {
        if (!(table[i] & PTE_PRESENT)) continue;
        live--;
        if (!(table[i] & PTE_LARGE)) table_unlink(table[i], level - 1, dropped);
    }
}

static void tables_free(struct dropped *dropped) {
    while (dropped->tables != 0) {
        const uint64_t link = dropped->tables;
        uint64_t *table = entry_table(link);
        const paddr_t pa = {link & PTE_FRAME};
        dropped->tables = *table ^ PTE_FRAME;
        *table = 0;
        if ((link & PTE_COUNT_MASK) == 0) {
            upcall_table_free_zero(pa);
        } else {
            children_unlink(table, link, dropped);
            upcall_table_free(pa);
        }
    }
}

/* Where the way to an address ends: the deepest entry that exists for it. */
struct place {
    uint64_t *entry, *parent; /* `parent`: the entry above, or NULL */
    uint64_t above;           /* the bits that all entries above have */
    unsigned level;
};

/* One level down, if there is a table. */
static ALWAYS_INLINE bool place_down(struct place *p, vaddr_t va, unsigned level) {
    const uint64_t entry = *p->entry;
    if ((entry & (PTE_PRESENT | PTE_LARGE)) != PTE_PRESENT) return false;
    p->parent = p->entry;
    p->above &= entry;
    p->entry = entry_table(entry) + table_index(va, level);
    p->level = level;
    return true;
}

/* Not below level `floor`. */
static ALWAYS_INLINE struct place place_of(paddr_t root, vaddr_t va, unsigned floor) {
    struct place p = {.entry = (uint64_t *)arch_phys_to_virt(root) + table_index(va, TOP_LEVEL),
                      .above = UINT64_MAX,
                      .level = TOP_LEVEL};
    _Static_assert(TOP_LEVEL == 4);
    (void)(place_down(&p, va, 3) && place_down(&p, va, 2) && floor == 1 && place_down(&p, va, 1));
    return p;
}

/* Takes `count` tables at once, or none. */
static zx_status_t tables_take(paddr_t *tables, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        zx_status_t status = upcall_table_alloc(&tables[i]);
        if (status == ZX_OK) continue;
        while (i > 0) upcall_table_free(tables[--i]);
        return status;
    }
    return ZX_OK;
}

/* Makes the tables that `va` lacks for level `floor`, the lowest with `value`, and returns what leads to them. */
static NOINLINE zx_status_t tables_make(struct place at, vaddr_t va, unsigned floor, uint64_t *value,
                                        uint64_t table_bits) {
    paddr_t tables[TOP_LEVEL];
    zx_status_t status = tables_take(tables, at.level - floor);
    if (status != ZX_OK) return status;
    for (unsigned l = floor; l < at.level; l++) {
        ((uint64_t *)arch_phys_to_virt(tables[l - floor]))[table_index(va, l)] = *value;
        *value = tables[l - floor].raw | table_bits | PTE_COUNT_ONE;
    }
    return ZX_OK;
}

/* Sets the translation of `va` at level `floor`, where there is none yet. */
static ALWAYS_INLINE zx_status_t entry_set(struct place at, vaddr_t va, unsigned floor, uint64_t value,
                                           uint64_t table_bits, unsigned *top_live) {
    if (at.level > floor) {
        zx_status_t status = tables_make(at, va, floor, &value, table_bits);
        if (status != ZX_OK) return status;
    }
    if (at.parent)
        *at.parent += PTE_COUNT_ONE;
    else
        ++*top_live;
    *at.entry = value;
    return ZX_OK;
}

static inline uint64_t any_of_eight(const uint64_t *entry) {
    return entry[0] | entry[1] | entry[2] | entry[3] | entry[4] | entry[5] | entry[6] | entry[7];
}

/* Drops [va, end) of a table of pages, which has `live`, and of these at most all. Returns how many of them went. */
static unsigned pages_drop(uint64_t *table, unsigned live, vaddr_t va, vaddr_t end, struct dropped *dropped) {
    unsigned gone = 0;
    uint64_t *entry = &table[table_index(va, 1)], *last = &table[table_index(end - 1, 1)];
    while (entry <= last && gone < live) {
        /* Most of a large range has never been touched. */
        while (*entry == 0 && last - entry >= 16 && !(any_of_eight(entry) | any_of_eight(entry + 8))) entry += 16;
        if (*entry != 0) gone++;
        *entry++ = 0;
    }
    dropped->any |= gone > 0;
    return gone;
}

static unsigned table_drop(uint64_t *table, unsigned level, unsigned live, vaddr_t va, vaddr_t end,
                           struct dropped *dropped);

/*
 * Drops what is in [va, end) below one present entry. Returns whether the entry itself went. A table that goes as a
 * whole is not looked through: until the processors have forgotten it, all that it leads to stays allocated.
 */
static bool entry_drop(uint64_t *entry, unsigned level, vaddr_t va, vaddr_t end, struct dropped *dropped) {
    if (level > 1 && !(*entry & PTE_LARGE)) {
        const bool whole = end - va == entry_span(level);
        if (!whole) {
            unsigned live = (unsigned)((*entry & PTE_COUNT_MASK) >> PTE_COUNT_SHIFT);
            uint64_t *table = entry_table(*entry);
            unsigned gone = level > 2 ? table_drop(table, level - 1, live, va, end, dropped)
                                      : pages_drop(table, live, va, end, dropped);
            *entry -= gone * PTE_COUNT_ONE;
            if (gone < live) return false;
        }
        table_unlink(*entry, whole ? level - 1 : 1, dropped);
    }
    dropped->any = true;
    dropped->large |= level > 1 && (*entry & PTE_LARGE);
    *entry = 0;
    return true;
}

/* Drops what is in [va, end), of a table with `live` entries in use. Returns how many of them went. */
static unsigned table_drop(uint64_t *table, unsigned level, unsigned live, vaddr_t va, vaddr_t end,
                           struct dropped *dropped) {
    unsigned gone = 0;
    while (va < end && gone < live) {
        vaddr_t next = min_u64(end, (va | (entry_span(level) - 1)) + 1);
        uint64_t *entry = &table[table_index(va, level)];
        if ((*entry & PTE_PRESENT) && entry_drop(entry, level, va, next, dropped)) gone++;
        va = next;
    }
    return gone;
}

/* Drops the translation of one page, the last of its table, and all tables that become empty by that. */
static NOINLINE void last_page_drop(struct arch_aspace *as, vaddr_t va) {
    struct dropped dropped = {0};
    uint64_t *way[TOP_LEVEL + 1], *table = arch_phys_to_virt(as->root); /* by level, the entries that lead to it */
    for (unsigned level = TOP_LEVEL; level > 0; level--) {
        way[level] = &table[table_index(va, level)];
        table = entry_table(*way[level]);
    }
    unsigned level = 1;
    *way[1] = 0;
    for (; level < TOP_LEVEL; level++) {
        uint64_t *parent = way[level + 1];
        *parent -= PTE_COUNT_ONE;
        if ((*parent & PTE_COUNT_MASK) != 0) break;
        table_unlink(*parent, 1, &dropped);
        *parent = 0;
    }
    if (level == TOP_LEVEL) as->top_live--;
    mmu_flush_page(as, va);
    tables_free(&dropped);
}

/* Drops [va, va + len) under `root`; `as` is whose it is, NULL for the kernel's. */
static void range_drop(struct arch_aspace *as, paddr_t root, unsigned *top_live, vaddr_t va, size_t len) {
    struct dropped dropped = {0};
    *top_live -= table_drop(arch_phys_to_virt(root), TOP_LEVEL, *top_live, va, va + len, &dropped);
    /* The way to a table of the kernel's is remembered under every PCID, and invlpg reaches only the loaded one. */
    bool all = !as && dropped.tables != 0;
    /* A processor may remember a large page in pieces, those outside the range too. */
    if (dropped.large) {
        vaddr_t end = (va + len + MMU_LARGE_PAGE - 1) & ~(vaddr_t)(MMU_LARGE_PAGE - 1);
        va &= ~(vaddr_t)(MMU_LARGE_PAGE - 1);
        len = end - va;
    }
    if (dropped.any) mmu_flush(as, va, all ? KERNEL_DYNAMIC_SIZE : len);
    tables_free(&dropped);
}

zx_status_t arch_mmu_init(struct arch_aspace *as) {
    paddr_t root;
    zx_status_t status = upcall_table_alloc(&root);
    if (status != ZX_OK) return status;
    kernel_half_give(arch_phys_to_virt(root));
    /* Stale is what the previous owner of the number has left. */
    *as = (struct arch_aspace){.root = root, .pcid = pcid_take(), .stale = UINT64_MAX};
    return ZX_OK;
}

/* It is only left over here, from the last thread that ran on it. */
static void leave(struct arch_aspace *as) {
    if (percpu_this()->aspace == as) mmu_load_kernel();
}

void arch_mmu_destroy(struct arch_aspace *as) {
    if (as->top_live > 0) arch_mmu_drop(as, 0, USER_ENTRIES * entry_span(TOP_LEVEL));
    bool were_on = arch_irq_disable();
    leave(as);
    shootdown_act(as->cpus, as, leave);
    if (were_on) arch_irq_enable();
    pcid_give_back(as->pcid);
    ioports_free(as);
    kernel_half_take(arch_phys_to_virt(as->root));
    upcall_table_free_zero(as->root);
}

/* Takes PTE_WRITE from these. Returns whether any had it. */
static bool entries_protect(uint64_t *first, const uint64_t *last) {
    uint64_t seen = 0;
    for (uint64_t *entry = first; entry <= last; entry++) {
        seen |= *entry;
        *entry &= ~(uint64_t)PTE_WRITE;
    }
    return seen & PTE_WRITE;
}

static bool table_protect(uint64_t *table, unsigned level, vaddr_t va, vaddr_t end);

/* The same of [va, end), a part of what is below an entry; a large page is protected as a whole. */
static bool part_protect(uint64_t *entry, unsigned level, vaddr_t va, vaddr_t end) {
    if (!(*entry & PTE_WRITE)) return false;
    return *entry & PTE_LARGE ? entries_protect(entry, entry) : table_protect(entry_table(*entry), level - 1, va, end);
}

/*
 * Takes PTE_WRITE from what is present in [va, end); from the entry of a table if that lies there as a whole, for it
 * holds for all below. Returns whether there was any.
 */
static bool table_protect(uint64_t *table, unsigned level, vaddr_t va, vaddr_t end) {
    bool any = false;
    const uint64_t span = entry_span(level);
    uint64_t *first = &table[table_index(va, level)], *last = &table[table_index(end - 1, level)];
    const bool low = va % span != 0, high = end % span != 0;
    if (first == last && (low || high)) return part_protect(first, level, va, end);
    if (low) any = part_protect(first++, level, va, (va | (span - 1)) + 1);
    if (high) any |= part_protect(last--, level, end & ~(span - 1), end);
    return any | entries_protect(first, last);
}

void arch_mmu_write_protect(struct arch_aspace *as, vaddr_t va, size_t len) {
    if (table_protect(arch_phys_to_virt(as->root), TOP_LEVEL, va, va + len)) mmu_flush(as, va, len);
}

/* Lets the tables on the way to `va` allow writing again: what they kept from it keeps itself from it then. */
static NOINLINE void way_allow(const struct arch_aspace *as, vaddr_t va) {
    uint64_t *table = arch_phys_to_virt(as->root);
    for (unsigned level = TOP_LEVEL; level > 1; level--) {
        uint64_t *entry = &table[table_index(va, level)];
        if (!(*entry & PTE_PRESENT) || (*entry & PTE_LARGE)) return;
        table = entry_table(*entry);
        for (unsigned i = 0; i < TABLE_ENTRIES && !(*entry & PTE_WRITE); i++) table[i] &= ~(uint64_t)PTE_WRITE;
        *entry |= PTE_WRITE;
    }
}

/* Is a translation of another size there? */
static bool other_size(struct place at, unsigned floor) {
    return (*at.entry & PTE_PRESENT) && (at.level > floor || (floor > 1 && !(*at.entry & PTE_LARGE)));
}

/* `floor`, the level, is a constant where this is called. */
static ALWAYS_INLINE zx_status_t map_at(struct arch_aspace *as, vaddr_t va, unsigned floor, uint64_t value) {
    struct place at = place_of(as->root, va, floor);
    if (unlikely(other_size(at, floor))) {
        arch_mmu_drop(as, va, entry_span(floor));
        at = place_of(as->root, va, floor);
    }
    if (unlikely((value & PTE_WRITE) && !(at.above & PTE_WRITE))) way_allow(as, va);
    const uint64_t replaced = *at.entry;
    if (!(replaced & PTE_PRESENT)) return entry_set(at, va, floor, value, PTE_USER_TABLE, &as->top_live);
    *at.entry = value;
    /* What was there already, but for the marks that processors make, nobody has to forget. */
    if (((replaced ^ value) & ~(PTE_ACCESSED | PTE_DIRTY)) != 0) mmu_flush_page(as, va);
    return ZX_OK;
}

/* What user mode may do by it, under a ZX_CACHE_POLICY_*. */
static ALWAYS_INLINE uint64_t entry_bits(unsigned prot, uint32_t cache) {
    uint64_t bits = PTE_PRESENT | PTE_USER | (uint64_t)(cache & ZX_CACHE_POLICY_MASK) << PTE_CACHE_SHIFT;
    if (prot & MMU_WRITE) bits |= PTE_WRITE;
    if (!(prot & MMU_EXECUTE)) bits |= pte_no_execute();
    return bits;
}

zx_status_t arch_mmu_map(struct arch_aspace *as, vaddr_t va, paddr_t pa, size_t size, unsigned prot, uint32_t cache) {
    const uint64_t value = pa.raw | entry_bits(prot, cache);
    return size == PAGE_SIZE ? map_at(as, va, 1, value) : map_at(as, va, 2, value | PTE_LARGE);
}

/* Where a table above keeps what is below it from writing, an entry that allows it changes nothing: see way_allow(). */
void arch_mmu_map_beside(struct arch_aspace *as, vaddr_t va, const paddr_t *pages, unsigned count, unsigned prot,
                         uint32_t cache) {
    const uint64_t bits = entry_bits(prot, cache);
    struct place at = place_of(as->root, va, 1);
    if (at.level > 1) return;
    for (unsigned i = 0; i < count; i++) {
        if (pages[i].raw == 0 || (at.entry[i] & PTE_PRESENT)) continue;
        at.entry[i] = pages[i].raw | bits;
        *at.parent += PTE_COUNT_ONE;
    }
}

void arch_mmu_drop(struct arch_aspace *as, vaddr_t va, size_t len) {
    if (len == PAGE_SIZE) {
        struct place at = place_of(as->root, va, 1);
        if (!(*at.entry & PTE_PRESENT)) return;
        /* No large page. */
        if (at.level == 1) {
            if ((*at.parent & PTE_COUNT_MASK) == PTE_COUNT_ONE) return last_page_drop(as, va);
            *at.entry = 0;
            *at.parent -= PTE_COUNT_ONE;
            return mmu_flush_page(as, va);
        }
    }
    range_drop(as, as->root, &as->top_live, va, len);
}

/* Where from `va` on the next table of pages begins, or large page; or where user space ends. */
static vaddr_t next_in_use(const struct arch_aspace *as, vaddr_t va) {
    while (va < USER_ENTRIES * entry_span(TOP_LEVEL)) {
        struct place at = place_of(as->root, va, 2);
        if (*at.entry & PTE_PRESENT) break;
        va = (va | (entry_span(at.level) - 1)) + 1;
    }
    return va;
}

/* Copying a window takes as long as freeing so many tables of pages. */
#define TABLES_AT_ONCE 64

bool arch_mmu_drop_some(struct arch_aspace *as, vaddr_t *va) {
    const vaddr_t first = next_in_use(as, *va), top = USER_ENTRIES * entry_span(TOP_LEVEL);
    vaddr_t end = first;
    for (unsigned i = 0; i < TABLES_AT_ONCE && end < top; i++) end = next_in_use(as, (end | (entry_span(2) - 1)) + 1);
    *va = end;
    if (first == top) return false;
    arch_mmu_drop(as, first, end - first);
    return true;
}

static unsigned entry_prot(uint64_t entry) {
    return (entry & PTE_WRITE ? MMU_WRITE : 0) | (entry & PTE_NX ? 0 : MMU_EXECUTE);
}

bool arch_mmu_query(const struct arch_aspace *as, vaddr_t va, paddr_t *pa, unsigned *prot, uint32_t *cache) {
    struct place at = place_of(as->root, va, 1);
    uint64_t entry = *at.entry;
    if (!(entry & PTE_PRESENT)) return false;
    *pa = (paddr_t){(entry & PTE_FRAME) + page_round_down(va % entry_span(at.level))};
    *prot = entry_prot(entry & (at.above | ~(uint64_t)PTE_WRITE));
    if (cache) *cache = entry >> PTE_CACHE_SHIFT & ZX_CACHE_POLICY_MASK;
    return true;
}

typedef bool visit_fn(vaddr_t va, paddr_t pa, unsigned prot, void *arg);

/* One translation, 4 KiB at a time. */
static bool entry_visit(uint64_t entry, unsigned level, vaddr_t va, visit_fn *visit, void *arg) {
    for (uint64_t at = 0; at < entry_span(level); at += PAGE_SIZE) {
        if (!visit(va + at, (paddr_t){(entry & PTE_FRAME) + at}, entry_prot(entry), arg)) return false;
    }
    return true;
}

/* `above`: what the entries above allow. */
static bool table_visit(const uint64_t *table, unsigned level, vaddr_t va, uint64_t above, visit_fn *visit, void *arg) {
    unsigned count = level == TOP_LEVEL ? USER_ENTRIES : TABLE_ENTRIES;
    for (unsigned i = 0; i < count; i++, va += entry_span(level)) {
        uint64_t entry = table[i];
        if (!(entry & PTE_PRESENT)) continue;
        entry &= above | ~(uint64_t)PTE_WRITE;
        bool is_table = level > 1 && !(entry & PTE_LARGE);
        bool go_on = is_table ? table_visit(entry_table(entry), level - 1, va, entry, visit, arg)
                              : entry_visit(entry, level, va, visit, arg);
        if (!go_on) return false;
    }
    return true;
}

bool arch_mmu_visit(const struct arch_aspace *as, visit_fn *visit, void *arg) {
    return table_visit(arch_phys_to_virt(as->root), TOP_LEVEL, 0, PTE_WRITE, visit, arg);
}

zx_status_t arch_kernel_map(vaddr_t va, paddr_t pa) {
    uint64_t value = pa.raw | PTE_PRESENT | PTE_WRITE | PTE_GLOBAL | pte_no_execute();
    struct place at = place_of(kernel_root, va, 1);
    unsigned top_live = 0; /* not counted: the dynamic area's top-level entry is always there */
    ASSERT(!(*at.entry & PTE_PRESENT));
    return entry_set(at, va, 1, value, PTE_TABLE, &top_live);
}

void arch_kernel_unmap(vaddr_t va, size_t count, paddr_t *pages) {
    unsigned top_live = 1; /* of the entries that it can meet */
    for (size_t i = 0; i < count; i++) {
        struct place at = place_of(kernel_root, va + i * PAGE_SIZE, 1);
        pages[i].raw = *at.entry & PTE_FRAME;
        ASSERT(at.level == 1 && pages[i].raw != 0);
    }
    range_drop(NULL, kernel_root, &top_live, va, count * PAGE_SIZE);
}

bool kernel_page_present(vaddr_t va) {
    if (va < PHYSMAP_BASE) return false;
    return (*place_of(kernel_root, va, 1).entry & PTE_PRESENT) != 0;
}
