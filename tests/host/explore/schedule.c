/*
 * Who runs: depth first through all schedules, with at most so many preemptions. A schedule is the sequence of
 * choices made at its nodes (path.h).
 *
 * A node is a point where more than one processor may continue: before an atomic operation on a place that several
 * processors use, after one that released something, before an access to user memory, and wherever the running
 * processor has to wait. What leads to the same as another schedule is left out: nodes keep what was done after them
 * (footprint.h), and processors sleep. See README.md.
 *
 * All this is outside the machine, and stays when the machine's memory is restored.
 */
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
#include "tests/host/explore/path.h"
#include "tests/host/explore/stage.h"
#include "tests/host/memory.h"

#define MAX_POINTS 60000 /* of one schedule: a loop that goes round so often never ends */
#define LOOPS 200        /* operations on one place, one after the other, that make a loop which waits for others */
#define MAX_REPLAY 400
#define CLOCK CPUS /* the choice that time advances to the next alarm */
#define NO_NODE (~0u)
#define MARK_DISTANCE 40 /* points */

static struct state {
    bool on;      /* a schedule is under way */
    bool marking; /* and has stopped for a mark */
    enum schedule_mode mode;
    unsigned bound, used; /* preemptions */
    bool timed;           /* time may advance at any point: that counts as one */
    bool redundant;
    unsigned points, loops, switches;
    unsigned counted, burst_counted; /* steps that count, since the last node and in the burst */
    const volatile void *last_place;
    bool last_is_spinlock;
    const struct footprint *asleep[CPUS]; /* what it is about to do, if it sleeps */
    unsigned left_at[CPUS];               /* the node where it was preempted; NO_NODE once it has run again */
    struct footprint *own, *burst;        /* of the running processor: what nodes are to know of its steps, or NULL */
    unsigned marked_at;                   /* the point of the last mark */
} now;
static uint64_t nodes;

static unsigned depth; /* how many nodes of the path have been met */

static struct choice_made { unsigned point, cpu; } made[MAX_REPLAY], wanted[MAX_REPLAY];
static unsigned made_count, wanted_count, wanted_next;

/* All that there is to a schedule before a node, but for the machine itself, which has an image of it. */
static struct mark {
    struct state now;
    unsigned depth, made_count, trace_length;
} marks[SNAPSHOT_IMAGES];
static unsigned mark_count;

bool switch_points_on = true;
void force_init(void) {}
void force_number_thread(struct thread *t UNUSED) {}
void force_note_switch(const struct thread *next UNUSED) {}
void force_report(void) {}

static bool reduced = true;

void schedule_reduce(bool reduce) { reduced = reduce; }
bool schedule_is_exploring(void) { return now.on; }
bool schedule_redundant(void) { return now.redundant; }
/* With nothing left out, each place is one like the others. */
unsigned schedule_grew(void) { return reduced ? places_grew() : 0; }
uint64_t schedule_nodes(void) { return nodes; }

/* --- passes and schedules --- */

void schedule_begin_pass(enum schedule_mode mode, unsigned bound, bool timed) {
    now.timed = timed;
    now.mode = mode;
    now.bound = bound;
    path_clear();
    places_learn();
}

static void begin_at(const struct mark *mark) {
    now = mark->now;
    depth = mark->depth;
    made_count = mark->made_count;
    trace_cut(mark->trace_length);
}

void schedule_begin(void) {
    const struct mark beginning = {.now = {.on = true, .mode = now.mode, .bound = now.bound, .timed = now.timed}};
    while (mark_count > 0 && marks[mark_count - 1].depth >= path_length()) {
        mark_count--;
        snapshot_pop();
    }
    snapshot_restore();
    begin_at(mark_count > 0 ? &marks[mark_count - 1] : &beginning);
    if (mark_count > 0) return;
    for (unsigned id = 0; id < CPUS; id++) now.left_at[id] = NO_NODE;
    wanted_next = 0;
}

bool schedule_marked(void) {
    if (!now.marking) return false;
    now.marking = false;
    now.marked_at = now.points;
    if (snapshot_push()) marks[mark_count++] = (struct mark){now, depth, made_count, trace_length()};
    return true;
}

/* The node is new: many schedules are to come that do not differ before it. */
static void mark_now_and_then(const struct choices *choices) {
    if (!choices->preempts || now.points - now.marked_at < MARK_DISTANCE) return;
    now.marking = true;
    cpus_leave();
}

