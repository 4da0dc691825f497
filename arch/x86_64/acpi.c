/*
 * ACPI tables, as far as the kernel reads them: from the root pointer over the list of tables to the one about
 * interrupt controllers (MADT), which has an entry for each processor and controller, and the one with the timer's port
 * (FADT). They are firmware's work and looked at with care: what is too short or too long or does not add up to zero is
 * treated as absent. They need not be in RAM, so everything is copied before it is read.
 */
#include "arch/x86_64/acpi.h"

#include "arch/cpu.h"
#include "arch/x86_64/boot_memory.h"
#include "arch/x86_64/mmu_tables.h"
#include "kernel/base/arith.h"
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

#define MADT_ENTRIES 44 /* where they begin: behind the header, an address and flags */

enum madt_type { MADT_APIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_X2APIC = 9 };

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
        struct [[gnu::packed]] {
            uint8_t id, reserved;
            uint32_t address, first;
        } ioapic;
        struct [[gnu::packed]] {
            uint8_t bus, source;
            uint32_t pin;
            uint16_t flags;
        } override;
    };
};

#define PROCESSOR_ENABLED 1u
#define FADT_TIMER_PORT 76
#define FADT_SIZE 116 /* of its first version */
#define TABLE_MAX ((uint32_t)1 << 20)

/* Within one page. */
static void page_read(paddr_t pa, void *to, size_t len) {
    const void *va = arch_phys_to_virt(pa);
    if (kernel_page_present((vaddr_t)va)) {
        memcpy(to, va, len);
        return;
    }
    bool were_on = arch_irq_disable();
    memcpy(to, (const void *)mmu_window_open(pa, ZX_CACHE_POLICY_CACHED), len);
    mmu_window_close();
    if (were_on) arch_irq_enable();
}

static bool phys_read(uint64_t pa, void *to, size_t len) {
    if (pa == 0 || !range_within(pa, len, 0, arch_phys_end())) return false;
    for (size_t part; len > 0; len -= part, pa += part, to = (char *)to + part) {
        part = min_u64(len, PAGE_SIZE - (pa & PAGE_MASK));
        page_read((paddr_t){pa}, to, part);
    }
    return true;
}

static bool adds_up(uint64_t pa, uint32_t len) {
    uint8_t sum = 0, part[64];
    for (uint32_t done = 0, n; done < len; done += n) {
        n = (uint32_t)min_u64(len - done, sizeof(part));
        if (!phys_read(pa + done, part, n)) return false;
        for (uint32_t i = 0; i < n; i++) sum = (uint8_t)(sum + part[i]);
    }
    return sum == 0;
}

/* The length of the table at an address, 0 if it is not a good one of that name. */
static uint32_t table_length(uint64_t pa, const char *signature) {
    struct table table;
    if (!phys_read(pa, &table, sizeof(table)) || memcmp(table.signature, signature, sizeof(table.signature)) != 0)
        return 0;
    if (table.length < sizeof(table) || table.length > TABLE_MAX || !adds_up(pa, table.length)) return 0;
    return table.length;
}

/* The same for one that a list of 32-bit or 64-bit addresses names; where it is, in `*pa`. */
static uint32_t table_find(uint64_t list, const char *list_signature, size_t width, const char *signature,
                           uint64_t *pa) {
    uint32_t length = 0, list_length = table_length(list, list_signature);
    for (uint32_t at = sizeof(struct table); length == 0 && at + width <= list_length; at += (uint32_t)width) {
        *pa = 0;
        if (phys_read(list + at, pa, width)) length = table_length(*pa, signature);
    }
    return length;
}

static uint32_t acpi_table(const char *signature, uint64_t *pa) {
    const uint64_t at = boot_acpi_rsdp().raw;
    struct rsdp rsdp;
    uint32_t length = 0;
    if (!phys_read(at, &rsdp, RSDP_SIZE) || memcmp(rsdp.signature, "RSD PTR ", sizeof(rsdp.signature)) != 0) return 0;
    if (!adds_up(at, RSDP_OLD_SIZE)) return 0;
    if (rsdp.revision >= 2) length = table_find(rsdp.xsdt, "XSDT", sizeof(uint64_t), signature, pa);
    return length ? length : table_find(rsdp.rsdt, "RSDT", sizeof(uint32_t), signature, pa);
}

/* Is the entry a processor that may be started? */
static bool entry_processor(const struct madt_entry *entry, void *out) {
    uint32_t *apic_id = out;
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

static bool entry_ioapic(const struct madt_entry *entry, void *out) {
    if (entry->type != MADT_IOAPIC || entry->length < 12) return false;
    *(struct acpi_ioapic *)out = (struct acpi_ioapic){entry->ioapic.address, entry->ioapic.first};
    return true;
}

static bool entry_override(const struct madt_entry *entry, void *out) {
    if (entry->type != MADT_OVERRIDE || entry->length < 10) return false;
    *(struct acpi_override *)out =
        (struct acpi_override){entry->override.source, entry->override.pin, entry->override.flags};
    return true;
}

/* Lets `take` write what it wants of each entry; returns how many it wanted, `max` of `size` bytes at most. */
static unsigned madt_collect(bool (*take)(const struct madt_entry *entry, void *out), void *out, size_t size,
                             unsigned max) {
    uint64_t madt;
    uint32_t length = acpi_table("APIC", &madt);
    unsigned count = 0;
    for (uint32_t at = MADT_ENTRIES; count < max && at + 2 <= length;) {
        struct madt_entry entry = {0};
        if (!phys_read(madt + at, &entry, min_u64(sizeof(entry), length - at))) break;
        if (entry.length < 2 || entry.length > length - at) break;
        count += take(&entry, (char *)out + count * size);
        at += entry.length;
    }
    return count;
}

unsigned acpi_processors(uint32_t *apic_ids, unsigned max) {
    return madt_collect(entry_processor, apic_ids, sizeof(*apic_ids), max);
}

unsigned acpi_ioapics(struct acpi_ioapic *out, unsigned max) {
    return madt_collect(entry_ioapic, out, sizeof(*out), max);
}

unsigned acpi_overrides(struct acpi_override *out, unsigned max) {
    return madt_collect(entry_override, out, sizeof(*out), max);
}

uint16_t acpi_timer_port(void) {
    uint64_t fadt;
    uint32_t port = 0;
    if (acpi_table("FACP", &fadt) < FADT_SIZE || !phys_read(fadt + FADT_TIMER_PORT, &port, sizeof(port))) return 0;
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}
