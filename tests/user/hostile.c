/*
 * A hostile program in a job with limits takes all that it can get of something and goes on asking, while a bystander
 * outside does its work: none of its calls fails, all of them together take at most three times as long as without, and
 * when the job is killed everything is there again, which the harness sees to after each test.
 *
 * The kinds are those that the kernel counts. Each has a way to take it, or more, which must lead to the limit.
 * "hostile.rounds=1000" on the kernel's command line has the bystander do each act so often.
 */
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/port.h>

#include "tests/user/child.h"
#include "tests/user/probe.h"

#define DEFAULT_ROUNDS 20
#define SLOWER 3

#define KINDS (sizeof(zx_info_job_limits_t) / sizeof(zx_job_limit_t))
#define LIMIT_OF(kind) (ZX_PROP_JOB_LIMIT_MEMORY + (kind))
#define MEMORY 0

#define APART ((uint64_t)2 << 20) /* what one page table maps */
#define FAR_PIECE (4096 * APART)

/* --- the hostile ones, in a process that has its job, and on its board the address of memory never touched --- */

static zx_koid_t own_koid(zx_handle_t job) {
    zx_koid_t koid = ZX_KOID_INVALID;
    CHILD_NEED(zx_object_get_info(job, ZX_INFO_JOB_PROCESSES, &koid, sizeof(koid), NULL, NULL) == ZX_OK, 1);
    return koid;
}

static zx_handle_t self_of(zx_handle_t job) {
    zx_handle_t self = ZX_HANDLE_INVALID;
    CHILD_NEED(zx_object_get_child(job, own_koid(job), ZX_RIGHT_SAME_RIGHTS, &self) == ZX_OK, 2);
    return self;
}

static void take_pages(zx_handle_t job, uintptr_t board) {
    zx_handle_t vmo;
    (void)job, (void)board;
    CHILD_NEED(zx_vmo_create((uint64_t)1 << 40, 0, &vmo) == ZX_OK, 3);
    for (uint64_t i = 0;; i += zx_vmo_write(vmo, "x", i * PAGE, 1) == ZX_OK)
        ;
}

static void take_objects(zx_handle_t job, uintptr_t board) {
    (void)job, (void)board;
    for (zx_handle_t one;;) (void)zx_event_create(0, &one);
}

static void take_messages(zx_handle_t job, uintptr_t board) {
    static char text[ZX_CHANNEL_MAX_MSG_BYTES];
    zx_handle_t end, other;
    (void)job, (void)board;
    CHILD_NEED(zx_channel_create(0, &end, &other) == ZX_OK, 4);
    for (uint32_t len = sizeof(text);; len = len ? len / 2 : sizeof(text)) {
        zx_status_t status;
        while ((status = zx_channel_write(end, 0, text, len, NULL, 0)) == ZX_OK) {}
        if (status == ZX_ERR_SHOULD_WAIT) (void)zx_channel_create(0, &end, &other);
    }
}

static void take_packets(zx_handle_t job, uintptr_t board) {
    const zx_port_packet_t packet = {.type = ZX_PKT_TYPE_USER};
    zx_handle_t port;
    (void)job, (void)board;
    CHILD_NEED(zx_port_create(0, &port) == ZX_OK, 5);
    for (;;) {
        if (zx_port_queue(port, &packet) == ZX_ERR_SHOULD_WAIT) (void)zx_port_create(0, &port);
    }
}

static void take_mappings(zx_handle_t job, uintptr_t board) {
    zx_handle_t process, vmar, vmo;
    (void)board;
    CHILD_NEED(zx_process_create(job, "p", 1, 0, &process, &vmar) == ZX_OK, 6);
    CHILD_NEED(zx_vmo_create(PAGE, 0, &vmo) == ZX_OK, 7);
    for (zx_vaddr_t at;;) (void)zx_vmar_map(vmar, PERM_RW, 0, vmo, 0, PAGE, &at);
}

/* It is not told that there are no more: it dies. */
static void take_tables(zx_handle_t job, uintptr_t board) {
    const volatile char *at = (const volatile char *)((struct board *)board)->words[0];
    (void)job;
    for (uint64_t i = 0; i < FAR_PIECE / APART; i++) (void)at[i * APART];
}

