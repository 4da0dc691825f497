/*
 * Processes that come and go: launched, attached to, let go, killed. Those that are launched here have a job of their
 * own, whose debugger is told of every process that begins in it, before its first instruction.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/processargs.h>

#include "user/gdbserver/output.h"
#include "user/gdbserver/server.h"
#include "user/lib/launch.h"
#include "user/lib/process_find.h"
#include "user/libc/terminal.h"

/* What one call waits for has two items for each. */
#define MAX_PROCESSES 16
#define MAX_ARGS 64

const char *const *run_args;

static zx_handle_t job, channel;

zx_handle_t run_channel(void) { return channel; }

zx_status_t run_start(void) {
    zx_status_t status = zx_job_create(launch_programs_job(), 0, &job);
    if (status == ZX_OK) status = zx_object_set_property(job, ZX_PROP_NAME, "debugged", strlen("debugged"));
    if (status == ZX_OK) status = zx_task_create_exception_channel(job, ZX_EXCEPTION_CHANNEL_DEBUGGER, &channel);
    return status;
}

/* --- the list --- */

static size_t process_count(void) {
    size_t count = 0;
    for (const struct debug_process *p = processes; p; p = p->next) count++;
    return count;
}

/* Takes the handle. At the end of the list. */
static zx_status_t process_add(zx_handle_t process, struct debug_process **out) {
    if (process_count() == MAX_PROCESSES) {
        zx_handle_close(process);
        return ZX_ERR_NO_RESOURCES;
    }
    zx_status_t status = debug_attach(process, out);
    if (status != ZX_OK) return status;
    struct debug_process **end = &processes;
    while (*end) end = &(*end)->next;
    *end = *out;
    return ZX_OK;
}

void process_forget(struct debug_process *p) {
    struct debug_process **at = &processes;
    while (*at != p) at = &(*at)->next;
    *at = p->next;
    debug_detach(p);
}

void detach_all(void) {
    while (processes) process_forget(processes);
    output_close_all();
}

void kill_all(void) {
    while (processes) {
        zx_task_kill(processes->handle);
        process_forget(processes);
    }
}

/* --- launching --- */

/* What begins: the process that is being launched, or one that a debugged one starts. Others just go on. */
static struct debug_process *begins(const zx_exception_info_t *info, zx_handle_t exception, zx_koid_t launched) {
    struct debug_process *p = NULL;
    zx_handle_t process;
    bool wanted = info->pid == launched || (session.fork_events && session.multiprocess && session.under_way);
    if (wanted && zx_exception_get_process(exception, &process) == ZX_OK && process_add(process, &p) == ZX_OK) {
        debug_message(p, info, exception);
        p->begun = info->pid != launched;
        p->threads->told = true;
    } else {
        zx_handle_close(exception);
    }
    return info->pid == launched ? p : NULL;
}

/* Takes what has come; returns the process that was launched, if it is among it. */
static struct debug_process *take_begun(zx_koid_t launched) {
    zx_exception_info_t info;
    zx_handle_t exception;
    struct debug_process *found = NULL;
    while (zx_channel_read(channel, 0, &info, &exception, sizeof(info), 1, NULL, NULL) == ZX_OK) {
        struct debug_process *p = begins(&info, exception, launched);
        if (p) found = p;
    }
    return found;
}

struct debug_process *run_begun(void) {
    struct debug_process *p = processes;
    while (p && !p->begun) p = p->next;
    return p;
}

void run_take(void) { take_begun(ZX_KOID_INVALID); }

