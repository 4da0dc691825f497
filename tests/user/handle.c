/*
 * zx_handle_close, zx_handle_duplicate, zx_handle_replace, and what holds for handle values. Waits that end with their
 * handle are in wait.c.
 */
#include "tests/user/agent.h"
#include "tests/user/child.h"
#include "tests/user/probe.h"

static bool same_object(zx_handle_t a, zx_handle_t b) { return basic_info(a).koid == basic_info(b).koid; }

TEST("handle_close/ZX_HANDLE_INVALID is fine") { EXPECT_OK(zx_handle_close(ZX_HANDLE_INVALID)); }

static zx_status_t close_it(zx_handle_t handle) {
    return handle == ZX_HANDLE_INVALID ? ZX_ERR_BAD_HANDLE : zx_handle_close(handle);
}

TEST("handle_close/H2 H3 H4 H11 what is no handle is BAD_HANDLE") { check_bad_handles(close_it); }

TEST("handle_close/the handle is gone, a second time is BAD_HANDLE") {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_handle_t other = handle_with(vmo, ZX_RIGHT_SAME_RIGHTS);
    EXPECT_OK(zx_handle_close(vmo));
    EXPECT(!is_handle(vmo));
    EXPECT_STATUS(zx_handle_close(vmo), ZX_ERR_BAD_HANDLE);
    EXPECT(is_handle(other));
}

TEST("handle_close/no right is needed, for any type") {
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        if (!(handle_rights(handle_of(kind)) & ZX_RIGHT_DUPLICATE)) continue;
        zx_handle_t handle = handle_with(handle_of(kind), ZX_RIGHT_NONE);
        EXPECT_OK(zx_handle_close(handle));
        EXPECT(!is_handle(handle));
    }
}

TEST("handle_close/the object goes with its last handle, not before") {
    struct pair pair = pair_make();
    struct pair carrier = pair_make();
    send_handle(carrier.a, pair.a);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_handle_close(carrier.b));
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_PEER_CLOSED);
}

TEST("handle/H4 a value is not used again soon, whatever takes its place") {
    zx_handle_t old = vmo_make(PAGE);
    MUST(zx_handle_close(old));
    for (int i = 0; i < 2000; i++) {
        struct pair pair = pair_make();
        NEED(pair.a != old && pair.b != old && !is_handle(old));
        MUST(zx_handle_close(pair.a));
        MUST(zx_handle_close(pair.b));
    }
}

TEST("handle/choices: values have both low bits set, are never 0, and are positive as an int32_t") {
    for (int i = 0; i < 100; i++) {
        zx_handle_t handle = vmo_make(PAGE);
        NEED_EQ(handle & 3, 3);
        NEED((int32_t)handle > 0);
    }
}

static void try_handle(zx_handle_t given, uintptr_t board_there) {
    struct board *board = (struct board *)board_there;
    zx_handle_t foreign = (zx_handle_t)board->words[0];
    CHILD_NEED(is_handle(given), 1);
    CHILD_NEED(zx_object_get_info(foreign, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL) == ZX_ERR_BAD_HANDLE, 2);
    CHILD_NEED(zx_handle_close(foreign) == ZX_ERR_BAD_HANDLE, 3);
    zx_process_exit(0);
}

TEST("handle/values mean nothing in another process") {
    struct child child;
    NEED(child_make(&child));
    child.board->words[0] = child.vmar;
    NEED_OK(child_start(&child, try_handle, vmo_make(PAGE)));
    EXPECT_EQ(child_wait(&child), 0);
    EXPECT(is_handle(child.vmar));
}

static zx_status_t duplicate_it(zx_handle_t handle) {
    zx_handle_t copy = UNTOUCHED;
    zx_status_t status = zx_handle_duplicate(handle, ZX_RIGHT_NONE, &copy);
    EXPECT((status == ZX_OK) == (copy != UNTOUCHED));
    return status;
}

