/*
 * Who runs: depth first through all schedules, with at most so many preemptions. A schedule is the sequence of
 * choices made at its nodes; the next one differs from it at the last node that has another choice left.
 *
 * A node is a point where more than one processor may go on: before an atomic operation on a place that several
 * processors use, after one that released something, before an access to user memory, and wherever the running
 * processor has to wait. Reduction: which places are used by several is learned pass by pass, and all others are no
 * nodes; and a processor that was preempted sleeps until another does something that its own next step does not
 * commute with: to wake it earlier would repeat a schedule in which it was preempted one step later. See README.md.
 *
 * All this lies outside the machine, and stays when the machine's memory goes back.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/base/log.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/switch_point.h"
#include "kernel/sched/force.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/sched.h"
#include "tests/host/explore/explore.h"
#include "tests/host/memory.h"

#define MAX_NODES 4000
#define MAX_POINTS 60000 /* of one schedule: a loop that goes round so often never ends */
#define PLACES (1u << 14)
#define PLACE_FULL (PLACES / 2)
#define LOOPS 200 /* operations on one place, one after the other, that make a loop which waits for others */
#define MAX_REPLAY 400
#define CLOCK CPUS /* the choice that time goes on to the next alarm */

/* What a processor is about to do, or has just done. */
struct step {
    const volatile void *place; /* NULL: anything, that is, user memory */
    bool write;
    bool counts; /* up or down, far from the end of a count of references: such steps commute with each other */
};

static struct {
    bool on; /* a schedule is under way */
    enum schedule_mode mode;
    unsigned bound, used; /* preemptions */
    bool timed;           /* time may go on at any point: that counts as one */
    bool redundant, grew;
    unsigned points, loops;
    const volatile void *last_place;
    bool last_is_spinlock;
    struct step next[CPUS];
    bool asleep[CPUS];
    uint64_t nodes;
} now;

static struct node { uint8_t choices[CPUS], count, taken; } path[MAX_NODES];
static unsigned depth, path_length;

static struct choice_made { unsigned point, cpu; } made[MAX_REPLAY], wanted[MAX_REPLAY];
static unsigned made_count, wanted_count, wanted_next;

bool switch_points_on = true;
void force_init(void) {}
void force_number_thread(struct thread *t UNUSED) {}
void force_note_switch(const struct thread *next UNUSED) {}
void force_report(void) {}

static bool reduced = true;

void schedule_reduce(bool reduce) { reduced = reduce; }
bool schedule_is_exploring(void) { return now.on; }
bool schedule_redundant(void) { return now.redundant; }
bool schedule_grew(void) { return now.grew; }
uint64_t schedule_nodes(void) { return now.nodes; }

/* --- places --- */

/* Who has used a place in any schedule so far, one bit each; and whether several had when the pass began. */
static struct place {
    const volatile void *address;
    uint8_t readers, writers;
    bool shared;
} places[PLACES];
static unsigned place_count;

static struct place *place_find(const volatile void *address) {
    uint64_t hash = (uintptr_t)address * 0x9e3779b97f4a7c15u;
    for (unsigned i = (unsigned)(hash >> 40) % PLACES;; i = (i + 1) % PLACES) {
        if (places[i].address == address) return &places[i];
        if (places[i].address) continue;
        if (place_count++ == PLACE_FULL) abort();
        places[i].address = address;
        return &places[i];
    }
}

static bool used_by_several(const struct place *p) {
    unsigned all = p->readers | p->writers;
    return p->writers && (all & (all - 1));
}

static bool place_is_shared(const volatile void *address) {
    return !address || !reduced || place_find(address)->shared;
}

static void place_used(const volatile void *address, bool write) {
    struct place *p = place_find(address);
    uint8_t self = (uint8_t)(1u << cpus_running());
    if (write)
        p->writers |= self;
    else
        p->readers |= self;
    if (!p->shared && used_by_several(p)) now.grew = true;
}

void schedule_forget_places(void) {
    memset(places, 0, sizeof(places));
    place_count = 0;
}

/* --- passes and schedules --- */

