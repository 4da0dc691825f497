/*
 * Going on, and stops. A stop is of everything: the others are suspended before it is told. What else has happened
 * meanwhile waits for its turn: the next time its thread is told to go on it is told instead.
 */
#include "user/gdbserver/output.h"
#include "user/gdbserver/server.h"

/* --- telling --- */

static void put_registers(struct reply *reply, const struct debug_thread *t) {
    uint8_t bytes[REGISTERS_MAX];
    size_t at, len;
    if (registers_get(t->handle, bytes) != ZX_OK) return;
    for (const int *number = registers_expedited; *number >= 0; number++) {
        if (!register_find((uint64_t)*number, &at, &len)) continue;
        put_format(reply, "%02x:", (unsigned)*number);
        put_hex_bytes(reply, bytes + at, len);
        put_text(reply, ";");
    }
}

static void put_watch(struct reply *reply, const struct debug_thread *t) {
    static const char *const words[] = {
        [WATCH_EXECUTE] = "hwbreak", [WATCH_WRITE] = "watch", [WATCH_ACCESS] = "awatch"};
    const struct machine_watch *w = &t->process->watches[t->watch];
    if (w->kind == WATCH_EXECUTE)
        put_text(reply, "hwbreak:;");
    else if (w->kind != WATCH_NONE)
        put_format(reply, "%s:%llx;", words[w->kind], (unsigned long long)w->addr);
}

static void put_threads(struct reply *reply, const struct debug_process *p) {
    put_text(reply, "threads:");
    for (const struct debug_thread *t = p->threads; t; t = t->next) {
        put_thread_id(reply, t);
        if (t->next) put_text(reply, ",");
    }
    put_text(reply, ";");
}

static enum gdb_signal signal_of(const struct debug_thread *t) {
    return t->reason == DEBUG_FAULT ? fault_of(&t->report).signal : GDB_SIGNAL_TRAP;
}

void put_stop(struct reply *reply, struct debug_thread *t, enum gdb_signal signal) {
    put_format(reply, "T%02xthread:", (unsigned)signal);
    put_thread_id(reply, t);
    put_text(reply, ";");
    put_registers(reply, t);
    if (t->reason == DEBUG_BREAKPOINT && session.swbreak) put_text(reply, "swbreak:;");
    if (t->reason == DEBUG_WATCH && t->watch >= 0) put_watch(reply, t);
    if (session.lists_threads) put_threads(reply, t->process);
    session.general = (struct thread_id){(int64_t)t->process->koid, (int64_t)t->koid};
}

static void put_news(struct reply *reply, struct debug_thread *t) {
    t->told = true;
    put_stop(reply, t, signal_of(t));
}

/* How a process has ended: with a status, or killed by a signal. */
static void put_end(struct reply *reply, const struct debug_process *p) {
    zx_info_process_t info = {0};
    (void)zx_object_get_info(p->handle, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL);
    if (info.return_code == ZX_TASK_RETCODE_SYSCALL_KILL)
        put_format(reply, "X%02x", (unsigned)GDB_SIGNAL_KILL);
    else if (info.return_code == ZX_TASK_RETCODE_EXCEPTION_KILL)
        put_format(reply, "X%02x", (unsigned)(p->passed ? p->passed : GDB_SIGNAL_SEGV));
    else
        put_format(reply, "W%02x", (unsigned)info.return_code & 0xff);
    if (session.multiprocess) put_format(reply, ";process:%llx", (unsigned long long)p->koid);
}

/* --- what is not told --- */

static bool is_passed(enum gdb_signal signal) { return session.passed[signal / 64] >> signal % 64 & 1; }

/* A fault is the program's own if the debugger does not want it, or if its handlers are to see it first. */
static bool is_own(const struct debug_thread *t) {
    if (t->reason != DEBUG_FAULT || t->told) return false;
    return is_passed(signal_of(t)) || (session.second_chance && !t->passed_on);
}

static void pass_on(struct debug_thread *t) {
    t->pass = true;
    t->second_chance = session.second_chance && !t->passed_on;
    t->process->passed = signal_of(t);
}

/* A step that has not left the range that the thread is to step out of. */
static bool is_within(const struct debug_thread *t) {
    struct machine_place place;
    if (t->reason != DEBUG_STEPPED || t->told || t->step_begin == t->step_end) return false;
    return machine_place_get(t->handle, &place) == ZX_OK && place.pc >= t->step_begin && place.pc < t->step_end;
}

/* It resumes at once, while all others keep running; or with them, if they are stopped. */
static void go_on_untold(struct debug_process *p) {
    for (struct debug_thread *t = p->threads; t; t = t->next) {
        if (is_own(t))
            pass_on(t);
        else if (session.interrupted || !is_within(t))
            continue;
        else
            t->reason = DEBUG_NOTHING;
        if (p->held == ZX_HANDLE_INVALID) debug_thread_go(t);
    }
}

/* --- stopping --- */

/* A step within its range is done with when all stop: the debugger sees the thread where it is. */
void all_stop(void) {
    for (struct debug_process *p = processes; p; p = p->next) {
        debug_stop(p);
        for (struct debug_thread *t = p->threads; t; t = t->next) t->told |= is_within(t);
    }
}

static struct debug_process *process_that_ended(void) {
    struct debug_process *p = processes;
    while (p && !p->ended) p = p->next;
    return p;
}

/* Of threads that are held nothing is told: a debugger that steps one of them expects no word from another. */
static struct debug_thread *news_any(void) {
    for (struct debug_process *p = processes; p; p = p->next) {
        for (struct debug_thread *t = p->ended ? NULL : p->threads; t; t = t->next) {
            if (t->reason != DEBUG_NOTHING && !t->told && t->action != DEBUG_HOLD && !is_own(t)) return t;
        }
    }
    return NULL;
}

