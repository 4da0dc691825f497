/*
 * A step on job policies: a job's is added to, as the model says; or a process meets one.
 */
#include <zircon/errors.h>
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/policy.h>

#include "kernel/object/process.h"
#include "kernel/object/user_thread.h"
#include "tests/host/steps.h"
#include "vm/vmar.h"

#define ENTRIES 14 /* one too many */
#define NOWHERE 0x1000
#define ALL_PERMS (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE)

static uint32_t pick_entries(struct world *w, zx_policy_basic_t entries[ENTRIES]) {
    uint8_t choice = input_byte(&w->in);
    const uint32_t count = choice < 250 ? choice % 4 : ENTRIES;
    for (uint32_t i = 0; i < count; i++)
        entries[i] = (zx_policy_basic_t){input_below(&w->in, POLICY_CONDITIONS + 1), input_below(&w->in, 6)};
    return count;
}

static void set_policy(struct world *w) {
    zx_policy_basic_t entries[ENTRIES] = {0};
    zx_handle_t job = pick_handle(w, ZX_OBJ_TYPE_JOB);
    uint8_t choice = input_byte(&w->in);
    const uint32_t options = choice % 16 == 15 ? 2 : choice % 2, topic = choice / 16 == 15;
    const uint64_t at = choice / 16 == 14 ? NOWHERE : choice / 16 == 13 ? 0 : DATA;
    const uint32_t count = pick_entries(w, entries);
    world_store(w, DATA, entries, sizeof(entries));
    zx_status_t status = CALL(w, job_set_policy, job, options, topic, at, count);
    world_expect(w, "job_set_policy", status, model_job_set_policy(&w->model, w->me, job, options, topic, at, count));
}

/* --- a process that does one thing, and reports its status --- */

static const struct {
    uint32_t condition;
    zx_status_t allowed, denied;
} acts[] = {
    {ZX_POL_BAD_HANDLE, ZX_ERR_BAD_HANDLE, ZX_ERR_BAD_HANDLE},
    {ZX_POL_WRONG_OBJECT, ZX_ERR_WRONG_TYPE, ZX_ERR_WRONG_TYPE},
    {ZX_POL_VMAR_WX, ZX_ERR_NOT_FOUND, ZX_ERR_ACCESS_DENIED},
    {ZX_POL_NEW_VMO, ZX_ERR_INVALID_ARGS, ZX_ERR_ACCESS_DENIED},
    {ZX_POL_NEW_CHANNEL, ZX_ERR_INVALID_ARGS, ZX_ERR_ACCESS_DENIED},
    {ZX_POL_NEW_EVENT, ZX_ERR_INVALID_ARGS, ZX_ERR_ACCESS_DENIED},
    {ZX_POL_NEW_EVENTPAIR, ZX_ERR_INVALID_ARGS, ZX_ERR_ACCESS_DENIED},
    {ZX_POL_NEW_PORT, ZX_ERR_INVALID_ARGS, ZX_ERR_ACCESS_DENIED},
    {ZX_POL_NEW_TIMER, ZX_ERR_INVALID_ARGS, ZX_ERR_ACCESS_DENIED},
    {ZX_POL_NEW_PROCESS, ZX_ERR_INVALID_ARGS, ZX_ERR_ACCESS_DENIED},
};
#define ACTS (sizeof(acts) / sizeof(acts[0]))
#define NO_NUMBER 100000

#define RAW(number, ...) host_syscall(number, (uint64_t[8]){__VA_ARGS__})

/* It has no memory: what is made cannot be given to it. */
static uint64_t do_act(uint64_t vmar, uint64_t act) {
    switch (act < ACTS ? acts[act].condition : POLICY_CONDITIONS) {
    case ZX_POL_BAD_HANDLE: return RAW(HOST_SYS_handle_close, 3);
    case ZX_POL_WRONG_OBJECT: return RAW(HOST_SYS_vmo_get_size, vmar, 0);
    case ZX_POL_VMAR_WX: return RAW(HOST_SYS_vmar_protect, vmar, ALL_PERMS, SCRATCH, ZX_PAGE_SIZE);
    case ZX_POL_NEW_VMO: return RAW(HOST_SYS_vmo_create, ZX_PAGE_SIZE, 0, 0);
    case ZX_POL_NEW_CHANNEL: return RAW(HOST_SYS_channel_create, 0, 0, 0);
    case ZX_POL_NEW_EVENT: return RAW(HOST_SYS_event_create, 0, 0);
    case ZX_POL_NEW_EVENTPAIR: return RAW(HOST_SYS_eventpair_create, 0, 0, 0);
    case ZX_POL_NEW_PORT: return RAW(HOST_SYS_port_create, 0, 0);
    case ZX_POL_NEW_TIMER: return RAW(HOST_SYS_timer_create, 0, ZX_CLOCK_MONOTONIC, 0);
    case ZX_POL_NEW_PROCESS: return RAW(HOST_SYS_process_create, 0, 0, 1, 0, 0, 0);
    default: return RAW(NO_NUMBER, 0);
    }
}

static void offender(uint64_t vmar, uint64_t act) { (void)RAW(HOST_SYS_process_exit, do_act(vmar, act)); }

static int64_t expected_code(unsigned act, uint32_t action) {
    const zx_status_t allowed = act < ACTS ? acts[act].allowed : ZX_ERR_BAD_SYSCALL;
    switch (action) {
    case ZX_POL_ACTION_ALLOW: return allowed;
    case ZX_POL_ACTION_DENY: return act < ACTS ? acts[act].denied : allowed;
    case ZX_POL_ACTION_KILL: return ZX_TASK_RETCODE_POLICY_KILL;
    default: return ZX_TASK_RETCODE_EXCEPTION_KILL;
    }
}

static void must(zx_status_t status) {
    if (status != ZX_OK) abort();
}

/* A world of its own: the job is in no other, and nothing is left of it. */
static void offend(struct world *w) {
    const unsigned act = input_below(&w->in, ACTS + 1);
    const uint32_t action = input_below(&w->in, ZX_POL_ACTION_KILL + 1);
    const zx_policy_basic_t entry = {act < ACTS ? acts[act].condition : ZX_POL_BAD_HANDLE, action};
    struct process_info info;
    struct job *root;
    struct process *process;
    struct user_thread *thread;
    must(job_create_root(&root));
    must(job_add_policy(root, &entry, 1, true));
    must(process_create(root, "offender", &process));
    must(user_thread_create(process, "offender", &thread));
    struct handle vmar = handle_make(&process->root->object, ~(zx_rights_t)0);
    must(process_start(process, thread, host_program_entry(offender), 0, vmar, act));
    object_handle_unref(&process->object);
    world_settle();
    process_get_info(process, &info);
    if (info.return_code != expected_code(act, action))
        world_fail(w, "act %u against action %u: %ld, and not %ld", act, action, info.return_code,
                   expected_code(act, action));
    object_unref(&thread->object);
    object_unref(&process->object);
    object_unref(&root->object);
}

void step_policy(struct world *w) {
    if (input_rarely(&w->in, 4))
        offend(w);
    else
        set_policy(w);
}
