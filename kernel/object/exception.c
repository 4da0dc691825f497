/*
 * Raising exceptions, and the order in which handlers are asked; see exception.h.
 *
 * The process's lock guards what an exception's handler decides, and orders it with kills: either the kill finds a
 * thread parked, or the thread sees the kill before it parks. Once a thread is killed, no further handler is asked.
 */
#include "kernel/object/exception.h"

#include <zircon/syscalls/object.h>

#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/object/park.h"
#include "kernel/object/process.h"
#include "kernel/sched/name.h"
#include "vm/heap.h"

/* The handler has closed it: the thread resumes, if it still exists. */
static void exception_on_zero_handles(struct object *object) {
    struct exception *e = exception_from_object(object);
    struct user_thread *thread = e->thread;
    mutex_lock(&thread->process->lock);
    if (thread->exception == e) park_end(thread);
    mutex_unlock(&thread->process->lock);
}

static void exception_free(struct object *object) {
    struct exception *e = exception_from_object(object);
    object_unref(&e->thread->object);
    heap_free(e);
}

static const struct object_ops exception_ops = {
    .type = ZX_OBJ_TYPE_EXCEPTION,
    .default_rights = ZX_DEFAULT_EXCEPTION_RIGHTS,
    .free = exception_free,
    .on_zero_handles = exception_on_zero_handles,
};

static struct exception *exception_new(const zx_exception_report_t *report, uint32_t channel, uint32_t strategy,
                                       zx_rights_t rights) {
    struct user_thread *self = user_thread_current();
    struct exception *e = heap_new(struct exception);
    if (!e) return NULL;
    object_init(&e->object, &exception_ops, 0);
    object_ref(&self->object);
    e->thread = self;
    e->report = *report;
    e->channel = channel;
    e->strategy = strategy;
    e->rights = rights;
    return e;
}

static struct message *message_about(struct exception *e) {
    struct message *message;
    const zx_exception_info_t info = {
        .pid = e->thread->process->object.koid, .tid = e->thread->object.koid, .type = e->report.header.type};
    if (message_create(sizeof(info), 1, &message) != ZX_OK) return NULL;
    memcpy(message_data(message), &info, sizeof(info));
    message_put(message, handle_make(&e->object, ZX_DEFAULT_EXCEPTION_RIGHTS));
    return message;
}

/*
 * Sends it, and parks the running thread in the same hold of the lock, so a reader of the message finds it parked. A
 * killed thread does not park, and sends only THREAD_EXITING. False: not sent; the caller still owns the message.
 */
static bool post(struct object *end, struct message *message, struct exception *e) {
    struct user_thread *self = e->thread;
    mutex_lock(&self->process->lock);
    bool killed = thread_killed(), farewell = e->report.header.type == ZX_EXCP_THREAD_EXITING;
    bool sent = (!killed || farewell) && channel_post(end, message) == ZX_OK;
    if (sent && !killed) park_begin(self, e);
    mutex_unlock(&self->process->lock);
    return sent;
}

struct verdict {
    uint32_t state, strategy;
};

static struct verdict verdict_of(struct exception *e) {
    mutex_lock(&e->thread->process->lock);
    struct verdict verdict = {e->state, e->strategy};
    mutex_unlock(&e->thread->process->lock);
    return verdict;
}

/*
 * Reports it there, and waits for the verdict. Also TRY_NEXT if the other end is closed, or if there is no memory. A
 * killed thread ends at the boundary to user mode, so no other handler needs to be asked.
 */
static struct verdict offer(struct exception_channel *place, uint32_t type, uint32_t strategy,
                            const zx_exception_report_t *report) {
    struct verdict verdict = {ZX_EXCEPTION_STATE_TRY_NEXT, strategy};
    zx_rights_t rights;
    struct object *end = exception_channel_get(place, &rights);
    if (!end) return verdict;
    thread_current()->reports = true;
    struct exception *e = exception_new(report, type, strategy, rights);
    struct message *message = e ? message_about(e) : NULL;
    thread_current()->reports = false;
    if (message && post(end, message, e)) {
        park_sleep();
        verdict = verdict_of(e);
    } else if (message) {
        message_discard(message);
    }
    if (e) object_unref(&e->object);
    object_unref(end);
    if (thread_killed()) verdict.state = ZX_EXCEPTION_STATE_HANDLED;
    return verdict;
}

