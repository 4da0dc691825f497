/*
 * Names and a line that would play with a terminal, if it were shown as it is. Waits to be killed.
 */
#include <stdio.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define TITLE "\x1b]0;gotcha\a"

int main(void) {
    static const char name[] = TITLE "\\rude\xff";
    zx_handle_t vmo;
    if (zx_vmo_create(ZX_PAGE_SIZE, 0, &vmo) != ZX_OK) return 1;
    zx_handle_t named[] = {zx_process_self(), zx_thread_self(), vmo};
    for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++) {
        if (zx_object_set_property(named[i], ZX_PROP_NAME, name, strlen(name)) != ZX_OK) return 1;
    }
    zx_vaddr_t addr;
    if (zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, ZX_PAGE_SIZE, &addr) != ZX_OK) return 1;
    puts(TITLE "\ta line");
    fflush(stdout);
    zx_nanosleep(ZX_TIME_INFINITE);
}
