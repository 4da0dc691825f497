/*
 * zx_process_write_memory against everything that another thread can do to the memory meanwhile.
 *
 * The writer writes the same picture again and again: byte i of the memory is either still 0 or picture(i). So
 * whatever was unmapped, decommitted or replaced on the way, no other value may ever be found there; and a bystander,
 * who takes the frames that are given back and fills them with its own background, must keep that. Each race must
 * have been one: both threads got on, and the writes met both states of the memory.
 */
#include <stdatomic.h>

#include "tests/user/agent.h"
#include "tests/user/memory.h"

#define LEN ((size_t)512 << 10)
#define PICTURE 9
#define BYSTANDER 77

struct race {
    struct target t;
    struct memory m;     /* mapped at PLACE in the target, in `region` */
    struct memory other; /* another VMO of the same size, not mapped there at first */
    struct memory bystander;
    zx_handle_t region;
    unsigned char *picture;
    unsigned char *from; /* the buffer: the picture, unless a race has another */
    zx_handle_t buffer_region;
    uint64_t seed;
    void (*disturb)(struct race *, uint64_t random);
    _Atomic bool over;
    _Atomic uint64_t disturbed;
    _Atomic zx_status_t trouble; /* of the disturbing thread */
};

#define DISTURB_OK(race, call)                                         \
    do {                                                               \
        zx_status_t status_ = (call);                                  \
        if (status_ != ZX_OK) atomic_store(&(race)->trouble, status_); \
    } while (0)

static void maybe_yield(uint64_t random) {
    if (random % 4 == 0) zx_nanosleep(0);
}

static void disturber(void *arg) {
    struct race *race = arg;
    uint64_t state = race->seed ^ 0x5555;
    while (!atomic_load(&race->over)) {
        race->disturb(race, random_next(&state));
        atomic_fetch_add(&race->disturbed, 1);
        maybe_yield(random_next(&state));
    }
}

static void place_map(struct race *race, zx_handle_t vmo, zx_vm_option_t options) {
    zx_vaddr_t addr;
    DISTURB_OK(race, zx_vmar_map(race->region, options, 0, vmo, 0, LEN, &addr));
}

/* The bystander's frames go and come, so that those that the writer loses are soon its. */
static void bystander_move(struct race *race, uint64_t random) {
    size_t at = random % (LEN / PAGE) * PAGE;
    DISTURB_OK(race, zx_vmo_op_range(race->bystander.vmo, ZX_VMO_OP_DECOMMIT, at, PAGE, NULL, 0));
    memset(race->bystander.view + at, BYSTANDER, PAGE);
}

static bool bystander_holds(const struct race *race) {
    for (size_t i = 0; i < LEN; i++) {
        if (!TEST_EQ(race->bystander.view[i], BYSTANDER)) return false;
    }
    return true;
}

/* Every byte is the picture's or zero. */
static bool picture_holds(const struct race *race, const unsigned char *view, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (view[i] != 0 && !TEST_EQ(view[i], race->picture[i])) return false;
    }
    return true;
}

static void race_make(struct race *race, void (*disturb)(struct race *, uint64_t)) {
    *race = (struct race){.t = target_make(), .disturb = disturb, .seed = random_seed()};
    race->m = memory_make(LEN, 0);
    race->other = memory_make(LEN, 0);
    race->bystander = memory_make(LEN, 0);
    memset(race->bystander.view, BYSTANDER, LEN);
    race->picture = race->from = buffer_make(LEN);
    pattern_fill(race->picture, LEN, PICTURE);
    race->region = vmar_make(race->t.vmar, PLACE, LEN);
    vmar_map_at(race->region, PLACE, race->m.vmo, 0, LEN, PERM_RW);
}

/* How the writes of a race ended. */
struct tally {
    uint64_t whole, partial, refused;
};

/* What must happen, besides whole writes. */
enum wanted { REFUSED = 1, PARTIAL = 2 };

