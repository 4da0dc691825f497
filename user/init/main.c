/*
 * The first program. It runs others, one after the other, and its return code, which the kernel makes the machine's
 * own end, is the first of theirs that is not 0. Which programs come from the kernel's command line,
 * init.run=NAME,NAME; their arguments come from the file etc/args of the boot archive, if there is one, each ended by
 * a NUL. One more, init.beside=NAME, is started before them without arguments, and ends when the machine does. The
 * console is theirs: init writes to it only if one of several comes to a bad end, or one cannot be started.
 *
 * A program is given what it needs and no more: a job of its own below the root job, the archive to read, and what is
 * typed. The root job and the root resource are for those that the system itself consists of, and for whichever
 * init.privileged=NAME,NAME names. All jobs of programs lie in one, `programs`, whose limit leaves an eighth of memory
 * to those others: so there is always a monitor to kill what has taken the rest.
 *
 * With init.crashes=report on the command line it reports crashes, to the report of the run; the monitor does so by
 * itself. With init.complaints=report its own complaints are put there too, and not on the console.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>

#include "user/init/input.h"
#include "user/init/trace.h"
#include "user/lib/bootfs.h"
#include "user/lib/crash_watch.h"
#include "user/lib/launch.h"
#include "user/libc/terminal.h"

#define DEFAULT_PROGRAMS "tour,monitor"
#define NOT_STARTED INT64_MIN /* a return code that no program is likely to have: it was init that failed */
#define MAX_ARGS_LEN (128u << 10)
#define MAX_ARGS (MAX_ARGS_LEN + 1) /* each takes a byte at least */

static const char *args[MAX_ARGS + 1];
static char args_text[MAX_ARGS_LEN + 1];

/* Appends to `args` what etc/args has; without that file there is nothing to append. */
static zx_status_t args_read(size_t count) {
    struct newc_file file;
    zx_status_t status = bootfs_find(launch_archive(), "etc/args", &file);
    if (status != ZX_OK) return status == ZX_ERR_NOT_FOUND ? ZX_OK : status;
    if (file.len > MAX_ARGS_LEN) return ZX_ERR_OUT_OF_RANGE;
    status = zx_vmo_read(launch_archive(), args_text, file.offset, file.len);
    if (status != ZX_OK) return status;
    for (size_t at = 0; at < file.len; at += strlen(args_text + at) + 1) {
        args[count++] = args_text + at;
    }
    return ZX_OK;
}

static void report(const char *kind, const char *text) {
    char command[sizeof("report complaint: ") + CRASH_LINE_MAX];
    int len = snprintf(command, sizeof(command), "report %s: %s", kind, text);
    size_t size = (size_t)len < sizeof(command) ? (size_t)len : sizeof(command) - 1;
    zx_debug_send_command(launch_resource(), command, size);
}

static void crash_line_report(const char *text) { report("crash", text); }

/* To the console; where init.complaints=report says that somebody hears the report, there. */
static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void complain(const char *format, ...) {
    const char *where = getenv("init.complaints");
    char text[CRASH_LINE_MAX];
    va_list what;
    va_start(what, format);
    vsnprintf(text, sizeof(text), format, what);
    va_end(what);
    if (where && strcmp(where, "report") == 0)
        report("complaint", text);
    else
        printf("init: %s\n", text);
    fflush(stdout);
}

static _Noreturn void fail(const char *name, const char *why, zx_status_t status) {
    complain("%s cannot be started: %s (%s)", name, why, zx_status_get_string(status));
    zx_process_exit(NOT_STARTED);
}

/* A program's own exit needs no comment. */
static void end_explain(const char *name, int64_t code) {
    if (code == ZX_TASK_RETCODE_EXCEPTION_KILL)
        complain("%s crashed", name);
    else if (code == ZX_TASK_RETCODE_SYSCALL_KILL)
        complain("%s was killed", name);
}

/* Waits for a program's end; gives it input, and reports crashes if that is wanted, meanwhile. */
static zx_status_t wait_for(zx_handle_t process, zx_handle_t crashes) {
    for (;;) {
        zx_wait_item_t items[2 + INPUT_ITEMS] = {{process, ZX_PROCESS_TERMINATED, 0}};
        size_t count = 1;
        if (crashes != ZX_HANDLE_INVALID) items[count++] = (zx_wait_item_t){crashes, ZX_CHANNEL_READABLE, 0};
        count += input_items(items + count);
        zx_status_t status = zx_object_wait_many(items, count, ZX_TIME_INFINITE);
        if (status != ZX_OK || items[0].pending & ZX_PROCESS_TERMINATED) return status;
        if (crashes != ZX_HANDLE_INVALID) crash_watch_serve(crash_line_report);
        input_serve();
    }
}

