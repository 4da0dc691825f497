/* What the archive says is not trusted: a table that is not wholly in its file is none, and names are cut. */
#include "user/lib/symbols.h"

#include <elf.h>
#include <string.h>

#include "kernel/base/elf_image.h"
#include "kernel/base/printable.h"
#include "user/lib/bootfs.h"

#define SYMBOLS_AT_ONCE 32

static zx_koid_t koid_of(zx_handle_t handle) {
    zx_info_handle_basic_t info = {0};
    zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
    return info.koid;
}

/* The file of the archive that has the byte at an offset. */
static bool file_at(const struct bootfs *archive, uint64_t offset, struct newc_file *out) {
    out->next = 0;
    while (newc_read(&archive->bytes, out->next, out) == ZX_OK) {
        if (offset - out->offset < out->len) return true;
    }
    return false;
}

/* Fills in where the program is, by one of its mappings. */
static bool module_place(const struct bootfs *archive, const zx_info_maps_t *map, struct module *out) {
    const char *why;
    struct elf_image image;
    if (elf_image_read(&archive->bytes, out->offset, out->len, &image, &why) != ZX_OK) return false;
    uint64_t offset = map->u.mapping.vmo_offset - out->offset;
    for (size_t i = 0; i < image.segment_count; i++) {
        const struct elf_segment *segment = &image.segments[i];
        if (!segment->shared || offset - segment->offset >= segment->len) continue;
        out->moved = map->base - (segment->addr + (offset - segment->offset));
        out->base = image.base + out->moved;
        out->end = out->base + image.len;
        return true;
    }
    return false;
}

bool module_find(zx_handle_t archive, const struct process_maps *maps, struct module *out) {
    struct bootfs bootfs;
    struct newc_file file;
    zx_koid_t koid = koid_of(archive);
    if (bootfs_open(archive, &bootfs) != ZX_OK) return false;
    for (const zx_info_maps_t *map = maps->entries; map < maps->entries + maps->count; map++) {
        if (map->type != ZX_INFO_MAPS_TYPE_MAPPING || map->u.mapping.vmo_koid != koid) continue;
        if (!file_at(&bootfs, map->u.mapping.vmo_offset, &file)) continue;
        *out = (struct module){.archive = archive, .offset = file.offset, .len = file.len};
        if (module_place(&bootfs, map, out)) return true;
    }
    return false;
}

/* Reads part of the program's file. */
static bool file_read(const struct module *module, uint64_t at, void *buffer, size_t len) {
    if (at > module->len || len > module->len - at) return false;
    return zx_vmo_read(module->archive, buffer, module->offset + at, len) == ZX_OK;
}

static bool section_read(const struct module *module, const Elf64_Ehdr *header, unsigned i, Elf64_Shdr *out) {
    return i < header->e_shnum && file_read(module, header->e_shoff + i * sizeof(*out), out, sizeof(*out));
}

/* The section headers of the symbols, and of their names. */
static bool tables_find(const struct module *module, const Elf64_Ehdr *header, Elf64_Shdr *symbols, Elf64_Shdr *names) {
    for (unsigned i = 0; section_read(module, header, i, symbols); i++) {
        if (symbols->sh_type == SHT_SYMTAB) return section_read(module, header, symbols->sh_link, names);
    }
    return false;
}

/* Does the symbol name the address better than the best so far? Labels of assembly have no size. */
static bool is_better(const Elf64_Sym *symbol, const Elf64_Sym *best, uint64_t addr) {
    unsigned type = ELF64_ST_TYPE(symbol->st_info);
    if ((type != STT_FUNC && type != STT_NOTYPE) || symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS ||
        symbol->st_value > addr)
        return false;
    if (symbol->st_size > 0 && addr - symbol->st_value >= symbol->st_size) return false;
    return symbol->st_value > best->st_value || (symbol->st_value == best->st_value && symbol->st_size > best->st_size);
}

static bool best_find(const struct module *module, const Elf64_Shdr *table, uint64_t addr, Elf64_Sym *best) {
    Elf64_Sym some[SYMBOLS_AT_ONCE];
    *best = (Elf64_Sym){0};
    uint64_t count = table->sh_size / sizeof(*some);
    for (uint64_t at = 0; at < count; at += SYMBOLS_AT_ONCE) {
        size_t now = count - at < SYMBOLS_AT_ONCE ? count - at : SYMBOLS_AT_ONCE;
        if (!file_read(module, table->sh_offset + at * sizeof(*some), some, now * sizeof(*some))) return false;
        for (size_t i = 0; i < now; i++) {
            if (is_better(&some[i], best, addr)) *best = some[i];
        }
    }
    return best->st_value != 0;
}

/* The best symbol's name, if the address is in the same section at all. */
static bool name_read(const struct module *module, const Elf64_Ehdr *header, const Elf64_Shdr *names,
                      const Elf64_Sym *best, uint64_t addr, char name[SYMBOL_NAME_MAX]) {
    Elf64_Shdr section;
    if (!section_read(module, header, best->st_shndx, &section) || addr - section.sh_addr >= section.sh_size)
        return false;
    if (best->st_name >= names->sh_size) return false;
    uint64_t left = names->sh_size - best->st_name;
    size_t len = left < SYMBOL_NAME_MAX - 1 ? left : SYMBOL_NAME_MAX - 1;
    if (!file_read(module, names->sh_offset + best->st_name, name, len)) return false;
    name[len] = '\0';
    return *name != '\0';
}

bool symbol_find(const struct module *module, zx_vaddr_t addr, struct symbol *out) {
    Elf64_Ehdr header;
    Elf64_Shdr symbols, names;
    Elf64_Sym best;
    char name[SYMBOL_NAME_MAX];
    uint64_t linked = addr - module->moved;
    if (addr < module->base || addr >= module->end) return false;
    if (!file_read(module, 0, &header, sizeof(header)) || header.e_shentsize != sizeof(symbols)) return false;
    if (!tables_find(module, &header, &symbols, &names) || !best_find(module, &symbols, linked, &best)) return false;
    if (!name_read(module, &header, &names, &best, linked, name)) return false;
    printable(out->name, sizeof(out->name), name, strlen(name));
    out->start = best.st_value + module->moved;
    return true;
}