void schedule_begin_pass(enum schedule_mode mode, unsigned bound, bool timed) {
    now.timed = timed;
    now.mode = mode;
    now.bound = bound;
    now.grew = false;
    path_length = 0;
    for (unsigned i = 0; i < PLACES; i++) places[i].shared = places[i].address && used_by_several(&places[i]);
}

void schedule_begin(void) {
    now.on = true;
    now.redundant = false;
    now.used = now.points = now.loops = 0;
    now.last_place = NULL;
    memset(now.asleep, 0, sizeof(now.asleep));
    depth = made_count = wanted_next = 0;
    trace_reset();
}

bool schedule_next(void) {
    now.on = false;
    while (path_length > 0 && path[path_length - 1].taken + 1 == path[path_length - 1].count) path_length--;
    if (path_length == 0) return false;
    path[path_length - 1].taken++;
    return true;
}

void schedule_print(FILE *to) {
    for (unsigned i = 0; i < made_count; i++) fprintf(to, "%s%u:%u", i ? " " : "", made[i].point, made[i].cpu);
}

bool schedule_parse(const char *text) {
    int used;
    for (wanted_count = 0; sscanf(text, " %u:%u%n", &wanted[wanted_count].point, &wanted[wanted_count].cpu, &used) == 2;
         text += used) {
        if (wanted[wanted_count].cpu > CLOCK || ++wanted_count == MAX_REPLAY) return false;
    }
    return text[strspn(text, " ,")] == '\0';
}

/* --- choosing --- */

static bool can_come(unsigned id) { return cpus_can_run(id) && !now.asleep[id]; }

static uint8_t replayed(const struct node *node) {
    if (wanted_next == wanted_count || wanted[wanted_next].point != now.points) return node->choices[0];
    return (uint8_t)wanted[wanted_next++].cpu;
}

/* Which of the node's choices this schedule takes. */
static unsigned choose(const struct node *fresh) {
    uint8_t id;
    now.nodes++;
    if (now.mode == SCHEDULE_REPLAY) {
        id = replayed(fresh);
    } else {
        if (depth == MAX_NODES) panic("a schedule of too many choices");
        if (depth == path_length) path[path_length++] = *fresh;
        struct node *node = &path[depth++];
        if (node->count != fresh->count || memcmp(node->choices, fresh->choices, node->count) != 0)
            panic("the same choices did not lead to the same place");
        id = node->choices[node->taken];
    }
    if (id != fresh->choices[0] && made_count < MAX_REPLAY) made[made_count++] = (struct choice_made){now.points, id};
    return id;
}

static void go_to(unsigned id) {
    trace_add((struct trace_entry){.point = now.points, .cpu = id, .kind = 's', .what = ""});
    now.loops = 0;
    cpus_switch(id);
    now.asleep[cpus_running()] = false;
}

static bool may_preempt(bool window) {
    if (now.mode == SCHEDULE_REPLAY) return true;
    return now.used < now.bound && (window || now.mode == SCHEDULE_ALL);
}

/* Time goes on to the next alarm, and whoever waits for that comes first. */
static void let_alarm_go_off(void) {
    (void)!cpus_next_alarm();
    for (unsigned id = 0; id < CPUS; id++) {
        if (id == cpus_running() || !cpus_has_alarm(id) || !can_come(id)) continue;
        go_to(id);
        return;
    }
}

/* Anybody else might come first. */
static void node_at_point(bool window) {
    unsigned self = cpus_running();
    struct node node = {.choices = {(uint8_t)self}, .count = 1};
    if (!may_preempt(window)) return;
    for (unsigned id = 0; id < CPUS; id++) {
        if (id != self && can_come(id)) node.choices[node.count++] = (uint8_t)id;
    }
    if (now.timed && cpus_alarm_pending()) node.choices[node.count++] = CLOCK;
    if (node.count == 1 && now.mode != SCHEDULE_REPLAY) return;
    unsigned id = choose(&node);
    if (id == self) return;
    if (id == CLOCK) {
        now.used++;
        let_alarm_go_off();
        return;
    }
    if (!cpus_can_run(id)) panic("processor %u cannot run here: the schedule is another build's", id);
    now.used++;
    /* What touches user memory does not commute with anything: it never sleeps for long. */
    now.asleep[self] = reduced && now.mode == SCHEDULE_ALL;
    go_to(id);
}