/* Asks one handler after the other, until one says something else than TRY_NEXT. */
static uint32_t ask_all(const zx_exception_report_t *report) {
    struct user_thread *self = user_thread_current();
    struct process *process = self->process;
    const uint32_t once = ZX_EXCEPTION_STRATEGY_FIRST_CHANCE, again = ZX_EXCEPTION_STRATEGY_SECOND_CHANCE;
    struct verdict first = offer(&process->debugger, ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER, once, report);
    uint32_t state = first.state;
    if (state == ZX_EXCEPTION_STATE_TRY_NEXT)
        state = offer(&self->exceptions, ZX_EXCEPTION_CHANNEL_TYPE_THREAD, once, report).state;
    if (state == ZX_EXCEPTION_STATE_TRY_NEXT)
        state = offer(&process->exceptions, ZX_EXCEPTION_CHANNEL_TYPE_PROCESS, once, report).state;
    if (state == ZX_EXCEPTION_STATE_TRY_NEXT && first.strategy == again)
        state = offer(&process->debugger, ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER, again, report).state;
    for (struct job *job = process->job; job && state == ZX_EXCEPTION_STATE_TRY_NEXT; job = job->parent)
        state = offer(&job->exceptions, ZX_EXCEPTION_CHANNEL_TYPE_JOB, once, report).state;
    return state;
}

static const char *exception_name(uint32_t type) {
    switch (type) {
    case ZX_EXCP_FATAL_PAGE_FAULT: return "page fault";
    case ZX_EXCP_UNDEFINED_INSTRUCTION: return "undefined instruction";
    case ZX_EXCP_SW_BREAKPOINT: return "breakpoint";
    case ZX_EXCP_HW_BREAKPOINT: return "hardware breakpoint";
    case ZX_EXCP_UNALIGNED_ACCESS: return "unaligned access";
    case ZX_EXCP_POLICY_ERROR: return "policy error";
    default: return "general exception";
    }
}

/*
 * The first crash of a process is logged; it ends the process, and process_finish() logs how many more threads crashed
 * before they noticed. Names come last: a line that is too long loses part of them and nothing else.
 */
static void crash(const struct arch_exception *e) {
    struct user_thread *thread = user_thread_current();
    struct process *process = thread->process;
    if (atomic_fetch_add(&process->crashes, 1) == 0)
        log_line("crash: %s (%s) at pc %#lx, sp %#lx, address %#lx, process %lu '%s', thread %lu '%s'",
                 exception_name(e->type), e->detail, e->pc, e->sp, e->fault_addr, process->object.koid,
                 object_printable_name(&process->object).text, thread->object.koid,
                 object_printable_name(&thread->object).text);
    process_kill(process, ZX_TASK_RETCODE_EXCEPTION_KILL);
}

void upcall_exception(const struct arch_exception *e) {
    const zx_exception_report_t report = {.header = {sizeof(report), e->type}, .context = e->context};
    switch (ask_all(&report)) {
    case ZX_EXCEPTION_STATE_TRY_NEXT: crash(e); break;
    case ZX_EXCEPTION_STATE_THREAD_EXIT: user_thread_exit();
    }
}

/* --- synthetic exceptions --- */

/* Bits of `pending`, in which they are raised from the lowest to the highest. */
#define PENDING_PROCESS_STARTING (1u << 0)
#define PENDING_THREAD_STARTING (1u << 1)
#define PENDING_POLICY_ERROR (1u << 2)

static void put_off(struct user_thread *thread, unsigned what) {
    thread->pending |= what;
    arch_attention_raise(&thread->thread.arch, ATTENTION_EXCEPTION);
}

