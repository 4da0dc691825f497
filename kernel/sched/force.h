/*
 * Forced switches, for tests; debug builds only. The option kernel.sched.force=SEED makes threads yield to others on
 * their processor at switch points (kernel/base/switch_point.h) chosen by the seed. On one processor with counted
 * instructions, the same seed makes the same sequence of switches, so a race seen once can be reproduced.
 */
#pragma once

#include "kernel/sched/thread.h"

#ifdef DEBUG
/* Looks at the option. Before the first thread starts. */
void force_init(void);

/* A new thread gets its number. */
void force_number_thread(struct thread *t);

/* The processor switches to `next`. */
void force_note_switch(const struct thread *next) REQUIRES(sched_held);

/* Reports the number of switches, and a digest of which threads ran in which order, and when. */
void force_report(void);
#else
static inline void force_init(void) {}
static inline void force_number_thread(struct thread *t UNUSED) {}
static inline void force_note_switch(const struct thread *next UNUSED) {}
static inline void force_report(void) {}
#endif