static bool any_can_run(void) {
    for (unsigned id = 0; id < CPUS; id++) {
        if (cpus_can_run(id)) return true;
    }
    return false;
}

static void end_of_schedule(void) {
    now.on = false;
    cpus_open_gate(DIRECTOR_CPU);
    cpus_switch(DIRECTOR_CPU);
}

/* Those who spin for a bounded time, while no other goes on, come to the end of it. */
static bool end_patience(void) {
    cpus_stored(&now.points);
    return any_can_run();
}

void schedule_blocked(void) {
    unsigned self = cpus_running();
    struct node node = {.count = 0};
    now.points++;
    for (unsigned i = 1; i <= CPUS; i++) {
        unsigned id = (self + i) % CPUS;
        if (can_come(id)) node.choices[node.count++] = (uint8_t)id;
    }
    if (node.count > 0) {
        unsigned id = node.count > 1 || now.mode == SCHEDULE_REPLAY ? choose(&node) : node.choices[0];
        if (id != self) go_to(id);
    } else if (any_can_run()) {
        now.on = false;
        now.redundant = true;
        cpus_leave();
    } else if (end_patience()) {
        schedule_blocked();
    } else if (!cpus_next_alarm()) {
        end_of_schedule();
    }
}

/* --- points --- */

static void count_point(void) {
    if (++now.points > MAX_POINTS) panic("livelock: all run on and on, and none comes to an end");
}

/* What the running processor now does may not commute with what one that sleeps is about to. */
static void wake_sleepers(struct step step) {
    for (unsigned id = 0; id < CPUS; id++) {
        const struct step *other = &now.next[id];
        if (!now.asleep[id] || id == cpus_running()) continue;
        bool same = !step.place || !other->place || step.place == other->place;
        if (same && (step.write || other->write) && !(step.counts && other->counts)) now.asleep[id] = false;
    }
}

/* A loop of the kernel's that waits for another processor without saying so: thread_yield() again and again. */
static void look_for_loops(const volatile void *place) {
    now.loops = place == now.last_place ? now.loops + 1 : 0;
    now.last_place = place;
    if (now.loops < LOOPS) return;
    now.loops = 0;
    cpus_spin(&now);
}

static void point(struct step step, bool window) {
    now.next[cpus_running()] = step;
    count_point();
    if (!step.counts && (place_is_shared(step.place) || now.mode == SCHEDULE_WINDOWS)) node_at_point(window);
    cpus_take_interrupts();
    now.next[cpus_running()] = step;
}

/* Locks of the allocators and of the log: nothing else is done while one is held, and nobody looks at their order. */
static bool is_quiet(const volatile void *address, const struct explore_site *site) {
    if (strcmp(site->what, "&l->locked") != 0) return false;
    const struct spinlock *lock = container_of((const atomic_bool *)(uintptr_t)address, struct spinlock, locked);
    return lock->rank >= RANK_RANDOM && lock->rank != RANK_SCHED;
}

/* Which of many references is given back first makes no difference. */
#define MANY_REFERENCES 3
static bool counts(const volatile void *address, const struct explore_site *site) {
    return reduced && strcmp(site->what, "refs") == 0 && *(const volatile unsigned *)address > MANY_REFERENCES;
}

/*
 * What follows the scheduler's lock is not what that guards: threads go to sleep with it, and come back with it. Others
 * may come in between before it is taken.
 */
static bool is_scheduler(const struct explore_site *site, const volatile void *address) {
    return reduced && address == (const volatile void *)&sched_lock.locked && strcmp(site->what, "&l->locked") == 0;
}

static const char *name_of(const volatile void *address, const struct explore_site *site) {
    if (strcmp(site->what, "&l->locked") == 0)
        return container_of((const atomic_bool *)(uintptr_t)address, struct spinlock, locked)->name;
    if (strcmp(site->what, "&m->owner") == 0)
        return container_of((const _Atomic uintptr_t *)(uintptr_t)address, struct mutex, owner)->name;
    return site->what[0] == '&' ? site->what + 1 : site->what;
}

