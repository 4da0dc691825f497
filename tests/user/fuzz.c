/*
 * Rubbish at the border: several threads of several children make random calls with random registers, are killed, and
 * new ones take their place. Registers must come back as promised; whatever becomes of the children, others must not
 * notice, and everything must be given back.
 *
 * On the kernel's command line "fuzz.calls=NUMBER" says how many calls to make, and "test.seed=NUMBER" repeats a run's
 * numbers, though not its interleaving.
 */
#include "tests/user/fuzz.h"

#include "tests/user/probe.h"

#define CHILDREN 3
#define CALLS 100000         /* unless another number is asked for */
#define CALLS_A_NOTE 1000000 /* how often a long run says how far it is */
#define CHILD_TIME_MIN ZX_MSEC(50)
#define CHILD_TIME_MAX ZX_MSEC(500)
#define REGION_LEN ((uint64_t)1 << 30)

/* What a child may play with is prepared while none runs: a running one may have taken all memory. */
struct player {
    struct child child;
    zx_handle_t target; /* the toy process, which the child might have started */
    zx_handle_t channel;
};

/* A process of the child's own, with memory of each kind where random addresses find it. */
static struct target target_toy(void) {
    struct target target = target_make();
    zx_handle_t vmo = vmo_make(8 * PAGE);
    target_map(&target, PLACE, vmo, 0, 8 * PAGE, PERM_RW);
    target_map(&target, PLACE + 8 * PAGE, vmo, 0, 4 * PAGE, PERM_R);
    zx_handle_t code = ZX_HANDLE_INVALID;
    MUST(zx_vmo_replace_as_executable(vmo, ZX_HANDLE_INVALID, &code));
    zx_handle_t fixed = handle_without(code, ZX_RIGHT_WRITE);
    target_map(&target, PLACE + 12 * PAGE, fixed, PAGE, 4 * PAGE, PERM_RX);
    zx_handle_close(fixed);
    zx_handle_close(code);
    return target;
}

/* Memory with nothing behind it, and then the region, with nothing behind that either. */
static zx_handle_t places_make(const struct child *child) {
    zx_vaddr_t base = 0;
    zx_handle_t arena;
    zx_handle_t region;
    const zx_vm_option_t can = CAN_RWX | ZX_VM_CAN_MAP_SPECIFIC;
    MUST(zx_vmar_allocate(child->vmar, can, 0, FUZZ_POOL_LEN + PAGE, &arena, &base));
    zx_handle_t vmo = vmo_make(FUZZ_POOL_LEN);
    vmar_map_at(arena, base, vmo, 0, FUZZ_POOL_LEN, PERM_RW);
    zx_handle_close(vmo);
    zx_handle_close(arena);
    child->board->words[FUZZ_POOL] = base;
    MUST(zx_vmar_allocate(child->vmar, can, 0, REGION_LEN, &region, &base));
    child->board->words[FUZZ_REGION] = base;
    return region;
}

/* Itself, but not its own end; its region; others of each type there is, some with few rights. */
static void send_toys(struct player *player) {
    const struct child *child = &player->child;
    struct target target = target_toy();
    struct pair pair = pair_make();
    struct pair events = eventpair_make();
    zx_handle_t fixed;
    zx_handle_t region = places_make(child);
    zx_handle_t thread;
    zx_handle_t target_thread;
    MUST(zx_vmo_create(16 * PAGE, ZX_VMO_NON_RESIZABLE, &fixed));
    MUST(zx_thread_create(child->process, "toy", 3, 0, &thread));
    MUST(zx_thread_create(target.process, "toy", 3, 0, &target_thread));
    vmar_map_at(region, child->board->words[FUZZ_REGION], fixed, 0, 16 * PAGE, PERM_RW);
    player->target = handle_with(target.process, ZX_RIGHT_SAME_RIGHTS);
    const zx_handle_t toys[] = {
        [TOY_SELF] = handle_without(child->process, ZX_RIGHT_DESTROY | ZX_RIGHT_WRITE),
        [TOY_REGION] = region,
        [TOY_VMO] = handle_with(fixed, ZX_RIGHT_SAME_RIGHTS),
        [TOY_TARGET] = target.process,
        [TOY_TARGET_REGION] = target.vmar,
        [TOY_CALLER] = pair.a,
        [TOY_ANSWERER] = pair.b,
        target_thread,
        handle_with(target.process, ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHTS_BASIC),
        thread,
        event_make(),
        events.a,
        events.b,
        /*
         * Others have it too, and expect to find it as it was; and it must not lead to them: they are the bystanders.
         */
        handle_without(zx_job_default(),
                       ZX_RIGHT_DESTROY | ZX_RIGHT_SIGNAL | ZX_RIGHT_SET_PROPERTY | ZX_RIGHT_ENUMERATE),
        vmo_make(8 * PAGE),
        handle_with(fixed, ZX_RIGHTS_BASIC | ZX_RIGHT_READ | ZX_RIGHT_MAP),
    };
    MUST(zx_channel_write(player->channel, 0, NULL, 0, toys, sizeof(toys) / sizeof(toys[0])));
    zx_handle_close(fixed);
}

/* Ready to be started. */
static void player_make(struct player *player, uint64_t seed, zx_handle_t *bootstrap) {
    struct pair pair = pair_make();
    MUST_BE(child_make(&player->child));
    player->channel = pair.a;
    send_toys(player);
    player->child.board->words[FUZZ_SEED] = seed;
    *bootstrap = pair.b;
}

