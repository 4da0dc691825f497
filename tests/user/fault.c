/*
 * Loads, stores and jumps of a program's own: which of them end it, and what they find while others change the memory.
 */
#include "tests/user/agent.h"
#include "tests/user/probe.h"

#define SLOT(i) (PLACE + (i)*16 * PAGE)

/* What is mapped where, in a child that then tries one thing with one of them. */
enum slot { SLOT_NOTHING, SLOT_RESERVED, SLOT_CLOSED, SLOT_READ, SLOT_WRITE, SLOT_EXECUTE, SLOT_SHORT, SLOT_KERNEL };
enum { ACT_LOAD, ACT_STORE, ACT_JUMP, ACTS };

static const zx_vm_option_t slot_perms[] = {[SLOT_CLOSED] = PERM_NONE,
                                            [SLOT_READ] = PERM_R,
                                            [SLOT_WRITE] = PERM_RW,
                                            [SLOT_EXECUTE] = PERM_RX,
                                            [SLOT_SHORT] = PERM_RW | ZX_VM_PERM_EXECUTE};

static void act(zx_handle_t handle, uintptr_t board) {
    (void)handle;
    uint64_t word = ((struct board *)board)->words[0];
    zx_vaddr_t at = word >> 8 == SLOT_KERNEL ? PHYSMAP : SLOT(word >> 8);
    if (word >> 8 == SLOT_SHORT) at += PAGE;
    switch (word & 0xff) {
    case ACT_LOAD: (void)*(volatile unsigned char *)at; break;
    case ACT_STORE: *(volatile unsigned char *)at = 0xc3; break;
    case ACT_JUMP: ((void (*)(void))at)(); break;
    }
    zx_process_exit(7);
}

/* The return code of a child that does that. */
static int64_t act_in_child(enum slot slot, uint64_t what) {
    struct child child;
    MUST_BE(child_make(&child));
    zx_handle_t vmo = vmo_make(PAGE);
    const unsigned char ret = 0xc3;
    MUST(zx_vmo_write(vmo, &ret, 0, 1));
    vmar_make(child.vmar, SLOT(SLOT_RESERVED), PAGE);
    for (enum slot i = SLOT_CLOSED; i <= SLOT_SHORT; i++)
        vmar_map_at(child.vmar, SLOT(i), vmo, 0, (i == SLOT_SHORT ? 2 : 1) * PAGE, slot_perms[i]);
    child.board->words[0] = (uint64_t)slot << 8 | what;
    MUST(child_start(&child, act, ZX_HANDLE_INVALID));
    int64_t code = child_wait(&child);
    child_close(&child);
    return code;
}

/* 4.1: a gap, a reserved region, no permission, the wrong one, past the VMO's end, the kernel's. */
TEST("fault/4.1 each access that is not allowed ends the program, and each that is does not") {
    static const bool allowed[][ACTS] = {[SLOT_READ] = {true, false, false},
                                         [SLOT_WRITE] = {true, true, false},
                                         [SLOT_EXECUTE] = {true, false, true},
                                         [SLOT_KERNEL] = {false, false, false}};
    for (enum slot slot = SLOT_NOTHING; slot <= SLOT_KERNEL; slot++) {
        for (uint64_t what = ACT_LOAD; what < ACTS; what++) {
            int64_t want = allowed[slot][what] ? 7 : ZX_TASK_RETCODE_EXCEPTION_KILL;
            EXPECT_EQ(act_in_child(slot, what), want);
        }
    }
}

/* --- others change the memory meanwhile --- */

#define SPAN 16u

static struct {
    zx_handle_t vmo;
    _Atomic uint64_t stop, rounds;
} race;

static void disturb(void *arg) {
    (void)arg;
    for (uint64_t i = 0; !race.stop; i++) {
        uint64_t page = i * 7 % SPAN;
        zx_handle_t snapshot;
        if (i % 3 == 0) zx_vmo_op_range(race.vmo, ZX_VMO_OP_DECOMMIT, page * PAGE, PAGE, NULL, 0);
        if (i % 3 == 1) zx_vmo_op_range(race.vmo, ZX_VMO_OP_COMMIT, 0, SPAN * PAGE, NULL, 0);
        if (i % 3 == 2 && zx_vmo_create_child(race.vmo, ZX_VMO_CHILD_SNAPSHOT, 0, SPAN * PAGE, &snapshot) == ZX_OK)
            zx_handle_close(snapshot);
        race.rounds++;
    }
}

TEST("fault/L12 L19 loads and stores during decommit, commit and snapshots see zeros or what was stored, never "
     "another's") {
    race.vmo = vmo_make(SPAN * PAGE);
    volatile uint64_t *view = map_here(race.vmo, 0, SPAN * PAGE, PERM_RW);
    zx_handle_t thread = thread_run(disturb, NULL);
    zx_time_t begun = zx_clock_get_monotonic();
    for (uint64_t i = 1; race_goes_on(begun, race.rounds > 100); i++) {
        uint64_t page = i % SPAN, mine = page << 48 | i;
        volatile uint64_t *word = &view[page * PAGE / 8 + i % 512];
        *word = mine;
        uint64_t seen = *word;
        if (!TEST_TRUE(seen == mine || seen == 0)) break;
        uint64_t other = view[i * 5 % (SPAN * PAGE / 8)];
        if (!TEST_TRUE(other == 0 || other >> 48 == i * 5 % (SPAN * PAGE / 8) / 512)) break;
    }
    race.stop = 1;
    thread_join(thread);
}
