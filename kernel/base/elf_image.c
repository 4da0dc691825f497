/*
 * Reading an ELF file's headers, trusting nothing in them. Every sum of two values of the file's is checked for
 * wrapping before it is used; after that the image is plain numbers that hold together.
 */
#include "kernel/base/elf_image.h"

#include "arch/elf.h"
#include "kernel/base/string.h"

#define MAX_ALIGN ((uint64_t)1 << 30)

static zx_status_t refuse(zx_status_t status, const char **why, const char *reason) {
    *why = reason;
    return status;
}

static bool header_is_elf(const Elf64_Ehdr *header) {
    return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 && header->e_ident[EI_VERSION] == EV_CURRENT;
}

static bool header_is_for_us(const Elf64_Ehdr *header) {
    return header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
           header->e_machine == ARCH_ELF_MACHINE;
}

static zx_status_t header_check(const Elf64_Ehdr *header, uint64_t file_len, const char **why) {
    const zx_status_t broken = ZX_ERR_IO_DATA_INTEGRITY;
    if (!header_is_elf(header)) return refuse(broken, why, "it is not an ELF file");
    if (!header_is_for_us(header)) return refuse(ZX_ERR_NOT_SUPPORTED, why, "it is for another machine");
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN) return refuse(broken, why, "it is not a program");
    if (header->e_phentsize != sizeof(Elf64_Phdr)) return refuse(broken, why, "its segments have no known form");
    if (header->e_phnum == 0) return refuse(broken, why, "it has no segments");
    if (header->e_phnum > ELF_MAX_SEGMENTS) return refuse(broken, why, "it has too many segments");
    uint64_t table_len = header->e_phnum * sizeof(Elf64_Phdr);
    if (!range_within(header->e_phoff, table_len, 0, file_len))
        return refuse(broken, why, "its table of segments is cut off");
    return ZX_OK;
}

static zx_vm_option_t segment_perms(const Elf64_Phdr *header) {
    return (header->p_flags & PF_R ? ZX_VM_PERM_READ : 0) | (header->p_flags & PF_W ? ZX_VM_PERM_WRITE : 0) |
           (header->p_flags & PF_X ? ZX_VM_PERM_EXECUTE : 0);
}

/* 0 and 1 mean no alignment. */
static bool align_check(uint64_t align) { return align <= MAX_ALIGN && (align & (align - 1)) == 0; }

/* What must hold of each that has memory in the program, and of one that has none as well. */
static zx_status_t sizes_check(const Elf64_Phdr *header, const char **why) {
    const zx_status_t broken = ZX_ERR_IO_DATA_INTEGRITY;
    if (header->p_type != PT_LOAD && header->p_type != PT_TLS) return ZX_OK;
    if (header->p_filesz > header->p_memsz) return refuse(broken, why, "a segment is larger than its memory");
    if (!align_check(header->p_align)) return refuse(broken, why, "a segment has an impossible alignment");
    return ZX_OK;
}

/*
 * One loadable segment, in whole pages; it may not begin before `lowest`. The file offset of a segment without bytes in
 * the file is not checked.
 */
static zx_status_t segment_check(const Elf64_Phdr *header, uint64_t file_len, uint64_t lowest, struct elf_segment *out,
                                 const char **why) {
    const zx_status_t broken = ZX_ERR_IO_DATA_INTEGRITY;
    const bool in_file = header->p_filesz > 0;
    if (in_file && !range_within(header->p_offset, header->p_filesz, 0, file_len))
        return refuse(broken, why, "a segment lies outside the file");
    if (!range_within(header->p_vaddr, header->p_memsz, 0, USER_END))
        return refuse(broken, why, "a segment lies outside user memory");
    uint64_t lead = header->p_vaddr & PAGE_MASK;
    if ((header->p_offset & PAGE_MASK) != lead) return refuse(broken, why, "a segment does not fit its pages");
    out->addr = header->p_vaddr - lead;
    out->len = page_round_down(lead + header->p_memsz + PAGE_MASK);
    out->offset = in_file ? header->p_offset - lead : 0;
    out->file_len = in_file ? lead + header->p_filesz : 0;
    out->perms = segment_perms(header);
    out->shared = !(out->perms & ZX_VM_PERM_WRITE) && header->p_memsz == header->p_filesz &&
                  range_within(out->offset, out->len, 0, file_len);
    if (out->addr < lowest) return refuse(broken, why, "segments overlap, are out of order or lie too low");
    if (!(out->perms & ZX_VM_PERM_READ)) return refuse(broken, why, "a segment cannot be read");
    if ((out->perms & ZX_VM_PERM_WRITE) && (out->perms & ZX_VM_PERM_EXECUTE))
        return refuse(broken, why, "a segment is both writable and executable");
    return ZX_OK;
}

/* Is the entry point in text that came from the file? */
static bool entry_check(const struct elf_image *image) {
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        if (!(segment->perms & ZX_VM_PERM_EXECUTE) || image->entry < segment->addr) continue;
        if (image->entry - segment->addr < segment->file_len) return true;
    }
    return false;
}

static zx_status_t segments_check(const Elf64_Phdr *headers, size_t count, uint64_t file_len, struct elf_image *out,
                                  const char **why) {
    uint64_t end = out->relocatable ? 0 : USER_BASE;
    for (size_t i = 0; i < count; i++) {
        if (headers[i].p_type == PT_INTERP) return refuse(ZX_ERR_NOT_SUPPORTED, why, "it wants a dynamic linker");
        zx_status_t status = sizes_check(&headers[i], why);
        if (status != ZX_OK) return status;
        if (headers[i].p_type != PT_LOAD || headers[i].p_memsz == 0) continue;
        struct elf_segment *segment = &out->segments[out->segment_count];
        status = segment_check(&headers[i], file_len, end, segment, why);
        if (status != ZX_OK) return status;
        end = segment->addr + segment->len;
        if (headers[i].p_align > out->align) out->align = headers[i].p_align;
        out->segment_count++;
    }
    if (out->segment_count == 0) return refuse(ZX_ERR_IO_DATA_INTEGRITY, why, "it has nothing to load");
    out->base = out->segments[0].addr;
    out->len = end - out->base;
    if (!entry_check(out)) return refuse(ZX_ERR_IO_DATA_INTEGRITY, why, "it begins outside its text");
    return ZX_OK;
}

zx_status_t elf_image_read(const struct bytes *archive, uint64_t offset, uint64_t len, struct elf_image *out,
                           const char **why) {
    Elf64_Ehdr header;
    Elf64_Phdr segments[ELF_MAX_SEGMENTS];
    if (!page_aligned(offset)) return refuse(ZX_ERR_IO_DATA_INTEGRITY, why, "it does not begin on a page");
    if (len < sizeof(header)) return refuse(ZX_ERR_IO_DATA_INTEGRITY, why, "it is too short for a program");
    zx_status_t status = bytes_read(archive, offset, &header, sizeof(header));
    if (status != ZX_OK) return refuse(status, why, "it cannot be read");
    status = header_check(&header, len, why);
    if (status != ZX_OK) return status;
    status = bytes_read(archive, offset + header.e_phoff, segments, header.e_phnum * sizeof(segments[0]));
    if (status != ZX_OK) return refuse(status, why, "it cannot be read");
    *out = (struct elf_image){.relocatable = header.e_type == ET_DYN, .entry = header.e_entry, .align = ZX_PAGE_SIZE};
    return segments_check(segments, header.e_phnum, len, out, why);
}
