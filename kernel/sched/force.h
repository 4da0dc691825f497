/*
 * Forced switches, for tests; debug builds only. The option kernel.sched.force=SEED makes threads give way to others of
 * their processor at switch points (kernel/base/switch_point.h) that the seed chooses. On one processor whose
 * instructions are counted, the same seed makes the same sequence of switches: a race that was seen once is seen again.
 */
#pragma once

#include "kernel/sched/thread.h"

#ifdef DEBUG
/* Looks at the option. Before the first thread starts. */
void force_init(void);

/* A new thread gets its number. */
void force_number_thread(struct thread *t);

/* The processor goes over to `next`. */
void force_note_switch(const struct thread *next) REQUIRES(sched_held);

/* Reports how many switches there were, and a digest of who came in which order, and when. */
void force_report(void);
#else
static inline void force_init(void) {}
static inline void force_number_thread(struct thread *t UNUSED) {}
static inline void force_note_switch(const struct thread *next UNUSED) {}
static inline void force_report(void) {}
#endif
