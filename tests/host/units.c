/*
 * The kernel's unit tests, all of tests/kernel, run on the host under the sanitizers; and what only the host can show,
 * a boot archive in the hands of a test, and exceptions of every kind.
 */
#include <string.h>
#include <zircon/syscalls/exception.h>

#include "arch/boot.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/object/process.h"
#include "kernel/object/user_thread.h"
#include "kernel/object/wait.h"
#include "tests/host/host.h"
#include "tests/kernel/support.h"
#include "vm/budget.h"
#include "vm/heap.h"
#include "vm/inject.h"
#include "vm/page.h"
#include "vm/vmo.h"

#define FILL 0x5a

static struct vmo *archive; /* as in a running kernel, it stays */
static zx_status_t archive_status, spare_status;
static size_t spare_pages; /* that became free */

/* As the kernel does it, but before the tests begin to count pages. */
static void archive_make(void) {
    const struct boot_range *range = &arch_boot_info()->bootfs;
    memset(arch_phys_to_virt(range->base), FILL, range->len);
    archive_status = vmo_create_from_frames(range->base, range->len, &archive);

    struct vmo *none;
    const size_t before = pages_free();
    inject_arm(2);
    spare_status = vmo_create_from_frames((paddr_t){range->base.raw + archive->size}, PAGE_SIZE, &none);
    inject_arm(0);
    budgets_trim(&root_budget);
    spare_pages = pages_free() - before;
}

KTEST("vmo/the boot archive's frames become a VMO's where they are, with what the loader left in them") {
    const struct boot_range *range = &arch_boot_info()->bootfs;
    NEED(archive_status == ZX_OK);
    EXPECT(archive->size == page_round_down(range->len + PAGE_SIZE - 1) && archive->size > range->len);
    EXPECT(vmo_committed_bytes(archive, 0, archive->size) == archive->size);
    for (uint64_t offset = 0; offset < archive->size; offset += PAGE_SIZE) {
        EXPECT(vmo_frame(archive, offset) == range->base.raw + offset);
        EXPECT(page_in_use((paddr_t){range->base.raw + offset}));
        EXPECT(vmo_peek(archive, offset) == FILL);
    }
    EXPECT(vmo_peek(archive, range->len - 1) == FILL && vmo_peek(archive, range->len) == 0);
}

/*
 * The second allocation is for the tree that the frame goes into. A frame is given away but once, so there is one try.
 */
KTEST("vmo/a frame that there is no memory to keep is free memory") {
    EXPECT(spare_status == ZX_ERR_NO_MEMORY);
    EXPECT(spare_pages == 1);
}

/* A process whose first thread begins with that exception. */
static bool crashes(uint32_t type, const char *name) {
    struct job *job;
    struct process *process;
    struct user_thread *thread;
    zx_signals_t observed;
    if (job_create_root(&job) != ZX_OK || process_create(job, "fragile", &process) != ZX_OK ||
        user_thread_create(process, "thread", &thread) != ZX_OK)
        return false;
    bool good = process_start(process, thread, host_fault_entry(type), 0, (struct handle){0}, 0) == ZX_OK &&
                object_wait_one(&job->object, NULL, NULL, ZX_JOB_NO_PROCESSES, ZX_TIME_INFINITE, &observed) == ZX_OK;
    while (atomic_load(&thread->object.refs) != 1) thread_yield();
    good = good && strstr(host_log_line(), "'fragile'") && strstr(host_log_line(), name);
    object_unref(&thread->object);
    object_unref(&process->object);
    object_unref(&job->object);
    return good;
}

KTEST("process/whatever crashes it, the log says what it was") {
    EXPECT(crashes(ZX_EXCP_FATAL_PAGE_FAULT, "page fault"));
    EXPECT(crashes(ZX_EXCP_UNDEFINED_INSTRUCTION, "undefined instruction"));
    EXPECT(crashes(ZX_EXCP_SW_BREAKPOINT, ": breakpoint"));
    EXPECT(crashes(ZX_EXCP_HW_BREAKPOINT, "hardware breakpoint"));
    EXPECT(crashes(ZX_EXCP_UNALIGNED_ACCESS, "unaligned access"));
    EXPECT(crashes(ZX_EXCP_GENERAL, "general exception"));
}

static unsigned told; /* how often the log says that a thread crashed when another is about to */

/* The last one crashes at once, and the others when they are killed but have not noticed it. */
static void crash_with_others(uint64_t arg1 UNUSED, uint64_t number) {
    while (number > 0 && !thread_killed()) thread_yield();
    told += strstr(host_log_line(), "page fault") != NULL;
}

KTEST("process/of threads that crash together one is told, and the others are counted") {
    struct job *job;
    struct process *process;
    struct user_thread *threads[4];
    zx_signals_t observed;
    NEED(job_create_root(&job) == ZX_OK && process_create(job, "\x1b[2J\\fragile\n", &process) == ZX_OK);
    for (size_t i = 0; i < countof(threads); i++) NEED(user_thread_create(process, "", &threads[i]) == ZX_OK);
    const vaddr_t entry = host_program_entry(crash_with_others);
    log_line("nobody has crashed");
    told = 0;
    NEED(process_start(process, threads[3], entry, 0, (struct handle){0}, 3) == ZX_OK);
    for (size_t i = 3; i-- > 0;) NEED(user_thread_start(threads[i], entry, 0, 0, i) == ZX_OK);
    EXPECT(object_wait_one(&job->object, NULL, NULL, ZX_JOB_NO_PROCESSES, ZX_TIME_INFINITE, &observed) == ZX_OK);
    EXPECT(told == 3);
    EXPECT(strstr(host_log_line(), "crash: 3 more threads of process "));
    EXPECT(strstr(host_log_line(), "'\\x1b[2J\\x5cfragile\\x0a'\n"));
    for (size_t i = 0; i < countof(threads); i++) {
        while (atomic_load(&threads[i]->object.refs) != 1) thread_yield();
        object_unref(&threads[i]->object);
    }
    object_unref(&process->object);
    object_unref(&job->object);
}

KTEST("log/a line that the device cuts ends before the next begins, and one of which it takes nothing is lost") {
    host_log_takes(20);
    log_line("this will be cut");
    EXPECT(!strchr(host_log_line(), '\n'));
    host_log_takes(0);
    log_line("this will be lost");
    host_log_takes(SIZE_MAX);
    log_line("this is a line");
    EXPECT(strstr(host_log_line(), "] this is a line\n") && !strstr(host_log_line(), "cut"));
}

static void run(void) {
    archive_make();
    host_exit(kernel_tests_main() ? 1 : 0);
}

int main(void) { host_boot((size_t)256 << 20, run); }
