/*
 * What happened in the schedule under way, and telling it: each switch from one processor to another, and the steps
 * around it, with the function of the kernel's that made each.
 */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/host/explore/explore.h"

#define MAX_ENTRIES 65536
#define AROUND 3 /* steps told before a switch, and after it */

static struct trace_entry entries[MAX_ENTRIES];
static unsigned count;

void trace_reset(void) { count = 0; }

void trace_add(struct trace_entry entry) {
    if (count < MAX_ENTRIES) entries[count++] = entry;
}

static bool near_a_switch(unsigned i) {
    for (unsigned at = i > AROUND ? i - AROUND : 0; at <= i + AROUND && at < count; at++) {
        if (entries[at].kind == 's') return true;
    }
    return i + 2 * AROUND >= count;
}

/* Asks for the functions that hold the addresses, the innermost first; the primitives themselves are left out. */
static void describe(FILE *to, const struct trace_entry *entry) {
    char command[200], function[200], place[400];
    fprintf(to, "%6u  processor %u  %-6s %-28s", entry->point, entry->cpu,
            entry->kind == 'w'   ? "change"
            : entry->kind == 'r' ? "read"
                                 : "",
            entry->what);
    if (!entry->pc) {
        fputc('\n', to);
        return;
    }
    snprintf(command, sizeof(command), "addr2line -fi -e /proc/%d/exe %#lx", (int)getpid(), entry->pc - 1);
    FILE *in = popen(command, "r");
    const char *name = "?";
    while (in && fgets(function, sizeof(function), in) && fgets(place, sizeof(place), in)) {
        function[strcspn(function, "\n")] = '\0';
        char *file = strrchr(place, '/');
        name = function;
        if (!strstr(place, "/spinlock.h") && !strstr(place, "/mutex.h") && !strstr(place, "/refcount.h") &&
            !strstr(place, "/object.h")) {
            place[strcspn(place, " \n")] = '\0';
            fprintf(to, "%s, %s\n", name, file ? file + 1 : place);
            pclose(in);
            return;
        }
    }
    if (in) pclose(in);
    fprintf(to, "%s\n", name);
}

void trace_print(FILE *to) {
    bool gap = false;
    for (unsigned i = 0; i < count; i++) {
        if (!near_a_switch(i)) {
            gap = true;
            continue;
        }
        if (gap) fprintf(to, "        …\n");
        gap = false;
        if (entries[i].kind == 's')
            fprintf(to, "%6u  ---- processor %u goes on ----\n", entries[i].point, entries[i].cpu);
        else
            describe(to, &entries[i]);
    }
}