bool schedule_next(void) {
    now.on = false;
    return path_next(reduced);
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

bool schedule_followed(void) { return wanted_next == wanted_count; }

static uint8_t replayed(const struct choices *choices) {
    if (wanted_next == wanted_count || wanted[wanted_next].point != now.points) return choices->ids[0];
    unsigned id = wanted[wanted_next++].cpu;
    if (!memchr(choices->ids, (int)id, choices->count))
        panic("processor %u cannot run here: the schedule is another build's", id);
    return (uint8_t)id;
}

/* Which of the choices this schedule takes. */
static unsigned choose(const struct choices *choices) {
    nodes++;
    now.counted = 0;
    now.own = NULL;
    if (now.mode == SCHEDULE_REPLAY) return replayed(choices);
    if (depth == path_length()) {
        path_add(choices, now.switches);
        mark_now_and_then(choices);
    }
    struct node *node = path_node(depth);
    if (node->choices.count != choices->count || memcmp(node->choices.ids, choices->ids, choices->count) != 0)
        panic("the same choices did not lead to the same place");
    if (reduced && choices->preempts) now.own = &node->own;
    depth++;
    return choices->ids[node->taken];
}

static struct node *last_node(void) { return path_node(depth - 1); }

/* What a replay is to be told: who came, where that is not the one that it would choose of its own. */
static void note_choice(unsigned of_its_own, unsigned id) {
    if (id != of_its_own && made_count < MAX_REPLAY) made[made_count++] = (struct choice_made){now.points, id};
}

static void begin_burst(struct footprint *burst) {
    now.burst = burst;
    now.counted = now.burst_counted = 0;
}

static void go_to(unsigned id, struct footprint *burst) {
    now.asleep[id] = NULL;
    now.left_at[id] = NO_NODE;
    trace_add((struct trace_entry){.point = now.points, .cpu = id, .kind = 's', .what = ""});
    now.loops = 0;
    now.switches++;
    now.own = NULL;
    begin_burst(burst);
    cpus_switch(id);
}

static bool may_preempt(bool window) {
    if (now.mode == SCHEDULE_REPLAY) return true;
    return now.used < now.bound && (window || now.mode == SCHEDULE_ALL);
}

/* The running processor is preempted at the node that was met last. It sleeps until what it is about to do matters. */
static void leave(unsigned self) {
    now.asleep[self] = now.own;
    now.left_at[self] = now.own ? depth - 1 : NO_NODE;
}

/* Time advances to the next alarm, and the processor that waits for it is next. */
static void let_alarm_go_off(void) {
    unsigned self = cpus_running(), first = CPUS;
    (void)!cpus_next_alarm();
    for (unsigned id = CPUS; id-- > 0;) {
        if (id != self && cpus_has_alarm(id) && can_come(id)) first = id;
    }
    if (first < CPUS)
        leave(self);
    else if (now.own)
        last_node()->below_known[last_node()->taken] = false;
    now.own = NULL;
    schedule_looked_at_time(true);
    for (unsigned id = 0; id < CPUS; id++) {
        if (cpus_has_alarm(id)) schedule_kicked(id);
    }
    if (first < CPUS) go_to(first, NULL);
}

/* Where the node that it was preempted at keeps what others do meanwhile. */
static struct footprint *left_below(unsigned id) {
    struct node *node = path_node(now.left_at[id]);
    return &node->below[node->taken];
}

/* Anybody else might come first. */
static void node_at_point(bool window) {
    unsigned self = cpus_running();
    struct choices choices = {.ids = {(uint8_t)self}, .count = 1, .preempts = true};
    if (!may_preempt(window)) return;
    for (unsigned id = 0; id < CPUS; id++) {
        if (id != self && can_come(id)) choices.ids[choices.count++] = (uint8_t)id;
    }
    if (now.timed && cpus_alarm_pending()) choices.ids[choices.count++] = CLOCK;
    if (choices.count == 1 && now.mode != SCHEDULE_REPLAY) return;
    unsigned id = choose(&choices);
    note_choice(self, id);
    if (id == self) return;
    now.used++;
    if (id == CLOCK) {
        let_alarm_go_off();
        return;
    }
    leave(self);
    go_to(id, NULL);
}

/* The first after the running one that could continue, asleep or not; CPUS if none can. */
static unsigned first_that_can_run(void) {
    for (unsigned i = 1; i <= CPUS; i++) {
        unsigned id = (cpus_running() + i) % CPUS;
        if (cpus_can_run(id)) return id;
    }
    return CPUS;
}

static void end_of_schedule(void) {
    now.on = false;
    cpus_open_gate(DIRECTOR_CPU);
    cpus_switch(DIRECTOR_CPU);
}

/* Those that spin for a bounded time, while no other continues, reach the end of it. */
static bool end_patience(void) {
    cpus_stored(&now.points);
    return first_that_can_run() < CPUS;
}

/*
 * Nobody was preempted at this node, so its earlier choices sleep: what they do until they must wait they could as well
 * have done first.
 */
static struct footprint *burst_of(struct node *node) {
    for (unsigned i = 0; i < node->taken; i++) now.asleep[node->choices.ids[i]] = &node->below[i];
    return &node->below[node->taken];
}

void schedule_blocked(void) {
    unsigned self = cpus_running(), first = first_that_can_run();
    struct choices choices = {.count = 0};
    now.points++;
    for (unsigned i = 1; i <= CPUS; i++) {
        unsigned id = (self + i) % CPUS;
        if (can_come(id)) choices.ids[choices.count++] = (uint8_t)id;
    }
    if (choices.count > 0) {
        bool is_node = choices.count > 1 || now.mode == SCHEDULE_REPLAY;
        unsigned id = is_node ? choose(&choices) : choices.ids[0];
        struct footprint *burst = NULL;
        note_choice(first, id);
        if (is_node && reduced && now.mode != SCHEDULE_REPLAY) burst = burst_of(last_node());
        begin_burst(burst);
        if (id != self) go_to(id, burst);
    } else if (first < CPUS) {
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

/*
 * Which of many references is given back first makes no difference, if neither of those who give some back between two
 * points gives back so many: then none of them is the last in either order.
 */
#define MANY_REFERENCES 3
static struct step few_counts(struct step step) {
    now.counted += step.counts;
    now.burst_counted += step.counts;
    if (now.burst_counted >= MANY_REFERENCES) step.counts = false;
    return step;
}

/* The running processor does that: who sleeps wakes if it does not commute with what he is about to do. */
static void note_step(struct step step) {
    unsigned self = cpus_running();
    if (step.place) place_used(step.place, self, step.write);
    if (now.own) footprint_add(now.own, self, step);
    const struct step in_burst = few_counts(step);
    if (now.burst) footprint_add(now.burst, self, in_burst);
    for (unsigned id = 0; id < CPUS; id++) {
        if (now.left_at[id] != NO_NODE) footprint_add(left_below(id), self, step);
        if (now.asleep[id] && !footprint_commutes_with(now.asleep[id], self, step)) now.asleep[id] = NULL;
    }
}

void schedule_kicked(unsigned kicked) {
    const uint8_t bit = (uint8_t)(1u << kicked);
    if (!now.on) return;
    if (now.own) now.own->kicked |= bit;
    if (now.burst) now.burst->kicked |= bit;
    for (unsigned id = 0; id < CPUS; id++) {
        if (now.left_at[id] != NO_NODE) left_below(id)->kicked |= bit;
        if (now.asleep[id] && now.asleep[id]->ran & bit) now.asleep[id] = NULL;
    }
}

void schedule_looked_at_time(bool changed) {
    static const char time;
    if (now.on && now.timed) note_step((struct step){.place = &time, .write = changed});
}

/* A loop of the kernel's that waits for another processor without saying so: thread_yield() again and again. */
static void look_for_loops(const volatile void *place) {
    now.loops = place == now.last_place ? now.loops + 1 : 0;
    now.last_place = place;
    if (now.loops < LOOPS) return;
    now.loops = 0;
    cpus_spin(&now);
}

/*
 * Who comes while a spinlock is held can but wait for it: what he does until then takes a preemption of his own. A
 * replay knows fewer places than the search that it repeats, and is told at which points somebody came.
 */
static bool is_choice(struct step step) {
    if (step.inside || (step.counts && now.mode != SCHEDULE_REPLAY)) return false;
    return now.mode != SCHEDULE_ALL || !reduced || !step.place || place_is_shared(step.place);
}

static void point(struct step step, bool window) {
    count_point();
    if (is_choice(step)) node_at_point(window);
    cpus_take_interrupts();
}

static const struct spinlock *spinlock_at(const volatile void *address) {
    return container_of((const atomic_bool *)(uintptr_t)address, struct spinlock, locked);
}

/* Locks of the allocators and of the log: nothing else is done while one is held, and nobody looks at their order. */
static bool is_quiet(const volatile void *address, const struct explore_site *site) {
    if (site->kind != EXPLORE_SPINLOCK) return false;
    const enum lock_rank rank = spinlock_at(address)->rank;
    return rank >= RANK_RANDOM && rank != RANK_MUTEX && rank != RANK_SCHED;
}

static bool counts(const volatile void *address, const struct explore_site *site) {
    return reduced && site->kind == EXPLORE_REFERENCES && now.counted < MANY_REFERENCES - 1 &&
           *(const volatile unsigned *)address > MANY_REFERENCES;
}

/*
 * What follows a run queue's lock is not what that guards: threads go to sleep with it, and come back with it. Others
 * may come in between before it is taken.
 */
static bool is_run_queue(const struct explore_site *site, const volatile void *address) {
    return reduced && site->kind == EXPLORE_SPINLOCK && spinlock_at(address)->rank == RANK_SCHED;
}

static const char *name_of(const volatile void *address, const struct explore_site *site) {
    if (site->kind == EXPLORE_SPINLOCK) return spinlock_at(address)->name;
    if (site->kind == EXPLORE_MUTEX)
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
    const bool write = access != EXPLORE_READ;
    if (!now.on) {
        if (write) cpus_stored(address);
        return;
    }
    if (is_quiet(address, site)) return;
    const bool inside = reduced && site->kind == EXPLORE_SPINLOCK && access != EXPLORE_CHANGE;
    const struct step step = {address, write, counts(address, site), inside};
    point(step, false);
    if (!now.on) return;
    trace_step(address, site, write ? 'w' : 'r', __builtin_frame_address(0));
    note_step(step);
    if (write) cpus_stored(address);
    cpus_stored(&now);
    cpus_stored(&now.points);
    now.last_is_spinlock = site->kind == EXPLORE_SPINLOCK;
    look_for_loops(address);
}

static bool is_mutex(const struct explore_site *site) { return site->kind == EXPLORE_MUTEX; }
/* A look-up takes no lock: it counts a use. */
static bool is_use(const struct explore_site *site) {
    return strcmp(site->function, "handle_use_begin") == 0 || strcmp(site->function, "count_use") == 0;
}

/* Until the next operation, what was released is still what matters: a store to it that comes too late shows here. */
void explore_released(const volatile void *address, const struct explore_site *site) {
    if (!now.on || is_quiet(address, site) || is_run_queue(site, address)) return;
    /* A mutex's own function need not be part of the one that calls it, which is the caller's caller then. */
    const uintptr_t *frame = __builtin_frame_address(0);
    const uintptr_t pc = frame[1], caller = ((const uintptr_t *)frame[0])[1];
    bool window = is_use(site) ? !is_part_of_act(pc) : is_mutex(site) && (is_removal(pc) || is_removal(caller));
    const struct step step = {.place = address, .write = true, .counts = counts(address, site)};
    point(step, window);
    if (now.on) note_step(step);
}

/* Of the actors' own pages nothing ever changes but what is in them: such a page is a place like any other. */
void host_touch(vaddr_t va, bool write) {
    if (!now.on) return;
    const vaddr_t page = va & ~(vaddr_t)PAGE_MASK;
    const struct step step = {.place = page >= SCRATCH ? (const void *)page : NULL, .write = write};
    /* What is looked at under a lock belongs to what the lock is held for. */
    point(step, arch_this_cpu()->locks->depth == 0);
    if (!now.on) return;
    trace_add((struct trace_entry){.point = now.points, .cpu = cpus_running(), .what = "user memory", .kind = 'u'});
    note_step(step);
}

/*
 * All switch points but those between windows come with an atomic operation, which has its own. And who is preempted
 * between windows might as well be so at his next operation; a window is a point all the same, for replays count them.
 */
void switch_point_reached(void) {}
void switch_window_reached(void) {
    if (now.on) point((struct step){.write = true, .inside = reduced && now.mode == SCHEDULE_ALL}, true);
}

/*
 * The spinlock that is waited for is what was looked at last. Who spins for a mutex looks at more than one place: it
 * goes on after any step of another, or when no other can.
 */
void host_pause(void) { cpus_spin(now.last_is_spinlock ? now.last_place : &now.points); }
