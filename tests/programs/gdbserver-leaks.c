/*
 * The debugger's server with a fault: of each session it keeps a handle and a page. It is linked with the server's own
 * files, and what closes a session's files forgets these besides. tests/debug-sessions must find both.
 */
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "user/gdbserver/server.h"

void __real_files_close_all(void);
void __wrap_files_close_all(void);

static void page_keep(void) {
    zx_handle_t vmo;
    zx_vaddr_t addr;
    if (zx_vmo_create(ZX_PAGE_SIZE, 0, &vmo) != ZX_OK) return;
    if (zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, ZX_PAGE_SIZE, &addr) == ZX_OK)
        *(volatile char *)addr = 1;
    zx_handle_close(vmo);
}

void __wrap_files_close_all(void) {
    zx_handle_t kept;
    __real_files_close_all();
    (void)zx_event_create(0, &kept);
    page_keep();
}
