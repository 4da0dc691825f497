/* Address spaces; see maps.h. */
#include "user/gdbserver/maps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/base/printable.h"

#define SPARE 16

zx_info_maps_t *maps_get(struct debug_process *p, size_t *count) {
    zx_info_maps_t *maps = NULL;
    size_t room = 0, there = SPARE;
    do {
        room = there + SPARE;
        zx_info_maps_t *more = realloc(maps, room * sizeof(*maps));
        zx_status_t status =
            more ? zx_object_get_info(p->handle, ZX_INFO_PROCESS_MAPS, more, room * sizeof(*maps), count, &there)
                 : ZX_ERR_NO_MEMORY;
        if (status != ZX_OK) {
            free(more ? more : maps);
            return NULL;
        }
        maps = more;
    } while (there > room);
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (maps[i].type == ZX_INFO_MAPS_TYPE_MAPPING) maps[kept++] = maps[i];
    }
    *count = kept;
    return maps;
}

bool region_find(struct debug_process *p, zx_vaddr_t addr, struct region *out) {
    size_t count;
    zx_info_maps_t *maps = maps_get(p, &count);
    if (!maps) return false;
    *out = (struct region){0};
    size_t i = 0;
    for (; i < count && maps[i].base + maps[i].size <= addr; i++) out->base = maps[i].base + maps[i].size;
    out->mapped = i < count && maps[i].base <= addr;
    if (out->mapped)
        *out = (struct region){maps[i].base, maps[i].size, true, maps[i].u.mapping.mmu_flags};
    else
        out->len = (i < count ? maps[i].base : 0) - out->base;
    free(maps);
    return true;
}

char *maps_text(struct debug_process *p, bool koids, size_t *len) {
    size_t count;
    zx_info_maps_t *maps = maps_get(p, &count);
    char *text = NULL;
    FILE *out = maps ? open_memstream(&text, len) : NULL;
    for (size_t i = 0; out && i < count; i++) {
        const zx_info_maps_mapping_t *m = &maps[i].u.mapping;
        const unsigned long long begin = maps[i].base, end = begin + maps[i].size;
        fprintf(out, "%012llx-%012llx %c%c%cp %08llx 00:00 %llu %s\n", begin, end,
                m->mmu_flags & ZX_VM_PERM_READ ? 'r' : '-', m->mmu_flags & ZX_VM_PERM_WRITE ? 'w' : '-',
                m->mmu_flags & ZX_VM_PERM_EXECUTE ? 'x' : '-', (unsigned long long)m->vmo_offset,
                koids ? (unsigned long long)m->vmo_koid : 0, printable_name(maps[i].name).text);
    }
    if (out) fclose(out);
    free(maps);
    return text;
}

bool program_path(const struct debug_process *p, char path[PROGRAM_PATH_MAX]) {
    char name[ZX_MAX_NAME_LEN] = "";
    if (zx_object_get_property(p->handle, ZX_PROP_NAME, name, sizeof(name)) != ZX_OK) return false;
    snprintf(path, PROGRAM_PATH_MAX, "/bin/%s", name);
    return true;
}

/* The first mapping that begins with an ELF header is the program's. */
static bool header_find(struct debug_process *p, zx_vaddr_t *base, Elf64_Ehdr *header) {
    size_t count, actual;
    bool found = false;
    zx_info_maps_t *maps = maps_get(p, &count);
    for (size_t i = 0; maps && i < count && !found; i++) {
        *base = maps[i].base;
        found = debug_read(p, *base, header, sizeof(*header), &actual) == ZX_OK && actual == sizeof(*header) &&
                memcmp(header->e_ident, ELFMAG, SELFMAG) == 0;
    }
    free(maps);
    return found;
}

bool program_facts(struct debug_process *p, uint64_t facts[PROGRAM_FACTS][2]) {
    zx_vaddr_t base;
    Elf64_Ehdr header;
    if (!header_find(p, &base, &header)) return false;
    const uint64_t found[PROGRAM_FACTS][2] = {
        {AT_PHDR, base + header.e_phoff},
        {AT_PHENT, header.e_phentsize},
        {AT_PHNUM, header.e_phnum},
        {AT_PAGESZ, ZX_PAGE_SIZE},
        {AT_ENTRY, header.e_entry + (header.e_type == ET_DYN ? base : 0)},
        {AT_NULL, 0},
    };
    memcpy(facts, found, sizeof(found));
    return true;
}

bool program_variables(struct debug_process *p, Elf64_Phdr *out) {
    zx_vaddr_t base;
    Elf64_Ehdr header;
    if (!header_find(p, &base, &header) || header.e_phentsize != sizeof(*out)) return false;
    for (size_t i = 0, actual; i < header.e_phnum; i++) {
        const zx_vaddr_t at = base + header.e_phoff + i * sizeof(*out);
        if (debug_read(p, at, out, sizeof(*out), &actual) != ZX_OK || actual < sizeof(*out)) return false;
        if (out->p_type == PT_TLS) return true;
    }
    return false;
}
