/*
 * A hostile program in a job with limits takes all that it can get of something, in one of the ways of hostile_ways.c,
 * and goes on asking for a while. A bystander outside of the job does its work meanwhile: none of its calls fails, and
 * none takes more than three times as long as without. Then the job is killed, and everything is there again, which the
 * harness sees to after each test.
 *
 * How long a call takes is the mean of all of its kind. On one processor, which two processes share, the bystander
 * stands still for whole turns of the other's, and which calls that hits is chance. The mean has all of these turns in
 * it; fair shares alone make it twice as long. What takes less than a turn in all may meet one turn more than its
 * share.
 *
 * "hostile.seconds=10 hostile.rounds=1000" on the kernel's command line says for how long each program goes on, and how
 * often the bystander does each thing: `make hostile TIME=10`.
 */
#include "tests/user/hostile.h"

#include "tests/user/probe.h"

#define DEFAULT_ROUNDS 20
#define DEFAULT_TIME ZX_MSEC(50)
#define SLOWER 3
#define TURN ZX_MSEC(1)
#define LOOKS 20 /* at least, at what memory is used for */

#define LIMIT_OF(kind) (ZX_PROP_JOB_LIMIT_MEMORY + (kind))

/* --- the bystander --- */

static struct target neighbour;
static zx_vaddr_t own_page;
static zx_handle_t own_vmo;
static struct pair own_pair;

static void act_create(void) {
    zx_handle_t vmo;
    MUST(zx_vmo_create(PAGE, 0, &vmo));
    MUST(zx_handle_close(vmo));
}

static void act_write(void) {
    uint64_t word = 1;
    size_t actual;
    MUST(zx_process_write_memory(neighbour.process, PLACE, &word, sizeof(word), &actual));
}

static void act_fault(void) {
    *(volatile char *)own_page = 1;
    MUST(zx_vmo_op_range(own_vmo, ZX_VMO_OP_DECOMMIT, 0, PAGE, NULL, 0));
}

static void act_message(void) {
    char text[64] = "";
    MUST(zx_channel_write(own_pair.a, 0, text, sizeof(text), NULL, 0));
    MUST(zx_channel_read(own_pair.b, 0, text, NULL, sizeof(text), 0, NULL, NULL));
}

static void nothing(void *unused) { (void)unused; }

static void act_thread(void) {
    static struct worker worker;
    MUST_BE(worker_start(&worker, nothing, NULL));
    MUST_BE(worker_join(&worker));
}

static void leave(zx_handle_t none, uintptr_t board) {
    (void)none, (void)board;
    zx_process_exit(7);
}

static void act_launch(void) { MUST_BE(child_run(leave) == 7); }

static const struct act {
    const char *what;
    void (*run)(void);
} acts[] = {
    {"create", act_create},   {"write", act_write},   {"fault", act_fault},
    {"message", act_message}, {"thread", act_thread}, {"launch", act_launch},
};
#define ACTS (sizeof(acts) / sizeof(*acts))

static void bystander_begin(void) {
    zx_handle_t vmo = ZX_HANDLE_INVALID;
    MUST(zx_vmo_create(PAGE, 0, &vmo));
    neighbour = target_make();
    target_map(&neighbour, PLACE, vmo, 0, PAGE, PERM_RW);
    MUST(zx_vmo_create(PAGE, 0, &own_vmo));
    MUST(zx_vmar_map(zx_vmar_root_self(), PERM_RW, 0, own_vmo, 0, PAGE, &own_page));
    own_pair = pair_make();
}

/* --- how long it takes --- */

