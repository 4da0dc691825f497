/*
 * Building the stage and taking it down; see stage.h. All that runs here runs as the director, one thing after the
 * other.
 */
#include "tests/host/explore/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls/object.h>

#include "kernel/object/channel.h"
#include "kernel/object/event.h"
#include "kernel/object/exception.h"
#include "kernel/object/interrupt.h"
#include "kernel/object/oom.h"
#include "kernel/object/port.h"
#include "kernel/object/resource.h"
#include "kernel/object/selfcheck.h"
#include "kernel/object/user_timer.h"
#include "tests/host/explore/explore.h"

#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)
#define AREA_CAN (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC)
#define VMAR_RIGHTS (ZX_DEFAULT_VMAR_RIGHTS | ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_EXECUTE)

struct stage stage;
const char *const sharing_names[SHARINGS] = {"same", "snapshot", "slice", "together", "copied"};

static void must(zx_status_t status) {
    if (status != ZX_OK) explore_failed("the stage cannot be built: %d", status);
}

/* --- what there is --- */

static void known(const struct object *object, const char *name) {
    stage.known[stage.known_count++] = (struct known){object, object->koid, name};
}

static void put_pattern(struct vmo *vmo, uint64_t offset, char fill) {
    struct vmo_page page;
    mutex_lock(&vmo->store->lock);
    must(vmo_get_page(vmo->store, vmo->store_offset + offset, true, &page));
    memset(arch_phys_to_virt(page.pa), fill, ZX_PAGE_SIZE);
    mutex_unlock(&vmo->store->lock);
}

static struct vmo *make_vmo(uint64_t pages, bool resizable, const char *name) {
    struct vmo *vmo;
    must(vmo_create(PAGES(pages), resizable, &vmo));
    known(&vmo->object, name);
    return vmo;
}

static void make_memory(void) {
    stage.text = make_vmo(TEXT_PAGES, false, "text");
    put_pattern(stage.text, 0, 't');
    stage.props.vmo = make_vmo(SHARED_PAGES, true, "vmo");
    put_pattern(stage.props.vmo, 0, 'a');
    put_pattern(stage.props.vmo, PAGES(2), 'c');
    stage.props.fixed = make_vmo(2, false, "fixed");
    put_pattern(stage.props.fixed, 0, 'f');
    stage.props.empty = make_vmo(1, true, "empty");
    stage.props.other = make_vmo(SHARED_PAGES, true, "other");
    put_pattern(stage.props.other, 0, 'o');
    must(vmo_slice(stage.props.fixed, 0, PAGES(2), &stage.props.slice));
    known(&stage.props.slice->object, "slice");
    must(vmo_snapshot(stage.props.vmo, 0, PAGES(SHARED_PAGES), true, &stage.props.snapshot));
    known(&stage.props.snapshot->object, "snapshot");
}

static void make_objects(void) {
    must(channel_create(&stage.props.ends[0], &stage.props.ends[1]));
    must(event_create(&stage.props.event));
    must(eventpair_create(&stage.props.pair[0], &stage.props.pair[1]));
    must(port_create(false, &stage.props.port));
    must(user_timer_create(0, &stage.props.timer));
    must(interrupt_create(0, ZX_INTERRUPT_VIRTUAL, &stage.props.interrupt));
    must(port_create(true, &stage.props.interrupt_port));
    must(resource_create_root(&stage.props.root));
    must(resource_create(ZX_RSRC_KIND_IRQ, ZX_RSRC_FLAG_EXCLUSIVE, RANGE, RANGE_SIZE, "range", &stage.props.resource));
    known(stage.props.ends[0], "channel 0");
    known(stage.props.ends[1], "channel 1");
    known(stage.props.event, "event");
    known(stage.props.pair[0], "pair 0");
    known(stage.props.pair[1], "pair 1");
    known(stage.props.port, "port");
    known(stage.props.timer, "timer");
    known(stage.props.interrupt, "interrupt");
    known(stage.props.interrupt_port, "port for interrupts");
    known(stage.props.root, "root resource");
    known(stage.props.resource, "resource");
}

