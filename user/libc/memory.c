/*
 * Memory for malloc and for whoever calls mmap: each mapping is of a VMO of its own, in the process's root region. The
 * VMO lives as long as any part of its mapping. Only anonymous memory exists here, at addresses of the kernel's choice.
 */
#include <errno.h>
#include <stdint.h>
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
    if (status == ZX_OK) return 0;
    errno = status == ZX_ERR_NO_MEMORY ? ENOMEM : status == ZX_ERR_ACCESS_DENIED ? EACCES : EINVAL;
    return -1;
}

/* The processor cannot write or run what it cannot read. */
static zx_vm_option_t perms(int prot) {
    zx_vm_option_t options = prot & (PROT_READ | PROT_WRITE | PROT_EXEC) ? ZX_VM_PERM_READ : 0;
    if (prot & PROT_WRITE) options |= ZX_VM_PERM_WRITE;
    if (prot & PROT_EXEC) options |= ZX_VM_PERM_EXECUTE;
    return options;
}

void *__mmap(void *start, size_t len, int prot, int flags, int fd, off_t offset) {
    (void)start;
    (void)fd;
    (void)offset;
    zx_handle_t vmo;
    zx_vaddr_t addr = 0;
    if (!(flags & MAP_ANON) || (flags & MAP_FIXED) || len == 0) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    if (len >= PTRDIFF_MAX) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    zx_status_t status = zx_vmo_create(len, ZX_VMO_NON_RESIZABLE, &vmo);
    if (status == ZX_OK) {
        zx_object_set_property(vmo, ZX_PROP_NAME, "heap", sizeof("heap"));
        status = zx_vmar_map(zx_vmar_root_self(), perms(prot), 0, vmo, 0, len, &addr);
        zx_handle_close(vmo);
    }
    if (status == ZX_OK) return (void *)addr;
    errno = ENOMEM;
    return MAP_FAILED;
}

int __munmap(void *start, size_t len) { return result(zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)start, len)); }

int __mprotect(void *start, size_t len, int prot) {
    uintptr_t first = (uintptr_t)start & ~ZX_PAGE_MASK;
    size_t pages = ((uintptr_t)start - first + len + ZX_PAGE_MASK) & ~ZX_PAGE_MASK;
    return result(zx_vmar_protect(zx_vmar_root_self(), perms(prot), first, pages));
}

/* Advice is not taken; realloc then copies, and free keeps its pages until the whole mapping goes. */
int __madvise(void *start, size_t len, int advice) {
    (void)start;
    (void)len;
    (void)advice;
    errno = ENOSYS;
    return -1;
}

void *__mremap(void *old, size_t old_len, size_t new_len, int flags, ...) {
    (void)old;
    (void)old_len;
    (void)new_len;
    (void)flags;
    errno = ENOSYS;
    return MAP_FAILED;
}

PORT_ALIAS(mmap, __mmap);
PORT_ALIAS(munmap, __munmap);
PORT_ALIAS(mprotect, __mprotect);
PORT_ALIAS(madvise, __madvise);
PORT_ALIAS(mremap, __mremap);
