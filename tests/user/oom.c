/*
 * When memory runs out: who ends, and that all others go on, with the pages that they touch next. To use up much memory
 * takes long; these tests are for a machine that has little (test.memory=short on the kernel's command line).
 */
#include <stdlib.h>
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/object.h>

#include "tests/user/child.h"
#include "tests/user/probe.h"

/* Else a test is over before it begins. */
static bool memory_is_short(void) { return getenv("test.memory") != NULL; }

#define LARGE ((uint64_t)8 << 20)
#define LITTLE (20 * PAGE)
#define TOUCHED 400 /* pages: more than that, and all tables of the programs that run here */

static zx_status_t commit(zx_handle_t vmo, uint64_t size) {
    return zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, size, NULL, 0);
}

enum { FULL, GO, DONE };

/*
 * All the memory that calls give but for a little, and then it waits: in VMOs that only it has handles to; or, if it
 * has a channel, that lie in the queue of its other end.
 */
static void eat(zx_handle_t channel, uintptr_t at) {
    struct board *board = (struct board *)at;
    zx_handle_t vmo, little;
    atomic_store(&board->words[FULL], 0);
    if (zx_vmo_create(LITTLE, 0, &little) != ZX_OK || commit(little, LITTLE) != ZX_OK) zx_process_exit(1);
    for (uint64_t size = LARGE; size >= PAGE; size /= 2) {
        while (zx_vmo_create(size, 0, &vmo) == ZX_OK && commit(vmo, size) == ZX_OK) {
            if (channel != ZX_HANDLE_INVALID && zx_channel_write(channel, 0, NULL, 0, &vmo, 1) != ZX_OK)
                zx_process_exit(2);
        }
    }
    zx_handle_close(little);
    atomic_store(&board->words[FULL], 1);
    for (;;) zx_nanosleep(ZX_TIME_INFINITE);
}

/* Pages that are not there yet. */
static zx_vaddr_t pages_map(zx_handle_t vmar) {
    zx_handle_t vmo = vmo_make(TOUCHED * PAGE);
    zx_vaddr_t base;
    MUST(zx_vmar_map(vmar, PERM_RW, 0, vmo, 0, TOUCHED * PAGE, &base));
    MUST(zx_handle_close(vmo));
    return base;
}

static void pages_touch(zx_vaddr_t base) {
    for (size_t i = 0; i < TOUCHED; i++) *(volatile char *)(base + i * PAGE) = 1;
}

/* Touches pages of its own when it is told which. */
static void touch(zx_handle_t none, uintptr_t at) {
    struct board *board = (struct board *)at;
    (void)none;
    while (atomic_load(&board->words[GO]) == 0) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    pages_touch(atomic_load(&board->words[GO]));
    zx_process_exit(42);
}

/* Needs no page any more: of two in a job that is full, the fault of either decides who ends. */
static void rest(zx_handle_t none, uintptr_t at) {
    (void)none;
    (void)at;
    for (;;) zx_nanosleep(ZX_TIME_INFINITE);
}

static struct child begin(zx_handle_t job, child_entry *entry) {
    struct child child;
    MUST_BE(child_make_in(&child, job));
    MUST(child_start(&child, entry, ZX_HANDLE_INVALID));
    return child;
}

static zx_handle_t job_make(bool kill_on_oom) {
    const uint64_t value = kill_on_oom;
    zx_handle_t job;
    MUST(zx_job_create(zx_job_default(), 0, &job));
    MUST(zx_object_set_property(job, ZX_PROP_JOB_KILL_ON_OOM, &value, sizeof(value)));
    return job;
}

static bool await(const struct child *child, size_t word) {
    const zx_time_t deadline = zx_deadline_after(ZX_SEC(60));
    while (atomic_load(&child->board->words[word]) == 0 && zx_clock_get_monotonic() < deadline)
        zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    return atomic_load(&child->board->words[word]) != 0;
}

static bool is_alive(const struct child *child) {
    zx_info_process_t info = {0};
    EXPECT_OK(zx_object_get_info(child->process, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL));
    return !info.exited;
}