/* --- processes --- */

static bool has_own_process(unsigned index) { return index == 0 || !shares_process(stage.scenario); }

static void map_at(struct vmar *vmar, vaddr_t base, struct vmo *vmo, uint64_t pages, uint32_t perms, uint32_t ceiling) {
    vaddr_t at;
    struct vmar_map args = {.options = perms | ZX_VM_SPECIFIC,
                            .offset = base - vmar->region.base,
                            .vmo = vmo,
                            .len = PAGES(pages),
                            .ceiling = ceiling};
    must(vmar_map(vmar, &args, &at));
}

static struct vmo *memory_of(unsigned index) {
    switch (stage.scenario->sharing) {
    case SHARE_SNAPSHOT: return index ? stage.props.snapshot : stage.props.vmo;
    case SHARE_SLICE: return index ? stage.props.slice : stage.props.fixed;
    default: return stage.props.vmo;
    }
}

static struct vmar *make_area(struct process *process, unsigned index) {
    struct vmar *area;
    struct vmo *memory = memory_of(index);
    must(vmar_allocate(process->root, AREA_CAN | ZX_VM_SPECIFIC, AREA - process->root->region.base, PAGES(AREA_PAGES),
                       &area));
    map_at(area, SHARED, memory, SHARED_PAGES, READ_WRITE, PERM_ALL);
    struct vmo *orphan;
    must(vmo_create(PAGES(1), false, &orphan));
    put_pattern(orphan, 0, 'x');
    map_at(area, ORPHAN, orphan, 1, READ_WRITE, PERM_ALL);
    vmo_unref(orphan);
    map_at(area, READ_ONLY, memory, 1, ZX_VM_PERM_READ, ZX_VM_PERM_READ);
    map_at(area, TEXT, stage.text, TEXT_PAGES, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, PERM_ALL);
    map_at(process->root, SCRATCH, stage.scratch, ACTORS, READ_WRITE, READ_WRITE);
    return area;
}

static zx_handle_t move(struct process *process, struct handle handle) {
    zx_handle_t value;
    must(handle_reserve(&process->handles, &value));
    handle_publish(&process->handles, value, handle);
    return value;
}

static bool is_used(enum prop which) { return stage.used >> which & 1; }

static void give(struct actor *a, enum prop which, struct object *object, zx_rights_t rights) {
    if (is_used(which)) a->props[which] = move(a->process, handle_make(object, rights));
}

static struct vmo *vmo_prop(enum prop which) {
    struct vmo *const vmos[] = {stage.props.vmo,      stage.props.fixed, stage.props.slice,
                                stage.props.snapshot, stage.props.empty, stage.props.other};
    return vmos[which - PROP_VMO];
}

/* The prop that acts on memory use. */
static enum prop memory_prop(unsigned index) {
    enum prop which = PROP_VMO;
    while (vmo_prop(which) != memory_of(index)) which++;
    return which;
}

static void give_memory(struct actor *a) {
    for (enum prop which = PROP_VMO; which <= PROP_OTHER; which++)
        give(a, which, &vmo_prop(which)->object, ZX_DEFAULT_VMO_RIGHTS);
    a->memory = a->props[memory_prop(a->index)];
}

static void give_tasks(struct actor *a) {
    give(a, PROP_JOB, &stage.job->object, ZX_DEFAULT_JOB_RIGHTS);
    give(a, PROP_NEST, &stage.nest->object, ZX_DEFAULT_JOB_RIGHTS);
    give(a, PROP_EGG, &stage.props.egg->object, ZX_DEFAULT_PROCESS_RIGHTS);
    give(a, PROP_EGG_THREAD, &stage.props.egg_thread->object, ZX_DEFAULT_THREAD_RIGHTS);
}

