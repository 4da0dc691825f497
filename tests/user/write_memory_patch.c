/*
 * Text that is changed while a thread executes it, as a debugger plants a breakpoint or a tracer a detour: the thread
 * must meet the new bytes at once, and never a part of them. Through zx_process_write_memory, into a private snapshot
 * of the text and into shared memory, and through zx_vmo_write.
 *
 * The thread is an agent's, in a loop that never enters the kernel, on a processor of its own if there is more than
 * one.
 */
#include <stdatomic.h>

#include "tests/user/agent.h"
#include "tests/user/memory.h"

#define TEXT_PAGES 2
#define TEXT_LEN (TEXT_PAGES * PAGE)
#define PATCH_MAX 15 /* bytes of the longest instruction */

/* What the loop sees of the test, and the test of the loop; rdi points to it. The code below knows the offsets. */
struct gauge {
    _Atomic uint64_t torn;   /* 0: how often an instruction was neither the old one nor the new one */
    _Atomic uint64_t latest; /* 8: what the last one said */
    _Atomic uint64_t rounds; /* 16: how often the loop came round, or left one loop for the other */
};

/* How the text is written. */
enum way { PRIVATE, SHARED, BY_VMO, WAYS };

struct patient {
    struct child agent;
    struct memory text, board;
    struct gauge *gauge;
    enum way way;
};

static void run_text(struct agent_start *start) { ((void (*)(void *, uint64_t, uint64_t))PLACE)(start->shared, 0, 0); }

static void text_write(const struct patient *p, size_t at, const void *bytes, size_t len) {
    if (p->way == BY_VMO)
        MUST(zx_vmo_write(p->text.vmo, bytes, at, len));
    else
        NEED_MOVED(write_to(p->agent.process, PLACE + at, bytes, len), len);
}

/* An agent that executes `code` from its first byte on. */
static struct patient patient_make(enum way way, const unsigned char code[TEXT_LEN]) {
    struct patient p = {
        .agent = agent_make(), .text = memory_make(TEXT_LEN, 1), .board = memory_make(PAGE, 0), .way = way};
    p.gauge = (struct gauge *)(void *)p.board.view;
    memcpy(p.text.view, code, TEXT_LEN);
    zx_handle_t handle = way == PRIVATE ? handle_without(p.text.vmo, ZX_RIGHT_WRITE)
                                        : handle_with(p.text.vmo, handle_rights(p.text.vmo));
    vmar_map_at(p.agent.vmar, PLACE, handle, 0, TEXT_LEN, PERM_RX);
    agent_run(&p.agent, run_text, p.board.vmo, PAGE, NULL, 0);
    return p;
}

static void patient_end(struct patient *p) {
    agent_kill(&p->agent);
    unmap_here(p->text.view, p->text.len);
    unmap_here(p->board.view, p->board.len);
}

static zx_duration_t longest = ZX_MSEC(400);

/*
 * A thousand rounds; fewer where the emulator's processors have to wait for each other's turn, and on one processor,
 * where the thread only gets on when this one's slice has ended.
 */
static bool goes_on(int round, zx_time_t begun) {
    if (zx_system_get_num_cpus() == 1) return round < 10;
    return round < 10 || (round < 1000 && zx_clock_get_monotonic() - begun < longest);
}

static unsigned char *append(unsigned char *at, const void *bytes, size_t len) {
    memcpy(at, bytes, len);
    return at + len;
}
#define APPEND(at, ...) append((at), (const unsigned char[]){__VA_ARGS__}, sizeof((const unsigned char[]){__VA_ARGS__}))

/*
 * Two loops of two instructions each:
 *
 *     first:  nop
 *             jmp first           its distance, one byte, is what is changed: out of the loop, or back
 *             lock inc rounds
 *     second: nop
 *             jmp second
 *             lock inc rounds
 *             jmp first
 */
static void two_loops(enum way way) {
    static unsigned char code[TEXT_LEN];
    static const unsigned char back = 0xfd, on = 0;
    unsigned char *first = code, *distance[2];
    unsigned char *at = APPEND(first, 0x90, 0xeb, back);
    distance[0] = at - 1;
    at = APPEND(at, 0xf0, 0x48, 0xff, 0x47, 16, 0x90, 0xeb, back);
    distance[1] = at - 1;
    at = APPEND(at, 0xf0, 0x48, 0xff, 0x47, 16);
    APPEND(at, 0xeb, (unsigned char)(first - (at + 2)));
    struct patient p = patient_make(way, code);
    zx_time_t begun = zx_clock_get_monotonic();
    for (int i = 0; goes_on(i, begun); i++) {
        size_t here = (size_t)(distance[i % 2] - code), there = (size_t)(distance[(i + 1) % 2] - code);
        text_write(&p, there, &back, 1);
        text_write(&p, here, &on, 1);
        MUST_BE(word_await(&p.gauge->rounds, (uint64_t)i + 1));
    }
    patient_end(&p);
}

