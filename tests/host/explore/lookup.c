/*
 * Look-ups of handles: which addresses belong to the functions that do them. Calls look their handles up one by one
 * before they act, so each look-up is a window. A duplicate's is part of its act.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/explore/explore.h"

/* Is it in one of the functions that look handles up? */
static bool is_in_lookup(uintptr_t pc) {
    Dl_info info;
    const ElfW(Sym) * symbol;
    if (!dladdr1((void *)pc, &info, (void **)&symbol, RTLD_DL_SYMENT) || !info.dli_sname || !symbol) return false;
    if (pc - (uintptr_t)info.dli_saddr >= symbol->st_size) return false;
    return strncmp(info.dli_sname, "handle_use", strlen("handle_use")) == 0 ||
           strcmp(info.dli_sname, "handle_remove") == 0;
}

#define ASKED 4096

/* An address is asked for only once. */
bool is_lookup(uintptr_t pc) {
    static struct {
        uintptr_t pc;
        bool looks_up;
    } asked[ASKED];
    static unsigned count;
    unsigned i = pc % ASKED;
    while (asked[i].pc && asked[i].pc != pc) i = (i + 1) % ASKED;
    if (!asked[i].pc) {
        if (++count == ASKED / 2) abort();
        asked[i].pc = pc;
        asked[i].looks_up = is_in_lookup(pc);
    }
    return asked[i].looks_up;
}