static void trace_step(const volatile void *address, const struct explore_site *site, char kind,
                       const uintptr_t *frame) {
    trace_add((struct trace_entry){.point = now.points,
                                   .cpu = cpus_running(),
                                   .site = site,
                                   .what = name_of(address, site),
                                   .pc = frame[1],
                                   .caller = ((const uintptr_t *)frame[0])[1],
                                   .kind = kind});
}

void explore_before(const volatile void *address, enum explore_access access, const struct explore_site *site) {
    const bool write = access == EXPLORE_WRITE;
    if (!now.on) {
        if (write) cpus_stored(address);
        return;
    }
    if (is_quiet(address, site)) return;
    const struct step step = {address, write, counts(address, site)};
    point(step, false);
    if (!now.on) return;
    trace_step(address, site, write ? 'w' : 'r', __builtin_frame_address(0));
    place_used(address, write);
    wake_sleepers(step);
    if (write) cpus_stored(address);
    cpus_stored(&now);
    cpus_stored(&now.points);
    now.last_is_spinlock = strcmp(site->what, "&l->locked") == 0;
    look_for_loops(address);
}

/* Is it in one of the functions that look handles up? */
static bool is_in_lookup(uintptr_t pc) {
    Dl_info info;
    const ElfW(Sym) * symbol;
    if (!dladdr1((void *)pc, &info, (void **)&symbol, RTLD_DL_SYMENT) || !info.dli_sname || !symbol) return false;
    if (pc - (uintptr_t)info.dli_saddr >= symbol->st_size) return false;
    return strncmp(info.dli_sname, "handle_get", strlen("handle_get")) == 0 ||
           strcmp(info.dli_sname, "handle_remove") == 0;
}

/*
 * Calls look their handles up one by one before they act: each look-up is a window. An address is asked for only once.
 */
static bool looks_up(uintptr_t pc) {
    static struct {
        uintptr_t pc;
        bool looks_up;
    } asked[512];
    static unsigned count;
    for (unsigned i = 0; i < count; i++) {
        if (asked[i].pc == pc) return asked[i].looks_up;
    }
    if (count == sizeof(asked) / sizeof(asked[0])) abort();
    asked[count].pc = pc;
    asked[count].looks_up = is_in_lookup(pc);
    return asked[count++].looks_up;
}

static bool is_mutex(const struct explore_site *site) { return strcmp(site->what, "&m->owner") == 0; }

/* Until the next operation, what was released is still what matters: a store to it that comes too late shows here. */
void explore_released(const volatile void *address, const struct explore_site *site) {
    if (!now.on || is_quiet(address, site) || is_scheduler(site, address)) return;
    /* Where a mutex's own function is not part of the one that calls it, that one is the caller's caller. */
    const uintptr_t *frame = __builtin_frame_address(0);
    bool window = is_mutex(site) && (looks_up(frame[1]) || looks_up(((const uintptr_t *)frame[0])[1]));
    point((struct step){address, true, counts(address, site)}, window);
}

void host_touch(void) {
    if (!now.on) return;
    /* What is looked at under a lock belongs to what the lock is held for. */
    point((struct step){NULL, true, false}, arch_this_cpu()->locks->depth == 0);
    if (!now.on) return;
    trace_add((struct trace_entry){.point = now.points, .cpu = cpus_running(), .what = "user memory", .kind = 'u'});
    wake_sleepers((struct step){NULL, true, false});
}

/* All switch points but those between windows come with an atomic operation, which has its own. */
void switch_point_reached(void) {}
void switch_window_reached(void) {
    if (now.on) point((struct step){NULL, true, false}, true);
}

/*
 * The spinlock that is waited for is what was looked at last. Who spins for a mutex looks at more than one place: it
 * goes on after any step of another, or when no other can.
 */
void host_pause(void) { cpus_spin(now.last_is_spinlock ? now.last_place : &now.points); }