static void child_ends(struct child *child, int64_t return_code) {
    EXPECT_EQ(child_wait(child), return_code);
    child_close(child);
}

static void child_kill(struct child *child) {
    MUST(zx_task_kill(child->process));
    child_ends(child, ZX_TASK_RETCODE_SYSCALL_KILL);
}

/* The eater has all: then the bystander gets its pages, and goes on. */
static void bystander_goes_on(struct child *bystander, const struct child *eater) {
    NEED(await(eater, FULL));
    atomic_store(&bystander->board->words[GO], pages_map(bystander->vmar));
    child_ends(bystander, 42);
}

TEST("oom/who has most memory ends, with return code -1025, when another touches its next page, and that one goes on") {
    if (!memory_is_short()) return;
    zx_handle_t ours = job_make(false), theirs = job_make(false);
    struct child bystander = begin(ours, touch), eater = begin(theirs, eat);
    bystander_goes_on(&bystander, &eater);
    child_ends(&eater, ZX_TASK_RETCODE_OOM_KILL);
}

/* The same, but that a call stores there. */
static void read_into(zx_handle_t vmo, uintptr_t at) {
    struct board *board = (struct board *)at;
    while (atomic_load(&board->words[GO]) == 0) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    zx_status_t status = zx_vmo_read(vmo, (void *)atomic_load(&board->words[GO]), 0, TOUCHED * PAGE);
    zx_process_exit(status == ZX_OK ? 42 : status);
}

TEST("oom/a call that stores to pages of its caller's which are not there yet has another end, and succeeds") {
    if (!memory_is_short()) return;
    struct child bystander, eater = begin(job_make(false), eat);
    MUST_BE(child_make_in(&bystander, job_make(false)));
    MUST(child_start(&bystander, read_into, vmo_make(TOUCHED * PAGE)));
    bystander_goes_on(&bystander, &eater);
    child_ends(&eater, ZX_TASK_RETCODE_OOM_KILL);
}

TEST("oom/who holds the root resource touches its next page: another ends; and the next, when memory runs out again") {
    if (!memory_is_short()) return;
    for (size_t round = 0; round < 2; round++) {
        struct child eater = begin(job_make(false), eat);
        NEED(await(&eater, FULL));
        pages_touch(pages_map(zx_vmar_root_self()));
        child_ends(&eater, ZX_TASK_RETCODE_OOM_KILL);
    }
}

TEST("oom/a job with KILL_ON_OOM is first, however little it has, and then who has most") {
    if (!memory_is_short()) return;
    struct child small = begin(job_make(true), touch), eater = begin(job_make(false), eat);
    struct child bystander = begin(job_make(false), touch);
    bystander_goes_on(&bystander, &eater);
    child_ends(&small, ZX_TASK_RETCODE_OOM_KILL);
    if (is_alive(&eater))
        child_kill(&eater);
    else
        child_ends(&eater, ZX_TASK_RETCODE_OOM_KILL);
}

/* Reads holes two MiB apart, more of them than there is memory for tables. */
#define FAR ((uint64_t)2 << 20)
#define HOLES ((uint64_t)12000)
static void read_holes(zx_handle_t vmar, uintptr_t at) {
    zx_handle_t vmo;
    zx_vaddr_t base;
    (void)at;
    if (zx_vmo_create(HOLES * FAR, 0, &vmo) != ZX_OK) zx_process_exit(1);
    if (zx_vmar_map(vmar, ZX_VM_PERM_READ, 0, vmo, 0, HOLES * FAR, &base) != ZX_OK) zx_process_exit(2);
    for (uint64_t i = 0; i < HOLES; i++) (void)*(volatile char *)(base + i * FAR);
    zx_process_exit(42);
}

TEST("oom/reading holes until all memory would be page tables ends nobody") {
    if (!memory_is_short()) return;
    zx_handle_t vmar;
    struct child reader, bystander = begin(job_make(false), touch);
    MUST_BE(child_make_in(&reader, job_make(false)));
    MUST(zx_handle_duplicate(reader.vmar, ZX_RIGHT_SAME_RIGHTS, &vmar));
    MUST(child_start(&reader, read_holes, vmar));
    child_ends(&reader, 42);
    EXPECT(is_alive(&bystander));
    child_kill(&bystander);
}