static bool was_race(const struct race *race, const struct tally *tally, unsigned wanted) {
    return race->disturbed > 20 && tally->whole > 20 && (tally->refused > 0 || !(wanted & REFUSED)) &&
           (tally->partial > 0 || !(wanted & PARTIAL));
}

/* Writes parts of the picture until it has been a race for long enough. Errors other than `refusal` fail the test. */
static struct tally race_run(struct race *race, zx_status_t refusal, unsigned wanted) {
    struct tally tally = {0};
    uint64_t state = race->seed;
    zx_handle_t thread = thread_run(disturber, race);
    zx_time_t begun = zx_clock_get_monotonic();
    while (race_goes_on(begun, was_race(race, &tally, wanted))) {
        size_t at = random_next(&state) % LEN, len = 1 + random_next(&state) % (LEN - at);
        struct moved moved = write_to(race->t.process, PLACE + at, race->from + at, len);
        if (moved.status == ZX_OK) {
            tally.whole += moved.actual == len;
            tally.partial += moved.actual < len;
        } else {
            EXPECT_STATUS(moved.status, refusal);
            tally.refused++;
        }
        maybe_yield(random_next(&state));
    }
    atomic_store(&race->over, true);
    thread_join(thread);
    EXPECT_STATUS(race->trouble, ZX_OK);
    EXPECT(was_race(race, &tally, wanted));
    EXPECT(bystander_holds(race));
    EXPECT(picture_holds(race, race->m.view, LEN) && picture_holds(race, race->other.view, LEN));
    test_note("%llu whole, %llu short, %llu refused, %llu disturbances", (unsigned long long)tally.whole,
              (unsigned long long)tally.partial, (unsigned long long)tally.refused,
              (unsigned long long)race->disturbed);
    return tally;
}

static struct race race;

static void unmap_and_map(struct race *r, uint64_t random) {
    DISTURB_OK(r, zx_vmar_unmap(r->region, PLACE, LEN));
    bystander_move(r, random);
    maybe_yield(random);
    place_map(r, r->m.vmo, random & 8 ? PERM_R | ZX_VM_SPECIFIC : PERM_RW | ZX_VM_SPECIFIC);
}

TEST("write_memory/L8 against unmapping and mapping again") {
    race_make(&race, unmap_and_map);
    race_run(&race, ZX_ERR_NO_MEMORY, REFUSED);
    EXPECT_UNTOUCHED(&race.other);
}

static void unmap_pieces(struct race *r, uint64_t random) {
    size_t at = random % (LEN / PAGE) * PAGE;
    DISTURB_OK(r, zx_vmar_unmap(r->region, PLACE + at, PAGE));
    maybe_yield(random >> 8);
    zx_vaddr_t addr;
    DISTURB_OK(r, zx_vmar_map(r->region, PERM_RW | ZX_VM_SPECIFIC, at, r->m.vmo, at, PAGE, &addr));
}

TEST("write_memory/L8 T8 against holes that open and close") {
    race_make(&race, unmap_pieces);
    race_run(&race, ZX_ERR_NO_MEMORY, PARTIAL);
}

static void replace(struct race *r, uint64_t random) {
    place_map(r, random & 8 ? r->other.vmo : r->m.vmo, PERM_RW | ZX_VM_SPECIFIC_OVERWRITE);
}

TEST("write_memory/L8 against another VMO put in the place: never refused, never short") {
    race_make(&race, replace);
    struct tally tally = race_run(&race, ZX_OK, 0);
    EXPECT_EQ(tally.partial, 0);
    EXPECT_EQ(tally.refused, 0);
    EXPECT(race.m.view[LEN - 1] || race.other.view[LEN - 1] || race.m.view[LEN / 2] || race.other.view[LEN / 2]);
}

static void protect(struct race *r, uint64_t random) {
    static const zx_vm_option_t perms[] = {PERM_NONE, PERM_R, PERM_RW, PERM_RX};
    size_t at = random % (LEN / PAGE) * PAGE, len = (random >> 12) % ((LEN - at) / PAGE) * PAGE + PAGE;
    DISTURB_OK(r, zx_vmar_protect(r->region, perms[random >> 24 & 3], PLACE + at, len));
}

