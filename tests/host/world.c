/*
 * Building a world, taking turns in it, and taking it down; see world.h. The actors' threads spin through the scheduler
 * until it is their turn: time is simulated, and a turn costs two switches.
 */
#include "tests/host/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls/object.h>
#include <zircon/time.h>

#include "kernel/object/channel.h"
#include "kernel/object/process.h"
#include "kernel/object/resource.h"
#include "kernel/object/selfcheck.h"
#include "kernel/object/user_thread.h"
#include "kernel/sched/thread.h"
#include "vm/inject.h"
#include "vm/vmar.h"

#define MAX_STEPS 80
#define PATIENCE 1000 /* turns of the scheduler until everything must have been freed */
#define ROOT_RIGHTS (ZX_DEFAULT_VMAR_RIGHTS | ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_EXECUTE)
/* Such as no call gives to what they mean nothing for; but handles may have them. */
#define ODD_RIGHTS                                                                                      \
    (ZX_RIGHT_WAIT | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER | ZX_RIGHT_ENUMERATE | ZX_RIGHTS_PROPERTY | \
     ZX_RIGHT_DESTROY)
#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

static struct world *the_world;

void world_fail(struct world *w, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "step %u: ", w->steps);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

void world_expect(struct world *w, const char *what, zx_status_t got, zx_status_t expected) {
    if (w->trace) fprintf(stderr, "step %u, process %u: %s: %d\n", w->steps, w->turn, what, got);
    if (got != expected) world_fail(w, "%s: %d, and not %d", what, got, expected);
}

/* --- building --- */

static void must(zx_status_t status) {
    if (status != ZX_OK) abort();
}

static zx_handle_t give(struct process *process, struct model_process *p, struct object *object,
                        struct model_object *mobject, zx_rights_t rights) {
    zx_handle_t value;
    must(handle_reserve(&process->handles, &value));
    handle_publish(&process->handles, value, handle_make(object, rights));
    model_give(p, value, mobject, rights);
    return value;
}

static void map_fixed(struct process *process, struct model_process *p, uint64_t base, uint64_t len, struct vmo *vmo,
                      struct model_vmo *mvmo) {
    vaddr_t at;
    struct vmar_map args = {.options = READ_WRITE | ZX_VM_SPECIFIC,
                            .offset = base - p->root->base,
                            .vmo = vmo,
                            .len = len,
                            .ceiling = READ_WRITE};
    must(vmar_map(process->aspace->root, &args, &at));
    model_mapping_add(p->root, base, len, mvmo, 0, READ_WRITE, READ_WRITE);
}

static void map_new(struct world *w, struct process *process, struct model_process *p, uint64_t base, uint64_t len) {
    struct vmo *vmo;
    must(vmo_create(len, false, &vmo));
    map_fixed(process, p, base, len, vmo, model_vmo_new(&w->model, len, false));
    vmo_unref(vmo);
}

static void actor(uint64_t arg1, uint64_t index);

/* Starts an actor, which has a handle to its own thread. */
static void start(struct world *w, unsigned index) {
    struct process *process = w->processes[index];
    struct model_thread *mthread = &w->model.threads[w->model.thread_count++];
    struct user_thread *thread;
    must(user_thread_create(process, "actor", &thread));
    *mthread = (struct model_thread){
        .object = {.type = ZX_OBJ_TYPE_THREAD, .koid = thread->object.koid, .name = "actor"},
        .process = &w->model.processes[index],
        .started = true,
    };
    (void)give(process, mthread->process, &thread->object, &mthread->object, ZX_DEFAULT_THREAD_RIGHTS);
    must(process_start(process, thread, host_program_entry(actor), 0, (struct handle){0}, index));
    object_unref(&thread->object);
}

/* A channel from the first actor to another. */
static void connect(struct world *w, unsigned other) {
    struct object *ends[2];
    struct model_channel *mends = &w->model.channels[w->model.channel_count];
    w->model.channel_count += 2;
    must(channel_create(&ends[0], &ends[1]));
    for (unsigned i = 0; i < 2; i++) {
        mends[i] = (struct model_channel){.object = {.type = ZX_OBJ_TYPE_CHANNEL, .koid = ends[i]->koid},
                                          .peer = &mends[1 - i]};
        unsigned owner = i ? other : 0;
        (void)give(w->processes[owner], &w->model.processes[owner], ends[i], &mends[i].object,
                   ZX_DEFAULT_CHANNEL_RIGHTS);
        object_unref(ends[i]);
    }
}

