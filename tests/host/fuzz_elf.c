/*
 * Fuzzing the readers of archives and programs, which the kernel shares, and user mode's loader: any bytes as a boot
 * archive whose files are programs, and as a program. The system calls that the loader makes are played by this file,
 * which checks their arguments: what the loader asks for must be within the file and within what it reserved,
 * whatever the file says.
 */
#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls.h>

#include "user/lib/bootfs.h"
#include "user/lib/program.h"

#define FILE_HANDLE 3u
#define MEMORY_HANDLE 7u
#define ROOT_HANDLE 11u
#define REGION_HANDLE 15u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *file;
static uint64_t file_len;
static uint64_t memory_len;
static uint64_t region_len;

static void must(bool good) {
    if (!good) abort();
}

static bool aligned(uint64_t value) { return (value & ZX_PAGE_MASK) == 0; }
static uint64_t file_pages(void) { return (file_len + ZX_PAGE_MASK) & ~(uint64_t)ZX_PAGE_MASK; }

/* --- the calls --- */

zx_status_t zx_vmo_get_size(zx_handle_t handle, uint64_t *size) {
    must(handle == FILE_HANDLE);
    *size = file_pages();
    return ZX_OK;
}

zx_status_t zx_vmo_read(zx_handle_t handle, void *buffer, uint64_t offset, size_t len) {
    must(handle == FILE_HANDLE);
    if (offset > file_pages() || len > file_pages() - offset) return ZX_ERR_OUT_OF_RANGE;
    size_t have = offset < file_len ? file_len - offset : 0;
    if (have > len) have = len;
    if (have) memcpy(buffer, file + offset, have);
    memset((char *)buffer + have, 0, len - have);
    return ZX_OK;
}

zx_status_t zx_vmo_create(uint64_t size, uint32_t options, zx_handle_t *out) {
    must(options == ZX_VMO_NON_RESIZABLE && size > 0 && aligned(size));
    memory_len = size;
    *out = MEMORY_HANDLE;
    return ZX_OK;
}

zx_status_t zx_vmo_write(zx_handle_t handle, const void *buffer, uint64_t offset, size_t len) {
    (void)buffer;
    must(handle == MEMORY_HANDLE && offset <= memory_len && len <= memory_len - offset);
    return ZX_OK;
}

zx_status_t zx_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t *out) {
    must(handle == FILE_HANDLE && !(rights & ZX_RIGHT_WRITE));
    *out = FILE_HANDLE;
    return ZX_OK;
}

zx_status_t zx_handle_close(zx_handle_t handle) {
    must(handle != ZX_HANDLE_INVALID);
    return ZX_OK;
}

zx_status_t zx_object_set_property(zx_handle_t handle, uint32_t property, const void *value, size_t size) {
    (void)handle;
    (void)property;
    (void)value;
    (void)size;
    return ZX_OK;
}

zx_status_t zx_object_get_info(zx_handle_t handle, uint32_t topic, void *buffer, size_t len, size_t *actual,
                               size_t *avail) {
    must(handle == ROOT_HANDLE && topic == ZX_INFO_VMAR && len == sizeof(zx_info_vmar_t) && !actual && !avail);
    *(zx_info_vmar_t *)buffer = (zx_info_vmar_t){.base = USER_BASE, .len = USER_END - USER_BASE};
    return ZX_OK;
}

zx_status_t zx_vmar_allocate(zx_handle_t parent, zx_vm_option_t options, uint64_t offset, uint64_t size,
                             zx_handle_t *child, zx_vaddr_t *addr) {
    must(parent == ROOT_HANDLE && size > 0 && aligned(size) && aligned(offset));
    if (size > USER_END - USER_BASE || offset > USER_END - USER_BASE - size) return ZX_ERR_INVALID_ARGS;
    must(offset == 0 || (options & ZX_VM_SPECIFIC));
    region_len = size;
    *child = REGION_HANDLE;
    *addr = USER_BASE + offset;
    return ZX_OK;
}

zx_status_t zx_vmar_map(zx_handle_t vmar, zx_vm_option_t options, uint64_t at, zx_handle_t vmo, uint64_t offset,
                        uint64_t len, zx_vaddr_t *addr) {
    must(vmar == REGION_HANDLE && len > 0 && aligned(len) && aligned(at) && at <= region_len && len <= region_len - at);
    must((options & ZX_VM_PERM_READ) && !((options & ZX_VM_PERM_WRITE) && (options & ZX_VM_PERM_EXECUTE)));
    /* The file is mapped only where it is, and never to be written. */
    must(vmo != FILE_HANDLE || !(options & ZX_VM_PERM_WRITE));
    must(vmo != FILE_HANDLE || (offset <= file_pages() && len <= file_pages() - offset));
    if (!aligned(offset)) return ZX_ERR_INVALID_ARGS;
    *addr = at;
    return ZX_OK;
}

zx_status_t zx_vmar_destroy(zx_handle_t vmar) {
    must(vmar == REGION_HANDLE);
    return ZX_OK;
}

/* --- what comes out --- */

static void check_image(const struct elf_image *image, uint64_t len) {
    uint64_t end = image->relocatable ? 0 : USER_BASE;
    bool entry_in_text = false;
    must(image->segment_count > 0 && image->segment_count <= ELF_MAX_SEGMENTS);
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *s = &image->segments[i];
        must(aligned(s->addr) && aligned(s->len) && aligned(s->offset) && s->len > 0 && s->file_len <= s->len);
        must(s->addr >= end && s->len <= USER_END - s->addr);
        must(s->offset <= len && s->file_len <= len - s->offset);
        must(!s->shared || (!(s->perms & ZX_VM_PERM_WRITE) && s->len <= len - s->offset));
        end = s->addr + s->len;
        if ((s->perms & ZX_VM_PERM_EXECUTE) && image->entry >= s->addr && image->entry - s->addr < s->file_len)
            entry_in_text = true;
    }
    must(image->align >= ZX_PAGE_SIZE && (image->align & (image->align - 1)) == 0);
    must(entry_in_text && image->base == image->segments[0].addr && image->len == end - image->base);
}

static void load(const struct bootfs *archive, uint64_t offset, uint64_t len) {
    struct program program = {.archive = archive->vmo, .offset = offset};
    const char *why = NULL;
    zx_vaddr_t entry;
    zx_status_t status = elf_image_read(&archive->bytes, offset, len, &program.image, &why);
    must(status == ZX_OK || why);
    if (status != ZX_OK) return;
    check_image(&program.image, len);
    (void)program_map(&program, ROOT_HANDLE, &entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct newc_file found;
    struct bootfs archive;
    file = data;
    file_len = size;
    must(bootfs_open(FILE_HANDLE, &archive) == ZX_OK);
    load(&archive, 0, size);
    for (uint64_t at = 0; newc_read(&archive.bytes, at, &found) == ZX_OK; at = found.next) {
        must(found.next > at && found.offset <= file_pages() && found.len <= file_pages() - found.offset);
        must(memchr(found.name, '\0', sizeof(found.name)));
        load(&archive, found.offset, found.len);
    }
    zx_status_t status = bootfs_find(FILE_HANDLE, "bin/init", &found);
    must(status != ZX_OK || strcmp(found.name, "bin/init") == 0);
    return 0;
}
