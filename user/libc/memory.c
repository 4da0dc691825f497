/*
 * Memory for malloc and for callers of mmap: each mapping is of a VMO of its own, in the process's root region. The
 * VMO lives as long as any part of its mapping. A private mapping of a file is a copy of it.
 *
 * What can be written gets its pages at once: when memory runs out it is the allocation that fails, with ENOMEM, and
 * not the program somewhere later. MAP_NORESERVE asks for pages as they are touched, and the risk.
 *
 * The program's image and its first stack lie in regions of their own, which their launcher set apart: what is mapped
 * there stays as it is, and mprotect and munmap of it fail with EINVAL.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "user/libc/files.h"
#include "user/libc/port.h"

static long result(zx_status_t status) {
    switch (status) {
    case ZX_OK: return 0;
    case ZX_ERR_NO_MEMORY:
    case ZX_ERR_NOT_FOUND:
    case ZX_ERR_OUT_OF_RANGE: return -ENOMEM;
    case ZX_ERR_ACCESS_DENIED: return -EPERM;
    default: return -EINVAL;
    }
}

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

/* Maps a new VMO: at `*addr` if `place` is ZX_VM_SPECIFIC or _OVERWRITE, else anywhere; `*addr` gets the address. */
static zx_status_t map(size_t len, int prot, zx_vm_option_t place, zx_vaddr_t *addr) {
    zx_handle_t vmo;
    uint64_t offset = 0;
    zx_status_t status = place ? root_offset(*addr, &offset) : ZX_OK;
    if (status == ZX_OK) status = zx_vmo_create(len, ZX_VMO_NON_RESIZABLE, &vmo);
    if (status != ZX_OK) return status;
    zx_object_set_property(vmo, ZX_PROP_NAME, "heap", strlen("heap"));
    status = zx_vmar_map(zx_vmar_root_self(), perms(prot) | place, offset, vmo, 0, len, addr);
    zx_handle_close(vmo);
    return status;
}

/* Gets the pages of memory, and enters them where the processor finds them; of a single one a fault costs less. */
static zx_status_t commit(zx_vaddr_t addr, size_t len) {
    zx_status_t status = zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_COMMIT, addr, len, NULL, 0);
    if (status != ZX_OK || len == ZX_PAGE_SIZE) return status;
    return zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_MAP_RANGE, addr, len, NULL, 0);
}

/* Of a new thread's memory the stack grows page by page: only what lies above it is there at once. */
static zx_status_t commit_writable(zx_vaddr_t addr, size_t len) {
    size_t top = __port_thread_maps() ? whole_pages(__port_thread_top()) : len;
    return top < len ? commit(addr + len - top, top) : commit(addr, len);
}

static long map_committed(size_t len, int prot, zx_vm_option_t place, zx_vaddr_t *addr) {
    zx_status_t status = map(len, prot, place, addr);
    if (status == ZX_OK && (prot & PROT_WRITE)) {
        status = commit_writable(*addr, len);
        if (status != ZX_OK) zx_vmar_unmap(zx_vmar_root_self(), *addr, len);
    }
    return status == ZX_OK ? (long)*addr : -ENOMEM;
}

void *__port_pages_map(size_t len) {
    zx_vaddr_t addr;
    return map_committed(len, PROT_READ | PROT_WRITE, 0, &addr) < 0 ? NULL : (void *)addr;
}

/* A copy of what a file has, for this mapping alone. */
static long map_copy(struct node *node, size_t len, int prot, zx_vm_option_t place, zx_vaddr_t addr, uint64_t offset) {
    if (map_committed(len, PROT_READ | PROT_WRITE, place, &addr) < 0) return -ENOMEM;
    long got = __port_data_read(node, offset, (void *)addr, len);
    zx_status_t status = zx_vmar_protect(zx_vmar_root_self(), perms(prot), addr, len);
    if (got >= 0 && status == ZX_OK) return (long)addr;
    zx_vmar_unmap(zx_vmar_root_self(), addr, len);
    return -ENOMEM;
}

/* The file itself; behind its end there is memory that is no part of it. */
static long map_itself(struct node *node, size_t len, int prot, zx_vm_option_t place, zx_vaddr_t addr,
                       uint64_t offset) {
    uint64_t at = 0;
    if (offset + len < len || __port_data_reserve(node, offset + len) != ZX_OK) return -ENOMEM;
    zx_status_t status = place ? root_offset(addr, &at) : ZX_OK;
    if (status == ZX_OK)
        status = zx_vmar_map(zx_vmar_root_self(), perms(prot) | place, at, node->vmo, offset, len, &addr);
    return status == ZX_OK ? (long)addr : -ENOMEM;
}

