/*
 * Futexes: threads of one process that wait for a word of its memory to change. A futex is nothing but the process's
 * address space and the word's address; it needs no object and no handle.
 */
#pragma once

#include "kernel/base/compiler.h"
#include "kernel/base/userptr.h"

/*
 * Waits if the word has that value. To a waker, comparing and beginning to wait are one step. BAD_STATE: another value.
 * INVALID_ARGS: misaligned, or cannot be read. TIMED_OUT; INTR_RETRY: something wants the thread.
 */
MUST_CHECK zx_status_t futex_wait(user_in_t word, int32_t value, zx_time_t deadline);

/* Wakes up to `count` waiters, first come first. INVALID_ARGS: misaligned. The word is not looked at. */
MUST_CHECK zx_status_t futex_wake(user_in_t word, uint32_t count);

/* If the word has that value: wakes at most `wake_count`, moves at most `requeue_count`. INVALID_ARGS, BAD_STATE. */
MUST_CHECK zx_status_t futex_requeue(user_in_t word, uint32_t wake_count, int32_t value, user_in_t other,
                                     uint32_t requeue_count);