/* A page that all of them have, and that is there. */
static void map_shared(struct world *w) {
    struct vmo *vmo;
    struct model_vmo *mvmo = model_vmo_new(&w->model, MODEL_PAGE, false);
    must(vmo_create(MODEL_PAGE, false, &vmo));
    must(vmo_commit(vmo, 0, MODEL_PAGE));
    (void)model_page(mvmo, 0, true);
    for (unsigned i = 0; i < ACTORS; i++)
        map_fixed(w->processes[i], &w->model.processes[i], SHARED_PAGE, MODEL_PAGE, vmo, mvmo);
    vmo_unref(vmo);
}

static void build(struct world *w, struct job *job, struct object *resource) {
    w->model.jobs[0].object.koid = job->object.koid;
    for (unsigned i = 0; i < ACTORS; i++) {
        must(process_create(job, "actor", &w->processes[i]));
        struct model_process *p = model_process_new(&w->model, &w->model.jobs[0]);
        p->state = MODEL_RUNNING;
        p->object.koid = w->processes[i]->object.koid;
        strcpy(p->object.name, "actor");
        map_new(w, w->processes[i], p, SCRATCH, SCRATCH_PAGES * ZX_PAGE_SIZE);
        map_new(w, w->processes[i], p, CHECK_PAGE, ZX_PAGE_SIZE);
        (void)give(w->processes[i], p, &job->object, &w->model.jobs[0].object, ZX_DEFAULT_JOB_RIGHTS);
        (void)give(w->processes[i], p, resource, &w->model.resource, ZX_DEFAULT_RESOURCE_RIGHTS | ODD_RIGHTS);
    }
    map_shared(w);
    for (unsigned i = 0; i < ACTORS; i++) {
        struct process *process = w->processes[i];
        struct model_process *p = &w->model.processes[i], *next = &w->model.processes[(i + 1) % ACTORS];
        (void)give(process, p, &process->aspace->root->object, &p->root->object, ROOT_RIGHTS | ODD_RIGHTS);
        (void)give(process, p, &process->object, &p->object, ZX_DEFAULT_PROCESS_RIGHTS & ~ZX_RIGHT_DESTROY);
        /* The first actor stays to the end; nobody may kill it. */
        zx_rights_t rights = ZX_DEFAULT_PROCESS_RIGHTS & ~(next == w->model.processes ? ZX_RIGHT_DESTROY : 0);
        (void)give(process, p, &w->processes[(i + 1) % ACTORS]->object, &next->object, rights);
        object_handle_unref(&process->object);
        if (i > 0) connect(w, i);
    }
    for (unsigned i = 0; i < ACTORS; i++) start(w, i);
}

/* --- running --- */

/* Once in memory, an actor's scratch stays there: arguments and results then need no allocation. */
static void scratch_touch(struct world *w) {
    for (uint64_t at = 0; at < SCRATCH_PAGES * ZX_PAGE_SIZE; at += ZX_PAGE_SIZE)
        world_store(w, SCRATCH + at, &(uint64_t){0}, sizeof(uint64_t));
    if (host_user_store(CHECK_PAGE, "", 1) != ZX_OK) abort();
    world_store(w, NAME, "name", 4);
    w->touched |= 1u << w->turn;
}

/* The end of everybody at once, if the actor has a handle that allows it. */
static void end_by_kill(struct world *w) {
    for (unsigned i = 0; i < w->me->handle_count; i++) {
        const struct model_handle *h = &w->me->handles[i];
        if (h->object == &w->model.jobs[0].object && (h->rights & ZX_RIGHT_DESTROY)) {
            (void)host_syscall(HOST_SYS_task_kill, (uint64_t[8]){h->value});
            return;
        }
    }
}

/* What threads are still to do after a step, and what follows from it. */
static void come_to_rest(struct world *w) {
    if (w->model.token_count > 0) world_settle();
    model_settle(&w->model);
    model_notify(&w->model, NULL);
}

static bool can_take_turn(const struct world *w, unsigned index) {
    return w->model.processes[index].state != MODEL_DEAD && !model_is_suspended(&w->model.threads[index]);
}

/* Who made the step can make the next one. */
static unsigned pick_turn(const struct world *w, unsigned wanted) {
    if (wanted >= ACTORS || wanted == w->turn) return w->turn;
    if (can_take_turn(w, wanted)) return wanted;
    return can_take_turn(w, 0) ? 0 : w->turn;
}

/* The first 64 steps have three quarters of all bytes, those that came later the rest. */
static unsigned step_number(uint8_t choice) {
    return choice < 192 ? choice % 64 % step_count : 64 + choice % 64 % (step_count - 64);
}