/* What started it is not known: it is reported as a child of the first that is debugged. */
static void put_fork(struct reply *reply, struct debug_process *child) {
    struct debug_thread *parent = processes->threads;
    child->begun = false;
    if (!parent) return put_stop(reply, child->threads, GDB_SIGNAL_TRAP);
    put_text(reply, "T05fork:");
    put_thread_id(reply, child->threads);
    put_text(reply, ";thread:");
    put_thread_id(reply, parent);
    put_text(reply, ";");
    session.general = (struct thread_id){(int64_t)processes->koid, (int64_t)parent->koid};
}

static void tell(void) {
    static struct reply reply;
    struct debug_process *ended = process_that_ended();
    struct debug_process *begun = run_begun();
    struct debug_thread *t = news_any();
    reply.len = 0;
    reply.full = false;
    output_serve();
    if (begun && begun->threads) {
        put_fork(&reply, begun);
    } else if (t) {
        put_news(&reply, t);
    } else if (ended) {
        put_end(&reply, ended);
        process_forget(ended);
    } else {
        t = thread_general();
        if (!t) t = thread_named(&(struct thread_id){ID_ANY, ID_ANY});
        if (!t) return;
        put_stop(&reply, t, GDB_SIGNAL_INT);
    }
    session.under_way = false;
    session.interrupted = false;
    session_send(&reply);
}

void stop_now(struct reply *reply) {
    all_stop();
    struct debug_thread *t = news_any();
    if (t) return put_news(reply, t);
    t = thread_general();
    if (!t) t = thread_named(&(struct thread_id){ID_ANY, ID_ANY});
    if (t)
        put_stop(reply, t, t->reason == DEBUG_NOTHING ? GDB_SIGNAL_NONE : signal_of(t));
    else
        put_text(reply, "W00");
}

/* --- going on --- */

#define MAX_ACTIONS 64

static void action_set(struct debug_thread *t, const struct action *actions, size_t count) {
    t->action = DEBUG_HOLD;
    t->pass = false;
    for (size_t i = 0; i < count; i++) {
        if (!thread_id_is(&actions[i].whom, (int64_t)t->process->koid, (int64_t)t->koid)) continue;
        t->action = actions[i].what == 's' ? DEBUG_STEP : actions[i].what == 'c' ? DEBUG_GO : DEBUG_HOLD;
        t->step_begin = actions[i].begin;
        t->step_end = actions[i].end;
        if (is_own(t) || (actions[i].signal != 0 && t->reason == DEBUG_FAULT)) pass_on(t);
        return;
    }
}

/* Is what the thread has to report still so? A breakpoint may have gone, and a step be wanted no more. */
static bool is_news(struct debug_thread *t) {
    struct machine_place place;
    if (t->reason == DEBUG_NOTHING || t->told || t->action == DEBUG_HOLD || is_own(t)) return false;
    if (t->reason == DEBUG_STEPPED) return t->action == DEBUG_STEP;
    if (t->reason != DEBUG_BREAKPOINT) return true;
    return machine_place_get(t->handle, &place) == ZX_OK && debug_break_find(t->process, place.pc);
}

static struct debug_thread *set_actions(const struct action *actions, size_t count) {
    struct debug_thread *news = NULL;
    for (struct debug_process *p = processes; p; p = p->next) {
        p->hold_new = false;
        for (struct debug_thread *t = p->threads; t; t = t->next) {
            action_set(t, actions, count);
            p->hold_new |= t->action == DEBUG_HOLD;
            if (!news && is_news(t)) news = t;
        }
    }
    return news;
}

static bool goes(const struct debug_process *p) {
    const struct debug_thread *t = p->threads;
    while (t && t->action == DEBUG_HOLD) t = t->next;
    return t;
}

static bool act(const struct action *actions, size_t count, struct reply *reply) {
    struct debug_thread *news = set_actions(actions, count);
    if (news) {
        put_news(reply, news);
        return true;
    }
    bool any = false;
    for (struct debug_process *p = processes; p; p = p->next) {
        any |= p->ended || goes(p);
        if (!p->ended && goes(p)) debug_go(p);
    }
    if (!any) put_error(reply, ZX_ERR_NOT_FOUND);
    session.under_way = any;
    return !any;
}

bool resume_one(struct request request, struct reply *reply) {
    struct action action;
    if (!take_action(&request, ID_ALL, &action)) {
        put_error(reply, ZX_ERR_INVALID_ARGS);
        return true;
    }
    if (action.what == 's') action.whom = session.general;
    return act(&action, 1, reply);
}

bool resume(struct request request, struct reply *reply) {
    struct action actions[MAX_ACTIONS];
    size_t count = 0;
    const struct debug_process *general = process_general();
    while (request.at < request.end) {
        if (count == MAX_ACTIONS ||
            !take_action(&request, general ? (int64_t)general->koid : ID_ALL, &actions[count++])) {
            put_error(reply, ZX_ERR_INVALID_ARGS);
            return true;
        }
    }
    return act(actions, count, reply);
}

/* --- looking --- */

static bool has_news(void) { return session.interrupted || process_that_ended() || news_any() || run_begun(); }

/* Conditions may have had a process stopped, which resumes then. */
void stops_look(void) {
    for (struct debug_process *p = processes; p; p = p->next) {
        if (!p->ended) debug_take(p);
        if (p->ended || !session.under_way) continue;
        conditions_apply(p);
        go_on_untold(p);
    }
    if (!session.under_way) return;
    if (has_news()) {
        all_stop();
        tell();
        return;
    }
    for (struct debug_process *p = processes; p; p = p->next) {
        if (!p->ended && goes(p)) debug_go(p);
    }
}
