/*
 * Children and workers; see child.h. The program's image is read from the boot archive once more for each child.
 */
#include "tests/user/child.h"

#include "tests/user/memory.h"
#include "user/lib/launch.h"
#include "user/lib/program.h"

#define STACK_SIZE ((uint64_t)64 << 10)

static struct program program;

static zx_status_t read_image(void) {
    const char *why;
    return program.image.segment_count == 0 ? program_read(launch_archive(), "bin/tests", &program, &why) : ZX_OK;
}

bool child_read(void) { return TEST_STATUS(read_image(), ZX_OK); }

static zx_status_t map_image(zx_handle_t vmar) {
    zx_vaddr_t entry;
    zx_status_t status = read_image();
    return status == ZX_OK ? program_map(&program, vmar, &entry) : status;
}

/* The return address of the first function is the 0 at the stack's top. */
static zx_status_t map_stack(struct child *child) {
    zx_handle_t vmo;
    zx_vaddr_t base;
    zx_status_t status = zx_vmo_create(STACK_SIZE, 0, &vmo);
    if (status != ZX_OK) return status;
    status = zx_vmar_map(child->vmar, PERM_RW, 0, vmo, 0, STACK_SIZE, &base);
    zx_handle_close(vmo);
    child->stack = base + STACK_SIZE - sizeof(uint64_t);
    return status;
}

static zx_status_t map_board(struct child *child) {
    zx_handle_t vmo;
    zx_vaddr_t here = 0;
    zx_status_t status = zx_vmo_create(PAGE, 0, &vmo);
    if (status != ZX_OK) return status;
    status = zx_vmar_map(child->vmar, PERM_RW, 0, vmo, 0, PAGE, &child->board_there);
    if (status == ZX_OK) status = zx_vmar_map(zx_vmar_root_self(), PERM_RW, 0, vmo, 0, PAGE, &here);
    zx_handle_close(vmo);
    child->board = (struct board *)here;
    return status;
}

bool child_make(struct child *child) { return child_make_in(child, zx_job_default()); }

bool child_make_in(struct child *child, zx_handle_t job) {
    *child = (struct child){0};
    zx_status_t status = zx_process_create(job, "child", 5, 0, &child->process, &child->vmar);
    if (status == ZX_OK) status = zx_thread_create(child->process, "first", 5, 0, &child->thread);
    if (status == ZX_OK) status = map_image(child->vmar);
    if (status == ZX_OK) status = map_stack(child);
    if (status == ZX_OK) status = map_board(child);
    if (!TEST_STATUS(status, ZX_OK)) {
        child_close(child);
        return false;
    }
    return true;
}

zx_status_t child_start(struct child *child, child_entry *entry, zx_handle_t arg1) {
    return zx_process_start(child->process, child->thread, (uintptr_t)entry, child->stack, arg1, child->board_there);
}

int64_t child_wait(struct child *child) {
    zx_info_process_t info = {.return_code = INT64_MIN};
    zx_time_t deadline = zx_deadline_after(ZX_SEC(20));
    zx_status_t status = zx_object_wait_one(child->process, ZX_PROCESS_TERMINATED, deadline, NULL);
    if (status == ZX_OK) status = zx_object_get_info(child->process, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL);
    (void)TEST_STATUS(status, ZX_OK);
    return info.return_code;
}

void child_close(struct child *child) {
    zx_handle_close(child->thread);
    zx_handle_close(child->vmar);
    zx_handle_close(child->process);
    if (child->board) zx_vmar_unmap(zx_vmar_root_self(), (uintptr_t)child->board, PAGE);
    *child = (struct child){0};
}

int64_t child_run_with(child_entry *entry, uint64_t word) {
    struct child child;
    if (!child_make(&child) || !child.board) return INT64_MIN;
    child.board->words[0] = word;
    int64_t code = INT64_MIN;
    if (TEST_STATUS(child_start(&child, entry, ZX_HANDLE_INVALID), ZX_OK)) code = child_wait(&child);
    child_close(&child);
    return code;
}

int64_t child_run(child_entry *entry) { return child_run_with(entry, 0); }

static void worker_main(uintptr_t arg1, uintptr_t arg2) {
    struct worker *worker = (struct worker *)arg1;
    uintptr_t area = (uintptr_t)worker->area;
    (void)arg2;
    worker->area[0] = area;
    zx_object_set_property(worker->thread, ZX_PROP_REGISTER_FS, &area, sizeof(area));
    worker->run(worker->arg);
    zx_thread_exit();
}

bool worker_start(struct worker *worker, void (*run)(void *arg), void *arg) {
    uintptr_t stack = (uintptr_t)worker->stack + sizeof(worker->stack) - sizeof(uint64_t);
    worker->run = run;
    worker->arg = arg;
    if (!TEST_STATUS(zx_thread_create(zx_process_self(), "worker", 6, 0, &worker->thread), ZX_OK)) return false;
    return TEST_STATUS(zx_thread_start(worker->thread, (uintptr_t)worker_main, stack, (uintptr_t)worker, 0), ZX_OK);
}

bool worker_join(struct worker *worker) {
    zx_time_t deadline = zx_deadline_after(ZX_SEC(10));
    bool ended = TEST_STATUS(zx_object_wait_one(worker->thread, ZX_THREAD_TERMINATED, deadline, NULL), ZX_OK);
    zx_handle_close(worker->thread);
    return ended;
}

bool thread_waits(zx_handle_t thread) {
    zx_info_thread_t info = {0};
    zx_time_t deadline = zx_deadline_after(ZX_SEC(10));
    while (ZX_THREAD_STATE_BASIC(info.state) != ZX_THREAD_STATE_BLOCKED && zx_clock_get_monotonic() < deadline) {
        zx_nanosleep(zx_deadline_after(ZX_USEC(200)));
        if (!TEST_STATUS(zx_object_get_info(thread, ZX_INFO_THREAD, &info, sizeof(info), NULL, NULL), ZX_OK)) break;
    }
    return TEST_EQ(ZX_THREAD_STATE_BASIC(info.state), ZX_THREAD_STATE_BLOCKED);
}

/* Several times: a machine that is itself held up may have one sleep end before anybody ran. */
void settle(void) {
    for (int i = 0; i < 3; i++) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
}
