/* The kernel's records in Fuchsia's trace format; see trace_fxt.h. */
#include "user/lib/trace_fxt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls/object.h>

#include "user/lib/trace_tasks.h"

#define DEPTH_MAX 8 /* durations that lie in one another: a call, a fault in it, a lock */
#define LOCK_NAMES_MAX 64

struct open {
    const zx_ktrace_record_t *record;
    uint16_t name;
};

struct lane {
    uint32_t koid;
    struct fxt_thread thread;
    struct open open[DEPTH_MAX];
    unsigned depth;
};

/* A record, with what it does not say itself. */
struct place {
    zx_ktrace_record_t *record;
    unsigned cpu;
};

/* A message that was written and not read yet. */
struct flow {
    uint64_t message, number;
};

static const char *const call_names[] = {
#define SYSCALL(name, ...) "zx_" #name,
#include "syscalls/list.h"
#undef SYSCALL
};
#define CALLS (sizeof(call_names) / sizeof(*call_names))

struct maker {
    struct fxt *fxt;
    struct place *places;
    size_t count;
    struct trace_tasks tasks;
    struct lane *lanes; /* by koid */
    size_t lane_count;
    struct flow *flows;
    size_t flow_room;
    uint64_t flow_number;
    uint16_t calls[CALLS];
    struct {
        char text[ZX_MAX_NAME_LEN];
        uint16_t name;
    } locks[LOCK_NAMES_MAX];
    uint16_t kernel, fault, lock, shootdown, reads, writes, commit, signal, message, probe; /* names */
    uint16_t status, address, bytes, koid, processors, id;                                  /* and of arguments */
};

/* --- order --- */

static int by_time(const void *a, const void *b) {
    const struct place *left = a, *right = b;
    if (left->record->time != right->record->time) return left->record->time < right->record->time ? -1 : 1;
    return (left->record > right->record) - (left->record < right->record);
}

/* False: these are not the kernel's records. */
static bool places_find(struct maker *m, zx_ktrace_record_t *records, size_t count) {
    for (size_t at = 1; at < count;) {
        const zx_ktrace_record_t *head = &records[at++];
        if (head->event != KTRACE_CPU || head->a > count - at) return false;
        for (uint64_t i = 0; i < head->a; i++) m->places[m->count++] = (struct place){&records[at++], head->info};
    }
    qsort(m->places, m->count, sizeof(*m->places), by_time);
    return true;
}

/* --- names --- */

/* What the records say that follow `at` on its thread. */
static void name_behind(const struct maker *m, size_t at, char name[ZX_MAX_NAME_LEN]) {
    const uint32_t thread = m->places[at].record->thread;
    memset(name, 0, ZX_MAX_NAME_LEN);
    for (size_t i = at + 1; i < m->count; i++) {
        const zx_ktrace_record_t *r = m->places[i].record;
        if (r->thread != thread) continue;
        if (r->event != KTRACE_NAME || r->info > ZX_MAX_NAME_LEN - 16) break;
        memcpy(name + r->info, &r->a, 16);
    }
    name[ZX_MAX_NAME_LEN - 1] = '\0';
}

static void tasks_find(struct maker *m) {
    char name[ZX_MAX_NAME_LEN];
    trace_tasks_live(&m->tasks);
    for (size_t i = 0; i < m->count; i++) {
        const zx_ktrace_record_t *r = m->places[i].record;
        if (r->event != KTRACE_THREAD_END && r->event != KTRACE_PROCESS_END) continue;
        name_behind(m, i, name);
        trace_tasks_add(&m->tasks, r->event == KTRACE_THREAD_END ? r->thread : r->a, r->a, name);
    }
    trace_tasks_sort(&m->tasks);
}

