/*
 * What the boot loader passed, in either of two formats, put into struct boot_info. Everything is copied out, so
 * that the loader's own data need not be kept; only the boot archive stays where it is.
 */
#include "arch/boot.h"

#include "arch/mmu.h"
#include "arch/x86_64/boot_memory.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

#define MULTIBOOT2_MAGIC 0x36d76289u
#define PVH_MAGIC 0x336ec578u

#define LOW_MEMORY ((uint64_t)1 << 20) /* firmware, and where other processors will start */
#define EARLY_END ((uint64_t)1 << 32)  /* boot.asm's tables show no more */
#define CMDLINE_SIZE 2048
#define RSDP_SIZE 36

enum multiboot2_tag {
    TAG_END = 0,
    TAG_CMDLINE = 1,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_ACPI_OLD = 14,
    TAG_ACPI_NEW = 15,
};

struct tag {
    uint32_t type, size;
    union {
        char text[0];
        struct {
            uint32_t start, end;
        } module;
        struct {
            uint32_t entry_size, version;
            char entries[0];
        } memory_map;
    };
};

struct pvh_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, cmdline, rsdp, memory_map;
    uint32_t memory_map_count, reserved;
};

struct pvh_module {
    uint64_t base, len, cmdline, reserved;
};

/* An entry of the memory map; the two languages agree on it. */
struct memory {
    uint64_t base, len;
    uint32_t type, reserved;
};

enum memory_type {
    MEMORY_RAM = 1,
    MEMORY_ACPI_TABLES = 3,
    MEMORY_ACPI_STORE = 4,
};

struct boot_info boot_info = {.loader = "?", .cmdline = ""};

static char cmdline[CMDLINE_SIZE];
static _Alignas(16) char rsdp[RSDP_SIZE];
static paddr_t acpi_rsdp;
static struct boot_ranges physmap;

extern char kernel_start[], kernel_end[]; /* linker.ld */

const struct boot_info *arch_boot_info(void) { return &boot_info; }

const struct boot_ranges *boot_physmap(void) { return &physmap; }

paddr_t boot_acpi_rsdp(void) { return acpi_rsdp; }

static const void *early(uint64_t pa) { return arch_phys_to_virt((paddr_t){pa}); }

static void cmdline_set(const char *text) {
    string_copy(cmdline, text, sizeof(cmdline));
    boot_info.cmdline = cmdline;
}

static void bootfs_set(uint64_t base, uint64_t len) {
    if (boot_info.bootfs.len == 0) boot_info.bootfs = (struct boot_range){{base}, len};
}

/* The part of an entry that this processor can address, and the physmap has room for; of length 0 if there is none. */
static struct memory memory_at(const char *entries, size_t i, size_t stride) {
    const uint64_t end = min_u64(arch_phys_end(), KERNEL_DYNAMIC_BASE - PHYSMAP_BASE);
    struct memory m;
    memcpy(&m, entries + i * stride, sizeof(m));
    m.len = m.base < end ? min_u64(m.len, end - m.base) : 0;
    return m;
}

static bool is_ram(uint32_t type) {
    return type == MEMORY_RAM || type == MEMORY_ACPI_TABLES || type == MEMORY_ACPI_STORE;
}

/* RAM first, then out again what is not RAM after all: firmware's maps have been seen to overlap. */
static void memory_map_read(const char *entries, size_t count, size_t stride) {
    for (size_t i = 0; i < count; i++) {
        struct memory m = memory_at(entries, i, stride);
        if (is_ram(m.type)) boot_ranges_add(&physmap, m.base, m.len);
        if (m.type != MEMORY_RAM) continue;
        boot_info.ram_total += m.len & ~(uint64_t)PAGE_MASK;
        boot_ranges_add(&boot_info.ram, m.base, m.len);
    }
    for (size_t i = 0; i < count; i++) {
        struct memory m = memory_at(entries, i, stride);
        if (!is_ram(m.type)) boot_ranges_remove(&physmap, m.base, m.len);
        if (m.type != MEMORY_RAM) boot_ranges_remove(&boot_info.ram, m.base, m.len);
    }
}

