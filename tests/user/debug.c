/*
 * The calls for debugging the system itself.
 */
#include "tests/user/child.h"
#include "tests/user/probe.h"

static const char text[] = "debug_write was here\n";

TEST("debug_write/A1 nothing is written whatever the buffer") {
    EXPECT_OK(zx_debug_write(text, 0));
    EXPECT_OK(zx_debug_write(NULL, 0));
}

TEST("debug_write/a text goes to the console") { EXPECT_OK(zx_debug_write(text, sizeof(text) - 1)); }

TEST("debug_write/S1 S2 S5 S6 bad buffers are refused") {
    EXPECT_STATUS(zx_debug_write(NULL, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_debug_write((const char *)0x1000, 16), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_debug_write((const char *)0xffff800000000000, 16), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_debug_write((const char *)0x800000000000, 16), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_debug_write((const char *)UINTPTR_MAX, 16), ZX_ERR_INVALID_ARGS);
}

static zx_status_t read_nothing(zx_handle_t resource) {
    size_t size = 0;
    return zx_debug_read(resource, NULL, &size);
}

TEST("debug_read/only for the root resource; wanting nothing is OK, wherever it would go") {
    check_handles(KIND_RESOURCE, read_nothing);
    EXPECT_OK(read_nothing(test_resource()));
}

TEST("debug_read/a size that cannot be read is INVALID_ARGS, after the handle") {
    char byte;
    for (size_t i = 0; i < bad_source_count; i++) {
        EXPECT_STATUS(zx_debug_read(test_resource(), &byte, (size_t *)bad_sources[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_debug_read(ZX_HANDLE_INVALID, &byte, (size_t *)bad_sources[i]), ZX_ERR_BAD_HANDLE);
    }
    static const size_t none = 0;
    EXPECT_STATUS(zx_debug_read(test_resource(), &byte, (size_t *)&none), ZX_ERR_INVALID_ARGS);
}

/* Nobody types while tests run. */
static void read_for_ever(zx_handle_t resource, uintptr_t there) {
    struct board *board = (struct board *)there;
    size_t size = 1;
    char byte;
    board->words[1] = 1;
    zx_debug_read(resource, &byte, &size);
    board->words[2] = 1;
    zx_process_exit(1);
}

TEST("debug_read/waits for somebody to type; a kill ends it") {
    struct child child;
    NEED(child_make(&child));
    NEED_OK(child_start(&child, read_for_ever, handle_with(test_resource(), ZX_RIGHT_SAME_RIGHTS)));
    for (int i = 0; i < 2000 && child.board->words[1] == 0; i++) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    zx_nanosleep(zx_deadline_after(ZX_MSEC(20)));
    EXPECT_EQ(child.board->words[2], 0);
    NEED_OK(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), ZX_TASK_RETCODE_SYSCALL_KILL);
}

TEST("debug_send_command/H1 H5 only for the root resource") {
    EXPECT_STATUS(zx_debug_send_command(ZX_HANDLE_INVALID, "check", 5), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_debug_send_command(zx_process_self(), "check", 5), ZX_ERR_WRONG_TYPE);
    EXPECT_OK(zx_debug_send_command(test_resource(), "check", 5));
}

TEST("debug_send_command/bad buffers, sizes and words are refused") {
    EXPECT_STATUS(zx_debug_send_command(test_resource(), NULL, 5), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_debug_send_command(test_resource(), text, SIZE_MAX), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_debug_send_command(test_resource(), "no such word", 12), ZX_ERR_NOT_FOUND);
    EXPECT_STATUS(zx_debug_send_command(test_resource(), "checked", 7), ZX_ERR_NOT_FOUND);
}

TEST("debug_write/what is beyond 256 bytes is not looked at") {
    unsigned char *buffer = buffer_make(PAGE);
    memset(buffer, '.', PAGE);
    buffer[PAGE - 1] = '\n';
    EXPECT_OK(zx_debug_write((char *)buffer + PAGE - 256, SIZE_MAX));
    EXPECT_STATUS(zx_debug_write((char *)buffer + PAGE - 255, 256), ZX_ERR_INVALID_ARGS);
}

/* --- turns --- */

#define CROWD 32
#define TEXT 128

enum { WRITTEN };

static void write_on(uintptr_t written) {
    char line[TEXT];
    for (size_t i = 0; i < TEXT; i++) line[i] = '.';
    line[TEXT - 1] = '\n';
    for (;;) {
        zx_debug_write(line, TEXT);
        atomic_fetch_add((_Atomic uint64_t *)written, 1);
    }
}

static void one_writes_on(zx_handle_t none, uintptr_t board) {
    (void)none;
    write_on((uintptr_t) & ((struct board *)board)->words[WRITTEN]);
}

static void crowd_writes_on(zx_handle_t process, uintptr_t board) {
    static char stacks[CROWD][4096] __attribute__((aligned(16)));
    const uintptr_t written = (uintptr_t) & ((struct board *)board)->words[WRITTEN];
    for (size_t i = 0; i < CROWD; i++) {
        zx_handle_t thread;
        CHILD_NEED(zx_thread_create(process, "t", 1, 0, &thread) == ZX_OK, 1);
        CHILD_NEED(zx_thread_start(thread, (uintptr_t)write_on, (uintptr_t)stacks[i + 1] - 8, written, 0) == ZX_OK, 2);
    }
    write_on(written);
}

static uint64_t written_by(const struct child *children, size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += children[i].board->words[WRITTEN];
    return sum;
}

/* Do the children, when all of them want to write, do so at most a few times while this thread does once? */
static bool few_come_first(const struct child *children, size_t count) {
    const uint64_t tries = 10, before = written_by(children, count);
    for (uint64_t i = 0; i < tries; i++) EXPECT_OK(zx_debug_write("\n", 1));
    const uint64_t meanwhile = written_by(children, count) - before;
    if (meanwhile > tries * CROWD / 4) test_note("%llu writes meanwhile", (unsigned long long)meanwhile);
    return meanwhile <= tries * CROWD / 4;
}

static void await_written(const struct child *child) {
    while (child->board->words[WRITTEN] < CROWD) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
}

TEST("debug_write/many threads of a process wait for their turns among themselves, others for one of that process") {
    struct child child;
    zx_handle_t theirs;
    MUST_BE(child_make(&child));
    MUST(zx_handle_duplicate(child.process, ZX_RIGHT_SAME_RIGHTS, &theirs));
    MUST(child_start(&child, crowd_writes_on, theirs));
    await_written(&child);
    EXPECT(few_come_first(&child, 1));
    MUST(zx_task_kill(child.process));
    (void)child_wait(&child);
    child_close(&child);
}

TEST("debug_write/many processes of a job, and of jobs below it, wait among themselves, others for one of that job") {
    struct child children[CROWD];
    zx_handle_t job, below;
    MUST(zx_job_create(zx_job_default(), 0, &job));
    for (size_t i = 0; i < CROWD; i++) {
        MUST(zx_job_create(job, 0, &below));
        MUST_BE(child_make_in(&children[i], i % 2 ? below : job));
    }
    for (size_t i = 0; i < CROWD; i++) MUST(child_start(&children[i], one_writes_on, ZX_HANDLE_INVALID));
    await_written(&children[CROWD - 1]);
    EXPECT(few_come_first(children, CROWD));
    MUST(zx_task_kill(job));
    for (size_t i = 0; i < CROWD; i++) {
        (void)child_wait(&children[i]);
        child_close(&children[i]);
    }
}

static zx_status_t check_as(zx_handle_t resource) { return zx_debug_send_command(resource, "check", 5); }
TEST("debug_send_command/H1 H2 H3 H4 H5 H11 bad handles, before all else") {
    check_handles(KIND_RESOURCE, check_as);
    EXPECT_STATUS(zx_debug_send_command(ZX_HANDLE_INVALID, NULL, SIZE_MAX), ZX_ERR_BAD_HANDLE);
}

TEST("debug_send_command/leaks tells what is missing, and what is back") {
    baseline_take();
    EXPECT_OK(kernel_command("leaks inner"));
    zx_handle_t vmo = vmo_make(PAGE);
    EXPECT_STATUS(kernel_command("leaks inner"), ZX_ERR_BAD_STATE);
    MUST(zx_handle_close(vmo));
    EXPECT_OK(kernel_command("leaks inner"));
    vmo = vmo_make(PAGE);
    baseline_take();
    poke(vmo, 0, 1);
    EXPECT_STATUS(kernel_command("leaks inner"), ZX_ERR_BAD_STATE);
    MUST(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, PAGE, NULL, 0));
    EXPECT_OK(kernel_command("leaks inner"));
}

TEST("debug_send_command/limit leaves a thread so many pages, until it is taken back; one thread at a time") {
    zx_handle_t vmo, other = UNTOUCHED;
    EXPECT_OK(kernel_command("limit 0"));
    EXPECT_STATUS(zx_vmo_create(PAGE, 0, &other), ZX_ERR_NO_MEMORY);
    EXPECT_STATUS(kernel_command("limit 1"), ZX_ERR_NO_MEMORY);
    EXPECT_OK(kernel_command("failed"));
    EXPECT_OK(kernel_command("limit"));
    EXPECT_OK(kernel_command("limit"));
    EXPECT_OK(kernel_command("limit 100"));
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_STATUS(kernel_command("failed"), ZX_ERR_NOT_FOUND);
    EXPECT_OK(kernel_command("limit"));
    EXPECT_STATUS(kernel_command("limit x"), ZX_ERR_INVALID_ARGS);
    MUST(zx_handle_close(vmo));
}

TEST("debug_send_command/fail makes the allocation fail that it names, once") {
    zx_handle_t vmo = UNTOUCHED;
    fail_arm(1);
    EXPECT_STATUS(zx_vmo_create(PAGE, 0, &vmo), ZX_ERR_NO_MEMORY);
    EXPECT_EQ(vmo, UNTOUCHED);
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT(fail_over());
    fail_arm(1000);
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT(!fail_over());
    EXPECT_STATUS(kernel_command("fail x"), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
}
