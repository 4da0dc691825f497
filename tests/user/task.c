/*
 * Making and starting processes and threads: zx_process_create, zx_process_start, zx_thread_create, zx_thread_start.
 * How they end is in task_end.c.
 */
#include "tests/user/child.h"
#include "tests/user/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct made {
    zx_handle_t process, vmar;
};

static struct made made_nothing(void) { return (struct made){UNTOUCHED, UNTOUCHED}; }

static zx_status_t create_in(zx_handle_t job) {
    struct made made = made_nothing();
    zx_status_t status = zx_process_create(job, "name", 4, 0, &made.process, &made.vmar);
    EXPECT((made.process != UNTOUCHED) == (status == ZX_OK) && (made.vmar != UNTOUCHED) == (status == ZX_OK));
    if (status == ZX_OK) {
        zx_handle_close(made.process);
        zx_handle_close(made.vmar);
    }
    return status;
}

TEST("process_create/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_JOB, create_in); }
TEST("process_create/H6 needs MANAGE_PROCESS on the job, and nothing else will do") {
    check_rights(zx_job_default(), ZX_RIGHT_MANAGE_PROCESS, create_in);
    EXPECT_STATUS(create_in(handle_with(zx_job_default(), ZX_RIGHT_WRITE)), ZX_ERR_ACCESS_DENIED);
}

TEST("process_create/options are 0") {
    struct made made = made_nothing();
    for (uint32_t option = 1; option != 0; option <<= 1) {
        EXPECT_STATUS(zx_process_create(zx_job_default(), "n", 1, option, &made.process, &made.vmar),
                      ZX_ERR_INVALID_ARGS);
    }
    EXPECT(made.process == UNTOUCHED && made.vmar == UNTOUCHED);
}

TEST("process_create/the name may be of any length, but must be readable") {
    static const char long_name[200];
    const size_t sizes[] = {0, 1, 31, 32, 33, 200, SIZE_MAX};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct made made;
        EXPECT_OK(zx_process_create(zx_job_default(), long_name, sizes[i], 0, &made.process, &made.vmar));
        MUST(zx_handle_close(made.process));
    }
    for (size_t i = 0; i < bad_source_count; i++) {
        struct made made = made_nothing();
        EXPECT_STATUS(zx_process_create(zx_job_default(), (char *)bad_sources[i], 8, 0, &made.process, &made.vmar),
                      ZX_ERR_INVALID_ARGS);
        EXPECT(made.process == UNTOUCHED && made.vmar == UNTOUCHED);
    }
}

TEST("process_create/H13 options, then the name, then the job") {
    struct made made = made_nothing();
    EXPECT_STATUS(zx_process_create(ZX_HANDLE_INVALID, NULL, 8, 1, &made.process, &made.vmar), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_process_create(ZX_HANDLE_INVALID, NULL, 8, 0, &made.process, &made.vmar), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_process_create(ZX_HANDLE_INVALID, "n", 1, 0, NULL, NULL), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_process_create(handle_of(KIND_VMAR), "n", 1, 0, NULL, NULL), ZX_ERR_WRONG_TYPE);
}

static void create_badly(void) {
    for (size_t i = 0; i < bad_target_count; i++) {
        struct made made = made_nothing();
        zx_handle_t *bad = (zx_handle_t *)bad_targets[i];
        EXPECT_STATUS(zx_process_create(zx_job_default(), "n", 1, 0, bad, &made.vmar), ZX_ERR_INVALID_ARGS);
        EXPECT(!is_handle(made.vmar));
        EXPECT_STATUS(zx_process_create(zx_job_default(), "n", 1, 0, &made.process, bad), ZX_ERR_INVALID_ARGS);
        EXPECT(!is_handle(made.process));
    }
}

TEST("process_create/bad pointers for either result are INVALID_ARGS, and nothing stays") {
    check_gives_back(create_badly);
}

static zx_status_t create_and_close(void) { return create_in(zx_job_default()); }
TEST("process_create/NO_MEMORY at each allocation, and nothing stays") { check_out_of_memory(create_and_close); }

