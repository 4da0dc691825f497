/*
 * A step on exceptions: a process that begins with a fault, in two jobs, with channels in some of the places where it
 * can be reported, and handlers that say what the input says. Which is asked next, and how it ends, is known
 * beforehand.
 *
 * It is a world of its own: the jobs are in no other, and when the step is over nothing of it is left. So the model
 * needs to know nothing of it but what the calls answer.
 */
#include <zircon/errors.h>
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/object.h>

#include "kernel/object/exception.h"
#include "kernel/object/process.h"
#include "tests/host/steps.h"

#define PLACES 5
#define SEARCHES 3 /* then nobody handles it any more */

/* In the order in which they are asked. */
enum place { DEBUGGER, THREAD, PROCESS, JOB, PARENT };

struct scene {
    struct job *parent, *job;
    struct process *process;
    struct user_thread *thread;
    zx_handle_t tasks[PLACES], channels[PLACES];
    uint32_t type;
    bool over; /* the process ends, or has ended, with this code */
    int64_t code;
};

static void must(zx_status_t status) {
    if (status != ZX_OK) abort();
}

/* A call that is to end so; made once, whatever else is made to fail. */
static void calls(struct world *w, const char *what, zx_status_t got, zx_status_t expected) {
    world_learn(w, OUT(0), 64);
    world_expect(w, what, got, expected);
}
#define ONCE(w, expected, name, ...) \
    calls(w, #name, (zx_status_t)host_syscall(HOST_SYS_##name, (uint64_t[8]){__VA_ARGS__}), expected)

static zx_handle_t give(struct world *w, struct object *object) {
    struct handle_table *table = &w->processes[w->turn]->handles;
    zx_handle_t value;
    must(handle_reserve(table, &value));
    handle_publish(table, value, handle_make(object, ~(zx_rights_t)0));
    return value;
}

static void scene_make(struct world *w, struct scene *s) {
    must(job_create_root(&s->parent));
    must(job_create(s->parent, &s->job));
    must(process_create(s->job, "scene", &s->process));
    must(user_thread_create(s->process, "scene", &s->thread));
    struct object *const tasks[PLACES] = {&s->process->object, &s->thread->object, &s->process->object, &s->job->object,
                                          &s->parent->object};
    for (unsigned i = 0; i < PLACES; i++) s->tasks[i] = give(w, tasks[i]);
    object_handle_unref(&s->process->object);
    object_handle_unref(&s->job->object);
}

/* Channels in some places; and what is no channel, or one too many. */
static void channels_make(struct world *w, struct scene *s, unsigned which) {
    for (unsigned i = 0; i < PLACES; i++) {
        uint32_t options = i == DEBUGGER ? ZX_EXCEPTION_CHANNEL_DEBUGGER : 0;
        if (!(which >> i & 1)) continue;
        zx_status_t status = CALL(w, task_create_exception_channel, s->tasks[i], options, OUT(0));
        calls(w, "task_create_exception_channel", status, ZX_OK);
        s->channels[i] = world_out_handle(OUT(0));
        ONCE(w, ZX_ERR_ALREADY_BOUND, task_create_exception_channel, s->tasks[i], options, OUT(0));
        ONCE(w, ZX_ERR_SHOULD_WAIT, channel_read, s->channels[i], 0, 0, 0, 0, 0, 0, 0);
    }
    ONCE(w, ZX_ERR_INVALID_ARGS, task_create_exception_channel, s->tasks[THREAD], 1, OUT(0));
    ONCE(w, ZX_ERR_INVALID_ARGS, task_create_exception_channel, s->tasks[JOB], 2, OUT(0));
    ONCE(w, ZX_ERR_WRONG_TYPE, exception_get_thread, s->tasks[JOB], OUT(0));
}

/* What reading an empty channel returns. */
static zx_status_t empty(const struct scene *s, unsigned place) {
    bool dead = atomic_load(&s->process->state) == PROCESS_DEAD;
    return dead && place <= PROCESS ? ZX_ERR_PEER_CLOSED : ZX_ERR_SHOULD_WAIT;
}

/* The exception that has come there, and nowhere else. */
static zx_handle_t take(struct world *w, struct scene *s, unsigned place, uint32_t type) {
    zx_exception_info_t info;
    ONCE(w, ZX_OK, channel_read, s->channels[place], 0, DATA, OUT(0), sizeof(info), 1, 0, 0);
    world_learn(w, DATA, sizeof(info));
    zx_handle_t exception = world_out_handle(OUT(0));
    if (host_user_load(&info, DATA, sizeof(info)) != ZX_OK) abort();
    if (info.type != type || info.pid != s->process->object.koid || info.tid != s->thread->object.koid)
        world_fail(w, "an exception of type %#x, and not %#x", info.type, type);
    for (unsigned i = 0; i < PLACES; i++) {
        if (s->channels[i]) ONCE(w, empty(s, i), channel_read, s->channels[i], 0, 0, 0, 0, 0, 0, 0);
    }
    return exception;
}

static void set(struct world *w, zx_handle_t exception, uint32_t property, uint32_t value, zx_status_t expected) {
    world_store(w, DATA, &value, sizeof(value));
    ONCE(w, expected, object_set_property, exception, property, DATA, sizeof(value));
}

static void release(struct world *w, zx_handle_t exception, uint32_t state) {
    set(w, exception, ZX_PROP_EXCEPTION_STATE, state, ZX_OK);
    ONCE(w, ZX_OK, handle_close, exception);
    world_settle();
}

/* Somebody asks on; who, and whether it may be asked, is as it should be. */
static void look_at(struct world *w, unsigned place, zx_handle_t exception) {
    zx_status_t status = CALL(w, exception_get_process, exception, OUT(1));
    calls(w, "exception_get_process", status, place == THREAD ? ZX_ERR_ACCESS_DENIED : ZX_OK);
    if (status == ZX_OK) ONCE(w, ZX_OK, handle_close, world_out_handle(OUT(1)));
    status = CALL(w, exception_get_thread, exception, OUT(1));
    calls(w, "exception_get_thread", status, ZX_OK);
    zx_handle_t thread = world_out_handle(OUT(1));
    ONCE(w, ZX_OK, object_get_info, thread, ZX_INFO_THREAD_EXCEPTION_REPORT, DATA, sizeof(zx_exception_report_t), 0, 0);
    world_learn(w, DATA, sizeof(zx_exception_report_t));
    ONCE(w, ZX_OK, handle_close, thread);
    set(w, exception, ZX_PROP_EXCEPTION_STATE, 3, ZX_ERR_INVALID_ARGS);
    set(w, exception, ZX_PROP_EXCEPTION_STRATEGY, 0, place == DEBUGGER ? ZX_OK : ZX_ERR_BAD_STATE);
}

static void kill(struct world *w, struct scene *s) {
    ONCE(w, ZX_OK, task_kill, s->tasks[PROCESS]);
    world_settle();
    s->over = true;
    s->code = ZX_TASK_RETCODE_SYSCALL_KILL;
}

/* One handler's turn. False: the search is over. */
static bool turn(struct world *w, struct scene *s, unsigned place, bool *again) {
    uint8_t choice = input_byte(&w->in);
    if (choice % 8 == 7) { /* gone without having looked */
        ONCE(w, ZX_OK, handle_close, s->channels[place]);
        s->channels[place] = ZX_HANDLE_INVALID;
        world_settle();
        return true;
    }
    zx_handle_t exception = take(w, s, place, s->type);
    if (choice & 0x40) look_at(w, place, exception);
    if (place == DEBUGGER && again && choice & 0x80) {
        set(w, exception, ZX_PROP_EXCEPTION_STRATEGY, ZX_EXCEPTION_STRATEGY_SECOND_CHANCE, ZX_OK);
        *again = true;
    }
    if (choice % 8 == 6) kill(w, s);
    uint32_t state = choice % 8 < 3 ? ZX_EXCEPTION_STATE_TRY_NEXT : choice % 8 < 5 ? ZX_EXCEPTION_STATE_HANDLED : 2;
    if (!s->over && state == ZX_EXCEPTION_STATE_THREAD_EXIT) s->over = true;
    release(w, exception, state);
    return !s->over && state == ZX_EXCEPTION_STATE_TRY_NEXT;
}

/* From the first to the last. */
static void search(struct world *w, struct scene *s, bool asks) {
    bool again = false, goes_on = true;
    static const unsigned order[] = {DEBUGGER, THREAD, PROCESS, DEBUGGER, JOB, PARENT};
    for (unsigned i = 0; i < 6 && goes_on; i++) {
        bool second = i == 3;
        if (!s->channels[order[i]] || (second && !again)) continue;
        if (asks)
            goes_on = turn(w, s, order[i], second ? NULL : &again);
        else
            release(w, take(w, s, order[i], s->type), ZX_EXCEPTION_STATE_TRY_NEXT);
    }
    if (!goes_on) return;
    s->over = true;
    s->code = ZX_TASK_RETCODE_EXCEPTION_KILL;
}

static void scene_end(struct world *w, struct scene *s) {
    struct process_info info;
    if (s->channels[DEBUGGER]) release(w, take(w, s, DEBUGGER, ZX_EXCP_THREAD_EXITING), 0);
    process_get_info(s->process, &info);
    if (!info.exited || info.return_code != s->code || atomic_load(&s->process->state) != PROCESS_DEAD)
        world_fail(w, "the process ended with %ld, and not %ld", info.return_code, s->code);
    ONCE(w, ZX_ERR_BAD_STATE, task_create_exception_channel, s->tasks[PROCESS], 0, OUT(0));
    for (unsigned i = 0; i < PLACES; i++) {
        ONCE(w, ZX_OK, handle_close, s->tasks[i]);
        if (s->channels[i]) ONCE(w, ZX_OK, handle_close, s->channels[i]);
    }
    object_unref(&s->thread->object);
    object_unref(&s->process->object);
    object_unref(&s->job->object);
    object_unref(&s->parent->object);
}

void step_exception(struct world *w) {
    static const uint32_t fault_types[] = {ZX_EXCP_GENERAL, ZX_EXCP_FATAL_PAGE_FAULT, ZX_EXCP_SW_BREAKPOINT,
                                           ZX_EXCP_UNDEFINED_INSTRUCTION};
    struct scene s = {0};
    uint8_t choice = input_byte(&w->in);
    s.type = fault_types[choice / 32 % 4];
    scene_make(w, &s);
    channels_make(w, &s, choice % 32);
    must(process_start(s.process, s.thread, host_fault_entry(s.type), 0, (struct handle){0}, 0));
    world_settle();
    if (s.channels[DEBUGGER]) release(w, take(w, &s, DEBUGGER, ZX_EXCP_THREAD_STARTING), 0);
    for (unsigned i = 0; !s.over; i++) search(w, &s, i < SEARCHES);
    scene_end(w, &s);
}
