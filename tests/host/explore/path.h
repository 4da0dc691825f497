/*
 * The schedule under way, as far as it is decided: its nodes, the choices at each, and what was done after them. The
 * next schedule differs from it at the last node that has another choice left.
 */
#pragma once

#include "tests/host/explore/explore.h"
#include "tests/host/explore/footprint.h"

/* Which may continue; the first choice continues the processor that runs, if it can. */
struct choices {
    uint8_t ids[CPUS + 1], count;
    bool preempts; /* all but the first */
};

struct node {
    struct choices choices;
    uint8_t taken;
    unsigned switches;    /* how many there were before: equal means that no other ran in between */
    struct footprint own; /* what the first choice does up to the next node */
    /*
     * If the others preempt it: what is done after each of those choices until this one runs again, in all schedules
     * that begin so or would if they were not left out. If not: what the choice does until it must wait.
     */
    struct footprint below[CPUS + 1];
    bool below_known[CPUS + 1];
};

/* No node is decided: a pass begins. */
void path_clear(void);
/* The next schedule, which begins again at the first node. False if there is none. */
bool path_next(bool reduced);
/* How many nodes are decided. */
unsigned path_length(void);

/* The node of that number. */
struct node *path_node(unsigned number);
/* One after all that are decided; it takes the first choice. */
void path_add(const struct choices *choices, unsigned switches);