TEST("process_create/the address space is usable before the start") {
    struct target target = target_make();
    zx_handle_t vmo = vmo_make(PAGE);
    zx_vaddr_t addr;
    EXPECT_EQ(vmar_info(target.vmar).base, USER_BASE);
    EXPECT_EQ(vmar_info(target.vmar).len, USER_END - USER_BASE);
    NEED_OK(zx_vmar_map(target.vmar, PERM_RW, 0, vmo, 0, PAGE, &addr));
    uint64_t word = 42;
    EXPECT_MOVED(write_to(target.process, addr, &word, sizeof(word)), sizeof(word));
    EXPECT_EQ(peek(vmo, 0), 42);
    EXPECT_OK(zx_vmar_protect(target.vmar, PERM_R, addr, PAGE));
    EXPECT_OK(zx_vmar_unmap(target.vmar, addr, PAGE));
    EXPECT_REFUSED(write_to(target.process, addr, &word, sizeof(word)), ZX_ERR_NO_MEMORY);
}

/* A child, with the handle that it is started by. */
static struct child child;
static zx_status_t start_process(zx_handle_t process) {
    return zx_process_start(process, child.thread, 0, 0, ZX_HANDLE_INVALID, 0);
}
static zx_status_t start_with_thread(zx_handle_t thread) {
    return zx_process_start(child.process, thread, 0, 0, ZX_HANDLE_INVALID, 0);
}

TEST("process_start/H1 H2 H3 H4 H5 H11 bad handles for the process") {
    NEED(child_make(&child));
    check_handles(KIND_PROCESS, start_process);
}

TEST("process_start/H1 H2 H3 H4 H5 H11 bad handles for the thread") {
    NEED(child_make(&child));
    check_handles(KIND_THREAD, start_with_thread);
}

TEST("process_start/H6 H7 needs WRITE on both") {
    NEED(child_make(&child));
    EXPECT_STATUS(start_process(handle_with(child.process, ZX_RIGHT_READ)), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(start_process(handle_without(child.process, ZX_RIGHT_WRITE)), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(start_with_thread(handle_without(child.thread, ZX_RIGHT_WRITE)), ZX_ERR_ACCESS_DENIED);
    EXPECT(!process_info(child.process).started);
}

TEST("process_start/WRITE on both is all it needs") {
    NEED(child_make(&child));
    zx_handle_t process = handle_with(child.process, ZX_RIGHT_WRITE);
    zx_handle_t thread = handle_with(child.thread, ZX_RIGHT_WRITE);
    EXPECT_OK(zx_process_start(process, thread, 0, 0, ZX_HANDLE_INVALID, 0));
    EXPECT_EQ(child_wait(&child), ZX_TASK_RETCODE_EXCEPTION_KILL);
}

TEST("process_start/H13 process, then thread, then whose thread, then the argument") {
    struct child other = {0};
    NEED(child_make(&child) && child_make(&other));
    zx_handle_t closed = vmo_make(PAGE);
    MUST(zx_handle_close(closed));
    zx_handle_t stuck = handle_with(vmo_make(PAGE), ZX_RIGHT_READ);
    EXPECT_STATUS(zx_process_start(closed, handle_of(KIND_VMO), 0, 0, closed, 0), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_process_start(handle_of(KIND_VMO), closed, 0, 0, closed, 0), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_process_start(child.process, handle_of(KIND_VMO), 0, 0, closed, 0), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_process_start(child.process, other.thread, 0, 0, closed, 0), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_process_start(child.process, child.thread, 0, 0, closed, 0), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_process_start(child.process, child.thread, 0, 0, stuck, 0), ZX_ERR_ACCESS_DENIED);
    EXPECT(!process_info(child.process).started);
    EXPECT(!process_info(other.process).started);
}

/* Starts with a channel's end as the argument, which must be gone, and its object with it. */
static void expect_consumed(zx_handle_t process, zx_handle_t thread, zx_status_t status) {
    struct pair pair = pair_make();
    EXPECT_STATUS(zx_process_start(process, thread, 0, 0, pair.a, 0), status);
    EXPECT(!is_handle(pair.a));
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_PEER_CLOSED);
    MUST(zx_handle_close(pair.b));
}

TEST("process_start/the argument is consumed on every failure") {
    struct child other = {0};
    NEED(child_make(&child) && child_make(&other));
    expect_consumed(ZX_HANDLE_INVALID, child.thread, ZX_ERR_BAD_HANDLE);
    expect_consumed(handle_of(KIND_VMO), child.thread, ZX_ERR_WRONG_TYPE);
    expect_consumed(handle_without(child.process, ZX_RIGHT_WRITE), child.thread, ZX_ERR_ACCESS_DENIED);
    expect_consumed(child.process, ZX_HANDLE_INVALID, ZX_ERR_BAD_HANDLE);
    expect_consumed(child.process, handle_of(KIND_VMO), ZX_ERR_WRONG_TYPE);
    expect_consumed(child.process, handle_without(child.thread, ZX_RIGHT_WRITE), ZX_ERR_ACCESS_DENIED);
    expect_consumed(child.process, other.thread, ZX_ERR_ACCESS_DENIED);
    MUST(zx_task_kill(other.process));
    expect_consumed(other.process, other.thread, ZX_ERR_BAD_STATE);
    struct pair pair = pair_make();
    zx_handle_t stuck;
    MUST(zx_handle_replace(pair.a, ZX_RIGHT_READ, &stuck));
    EXPECT_STATUS(zx_process_start(child.process, child.thread, 0, 0, stuck, 0), ZX_ERR_ACCESS_DENIED);
    EXPECT(!is_handle(stuck));
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_PEER_CLOSED);
}

