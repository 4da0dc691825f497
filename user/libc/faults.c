/*
 * The processor's exceptions as signals. A thread of the process serves its exception channel, once the program has a
 * handler for one of them: it lets the faulting thread go on in the handler. What has no handler it passes on, to
 * the watcher of the job, so that the process ends as it would have. A debugger is asked before it.
 *
 * The server is no thread of the C library's: it has no thread-local variables, and calls nothing that may need them or
 * a lock that a faulting thread can hold. It runs until the process ends.
 */
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "libc_inline/machine.h"
#include "user/libc/signals.h"

#define STACK_LEN 16384

static zx_handle_t channel;

/* Makes the thread handle its exception. False if it cannot. */
static bool handle(zx_handle_t thread, zx_koid_t koid) {
    zx_exception_report_t report;
    zx_thread_state_general_regs_t regs;
    siginfo_t info = {0};
    if (zx_object_get_info(thread, ZX_INFO_THREAD_EXCEPTION_REPORT, &report, sizeof(report), NULL, NULL) != ZX_OK ||
        zx_thread_read_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof(regs)) != ZX_OK)
        return false;
    info.si_signo = __port_machine_signal(&report, &info);
    struct signals *signals = __port_signals_of(&regs, koid);
    if (info.si_signo == 0 || !signals || !__port_signal_inject(signals, &regs, &info)) return false;
    return zx_thread_write_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof(regs)) == ZX_OK;
}

static void serve(uintptr_t unused1, uintptr_t unused2) {
    (void)unused1, (void)unused2;
    zx_exception_info_t info;
    zx_handle_t exception, thread;
    while (zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL) == ZX_OK) {
        if (zx_channel_read(channel, 0, &info, &exception, sizeof(info), 1, NULL, NULL) != ZX_OK) continue;
        const uint32_t handled = ZX_EXCEPTION_STATE_HANDLED;
        if (zx_exception_get_thread(exception, &thread) == ZX_OK) {
            if (handle(thread, info.tid))
                zx_object_set_property(exception, ZX_PROP_EXCEPTION_STATE, &handled, sizeof(handled));
            zx_handle_close(thread);
        }
        zx_handle_close(exception);
    }
    zx_thread_exit();
}

zx_status_t __port_faults_start(void) {
    static _Alignas(16) char stack[STACK_LEN];
    static zx_futex_t starting;
    zx_handle_t server = ZX_HANDLE_INVALID;
    zx_status_t status = ZX_OK;
    __port_lock(&starting);
    if (channel == ZX_HANDLE_INVALID) {
        status = zx_task_create_exception_channel(zx_process_self(), 0, &channel);
        if (status == ZX_OK) status = zx_thread_create(zx_process_self(), "faults", strlen("faults"), 0, &server);
        zx_vaddr_t top = machine_stack_pointer((uintptr_t)stack + sizeof(stack));
        if (status == ZX_OK) status = zx_thread_start(server, (zx_vaddr_t)serve, top, 0, 0);
        zx_handle_close(server);
        if (status != ZX_OK) {
            zx_handle_close(channel);
            channel = ZX_HANDLE_INVALID;
        }
    }
    __port_unlock(&starting);
    return status;
}