TEST("handle_duplicate/H1 H2 H3 H4 H11 what is no handle is BAD_HANDLE") { check_bad_handles(duplicate_it); }
TEST("handle_duplicate/H6 without DUPLICATE it is ACCESS_DENIED") {
    check_rights(handle_of(KIND_VMO), ZX_RIGHT_DUPLICATE, duplicate_it);
    EXPECT_STATUS(duplicate_it(handle_of(KIND_CHANNEL)), ZX_ERR_ACCESS_DENIED);
}

TEST("handle_duplicate/SAME_RIGHTS gives all rights, to the same object") {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_handle_t copy;
    NEED_OK(zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS, &copy));
    EXPECT(copy != vmo);
    EXPECT_EQ(handle_rights(copy), ZX_DEFAULT_VMO_RIGHTS);
    EXPECT(same_object(copy, vmo));
    poke(vmo, 0, 77);
    EXPECT_EQ(peek(copy, 0), 77);
}

TEST("handle_duplicate/H8 any subset of the rights, and nothing else") {
    zx_rights_t all = ZX_DEFAULT_VMO_RIGHTS;
    zx_handle_t vmo = vmo_make(PAGE);
    for (zx_rights_t right = 1; right != 0; right <<= 1) {
        zx_handle_t copy = UNTOUCHED;
        zx_status_t want = right & (all | ZX_RIGHT_SAME_RIGHTS) ? ZX_OK : ZX_ERR_INVALID_ARGS;
        EXPECT_STATUS(zx_handle_duplicate(vmo, right, &copy), want);
        if (want != ZX_OK) {
            EXPECT_EQ(copy, UNTOUCHED);
            continue;
        }
        EXPECT_EQ(handle_rights(copy), right == ZX_RIGHT_SAME_RIGHTS ? all : right);
        EXPECT_OK(zx_handle_close(copy));
    }
}

TEST("handle_duplicate/SAME_RIGHTS together with a right is INVALID_ARGS") {
    zx_handle_t copy = UNTOUCHED;
    EXPECT_STATUS(zx_handle_duplicate(vmo_make(PAGE), ZX_RIGHT_SAME_RIGHTS | ZX_RIGHT_READ, &copy),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(copy, UNTOUCHED);
}

TEST("handle_duplicate/H13 no DUPLICATE and rights not there: ACCESS_DENIED") {
    zx_handle_t copy = UNTOUCHED;
    zx_handle_t weak = handle_with(vmo_make(PAGE), ZX_RIGHT_READ);
    EXPECT_STATUS(zx_handle_duplicate(weak, ZX_RIGHT_WRITE, &copy), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_handle_duplicate(weak, ZX_RIGHT_WRITE, NULL), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_handle_duplicate(ZX_HANDLE_INVALID, ZX_RIGHT_WRITE, NULL), ZX_ERR_BAD_HANDLE);
    EXPECT_EQ(copy, UNTOUCHED);
}

static void duplicate_badly(void) {
    zx_handle_t vmo = vmo_make(PAGE);
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS, (zx_handle_t *)bad_targets[i]),
                      ZX_ERR_INVALID_ARGS);
    EXPECT(is_handle(vmo));
    zx_handle_close(vmo);
}

TEST("handle_duplicate/bad pointers are INVALID_ARGS, and no handle stays") { check_gives_back(duplicate_badly); }

/* What is to be closed, until it is; ZX_HANDLE_INVALID: nothing. */
static _Atomic zx_handle_t to_close;
static _Atomic bool over;

static void close_what_is_named(void *arg) {
    (void)arg;
    while (!over) {
        if (to_close != ZX_HANDLE_INVALID) {
            zx_handle_close(to_close);
            to_close = ZX_HANDLE_INVALID;
        }
        zx_nanosleep(0);
    }
}