static void start_dead(void) {
    struct target dead = target_make();
    zx_handle_t thread;
    MUST(zx_thread_create(dead.process, "t", 1, 0, &thread));
    MUST(zx_task_kill(dead.process));
    expect_consumed(dead.process, thread, ZX_ERR_BAD_STATE);
    zx_handle_close(thread);
    zx_handle_close(dead.vmar);
    zx_handle_close(dead.process);
}

TEST("process_start/L4 a dead process is BAD_STATE, and its handle table stays empty") { check_gives_back(start_dead); }

static void echo(zx_handle_t handle, uintptr_t board_there) {
    struct board *board = (struct board *)board_there;
    zx_info_handle_basic_t info = {0};
    board->words[1] =
        (uint64_t)(int64_t)zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
    board->words[2] = info.koid;
    board->words[3] = info.rights;
    board->words[4] = handle;
    while (board->words[0] == 0) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    zx_process_exit(7);
}

TEST("process_start/the argument appears in the process, the same object with the same rights") {
    NEED(child_make(&child));
    zx_handle_t vmo = handle_with(vmo_make(PAGE), ZX_RIGHT_TRANSFER | ZX_RIGHT_MAP | ZX_RIGHT_SIGNAL);
    zx_info_handle_basic_t before = basic_info(vmo);
    child.board->words[0] = 1;
    NEED_OK(child_start(&child, echo, vmo));
    EXPECT(!is_handle(vmo));
    EXPECT_EQ(child_wait(&child), 7);
    EXPECT_EQ(child.board->words[1], ZX_OK);
    EXPECT_EQ(child.board->words[2], before.koid);
    EXPECT_EQ(child.board->words[3], before.rights);
}

TEST("process_start/no argument handle gives 0") {
    NEED(child_make(&child));
    child.board->words[0] = 1;
    child.board->words[4] = 99;
    NEED_OK(child_start(&child, echo, ZX_HANDLE_INVALID));
    EXPECT_EQ(child_wait(&child), 7);
    EXPECT_EQ(child.board->words[4], 0);
}