/* The monitor and the server change other processes; the tests and the measurements are about all there is. */
static bool is_privileged(const char *name) {
    static const char *const own[] = {"monitor", "gdbserver", "tests", "bench"};
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
        if (strcmp(name, own[i]) == 0) return true;
    }
    return launch_is_privileged(name);
}

/* The job of all programs. */
static zx_handle_t programs;

/* All but an eighth of the memory that is not the kernel's for good. */
static zx_status_t programs_limit(void) {
    zx_info_kmem_stats_t stats;
    zx_status_t status = zx_object_get_info(launch_resource(), ZX_INFO_KMEM_STATS, &stats, sizeof(stats), NULL, NULL);
    if (status != ZX_OK) return status;
    const uint64_t memory = stats.total_bytes - stats.wired_bytes, limit = memory - memory / 8;
    return zx_object_set_property(programs, ZX_PROP_JOB_LIMIT_MEMORY, &limit, sizeof(limit));
}

static void programs_begin(void) {
    zx_object_set_property(zx_job_default(), ZX_PROP_NAME, "root", strlen("root"));
    zx_status_t status = zx_job_create(zx_job_default(), 0, &programs);
    if (status == ZX_OK) status = zx_object_set_property(programs, ZX_PROP_NAME, "programs", strlen("programs"));
    if (status == ZX_OK) status = programs_limit();
    if (status != ZX_OK) fail("programs", "there is no job for them", status);
}

static bool programs_give(struct launch_handle *out) {
    out->id = PROGRAMS_JOB_ID;
    return zx_handle_duplicate(programs, ZX_RIGHT_SAME_RIGHTS, &out->handle) == ZX_OK;
}

/* `reads`: it gets what is typed. */
static zx_handle_t start(const char *name, const char *const *words, bool reads) {
    struct launch_handle handles[LAUNCH_INHERITED + 2];
    bool confined = !is_privileged(name);
    size_t count = launch_inherit(confined, handles);
    if (!confined && programs_give(&handles[count])) count++;
    if (reads && input_open(&handles[count].handle) == ZX_OK) handles[count++].id = INPUT_HANDLE_ID;
    const struct launch what = {
        .archive = launch_archive(),
        .path = name,
        .args = words,
        .environ = (const char *const *)environ,
        .job = confined ? programs : ZX_HANDLE_INVALID,
        .confined = confined,
        .handles = handles,
        .handle_count = count,
    };
    zx_handle_t process;
    const char *why;
    zx_status_t status = launch(&what, &process, &why);
    if (status != ZX_OK) fail(name, why, status);
    return process;
}

static int64_t run(const char *name, zx_handle_t crashes) {
    args[0] = name;
    zx_handle_t process = start(name, args, true);
    int64_t code;
    zx_status_t status = wait_for(process, crashes);
    input_close();
    if (status == ZX_OK) status = launch_wait(process, &code);
    if (status != ZX_OK) fail(name, "it cannot be waited for", status);
    zx_handle_close(process);
    return code;
}

static void start_beside(const char *name) {
    const char *const alone[] = {name, NULL};
    zx_handle_close(start(name, alone, false));
}

int main(void) {
    const char *beside = getenv("init.beside");
    const char *wanted = getenv("init.run");
    char *names = strdup(wanted && *wanted ? wanted : DEFAULT_PROGRAMS);
    if (!names) fail("a program", "there is no memory", ZX_ERR_NO_MEMORY);
    zx_object_set_property(launch_archive(), ZX_PROP_NAME, "archive", strlen("archive"));
    zx_status_t status = args_read(1);
    if (status == ZX_ERR_OUT_OF_RANGE) fail(names, "its arguments are longer than 128 KiB", status);
    if (status != ZX_OK) fail(names, "its arguments cannot be read", status);

    programs_begin();
    if (beside && *beside) start_beside(beside);
    const char *crashes_wanted = getenv("init.crashes");
    zx_handle_t crashes = ZX_HANDLE_INVALID;
    if (crashes_wanted && strcmp(crashes_wanted, "report") == 0) crash_watch_start(&crashes);

    trace_begin();
    int64_t result = 0;
    bool several = strchr(names, ',');
    for (char *rest = names; rest;) {
        const char *name = strsep(&rest, ",");
        int64_t code = run(name, crashes);
        if (several) end_explain(name, code);
        if (result == 0) result = code;
    }
    trace_end();
    fflush(stdout);
    zx_process_exit(result);
}
