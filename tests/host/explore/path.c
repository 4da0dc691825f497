/*
 * See path.h. All this is outside the machine, and stays when the machine's memory is restored.
 */
#include "tests/host/explore/path.h"

#include <string.h>

#include "kernel/base/log.h"

#define MAX_NODES 4000

static struct node path[MAX_NODES];
static unsigned length;

void path_clear(void) { length = 0; }
unsigned path_length(void) { return length; }
struct node *path_node(unsigned number) {
    return &path[number];
}

void path_add(const struct choices *choices, unsigned switches) {
    if (length == MAX_NODES) panic("a schedule of too many choices");
    struct node *node = &path[length++];
    node->choices = *choices;
    node->taken = 0;
    node->switches = switches;
    node->own = node->below[0] = (struct footprint){.ran = 0};
    memset(node->below_known, 0, sizeof(node->below_known));
}

/*
 * Where one processor went from one node to the next, and all schedules are done in which another came at the second:
 * had that come at the first, it would have done the same, if nothing of it depends on what the first did in between.
 */
static void inherit(struct node *from, const struct node *to) {
    if (from->taken > 0 || from->switches != to->switches) return;
    if (!from->choices.preempts || !to->choices.preempts) return;
    for (unsigned i = 1; i < from->choices.count; i++) {
        for (unsigned j = 1; j < to->choices.count; j++) {
            if (from->choices.ids[i] != to->choices.ids[j] || !to->below_known[j]) continue;
            from->below[i] = to->below[j];
            from->below_known[i] = true;
        }
    }
}

/* Would the next choice only repeat what was done from the node after this one? */
static bool only_repeats(struct node *node, bool reduced) {
    unsigned i = node->taken;
    if (node->below_known[i] && footprints_commute(&node->own, &node->below[i])) return true;
    node->below[i] = (struct footprint){.ran = 0};
    node->below_known[i] = reduced && node->choices.preempts;
    return false;
}

bool path_next(bool reduced) {
    while (length > 0) {
        struct node *node = &path[length - 1];
        while (++node->taken < node->choices.count) {
            if (!only_repeats(node, reduced)) return true;
        }
        if (--length > 0) inherit(&path[length - 1], node);
    }
    return false;
}