TEST("process_start/the argument may be the process or the thread itself") {
    for (int i = 0; i < 2; i++) {
        NEED(child_make(&child));
        zx_handle_t *which = i == 0 ? &child.process : &child.thread;
        zx_handle_t copy = handle_with(*which, ZX_RIGHT_SAME_RIGHTS);
        zx_koid_t koid = basic_info(copy).koid;
        child.board->words[0] = 1;
        zx_handle_t sent = *which;
        NEED_OK(child_start(&child, echo, sent));
        EXPECT(!is_handle(sent));
        *which = copy;
        EXPECT_EQ(child_wait(&child), 7);
        EXPECT_EQ(child.board->words[2], koid);
    }
}

TEST("process_start/a second time is BAD_STATE, running or dead, with any of its threads") {
    zx_handle_t another;
    NEED(child_make(&child));
    NEED_OK(zx_thread_create(child.process, "t", 1, 0, &another));
    NEED_OK(child_start(&child, echo, ZX_HANDLE_INVALID));
    expect_consumed(child.process, child.thread, ZX_ERR_BAD_STATE);
    expect_consumed(child.process, another, ZX_ERR_BAD_STATE);
    child.board->words[0] = 1;
    EXPECT_EQ(child_wait(&child), 7);
    expect_consumed(child.process, child.thread, ZX_ERR_BAD_STATE);
    expect_consumed(child.process, another, ZX_ERR_BAD_STATE);
}

static zx_status_t create_thread_of(zx_handle_t process) {
    zx_handle_t thread = UNTOUCHED;
    zx_status_t status = zx_thread_create(process, "name", 4, 0, &thread);
    EXPECT((thread != UNTOUCHED) == (status == ZX_OK));
    if (status == ZX_OK) zx_handle_close(thread);
    return status;
}

