/*
 * Everything at once: members that write and read each other's memory, page by page, while each changes its own address
 * space (snapshots, holes, protections, lost pages) and any of them may be killed at any time and replaced.
 *
 * A page is written whole, as one word over and over, and read whole: whatever was unmapped, replaced or killed on the
 * way, a page that is read must be of one word that some member wrote, or zeros. "stress.seconds=NUMBER" on the
 * kernel's command line says how long, "test.seed=NUMBER" repeats a run's numbers, though not its interleaving.
 */
#include <stdlib.h>

#include "tests/user/agent.h"
#include "tests/user/probe.h"

#define MEMBERS 4u
#define ARENA_PAGES 32u
#define SECONDS 2u /* unless another number is asked for */
#define LIFE_MAX ZX_MSEC(200)
#define STAMP ((uint64_t)0x57ac1e00 << 32)

/* What a member tells; the first is told to it. */
enum { SEED, WROTE, READ, CHANGED, TORN };

struct member {
    struct child agent;
    struct memory board;
};

static bool is_whole(const uint64_t *page) {
    if (page[0] != 0 && (page[0] & ~(uint64_t)UINT32_MAX) != STAMP) return false;
    for (size_t i = 1; i < PAGE / sizeof(*page); i++) {
        if (page[i] != page[0]) return false;
    }
    return true;
}

/* What may become of a transfer while anything may become of its target. */
static bool may_happen(zx_status_t status) {
    return status == ZX_OK || status == ZX_ERR_NO_MEMORY || status == ZX_ERR_BAD_STATE;
}

static void write_page(zx_handle_t other, uint64_t random, _Atomic uint64_t *board) {
    uint64_t page[PAGE / sizeof(uint64_t)];
    size_t actual;
    for (size_t i = 0; i < PAGE / sizeof(uint64_t); i++) page[i] = STAMP | (uint32_t)random;
    zx_status_t status =
        zx_process_write_memory(other, PLACE + (random >> 32) % ARENA_PAGES * PAGE, page, sizeof(page), &actual);
    CHILD_NEED(may_happen(status), 2);
    atomic_fetch_add(&board[WROTE], status == ZX_OK);
}

static void read_page(zx_handle_t other, uint64_t random, _Atomic uint64_t *board) {
    uint64_t page[PAGE / sizeof(uint64_t)];
    size_t actual;
    zx_status_t status =
        zx_process_read_memory(other, PLACE + (random >> 32) % ARENA_PAGES * PAGE, page, sizeof(page), &actual);
    CHILD_NEED(may_happen(status), 3);
    if (status != ZX_OK) return;
    CHILD_NEED(actual == sizeof(page), 4);
    atomic_fetch_add(&board[READ], 1);
    if (!is_whole(page)) atomic_fetch_add(&board[TORN], 1);
}

/* A snapshot of the arena takes the arena's place. */
static void snapshot(zx_handle_t root, zx_handle_t *arena) {
    zx_vaddr_t addr;
    zx_handle_t child;
    CHILD_NEED(zx_vmo_create_child(*arena, ZX_VMO_CHILD_SNAPSHOT, 0, ARENA_PAGES * PAGE, &child) == ZX_OK, 5);
    zx_status_t status =
        zx_vmar_map(root, PERM_RW | ZX_VM_SPECIFIC_OVERWRITE, PLACE - USER_BASE, child, 0, ARENA_PAGES * PAGE, &addr);
    CHILD_NEED(status == ZX_OK, 6);
    zx_handle_close(*arena);
    *arena = child;
}

static void change_self(zx_handle_t root, zx_handle_t *arena, uint64_t random) {
    zx_vaddr_t first = (random >> 8) % ARENA_PAGES, count = 1 + (random >> 16) % (ARENA_PAGES - first), addr;
    zx_vaddr_t base = PLACE + first * PAGE;
    switch (random % 5) {
    case 0: snapshot(root, arena); break;
    case 1: CHILD_NEED(zx_vmar_unmap(root, base, count * PAGE) == ZX_OK, 7); break;
    case 2:
        CHILD_NEED(zx_vmar_map(root, PERM_RW | ZX_VM_SPECIFIC_OVERWRITE, base - USER_BASE, *arena, first * PAGE,
                               count * PAGE, &addr) == ZX_OK,
                   8);
        break;
    case 3: (void)!zx_vmar_protect(root, random & 32 ? PERM_R : PERM_RW, base, count * PAGE); break;
    default: CHILD_NEED(zx_vmo_op_range(*arena, ZX_VMO_OP_DECOMMIT, first * PAGE, count * PAGE, NULL, 0) == ZX_OK, 9);
    }
}

