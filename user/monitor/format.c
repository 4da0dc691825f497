/* Sizes are kept in a few buffers in turn, so that one printf can have several. */
#include "user/monitor/format.h"

#include <stdio.h>
#include <zircon/rights.h>

#include "user/monitor/say.h"

#define BUFFERS 4

const char *format_size(uint64_t bytes) {
    static char buffers[BUFFERS][16];
    static unsigned turn;
    static const char units[] = "BKMGTPE";
    char *out = buffers[turn++ % BUFFERS];
    double value = (double)bytes;
    unsigned unit = 0;
    for (; value >= 1024; unit++) value /= 1024;
    bool exact = unit == 0 || value >= 10 || value == (double)(uint64_t)value;
    snprintf(out, sizeof(buffers[0]), "%.*f%c", exact ? 0 : 1, value, units[unit]);
    return out;
}

void show_rights(zx_rights_t rights) {
    static const char *const names[] = {"duplicate",  "transfer",     "read",           "write",        "execute",
                                        "map",        "get-property", "set-property",   "enumerate",    "destroy",
                                        "set-policy", "get-policy",   "signal",         "signal-peer",  "wait",
                                        "inspect",    "manage-job",   "manage-process", "manage-thread"};
    say("     ");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (rights & (1u << i)) say(" %s", names[i]);
    }
    say("\n");
}
