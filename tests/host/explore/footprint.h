/*
 * What steps touch, and which of them commute: done in either order, they lead to the same.
 *
 * A place is the address of an atomic variable, a lock or a count. Only those that several processors use, and one of
 * them changes, can make a difference; which are, is learned from the schedules that have been run.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What a processor is about to do, or has just done. */
struct step {
    const volatile void *place; /* NULL: anything, that is, user memory */
    bool write;
    bool counts; /* up or down, far from the end of a count of references: such steps commute with each other */
    bool inside; /* gives a spinlock back, looks whether it is free, or is none: nobody is preempted there */
};

/* Whether it is known that several processors use it. */
bool place_is_shared(const volatile void *place);
void place_used(const volatile void *place, unsigned cpu, bool write);
/* How many shared places have been met that were not known to be such. */
unsigned places_grew(void);
/* From now on, all are known that have been met. */
void places_learn(void);

#define FOOTPRINT_WORDS 16

/* The shared places that some steps have touched. */
struct footprint {
    uint64_t reads[FOOTPRINT_WORDS], writes[FOOTPRINT_WORDS], counts[FOOTPRINT_WORDS];
    uint8_t ran, kicked; /* processors: which made the steps, and which were sent an interrupt by them */
    bool anything;       /* a step of no known place */
};

void footprint_add(struct footprint *to, unsigned cpu, struct step step);
/* Does each step of the one commute with each of the other? */
bool footprints_commute(const struct footprint *a, const struct footprint *b);
/* The same, for a single step of the second. */
bool footprint_commutes_with(const struct footprint *a, unsigned cpu, struct step step);
