/*
 * Attaching, detaching, and what comes out of a process's exception channel; see debug.h.
 *
 * The list of threads is complete as long as every thread that begins is announced, and every one that ends: from the
 * making of the channel on. Those that were there before are looked up once they can make no new ones, being suspended.
 */
#include "user/lib/debug.h"

#include <stdlib.h>
#include <string.h>

#include "user/lib/debug_internal.h"

#define MAX_OLD_THREADS 4096

struct debug_thread *debug_thread_find(struct debug_process *p, zx_koid_t koid) {
    struct debug_thread *t = p->threads;
    while (t && t->koid != koid) t = t->next;
    return t;
}

/* Takes the handle. At the end of the list: threads are shown in the order in which they began. */
static struct debug_thread *thread_add(struct debug_process *p, zx_koid_t koid, zx_handle_t handle) {
    struct debug_thread **end = &p->threads;
    while (*end && (*end)->koid != koid) end = &(*end)->next;
    if (*end || !(*end = calloc(1, sizeof(**end)))) {
        zx_handle_close(handle);
        return *end;
    }
    **end = (struct debug_thread){.process = p, .koid = koid, .handle = handle, .watch = -1};
    return *end;
}

static void thread_free(struct debug_thread *t) {
    zx_handle_close(t->exception);
    zx_handle_close(t->held);
    zx_handle_close(t->handle);
    free(t);
}

static void thread_drop(struct debug_process *p, zx_koid_t koid) {
    struct debug_thread **at = &p->threads;
    while (*at && (*at)->koid != koid) at = &(*at)->next;
    if (!*at) return;
    struct debug_thread *t = *at;
    *at = t->next;
    thread_free(t);
}

/* --- exceptions --- */

/* Should this debugger die, a thread that is stopped for it resumes; what was the program's own doing stays that. */
static void exception_keep(struct debug_thread *t, zx_handle_t exception, zx_excp_type_t type) {
    bool own = t->reason == DEBUG_FAULT || t->reason == DEBUG_TRAP;
    uint32_t state = own ? ZX_EXCEPTION_STATE_TRY_NEXT : ZX_EXCEPTION_STATE_HANDLED;
    uint32_t strategy = ZX_EXCEPTION_STRATEGY_FIRST_CHANCE;
    t->exception = exception;
    t->report = (zx_exception_report_t){.header = {.type = type}};
    (void)zx_object_get_info(t->handle, ZX_INFO_THREAD_EXCEPTION_REPORT, &t->report, sizeof(t->report), NULL, NULL);
    (void)zx_object_get_property(exception, ZX_PROP_EXCEPTION_STRATEGY, &strategy, sizeof(strategy));
    t->passed_on = strategy == ZX_EXCEPTION_STRATEGY_SECOND_CHANCE;
    (void)zx_object_set_property(exception, ZX_PROP_EXCEPTION_STATE, &state, sizeof(state));
}

/* At one of our breakpoints the thread is put back to its beginning, if the guard has not done so. */
static enum debug_reason reason_of_break(struct debug_thread *t, bool put_back) {
    struct machine_place place;
    if (machine_place_get(t->handle, &place) != ZX_OK) return DEBUG_TRAP;
    zx_vaddr_t addr = put_back ? place.pc : place.pc - machine_break_advance;
    const struct debug_break *b = debug_break_find(t->process, addr);
    if (!b || b->lifted) return DEBUG_TRAP;
    return put_back || machine_pc_set(t->handle, addr) == ZX_OK ? DEBUG_BREAKPOINT : DEBUG_TRAP;
}

static enum debug_reason reason_of_trap(struct debug_thread *t) {
    bool stepped;
    machine_trap(t->handle, t->process->watches, &t->watch, &stepped);
    if (t->watch >= 0) return DEBUG_WATCH;
    return t->stepping && stepped ? DEBUG_STEPPED : DEBUG_TRAP;
}

static enum debug_reason reason_of(struct debug_thread *t, const zx_exception_info_t *info) {
    switch (info->type) {
    case ZX_EXCP_THREAD_STARTING: return DEBUG_NOTHING;
    case ZX_EXCP_PROCESS_STARTING: return DEBUG_BEGUN;
    case ZX_EXCP_SW_BREAKPOINT: return reason_of_break(t, info->padding1[0] == GUARD_PUT_BACK);
    case ZX_EXCP_HW_BREAKPOINT: return reason_of_trap(t);
    default: return DEBUG_FAULT;
    }
}

void debug_step_finish(struct debug_thread *t) {
    if (t->stepping) machine_step_end(t->process->handle, t->handle, &t->step);
    if (t->stepping) guard_forget_step(t->process->table, t->koid);
    t->stepping = false;
}

static void thread_stopped(struct debug_thread *t, const zx_exception_info_t *info, zx_handle_t exception) {
    zx_handle_close(t->exception);
    t->exception = ZX_HANDLE_INVALID;
    t->told = false;
    t->reason = reason_of(t, info);
    exception_keep(t, exception, info->type);
    debug_step_finish(t);
}

/* A thread that begins resumes at once, unless all are stopped. */
static void thread_begins(struct debug_process *p, struct debug_thread *t) {
    t->action = DEBUG_GO;
    if (p->held || p->hold_new) return;
    debug_thread_go(t);
}

