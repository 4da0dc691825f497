/*
 * Calls on threads, processes and jobs. See stage.h.
 */
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/policy.h>

#include "tests/host/explore/acts.h"

zx_status_t act_kill_peer(struct actor *a) { return CALL(task_kill, prop(a, PROP_PEER)); }
zx_status_t act_kill_job(struct actor *a) { return CALL(task_kill, prop(a, PROP_JOB)); }
zx_status_t act_kill_nest(struct actor *a) { return CALL(task_kill, prop(a, PROP_NEST)); }
zx_status_t act_kill_egg(struct actor *a) { return CALL(task_kill, prop(a, PROP_EGG)); }
zx_status_t act_process_exit(struct actor *a) {
    (void)a;
    return CALL(process_exit, 7);
}
zx_status_t act_thread_exit(struct actor *a) {
    (void)a;
    return CALL(thread_exit, 0);
}

zx_status_t act_suspend_peer(struct actor *a) { return CALL(task_suspend_token, prop(a, PROP_PEER_THREAD), OUT(a, 0)); }
zx_status_t act_suspend_and_resume(struct actor *a) {
    zx_handle_t token;
    zx_status_t status = act_suspend_peer(a);
    return status == ZX_OK && host_user_load(&token, OUT(a, 0), sizeof(token)) == ZX_OK ? CALL(handle_close, token)
                                                                                        : status;
}
zx_status_t act_suspend_process(struct actor *a) { return CALL(task_suspend_token, prop(a, PROP_PEER), OUT(a, 0)); }

/* One that has no entry: it meets an exception, and its process ends. */
#define NOWHERE ((uint64_t)0x1000)

zx_status_t act_start_egg(struct actor *a) {
    return CALL(process_start, prop(a, PROP_EGG), prop(a, PROP_EGG_THREAD), NOWHERE, 0, prop(a, PROP_EVENT), 0);
}
zx_status_t act_close_egg(struct actor *a) { return CALL(handle_close, prop(a, PROP_EGG)); }
zx_status_t act_duplicate_egg(struct actor *a) {
    return CALL(handle_duplicate, prop(a, PROP_EGG), ZX_RIGHT_SAME_RIGHTS, OUT(a, 0));
}
zx_status_t act_close_egg_thread(struct actor *a) { return CALL(handle_close, prop(a, PROP_EGG_THREAD)); }
zx_status_t act_close_nest(struct actor *a) { return CALL(handle_close, prop(a, PROP_NEST)); }
zx_status_t act_close_job(struct actor *a) { return CALL(handle_close, prop(a, PROP_JOB)); }
/* Two that differ, of which only the first can be chosen. */
static zx_status_t set_policy(struct actor *a, uint32_t action) {
    const zx_policy_basic_t entry = {.condition = ZX_POL_NEW_EVENT, .policy = action};
    if (host_user_store(DATA(a), &entry, sizeof(entry)) != ZX_OK) return ZX_ERR_INTERNAL;
    return CALL(job_set_policy, prop(a, PROP_NEST), ZX_JOB_POL_ABSOLUTE, ZX_JOB_POL_BASIC, DATA(a), 1);
}
zx_status_t act_set_policy(struct actor *a) { return set_policy(a, ZX_POL_ACTION_DENY); }
zx_status_t act_set_other_policy(struct actor *a) { return set_policy(a, ZX_POL_ACTION_KILL); }
zx_status_t act_process_create(struct actor *a) {
    return CALL(process_create, prop(a, PROP_NEST), DATA(a), 4, 0, OUT(a, 0), OUT(a, 1));
}
zx_status_t act_job_create(struct actor *a) { return CALL(job_create, prop(a, PROP_NEST), 0, OUT(a, 0)); }
zx_status_t act_job_create_and_close(struct actor *a) {
    zx_handle_t job;
    zx_status_t status = act_job_create(a);
    if (status != ZX_OK || host_user_load(&job, OUT(a, 0), sizeof(job)) != ZX_OK) return status;
    return CALL(handle_close, job);
}
zx_status_t act_thread_create(struct actor *a) {
    zx_handle_t thread;
    zx_status_t status = CALL(thread_create, prop(a, PROP_PEER), DATA(a), 4, 0, OUT(a, 0));
    if (status != ZX_OK || host_user_load(&thread, OUT(a, 0), sizeof(thread)) != ZX_OK) return status;
    return CALL(thread_start, thread, NOWHERE, 0, 0, 0);
}
zx_status_t act_wait_peer(struct actor *a) {
    return CALL(object_wait_one, prop(a, PROP_PEER), ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, OUT(a, 0));
}
/* Sees that the last process has ended and looks at once whether the job has, as it has if that was killed. */
zx_status_t act_wait_nest(struct actor *a) {
    zx_status_t status = CALL(object_wait_one, prop(a, PROP_NEST), ZX_JOB_NO_PROCESSES, ZX_TIME_INFINITE, OUT(a, 0));
    return status == ZX_OK ? CALL(object_wait_one, prop(a, PROP_NEST), ZX_JOB_TERMINATED, 0, OUT(a, 1)) : status;
}

/* --- what another has just made --- */

/* The newest member of the nest of that kind, or none. */
static zx_status_t find_newest(struct actor *a, uint32_t topic, zx_koid_t *koid) {
    uint64_t count = 0;
    zx_status_t status =
        CALL(object_get_info, prop(a, PROP_NEST), topic, READ_INTO(a), 4 * sizeof(*koid), OUT(a, 2), OUT(a, 3));
    if (status == ZX_OK) status = host_user_load(&count, OUT(a, 2), sizeof(count));
    *koid = 0;
    for (uint64_t i = 0; i < count && status == ZX_OK; i++) {
        zx_koid_t one;
        status = host_user_load(&one, READ_INTO(a) + i * sizeof(one), sizeof(one));
        if (one > *koid) *koid = one;
    }
    return status;
}

/* Takes a handle to it, and gives it back. */
static zx_status_t find_and_close(struct actor *a, uint32_t topic) {
    zx_koid_t koid;
    zx_handle_t handle;
    zx_status_t status = find_newest(a, topic, &koid);
    if (status == ZX_OK) status = CALL(object_get_child, prop(a, PROP_NEST), koid, ZX_RIGHT_SAME_RIGHTS, OUT(a, 1));
    if (status != ZX_OK) return status;
    status = host_user_load(&handle, OUT(a, 1), sizeof(handle));
    return status == ZX_OK ? CALL(handle_close, handle) : status;
}

zx_status_t act_close_found_process(struct actor *a) { return find_and_close(a, ZX_INFO_JOB_PROCESSES); }
zx_status_t act_close_found_job(struct actor *a) { return find_and_close(a, ZX_INFO_JOB_CHILDREN); }
