/*
 * Job policies: how a job's is set, who gets it, and what becomes of a process that does what it is about.
 */
#include <zircon/syscalls/policy.h>
#include <zircon/syscalls/resource.h>

#include "tests/user/catch.h"
#include "tests/user/machine.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CONDITIONS (ZX_POL_NEW_PROCESS + 1)
#define ACTIONS (ZX_POL_ACTION_KILL + 1)
#define SURVIVED 123
#define NO_NUMBER 0x1ffff

static zx_handle_t job_make(zx_handle_t parent) {
    zx_handle_t job;
    MUST(zx_job_create(parent, 0, &job));
    return job;
}

static zx_status_t set(zx_handle_t job, uint32_t options, uint32_t condition, uint32_t action) {
    const zx_policy_basic_t entry = {condition, action};
    return zx_job_set_policy(job, options, ZX_JOB_POL_BASIC, &entry, 1);
}

static zx_status_t choose(zx_handle_t job, uint32_t condition, uint32_t action) {
    return set(job, ZX_JOB_POL_ABSOLUTE, condition, action);
}

/* Was that action chosen for the condition? It was, or is now: where nobody chose anything it is chosen. */
static bool is_chosen(zx_handle_t job, uint32_t condition, uint32_t action) {
    return choose(job, condition, action) == ZX_OK &&
           choose(job, condition, (action + 1) % ACTIONS) == ZX_ERR_ALREADY_EXISTS;
}

/* --- setting --- */

static zx_status_t set_on(zx_handle_t job) { return set(job, ZX_JOB_POL_RELATIVE, ZX_POL_NEW_VMO, 0); }

TEST("job_set_policy/H1 H5 bad handles, and handles of other types") { check_handles(KIND_JOB, set_on); }

TEST("job_set_policy/H6 needs SET_POLICY") { check_rights(job_make(zx_job_default()), ZX_RIGHT_SET_POLICY, set_on); }

