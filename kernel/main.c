/* The boot sequence, top to bottom, and the kernel's end: when the first program ends, so does the machine. */
#include "arch/boot.h"
#include "arch/power.h"
#include "arch/time.h"
#include "arch/upcall.h"
#include "kernel/base/log.h"
#include "kernel/base/options.h"
#include "kernel/base/random.h"
#include "kernel/base/string.h"
#include "kernel/base/utc.h"
#include "kernel/object/ktrace.h"
#include "kernel/object/oom.h"
#include "kernel/object/user_timer.h"
#include "kernel/object/wait.h"
#include "kernel/sched/force.h"
#include "kernel/sched/sched.h"
#include "kernel/userboot.h"
#include "vm/budget.h"
#include "vm/kstack.h"
#include "vm/page.h"
#include "vm/vmo.h"

#ifdef KERNEL_TESTS
#include "tests/kernel/harness.h"
#endif

static struct thread reaper_thread, timers_thread, oom_thread, main_thread;

NORETURN static void power_off(int64_t code) {
    force_report();
    irq_watch_report();
    report_line("exit %ld", code);
    report_line("# end");
    log_line("power off after %ld ms, %zu of %zu pages free", arch_time_now() / ZX_MSEC(1), pages_free(),
             pages_total());
    arch_power_off(code == 0 ? POWER_OK : POWER_FAIL);
}

/* Starts init and waits for its end; its return code is the machine's. */
static int64_t run_init(void) {
    struct process *init;
    struct process_info info;
    zx_signals_t observed;
    zx_status_t status = userboot(arch_boot_info(), &init);
    if (status != ZX_OK) {
        log_line("cannot start bin/init: status %d", status);
        return status;
    }
    oom_begin(init->job);
    status = object_wait_one(&init->object, NULL, NULL, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, &observed);
    process_get_info(init, &info);
    return status == ZX_OK ? info.return_code : status;
}

static void main_entry(void *arg UNUSED) {
#ifdef KERNEL_TESTS
    char test[8];
    if (option_string("kernel.test", test, sizeof(test)) && strcmp(test, "unit") == 0) power_off(kernel_tests_main());
#endif
    power_off(run_init());
}

/* A kernel thread that never ends. */
static void start_kernel_thread(struct thread *thread, void (*entry)(void *)) {
    static uint64_t last_koid = KTRACE_IDLE_THREADS;
    void *stack = kstack_alloc(&root_budget);
    CHECK(stack);
    thread_init(thread, entry, NULL, NULL);
    thread->koid = ++last_koid;
    thread_give_stack(thread, stack, KSTACK_SIZE);
    thread_start(thread);
}

/* Option kernel.smp.maxcpus: how many processors may run. */
static void start_cpus(void) {
    unsigned count = arch_cpus_start((unsigned)option_number("kernel.smp.maxcpus", MAX_CPUS));
    log_line("%u processor%s", count, count == 1 ? "" : "s");
}

/* What runs before a processor has other threads is the kernel's own. */
static void cpu_init(void) {
    sched_init();
    ktrace_cpu_init();
    (void)budget_assume(&root_budget);
}

void upcall_cpu_join(void) { cpu_init(); }

void upcall_cpu_run(void) { sched_idle(); }

void upcall_start(void) {
    const struct boot_info *info = arch_boot_info();
    report_line("# boot");
    options_init(info->cmdline);
    log_line("jargoon: %lu MiB of RAM, loader %s, command line '%s'", info->ram_total >> 20, info->loader,
             info->cmdline);
    cpu_init();
    pages_init(info);
    kstack_init();
    vmo_init();
    random_init();
    utc_init();
    start_cpus();
    force_init();
    irq_watch_init();
    ktrace_init();
    start_kernel_thread(&reaper_thread, sched_reaper);
    start_kernel_thread(&timers_thread, user_timers_keeper);
    start_kernel_thread(&oom_thread, oom_keeper);
    start_kernel_thread(&main_thread, main_entry);
    sched_idle();
}