/* With a limit of so many pages. */
static void limit(zx_handle_t job, uint64_t pages) {
    const uint64_t bytes = pages * PAGE;
    MUST(zx_object_set_property(job, ZX_PROP_JOB_LIMIT_MEMORY, &bytes, sizeof(bytes)));
}

static zx_handle_t job_below(zx_handle_t parent) {
    zx_handle_t job;
    MUST(zx_job_create(parent, 0, &job));
    return job;
}

TEST("oom/who has filled a limit that several jobs share ends when another of them touches its next page") {
    zx_handle_t all = job_make(false);
    struct child eater, bystander = begin(job_below(all), touch), outsider = begin(job_make(true), touch);
    limit(all, 3 * TOUCHED);
    eater = begin(job_below(all), eat);
    bystander_goes_on(&bystander, &eater);
    child_ends(&eater, ZX_TASK_RETCODE_OOM_KILL);
    EXPECT(is_alive(&outsider));
    child_kill(&outsider);
}

TEST("oom/what one has sent to another is there still when it has ended: who wants most then ends, and no innocent") {
    zx_handle_t all = job_make(false);
    struct pair pair = pair_make();
    struct child eater, small = begin(job_below(all), rest), greedy = begin(job_below(all), touch);
    MUST_BE(thread_waits(small.thread));
    limit(all, 3 * TOUCHED);
    MUST_BE(child_make_in(&eater, job_below(all)));
    MUST(child_start(&eater, eat, pair.a));
    NEED(await(&eater, FULL));
    atomic_store(&greedy.board->words[GO], pages_map(greedy.vmar));
    child_ends(&greedy, ZX_TASK_RETCODE_EXCEPTION_KILL);
    child_ends(&eater, ZX_TASK_RETCODE_OOM_KILL);
    EXPECT(is_alive(&small));
    child_kill(&small);
}

/* A fault for which there is no memory within the limit that one has filled oneself is one's own affair. */
static void touch_much(zx_handle_t vmo, uintptr_t at) {
    zx_vaddr_t base = atomic_load(&((struct board *)at)->words[DONE]);
    (void)vmo;
    for (uint64_t i = 0; i < 1000; i++) *(volatile char *)(base + i * PAGE) = 1;
    zx_process_exit(42);
}

TEST("oom/a limit that is reached is an exception for who has filled it, for its handler, and ends nobody else") {
    zx_handle_t job = job_make(true), vmo = vmo_make(1000 * PAGE), channel, exception;
    zx_exception_info_t info = {0};
    zx_vaddr_t at;
    struct child child, bystander = begin(job_make(true), touch), neighbour = begin(job, rest);
    MUST_BE(thread_waits(neighbour.thread));
    MUST_BE(child_make_in(&child, job));
    MUST(zx_task_create_exception_channel(child.process, 0, &channel));
    MUST(zx_vmar_map(child.vmar, PERM_RW, 0, vmo, 0, 1000 * PAGE, &at));
    atomic_store(&child.board->words[DONE], at);
    limit(job, 300);
    MUST(child_start(&child, touch_much, ZX_HANDLE_INVALID));
    MUST(zx_object_wait_one(channel, ZX_CHANNEL_READABLE, zx_deadline_after(ZX_SEC(20)), NULL));
    EXPECT_OK(zx_channel_read(channel, 0, &info, &exception, sizeof(info), 1, NULL, NULL));
    EXPECT_EQ(info.type, ZX_EXCP_FATAL_PAGE_FAULT);
    EXPECT(is_alive(&bystander) && is_alive(&neighbour));
    MUST(zx_handle_close(exception));
    child_ends(&child, ZX_TASK_RETCODE_EXCEPTION_KILL);
    child_kill(&bystander);
    child_kill(&neighbour);
}