void debug_message(struct debug_process *p, const zx_exception_info_t *info, zx_handle_t exception) {
    zx_handle_t handle;
    if (info->type == ZX_EXCP_THREAD_EXITING) {
        thread_drop(p, info->tid);
        zx_handle_close(exception);
        return;
    }
    struct debug_thread *t = debug_thread_find(p, info->tid);
    if (!t && zx_exception_get_thread(exception, &handle) == ZX_OK) t = thread_add(p, info->tid, handle);
    if (!t) {
        zx_handle_close(exception);
        return;
    }
    thread_stopped(t, info, exception);
    if (info->type == ZX_EXCP_THREAD_STARTING) thread_begins(p, t);
}

/* Without its guard no process is debugged further, and no breakpoint stays. */
void debug_take(struct debug_process *p) {
    zx_exception_info_t info;
    zx_handle_t exception;
    uint32_t len, count;
    zx_status_t status;
    while ((status = zx_channel_read(p->channel, 0, &info, &exception, sizeof(info), 1, &len, &count)) == ZX_OK)
        debug_message(p, &info, exception);
    if (status == ZX_ERR_SHOULD_WAIT && zx_object_wait_one(p->handle, ZX_PROCESS_TERMINATED, 0, NULL) != ZX_OK) return;
    if (p->table && guard_is_gone()) debug_breaks_remove(p);
    p->ended = true;
}

struct debug_thread *debug_news(struct debug_process *p) {
    struct debug_thread *t = p->threads;
    while (t && (t->reason == DEBUG_NOTHING || t->told)) t = t->next;
    return t;
}

/* --- beginning and end --- */

static void threads_find(struct debug_process *p) {
    static zx_koid_t koids[MAX_OLD_THREADS];
    size_t count = 0;
    if (zx_object_get_info(p->handle, ZX_INFO_PROCESS_THREADS, koids, sizeof(koids), &count, NULL) != ZX_OK) return;
    for (size_t i = 0; i < count; i++) {
        zx_handle_t handle;
        if (zx_object_get_child(p->handle, koids[i], ZX_RIGHT_SAME_RIGHTS, &handle) == ZX_OK)
            thread_add(p, koids[i], handle);
    }
}

zx_koid_t debug_koid(zx_handle_t handle) {
    zx_info_handle_basic_t info = {0};
    (void)zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
    return info.koid;
}

static void process_free(struct debug_process *p) {
    while (p->threads) {
        struct debug_thread *t = p->threads;
        p->threads = t->next;
        thread_free(t);
    }
    while (p->breaks) {
        struct debug_break *b = p->breaks;
        p->breaks = b->next;
        debug_break_free(b);
    }
    guard_detach(p->table);
    zx_handle_close(p->channel);
    zx_handle_close(p->held);
    zx_handle_close(p->handle);
    free(p);
}

/* Takes the handle. */
static zx_status_t process_new(zx_handle_t process, struct debug_process **out) {
    struct debug_process *p = calloc(1, sizeof(*p));
    if (!p) {
        zx_handle_close(process);
        return ZX_ERR_NO_MEMORY;
    }
    p->handle = process;
    p->koid = debug_koid(process);
    *out = p;
    return ZX_OK;
}

/* The channel is there before the threads are: which begin in between are announced, and are not added twice. */
static zx_status_t process_hold(struct debug_process *p) {
    threads_find(p);
    debug_note_states(p);
    zx_status_t status = zx_task_suspend_token(p->handle, &p->held);
    if (status == ZX_OK) threads_find(p);
    return status;
}

zx_status_t debug_attach(zx_handle_t process, struct debug_process **out) {
    struct debug_process *p;
    zx_status_t status = process_new(process, &p);
    if (status != ZX_OK) return status;
    if (guard_used())
        status = guard_attach(process, &p->channel, &p->table);
    else
        status = zx_task_create_exception_channel(process, ZX_EXCEPTION_CHANNEL_DEBUGGER, &p->channel);
    if (status == ZX_OK) status = process_hold(p);
    if (status != ZX_OK) {
        process_free(p);
        return status == ZX_ERR_NOT_SUPPORTED ? ZX_ERR_ACCESS_DENIED : status;
    }
    debug_stop(p);
    *out = p;
    return ZX_OK;
}

zx_status_t debug_adopt(zx_handle_t process, zx_handle_t channel, struct guard_table *table,
                        struct debug_process **out) {
    struct debug_process *p;
    zx_status_t status = process_new(process, &p);
    if (status != ZX_OK) {
        zx_handle_close(channel);
        return status;
    }
    p->channel = channel;
    status = process_hold(p);
    if (status != ZX_OK) {
        process_free(p);
        return status;
    }
    guard_recall(p, table);
    debug_stop(p);
    *out = p;
    return ZX_OK;
}

void debug_detach(struct debug_process *p) {
    if (!p->ended) debug_stop(p);
    if (!p->ended) {
        debug_breaks_remove(p);
        memset(p->watches, 0, sizeof(p->watches));
        p->watches_version++;
        debug_set_actions(p, DEBUG_GO);
        debug_go(p);
    }
    process_free(p);
}
