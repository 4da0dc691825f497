/*
 * What the boot loader told, in either of its two languages, put into struct boot_info. Everything is copied out, so
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
#define LARGE_PAGE ((uint64_t)1 << 21)
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
static uint64_t physmap_end;

extern char kernel_start[], kernel_end[]; /* linker.ld */

const struct boot_info *arch_boot_info(void) { return &boot_info; }

uint64_t boot_physmap_end(void) { return physmap_end; }

paddr_t boot_acpi_rsdp(void) { return acpi_rsdp; }

static const void *early(uint64_t pa) { return arch_phys_to_virt((paddr_t){pa}); }

static void cmdline_set(const char *text) {
    string_copy(cmdline, text, sizeof(cmdline));
    boot_info.cmdline = cmdline;
}

static void bootfs_set(uint64_t base, uint64_t len) {
    if (boot_info.bootfs.len != 0) return;
    if (!page_aligned(base)) {
        log_line("boot archive at %#lx is not on a page boundary: ignored", base);
        return;
    }
    boot_info.bootfs = (struct boot_range){{base}, len};
}

/* RAM first, then out again what is not RAM after all: firmware's maps have been seen to overlap. */
static void memory_map_read(const char *entries, size_t count, size_t stride) {
    for (size_t i = 0; i < count; i++) {
        const struct memory *m = (const void *)(entries + i * stride);
        bool in_ram = m->type == MEMORY_RAM || m->type == MEMORY_ACPI_TABLES || m->type == MEMORY_ACPI_STORE;
        if (in_ram) physmap_end = max_u64(physmap_end, m->base + m->len);
        if (m->type != MEMORY_RAM) continue;
        boot_info.ram_total += m->len;
        boot_ram_add(m->base, m->len);
    }
    for (size_t i = 0; i < count; i++) {
        const struct memory *m = (const void *)(entries + i * stride);
        if (m->type != MEMORY_RAM) boot_ram_remove(m->base, m->len);
    }
    physmap_end = (physmap_end + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
}

static void tag_read(const struct tag *tag) {
    switch (tag->type) {
    case TAG_CMDLINE:
        cmdline_set(tag->text);
        break;
    case TAG_MODULE:
        bootfs_set(tag->module.start, tag->module.end - tag->module.start);
        break;
    case TAG_MEMORY_MAP: {
        size_t stride = tag->memory_map.entry_size;
        size_t count = (tag->size - offsetof(struct tag, memory_map.entries)) / stride;
        memory_map_read(tag->memory_map.entries, count, stride);
        break;
    }
    case TAG_ACPI_OLD:
    case TAG_ACPI_NEW:
        memcpy(rsdp, tag->text, min_u64(sizeof(rsdp), tag->size - offsetof(struct tag, text)));
        acpi_rsdp.raw = (uint64_t)rsdp - KERNEL_IMAGE_BASE;
        break;
    default:
        break;
    }
}

static void multiboot2_read(uint64_t info) {
    boot_info.loader = "multiboot2";
    const char *at = early(info), *end = at + *(const uint32_t *)at;
    at += 8;
    while (at < end) {
        const struct tag *tag = (const void *)at;
        if (tag->type == TAG_END) break;
        tag_read(tag);
        at += (tag->size + 7) & ~7u;
    }
}

static void pvh_read(uint64_t info) {
    boot_info.loader = "pvh";
    const struct pvh_info *pvh = early(info);
    if (pvh->cmdline != 0) cmdline_set(early(pvh->cmdline));
    if (pvh->module_count > 0) {
        const struct pvh_module *module = early(pvh->modules);
        bootfs_set(module->base, module->len);
    }
    acpi_rsdp.raw = pvh->rsdp;
    if (pvh->version >= 1) memory_map_read(early(pvh->memory_map), pvh->memory_map_count, sizeof(struct memory));
}

void boot_info_read(uint32_t magic, uint64_t info) {
    switch (magic) {
    case MULTIBOOT2_MAGIC:
        multiboot2_read(info);
        break;
    case PVH_MAGIC:
        pvh_read(info);
        break;
    default:
        panic("started by a boot loader that speaks neither multiboot2 nor PVH (%#x)", magic);
    }
    boot_ram_remove(0, LOW_MEMORY);
    boot_ram_remove((uint64_t)kernel_start - KERNEL_IMAGE_BASE, (uint64_t)(kernel_end - kernel_start));
    boot_ram_remove(boot_info.bootfs.base.raw, boot_info.bootfs.len);
    if (boot_info.ram_count == 0) panic("the boot loader (%s) reported no memory", boot_info.loader);
}
