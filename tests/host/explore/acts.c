/*
 * The list of acts; see stage.h.
 */
#include "tests/host/explore/acts.h"

const struct act acts[] = {
#define ACT(name, flags) {#name, act_##name, (flags)},
#include "tests/host/explore/acts.def"
#undef ACT
};
const unsigned act_count = sizeof(acts) / sizeof(acts[0]);