static const char *const call_names[] = {
#define SYSCALL(name, ...) #name,
#include "syscalls/list.h"
#undef SYSCALL
};
#define CALL_COUNT (sizeof(call_names) / sizeof(call_names[0]))

/* How many calls were made, how many of them succeeded, and how many gave registers back that they should not have. */
struct tally {
    uint64_t calls, good, damaged;
    uint64_t good_of[CALL_COUNT];
};

static void player_end(struct player *player, struct tally *tally) {
    const struct board *board = player->child.board;
    child_wait(&player->child);
    tally->calls += board->words[FUZZ_CALLS];
    tally->good += board->words[FUZZ_GOOD];
    tally->damaged += board->words[FUZZ_DAMAGED];
    for (size_t i = 0; i < CALL_COUNT; i++) tally->good_of[i] += board->words[FUZZ_GOOD_OF + i];
    child_close(&player->child);
    zx_task_kill(player->target);
    zx_handle_close(player->target);
    zx_handle_close(player->channel);
}

static zx_duration_t any_time(uint64_t *seed) {
    return CHILD_TIME_MIN + (zx_duration_t)(random_next(seed) % (CHILD_TIME_MAX - CHILD_TIME_MIN));
}

/* Some children at once, each ended at some time, if it has not brought that about by itself. */
static void generation(uint64_t *seed, struct tally *tally) {
    struct player players[CHILDREN];
    zx_handle_t bootstraps[CHILDREN];
    for (size_t i = 0; i < CHILDREN; i++) player_make(&players[i], random_next(seed), &bootstraps[i]);
    for (size_t i = 0; i < CHILDREN; i++) MUST(child_start(&players[i].child, fuzz_for_ever, bootstraps[i]));
    for (size_t i = 0; i < CHILDREN; i++) {
        zx_handle_t process = players[i].child.process;
        zx_object_wait_one(process, ZX_PROCESS_TERMINATED, zx_deadline_after(any_time(seed)), NULL);
        EXPECT_OK(kernel_command("check"));
        MUST(zx_task_kill(process));
    }
    for (size_t i = 0; i < CHILDREN; i++) player_end(&players[i], tally);
}

/* A bystander, who sees whether his memory changes. */
enum { WATCH_ROUNDS, WATCH_STOP };
static void watch(zx_handle_t handle, uintptr_t there) {
    static unsigned char memory[16 * 4096];
    struct board *board = (struct board *)there;
    (void)handle;
    pattern_fill(memory, sizeof(memory), 5);
    do {
        for (size_t i = 0; i < sizeof(memory); i += 8) {
            unsigned char want[8];
            for (size_t k = 0; k < 8; k++) want[k] = (unsigned char)((i + k) + ((i + k) >> 8) * 59 + 5 * 37);
            CHILD_NEED(memcmp(memory + i, want, 8) == 0, 1);
        }
        board->words[WATCH_ROUNDS]++;
        zx_nanosleep(zx_deadline_after(ZX_MSEC(5)));
    } while (!board->words[WATCH_STOP]);
    zx_process_exit(0);
}

/* Once round: what it touches is then there, and stays, even if others take all memory. */
static void watch_begin(struct child *bystander) {
    MUST_BE(child_make(bystander));
    MUST(child_start(bystander, watch, ZX_HANDLE_INVALID));
    while (bystander->board->words[WATCH_ROUNDS] < 2) settle();
}

static uint64_t calls_wanted(void) {
    const char *given = getenv("fuzz.calls");
    return given ? strtoull(given, NULL, 0) : CALLS;
}

static void tally_note(const struct tally *tally) {
    test_note("%llu calls, %llu of them good", (unsigned long long)tally->calls, (unsigned long long)tally->good);
}

/* These take the root resource, which no child was given. */
static bool is_privileged(const char *call) {
    static const char *const calls[] = {"vmo_create_physical", "vmo_create_contiguous", "ioports_request", "debug_read",
                                        "debug_send_command"};
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strcmp(calls[i], call) == 0) return true;
    }
    return false;
}

/* Tells how deep they went, and checks that it was not too deep. */
static void check_good_calls(const struct tally *tally) {
    for (size_t i = 0; i < CALL_COUNT; i++) {
        if (is_privileged(call_names[i])) {
            EXPECT_EQ(tally->good_of[i], 0);
        } else if (!tally->good_of[i]) {
            test_note("never good: %s", call_names[i]);
        }
    }
}

TEST("fuzz/random calls of several processes harm nobody else, and registers come back") {
    struct child bystander;
    struct memory mine = memory_make(64 * PAGE, 9);
    uint64_t seed = random_seed();
    uint64_t wanted = calls_wanted();
    struct tally tally = {0};
    uint64_t generations = 0;
    watch_begin(&bystander);
    while (tally.calls < wanted) {
        uint64_t before = tally.calls;
        generation(&seed, &tally);
        NEED(++generations < 10 || tally.calls > generations);
        if (before / CALLS_A_NOTE != tally.calls / CALLS_A_NOTE && tally.calls < wanted) tally_note(&tally);
    }
    tally_note(&tally);
    check_good_calls(&tally);
    EXPECT_EQ(tally.damaged, 0);
    EXPECT(tally.good >= tally.calls / 20);
    EXPECT(bystander.board->words[WATCH_ROUNDS] > 10);
    bystander.board->words[WATCH_STOP] = 1;
    EXPECT_EQ(child_wait(&bystander), 0);
    EXPECT_UNTOUCHED(&mine);
}
