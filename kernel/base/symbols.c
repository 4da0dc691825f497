/*
 * The symbol table, sorted by address. The build makes it from the finished kernel and links it in again; in the
 * first link it is empty.
 */
#include "kernel/base/symbols.h"

#include <stdbool.h>

struct symbol_entry {
    uint32_t offset; /* from kernel_start */
    uint32_t name;   /* where in symbol_names */
};

extern const struct symbol_entry symbol_table[];
extern const uint32_t symbol_count;
extern const char symbol_names[];

extern const char kernel_start[], kernel_rodata[]; /* linker.ld: where code begins and ends */

const char *symbol_find(uintptr_t pc, size_t *offset) {
    size_t low = 0, high = symbol_count;
    *offset = pc - (uintptr_t)kernel_start;
    bool is_code = pc >= (uintptr_t)kernel_start && pc < (uintptr_t)kernel_rodata;
    while (is_code && low < high) {
        size_t middle = low + (high - low) / 2;
        if (symbol_table[middle].offset <= *offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0) {
        *offset = pc;
        return "?";
    }
    *offset -= symbol_table[low - 1].offset;
    return symbol_names + symbol_table[low - 1].name;
}