static uint64_t number_of(const char *option, uint64_t otherwise) {
    const char *text = getenv(option);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* Of one act, done several times. */
struct times {
    zx_duration_t all, slowest;
};

static struct times act_measure(const struct act *act) {
    struct times times = {0};
    zx_time_t before = zx_clock_get_monotonic();
    for (uint64_t n = number_of("hostile.rounds", DEFAULT_ROUNDS); n > 0; n--) {
        act->run();
        const zx_time_t now = zx_clock_get_monotonic();
        times.all += now - before;
        if (now - before > times.slowest) times.slowest = now - before;
        before = now;
    }
    return times;
}

static void acts_measure(struct times times[ACTS]) {
    for (size_t i = 0; i < ACTS; i++) times[i] = act_measure(&acts[i]);
}

static void compare(const struct hostile_way *way, const struct times *now, const struct times *alone) {
    for (size_t i = 0; times_are_exact() && i < ACTS; i++) {
        if (TEST_TRUE(now[i].all <= SLOWER * alone[i].all + TURN) && !getenv("hostile.rounds")) continue;
        test_note("%s while another takes %s: %lld ns, at most %lld; alone %lld, at most %lld", acts[i].what, way->what,
                  (long long)now[i].all, (long long)now[i].slowest, (long long)alone[i].all,
                  (long long)alone[i].slowest);
    }
}

/* --- what is taken --- */

/* In the order of zx_info_job_limits_t. */
static const uint64_t allowed[] = {(uint64_t)1 << 20, 1000, 100, 50, 50};
_Static_assert(sizeof(allowed) / sizeof(*allowed) == KINDS, "each kind that is counted has a limit here");

static zx_job_limit_t limit_of(zx_handle_t job, size_t kind) {
    zx_job_limit_t all[KINDS];
    MUST(zx_object_get_info(job, ZX_INFO_JOB_LIMITS, all, sizeof(all), NULL, NULL));
    return all[kind];
}

/* What memory is used for, as the kernel tells it apart. Parts of others, and what is nobody's, are left out. */
#define USES (sizeof(zx_info_kmem_stats_t) / sizeof(uint64_t))
enum { TOTAL, FREE, WIRED, HEAP, FREE_HEAP, VMOS, TABLES, MESSAGES_IN_HEAP, OTHER, USES_KNOWN };
_Static_assert(USES == USES_KNOWN, "each use of memory is known here");
static const bool is_use[USES] = {[HEAP] = true, [VMOS] = true, [TABLES] = true, [OTHER] = true};

static bool kind_tried[KINDS], use_tried[USES];
static uint64_t before[USES];

static void uses_read(uint64_t uses[USES]) {
    MUST(zx_object_get_info(test_resource(), ZX_INFO_KMEM_STATS, uses, USES * sizeof(*uses), NULL, NULL));
}

/* Lets a moment pass, and looks what most of the memory that may be had is used for then. */
static void uses_look(void) {
    uint64_t now[USES];
    zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    uses_read(now);
    for (size_t i = 0; i < USES; i++)
        use_tried[i] = use_tried[i] || (now[i] > before[i] && now[i] - before[i] > allowed[MEMORY] / 2);
}

/* Begins to take, in a job of its own; returns when all that it may have is taken. */
static zx_handle_t hostile_start(const struct hostile_way *way, struct child *child) {
    zx_handle_t job, its_job, vmo;
    zx_vaddr_t at;
    uses_read(before);
    MUST(zx_job_create(zx_job_default(), 0, &job));
    MUST(zx_object_set_property(job, LIMIT_OF(way->kind), &allowed[way->kind], sizeof(*allowed)));
    MUST_BE(child_make_in(child, job));
    MUST(zx_vmo_create(FAR_PIECE, 0, &vmo));
    MUST(zx_vmar_map(child->vmar, PERM_R, 0, vmo, 0, FAR_PIECE, &at));
    MUST(zx_handle_close(vmo));
    child->board->words[0] = at;
    MUST(zx_handle_duplicate(job, ZX_DEFAULT_JOB_RIGHTS & ~ZX_RIGHT_SET_POLICY, &its_job));
    MUST(child_start(child, way->take, its_job));
    const zx_time_t deadline = zx_deadline_after(ZX_SEC(20));
    while (limit_of(job, way->kind).peak < allowed[way->kind] * 9 / 10 && zx_clock_get_monotonic() < deadline)
        uses_look();
    return job;
}

static void hostile_end(const struct hostile_way *way, zx_handle_t job, struct child *child) {
    if (!TEST_TRUE(!process_info(child->process).exited)) test_note("%s: it ended by itself", way->what);
    MUST(zx_task_kill(job));
    (void)child_wait(child);
    child_close(child);
    const zx_time_t deadline = zx_deadline_after(ZX_SEC(20));
    for (size_t kind = 0; kind < KINDS; kind++) {
        while (limit_of(job, kind).used > 0 && zx_clock_get_monotonic() < deadline)
            zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
        EXPECT_EQ(limit_of(job, kind).used, 0);
    }
    MUST(zx_handle_close(job));
}

static void check_way(const struct hostile_way *way, const struct times alone[ACTS]) {
    struct child child;
    struct times now[ACTS];
    const zx_handle_t job = hostile_start(way, &child);
    const zx_duration_t seconds = (zx_duration_t)number_of("hostile.seconds", 0);
    const zx_time_t end = zx_deadline_after(seconds ? ZX_SEC(seconds) : DEFAULT_TIME);
    acts_measure(now);
    compare(way, now, alone);
    for (int looks = 0; looks < LOOKS || zx_clock_get_monotonic() < end; looks++) uses_look();
    const zx_job_limit_t taken = limit_of(job, way->kind);
    kind_tried[way->kind] = true;
    if (!TEST_TRUE(taken.peak >= allowed[way->kind] * 9 / 10 && taken.peak <= taken.limit))
        test_note("%s: %llu of %llu", way->what, (unsigned long long)taken.peak, (unsigned long long)taken.limit);
    hostile_end(way, job, &child);
}

TEST("job/a program that takes all that its job may have, of each kind that is counted, harms no other") {
    struct times alone[ACTS];
    bystander_begin();
    acts_measure(alone); /* what is done for the first time takes longer */
    acts_measure(alone);
    for (size_t i = 0; i < hostile_way_count; i++) check_way(&hostile_ways[i], alone);
    for (size_t kind = 0; kind < KINDS; kind++) EXPECT(kind_tried[kind]);
    for (size_t use = 0; use < USES; use++) EXPECT(use_tried[use] || !is_use[use]);
}