/* Whether there was a duplicate of one end, which somebody else closes meanwhile. */
static bool duplicate_in_time(bool late) {
    struct pair pair = eventpair_make();
    zx_handle_t copy;
    to_close = pair.a;
    if (late) zx_nanosleep(0);
    zx_status_t status = zx_handle_duplicate(pair.a, ZX_RIGHT_SAME_RIGHTS, &copy);
    while (to_close != ZX_HANDLE_INVALID) zx_nanosleep(0);
    if (status == ZX_OK) {
        EXPECT(!(signals_of(pair.b) & ZX_EVENTPAIR_PEER_CLOSED));
        EXPECT_OK(zx_handle_close(copy));
    } else {
        EXPECT_STATUS(status, ZX_ERR_BAD_HANDLE);
    }
    EXPECT(signals_of(pair.b) & ZX_EVENTPAIR_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(pair.b));
    return status == ZX_OK;
}

TEST("handle_duplicate/L of a handle that is being closed it is as good as any, or BAD_HANDLE") {
    zx_handle_t closer = thread_run(close_what_is_named, NULL);
    zx_time_t begun = zx_clock_get_monotonic();
    uint64_t in_time = 0;
    for (uint64_t i = 0; race_goes_on(begun, in_time > 20 && i > in_time + 20); i++)
        in_time += duplicate_in_time(i % 2);
    over = true;
    thread_join(closer);
}

static zx_status_t replace_it(zx_handle_t handle) {
    zx_handle_t other = UNTOUCHED;
    zx_status_t status = zx_handle_replace(handle, ZX_RIGHT_SAME_RIGHTS, &other);
    EXPECT((status == ZX_OK) == (other != UNTOUCHED));
    return status;
}

TEST("handle_replace/H1 H2 H3 H4 H11 what is no handle is BAD_HANDLE") { check_bad_handles(replace_it); }

TEST("handle_replace/the new one has another value, the old one is gone") {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_koid_t koid = basic_info(vmo).koid;
    zx_handle_t other;
    NEED_OK(zx_handle_replace(vmo, ZX_RIGHT_READ | ZX_RIGHT_MAP, &other));
    EXPECT(other != vmo);
    EXPECT(!is_handle(vmo));
    EXPECT_EQ(basic_info(other).koid, koid);
    EXPECT_EQ(handle_rights(other), ZX_RIGHT_READ | ZX_RIGHT_MAP);
}

TEST("handle_replace/needs no right") {
    zx_handle_t vmo = handle_with(vmo_make(PAGE), ZX_RIGHT_NONE);
    EXPECT_OK(replace_it(vmo));
    struct pair pair = pair_make();
    EXPECT_OK(replace_it(pair.a));
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
}

TEST("handle_replace/rights not there are INVALID_ARGS, and the handle is gone") {
    const zx_rights_t wrong[] = {ZX_RIGHT_SIGNAL_PEER, ZX_RIGHT_MANAGE_JOB, ZX_RIGHT_SAME_RIGHTS | ZX_RIGHT_READ,
                                 UINT32_MAX};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        zx_handle_t vmo = vmo_make(PAGE);
        zx_handle_t other = UNTOUCHED;
        EXPECT_STATUS(zx_handle_replace(vmo, wrong[i], &other), ZX_ERR_INVALID_ARGS);
        EXPECT_EQ(other, UNTOUCHED);
        EXPECT(!is_handle(vmo));
    }
}

static void replace_badly(void) {
    for (size_t i = 0; i < bad_target_count; i++) {
        struct pair pair = pair_make();
        EXPECT_STATUS(zx_handle_replace(pair.a, ZX_RIGHT_SAME_RIGHTS, (zx_handle_t *)bad_targets[i]),
                      ZX_ERR_INVALID_ARGS);
        EXPECT(!is_handle(pair.a));
        EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_PEER_CLOSED);
        zx_handle_close(pair.b);
    }
}

TEST("handle_replace/bad pointers are INVALID_ARGS, and object and handle are gone") {
    check_gives_back(replace_badly);
}

