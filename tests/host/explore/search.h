/* The search through all schedules of one scenario. */
#pragma once

#include "tests/host/explore/stage.h"

struct search_result {
    uint64_t schedules; /* run to their end */
    uint64_t redundant; /* given up because they only repeat others */
    uint64_t nodes;
    unsigned ends;    /* different ones that orders of the calls have … */
    unsigned reached; /* … and those that the schedules came to */
    unsigned bound;   /* as far as all were tried */
    bool cut;         /* not all with that bound + 1: there was no time */
    double seconds;
};

/* Tries all schedules with up to `bound` preemptions; ends the program at the first that is wrong. Once. */
struct search_result search_all(const struct scenario *scenario, unsigned bound, double seconds);
/* Runs the schedule that was parsed instead, and prints what happens. False if it is not one of this build. */
bool search_replay(const struct scenario *scenario, unsigned bound);