static void give_objects(struct actor *a) {
    unsigned end = a->index > 0;
    give(a, PROP_CHANNEL, stage.props.ends[end], ZX_DEFAULT_CHANNEL_RIGHTS);
    give(a, PROP_PAIR, stage.props.pair[end], ZX_DEFAULT_EVENTPAIR_RIGHTS);
    if (!has_own_process(a->index)) return;
    give(a, PROP_EVENT, stage.props.event, ZX_DEFAULT_EVENT_RIGHTS);
    give(a, PROP_PORT, stage.props.port, ZX_DEFAULT_PORT_RIGHTS);
    give(a, PROP_TIMER, stage.props.timer, ZX_DEFAULT_TIMER_RIGHTS);
    give(a, PROP_INTERRUPT, stage.props.interrupt, ZX_DEFAULT_INTERRUPT_RIGHTS);
    give(a, PROP_INTERRUPT_PORT, stage.props.interrupt_port, ZX_DEFAULT_PORT_RIGHTS);
    give(a, PROP_ROOT, stage.props.root, ZX_DEFAULT_RESOURCE_RIGHTS);
    give(a, PROP_RESOURCE, stage.props.resource, ZX_DEFAULT_RESOURCE_RIGHTS);
}

/* Together, all but what is the actor's own has one handle. */
static void share_handles(struct actor *a) {
    const struct actor *first = &stage.actors[0];
    for (unsigned i = 0; i < PROPS; i++) {
        if (!a->props[i]) a->props[i] = first->props[i];
    }
    if (!a->memory) a->memory = first->memory;
}

/* As if calls on several processors had met at each. */
static void copy_handles(const struct actor *a) {
    for (unsigned i = 0; i < PROPS; i++) {
        if (a->props[i]) handle_copy(&a->process->handles, a->props[i]);
    }
}

static void make_process(struct actor *a, struct vmar *areas[ACTORS]) {
    const struct actor *first = &stage.actors[0];
    static const char *const names[] = {"process A", "process B", "process C"}, *const area_names[] = {
                                                                                    "area A", "area B", "area C"};
    if (!has_own_process(a->index)) {
        a->process = first->process;
        areas[a->index] = areas[0];
        return;
    }
    must(process_create(stage.job, "actor", &a->process));
    known(&a->process->object, names[a->index]);
    areas[a->index] = make_area(a->process, a->index);
    known(&areas[a->index]->object, area_names[a->index]);
    give_memory(a);
}

static void give_peers(struct actor *a, struct vmar *areas[ACTORS]) {
    unsigned next = (a->index + 1) % stage.count;
    give(a, PROP_AREA, &areas[a->index]->object, VMAR_RIGHTS);
    give(a, PROP_PEER_AREA, &areas[next]->object, VMAR_RIGHTS);
    give(a, PROP_PEER, &stage.actors[next].process->object, ZX_DEFAULT_PROCESS_RIGHTS);
    give(a, PROP_PEER_THREAD, &stage.actors[next].thread->object, ZX_DEFAULT_THREAD_RIGHTS);
}

static void make_egg(void) {
    must(job_create(stage.job, &stage.nest));
    known(&stage.nest->object, "nest");
    must(process_create(stage.nest, "egg", &stage.props.egg));
    must(user_thread_create(stage.props.egg, "egg", &stage.props.egg_thread));
    known(&stage.props.egg->object, "egg");
    known(&stage.props.egg_thread->object, "egg's thread");
}

/* --- exceptions --- */

/* The handler's end of a new channel, as a handle outside any table. */
static struct handle make_channel(struct process *process) {
    struct object *end;
    must(exception_channel_create(&process->exceptions, ZX_DEFAULT_PROCESS_RIGHTS, &end));
    struct handle handle = handle_make(end, ZX_RIGHT_READ | ZX_RIGHT_WAIT);
    object_unref(end);
    return handle;
}

