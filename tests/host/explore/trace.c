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

unsigned trace_length(void) { return count; }
void trace_cut(unsigned length) { count = length; }

void trace_add(struct trace_entry entry) {
    if (count < MAX_ENTRIES) entries[count++] = entry;
}

static bool near_a_switch(unsigned i) {
    for (unsigned at = i > AROUND ? i - AROUND : 0; at <= i + AROUND && at < count; at++) {
        if (entries[at].kind == 's') return true;
    }
    return i + 2 * AROUND >= count;
}

static bool is_primitive(const char *place) {
    static const char *const files[] = {"/spinlock.h:", "/mutex.h:", "/refcount.h:", "/sched/object.h:"};
    for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (strstr(place, files[i])) return true;
    }
    return false;
}

/* The innermost function that holds the address, locks and counts themselves left out; false if there is none. */
static bool describe_function(FILE *to, uintptr_t pc) {
    char command[200], function[200], place[400];
    bool found = false;
    snprintf(command, sizeof(command), "addr2line -fi -e /proc/%d/exe %#lx", (int)getpid(), pc - 1);
    FILE *in = popen(command, "r");
    while (in && !found && fgets(function, sizeof(function), in) && fgets(place, sizeof(place), in)) {
        if (is_primitive(place)) continue;
        const char *file = strrchr(place, '/');
        place[strcspn(place, " \n")] = '\0';
        fprintf(to, "%.*s, %s", (int)strcspn(function, "\n"), function, file ? file + 1 : place);
        found = true;
    }
    if (in) pclose(in);
    return found;
}

static void describe(FILE *to, const struct trace_entry *entry) {
    const char *access = entry->kind == 'w' ? "change" : entry->kind == 'r' ? "read" : "";
    fprintf(to, "%6u  processor %u  %-6s %-28s ", entry->point, entry->cpu, access, entry->what);
    if (entry->pc && !describe_function(to, entry->pc)) (void)describe_function(to, entry->caller);
    fputc('\n', to);
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