TEST("write_memory/L8 T16 choices: protect does not make short transfers") {
    race_make(&race, protect);
    struct tally tally = race_run(&race, ZX_OK, 0);
    EXPECT_EQ(tally.partial, 0);
    EXPECT_EQ(tally.refused, 0);
}

static void destroy_region(struct race *r, uint64_t random) {
    zx_vaddr_t addr;
    DISTURB_OK(r, zx_vmar_destroy(r->region));
    DISTURB_OK(r, zx_handle_close(r->region));
    bystander_move(r, random);
    maybe_yield(random >> 8);
    DISTURB_OK(r, zx_vmar_allocate(r->t.vmar,
                                   ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_SPECIFIC,
                                   PLACE - USER_BASE, LEN, &r->region, &addr));
    place_map(r, random & 8 ? r->other.vmo : r->m.vmo, PERM_RW | ZX_VM_SPECIFIC);
}

TEST("write_memory/L9 against its region being destroyed and made anew") {
    race_make(&race, destroy_region);
    race_run(&race, ZX_ERR_NO_MEMORY, REFUSED);
}

static void decommit(struct race *r, uint64_t random) {
    size_t at = random % (LEN / PAGE) * PAGE, len = (random >> 12) % ((LEN - at) / PAGE) * PAGE + PAGE;
    DISTURB_OK(r, zx_vmo_op_range(r->m.vmo, ZX_VMO_OP_DECOMMIT, at, len, NULL, 0));
    bystander_move(r, random);
}

TEST("write_memory/L19 L15 against decommit: never short, and the frames' next owner keeps its bytes") {
    race_make(&race, decommit);
    struct tally tally = race_run(&race, ZX_OK, 0);
    EXPECT_EQ(tally.partial, 0);
}

static void resize(struct race *r, uint64_t random) {
    DISTURB_OK(r, zx_vmo_set_size(r->m.vmo, random % (LEN / PAGE) * PAGE));
    bystander_move(r, random);
    maybe_yield(random >> 8);
    DISTURB_OK(r, zx_vmo_set_size(r->m.vmo, LEN));
}

TEST("write_memory/L19 A13 L15 against the VMO shrinking and growing") {
    race_make(&race, resize);
    race_run(&race, ZX_ERR_NO_MEMORY, REFUSED | PARTIAL);
}

static void cache_policy(struct race *r, uint64_t random) {
    zx_handle_t fresh;
    DISTURB_OK(r, zx_vmo_create(LEN, 0, &fresh));
    DISTURB_OK(r, zx_vmo_set_cache_policy(fresh, 1 + (uint32_t)random % 3));
    place_map(r, fresh, PERM_RW | ZX_VM_SPECIFIC_OVERWRITE);
    maybe_yield(random >> 8);
    DISTURB_OK(r, zx_handle_close(fresh));
    place_map(r, r->m.vmo, PERM_RW | ZX_VM_SPECIFIC_OVERWRITE);
}

TEST("write_memory/L19 T15 against uncached memory put in the place") {
    race_make(&race, cache_policy);
    race_run(&race, ZX_ERR_BAD_STATE, REFUSED);
}

static void snapshots(struct race *r, uint64_t random) {
    static zx_handle_t kept[4];
    zx_handle_t *slot = &kept[random & 3];
    zx_handle_close(*slot);
    DISTURB_OK(r, zx_vmo_create_child(random & 8 && kept[(random + 1) & 3] ? kept[(random + 1) & 3] : r->m.vmo,
                                      ZX_VMO_CHILD_SNAPSHOT, 0, LEN, slot));
    if (random % 5 == 0) DISTURB_OK(r, zx_vmo_write(*slot, r->bystander.view, 0, PAGE));
}