/* Its thread has no entry, and has met that. */
static void make_victim(void) {
    struct message *message;
    struct handle exception;
    uint32_t bytes = sizeof(zx_exception_info_t), handles = 1;
    if (!is_used(PROP_EXCEPTION)) return;
    must(process_create(stage.job, "victim", &stage.props.victim));
    must(user_thread_create(stage.props.victim, "victim", &stage.props.victim_thread));
    known(&stage.props.victim->object, "victim");
    known(&stage.props.victim_thread->object, "victim's thread");
    struct handle channel = make_channel(stage.props.victim);
    must(process_start(stage.props.victim, stage.props.victim_thread, USER_END - 1, 0, (struct handle){0}, 0));
    cpus_settle();
    must(channel_read(channel.object, NULL, false, &bytes, &handles, &message));
    message_take(message, &exception);
    stage.props.exception = exception;
    known(stage.props.exception.object, "exception");
    message_discard(message);
    handle_discard(channel);
}

/* The last actor, or the process that all share, has what there is one of. */
static void give_exceptions(struct actor *a) {
    if (stage.props.victim && has_own_process(a->index)) {
        give(a, PROP_VICTIM, &stage.props.victim->object, ZX_DEFAULT_PROCESS_RIGHTS);
        give(a, PROP_VICTIM_THREAD, &stage.props.victim_thread->object, ZX_DEFAULT_THREAD_RIGHTS);
    }
    bool last = shares_process(stage.scenario) ? a->index == 0 : a->index == stage.count - 1;
    if (last && is_used(PROP_EXCEPTION)) a->props[PROP_EXCEPTION] = move(a->process, stage.props.exception);
    if (!last || !is_used(PROP_CATCH)) return;
    stage.props.catch = make_channel(stage.actors[0].process);
    known(stage.props.catch.object, "catch");
    a->props[PROP_CATCH] = move(a->process, stage.props.catch);
}

static void let_victim_go(void) {
    if (!stage.props.victim) return;
    object_handle_unref(&stage.props.victim->object);
    object_unref(&stage.props.victim->object);
    object_unref(&stage.props.victim_thread->object);
}

/* --- actors --- */

/* In user mode, doing nothing. Once it is there, an interrupt is all that ever takes it out. */
static void rest(void) {
    for (;;) {
        arch_irq_disable();
        if (thread_interrupted())
            arch_irq_enable();
        else
            arch_wait_for_interrupt();
        (void)host_syscall(HOST_SYS_ticks_get, (uint64_t[8]){0});
    }
}

static void actor_main(uint64_t arg1, uint64_t index) {
    struct actor *a = &stage.actors[index];
    char pattern[ZX_PAGE_SIZE];
    (void)arg1;
    memset(pattern, '0' + (int)index, sizeof(pattern));
    must(host_user_store(SCRATCH_OF(a) + 256, pattern, sizeof(pattern) - 256));
    /* The processor knows what is mapped there. */
    must(host_user_load(pattern, SHARED, 8));
    must(host_user_load(pattern, READ_ONLY, 8));
    must(host_user_load(pattern, TEXT, 8));
    a->cpu = cpus_running();
    a->ready = true;
    cpus_gate();
    a->status = a->act->run(a);
    a->done = true;
    rest();
}

static void start_actor(struct actor *a) {
    if (has_own_process(a->index))
        must(process_start(a->process, a->thread, host_program_entry(actor_main), 0, (struct handle){0}, a->index));
    else
        must(user_thread_start(a->thread, host_program_entry(actor_main), 0, 0, a->index));
    cpus_settle();
    if (!a->ready) explore_failed("an actor does not get ready");
}