static void take_handles(zx_handle_t job, uintptr_t board) {
    (void)board;
    for (zx_handle_t copy;;) (void)zx_handle_duplicate(job, ZX_RIGHT_SAME_RIGHTS, &copy);
}

static void take_threads(zx_handle_t job, uintptr_t board) {
    const zx_handle_t self = self_of(job);
    (void)board;
    for (zx_handle_t thread;;) (void)zx_thread_create(self, "t", 1, 0, &thread);
}

static void take_processes(zx_handle_t job, uintptr_t board) {
    (void)board;
    for (zx_handle_t process, vmar;;) (void)zx_process_create(job, "p", 1, 0, &process, &vmar);
}

static void take_jobs(zx_handle_t job, uintptr_t board) {
    (void)board;
    for (zx_handle_t one;;) (void)zx_job_create(job, 0, &one);
}

/* In the order of zx_info_job_limits_t. */
static const uint64_t allowed[] = {(uint64_t)1 << 20, 1000, 100, 50, 50};
_Static_assert(sizeof(allowed) / sizeof(*allowed) == KINDS, "each kind that is counted has a limit here");

static const struct way {
    const char *what;
    size_t kind;
    child_entry *take;
} ways[] = {
    {"pages", MEMORY, take_pages},       {"objects", MEMORY, take_objects},
    {"messages", MEMORY, take_messages}, {"packets", MEMORY, take_packets},
    {"mappings", MEMORY, take_mappings}, {"page tables", MEMORY, take_tables},
    {"handles", 1, take_handles},        {"threads", 2, take_threads},
    {"processes", 3, take_processes},    {"jobs", 4, take_jobs},
};
#define WAYS (sizeof(ways) / sizeof(*ways))

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

static size_t rounds(void) {
    const char *text = getenv("hostile.rounds");
    return text ? strtoul(text, NULL, 10) : DEFAULT_ROUNDS;
}

/* How long each act takes, as often as it is done. */
static void acts_measure(zx_duration_t times[ACTS]) {
    for (size_t i = 0; i < ACTS; i++) {
        const zx_time_t start = zx_clock_get_monotonic();
        for (size_t n = rounds(); n > 0; n--) acts[i].run();
        times[i] = zx_clock_get_monotonic() - start;
    }
}

/* --- both --- */

static zx_job_limit_t limit_of(zx_handle_t job, size_t kind) {
    zx_job_limit_t all[KINDS];
    MUST(zx_object_get_info(job, ZX_INFO_JOB_LIMITS, all, sizeof(all), NULL, NULL));
    return all[kind];
}

/* Begins to take, in a job of its own; returns when all that it may have is taken. */
static zx_handle_t hostile_start(const struct way *way, struct child *child) {
    zx_handle_t job, its_job, vmo;
    zx_vaddr_t at;
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
        zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    return job;
}

static void hostile_end(zx_handle_t job, struct child *child) {
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

static void check_way(const struct way *way, const zx_duration_t undisturbed[ACTS]) {
    struct child child;
    zx_duration_t times[ACTS];
    const zx_handle_t job = hostile_start(way, &child);
    const zx_job_limit_t taken = limit_of(job, way->kind);
    if (!TEST_TRUE(taken.peak >= allowed[way->kind] * 9 / 10 && taken.used <= taken.limit))
        test_note("%s: %llu of %llu", way->what, (unsigned long long)taken.peak, (unsigned long long)taken.limit);
    acts_measure(times);
    for (size_t i = 0; i < ACTS; i++) {
        if (times_are_exact() && !TEST_TRUE(times[i] <= SLOWER * undisturbed[i]))
            test_note("%s while another takes %s: %lld ns, and %lld without", acts[i].what, way->what,
                      (long long)times[i], (long long)undisturbed[i]);
    }
    hostile_end(job, &child);
}

TEST("job/a program that takes all that its job may have, of each kind that is counted, harms no other") {
    zx_duration_t undisturbed[ACTS];
    bool tried[KINDS] = {false};
    bystander_begin();
    acts_measure(undisturbed); /* what is done for the first time takes longer */
    acts_measure(undisturbed);
    for (size_t i = 0; i < WAYS; i++) {
        check_way(&ways[i], undisturbed);
        tried[ways[i].kind] = true;
    }
    for (size_t kind = 0; kind < KINDS; kind++) EXPECT(tried[kind]);
}