static zx_status_t await_begun(zx_handle_t process, struct debug_process **out) {
    zx_info_handle_basic_t info = {0};
    (void)zx_object_get_info(process, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
    for (;;) {
        zx_wait_item_t items[] = {{channel, ZX_CHANNEL_READABLE, 0}, {process, ZX_PROCESS_TERMINATED, 0}};
        zx_status_t status = zx_object_wait_many(items, 2, ZX_TIME_INFINITE);
        if (status != ZX_OK) return status;
        *out = take_begun(info.koid);
        if (*out) return ZX_OK;
        if (items[1].pending & ZX_PROCESS_TERMINATED) return ZX_ERR_BAD_STATE;
    }
}

/* Where a program reads and writes: the debugger shows what it writes, or else it has this server's console. */
static bool terminal_make(const char *name, bool console, struct launch_handle *out) {
    out->id = console ? INPUT_HANDLE_ID : TERMINAL_HANDLE_ID;
    if (!console) return output_open(name, &out->handle);
    out->handle = __port_input_take();
    return out->handle != ZX_HANDLE_INVALID;
}

zx_status_t run_launch(const char *const *args, bool console, struct debug_process **out) {
    struct launch_handle handles[1 + LAUNCH_INHERITED];
    size_t count = 0;
    zx_handle_t process;
    const char *path = *args[0] == '/' ? args[0] + 1 : args[0];
    bool confined = !launch_is_privileged(path);
    if (terminal_make(args[0], console, &handles[0])) count++;
    const struct launch what = {
        .archive = launch_archive(),
        .path = path,
        .args = args,
        .environ = (const char *const *)environ,
        .job = job,
        .confined = confined,
        .handles = handles,
        .handle_count = count + launch_inherit(confined, handles + count),
    };
    zx_status_t status = launch(&what, &process, NULL);
    if (status != ZX_OK) return status;
    status = await_begun(process, out);
    zx_handle_close(process);
    return status;
}

/* --- requests --- */

/* The words of a vRun, each in digits; NULL: they make no sense. The first may be empty. */
static const char **take_args(struct request request) {
    static char text[PACKET_MAX];
    static const char *args[MAX_ARGS + 1];
    size_t count = 0, at = 0, len;
    do {
        struct request word = take_until(&request, ';');
        if (count == MAX_ARGS || !take_hex_bytes(&word, text + at, sizeof(text) - 1 - at, &len)) return NULL;
        if (memchr(text + at, '\0', len)) return NULL;
        args[count++] = text + at;
        at += len;
        text[at++] = '\0';
        if (at == sizeof(text)) return NULL;
    } while (request.at < request.end);
    args[count] = NULL;
    return args;
}

/* Stopped at its first instruction. */
static void put_begun(struct reply *reply, struct debug_process *p, enum gdb_signal signal) {
    struct debug_thread *t = p->threads;
    session.general = (struct thread_id){(int64_t)p->koid, t ? (int64_t)t->koid : ID_ANY};
    if (!t) return put_error(reply, ZX_ERR_BAD_STATE);
    t->told = true;
    put_stop(reply, t, signal);
}

/* No program's name means the one that this server was started with; no arguments then mean its own. */
void run_command(struct request request, struct reply *reply) {
    struct debug_process *p;
    const char **args = take_args(request);
    if (!args) return put_error(reply, ZX_ERR_INVALID_ARGS);
    if (!*args[0] && run_args) args[0] = run_args[0];
    zx_status_t status = run_launch(run_args && args[0] == run_args[0] && !args[1] ? run_args : args, false, &p);
    if (status != ZX_OK) return put_error(reply, status);
    put_begun(reply, p, GDB_SIGNAL_TRAP);
}

void attach_command(struct request request, struct reply *reply) {
    uint64_t koid;
    zx_handle_t process;
    struct debug_process *p;
    if (!take_hex(&request, &koid)) return put_error(reply, ZX_ERR_INVALID_ARGS);
    zx_status_t status = process_open(koid, &process);
    if (status == ZX_OK) status = process_add(process, &p);
    if (status != ZX_OK) return put_error(reply, status);
    p->attached = true;
    put_begun(reply, p, GDB_SIGNAL_NONE);
}

/* `D` alone is for a debugger of one process. */
void detach_command(struct request request, struct reply *reply) {
    uint64_t koid = 0;
    if (take(&request, ";") && !take_hex(&request, &koid)) return put_error(reply, ZX_ERR_INVALID_ARGS);
    struct debug_process *p = process_named((int64_t)koid);
    if (!p) return put_error(reply, ZX_ERR_NOT_FOUND);
    process_forget(p);
    if (!processes) output_close_all();
    put_text(reply, "OK");
}

void kill_command(struct request request, struct reply *reply) {
    uint64_t koid;
    if (!take_hex(&request, &koid)) return put_error(reply, ZX_ERR_INVALID_ARGS);
    struct debug_process *p = koid ? process_named((int64_t)koid) : NULL;
    if (!p) return put_error(reply, ZX_ERR_NOT_FOUND);
    zx_status_t status = zx_task_kill(p->handle);
    (void)zx_object_wait_one(p->handle, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, NULL);
    process_forget(p);
    put_ok_or_error(reply, status);
}