static void make_actors(void) {
    static const char *const names[] = {"thread A", "thread B", "thread C"};
    struct vmar *areas[ACTORS] = {0};
    for (unsigned i = 0; i < stage.count && i < ACTORS; i++) {
        struct actor *a = &stage.actors[i];
        a->index = i;
        a->act = stage.scenario->acts[i];
        make_process(a, areas);
        must(user_thread_create(a->process, "actor", &a->thread));
        known(&a->thread->object, names[i]);
    }
    for (unsigned i = 0; i < stage.count; i++) {
        give_objects(&stage.actors[i]);
        if (has_own_process(i)) give_tasks(&stage.actors[i]);
        give_exceptions(&stage.actors[i]);
        give_peers(&stage.actors[i], areas);
        share_handles(&stage.actors[i]);
        if (stage.scenario->sharing == SHARE_COPIED) copy_handles(&stage.actors[i]);
    }
    for (unsigned i = 0; i < stage.count; i++) {
        start_actor(&stage.actors[i]);
        if (!has_own_process(i)) continue;
        object_handle_unref(&stage.actors[i].process->object);
        object_unref(&areas[i]->object);
    }
}

/* What there is lives from now on by the actors' handles, and by what they have mapped. */
static void let_go(void) {
    struct object *const objects[] = {&stage.props.vmo->object,   &stage.props.fixed->object,
                                      &stage.props.slice->object, &stage.props.snapshot->object,
                                      &stage.props.empty->object, &stage.props.other->object,
                                      stage.props.ends[0],        stage.props.ends[1],
                                      stage.props.event,          stage.props.pair[0],
                                      stage.props.pair[1],        stage.props.port,
                                      stage.props.timer,          stage.props.root,
                                      stage.props.interrupt,      stage.props.interrupt_port,
                                      stage.props.resource,       &stage.job->object,
                                      &stage.props.egg->object,   &stage.props.egg_thread->object,
                                      &stage.nest->object,        &stage.text->object};
    object_handle_unref(&stage.props.egg->object);
    object_handle_unref(&stage.job->object);
    object_handle_unref(&stage.nest->object);
    for (unsigned i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) object_unref(objects[i]);
}

/* What the acts use, and what bears on what they use: a VMO that has a snapshot is another than one that has none. */
static void find_used(void) {
    for (unsigned i = 0; i < stage.count; i++) {
        stage.used |= stage.scenario->acts[i]->uses;
        if (stage.scenario->acts[i]->flags & ACT_MEMORY) stage.used |= 1u << PROP_SNAPSHOT;
    }
    for (unsigned i = 0; i < stage.count && is_used(PROP_MEMORY); i++) stage.used |= 1u << memory_prop(i);
}

void stage_build(const struct scenario *scenario) {
    stage = (struct stage){.scenario = scenario, .count = scenario->count};
    host_seed(1);
    selfcheck_baseline(BASELINE_OUTER);
    must(job_create_root(&stage.root_job));
    must(job_create(stage.root_job, &stage.job));
    oom_begin(stage.root_job);
    known(&stage.job->object, "job");
    must(vmo_create(PAGES(ACTORS), false, &stage.scratch));
    must(vmo_commit(stage.scratch, 0, PAGES(ACTORS)));
    make_memory();
    find_used();
    make_objects();
    make_egg();
    make_victim();
    make_actors();
    let_go();
    let_victim_go();
}

void stage_run(void) {
    for (unsigned i = 0; i < stage.count; i++) cpus_open_gate(stage.actors[i].cpu);
    cpus_explore();
}

void stage_take_down(void) {
    job_kill(stage.root_job, 0);
    cpus_settle();
    oom_begin(NULL);
    for (unsigned i = 0; i < stage.count; i++) {
        object_unref(&stage.actors[i].thread->object);
        if (has_own_process(i)) object_unref(&stage.actors[i].process->object);
    }
    vmo_unref(stage.scratch);
    object_unref(&stage.root_job->object);
    cpus_settle();
    if (selfcheck_leaks(BASELINE_OUTER) != ZX_OK) explore_failed("something was left behind: %s", host_log_line());
}