TEST("write_memory/T21 a loop of two instructions is left when one byte of it is changed: a private snapshot") {
    two_loops(PRIVATE);
}
TEST("write_memory/T21 a loop of two instructions is left when one byte of it is changed: shared memory") {
    two_loops(SHARED);
}
TEST("vmo_write/T21 a loop of two instructions is left when one byte of it is changed") { two_loops(BY_VMO); }

#define OLD 0x11
#define NEW 0x22
#define OLD_PREFIX 0x2e /* of two segments that mean nothing here */
#define NEW_PREFIX 0x3e

/* mov $value, %rax, 15 bytes long, of which the last `len` are the new ones. */
static void instruction(unsigned char out[PATCH_MAX], size_t len) {
    static const unsigned char old[PATCH_MAX] = {
        OLD_PREFIX, OLD_PREFIX, OLD_PREFIX, OLD_PREFIX, OLD_PREFIX, 0x48, 0xb8, OLD, OLD, OLD, OLD, OLD, OLD, OLD, OLD};
    memcpy(out, old, PATCH_MAX);
    for (size_t i = PATCH_MAX - len; i < PATCH_MAX; i++) {
        if (i < 5) out[i] = NEW_PREFIX;
        if (i > 6) out[i] = NEW;
    }
}

static uint64_t instruction_value(const unsigned char bytes[PATCH_MAX]) {
    uint64_t value;
    memcpy(&value, bytes + 7, sizeof(value));
    return value;
}

#define CHECKED_LEN 30u

/*
 * At `at`: mov $value, %rax; then, if that is neither rsi nor rdx, lock inc torn.
 */
static unsigned char *checked(unsigned char *at) {
    unsigned char mov[PATCH_MAX];
    instruction(mov, 0);
    at = append(at, mov, sizeof(mov));
    return APPEND(at, 0x48, 0x39, 0xf0, 0x74, 9, 0x48, 0x39, 0xd0, 0x74, 4, 0xf0, 0x48, 0xff, 0x07, 0x90);
}

/* mov $value, %rsi or %rdx */
static unsigned char *known(unsigned char *at, unsigned char opcode, uint64_t value) {
    at = APPEND(at, 0x48, opcode);
    return append(at, &value, sizeof(value));
}

/* mov %rax, latest; inc rounds; and back. */
static void round_end(unsigned char *at, const unsigned char *loop) {
    at = APPEND(at, 0x48, 0x89, 0x47, 8, 0xf0, 0x48, 0xff, 0x47, 16, 0xe9);
    int32_t distance = (int32_t)(loop - (at + 4));
    append(at, &distance, sizeof(distance));
}

/* The thread has come round with that value, at the latest now. */
static bool seen(const struct patient *p, uint64_t value) {
    uint64_t before = atomic_load(&p->gauge->rounds);
    zx_time_t deadline = zx_deadline_after(ZX_SEC(10));
    while (atomic_load(&p->gauge->rounds) < before + 2 && zx_clock_get_monotonic() < deadline) zx_nanosleep(0);
    return TEST_TRUE(atomic_load(&p->gauge->rounds) >= before + 2) && TEST_EQ(p->gauge->latest, value);
}

/* An agent in a loop with one such instruction, at `at`, which may have either of two values. */
static struct patient loop_make(enum way way, size_t at, uint64_t one, uint64_t other) {
    static unsigned char code[TEXT_LEN];
    memset(code, 0x90, sizeof(code));
    round_end(checked(code + at), known(known(code, 0xbe, one), 0xba, other));
    struct patient p = patient_make(way, code);
    MUST_BE(seen(&p, one));
    return p;
}

