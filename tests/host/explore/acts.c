/*
 * The list of acts; see stage.h.
 */
#include "tests/host/explore/acts.h"
#include "tests/host/explore/explore.h"

const struct act acts[] = {
#define P(prop) (1u << PROP_##prop)
#define ACT(name, flags, uses) {#name, act_##name, (flags), (uses)},
#include "tests/host/explore/acts.def"
#undef ACT
#undef P
};
const unsigned act_count = sizeof(acts) / sizeof(acts[0]);

zx_handle_t prop(const struct actor *a, enum prop which) {
    if (!(a->act->uses >> which & 1)) explore_failed("acts.def does not say that %s uses prop %d", a->act->name, which);
    return which == PROP_MEMORY ? a->memory : a->props[which];
}
