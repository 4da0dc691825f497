/* The picture is a column of lines, one for each mapping, region and gap, from low addresses to high. */
#include "user/monitor/maps.h"
#include "user/monitor/format.h"
#include "user/monitor/say.h"

#include <stdio.h>
#include <string.h>

#define BAR_WIDTH 16
#define MAX_INDENT 3

bool maps_get(const struct target *target, struct process_maps *out) {
    if (target_is_monitor(target)) {
        complain("That is this monitor, which cannot look at itself from outside.\n");
        return false;
    }
    zx_status_t status = process_maps_get(target->process, out);
    if (status != ZX_OK) target_complain(target, "Its address space cannot be listed", status);
    return status == ZX_OK;
}

struct printable_name maps_name(const zx_info_maps_t *map) {
    return printable_name(*map->name ? map->name : "unnamed");
}

static unsigned log2_of(size_t value) {
    unsigned bits = 0;
    while (value >>= 1) bits++;
    return bits;
}

/* One character longer for each doubling; as much of it filled as is committed, and a little if anything is. */
static const char *bar(size_t pages, size_t committed) {
    static char out[BAR_WIDTH + 1];
    size_t len = log2_of(pages) + 1;
    if (len > BAR_WIDTH) len = BAR_WIDTH;
    size_t filled = pages ? len * committed / pages : 0;
    if (committed > 0 && filled == 0) filled = 1;
    memset(out, '.', len);
    memset(out, '#', filled < len ? filled : len);
    out[len] = '\0';
    return out;
}

static void show_mapping(const zx_info_maps_t *map) {
    const zx_info_maps_mapping_t *m = &map->u.mapping;
    size_t pages = map->size / ZX_PAGE_SIZE;
    char used[48];
    snprintf(used, sizeof(used), "%zu/%zu", m->committed_pages, pages);
    say("%5s %c%c%c %-*s %9s  %s %llu+%#llx\n", format_size(map->size), m->mmu_flags & ZX_VM_PERM_READ ? 'r' : '-',
        m->mmu_flags & ZX_VM_PERM_WRITE ? 'w' : '-', m->mmu_flags & ZX_VM_PERM_EXECUTE ? 'x' : '-', BAR_WIDTH,
        bar(pages, m->committed_pages), used, maps_name(map).text, (unsigned long long)m->vmo_koid,
        (unsigned long long)m->vmo_offset);
}

static void show_gap(zx_vaddr_t from, zx_vaddr_t to) {
    if (to > from) say("%18s (%s)\n", "", format_size(to - from));
}

void maps_show(const struct target *target, const struct process_maps *maps) {
    zx_vaddr_t at = 0, end = 0; /* all below `at` has been drawn */
    say("The address space of %s %llu:\n", target->name, (unsigned long long)target->koid);
    for (size_t i = 0; i < maps->count; i++) {
        const zx_info_maps_t *map = &maps->entries[i];
        if (map->type == ZX_INFO_MAPS_TYPE_ASPACE) {
            at = map->base;
            end = map->base + map->size;
            continue;
        }
        show_gap(at, map->base);
        size_t indent = map->depth > 1 ? map->depth - 1 : 0;
        if (indent > MAX_INDENT) indent = MAX_INDENT;
        say("%*s%#014llx%*s", (int)indent * 2, "", (unsigned long long)map->base, (int)(MAX_INDENT - indent) * 2, "");
        if (map->type == ZX_INFO_MAPS_TYPE_MAPPING) {
            show_mapping(map);
            at = map->base + map->size;
        } else {
            say("%5s %s\n", format_size(map->size), map->depth == 1 ? "all of it" : "region");
            at = map->base;
        }
    }
    show_gap(at, end);
}