/* The debugger of the nearest job that has one. */
static struct exception_channel *job_debugger(const struct process *process) {
    for (struct job *job = process->job; job; job = job->parent) {
        if (exception_channel_is_live(&job->debugger)) return &job->debugger;
    }
    return NULL;
}

void exception_process_starts(struct user_thread *thread) {
    if (job_debugger(thread->process)) put_off(thread, PENDING_PROCESS_STARTING);
}

void exception_thread_starts(struct user_thread *thread) {
    if (exception_channel_is_live(&thread->process->debugger)) put_off(thread, PENDING_THREAD_STARTING);
}

void exception_raise_policy_error(struct user_thread *thread) { put_off(thread, PENDING_POLICY_ERROR); }

/* Whatever the verdict, the thread continues. */
static void announce(struct exception_channel *place, uint32_t channel, uint32_t type) {
    const zx_exception_report_t report = {.header = {sizeof(report), type}};
    (void)offer(place, channel, ZX_EXCEPTION_STRATEGY_FIRST_CHANCE, &report);
}

void exception_raise_pending(void) {
    struct user_thread *self = user_thread_current();
    unsigned pending = self->pending;
    self->pending = 0;
    arch_attention_lower(&self->thread.arch, ATTENTION_EXCEPTION);
    struct exception_channel *place = pending & PENDING_PROCESS_STARTING ? job_debugger(self->process) : NULL;
    if (place) announce(place, ZX_EXCEPTION_CHANNEL_TYPE_JOB_DEBUGGER, ZX_EXCP_PROCESS_STARTING);
    if (pending & PENDING_THREAD_STARTING)
        announce(&self->process->debugger, ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER, ZX_EXCP_THREAD_STARTING);
    if (pending & PENDING_POLICY_ERROR)
        upcall_exception(&(struct arch_exception){.type = ZX_EXCP_POLICY_ERROR, .detail = "raised by a system call"});
}

void exception_thread_exits(void) {
    announce(&process_current()->debugger, ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER, ZX_EXCP_THREAD_EXITING);
}

/* --- what others ask --- */

static bool is_in_exception(const struct user_thread *thread) REQUIRES(&thread->process->lock) {
    return thread->parked && thread->exception;
}

uint32_t exception_channel_type(const struct user_thread *thread) {
    return is_in_exception(thread) ? thread->exception->channel : ZX_EXCEPTION_CHANNEL_TYPE_NONE;
}

zx_status_t exception_get_report(struct user_thread *thread, zx_exception_report_t *report) {
    zx_status_t status = ZX_ERR_BAD_STATE;
    mutex_lock(&thread->process->lock);
    if (is_in_exception(thread)) {
        *report = thread->exception->report;
        status = ZX_OK;
    }
    mutex_unlock(&thread->process->lock);
    return status;
}

/* The word that a property is about; NULL: there is none of that meaning here. */
static uint32_t *property_word(struct exception *e, uint32_t property) REQUIRES(&e->thread->process->lock) {
    if (property == ZX_PROP_EXCEPTION_STATE) return &e->state;
    return e->channel == ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER ? &e->strategy : NULL;
}

zx_status_t exception_get_property(struct exception *e, uint32_t property, uint32_t *value) {
    mutex_lock(&e->thread->process->lock);
    const uint32_t *word = property_word(e, property);
    if (word) *value = *word;
    mutex_unlock(&e->thread->process->lock);
    return word ? ZX_OK : ZX_ERR_BAD_STATE;
}

zx_status_t exception_set_property(struct exception *e, uint32_t property, uint32_t value) {
    uint32_t last =
        property == ZX_PROP_EXCEPTION_STATE ? ZX_EXCEPTION_STATE_THREAD_EXIT : ZX_EXCEPTION_STRATEGY_SECOND_CHANCE;
    if (value > last) return ZX_ERR_INVALID_ARGS;
    mutex_lock(&e->thread->process->lock);
    uint32_t *word = property_word(e, property);
    if (word) *word = value;
    mutex_unlock(&e->thread->process->lock);
    return word ? ZX_OK : ZX_ERR_BAD_STATE;
}
