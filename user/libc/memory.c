/*
 * Memory for malloc and for whoever calls mmap: each mapping is of a VMO of its own, in the process's root region. The
 * VMO lives as long as any part of its mapping. There are no files, so all memory is anonymous.
 *
 * What can be written gets its pages at once: when memory runs out it is the allocation that fails, with ENOMEM, and
 * not the program somewhere later. MAP_NORESERVE asks for pages as they are touched, and the risk.
 *
 * The program's image and its first stack lie in regions of their own, which their launcher set apart: what is mapped
 * there stays as it is, and mprotect and munmap of it fail with EINVAL.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "user/libc/port.h"

void *__mmap(void *start, size_t len, int prot, int flags, int fd, off_t offset);
int __munmap(void *start, size_t len);
int __mprotect(void *start, size_t len, int prot);
int __madvise(void *start, size_t len, int advice);
void *__mremap(void *old, size_t old_len, size_t new_len, int flags, ...);

static int result(zx_status_t status) {
    switch (status) {
    case ZX_OK:
        return 0;
    case ZX_ERR_NO_MEMORY:
    case ZX_ERR_NOT_FOUND:
    case ZX_ERR_OUT_OF_RANGE:
        errno = ENOMEM;
        return -1;
    case ZX_ERR_ACCESS_DENIED:
        errno = EPERM;
        return -1;
    default:
        errno = EINVAL;
        return -1;
    }
}

static void *fail(int error) {
    errno = error;
    return MAP_FAILED;
}

static size_t whole_pages(size_t len) { return (len + ZX_PAGE_MASK) & ~(size_t)ZX_PAGE_MASK; }

/* The processor cannot write or run what it cannot read. */
static zx_vm_option_t perms(int prot) {
    zx_vm_option_t options = prot & (PROT_READ | PROT_WRITE | PROT_EXEC) ? ZX_VM_PERM_READ : 0;
    if (prot & PROT_WRITE) options |= ZX_VM_PERM_WRITE;
    if (prot & PROT_EXEC) options |= ZX_VM_PERM_EXECUTE;
    return options;
}

/* How far an address is from where the root region begins. */
static zx_status_t root_offset(zx_vaddr_t addr, uint64_t *out) {
    zx_info_vmar_t root;
    zx_status_t status = zx_object_get_info(zx_vmar_root_self(), ZX_INFO_VMAR, &root, sizeof(root), NULL, NULL);
    if (status != ZX_OK) return status;
    if (addr < root.base) return ZX_ERR_INVALID_ARGS;
    *out = addr - root.base;
    return ZX_OK;
}

zx_status_t __port_memory_map(const char *name, size_t len, zx_vm_option_t options, zx_vaddr_t *addr) {
    zx_handle_t vmo;
    uint64_t offset = 0;
    zx_status_t status = ZX_OK;
    if (options & (ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE)) status = root_offset(*addr, &offset);
    if (status == ZX_OK) status = zx_vmo_create(len, ZX_VMO_NON_RESIZABLE, &vmo);
    if (status != ZX_OK) return status;
    zx_object_set_property(vmo, ZX_PROP_NAME, name, strlen(name));
    status = zx_vmar_map(zx_vmar_root_self(), options, offset, vmo, 0, len, addr);
    zx_handle_close(vmo);
    return status;
}

/* Gets the pages of memory, and enters them where the processor finds them. */
static zx_status_t commit(zx_vaddr_t addr, size_t len) {
    zx_status_t status = zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_COMMIT, addr, len, NULL, 0);
    if (status != ZX_OK) return status;
    return zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_MAP_RANGE, addr, len, NULL, 0);
}

static zx_status_t map_committed(size_t len, int prot, zx_vm_option_t place, bool lazy, zx_vaddr_t *addr) {
    zx_status_t status = __port_memory_map("heap", len, perms(prot) | place, addr);
    if (status != ZX_OK || lazy || !(prot & PROT_WRITE)) return status;
    status = commit(*addr, len);
    if (status != ZX_OK) zx_vmar_unmap(zx_vmar_root_self(), *addr, len);
    return status;
}