/* A buffer on the edge of two pages that are not there, with a copy of some bytes. */
static unsigned char *buffer_absent(const void *bytes, size_t len) {
    static unsigned char *pages;
    if (!pages) pages = map_here(vmo_make(2 * PAGE), 0, 2 * PAGE, PERM_RW);
    unsigned char *at = pages + PAGE - len / 2;
    memcpy(at, bytes, len);
    MUST(zx_vmar_protect(zx_vmar_root_self(), PERM_R, (zx_vaddr_t)pages, 2 * PAGE));
    MUST(zx_vmar_protect(zx_vmar_root_self(), PERM_RW, (zx_vaddr_t)pages, 2 * PAGE));
    return at;
}

/* A loop with one instruction that is changed, at `at`, the last `len` bytes of it, over and over. */
static void one_instruction_from(enum way way, size_t at, size_t len, bool absent) {
    unsigned char bytes[2][PATCH_MAX];
    for (size_t i = 0; i < 2; i++) instruction(bytes[i], i ? len : 0);
    struct patient p = loop_make(way, at, instruction_value(bytes[0]), instruction_value(bytes[1]));
    zx_time_t begun = zx_clock_get_monotonic();
    for (int i = 1; goes_on(i, begun); i++) {
        const unsigned char *patch = bytes[i % 2] + PATCH_MAX - len;
        if (absent) MUST(zx_vmar_protect(p.agent.vmar, PERM_RX, PLACE, TEXT_LEN));
        text_write(&p, at + PATCH_MAX - len, absent ? buffer_absent(patch, len) : patch, len);
        MUST_BE(seen(&p, instruction_value(bytes[i % 2])));
    }
    EXPECT_EQ(p.gauge->torn, 0);
    patient_end(&p);
}

static void one_instruction(enum way way, size_t at, size_t len) { one_instruction_from(way, at, len, false); }

/* What is a race for one length is one for all: each gets a part of the time. */
static void each_length(enum way odd, enum way even) {
    longest /= 4;
    for (size_t len = 1; len <= PATCH_MAX; len++) one_instruction(len % 2 ? odd : even, 64, len);
}

TEST("write_memory/T21 an instruction of which 1 to 15 bytes are changed is met old or new, and new at once") {
    each_length(PRIVATE, SHARED);
}

TEST("write_memory/T21 an instruction that crosses from one page into the next is changed as one") {
    one_instruction(PRIVATE, PAGE - 8, PATCH_MAX);
    one_instruction(SHARED, PAGE - 12, PATCH_MAX);
}

TEST("write_memory/T21 S7 it is changed as one from a buffer that has to be brought in half-way, though it was just "
     "protected") {
    one_instruction_from(PRIVATE, 64, PATCH_MAX, true);
    one_instruction_from(BY_VMO, PAGE - 8, PATCH_MAX, true);
}

TEST("write_memory/T21 S4 nothing of text is written from a buffer that is bad half-way") {
    static unsigned char code[TEXT_LEN];
    unsigned char *buffer = buffer_make(PAGE), old[PATCH_MAX], fresh[PATCH_MAX];
    memset(code, 0x90, sizeof(code));
    round_end(checked(code), code);
    instruction(old, 0);
    instruction(fresh, PATCH_MAX);
    memcpy(buffer + PAGE - 8, fresh, 8);
    for (enum way way = PRIVATE; way < WAYS; way++) {
        struct patient p = patient_make(way, code);
        MUST_BE(seen(&p, instruction_value(old)));
        if (way == BY_VMO)
            EXPECT_STATUS(zx_vmo_write(p.text.vmo, buffer + PAGE - 8, 0, PATCH_MAX), ZX_ERR_INVALID_ARGS);
        else
            EXPECT_REFUSED(write_to(p.agent.process, PLACE, buffer + PAGE - 8, PATCH_MAX), ZX_ERR_INVALID_ARGS);
        EXPECT_MOVED(read_from(p.agent.process, PLACE, fresh, PATCH_MAX), PATCH_MAX);
        EXPECT_BYTES(fresh, old, PATCH_MAX);
        patient_end(&p);
    }
}

TEST("vmo_write/T21 an instruction of which 1 to 15 bytes are changed is met old or new, and new at once") {
    each_length(BY_VMO, BY_VMO);
}

/* Somebody else who changes an instruction of another agent's meanwhile, and changes mappings of ours in between. */
struct other_writer {
    struct patient patient;
    _Atomic bool stop;
    uint64_t wrong;
};

