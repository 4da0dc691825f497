/*
 * Threads as the scheduler knows them: a kernel stack, a place in a queue, and a word that says what asks for its
 * attention. Their creator provides the memory; a user-mode thread embeds one (kernel/object).
 *
 * States: a thread is READY in a run queue, MOVING to another, RUNNING on a processor, BLOCKED in a wait, or DEAD,
 * never to run again. A dead thread's `reap` is called by the reaper, off its stack, and may free everything.
 */
#pragma once

#include "arch/thread.h"
#include "arch/usercopy.h"
#include "kernel/base/lockrank.h"
#include "kernel/sched/ready.h"
#include "kernel/sched/telling.h"
#include "kernel/sched/timer.h"
#include "kernel/sched/waitq.h"

struct aspace;
struct budget;
struct run_queue;

enum thread_state { THREAD_NEW, THREAD_READY, THREAD_MOVING, THREAD_RUNNING, THREAD_BLOCKED, THREAD_DEAD };

struct thread {
    struct arch_thread arch; /* first: machine code finds it at the thread's address */

    /* [s] */
    enum thread_state state;
    enum wait_kind wait_kind;
    const void *blocked_on; /* the wait queue or the waiter */
    zx_status_t wake_status;
    union {
        TAILQ_ENTRY(thread) link; /* among the urgent that are ready, or the dead */
        RB_ENTRY(thread) node;    /* in `share`, while it is ready */
    };
    bool urgent;         /* runs before all that are not; set by itself, before it first blocks */
    struct share *share; /* of the queue's processor; NULL: it has never been ready there */
    struct share *payer; /* a process's, one for each processor, that an urgent thread works for; or NULL */
    zx_duration_t used;  /* of that share; kernel/sched/ready.h */
    uint64_t order;
    struct timer wait_timer;
    zx_time_t started_running;
    zx_duration_t runtime;

    _Atomic(struct run_queue *) queue; /* [s/a] whose lock guards [s]; of where it runs, ran last or is ready */

    /* In the wait queue `blocked_on`, or in one where it has not waited any more for a moment. */
    TAILQ_ENTRY(thread) waiting; /* guarded by the lock of the queue's owner */
    bool in_waitq;               /* the same */

    /* [I], but that the thread drops its address space as it exits */
    void (*entry)(void *arg);
    void *entry_arg;
    uint64_t koid;         /* of the object that it is the thread of; of the kernel's own, small numbers */
    struct aspace *aspace; /* user address space, or NULL */
    struct share *shares;  /* its process's, one for each processor, or the kernel's */
    struct arch_aspace *arch_aspace;
    void (*reap)(struct thread *thread);

    /* [T] */
    struct lock_stack locks;
    struct budget *budget; /* what it allocates is charged to; vm/budget.h */
    bool faults_off;       /* a page fault in a user copy ends the copy instead of being resolved */
    vaddr_t fault_addr;    /* where it then happened … */
    unsigned fault_flags;  /* … and how */
    bool reports;          /* it makes the report of an exception */
#ifdef DEBUG
    uint64_t number; /* in the order of creation */
#endif
    bool came_late;   /* to a mutex that it was woken to take. While it waits for one, the releasing thread reads it */
    void *discarding; /* the queue of messages it is discarding; kernel/object/message.c */
    struct telling tellings[TELLINGS_MAX]; /* its undelivered changes; but see there */
};

static inline struct thread *thread_current(void) { return arch_current_thread(); }

/*
 * Prepares a thread, of which nothing is set yet, that will run entry(arg), and the stack for that. It does not run
 * before thread_start().
 */
void thread_init(struct thread *t, void (*entry)(void *), void *arg, void (*reap)(struct thread *));
void thread_give_stack(struct thread *t, void *stack, size_t size);
void thread_start(struct thread *t);

/* Never returns; the thread is reaped. Holds no lock. */
NORETURN void thread_exit(void);

/* Raises attention bits: wakes the thread from an interruptible wait, or stops its user code soon. */
void thread_interrupt(struct thread *t, unsigned attention);

/* Is the running thread wanted at the boundary to user mode? */
static inline bool thread_interrupted(void) { return arch_attention(&thread_current()->arch) != 0; }

/* Has the running thread been killed? It will not run user code again; long kernel work then stops. */
static inline bool thread_killed(void) { return arch_attention(&thread_current()->arch) & ATTENTION_KILL; }

/* Must its work not fail for lack of memory? Then it may use the reserved pages, and may overdraw budgets. */
static inline bool thread_must_succeed(void) { return thread_current()->reports || thread_killed(); }

/* What a thread does at this moment. A blocked one's registers are all saved. */
struct thread_info {
    bool blocked;
    const void *blocked_on; /* the wait queue or the waiter of its latest wait */
    bool interruptible;     /* in a wait that a kill or a suspension would end */
    zx_duration_t runtime;  /* so far */
};
void thread_get_info(struct thread *t, struct thread_info *out);

/* Sleeps until the deadline: ZX_OK, or ZX_ERR_INTERNAL_INTR_RETRY. */
MUST_CHECK zx_status_t thread_sleep_until(zx_time_t deadline);

/* From now on the running thread, an urgent one, charges its time to a process with these shares; NULL: to none. */
void thread_charge_to(struct share *payer);

/* The same with what it has run since it was last charged, which is hardly anything. */
static inline void thread_works_for(struct share *payer) { thread_current()->payer = payer; }

/* Lets others of this processor run first. */
void thread_yield(void);
