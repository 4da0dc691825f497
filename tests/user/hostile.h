/*
 * Ways to take all there is of something: what a hostile program does in a process of its own, until it is killed.
 *
 * The kinds of things are those that the kernel counts by job, in the order of zx_info_job_limits_t; and memory is told
 * apart by what it is used for, as in zx_info_kmem_stats_t. The test looks that each of both is taken by one of them.
 */
#pragma once

#include <zircon/syscalls/object.h>

#include "tests/user/child.h"

#define KINDS (sizeof(zx_info_job_limits_t) / sizeof(zx_job_limit_t))
#define MEMORY 0

/* Memory never touched, for each of which pages a way may read: mapped by the test, its address on the board. */
#define APART ((uint64_t)2 << 20) /* what one page table maps */
#define FAR_PIECE (4096 * APART)

struct hostile_way {
    const char *what;
    size_t kind;
    child_entry *take; /* has its job, without SET_POLICY; never returns */
};

extern const struct hostile_way hostile_ways[];
extern const size_t hostile_way_count;