TEST("job_set_policy/H13 options, topic, no entries, entries that cannot be read: INVALID_ARGS, before the handle") {
    static const zx_policy_basic_t entry;
    for (uint32_t number = 2; number != 0; number <<= 1) {
        EXPECT_STATUS(zx_job_set_policy(0, number, ZX_JOB_POL_BASIC, &entry, 1), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_job_set_policy(0, ZX_JOB_POL_RELATIVE, number >> 1, &entry, 1), ZX_ERR_INVALID_ARGS);
    }
    EXPECT_STATUS(zx_job_set_policy(0, ZX_JOB_POL_RELATIVE, ZX_JOB_POL_BASIC, NULL, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_job_set_policy(0, ZX_JOB_POL_RELATIVE, ZX_JOB_POL_BASIC, &entry, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_job_set_policy(0, ZX_JOB_POL_RELATIVE, ZX_JOB_POL_BASIC, (void *)KERNEL_TEXT, 1),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(set_on(0), ZX_ERR_BAD_HANDLE);
}

TEST("job_set_policy/BAD_STATE while something is in the job, and only then") {
    zx_handle_t job = job_make(zx_job_default()), child = job_make(job), process, vmar;
    EXPECT_STATUS(set_on(job), ZX_ERR_BAD_STATE);
    EXPECT_OK(set_on(child));
    MUST(zx_handle_close(child));
    MUST(zx_process_create(job, "p", 1, 0, &process, &vmar));
    EXPECT_STATUS(set_on(job), ZX_ERR_BAD_STATE);
    MUST(zx_handle_close(process));
    EXPECT_OK(set_on(job));
}

TEST("job_set_policy/A more entries than conditions: OUT_OF_RANGE, after the job; they are not read") {
    const size_t most = CONDITIONS * sizeof(zx_policy_basic_t);
    char *page = map_here(vmo_make(PAGE), 0, PAGE, PERM_RW), *entries = page + PAGE - most;
    zx_handle_t job = job_make(zx_job_default()), busy = job_make(zx_job_default());
    job_make(busy);
    EXPECT_OK(zx_job_set_policy(job, ZX_JOB_POL_ABSOLUTE, ZX_JOB_POL_BASIC, entries, CONDITIONS));
    EXPECT_STATUS(zx_job_set_policy(job, 0, ZX_JOB_POL_BASIC, entries, CONDITIONS + 1), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_job_set_policy(job, 0, ZX_JOB_POL_BASIC, entries, UINT32_MAX), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_job_set_policy(busy, 0, ZX_JOB_POL_BASIC, entries, CONDITIONS + 1), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_job_set_policy(job, 0, ZX_JOB_POL_BASIC, entries + 1, CONDITIONS), ZX_ERR_INVALID_ARGS);
}

TEST("job_set_policy/no such condition: INVALID_ARGS; no such action: NOT_SUPPORTED; the first that is wrong counts") {
    zx_handle_t job = job_make(zx_job_default());
    const zx_policy_basic_t both[] = {{ZX_POL_NEW_VMO, 1}, {ZX_POL_NEW_VMO, ACTIONS}, {CONDITIONS, 0}};
    for (uint32_t wrong = CONDITIONS; wrong; wrong = wrong == CONDITIONS ? 16 : wrong << 1)
        EXPECT_STATUS(choose(job, wrong, ACTIONS), ZX_ERR_INVALID_ARGS);
    for (uint32_t wrong = ACTIONS; wrong; wrong = wrong == ACTIONS ? 8 : wrong << 1)
        EXPECT_STATUS(choose(job, ZX_POL_BAD_HANDLE, wrong), ZX_ERR_NOT_SUPPORTED);
    EXPECT_STATUS(zx_job_set_policy(job, 0, ZX_JOB_POL_BASIC, both, 3), ZX_ERR_NOT_SUPPORTED);
    EXPECT_STATUS(zx_job_set_policy(job, 0, ZX_JOB_POL_BASIC, both + 2, 1), ZX_ERR_INVALID_ARGS);
    EXPECT(is_chosen(job, ZX_POL_NEW_VMO, ZX_POL_ACTION_KILL));
}

TEST("job_set_policy/what was chosen stays: ABSOLUTE says ALREADY_EXISTS, RELATIVE nothing; the same again is fine") {
    for (uint32_t condition = 0; condition < CONDITIONS; condition++) {
        if (condition == ZX_POL_NEW_ANY) continue;
        zx_handle_t job = job_make(zx_job_default());
        const uint32_t action = condition % ACTIONS, other = (action + 1) % ACTIONS;
        EXPECT_OK(choose(job, condition, action));
        EXPECT_OK(choose(job, condition, action));
        EXPECT_STATUS(choose(job, condition, other), ZX_ERR_ALREADY_EXISTS);
        EXPECT_OK(set(job, ZX_JOB_POL_RELATIVE, condition, other));
        EXPECT(is_chosen(job, condition, action));
        for (uint32_t beside = 0; beside < CONDITIONS; beside++) {
            if (beside != condition && beside != ZX_POL_NEW_ANY) EXPECT(is_chosen(job, beside, other));
        }
        MUST(zx_handle_close(job));
    }
}

TEST("job_set_policy/all entries or none, and of several for one condition the last") {
    const zx_policy_basic_t clash[] = {{ZX_POL_NEW_VMO, 1}, {ZX_POL_NEW_PORT, 1}, {ZX_POL_NEW_EVENT, 0}};
    const zx_policy_basic_t twice[] = {{ZX_POL_NEW_ANY, ZX_POL_ACTION_DENY}, {ZX_POL_NEW_EVENT, ZX_POL_ACTION_ALLOW}};
    zx_handle_t job = job_make(zx_job_default());
    MUST(choose(job, ZX_POL_NEW_PORT, ZX_POL_ACTION_KILL));
    EXPECT_STATUS(zx_job_set_policy(job, ZX_JOB_POL_ABSOLUTE, ZX_JOB_POL_BASIC, clash, 3), ZX_ERR_ALREADY_EXISTS);
    EXPECT(is_chosen(job, ZX_POL_NEW_VMO, ZX_POL_ACTION_DENY_EXCEPTION));
    EXPECT_OK(zx_job_set_policy(job, ZX_JOB_POL_RELATIVE, ZX_JOB_POL_BASIC, twice, 2));
    EXPECT(is_chosen(job, ZX_POL_NEW_EVENT, ZX_POL_ACTION_ALLOW));
    EXPECT(is_chosen(job, ZX_POL_NEW_CHANNEL, ZX_POL_ACTION_DENY));
    EXPECT(is_chosen(job, ZX_POL_NEW_PORT, ZX_POL_ACTION_KILL));
}

TEST("job_set_policy/NEW_ANY stands for NEW_VMO to NEW_TIMER, not for NEW_PROCESS") {
    zx_handle_t job = job_make(zx_job_default());
    EXPECT_OK(choose(job, ZX_POL_NEW_ANY, ZX_POL_ACTION_DENY));
    for (uint32_t condition = ZX_POL_NEW_VMO; condition <= ZX_POL_NEW_TIMER; condition++)
        EXPECT(is_chosen(job, condition, ZX_POL_ACTION_DENY));
    EXPECT(is_chosen(job, ZX_POL_NEW_PROCESS, ZX_POL_ACTION_KILL));
    EXPECT(is_chosen(job, ZX_POL_VMAR_WX, ZX_POL_ACTION_KILL));
    EXPECT_STATUS(choose(job, ZX_POL_NEW_ANY, ZX_POL_ACTION_KILL), ZX_ERR_ALREADY_EXISTS);
}

TEST("job_set_policy/a job begins with its parent's choices, which it cannot change, and adds its own") {
    zx_handle_t job = job_make(zx_job_default()), child, grandchild;
    MUST(choose(job, ZX_POL_NEW_VMO, ZX_POL_ACTION_DENY));
    child = job_make(job);
    EXPECT_STATUS(choose(child, ZX_POL_NEW_VMO, ZX_POL_ACTION_ALLOW), ZX_ERR_ALREADY_EXISTS);
    EXPECT_OK(choose(child, ZX_POL_NEW_EVENT, ZX_POL_ACTION_KILL));
    grandchild = job_make(child);
    EXPECT(is_chosen(grandchild, ZX_POL_NEW_VMO, ZX_POL_ACTION_DENY));
    EXPECT(is_chosen(grandchild, ZX_POL_NEW_EVENT, ZX_POL_ACTION_KILL));
    MUST(zx_handle_close(grandchild));
    MUST(zx_handle_close(child));
    EXPECT(is_chosen(job, ZX_POL_NEW_EVENT, ZX_POL_ACTION_ALLOW));
}

/* --- what a process does --- */

enum given { ITS_VMAR, ITS_JOB };

/* `status`: what it ends with if nothing is said of it. */
struct act {
    uint32_t condition;
    zx_status_t status;
    enum given given;
    zx_status_t (*run)(zx_handle_t given);
};

static zx_status_t close_nothing(zx_handle_t given) {
    (void)given;
    return zx_handle_close(3);
}
static zx_status_t close_many(zx_handle_t given) {
    const zx_handle_t handles[] = {3, ZX_HANDLE_INVALID, given};
    return zx_handle_close_many(handles, 3);
}
static zx_status_t use_nothing(zx_handle_t given) {
    (void)given;
    return zx_object_signal(3, 0, 0);
}
static zx_status_t copy_nothing(zx_handle_t given) {
    return zx_handle_duplicate(given ^ 8, ZX_RIGHT_SAME_RIGHTS, &given);
}
static zx_status_t call_nothing(zx_handle_t given) {
    uint64_t stack[64];
    struct registers r = {.rax = NO_NUMBER, .rdi = given, .rsp = (uintptr_t)(stack + 32), .rflags = FLAG_FIXED};
    machine_call(&r);
    return (zx_status_t)r.rax;
}
static zx_status_t size_of_vmar(zx_handle_t given) {
    uint64_t size;
    return zx_vmo_get_size(given, &size);
}
static zx_status_t info_of_vmar(zx_handle_t given) {
    zx_info_process_t info;
    return zx_object_get_info(given, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL);
}
static zx_status_t suspend_job(zx_handle_t given) {
    zx_handle_t token;
    return zx_task_suspend_token(given, &token);
}
static zx_status_t address_of_job(zx_handle_t given) {
    uint64_t value;
    return zx_object_get_property(given, ZX_PROP_PROCESS_DEBUG_ADDR, &value, sizeof(value));
}
static zx_status_t map_both(zx_handle_t given) {
    zx_handle_t vmo;
    zx_vaddr_t addr;
    zx_status_t status = zx_vmo_create(PAGE, 0, &vmo);
    return status ? status : zx_vmar_map(given, PERM_RW | ZX_VM_PERM_EXECUTE, 0, vmo, 0, PAGE, &addr);
}
static zx_status_t protect_both(zx_handle_t given) {
    zx_handle_t vmo;
    zx_vaddr_t addr = 0;
    zx_status_t status = zx_vmo_create(PAGE, 0, &vmo);
    if (status == ZX_OK) status = zx_vmar_map(given, PERM_RW, 0, vmo, 0, PAGE, &addr);
    if (status == ZX_OK) status = zx_vmar_protect(given, PERM_RX, addr, PAGE);
    return status ? status : zx_vmar_protect(given, PERM_RW | ZX_VM_PERM_EXECUTE, addr, PAGE);
}
static zx_status_t new_vmo(zx_handle_t given) { return zx_vmo_create(PAGE, 0, &given); }
static zx_status_t new_channel(zx_handle_t given) {
    zx_handle_t other;
    return zx_channel_create(0, &given, &other);
}
static zx_status_t new_exception_channel(zx_handle_t given) {
    return zx_task_create_exception_channel(given, 0, &given);
}
static zx_status_t new_event(zx_handle_t given) { return zx_event_create(0, &given); }
static zx_status_t new_eventpair(zx_handle_t given) {
    zx_handle_t other;
    return zx_eventpair_create(0, &given, &other);
}
static zx_status_t new_port(zx_handle_t given) { return zx_port_create(0, &given); }
static zx_status_t new_timer(zx_handle_t given) { return zx_timer_create(0, ZX_CLOCK_MONOTONIC, &given); }
static zx_status_t new_process(zx_handle_t given) {
    zx_handle_t process, vmar;
    return zx_process_create(given, "p", 1, 0, &process, &vmar);
}

static const struct act acts[] = {
    {ZX_POL_BAD_HANDLE, ZX_ERR_BAD_HANDLE, ITS_VMAR, close_nothing},
    {ZX_POL_BAD_HANDLE, ZX_ERR_BAD_HANDLE, ITS_VMAR, close_many},
    {ZX_POL_BAD_HANDLE, ZX_ERR_BAD_HANDLE, ITS_VMAR, use_nothing},
    {ZX_POL_BAD_HANDLE, ZX_ERR_BAD_HANDLE, ITS_VMAR, copy_nothing},
    {ZX_POL_BAD_HANDLE, ZX_ERR_BAD_SYSCALL, ITS_VMAR, call_nothing},
    {ZX_POL_WRONG_OBJECT, ZX_ERR_WRONG_TYPE, ITS_VMAR, size_of_vmar},
    {ZX_POL_WRONG_OBJECT, ZX_ERR_WRONG_TYPE, ITS_VMAR, info_of_vmar},
    {ZX_POL_WRONG_OBJECT, ZX_ERR_WRONG_TYPE, ITS_JOB, suspend_job},
    {ZX_POL_WRONG_OBJECT, ZX_ERR_WRONG_TYPE, ITS_JOB, address_of_job},
    {ZX_POL_VMAR_WX, ZX_OK, ITS_VMAR, map_both},
    {ZX_POL_VMAR_WX, ZX_OK, ITS_VMAR, protect_both},
    {ZX_POL_NEW_VMO, ZX_OK, ITS_VMAR, new_vmo},
    {ZX_POL_NEW_CHANNEL, ZX_OK, ITS_VMAR, new_channel},
    {ZX_POL_NEW_CHANNEL, ZX_OK, ITS_JOB, new_exception_channel},
    {ZX_POL_NEW_EVENT, ZX_OK, ITS_VMAR, new_event},
    {ZX_POL_NEW_EVENTPAIR, ZX_OK, ITS_VMAR, new_eventpair},
    {ZX_POL_NEW_PORT, ZX_OK, ITS_VMAR, new_port},
    {ZX_POL_NEW_TIMER, ZX_OK, ITS_VMAR, new_timer},
    {ZX_POL_NEW_PROCESS, ZX_OK, ITS_JOB, new_process},
};

/* The first word of the board is an act; the second gets its status. */
static void do_act(zx_handle_t given, uintptr_t board_there) {
    struct board *board = (struct board *)board_there;
    board->words[1] = (uint64_t)acts[board->words[0]].run(given);
    zx_process_exit(SURVIVED);
}

/* What it ends with if the policy is against it: an error stays the one that it is. */
static zx_status_t denied(const struct act *act) { return act->status == ZX_OK ? ZX_ERR_ACCESS_DENIED : act->status; }

static struct child child;

static void begin(zx_handle_t job, size_t act, zx_handle_t *channel) {
    MUST_BE(child_make_in(&child, job));
    if (channel) *channel = channel_on(child.process, 0);
    zx_handle_t given = acts[act].given == ITS_JOB ? handle_with(job, ZX_DEFAULT_JOB_RIGHTS)
                                                   : handle_with(child.vmar, handle_rights(child.vmar));
    child.board->words[0] = act;
    child.board->words[1] = UNTOUCHED;
    MUST(child_start(&child, do_act, given));
}

static void handle_exception(zx_handle_t channel, zx_status_t status) {
    static const zx_x86_64_exc_data_t nothing;
    zx_exception_report_t report;
    struct caught caught = catch_of(channel, &child, ZX_EXCP_POLICY_ERROR);
    EXPECT_OK(zx_object_get_info(child.thread, ZX_INFO_THREAD_EXCEPTION_REPORT, &report, sizeof(report), NULL, NULL));
    EXPECT_BYTES(&report.context, &nothing, sizeof(nothing));
    EXPECT_EQ((zx_status_t)registers_of(child.thread).rax, status);
    EXPECT_EQ(child.board->words[1], UNTOUCHED);
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
}

static void try_act(size_t index, uint32_t action) {
    const struct act *act = &acts[index];
    const bool raises = action == ZX_POL_ACTION_ALLOW_EXCEPTION || action == ZX_POL_ACTION_DENY_EXCEPTION;
    const bool allows = action == ZX_POL_ACTION_ALLOW || action == ZX_POL_ACTION_ALLOW_EXCEPTION;
    const zx_status_t status = allows ? act->status : denied(act);
    zx_handle_t job = job_make(zx_job_default()), channel;
    MUST(choose(job, act->condition, action));
    begin(job, index, &channel);
    if (raises) handle_exception(channel, status);
    if (action == ZX_POL_ACTION_KILL) {
        EXPECT_EQ(child_wait(&child), ZX_TASK_RETCODE_POLICY_KILL);
        EXPECT_EQ(child.board->words[1], UNTOUCHED);
    } else {
        EXPECT_EQ(child_wait(&child), SURVIVED);
        EXPECT_EQ((zx_status_t)child.board->words[1], status);
    }
    EXPECT_EQ(signals_of(channel), ZX_CHANNEL_PEER_CLOSED);
    child_close(&child);
    MUST(zx_handle_close(channel));
    MUST(zx_handle_close(job));
}

TEST("job_set_policy/ALLOW, DENY, both with an exception, KILL: for each condition, and each call that meets it") {
    for (size_t act = 0; act < COUNT(acts); act++) {
        for (uint32_t action = 0; action < ACTIONS; action++) try_act(act, action);
    }
}

/* Everything else than the act's own condition. */
static zx_handle_t job_against_others(uint32_t condition) {
    zx_handle_t job = job_make(zx_job_default());
    for (uint32_t other = 0; other < CONDITIONS; other++) {
        bool its_own = other == condition || (condition == ZX_POL_VMAR_WX && other == ZX_POL_NEW_VMO);
        if (!its_own && other != ZX_POL_NEW_ANY) MUST(choose(job, other, ZX_POL_ACTION_KILL));
    }
    return job;
}

TEST("job_set_policy/what no condition names is allowed, whatever is said of all others") {
    for (size_t act = 0; act < COUNT(acts); act++) {
        zx_handle_t job = job_against_others(acts[act].condition);
        begin(job, act, NULL);
        EXPECT_EQ(child_wait(&child), SURVIVED);
        EXPECT_EQ((zx_status_t)child.board->words[1], acts[act].status);
        child_close(&child);
        MUST(zx_handle_close(job));
    }
}

TEST("job_set_policy/a policy exception that nobody handles ends the process as any other does") {
    zx_handle_t job = job_make(zx_job_default());
    MUST(choose(job, ZX_POL_NEW_EVENT, ZX_POL_ACTION_ALLOW | ZX_POL_ACTION_EXCEPTION));
    for (size_t act = 0; acts[act].condition <= ZX_POL_NEW_EVENT; act++) {
        if (acts[act].condition != ZX_POL_NEW_EVENT) continue;
        begin(job, act, NULL);
        EXPECT_EQ(child_wait(&child), CRASHED);
        EXPECT_EQ(child.board->words[1], UNTOUCHED);
        child_close(&child);
    }
}

static void ask_about_nothing(zx_handle_t given, uintptr_t board_there) {
    const zx_handle_t none[2] = {0};
    (void)board_there;
    CHILD_NEED(zx_object_get_info(3, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL) == ZX_ERR_BAD_HANDLE, 1);
    CHILD_NEED(zx_object_get_info(given, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL) == ZX_OK, 2);
    CHILD_NEED(zx_handle_close(ZX_HANDLE_INVALID) == ZX_OK, 3);
    CHILD_NEED(zx_handle_close_many(none, 2) == ZX_OK, 4);
    zx_process_exit(SURVIVED);
}

TEST("job_set_policy/BAD_HANDLE: asking whether a value is a handle, and closing no handle, are not meant") {
    zx_handle_t job = job_make(zx_job_default());
    MUST(choose(job, ZX_POL_BAD_HANDLE, ZX_POL_ACTION_KILL));
    NEED(child_make_in(&child, job));
    NEED_OK(child_start(&child, ask_about_nothing, event_make()));
    EXPECT_EQ(child_wait(&child), SURVIVED);
}

TEST("job_set_policy/it is the caller's policy that counts, not the target's") {
    zx_handle_t job = job_make(zx_job_default());
    zx_vaddr_t addr;
    MUST(choose(job, ZX_POL_VMAR_WX, ZX_POL_ACTION_KILL));
    MUST(choose(job, ZX_POL_NEW_CHANNEL, ZX_POL_ACTION_KILL));
    NEED(child_make_in(&child, job));
    EXPECT_OK(zx_vmar_map(child.vmar, PERM_RW | ZX_VM_PERM_EXECUTE, 0, vmo_make(PAGE), 0, PAGE, &addr));
    EXPECT(channel_on(child.process, 0) != ZX_HANDLE_INVALID);
}
