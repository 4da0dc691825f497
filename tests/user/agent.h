/*
 * Agents: children that are given handles and share memory with the test, and threads that share all of it. Neither
 * has a thread pointer: see child.h for what they may use. They tell what they saw through shared memory or a return
 * code.
 */
#pragma once

#include "tests/user/child.h"

#define AGENT_HANDLES 4

/* What an agent finds when it starts. */
struct agent_start {
    void *shared; /* the test's memory, seen from here */
    zx_handle_t self;
    zx_handle_t root;
    zx_handle_t given[AGENT_HANDLES]; /* duplicates of what the test gave */
};

/* A child that agent_run() will start; it has this program's code already. Killed when the test ends, if not before. */
struct child agent_make(void);

/*
 * Starts it, with a view of a VMO and duplicates of some handles; ZX_HANDLE_INVALID is no VMO. It holds those handles
 * when this returns, and opens and closes no more by itself. To return from `run` is to end with code 0.
 */
void agent_run(const struct child *agent, void (*run)(struct agent_start *), zx_handle_t shared, size_t shared_len,
               const zx_handle_t *given, size_t given_count);

/* Kills it, and waits until it is gone. */
void agent_kill(struct child *agent);

/* A thread of the test; thread_join() waits until `run` has returned, for twenty seconds at most. */
zx_handle_t thread_run(void (*run)(void *), void *arg);
void thread_join(zx_handle_t thread);

/*
 * Should a race that began at that time go on? It lasts a quarter of a second; and if what makes it a race has not
 * happened by then, up to twenty seconds.
 */
bool race_goes_on(zx_time_t begun, bool was_one);

/* Waits, giving the processor away, until somebody has written that value, for ten seconds at most. */
bool word_await(const _Atomic uint64_t *word, uint64_t value);
