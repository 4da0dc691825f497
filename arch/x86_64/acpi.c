/*
 * ACPI tables, as far as the kernel reads them: from the root pointer over the list of tables to the one about
 * interrupt controllers (MADT), which has an entry for each processor. They are firmware's work and looked at with
 * care: what lies outside the physmap, is too short or does not add up to zero is as good as absent.
 */
#include "arch/x86_64/acpi.h"

#include "arch/x86_64/boot_memory.h"
#include "arch/x86_64/mmu_tables.h"
#include "kernel/base/string.h"

#define RSDP_OLD_SIZE 20
#define RSDP_SIZE 36

struct [[gnu::packed]] rsdp {
    char signature[8];
    uint8_t checksum;
    char vendor[6];
    uint8_t revision; /* from 2 on the second half is there */
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t checksum_all, reserved[3];
};

struct [[gnu::packed]] table {
    char signature[4];
    uint32_t length;
    char rest[28];
};

struct [[gnu::packed]] madt {
    struct table header;
    uint32_t apic_address, flags;
};

enum madt_type { MADT_APIC = 0, MADT_X2APIC = 9 };

struct [[gnu::packed]] madt_entry {
    uint8_t type, length;
    union {
        struct [[gnu::packed]] {
            uint8_t processor, apic_id;
            uint32_t flags;
        } apic;
        struct [[gnu::packed]] {
            uint16_t reserved;
            uint32_t apic_id, flags, processor;
        } x2apic;
    };
};

#define PROCESSOR_ENABLED 1u

/* Physical memory that can be read from end to end, or NULL. */
static const void *readable(uint64_t pa, uint64_t len) {
    const void *va = arch_phys_to_virt((paddr_t){pa});
    if (pa == 0 || len == 0 || pa + len < pa) return NULL;
    for (uint64_t at = pa & ~PAGE_MASK; at < pa + len; at += PAGE_SIZE) {
        if (!kernel_page_present((vaddr_t)arch_phys_to_virt((paddr_t){at}))) return NULL;
    }
    return va;
}

static bool adds_up(const void *data, size_t len) {
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++) sum = (uint8_t)(sum + ((const uint8_t *)data)[i]);
    return sum == 0;
}

static const struct table *table_at(uint64_t pa) {
    const struct table *table = readable(pa, sizeof(*table));
    if (!table || table->length < sizeof(*table)) return NULL;
    return readable(pa, table->length) && adds_up(table, table->length) ? table : NULL;
}

static const struct rsdp *rsdp_find(void) {
    const struct rsdp *rsdp = readable(boot_acpi_rsdp().raw, RSDP_SIZE);
    if (!rsdp || memcmp(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature)) != 0) return NULL;
    return adds_up(rsdp, RSDP_OLD_SIZE) ? rsdp : NULL;
}

/* The table of that name, in a list of 32-bit or 64-bit addresses. */
static const struct table *table_find(const struct table *list, size_t width, const char *signature) {
    size_t count = list ? (list->length - sizeof(*list)) / width : 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t pa = 0;
        memcpy(&pa, (const char *)(list + 1) + i * width, width);
        const struct table *table = table_at(pa);
        if (table && memcmp(table->signature, signature, sizeof(table->signature)) == 0) return table;
    }
    return NULL;
}

static const struct madt *madt_find(void) {
    const struct rsdp *rsdp = rsdp_find();
    const struct table *table = NULL;
    if (rsdp && rsdp->revision >= 2) table = table_find(table_at(rsdp->xsdt), sizeof(uint64_t), "APIC");
    if (rsdp && !table) table = table_find(table_at(rsdp->rsdt), sizeof(uint32_t), "APIC");
    return table && table->length >= sizeof(struct madt) ? (const struct madt *)table : NULL;
}

/* Is the entry a processor that may be started? */
static bool entry_processor(const struct madt_entry *entry, uint32_t *apic_id) {
    if (entry->type == MADT_APIC && entry->length >= 8) {
        *apic_id = entry->apic.apic_id;
        return entry->apic.flags & PROCESSOR_ENABLED;
    }
    if (entry->type == MADT_X2APIC && entry->length >= 16) {
        *apic_id = entry->x2apic.apic_id;
        return entry->x2apic.flags & PROCESSOR_ENABLED;
    }
    return false;
}

unsigned acpi_processors(uint32_t *apic_ids, unsigned max) {
    const struct madt *madt = madt_find();
    unsigned count = 0;
    if (!madt) return 0;
    const char *at = (const char *)(madt + 1), *end = (const char *)madt + madt->header.length;
    while (count < max && end - at >= 2) {
        const struct madt_entry *entry = (const void *)at;
        if (entry->length < 2 || entry->length > end - at) break;
        count += entry_processor(entry, &apic_ids[count]);
        at += entry->length;
    }
    return count;
}