static int koid_compare(const void *a, const void *b) {
    const uint32_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* Every thread that ran or was woken, allocated and ascending. NULL: no memory. */
static uint32_t *koids_find(const struct maker *m, size_t *count) {
    uint32_t *koids = malloc((2 * m->count + 1) * sizeof(*koids));
    size_t found = 0, kept = 0;
    for (size_t i = 0; koids && i < m->count; i++) {
        const zx_ktrace_record_t *r = m->places[i].record;
        koids[found++] = r->thread;
        if (r->event == KTRACE_SWITCH || r->event == KTRACE_WAKE) koids[found++] = (uint32_t)r->a;
    }
    if (koids) qsort(koids, found, sizeof(*koids), koid_compare);
    for (size_t i = 0; i < found; i++) {
        if (kept == 0 || koids[i] != koids[kept - 1]) koids[kept++] = koids[i];
    }
    *count = kept;
    return koids;
}

static struct lane *lane_of(const struct maker *m, uint64_t koid) {
    const uint32_t low = (uint32_t)koid;
    return bsearch(&low, m->lanes, m->lane_count, sizeof(*m->lanes), koid_compare);
}

static void lane_begin(struct maker *m, struct lane *lane, uint32_t koid) {
    char unknown[ZX_MAX_NAME_LEN];
    const struct trace_task *task = trace_task_find(&m->tasks, koid);
    snprintf(unknown, sizeof(unknown), "thread %u", koid);
    lane->koid = koid;
    lane->thread.koid = task ? task->koid : koid;
    lane->thread.process = task ? task->process : 0;
    fxt_thread(m->fxt, &lane->thread, task ? task->name : unknown);
}

/* False: no memory. */
static bool lanes_begin(struct maker *m) {
    size_t count;
    uint32_t *koids = koids_find(m, &count);
    m->lanes = koids ? calloc(count + 1, sizeof(*m->lanes)) : NULL;
    if (!m->lanes) {
        free(koids);
        return false;
    }
    m->lane_count = count;
    for (size_t i = 0; i < count; i++) lane_begin(m, &m->lanes[i], koids[i]);
    free(koids);
    return true;
}

static void processes_name(const struct maker *m) {
    for (size_t i = 0; i < m->tasks.count; i++) {
        const struct trace_task *task = &m->tasks.tasks[i];
        if (task->koid == task->process) fxt_process(m->fxt, task->koid, task->name);
    }
}

static void strings_begin(struct maker *m) {
    const struct {
        uint16_t *name;
        const char *text;
    } all[] = {
        {&m->kernel, "kernel"},
        {&m->fault, "page fault"},
        {&m->lock, "lock"},
        {&m->shootdown, "shootdown"},
        {&m->reads, "window read"},
        {&m->writes, "window written"},
        {&m->commit, "page committed"},
        {&m->signal, "signal"},
        {&m->message, "message"},
        {&m->probe, "probe"},
        {&m->status, "status"},
        {&m->address, "address"},
        {&m->bytes, "bytes"},
        {&m->koid, "koid"},
        {&m->processors, "processors"},
        {&m->id, "id"},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) *all[i].name = fxt_string(m->fxt, all[i].text);
}

/* --- events --- */

static struct fxt_event event_of(const struct maker *m, const struct lane *lane, enum fxt_event_type type,
                                 uint16_t name, uint64_t time) {
    return (struct fxt_event){.type = type, .thread = &lane->thread, .category = m->kernel, .name = name, .time = time};
}

static void instant(struct maker *m, const struct lane *lane, const zx_ktrace_record_t *r, uint16_t name,
                    enum fxt_arg_type arg, uint16_t arg_name, uint64_t value) {
    struct fxt_event e = event_of(m, lane, FXT_INSTANT, name, r->time);
    e.arg = arg;
    e.arg_name = arg_name;
    e.value = value;
    fxt_event(m->fxt, &e);
}

static uint16_t call_name(struct maker *m, unsigned number) {
    if (number >= CALLS) return 0;
    if (m->calls[number] == 0) m->calls[number] = fxt_string(m->fxt, call_names[number]);
    return m->calls[number];
}

/* A release kernel does not know its locks' names. */
static uint16_t lock_name(struct maker *m, size_t at) {
    char text[ZX_MAX_NAME_LEN], full[ZX_MAX_NAME_LEN + 8];
    size_t i = 0;
    name_behind(m, at, text);
    if (*text == '\0') return m->lock;
    for (; i < LOCK_NAMES_MAX && m->locks[i].name != 0; i++) {
        if (strcmp(m->locks[i].text, text) == 0) return m->locks[i].name;
    }
    if (i == LOCK_NAMES_MAX) return m->lock;
    snprintf(full, sizeof(full), "lock: %s", text);
    memcpy(m->locks[i].text, text, sizeof(text));
    m->locks[i].name = fxt_string(m->fxt, full);
    return m->locks[i].name;
}

static void begin(struct lane *lane, const zx_ktrace_record_t *r, uint16_t name) {
    if (lane->depth < DEPTH_MAX) lane->open[lane->depth] = (struct open){r, name};
    lane->depth++;
}

/* What a duration has beside its times; `end` is NULL if it has not ended. */
static void describe(const struct maker *m, const zx_ktrace_record_t *r, const zx_ktrace_record_t *end,
                     struct fxt_event *e) {
    if (r->event == KTRACE_SYSCALL && end && end->a != 0) {
        e->arg = FXT_INT32;
        e->arg_name = m->status;
        e->value = (uint32_t)end->a;
    } else if (r->event == KTRACE_FAULT) {
        e->arg = FXT_POINTER;
        e->arg_name = m->address;
        e->value = r->a;
    } else if (r->event == KTRACE_SHOOTDOWN) {
        e->arg = FXT_UINT32;
        e->arg_name = m->processors;
        e->value = (uint32_t)__builtin_popcountll(r->a);
    }
}

/* An end whose begin was not recorded is none. */
static void end(struct maker *m, struct lane *lane, const zx_ktrace_record_t *r) {
    while (lane->depth > 0) {
        lane->depth--;
        if (lane->depth >= DEPTH_MAX) return;
        const struct open *open = &lane->open[lane->depth];
        if (open->record->event + 1 != r->event) continue;
        struct fxt_event e = event_of(m, lane, FXT_DURATION_COMPLETE, open->name, open->record->time);
        e.last = r->time;
        describe(m, open->record, r, &e);
        fxt_event(m->fxt, &e);
        return;
    }
}

/* `last`: when the thread ended, and what it was in with it; 0: it has not. */
static void end_unfinished(struct maker *m, struct lane *lane, uint64_t last) {
    for (unsigned i = 0; i < lane->depth && i < DEPTH_MAX; i++) {
        const struct open *open = &lane->open[i];
        struct fxt_event e =
            event_of(m, lane, last ? FXT_DURATION_COMPLETE : FXT_DURATION_BEGIN, open->name, open->record->time);
        e.last = last;
        describe(m, open->record, NULL, &e);
        fxt_event(m->fxt, &e);
    }
    lane->depth = 0;
}

/* Messages on their way are few: their places are searched one by one. */
static struct flow *flow_find(const struct maker *m, uint64_t message) {
    for (size_t i = 0; i < m->flow_room; i++) {
        if (m->flows[i].message == message) return &m->flows[i];
    }
    return NULL;
}

static struct flow *flow_room(struct maker *m) {
    struct flow *flow = flow_find(m, 0);
    if (flow) return flow;
    struct flow *more = realloc(m->flows, (m->flow_room * 2 + 64) * sizeof(*more));
    m->fxt->failed = m->fxt->failed || !more;
    if (!more) return NULL;
    memset(more + m->flow_room, 0, (m->flow_room + 64) * sizeof(*more));
    flow = more + m->flow_room;
    m->flows = more;
    m->flow_room = m->flow_room * 2 + 64;
    return flow;
}

static void flow(struct maker *m, const struct lane *lane, const zx_ktrace_record_t *r, bool written) {
    struct flow *flow = flow_find(m, r->a);
    if (written && !flow) flow = flow_room(m);
    if (!flow) return;
    if (written) *flow = (struct flow){r->a, ++m->flow_number};
    struct fxt_event e = event_of(m, lane, written ? FXT_FLOW_BEGIN : FXT_FLOW_END, m->message, r->time);
    e.last = flow->number;
    fxt_event(m->fxt, &e);
    if (!written) flow->message = 0;
}

static bool is_idle(const struct lane *lane) { return lane->koid <= KTRACE_IDLE_THREADS; }

static void thread_switch(const struct maker *m, const struct place *place, const struct lane *from) {
    static const unsigned states[] = {[KTRACE_LEAVES_READY] = ZX_THREAD_STATE_RUNNING,
                                      [KTRACE_LEAVES_BLOCKED] = ZX_THREAD_STATE_BLOCKED,
                                      [KTRACE_LEAVES_DEAD] = ZX_THREAD_STATE_DEAD};
    const struct lane *to = lane_of(m, place->record->a);
    const unsigned why = place->record->info;
    fxt_switch(m->fxt, &(struct fxt_switch){.cpu = place->cpu,
                                            .from = &from->thread,
                                            .to = &to->thread,
                                            .from_state = why <= KTRACE_LEAVES_DEAD ? states[why] & 0xf : 0,
                                            .from_idle = is_idle(from),
                                            .to_idle = is_idle(to),
                                            .time = place->record->time});
}

static void convert(struct maker *m, size_t at) {
    const struct place *place = &m->places[at];
    const zx_ktrace_record_t *r = place->record;
    struct lane *lane = lane_of(m, r->thread);
    if (!lane) return;
    switch (r->event) {
    case KTRACE_SWITCH: thread_switch(m, place, lane); break;
    case KTRACE_WAKE: fxt_wake(m->fxt, r->info, &lane_of(m, r->a)->thread, r->time); break;
    case KTRACE_SYSCALL: begin(lane, r, call_name(m, r->info)); break;
    case KTRACE_FAULT: begin(lane, r, m->fault); break;
    case KTRACE_LOCK: begin(lane, r, lock_name(m, at)); break;
    case KTRACE_SHOOTDOWN: begin(lane, r, m->shootdown); break;
    case KTRACE_SYSCALL_END:
    case KTRACE_FAULT_END:
    case KTRACE_LOCK_END:
    case KTRACE_SHOOTDOWN_END: end(m, lane, r); break;
    case KTRACE_WINDOW: instant(m, lane, r, r->info ? m->writes : m->reads, FXT_UINT32, m->bytes, r->b); break;
    case KTRACE_COMMIT: instant(m, lane, r, m->commit, FXT_KOID, m->koid, r->a); break;
    case KTRACE_SIGNAL: instant(m, lane, r, m->signal, FXT_KOID, m->koid, r->a); break;
    case KTRACE_MESSAGE_WRITE: flow(m, lane, r, true); break;
    case KTRACE_MESSAGE_READ: flow(m, lane, r, false); break;
    case KTRACE_PROBE: instant(m, lane, r, m->probe, FXT_UINT32, m->id, r->a); break;
    case KTRACE_THREAD_END: end_unfinished(m, lane, r->time); break;
    default: break;
    }
}

static zx_status_t make(struct maker *m, zx_ktrace_record_t *records, size_t count) {
    if (!places_find(m, records, count)) return ZX_ERR_INVALID_ARGS;
    fxt_begin(m->fxt, "jargoon", records[0].a);
    strings_begin(m);
    tasks_find(m);
    processes_name(m);
    if (!lanes_begin(m)) return ZX_ERR_NO_MEMORY;
    for (size_t i = 0; i < m->count; i++) convert(m, i);
    for (size_t i = 0; i < m->lane_count; i++) end_unfinished(m, &m->lanes[i], 0);
    return m->fxt->failed || m->tasks.failed ? ZX_ERR_NO_MEMORY : ZX_OK;
}

zx_status_t trace_fxt(zx_ktrace_record_t *records, size_t count, struct fxt *out) {
    *out = (struct fxt){0};
    if (count == 0 || records[0].event != KTRACE_HEADER || records[0].info != KTRACE_VERSION)
        return ZX_ERR_INVALID_ARGS;
    struct maker m = {.fxt = out, .places = calloc(count, sizeof(struct place))};
    zx_status_t status = m.places ? make(&m, records, count) : ZX_ERR_NO_MEMORY;
    free(m.places);
    free(m.tasks.tasks);
    free(m.lanes);
    free(m.flows);
    if (status == ZX_OK) return ZX_OK;
    free(out->words);
    *out = (struct fxt){0};
    return status;
}