static long map_file(const long *args, size_t len, zx_vm_option_t place) {
    const struct open *open = __port_open_of(args[4]);
    const int prot = (int)args[2];
    const bool shared = (args[3] & MAP_TYPE) == MAP_SHARED;
    const uint64_t offset = (uint64_t)args[5];
    if (!open) return -EBADF;
    if (!open->node || !S_ISREG(open->node->mode)) return -ENODEV;
    if (offset & ZX_PAGE_MASK) return -EINVAL;
    int access = open->flags & O_ACCMODE;
    if (access == O_WRONLY || (shared && (prot & PROT_WRITE) && access != O_RDWR)) return -EACCES;
    return (shared ? map_itself : map_copy)(open->node, len, prot, place, (zx_vaddr_t)args[0], offset);
}

LINUX_CALL(mmap) {
    size_t len = whole_pages((size_t)args[1]);
    int prot = (int)args[2], flags = (int)args[3], type = flags & MAP_TYPE;
    if (len == 0 || (type != MAP_PRIVATE && type != MAP_SHARED)) return -EINVAL;
    zx_vaddr_t addr = (zx_vaddr_t)args[0];
    zx_vm_option_t place = flags & MAP_FIXED ? ZX_VM_SPECIFIC_OVERWRITE : 0;
    if (place && (addr & ZX_PAGE_MASK)) return -EINVAL;
    if (!(flags & MAP_ANON)) {
        __port_lock(&__port_files);
        long result = map_file(args, len, place);
        __port_unlock(&__port_files);
        return result;
    }
    const zx_vaddr_t kept = prot == PROT_NONE ? __port_thread_map(len) : 0;
    if (kept) return (long)kept;
    if (!(flags & MAP_NORESERVE)) return map_committed(len, prot, place, &addr);
    return map(len, prot, place, &addr) == ZX_OK ? (long)addr : -ENOMEM;
}

LINUX_CALL(munmap) {
    const zx_vaddr_t addr = (zx_vaddr_t)args[0];
    const size_t len = whole_pages((size_t)args[1]);
    return __port_thread_unmap(addr, len) ? 0 : result(zx_vmar_unmap(zx_vmar_root_self(), addr, len));
}

/* Like mmap, this gets the pages of what can now be written. */
LINUX_CALL(mprotect) {
    zx_vaddr_t addr = (zx_vaddr_t)args[0];
    size_t len = whole_pages((size_t)args[1]);
    int prot = (int)args[2];
    if (len == 0 || __port_thread_protect(addr)) return 0;
    zx_status_t status = zx_vmar_protect(zx_vmar_root_self(), perms(prot), addr, len);
    return result(status == ZX_OK && (prot & PROT_WRITE) ? commit_writable(addr, len) : status);
}

/* Advice to give pages back is taken, and they read as zeros; other advice changes nothing. */
LINUX_CALL(madvise) {
    zx_vaddr_t addr = (zx_vaddr_t)args[0];
    size_t len = whole_pages((size_t)args[1]);
    if (addr & ZX_PAGE_MASK) return -EINVAL;
    if (len == 0 || (args[2] != MADV_DONTNEED && args[2] != MADV_FREE)) return 0;
    return result(zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_DECOMMIT, addr, len, NULL, 0));
}

/* 0 if all of it is mapped and can be changed, unlike the launcher's regions, which are full or fault. */
static long check_mapped(zx_vaddr_t addr, size_t len) {
    char byte;
    size_t actual;
    zx_status_t status = zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_MAP_RANGE, addr, len, NULL, 0);
    if (status == ZX_OK) return 0;
    bool in_region = status == ZX_ERR_INVALID_ARGS;
    return in_region && zx_process_read_memory(zx_process_self(), addr, &byte, 1, &actual) == ZX_OK ? -ENOMEM : -EFAULT;
}

static long move(zx_vaddr_t old, size_t old_len, size_t new_len) {
    zx_vaddr_t addr;
    long moved = map_committed(new_len, PROT_READ | PROT_WRITE, 0, &addr);
    if (moved < 0) return moved;
    memcpy((void *)addr, (const void *)old, old_len);
    zx_vmar_unmap(zx_vmar_root_self(), old, old_len);
    return moved;
}

/* Grows writable memory: by a mapping right behind it if that place is free, else by moving it where there is room. */
LINUX_CALL(mremap) {
    zx_vaddr_t old = (zx_vaddr_t)args[0];
    size_t old_len = whole_pages((size_t)args[1]), new_len = whole_pages((size_t)args[2]);
    zx_vaddr_t end = old + old_len;
    if ((old & ZX_PAGE_MASK) || old_len == 0 || new_len == 0 || (args[3] & ~MREMAP_MAYMOVE)) return -EINVAL;
    long refused = check_mapped(old, old_len);
    if (refused) return refused;
    if (new_len < old_len) zx_vmar_unmap(zx_vmar_root_self(), old + new_len, old_len - new_len);
    if (new_len <= old_len) return (long)old;
    if (map_committed(new_len - old_len, PROT_READ | PROT_WRITE, ZX_VM_SPECIFIC, &end) >= 0) return (long)old;
    return args[3] & MREMAP_MAYMOVE ? move(old, old_len, new_len) : -ENOMEM;
}