TEST("thread_create/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_PROCESS, create_thread_of); }
TEST("thread_create/H6 needs MANAGE_THREAD on the process, and nothing else will do") {
    check_rights(handle_of(KIND_PROCESS), ZX_RIGHT_MANAGE_THREAD, create_thread_of);
    EXPECT_STATUS(create_thread_of(handle_with(zx_process_self(), ZX_RIGHT_WRITE)), ZX_ERR_ACCESS_DENIED);
}

TEST("thread_create/H13 options are 0, the name readable, and both come before the process") {
    static const char long_name[200];
    zx_handle_t thread = UNTOUCHED;
    for (uint32_t option = 1; option != 0; option <<= 1)
        EXPECT_STATUS(zx_thread_create(zx_process_self(), "n", 1, option, &thread), ZX_ERR_INVALID_ARGS);
    for (size_t i = 0; i < bad_source_count; i++)
        EXPECT_STATUS(zx_thread_create(zx_process_self(), (char *)bad_sources[i], 8, 0, &thread), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_thread_create(ZX_HANDLE_INVALID, NULL, 8, 0, &thread), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_thread_create(ZX_HANDLE_INVALID, "n", 1, 1, &thread), ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(thread, UNTOUCHED);
    EXPECT_OK(zx_thread_create(zx_process_self(), long_name, SIZE_MAX, 0, &thread));
    EXPECT_OK(zx_thread_create(zx_process_self(), long_name, 0, 0, &thread));
}

static void create_thread_badly(void) {
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_thread_create(zx_process_self(), "n", 1, 0, (zx_handle_t *)bad_targets[i]),
                      ZX_ERR_INVALID_ARGS);
}

TEST("thread_create/bad pointers are INVALID_ARGS, and no thread stays") { check_gives_back(create_thread_badly); }

static zx_status_t create_thread_and_close(void) { return create_thread_of(zx_process_self()); }
TEST("thread_create/NO_MEMORY at each allocation, and nothing stays") { check_out_of_memory(create_thread_and_close); }

TEST("thread_create/the process may be new, or dead") {
    struct target target = target_make();
    EXPECT_OK(create_thread_of(target.process));
    MUST(zx_task_kill(target.process));
    EXPECT_OK(create_thread_of(target.process));
}

static zx_status_t start_thread(zx_handle_t thread) { return zx_thread_start(thread, 0, 0, 0, 0); }

TEST("thread_start/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_THREAD, start_thread); }

TEST("thread_start/H6 needs MANAGE_THREAD, and nothing else will do") {
    zx_handle_t thread = handle_of(KIND_THREAD);
    EXPECT_STATUS(start_thread(handle_without(thread, ZX_RIGHT_MANAGE_THREAD)), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(start_thread(handle_with(thread, ZX_RIGHT_WRITE)), ZX_ERR_ACCESS_DENIED);
}

TEST("thread_start/a process's first thread needs process_start: BAD_STATE") {
    NEED(child_make(&child));
    EXPECT_STATUS(start_thread(child.thread), ZX_ERR_BAD_STATE);
    child.board->words[0] = 1;
    EXPECT_OK(child_start(&child, echo, ZX_HANDLE_INVALID));
    EXPECT_EQ(child_wait(&child), 7);
}

static _Atomic uint32_t runs;
static void count_run(void *arg) {
    (void)arg;
    runs++;
}

TEST("thread_start/MANAGE_THREAD is all it needs; started again it is BAD_STATE, alive or dead") {
    static struct worker worker;
    NEED(worker_start(&worker, count_run, NULL));
    zx_handle_t thread = handle_with(worker.thread, ZX_RIGHT_SAME_RIGHTS);
    EXPECT_STATUS(start_thread(thread), ZX_ERR_BAD_STATE);
    NEED(worker_join(&worker));
    EXPECT_STATUS(start_thread(handle_with(thread, ZX_RIGHT_MANAGE_THREAD)), ZX_ERR_BAD_STATE);
    EXPECT_EQ(runs, 1);
}

static void wave(uintptr_t arg1, uintptr_t arg2) {
    struct board *board = (struct board *)arg1;
    board->words[8] = arg2;
    zx_thread_exit();
}

static zx_status_t start_waving(zx_handle_t thread) {
    return zx_thread_start(thread, (uintptr_t)wave, child.stack - 32768, child.board_there, 5);
}

TEST("thread_start/NO_MEMORY at each allocation, and it can be started again") {
    zx_handle_t second;
    NEED(child_make(&child));
    NEED_OK(zx_thread_create(child.process, "second", 6, 0, &second));
    NEED_OK(child_start(&child, echo, ZX_HANDLE_INVALID));
    settle();
    baseline_take(); /* so that no stack is kept for the next thread */
    fail_arm(1000);  /* and all that is used from here on has page tables, which were given back too */
    EXPECT_STATUS(start_waving(ZX_HANDLE_INVALID), ZX_ERR_BAD_HANDLE);
    EXPECT(!fail_over());
    bool failed = true;
    for (unsigned nth = 1; failed; nth++) {
        fail_arm(nth);
        zx_status_t status = start_waving(second);
        failed = fail_over();
        NEED_STATUS(status, failed ? ZX_ERR_NO_MEMORY : ZX_OK);
        NEED(failed || nth > 1);
    }
    EXPECT_OK(zx_object_wait_one(second, ZX_THREAD_TERMINATED, zx_deadline_after(ZX_SEC(5)), NULL));
    EXPECT_EQ(child.board->words[8], 5);
    child.board->words[0] = 1;
    EXPECT_EQ(child_wait(&child), 7);
}

TEST("thread_start/works on another process's thread") {
    zx_handle_t second;
    NEED(child_make(&child));
    NEED_OK(zx_thread_create(child.process, "second", 6, 0, &second));
    EXPECT_STATUS(zx_thread_start(second, (uintptr_t)wave, child.stack, child.board_there, 5), ZX_ERR_BAD_STATE);
    NEED_OK(child_start(&child, echo, ZX_HANDLE_INVALID));
    settle();
    zx_handle_t only = handle_with(second, ZX_RIGHT_MANAGE_THREAD);
    NEED_OK(zx_thread_start(only, (uintptr_t)wave, child.stack - 32768, child.board_there, 5));
    EXPECT_OK(zx_object_wait_one(second, ZX_THREAD_TERMINATED, zx_deadline_after(ZX_SEC(5)), NULL));
    EXPECT_EQ(child.board->words[8], 5);
    EXPECT(!process_info(child.process).exited);
    child.board->words[0] = 1;
    EXPECT_EQ(child_wait(&child), 7);
}