static void tag_read(const struct tag *tag) {
    switch (tag->type) {
    case TAG_CMDLINE: cmdline_set(tag->text); break;
    case TAG_MODULE:
        if (tag->module.start < tag->module.end) bootfs_set(tag->module.start, tag->module.end - tag->module.start);
        break;
    case TAG_MEMORY_MAP: {
        size_t stride = tag->memory_map.entry_size, begin = offsetof(struct tag, memory_map.entries);
        if (stride >= sizeof(struct memory) && tag->size > begin)
            memory_map_read(tag->memory_map.entries, (tag->size - begin) / stride, stride);
        break;
    }
    case TAG_ACPI_OLD:
    case TAG_ACPI_NEW:
        memcpy(rsdp, tag->text, min_u64(sizeof(rsdp), tag->size - offsetof(struct tag, text)));
        acpi_rsdp.raw = (uint64_t)rsdp - KERNEL_IMAGE_BASE;
        break;
    default: break;
    }
}

static void multiboot2_read(uint64_t info) {
    boot_info.loader = "multiboot2";
    const char *at = early(info), *end = at + *(const uint32_t *)at;
    at += 8;
    while (at < end) {
        const struct tag *tag = (const void *)at;
        if (tag->type == TAG_END || tag->size < offsetof(struct tag, text) || tag->size > end - at) break;
        tag_read(tag);
        at += (tag->size + 7) & ~7u;
    }
}

static void pvh_read(uint64_t info) {
    boot_info.loader = "pvh";
    const struct pvh_info *pvh = early(info);
    if (pvh->cmdline != 0 && pvh->cmdline < EARLY_END) cmdline_set(early(pvh->cmdline));
    if (pvh->module_count > 0 && pvh->modules < EARLY_END) {
        const struct pvh_module *module = early(pvh->modules);
        bootfs_set(module->base, module->len);
    }
    acpi_rsdp.raw = pvh->rsdp;
    if (pvh->version >= 1 && pvh->memory_map < EARLY_END)
        memory_map_read(early(pvh->memory_map), pvh->memory_map_count, sizeof(struct memory));
}

/* Only what is in RAM, on a page boundary, can be mapped for programs. */
static void bootfs_check(void) {
    const struct boot_range *bootfs = &boot_info.bootfs;
    if (page_aligned(bootfs->base.raw) && boot_ranges_hold(&physmap, bootfs->base.raw, bootfs->len)) return;
    if (bootfs->len) log_line("boot archive at %#lx, not on a page boundary in RAM: ignored", bootfs->base.raw);
    boot_info.bootfs = (struct boot_range){0};
}

/* A list that was full has lost a range: what the physmap does not show is not free. */
static void ram_shown_only(void) {
    uint64_t end = 0;
    for (size_t i = 0; i < physmap.count; i++) {
        const struct boot_range *r = &physmap.range[i];
        boot_ranges_remove(&boot_info.ram, end, r->base.raw - end);
        end = r->base.raw + r->len;
    }
    boot_ranges_remove(&boot_info.ram, end, ~(uint64_t)PAGE_MASK - end);
}

void boot_info_read(uint32_t magic, uint64_t info) {
    switch (magic) {
    case MULTIBOOT2_MAGIC: multiboot2_read(info); break;
    case PVH_MAGIC: pvh_read(info); break;
    default: panic("started by a boot loader that speaks neither multiboot2 nor PVH (%#x)", magic);
    }
    bootfs_check();
    ram_shown_only();
    boot_ranges_remove(&boot_info.ram, 0, LOW_MEMORY);
    boot_ranges_remove(&boot_info.ram, (uint64_t)kernel_start - KERNEL_IMAGE_BASE,
                       (uint64_t)(kernel_end - kernel_start));
    boot_ranges_remove(&boot_info.ram, boot_info.bootfs.base.raw, boot_info.bootfs.len);
    if (boot_info.ram.count == 0) panic("the boot loader (%s) reported no memory", boot_info.loader);
}
