/* Job policies; see policy.h. */
#include "kernel/object/policy.h"

#include <zircon/syscalls/object.h>

#include "kernel/object/exception.h"
#include "kernel/object/process.h"

/* A condition's bits: its action, and whether that was chosen. */
#define CHOICE_BITS 4
#define CHOICE_MASK (((uint64_t)1 << CHOICE_BITS) - 1)
#define CHOICE_MADE ((uint64_t)1 << (CHOICE_BITS - 1))

_Static_assert(POLICY_CONDITIONS *CHOICE_BITS <= 64 && ZX_POL_ACTION_KILL < CHOICE_MADE, "a policy is one word");

static uint64_t choice_of(struct policy policy, uint32_t condition) {
    return policy.choices >> condition * CHOICE_BITS & CHOICE_MASK;
}

static void choose(struct policy *policy, uint32_t condition, uint64_t choice) {
    policy->choices &= ~(CHOICE_MASK << condition * CHOICE_BITS);
    policy->choices |= choice << condition * CHOICE_BITS;
}

/* `before` is what all entries are added to; of the entries for one condition the last counts. */
static zx_status_t add(struct policy before, struct policy *after, const zx_policy_basic_t *entry, bool absolute) {
    uint32_t condition = entry->condition, last = condition;
    const uint64_t choice = CHOICE_MADE | entry->policy;
    if (condition >= POLICY_CONDITIONS) return ZX_ERR_INVALID_ARGS;
    if (entry->policy > ZX_POL_ACTION_KILL) return ZX_ERR_NOT_SUPPORTED;
    if (condition == ZX_POL_NEW_ANY) condition = ZX_POL_NEW_VMO, last = ZX_POL_NEW_TIMER;
    for (; condition <= last; condition++) {
        uint64_t was = choice_of(before, condition);
        if (was == 0)
            choose(after, condition, choice);
        else if (was != choice && absolute)
            return ZX_ERR_ALREADY_EXISTS;
    }
    return ZX_OK;
}

zx_status_t policy_add(struct policy *policy, const zx_policy_basic_t *entries, uint32_t count, bool absolute) {
    struct policy after = *policy;
    zx_status_t status = count > POLICY_CONDITIONS ? ZX_ERR_OUT_OF_RANGE : ZX_OK;
    for (uint32_t i = 0; i < count && status == ZX_OK; i++) status = add(*policy, &after, &entries[i], absolute);
    if (status == ZX_OK) *policy = after;
    return status;
}

zx_status_t policy_apply(struct policy policy, uint32_t condition) {
    const uint32_t action = (uint32_t)(choice_of(policy, condition) & ~CHOICE_MADE);
    if (action & ZX_POL_ACTION_EXCEPTION) exception_raise_policy_error(user_thread_current());
    if (action == ZX_POL_ACTION_KILL) process_kill(process_current(), ZX_TASK_RETCODE_POLICY_KILL);
    return action == ZX_POL_ACTION_ALLOW || action == ZX_POL_ACTION_ALLOW_EXCEPTION ? ZX_OK : ZX_ERR_ACCESS_DENIED;
}