void *__mmap(void *start, size_t len, int prot, int flags, int fd, off_t offset) {
    (void)offset;
    if (len == 0) return fail(EINVAL);
    if (!(flags & MAP_ANON)) return fail(fd >= 0 && fd <= 2 ? ENODEV : EBADF);
    if (len >= PTRDIFF_MAX) return fail(ENOMEM);
    zx_vaddr_t addr = flags & MAP_FIXED ? (zx_vaddr_t)start : 0;
    zx_vm_option_t place = flags & MAP_FIXED ? ZX_VM_SPECIFIC_OVERWRITE : 0;
    if (addr & ZX_PAGE_MASK) return fail(EINVAL);
    zx_status_t status = map_committed(whole_pages(len), prot, place, flags & MAP_NORESERVE, &addr);
    return status == ZX_OK ? (void *)addr : fail(ENOMEM);
}

int __munmap(void *start, size_t len) {
    return result(zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)start, whole_pages(len)));
}

/* Like mmap, this gets the pages of what can now be written. */
int __mprotect(void *start, size_t len, int prot) {
    zx_vaddr_t first = (uintptr_t)start & ~(uintptr_t)ZX_PAGE_MASK;
    size_t pages = whole_pages((uintptr_t)start - first + len);
    if (pages == 0) return 0;
    zx_status_t status = zx_vmar_protect(zx_vmar_root_self(), perms(prot), first, pages);
    return result(status == ZX_OK && (prot & PROT_WRITE) ? commit(first, pages) : status);
}

/* Advice to give pages back is taken, and they read as zeros; other advice changes nothing. */
int __madvise(void *start, size_t len, int advice) {
    if ((uintptr_t)start & ZX_PAGE_MASK) return result(ZX_ERR_INVALID_ARGS);
    if (len == 0 || (advice != MADV_DONTNEED && advice != MADV_FREE)) return 0;
    return result(
        zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_DECOMMIT, (zx_vaddr_t)start, whole_pages(len), NULL, 0));
}

static void *move(void *old, size_t old_len, size_t new_len) {
    zx_vaddr_t addr;
    if (map_committed(new_len, PROT_READ | PROT_WRITE, 0, false, &addr) != ZX_OK) return fail(ENOMEM);
    memcpy((void *)addr, old, old_len);
    zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)old, old_len);
    return (void *)addr;
}

/*
 * Grows memory that can be written: by a mapping right behind it if that place is free, else by moving what is there.
 * To a place of the caller's choice it does not go.
 */
void *__mremap(void *old, size_t old_len, size_t new_len, int flags, ...) {
    old_len = whole_pages(old_len);
    zx_vaddr_t end = (zx_vaddr_t)old + old_len;
    if (((uintptr_t)old & ZX_PAGE_MASK) || old_len == 0 || new_len == 0 || (flags & ~MREMAP_MAYMOVE))
        return fail(EINVAL);
    if (new_len >= PTRDIFF_MAX) return fail(ENOMEM);
    new_len = whole_pages(new_len);
    if (new_len < old_len) zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)old + new_len, old_len - new_len);
    if (new_len <= old_len) return old;
    if (map_committed(new_len - old_len, PROT_READ | PROT_WRITE, ZX_VM_SPECIFIC, false, &end) == ZX_OK) return old;
    return flags & MREMAP_MAYMOVE ? move(old, old_len, new_len) : fail(ENOMEM);
}

PORT_ALIAS(mmap, __mmap);
PORT_ALIAS(munmap, __munmap);
PORT_ALIAS(mprotect, __mprotect);
PORT_ALIAS(madvise, __madvise);
PORT_ALIAS(mremap, __mremap);
