/*
 * Look-ups of handles: which addresses belong to the functions that do them. Calls look their handles up one by one
 * before they act, so each look-up is a window: a use that an entry begins, or the removal of a handle. What else
 * begins a use, as a duplicate does, has it as a part of its act.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/explore/explore.h"

enum place { ELSEWHERE, REMOVAL, PART_OF_ACT };

static const struct {
    const char *function;
    enum place place;
} functions[] = {
    {"handle_remove", REMOVAL},        {"handle_move_out", REMOVAL},  {"handle_duplicate", PART_OF_ACT},
    {"handle_give_copy", PART_OF_ACT}, {"handle_names", PART_OF_ACT}, {"handle_get", PART_OF_ACT},
    {"handle_get_any", PART_OF_ACT},
};

static enum place find_place(uintptr_t pc) {
    Dl_info info;
    const ElfW(Sym) * symbol;
    if (!dladdr1((void *)pc, &info, (void **)&symbol, RTLD_DL_SYMENT) || !info.dli_sname || !symbol) return ELSEWHERE;
    if (pc - (uintptr_t)info.dli_saddr >= symbol->st_size) return ELSEWHERE;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (strcmp(info.dli_sname, functions[i].function) == 0) return functions[i].place;
    }
    return ELSEWHERE;
}

#define ASKED 4096

/* An address is asked for only once. */
static enum place place_of(uintptr_t pc) {
    static struct {
        uintptr_t pc;
        enum place place;
    } asked[ASKED];
    static unsigned count;
    unsigned i = pc % ASKED;
    while (asked[i].pc && asked[i].pc != pc) i = (i + 1) % ASKED;
    if (!asked[i].pc) {
        if (++count == ASKED / 2) abort();
        asked[i].pc = pc;
        asked[i].place = find_place(pc);
    }
    return asked[i].place;
}

bool is_removal(uintptr_t pc) { return place_of(pc) == REMOVAL; }

bool is_part_of_act(uintptr_t pc) { return place_of(pc) == PART_OF_ACT; }
