/*
 * Jobs with limits, and children in them that take what they may.
 *
 * A child and its test take turns: the child's words on the board say how far each has come.
 */
#pragma once

#include <zircon/syscalls/object.h>

#include "tests/user/child.h"

#define MEMORY ZX_PROP_JOB_LIMIT_MEMORY
#define HANDLES ZX_PROP_JOB_LIMIT_HANDLES
#define THREADS ZX_PROP_JOB_LIMIT_THREADS
#define PROCESSES ZX_PROP_JOB_LIMIT_PROCESSES
#define JOBS ZX_PROP_JOB_LIMIT_JOBS
#define KINDS (sizeof(zx_info_job_limits_t) / sizeof(zx_job_limit_t))

zx_handle_t job_make(zx_handle_t parent);

/* Of a kind of thing, by the property that limits it. */
zx_status_t limit_set(zx_handle_t job, uint32_t property, uint64_t value);
zx_job_limit_t limit_of(zx_handle_t job, uint32_t property);
uint64_t limit_used(zx_handle_t job, uint32_t property);

/* Waits until nothing is charged to the job: what has died gives back in its own time. False: it does not come. */
bool all_is_given_back(zx_handle_t job);

enum { CHILD_IS_AT, TEST_IS_AT, COUNT, STATUS }; /* words of a board */

/* In a child, until the test lets it make its next turn; in the test, until the child has made its turn. */
void child_turn(struct board *board, uint64_t turn);
void test_turn(struct child *child, uint64_t turn);

/* In a child: takes as many as there are; then once more in each turn, after the test has changed something. */
void take_all(struct board *board, zx_status_t (*take)(zx_handle_t arg, uint64_t index), zx_handle_t arg);

/* In the test: how many it took until NO_MEMORY. */
uint64_t taken(const struct child *child);

/* A child in the job, which has made its first turn; and its end. */
struct child child_in(zx_handle_t job, child_entry *entry, zx_handle_t arg);
void child_kill(struct child *child);