static void write_others(void *arg) {
    struct other_writer *w = arg;
    unsigned char bytes[2][PATCH_MAX];
    size_t actual;
    for (size_t i = 0; i < 2; i++) instruction(bytes[i], i ? PATCH_MAX : 0);
    zx_vaddr_t ours = (zx_vaddr_t)map_here(vmo_make(PAGE), 0, PAGE, PERM_RW);
    for (size_t i = 0; !atomic_load(&w->stop); i++) {
        if (zx_process_write_memory(w->patient.agent.process, PLACE + 64, bytes[i % 2], PATCH_MAX, &actual) != ZX_OK)
            w->wrong++;
        *(volatile unsigned char *)ours = 1;
        if (zx_vmar_protect(zx_vmar_root_self(), i % 2 ? PERM_RW : PERM_R, ours, PAGE) != ZX_OK) w->wrong++;
        if (zx_vmar_protect(zx_vmar_root_self(), PERM_RW, ours, PAGE) != ZX_OK) w->wrong++;
    }
}

TEST("write_memory/T21 L10 two who write text at once, while translations are dropped, wait for each other in no "
     "circle") {
    unsigned char bytes[2][PATCH_MAX];
    for (size_t i = 0; i < 2; i++) instruction(bytes[i], i ? PATCH_MAX : 0);
    uint64_t one = instruction_value(bytes[0]), another = instruction_value(bytes[1]);
    static struct other_writer other;
    other.patient = loop_make(SHARED, 64, one, another);
    struct patient p = loop_make(PRIVATE, 64, one, another);
    zx_handle_t thread = thread_run(write_others, &other);
    zx_time_t begun = zx_clock_get_monotonic();
    for (int i = 1; goes_on(i, begun); i++) {
        text_write(&p, 64, bytes[i % 2], PATCH_MAX);
        MUST_BE(seen(&p, instruction_value(bytes[i % 2])));
    }
    atomic_store(&other.stop, true);
    thread_join(thread);
    EXPECT_EQ(other.wrong, 0);
    EXPECT(p.gauge->torn == 0 && other.patient.gauge->torn == 0);
    patient_end(&p);
    patient_end(&other.patient);
}

TEST("vmo_op_range/T21 ZERO of a part of an instruction is met whole or not at all, and at once") {
    unsigned char bytes[PATCH_MAX];
    instruction(bytes, 0);
    uint64_t value = instruction_value(bytes);
    struct patient p = loop_make(BY_VMO, 64, value, 0);
    zx_time_t begun = zx_clock_get_monotonic();
    for (int i = 1; goes_on(i, begun); i++) {
        MUST(zx_vmo_op_range(p.text.vmo, ZX_VMO_OP_ZERO, 64 + PATCH_MAX - sizeof(value), sizeof(value), NULL, 0));
        MUST_BE(seen(&p, 0));
        text_write(&p, 64 + PATCH_MAX - sizeof(value), &value, sizeof(value));
        MUST_BE(seen(&p, value));
    }
    EXPECT_EQ(p.gauge->torn, 0);
    patient_end(&p);
}

/* A page full of such instructions, all of them changed in one write. */
static void whole_page(enum way way) {
    static unsigned char code[TEXT_LEN], pages[2][TEXT_LEN / TEXT_PAGES];
    unsigned char bytes[2][PATCH_MAX];
    for (size_t i = 0; i < 2; i++) instruction(bytes[i], i ? PATCH_MAX : 0);
    memset(code, 0x90, sizeof(code));
    unsigned char *loop = known(known(code, 0xbe, instruction_value(bytes[0])), 0xba, instruction_value(bytes[1])),
                  *at = loop;
    size_t places[PAGE / CHECKED_LEN], count = 0;
    while (at + 2 * CHECKED_LEN < code + PAGE) {
        places[count++] = (size_t)(at - code);
        at = checked(at);
    }
    round_end(at, loop);
    for (size_t i = 0; i < 2; i++) {
        memcpy(pages[i], code, PAGE);
        for (size_t k = 0; k < count; k++) memcpy(pages[i] + places[k], bytes[i], PATCH_MAX);
    }
    struct patient p = patient_make(way, code);
    zx_time_t begun = zx_clock_get_monotonic();
    for (int i = 1; goes_on(i, begun); i++) {
        text_write(&p, 0, pages[i % 2], PAGE);
        MUST_BE(seen(&p, instruction_value(bytes[i % 2])));
    }
    EXPECT_EQ(p.gauge->torn, 0);
    patient_end(&p);
}

TEST("write_memory/T21 a page of instructions, all changed in one write: none is met half-written") {
    whole_page(SHARED);
}
TEST("vmo_write/T21 a page of instructions, all changed in one write: none is met half-written") { whole_page(BY_VMO); }