/* Given: the others' processes, or in the place of one that is no more whatever it was. */
static void live(struct agent_start *start) {
    _Atomic uint64_t *board = start->shared;
    uint64_t seed = atomic_load(&board[SEED]);
    zx_handle_t arena;
    CHILD_NEED(zx_vmo_create(ARENA_PAGES * PAGE, 0, &arena) == ZX_OK, 10);
    snapshot(start->root, &arena);
    for (;;) {
        uint64_t random = random_next(&seed);
        zx_handle_t other = start->given[(random >> 4) % (MEMBERS - 1)];
        if (random % 8 == 0) {
            change_self(start->root, &arena, random_next(&seed));
            atomic_fetch_add(&board[CHANGED], 1);
        } else if (random % 2) {
            write_page(other, random_next(&seed), board);
        } else {
            read_page(other, random_next(&seed), board);
        }
    }
}

static void member_begin(struct member *members, unsigned index, uint64_t seed) {
    zx_handle_t others[MEMBERS - 1];
    for (unsigned i = 0, n = 0; i < MEMBERS; i++) {
        if (i != index) others[n++] = members[i].agent.process;
    }
    _Atomic uint64_t *board = (_Atomic uint64_t *)(void *)members[index].board.view;
    atomic_store(&board[SEED], seed);
    agent_run(&members[index].agent, live, members[index].board.vmo, PAGE, others, MEMBERS - 1);
}

/* A member must not have ended by itself, which is what it does when it sees something that cannot be. */
static void member_replace(struct member *members, unsigned index, uint64_t seed) {
    zx_info_process_t info;
    struct child *agent = &members[index].agent;
    MUST(zx_object_get_info(agent->process, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL));
    EXPECT(!info.exited);
    agent_kill(agent);
    child_close(agent);
    *agent = agent_make();
    member_begin(members, index, seed);
}

static uint64_t told(const struct member *members, unsigned what) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < MEMBERS; i++) sum += ((const _Atomic uint64_t *)(const void *)members[i].board.view)[what];
    return sum;
}

TEST("stress/members write, read, change and kill each other, and every page is whole") {
    static struct member members[MEMBERS];
    const char *given = getenv("stress.seconds");
    uint64_t seed = random_seed(), deaths = 0;
    struct memory mine = memory_make(64 * PAGE, 9);
    for (unsigned i = 0; i < MEMBERS; i++) members[i] = (struct member){agent_make(), memory_make(PAGE, 0)};
    for (unsigned i = 0; i < MEMBERS; i++) member_begin(members, i, random_next(&seed));
    zx_time_t end = zx_deadline_after(ZX_SEC(given ? strtoull(given, NULL, 0) : SECONDS));
    while (zx_clock_get_monotonic() < end) {
        uint64_t random = random_next(&seed);
        zx_nanosleep(zx_deadline_after((zx_duration_t)((random >> 8) % LIFE_MAX)));
        member_replace(members, random % MEMBERS, random_next(&seed));
        EXPECT_OK(kernel_command("check"));
        deaths++;
    }
    test_note("%llu deaths, %llu pages written, %llu read, %llu changes", (unsigned long long)deaths,
              (unsigned long long)told(members, WROTE), (unsigned long long)told(members, READ),
              (unsigned long long)told(members, CHANGED));
    EXPECT_EQ(told(members, TORN), 0);
    EXPECT(told(members, WROTE) > 0 && told(members, READ) > 0 && told(members, CHANGED) > 0 && deaths > 0);
    for (unsigned i = 0; i < MEMBERS; i++) {
        agent_kill(&members[i].agent);
        child_close(&members[i].agent);
    }
    EXPECT_UNTOUCHED(&mine);
}