TEST("write_memory/L19 T11 against snapshots being taken, written and dropped") {
    race_make(&race, snapshots);
    struct tally tally = race_run(&race, ZX_OK, 0);
    EXPECT_EQ(tally.partial, 0);
}

/* The VMO behind the buffer, which is `other` and holds the picture or zeros, is what suffers. */
static void disturb_buffer_memory(struct race *r, uint64_t random) {
    size_t at = random % (LEN / PAGE) * PAGE, len = (random >> 12) % ((LEN - at) / PAGE) * PAGE + PAGE;
    DISTURB_OK(r, zx_vmo_op_range(r->other.vmo, ZX_VMO_OP_DECOMMIT, at, len, NULL, 0));
    bystander_move(r, random);
    DISTURB_OK(r, zx_vmo_write(r->other.vmo, r->picture + at, at, len));
}

TEST("write_memory/S10 another thread decommits the buffer: zeros or what was there, nothing else") {
    race_make(&race, disturb_buffer_memory);
    memcpy(race.other.view, race.picture, LEN);
    race.from = map_here(race.other.vmo, 0, LEN, PERM_R);
    struct tally tally = race_run(&race, ZX_OK, 0);
    EXPECT_EQ(tally.partial, 0);
}

static void disturb_buffer_mapping(struct race *r, uint64_t random) {
    zx_vaddr_t at = (zx_vaddr_t)r->from, addr;
    if (random & 1) {
        DISTURB_OK(r, zx_vmar_unmap(r->buffer_region, at, LEN));
        maybe_yield(random >> 8);
        DISTURB_OK(r, zx_vmar_map(r->buffer_region, PERM_R | ZX_VM_SPECIFIC, 0, r->other.vmo, 0, LEN, &addr));
    } else {
        DISTURB_OK(r, zx_vmar_protect(r->buffer_region, PERM_NONE, at + LEN / 2, LEN / 2));
        maybe_yield(random >> 8);
        DISTURB_OK(r, zx_vmar_protect(r->buffer_region, PERM_R, at + LEN / 2, LEN / 2));
    }
}

TEST("write_memory/INVALID_ARGS S10 another thread unmaps, remaps and protects the buffer") {
    race_make(&race, disturb_buffer_mapping);
    memcpy(race.other.view, race.picture, LEN);
    race.from = (unsigned char *)PLACE;
    race.buffer_region = vmar_make(zx_vmar_root_self(), PLACE, LEN);
    vmar_map_at(race.buffer_region, PLACE, race.other.vmo, 0, LEN, PERM_R);
    struct tally tally = race_run(&race, ZX_ERR_INVALID_ARGS, REFUSED);
    EXPECT_EQ(tally.partial, 0);
}

static void rebuild_shut(struct race *r, uint64_t random) {
    static zx_handle_t readable;
    zx_vaddr_t addr;
    if (!readable) DISTURB_OK(r, zx_handle_duplicate(r->other.vmo, ZX_RIGHT_READ | ZX_RIGHT_MAP, &readable));
    if (random % 3 == 0)
        DISTURB_OK(r, zx_vmar_protect(r->region, random & 8 ? PERM_NONE : PERM_R, PLACE + LEN / 2, PAGE));
    else
        DISTURB_OK(r, zx_vmar_map(r->region, PERM_R | ZX_VM_SPECIFIC_OVERWRITE, 0, readable, 0, LEN, &addr));
    bystander_move(r, random);
}

TEST("write_memory/T3 L8 shut mappings made private and replaced all the time: nothing ever leaks") {
    race_make(&race, rebuild_shut);
    NEED_OK(zx_vmar_unmap(race.region, PLACE, LEN));
    vmar_map_at(race.region, PLACE, handle_without(race.other.vmo, ZX_RIGHT_WRITE), 0, LEN, PERM_R);
    struct tally tally = race_run(&race, ZX_OK, 0);
    EXPECT_EQ(tally.partial, 0);
    EXPECT_UNTOUCHED(&race.other);
    EXPECT_UNTOUCHED(&race.m);
}
