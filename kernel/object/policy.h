/*
 * Job policies: what is done about a process that does one thing or another.
 *
 * A policy has an action for each condition, ALLOW unless one was chosen. A job's policy can be added to while nothing
 * is in the job; a choice that was made, here or further up, stays. Jobs and processes begin with a copy of their
 * job's, and a process's never changes.
 */
#pragma once

#include <zircon/syscalls/policy.h>

#include "kernel/base/compiler.h"

#define POLICY_CONDITIONS (ZX_POL_NEW_PROCESS + 1)

struct policy {
    uint64_t choices; /* four bits for each condition (policy.c); 0: everything is allowed */
};

/*
 * Adds entries, all or none: OUT_OF_RANGE (more than there are conditions; then none is looked at); INVALID_ARGS (no
 * such condition); NOT_SUPPORTED (no such action); ALREADY_EXISTS (`absolute`, and another action was chosen before).
 */
MUST_CHECK zx_status_t policy_add(struct policy *policy, const zx_policy_basic_t *entries, uint32_t count,
                                  bool absolute);

/*
 * The running thread does what the condition names: takes the action. ACCESS_DENIED: it shall not succeed. No lock is
 * held.
 */
MUST_CHECK zx_status_t policy_apply(struct policy policy, uint32_t condition);
