/*
 * What a job lets its processes do: for zx_job_set_policy.
 */
#pragma once

#include <zircon/types.h>

/* What becomes of an entry where the job has an action for the condition already: it is ignored, or an error. */
#define ZX_JOB_POL_RELATIVE 0u
#define ZX_JOB_POL_ABSOLUTE 1u

/* The topic: an array of entries. */
#define ZX_JOB_POL_BASIC 0u

typedef struct zx_policy_basic {
    uint32_t condition; /* a ZX_POL_* */
    uint32_t policy;    /* a ZX_POL_ACTION_* */
} zx_policy_basic_t;

/* What a process does. NEW_ANY means all from NEW_VMO to NEW_TIMER. */
#define ZX_POL_BAD_HANDLE 0u
#define ZX_POL_WRONG_OBJECT 1u
#define ZX_POL_VMAR_WX 2u
#define ZX_POL_NEW_ANY 3u
#define ZX_POL_NEW_VMO 4u
#define ZX_POL_NEW_CHANNEL 5u
#define ZX_POL_NEW_EVENT 6u
#define ZX_POL_NEW_EVENTPAIR 7u
#define ZX_POL_NEW_PORT 8u
#define ZX_POL_NEW_SOCKET 9u
#define ZX_POL_NEW_FIFO 10u
#define ZX_POL_NEW_TIMER 11u
#define ZX_POL_NEW_PROCESS 12u

/* What is done about it. EXCEPTION may be added to ALLOW and DENY. */
#define ZX_POL_ACTION_ALLOW 0u
#define ZX_POL_ACTION_DENY 1u
#define ZX_POL_ACTION_EXCEPTION 2u
#define ZX_POL_ACTION_ALLOW_EXCEPTION 2u
#define ZX_POL_ACTION_DENY_EXCEPTION 3u
#define ZX_POL_ACTION_KILL 4u