/* Touched before any allocation is made to fail: a page fault would take the failure. */
static zx_handle_t copies[200];

static zx_status_t duplicate_and_close(zx_handle_t vmo) {
    size_t count = 0;
    zx_status_t status = ZX_OK;
    while (status == ZX_OK && count < 200) {
        status = zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS, &copies[count]);
        if (status == ZX_OK) count++;
    }
    while (count > 0) zx_handle_close(copies[--count]);
    return status;
}

/* The table never shrinks, so only a process that has had few handles sees it grow: a child. */
static void grow_out_of_memory(zx_handle_t resource, uintptr_t board) {
    (void)board;
    zx_handle_t vmo;
    bool refused = false;
    CHILD_NEED(zx_vmo_create(PAGE, 0, &vmo) == ZX_OK, 5);
    memset(copies, 0xff, sizeof(copies));
    for (unsigned i = 1; i <= 9; i++) {
        char nth = (char)('0' + i);
        const char arm[] = {'f', 'a', 'i', 'l', ' ', nth};
        CHILD_NEED(zx_debug_send_command(resource, arm, sizeof(arm)) == ZX_OK, 1);
        zx_status_t status = duplicate_and_close(vmo);
        bool failed = zx_debug_send_command(resource, "failed", 6) == ZX_OK;
        CHILD_NEED(zx_debug_send_command(resource, "fail", 4) == ZX_OK, 2);
        CHILD_NEED(status == (failed ? ZX_ERR_NO_MEMORY : ZX_OK), 3);
        refused = refused || failed;
        if (!failed) break;
    }
    CHILD_NEED(refused && duplicate_and_close(vmo) == ZX_OK, 4);
    zx_process_exit(0);
}

TEST("handle_duplicate/NO_MEMORY when the table cannot grow, and all is well later") {
    struct child child;
    NEED(child_make(&child));
    NEED_OK(child_start(&child, grow_out_of_memory, handle_with(test_resource(), ZX_RIGHT_SAME_RIGHTS)));
    EXPECT_EQ(child_wait(&child), 0);
}

#define TABLE_FULL (1u << 18)

static void fill_table(zx_handle_t vmo, uintptr_t board) {
    (void)board;
    zx_handle_t last = vmo;
    zx_handle_t copy;
    uint32_t count = 1;
    zx_status_t status;
    while ((status = zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS, &copy)) == ZX_OK) {
        last = copy;
        CHILD_NEED(++count <= TABLE_FULL, 1);
    }
    CHILD_NEED(status == ZX_ERR_NO_MEMORY && count == TABLE_FULL, 2);
    copy = UNTOUCHED;
    zx_handle_t second = UNTOUCHED;
    CHILD_NEED(zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS, &copy) == ZX_ERR_NO_MEMORY && copy == UNTOUCHED, 3);
    CHILD_NEED(zx_vmo_create(PAGE, 0, &copy) == ZX_ERR_NO_MEMORY && copy == UNTOUCHED, 4);
    CHILD_NEED(zx_handle_close(last) == ZX_OK, 5);
    CHILD_NEED(zx_channel_create(0, &copy, &second) == ZX_ERR_NO_MEMORY, 6);
    CHILD_NEED(zx_vmo_create(PAGE, 0, &copy) == ZX_OK, 7);
    CHILD_NEED(zx_handle_replace(copy, ZX_RIGHT_SAME_RIGHTS, &second) == ZX_OK, 8);
    CHILD_NEED(zx_handle_close(second) == ZX_OK && zx_handle_close(vmo) == ZX_OK, 9);
    CHILD_NEED(zx_channel_create(0, &copy, &second) == ZX_OK, 10);
    zx_process_exit(0);
}

TEST("handle/H12 a full table is NO_MEMORY and one closed handle makes room") {
    struct child child;
    NEED(child_make(&child));
    NEED_OK(child_start(&child, fill_table, vmo_make(PAGE)));
    EXPECT_EQ(child_wait(&child), 0);
}
