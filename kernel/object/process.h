/*
 * Processes: an address space, a handle table, and threads.
 *
 *   INITIAL ──start──▶ RUNNING ──exit, kill, last thread left──▶ DYING ──last thread gone──▶ DEAD
 *      └───────────────kill, or the last handle closed─────────────────────────────────────────┘
 *
 * The return code is fixed when DYING begins. At DEAD, exception channels are shut, all handles closed and the address
 * space destroyed before TERMINATED is asserted; then the process leaves its job. A started thread keeps its process
 * alive.
 */
#pragma once

#include "kernel/object/exception_channel.h"
#include "kernel/object/handle.h"
#include "kernel/object/job.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/ready.h"
#include "vm/aspace.h"

struct user_thread;
struct vmar;

/* What the creator of a process may do with its root VMAR. */
#define PROCESS_ROOT_RIGHTS (ZX_DEFAULT_VMAR_RIGHTS | ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_EXECUTE)

enum process_state { PROCESS_INITIAL, PROCESS_RUNNING, PROCESS_DYING, PROCESS_DEAD };

struct process {
    struct object object;
    struct job *job;             /* [I] with a reference */
    struct aspace *aspace;       /* [I] with a reference */
    struct vmar *root;           /* [I] with a reference, which outlives the address space's own */
    struct handle_table handles; /* has its own lock */
    char name[ZX_MAX_NAME_LEN];  /* [o] */

    struct mutex lock;                 /* guards [p] */
    _Atomic(enum process_state) state; /* [p/a] */
    int64_t return_code;               /* [p] */
    struct members threads;            /* [p] those that run: started and not dead */
    unsigned suspensions;              /* [p] tokens that hold all of its threads */

    atomic_uint crashes;         /* [a] of its threads */
    _Atomic uint64_t debug_addr; /* [a] ZX_PROP_PROCESS_DEBUG_ADDR, which means nothing to the kernel */
    struct exception_channel exceptions, debugger;
    struct output_turn output;

    struct member member;  /* [j] of its job */
    struct share shares[]; /* one for each processor; the scheduler's */
};

static inline struct process *process_from_object(struct object *object) {
    return container_of(object, struct process, object);
}

/* The running thread, which is one of its, does what the condition names. ACCESS_DENIED: it shall not succeed. */
MUST_CHECK static inline zx_status_t process_apply_policy(const struct process *process, uint32_t condition) {
    const struct policy policy = process->handles.policy;
    return likely(policy.choices == 0) ? ZX_OK : policy_apply(policy, condition);
}

/* Of `job`, in INITIAL. BAD_STATE (job killed), NO_MEMORY. Returns a reference and a handle count. */
MUST_CHECK zx_status_t process_create(struct job *job, const char *name, struct process **out);

/* Starts the first thread. `arg`, if any, becomes its first argument; taken in every case. BAD_STATE, NO_MEMORY. */
MUST_CHECK zx_status_t process_start(struct process *process, struct user_thread *thread, vaddr_t entry, vaddr_t sp,
                                     struct handle arg, uintptr_t arg2);

/* Begins the end, if it has not begun. Killing one's own process takes effect at the boundary to user mode. */
void process_kill(struct process *process, int64_t return_code);

/* DYING or DEAD. */
static inline bool process_is_dying(struct process *process) { return atomic_load(&process->state) >= PROCESS_DYING; }

/*
 * For threads. A thread joins when it starts, and gets its kernel stack: BAD_STATE unless the process is RUNNING,
 * NO_MEMORY. When it leaves, on its way out and off the address space, the last one brings the process to DEAD.
 */
MUST_CHECK zx_status_t process_join(struct process *process, struct user_thread *thread);
void process_leave(struct process *process, struct user_thread *thread);

/*
 * Calls `act` for each running thread, under the lock, which is released now and then. One that joins meanwhile may be
 * passed over.
 */
void process_each_thread(struct process *process, void (*act)(struct user_thread *thread));

struct process_info {
    int64_t return_code;
    bool started;
    bool exited;
    bool debugger_attached;
};
void process_get_info(struct process *process, struct process_info *out);
