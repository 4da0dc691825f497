/*
 * The log: lines to the machine's log device, whole and in order, from any context. A line longer than the buffer is
 * cut, and so is one that the device does not take. After a panic has begun its processor alone writes, all of it
 * however long it takes, and leaves the lock alone, because its holder may never release it.
 */
#include "kernel/base/log.h"

#include "arch/console.h"
#include "arch/time.h"
#include "kernel/base/arith.h"
#include "kernel/base/spinlock.h"

#define LINE_MAX 256
#define NS_PER_US 1000
#define US_PER_SECOND 1000000

static struct spinlock log_lock = SPINLOCK_INIT(RANK_LOG, "log");
static bool cut GUARDED_BY(log_lock); /* the line before has no end yet */

static void line_write(const char *line, size_t len) {
    spin_lock(&log_lock);
    if (!cut || arch_log_write("\n", 1) == 1) cut = arch_log_write(line, len) < len;
    spin_unlock(&log_lock);
}

/* Some tens of milliseconds, longer than any line takes. Counted, for the clock may not go yet. */
#define PAUSES (1u << 20)

void log_take(void) {
    for (unsigned i = 0; i < PAUSES && atomic_load_explicit(&log_lock.locked, memory_order_acquire); i++) arch_pause();
}

static void line_write_at_last(const char *line, size_t len) {
    for (size_t done = 0; done < len;) done += arch_log_write(line + done, len - done);
}

void report_line(const char *fmt, ...) {
    char line[LINE_MAX];
    va_list args;
    va_start(args, fmt);
    size_t len = min_u64(format_args(line, sizeof(line), fmt, args), sizeof(line) - 1);
    va_end(args);
    line[len] = '\n';
    arch_report_write(line, len + 1);
}

void log_line(const char *fmt, ...) {
    char line[LINE_MAX];
    uint64_t us = (uint64_t)arch_time_now() / NS_PER_US;
    size_t len = format(line, sizeof(line), "[%5lu.%06lu] ", us / US_PER_SECOND, us % US_PER_SECOND);
    va_list args;
    va_start(args, fmt);
    len += format_args(line + len, sizeof(line) - len, fmt, args);
    va_end(args);
    len = min_u64(len, sizeof(line) - 1);
    line[len] = '\n';
    (panic_begun() ? line_write_at_last : line_write)(line, len + 1);
}
