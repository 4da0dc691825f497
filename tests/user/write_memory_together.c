/*
 * zx_process_write_memory with others on the same memory at the same time: other writers, readers, faults, snapshots.
 * What they may see is a window's bytes wholly before or wholly after, and aligned words never in pieces.
 *
 * The bytes of each write are all the same, so that a mixture shows.
 */
#include <stdatomic.h>

#include "tests/user/agent.h"
#include "tests/user/memory.h"

static bool all_same(const unsigned char *bytes, size_t len) {
    return len < 2 || memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* What the threads of a test share. */
static struct scene {
    struct target t;
    struct memory m;
    unsigned char *from;
    size_t from_len;
    zx_handle_t from_vmo;
    _Atomic bool over;
    _Atomic uint64_t rounds, bad;
    _Atomic zx_status_t trouble;
} s;

static void scene_make(size_t len, size_t from_len) {
    s.t = target_make();
    s.m = memory_make(len, 0);
    s.from_len = from_len;
    s.from_vmo = vmo_make(from_len);
    s.from = map_here(s.from_vmo, 0, from_len, PERM_RW);
    memset(s.from, 0, from_len);
    memset(s.m.view, 0, len);
    target_map(&s.t, PLACE, s.m.vmo, 0, len, PERM_RW);
}

static void scene_end(zx_handle_t thread) {
    atomic_store(&s.over, true);
    thread_join(thread);
    EXPECT_STATUS(s.trouble, ZX_OK);
    EXPECT_EQ(s.bad, 0);
    EXPECT(s.rounds > 20);
}

static void write_page_for_ever(void *arg) {
    unsigned char *page = arg;
    for (unsigned char value = 0; !atomic_load(&s.over); value++) {
        size_t actual;
        memset(page, value, PAGE);
        zx_status_t status = zx_process_write_memory(s.t.process, PLACE, page, PAGE, &actual);
        if (status != ZX_OK || actual != PAGE) atomic_store(&s.trouble, ZX_ERR_INTERNAL);
        atomic_fetch_add(&s.rounds, 1);
    }
}

TEST("write_memory/L10 two writers of one page: it is always wholly the one's or the other's") {
    scene_make(PAGE, 2 * PAGE);
    zx_handle_t one = thread_run(write_page_for_ever, s.from);
    zx_handle_t two = thread_run(write_page_for_ever, s.from + PAGE);
    unsigned char *seen = buffer_make(PAGE);
    memset(seen, 1, PAGE);
    unsigned changes = 0;
    for (zx_time_t begun = zx_clock_get_monotonic(); race_goes_on(begun, changes > 2);) {
        unsigned char before = seen[0];
        NEED_OK(zx_vmo_read(s.m.vmo, seen, 0, PAGE));
        if (!TEST_TRUE(all_same(seen, PAGE))) break;
        changes += seen[0] != before;
        zx_nanosleep(0);
    }
    EXPECT(changes > 2);
    atomic_store(&s.over, true);
    thread_join(one);
    scene_end(two);
    EXPECT(all_same(s.m.view, PAGE));
}

static bool word_is_whole(uint64_t word) { return word == (word & 0xff) * 0x0101010101010101u; }

/* Looks at every aligned word of the memory, over and over. */
static void look_for_torn_words(void *arg) {
    const _Atomic uint64_t *words = (const _Atomic uint64_t *)(const void *)s.m.view;
    (void)arg;
    while (!atomic_load(&s.over)) {
        for (size_t i = 0; i < s.m.len / sizeof(uint64_t); i++) {
            if (!word_is_whole(atomic_load_explicit(&words[i], memory_order_relaxed))) atomic_fetch_add(&s.bad, 1);
        }
        atomic_fetch_add(&s.rounds, 1);
    }
}

/* Writes all of the memory from the buffer at some alignment, each time with another byte. */
static bool write_bytes(size_t round) {
    memset(s.from, (int)(round & 0xff), s.m.len + 8);
    return moved_test(write_to(s.t.process, PLACE, s.from + round % 8, s.m.len), (struct moved){ZX_OK, s.m.len},
                      __FILE__, __LINE__, "the write");
}

TEST("write_memory/L13 A10 a reader during writes sees no torn aligned word, whatever the buffer's alignment") {
    scene_make(16 * PAGE, 17 * PAGE);
    zx_handle_t thread = thread_run(look_for_torn_words, NULL);
    zx_time_t begun = zx_clock_get_monotonic();
    for (size_t round = 1; race_goes_on(begun, round > 20 && s.rounds > 20); round++) NEED(write_bytes(round));
    scene_end(thread);
}

/* Keeps the lock of the buffer's memory nearly all the time, for as long as a commit of many pages takes. */
static void hog_buffer(void *arg) {
    (void)arg;
    while (!atomic_load(&s.over)) {
        zx_status_t status = zx_vmo_op_range(s.from_vmo, ZX_VMO_OP_COMMIT, 0, s.from_len, NULL, 0);
        if (status != ZX_OK) atomic_store(&s.trouble, status);
    }
}

/*
 * The buffer's translations are dropped before each write, so that it faults at each page; and since somebody keeps
 * the lock that a fault needs, the writer has to wait then. That is where the reader looks.
 */
TEST("write_memory/L13 S7 L17 a reader sees no torn aligned word where the buffer faults either") {
    scene_make(16 * PAGE, 4096 * PAGE);
    zx_handle_t thread = thread_run(look_for_torn_words, NULL), hog = thread_run(hog_buffer, NULL);
    zx_time_t begun = zx_clock_get_monotonic();
    for (size_t round = 1; race_goes_on(begun, round > 20 && s.rounds > 20); round++) {
        memset(s.from, (int)(round & 0xff), s.m.len + 8);
        NEED_OK(zx_vmar_protect(zx_vmar_root_self(), round % 2 ? PERM_R : PERM_RX, (zx_vaddr_t)s.from, s.from_len));
        NEED_MOVED(write_to(s.t.process, PLACE, s.from + 1 + round % 7, s.m.len), s.m.len);
        NEED_OK(zx_vmar_protect(zx_vmar_root_self(), PERM_RW, (zx_vaddr_t)s.from, s.from_len));
    }
    atomic_store(&s.over, true);
    thread_join(hog);
    scene_end(thread);
}

#define OWN_WORD (PAGE / sizeof(uint64_t) - 1)
#define OWN_VALUE 0xa5a5a5a5a5a5a5a5u

/* The target: faults on all of its pages, again and again; the last word of each page is its own to write. */
static void use_own_memory(struct agent_start *start) {
    _Atomic uint64_t *board = start->shared;
    while (atomic_load(&board[0]) == 0) {
        for (size_t page = 0; page < 16; page++) {
            volatile uint64_t *words = (volatile uint64_t *)(PLACE + page * PAGE);
            uint64_t value = words[page];
            if (!word_is_whole(value)) zx_process_exit(2);
            words[OWN_WORD] = OWN_VALUE;
            value = words[OWN_WORD];
            if (value != OWN_VALUE && value != 0) zx_process_exit(3);
        }
        atomic_fetch_add(&board[1], 1);
    }
}

static void decommit_for_ever(void *arg) {
    (void)arg;
    for (size_t i = 0; !atomic_load(&s.over); i++) {
        zx_status_t status = zx_vmo_op_range(s.m.vmo, ZX_VMO_OP_DECOMMIT, i * 7 % 16 * PAGE, PAGE, NULL, 0);
        if (status != ZX_OK) atomic_store(&s.trouble, status);
        atomic_fetch_add(&s.rounds, 1);
        if (i % 64 == 0) zx_nanosleep(0);
    }
}

TEST("write_memory/L12 L3 against the target's own faults on the same memory, and decommit") {
    scene_make(16 * PAGE, PAGE);
    struct memory board = memory_make(PAGE, 0);
    _Atomic uint64_t *words = (_Atomic uint64_t *)(void *)board.view;
    struct child agent = agent_make();
    vmar_map_at(agent.vmar, PLACE, s.m.vmo, 0, s.m.len, PERM_RW);
    agent_run(&agent, use_own_memory, board.vmo, PAGE, NULL, 0);
    zx_handle_t thread = thread_run(decommit_for_ever, NULL);
    zx_time_t begun = zx_clock_get_monotonic();
    for (size_t round = 1; race_goes_on(begun, round > 20 && s.rounds > 20); round++) {
        memset(s.from, (int)(round & 0xff), PAGE);
        NEED_MOVED(write_to(agent.process, PLACE + round % 16 * PAGE, s.from, PAGE - 8), PAGE - 8);
        if (round % 16 == 0) zx_nanosleep(0);
    }
    atomic_store(&words[0], 1);
    scene_end(thread);
    EXPECT_EQ(child_wait(&agent), 0);
    EXPECT(words[1] > 0);
}

/* Takes snapshots, each of which must show one write, or one write's beginning and the end of the one before. */
static void snapshot_for_ever(void *arg) {
    unsigned char *seen = arg;
    while (!atomic_load(&s.over)) {
        zx_handle_t vmo;
        zx_status_t status = zx_vmo_create_child(s.m.vmo, ZX_VMO_CHILD_SNAPSHOT, 0, s.m.len, &vmo);
        if (status == ZX_OK) status = zx_vmo_read(vmo, seen, 0, s.m.len);
        if (status != ZX_OK) atomic_store(&s.trouble, status);
        zx_handle_close(vmo);
        size_t end = 1;
        while (end < s.m.len && seen[end] == seen[0]) end++;
        if (!all_same(seen + end, s.m.len - end)) atomic_fetch_add(&s.bad, 1);
        if (end < s.m.len && (unsigned char)(seen[end] + 1) != seen[0]) atomic_fetch_add(&s.bad, 1);
        atomic_fetch_add(&s.rounds, 1);
    }
}

TEST("write_memory/L19 a snapshot during writes has whole windows, in their order") {
    scene_make(64 * PAGE, 65 * PAGE);
    zx_handle_t thread = thread_run(snapshot_for_ever, buffer_make(s.m.len));
    zx_time_t begun = zx_clock_get_monotonic();
    for (size_t round = 1; race_goes_on(begun, round > 20 && s.rounds > 20); round++) {
        NEED(write_bytes(round));
        if (round % 4 == 0) zx_nanosleep(0);
    }
    scene_end(thread);
}

static void read_for_ever(void *arg) {
    unsigned char *into = arg;
    while (!atomic_load(&s.over)) {
        size_t actual;
        zx_status_t status = zx_process_read_memory(s.t.process, PLACE, into, PAGE, &actual);
        if (status != ZX_OK || actual != PAGE) atomic_store(&s.trouble, ZX_ERR_INTERNAL);
        if (!all_same(into, PAGE)) atomic_fetch_add(&s.bad, 1);
        atomic_fetch_add(&s.rounds, 1);
    }
}

TEST("read_memory/L10 a page read during writes is one write's") {
    scene_make(PAGE, 2 * PAGE);
    zx_handle_t thread = thread_run(read_for_ever, buffer_make(PAGE));
    zx_time_t begun = zx_clock_get_monotonic();
    for (size_t round = 1; race_goes_on(begun, round > 20 && s.rounds > 20); round++) NEED(write_bytes(round));
    scene_end(thread);
}

#define FAULTS 60u
#define WINDOW ((size_t)64 << 10)

enum fault_word { FAULTS_WANTED, FAULTS_DONE, FAULT_LONGEST };

/* The target: touches page after page that it never touched before, each at the beginning of a turn of its own. */
static void fault_now_and_then(struct agent_start *start) {
    _Atomic uint64_t *board = start->shared;
    for (uint64_t i = 0;; i++) {
        while (i >= atomic_load(&board[FAULTS_WANTED])) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
        zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
        zx_time_t begun = zx_clock_get_monotonic();
        *(volatile uint64_t *)(PLACE + i * 7 * PAGE);
        uint64_t took = (uint64_t)(zx_clock_get_monotonic() - begun);
        if (took > atomic_load(&board[FAULT_LONGEST])) atomic_store(&board[FAULT_LONGEST], took);
        atomic_store(&board[FAULTS_DONE], i + 1);
    }
}

/* Has the target take so many faults more, and tells how long the longest took. Meanwhile it is written to, or not. */
static uint64_t longest_fault(_Atomic uint64_t *board, zx_handle_t written, const unsigned char *buffer) {
    uint64_t until = atomic_load(&board[FAULTS_DONE]) + FAULTS;
    atomic_store(&board[FAULT_LONGEST], 0);
    atomic_store(&board[FAULTS_WANTED], until);
    zx_time_t deadline = zx_deadline_after(ZX_SEC(30));
    while (atomic_load(&board[FAULTS_DONE]) < until && zx_clock_get_monotonic() < deadline) {
        if (written)
            EXPECT_MOVED(write_to(written, PLACE, buffer, MAX_TRANSFER), MAX_TRANSFER);
        else
            zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    }
    EXPECT(atomic_load(&board[FAULTS_DONE]) >= until);
    return atomic_load(&board[FAULT_LONGEST]);
}

TEST("write_memory/L12 a target's page fault waits for one window at most, however much is written to it") {
    struct memory board = memory_make(PAGE, 0);
    _Atomic uint64_t *words = (_Atomic uint64_t *)(void *)board.view;
    struct child agent = agent_make();
    unsigned char *buffer = buffer_make(MAX_TRANSFER);
    vmar_map_at(agent.vmar, PLACE, vmo_make(MAX_TRANSFER), 0, MAX_TRANSFER, PERM_RW);
    EXPECT_MOVED(write_to(agent.process, PLACE, buffer, MAX_TRANSFER), MAX_TRANSFER);
    zx_time_t begun = zx_clock_get_monotonic();
    EXPECT_MOVED(write_to(agent.process, PLACE, buffer, WINDOW), WINDOW);
    uint64_t window = (uint64_t)(zx_clock_get_monotonic() - begun);
    agent_run(&agent, fault_now_and_then, board.vmo, PAGE, NULL, 0);
    uint64_t alone = longest_fault(words, ZX_HANDLE_INVALID, buffer);
    uint64_t among = longest_fault(words, agent.process, buffer);
    test_note("a window %llu ns; the longest of %u faults alone %llu ns, among writes %llu ns",
              (unsigned long long)window, FAULTS, (unsigned long long)alone, (unsigned long long)among);
    EXPECT(!times_are_exact() || among <= window + 2 * alone);
    agent_kill(&agent);
}
