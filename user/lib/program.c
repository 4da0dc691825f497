/*
 * Laying an ELF image out in a new process. A region is set apart for all of it first, so that nothing else comes to
 * lie between its segments.
 */
#include "user/lib/program.h"

#include <string.h>
#include <zircon/syscalls.h>

#include "user/lib/bootfs.h"

zx_status_t program_read(zx_handle_t archive, const char *path, struct program *out, const char **why) {
    struct bootfs bootfs;
    struct newc_file file;
    zx_status_t status = bootfs_open(archive, &bootfs);
    if (status == ZX_OK) status = newc_find(&bootfs.bytes, path, &file);
    if (status != ZX_OK) {
        *why = status == ZX_ERR_NOT_FOUND ? "the archive has no such file" : "the archive cannot be read";
        return status;
    }
    out->archive = archive;
    out->offset = file.offset;
    return elf_image_read(&bootfs.bytes, file.offset, file.len, &out->image, why);
}

/* A handle to the archive that allows just what the segment needs: so its mapping can never become writable. */
static zx_status_t segment_share(const struct program *program, const struct elf_segment *segment, zx_handle_t *out) {
    zx_rights_t rights = ZX_RIGHT_MAP | ZX_RIGHT_READ;
    if (segment->perms & ZX_VM_PERM_EXECUTE) rights |= ZX_RIGHT_EXECUTE;
    return zx_handle_duplicate(program->archive, rights, out);
}

static zx_status_t vmo_copy(zx_handle_t to, zx_handle_t from, uint64_t offset, uint64_t len) {
    char buffer[8192];
    for (uint64_t done = 0; done < len;) {
        size_t part = len - done < sizeof(buffer) ? len - done : sizeof(buffer);
        zx_status_t status = zx_vmo_read(from, buffer, offset + done, part);
        if (status == ZX_OK) status = zx_vmo_write(to, buffer, done, part);
        if (status != ZX_OK) return status;
        done += part;
    }
    return ZX_OK;
}

/* Memory of the segment's own, with what the file has for it. */
static zx_status_t segment_copy(const struct program *program, const struct elf_segment *segment, zx_handle_t *out) {
    zx_status_t status = zx_vmo_create(segment->len, ZX_VMO_NON_RESIZABLE, out);
    if (status != ZX_OK) return status;
    zx_object_set_property(*out, ZX_PROP_NAME, "data", strlen("data"));
    status = vmo_copy(*out, program->archive, program->offset + segment->offset, segment->file_len);
    if (status != ZX_OK) zx_handle_close(*out);
    return status;
}

static zx_status_t segment_map(const struct program *program, const struct elf_segment *segment, zx_handle_t region,
                               uint64_t region_offset) {
    zx_handle_t memory;
    zx_status_t status =
        segment->shared ? segment_share(program, segment, &memory) : segment_copy(program, segment, &memory);
    if (status != ZX_OK) return status;
    zx_vaddr_t addr;
    status = zx_vmar_map(region, segment->perms | ZX_VM_SPECIFIC, region_offset, memory,
                         segment->shared ? program->offset + segment->offset : 0, segment->len, &addr);
    zx_handle_close(memory);
    return status;
}

#define REGION_OPTIONS (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC)

/* A region for the whole image. */
static zx_status_t region_fixed(const struct elf_image *image, zx_handle_t root_vmar, zx_handle_t *region,
                                zx_vaddr_t *base) {
    zx_info_vmar_t root;
    zx_status_t status = zx_object_get_info(root_vmar, ZX_INFO_VMAR, &root, sizeof(root), NULL, NULL);
    if (status != ZX_OK) return status;
    if (image->base < root.base) return ZX_ERR_OUT_OF_RANGE;
    return zx_vmar_allocate(root_vmar, REGION_OPTIONS | ZX_VM_SPECIFIC, image->base - root.base, image->len, region,
                            base);
}

/* A region anywhere, with room to move the image in it to a multiple of its alignment; `*lead` is how far. */
static zx_status_t region_anywhere(const struct elf_image *image, zx_handle_t root_vmar, zx_handle_t *region,
                                   zx_vaddr_t *base, uint64_t *lead) {
    uint64_t room = image->align - ZX_PAGE_SIZE;
    zx_status_t status = zx_vmar_allocate(root_vmar, REGION_OPTIONS, 0, image->len + room, region, base);
    if (status == ZX_OK) *lead = (image->base - *base) & (image->align - 1);
    return status;
}

zx_status_t program_map(const struct program *program, zx_handle_t root_vmar, zx_vaddr_t *entry) {
    const struct elf_image *image = &program->image;
    zx_handle_t region;
    zx_vaddr_t base;
    uint64_t lead = 0;
    zx_status_t status = image->relocatable ? region_anywhere(image, root_vmar, &region, &base, &lead)
                                            : region_fixed(image, root_vmar, &region, &base);
    if (status != ZX_OK) return status;
    for (size_t i = 0; i < image->segment_count && status == ZX_OK; i++) {
        const struct elf_segment *segment = &image->segments[i];
        status = segment_map(program, segment, region, lead + segment->addr - image->base);
    }
    if (status == ZX_OK)
        *entry = base + lead + (image->entry - image->base);
    else
        zx_vmar_destroy(region);
    zx_handle_close(region);
    return status;
}