static void take_turn(struct world *w) {
    uint8_t choice = input_byte(&w->in);
    w->me = &w->model.processes[w->turn];
    w->steps++;
    if (!(w->touched & 1u << w->turn)) scratch_touch(w);
    world_pass_time(w, 0);
    w->model.step = w->steps;
    if (model_has_room(&w->model, w->me)) steps[step_number(choice)](w);
    come_to_rest(w);
    uint8_t what = input_byte(&w->in);
    if (w->inject || what % 8 == 0) world_check(w);
    if (what % 8 == 1) world_check_mappings(w, w->me);
    if (what % 8 == 2) world_check_handles(w);
    if (selfcheck_invariants() != ZX_OK) world_fail(w, "the kernel's invariants do not hold");
    if (input_ended(&w->in) || w->steps == MAX_STEPS) {
        world_check(w);
        if (what & 0x40) end_by_kill(w);
        w->over = true;
        return;
    }
    w->turn = pick_turn(w, what / 8 % 8);
}

static void actor(uint64_t arg1, uint64_t index) {
    struct world *w = the_world;
    const uint64_t none[8] = {0};
    (void)arg1;
    while (!w->over) {
        if (w->turn == index)
            take_turn(w);
        else if (w->service.model.process == &w->model.processes[index] && !w->service.done)
            world_serve(w);
        else
            thread_yield();
        /* A system call, the only place where a killed thread can end. */
        (void)host_syscall(HOST_SYS_ticks_get, none);
    }
    (void)host_syscall(HOST_SYS_process_exit, none);
}

static bool any_suspended(const struct world *w) {
    for (unsigned i = 0; i < w->model.thread_count; i++) {
        if (w->model.threads[i].parked && !w->model.threads[i].dead) return true;
    }
    return false;
}

static bool all_dead(const struct world *w) {
    for (unsigned i = 0; i < ACTORS; i++) {
        if (atomic_load(&w->processes[i]->state) != PROCESS_DEAD) return false;
    }
    return true;
}

static void live(void *arg) {
    struct world *w = arg;
    struct job *job;
    struct object *resource;
    selfcheck_baseline(BASELINE_OUTER);
    must(job_create_root(&job));
    must(resource_create_root(&resource));
    build(w, job, resource);
    while (!all_dead(w)) {
        thread_yield();
        /* Nobody may be left who could let them go. */
        if (w->over && any_suspended(w)) job_kill(job, 0);
    }
    for (unsigned i = 0; i < ACTORS; i++) object_unref(&w->processes[i]->object);
    object_unref(&job->object);
    object_unref(resource);
    for (unsigned i = 0; selfcheck_leaks(BASELINE_OUTER) != ZX_OK; i++) {
        if (i == PATIENCE) world_fail(w, "something was left behind (HOST_LOG=1 says what)");
        thread_yield();
    }
}

void world_run(struct world *w, const uint8_t *data, size_t size) {
    model_reset(&w->model);
    the_world = w;
    w->in = (struct input){data, data + size};
    w->turn = w->steps = w->touched = 0;
    w->over = false;
    w->fill = 0;
    w->last_closed = 0;
    w->service = (struct service){.done = false};
    host_seed(1);
    host_cache_restart(1);
    host_run(live, w);
}

/* --- calls --- */

/* Calls that take something from the caller even when they fail: they are made once. */
static bool consumes(enum host_syscall_number number) {
    return number == HOST_SYS_handle_replace || number == HOST_SYS_vmo_replace_as_executable ||
           number == HOST_SYS_channel_write || number == HOST_SYS_channel_read ||
           number == HOST_SYS_channel_write_etc || number == HOST_SYS_channel_read_etc ||
           number == HOST_SYS_channel_call_noretry || number == HOST_SYS_channel_call_etc_noretry ||
           number == HOST_SYS_process_start || number == HOST_SYS_handle_close_many || number == HOST_SYS_debug_read;
}

/* Calls that may have done some of what they do before they failed; doing that again then does no harm. */
static bool repeats(enum host_syscall_number number) {
    return number == HOST_SYS_vmar_op_range || number == HOST_SYS_vmo_read || number == HOST_SYS_vmo_write ||
           number == HOST_SYS_process_read_memory || number == HOST_SYS_process_write_memory;
}

/* The nth allocation from here on fails; or there is a limit, of one page less than that. */
static void injection_begin(struct world *w, uint64_t nth) {
    if (!w->limit)
        inject_arm(nth);
    else if (!inject_limit(nth - 1))
        world_fail(w, "there is no memory for a limit");
}

/* Did anything fail? */
static bool injection_end(struct world *w) {
    bool fired = inject_fired();
    inject_arm(0);
    inject_unlimit();
    w->injections += fired;
    return fired;
}

/* One try of which the nth allocation fails; false if there is none such. */
static bool call_failing(struct world *w, uint64_t nth, enum host_syscall_number number, const uint64_t args[8],
                         zx_status_t *status) {
    injection_begin(w, nth);
    *status = (zx_status_t)host_syscall(number, args);
    return injection_end(w);
}

