/* System calls for debugging the system itself. Manual: debug.md. */
#include "syscalls/debug.h"
#include "arch/console.h"
#include "arch/time.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/object/output.h"
#include "kernel/object/process.h"
#include "kernel/object/selfcheck.h"
#include "kernel/object/user_thread.h"
#include "kernel/sched/mutex.h"
#include "vm/inject.h"
#include "vm/usercopy.h"

#define DEBUG_TEXT_MAX 256

/* How long until the console is looked at again. A person's typing can wait that long. */
#define CONSOLE_POLL ZX_MSEC(2)

/* Until the device may take something again. Not interruptible: a suspension waits until all is written. */
static void output_pause(void) {
    struct waiter nobody_wakes = WAITER_INIT(thread_current());
    (void)!waiter_block(&nobody_wakes, arch_time_now() + CONSOLE_POLL, WAIT_UNINTERRUPTIBLE);
}

static zx_status_t write_all(const char *text, size_t len) {
    size_t done = 0;
    while ((done += arch_console_write(text + done, len - done)) < len) {
        if (thread_killed()) return ZX_ERR_INTERNAL_INTR_RETRY;
        output_pause();
    }
    return ZX_OK;
}

static zx_status_t sys_debug_write(user_in_t buffer, size_t size) {
    char text[DEBUG_TEXT_MAX];
    struct process *process = user_thread_current()->process;
    size_t len = min_u64(size, sizeof(text));
    if (len == 0) return ZX_OK;
    zx_status_t status = copy_in(text, buffer, len);
    user_thread_waits_in(ZX_THREAD_STATE_BLOCKED_SLEEPING);
    if (status == ZX_OK) status = output_begin(process);
    if (status != ZX_OK) return status;
    status = write_all(text, len);
    output_end(process);
    return status;
}

/* Each byte is read by one of several readers. */
static size_t read_now(char *text, size_t size) {
    static struct spinlock lock = SPINLOCK_INIT(RANK_LOG, "console input");
    spin_lock(&lock);
    size_t len = arch_console_read(text, size);
    spin_unlock(&lock);
    return len;
}

/* Waits for the first byte, and takes what is there. */
static zx_status_t read_some(char *text, size_t size, size_t *len) {
    user_thread_waits_in(ZX_THREAD_STATE_BLOCKED_SLEEPING);
    while ((*len = read_now(text, size)) == 0) {
        zx_status_t status = thread_sleep_until(arch_time_now() + CONSOLE_POLL);
        if (status != ZX_OK) return status;
    }
    for (size_t i = 0; i < *len; i++) {
        if (text[i] == '\r') text[i] = '\n';
    }
    return ZX_OK;
}

static zx_status_t sys_debug_read(user_out_t buffer, user_out_t size_inout) {
    char text[DEBUG_TEXT_MAX];
    size_t wanted, done = 0, len;
    zx_status_t status = user_get(&wanted, (user_in_t){size_inout.addr});
    while (status == ZX_OK && done < wanted) {
        status = read_some(text, min_u64(wanted - done, sizeof(text)), &len);
        if (status == ZX_ERR_INTERNAL_INTR_RETRY && done > 0) return user_put(size_inout, done);
        if (status == ZX_OK) status = copy_out(user_out_at(buffer, done), text, len);
        if (status == ZX_OK) done += len;
    }
    return status == ZX_OK ? user_put(size_inout, done) : status;
}

static struct mutex report_lock = MUTEX_INIT(report_lock, RANK_REPORT, "report");

static zx_status_t command_report(const char *text) {
    mutex_lock(&report_lock);
    arch_report_write(text, strlen(text));
    arch_report_write("\n", 1);
    mutex_unlock(&report_lock);
    return ZX_OK;
}

#ifdef DEBUG
static enum baseline named_baseline(const char *text) {
    return strcmp(text, "inner") == 0 ? BASELINE_INNER : BASELINE_OUTER;
}

static zx_status_t command_baseline(const char *text) {
    selfcheck_baseline(named_baseline(text));
    return ZX_OK;
}

static zx_status_t command_leaks(const char *text) { return selfcheck_leaks(named_baseline(text)); }
static zx_status_t command_check(const char *text UNUSED) { return selfcheck_invariants(); }

static bool number_of(const char *text, uint64_t *number) {
    *number = 0;
    for (; *text >= '0' && *text <= '9'; text++) *number = *number * 10 + (uint64_t)(*text - '0');
    return *text == '\0';
}

/* The n-th allocation of the calling thread from the end of this call on fails; without a number, off. */
static zx_status_t command_fail(const char *text) {
    uint64_t nth;
    if (!number_of(text, &nth)) return ZX_ERR_INVALID_ARGS;
    inject_arm(nth);
    return ZX_OK;
}

/* From the end of this call on the calling thread gets so many pages more; without a number, as many as before. */
static zx_status_t command_limit(const char *text) {
    uint64_t pages;
    if (!number_of(text, &pages)) return ZX_ERR_INVALID_ARGS;
    if (*text) return inject_limit(pages) ? ZX_OK : ZX_ERR_NO_MEMORY;
    inject_unlimit();
    return ZX_OK;
}

/* Has the failure that was asked for happened? */
static zx_status_t command_failed(const char *text UNUSED) { return inject_fired() ? ZX_OK : ZX_ERR_NOT_FOUND; }
#define OTHER_COMMANDS ZX_ERR_NOT_FOUND
#else
#define OTHER_COMMANDS ZX_ERR_NOT_SUPPORTED
#endif

static const struct command {
    const char *name;
    zx_status_t (*run)(const char *text);
} commands[] = {
    {"report", command_report},
#ifdef DEBUG
    {"baseline", command_baseline}, {"leaks", command_leaks}, {"check", command_check},
    {"fail", command_fail},         {"limit", command_limit}, {"failed", command_failed},
#endif
};

static zx_status_t run_command(const char *line) {
    for (size_t i = 0; i < countof(commands); i++) {
        size_t len = strlen(commands[i].name);
        if (strncmp(line, commands[i].name, len) != 0 || (line[len] != ' ' && line[len] != '\0')) continue;
        return commands[i].run(line + len + (line[len] == ' '));
    }
    return OTHER_COMMANDS;
}

static zx_status_t sys_debug_send_command(user_in_t buffer, size_t size) {
    char line[DEBUG_TEXT_MAX + 1];
    if (size > DEBUG_TEXT_MAX) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = copy_in(line, buffer, size);
    if (status != ZX_OK) return status;
    line[size] = '\0';
    return run_command(line);
}
