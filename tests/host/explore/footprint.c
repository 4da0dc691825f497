/*
 * See footprint.h. All this is outside the machine, and stays when the machine's memory is restored.
 *
 * A shared place has a number, which is its bit in footprints. If there are more than bits, the last bit is shared by
 * many places: then fewer steps commute than could.
 */
#include "tests/host/explore/footprint.h"

#include <stdlib.h>
#include <string.h>

#define PLACES (1u << 14)
#define PLACE_FULL (PLACES / 2)
#define NUMBERS (FOOTPRINT_WORDS * 64)

/* Which have used a place in any schedule so far, one bit each; and whether several had when the pass began. */
static struct place {
    const volatile void *address;
    uint8_t readers, writers;
    bool shared;
    uint16_t number;
} places[PLACES];
static unsigned place_count, number_count, grew;

static struct place *place_look_up(const volatile void *address) {
    uint64_t hash = (uintptr_t)address * 0x9e3779b97f4a7c15u;
    for (unsigned i = (unsigned)(hash >> 40) % PLACES;; i = (i + 1) % PLACES) {
        if (places[i].address == address) return &places[i];
        if (places[i].address) continue;
        if (place_count++ == PLACE_FULL) abort();
        places[i].address = address;
        return &places[i];
    }
}

/* A step is asked about several times. */
static struct place *place_find(const volatile void *address) {
    static struct place *last;
    if (!last || last->address != address) last = place_look_up(address);
    return last;
}

bool place_is_shared(const volatile void *place) { return place_find(place)->shared; }

static bool used_by_several(const struct place *p) {
    unsigned all = p->readers | p->writers;
    return p->writers && (all & (all - 1));
}

void place_used(const volatile void *place, unsigned cpu, bool write) {
    struct place *p = place_find(place);
    uint8_t self = (uint8_t)(1u << cpu);
    bool before = used_by_several(p);
    if (write)
        p->writers |= self;
    else
        p->readers |= self;
    grew += !before && used_by_several(p);
}

unsigned places_grew(void) { return grew; }

void places_learn(void) {
    grew = 0;
    for (unsigned i = 0; i < PLACES; i++) {
        if (!places[i].address || places[i].shared || !used_by_several(&places[i])) continue;
        places[i].shared = true;
        places[i].number = (uint16_t)(number_count < NUMBERS ? number_count++ : NUMBERS - 1);
    }
}

void footprint_add(struct footprint *to, unsigned cpu, struct step step) {
    const struct place *p = step.place ? place_find(step.place) : NULL;
    to->ran |= (uint8_t)(1u << cpu);
    if (!p) {
        to->anything = true;
        return;
    }
    if (!p->shared) return;
    uint64_t *bits = step.counts ? to->counts : step.write ? to->writes : to->reads;
    bits[p->number / 64] |= (uint64_t)1 << p->number % 64;
}

bool footprints_commute(const struct footprint *a, const struct footprint *b) {
    if ((a->kicked & b->ran) || (a->ran & b->kicked)) return false;
    if ((a->anything && b->ran) || (b->anything && a->ran)) return false;
    uint64_t clash = 0;
    for (unsigned i = 0; i < FOOTPRINT_WORDS; i++) {
        clash |= a->writes[i] & (b->reads[i] | b->writes[i] | b->counts[i]);
        clash |= b->writes[i] & (a->reads[i] | a->counts[i]);
        clash |= (a->reads[i] & b->counts[i]) | (a->counts[i] & b->reads[i]);
    }
    return clash == 0;
}

bool footprint_commutes_with(const struct footprint *a, unsigned cpu, struct step step) {
    if (a->kicked & (1u << cpu) || a->anything || !step.place) return false;
    const struct place *p = place_find(step.place);
    if (!p->shared) return true;
    unsigned word = p->number / 64;
    uint64_t touched = a->writes[word];
    if (step.write) touched |= a->reads[word];
    if (!step.counts) touched |= a->counts[word];
    return !(touched >> p->number % 64 & 1);
}