void world_settle(void) {
    for (unsigned i = 0; i < 8; i++) thread_yield();
}

void world_pass_time(struct world *w, zx_duration_t time) {
    zx_time_t until = zx_time_add_duration(host_time(), time), next;
    while ((next = model_timer_next(&w->model)) <= zx_time_add_duration(until, WORLD_MOMENT)) {
        host_time_pass(next);
        world_settle();
        model_time(&w->model, next);
        until = next > until ? next : until;
    }
    host_time_pass(until);
}

zx_status_t world_call(struct world *w, enum host_syscall_number number, const uint64_t args[8]) {
    /* A limit is in the heap itself: what counts that has none. */
    const bool inject = w->inject && !(w->limit && number == HOST_SYS_debug_send_command);
    zx_status_t status;
    for (unsigned i = 0; w->trace && i < 8; i++) fprintf(stderr, "%s%#lx", i ? ", " : "  (", args[i]);
    if (w->trace) fputs(")\n", stderr);
    w->failed = ZX_OK;
    if (inject && consumes(number)) {
        if (call_failing(w, w->nth, number, args, &status)) {
            w->failed = ZX_ERR_NO_MEMORY;
            w->once_failed = true;
        }
        return status;
    }
    for (uint64_t nth = 1; inject && call_failing(w, nth, number, args, &status); nth++) {
        /* A transfer may succeed in part. */
        if (status != ZX_ERR_NO_MEMORY && !(repeats(number) && status == ZX_OK))
            world_fail(w, "call %u, allocation %lu failed: status %d", number, nth, status);
        /* It may have told some results. */
        world_learn(w, OUT(0), 64);
        if (!repeats(number)) world_check(w);
    }
    return inject ? status : (zx_status_t)host_syscall(number, args);
}

void world_store(struct world *w, uint64_t addr, const void *bytes, uint64_t len) {
    zx_status_t status = host_user_store(addr, bytes, len);
    if (status != model_store(w->me, addr, bytes, len) || status != ZX_OK) world_fail(w, "a store failed: %d", status);
}

void world_learn(struct world *w, uint64_t addr, uint64_t len) {
    static uint8_t bytes[DATA_LEN];
    len = model_min(len, sizeof(bytes));
    if (host_user_load(bytes, addr, len) != ZX_OK || model_store(w->me, addr, bytes, len) != ZX_OK)
        world_fail(w, "memory at %#lx cannot be read", addr);
}

/*
 * Within one page, so that all of it is stored or nothing. At a limit it fails; what fails once is tried again, and
 * nobody sees it.
 */
static zx_status_t store_failing(struct world *w, uint64_t addr, const void *bytes, uint64_t len) {
    for (uint64_t nth = 1;; nth++) {
        injection_begin(w, nth);
        zx_status_t status = host_user_store(addr, bytes, len);
        if (!injection_end(w)) return status;
        if (status != (w->limit ? ZX_ERR_NO_MEMORY : ZX_OK))
            world_fail(w, "a store, allocation %lu failed: %d", nth, status);
        /* The page may be there by now, and only its translation not; it holds what it did. */
        if (status != ZX_OK) world_check_mappings(w, w->me);
    }
}

zx_status_t world_store_failing(struct world *w, uint64_t addr, const void *bytes, uint64_t len) {
    zx_status_t status = ZX_OK;
    for (uint64_t done = 0, n; done < len && status == ZX_OK; done += n) {
        n = model_min(len - done, MODEL_PAGE - (addr + done) % MODEL_PAGE);
        status = store_failing(w, addr + done, (const char *)bytes + done, n);
        if (status != model_store(w->me, addr + done, (const char *)bytes + done, n))
            world_fail(w, "a store at %#lx: %d", addr + done, status);
    }
    return status;
}

zx_handle_t world_out_handle(uint64_t addr) {
    zx_handle_t value;
    return host_user_load(&value, addr, sizeof(value)) == ZX_OK ? value : ZX_HANDLE_INVALID;
}

void world_learn_koid(struct world *w, zx_handle_t value) {
    zx_info_handle_basic_t info;
    const uint64_t args[8] = {value, ZX_INFO_HANDLE_BASIC, CHECK_PAGE, sizeof(info)};
    if ((zx_status_t)host_syscall(HOST_SYS_object_get_info, args) != ZX_OK ||
        host_user_load(&info, CHECK_PAGE, sizeof(info)) != ZX_OK)
        world_fail(w, "a new handle has no information");
    model_find(w->me, value)->object->koid = info.koid;
}

uint8_t world_fill(struct world *w, uint64_t len) {
    static uint8_t bytes[DATA_LEN];
    len = model_min(len, sizeof(bytes));
    memset(bytes, ++w->fill, len);
    world_store(w, DATA, bytes, len);
    return w->fill;
}
