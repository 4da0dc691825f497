/*
 * What is in a task, in the order of koids: the threads of a process, the processes of a job, the jobs of a job.
 *
 * A set is guarded by the lock of the task that it is part of, which each call here takes unless it says otherwise. It
 * holds no references: a member leaves before its last reference is given back, so one that is found under the lock is
 * alive. To go through a set takes no place in it, only the koid that was met last; so the lock is released between
 * parts, and members may come and go.
 */
#pragma once

#include <bsd/sys/tree.h>

#include "kernel/sched/mutex.h"
#include "kernel/sched/object.h"

struct member {
    RB_ENTRY(member) node;
    struct object *object; /* that it is part of */
    zx_koid_t koid;        /* the object's */
};

struct members {
    struct mutex *lock; /* [I] the task's */
    RB_HEAD(member_tree, member) tree;
};

void members_init(struct members *members, struct mutex *lock);

/* Under the lock. */
bool members_empty(const struct members *members);
void members_add(struct members *members, struct member *member, struct object *object);
void members_remove(struct members *members, struct member *member);
/* The first member above that koid, and the one after `member`; NULL: there is none. */
struct member *members_above(struct members *members, zx_koid_t koid);
struct member *members_after(struct member *member);

/*
 * The first member above `*koid`, with a reference, and `*koid` becomes its own; NULL: there is none up to `last`. With
 * koid_last() of the beginning a walk has an end, whatever is made meanwhile.
 */
MUST_CHECK struct object *members_next(struct members *members, zx_koid_t *koid, zx_koid_t last);
/* The member that has this koid, with a reference and a handle count, which keeps a job in; NULL: there is none. */
MUST_CHECK struct object *members_find(struct members *members, zx_koid_t koid);
/* Up to `room` koids of members above `above`, up to `last`. Returns how many there were. */
size_t members_koids(struct members *members, zx_koid_t above, zx_koid_t last, zx_koid_t *koids, size_t room);
