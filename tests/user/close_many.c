/*
 * zx_handle_close_many.
 */
#include "tests/user/child.h"
#include "tests/user/probe.h"

TEST("handle_close_many/closes all, zeros are passed over") {
    zx_handle_t handles[6] = {event_make(), 0, vmo_make(PAGE), 0, pair_make().a, event_make()};
    EXPECT_OK(zx_handle_close_many(handles, 6));
    for (size_t i = 0; i < 6; i++) EXPECT(!is_handle(handles[i]));
    EXPECT_OK(zx_handle_close_many((zx_handle_t[3]){0, 0, 0}, 3));
}

TEST("handle_close_many/none at all is OK, wherever they are not") {
    EXPECT_OK(zx_handle_close_many(NULL, 0));
    for (size_t i = 0; i < bad_source_count; i++)
        EXPECT_OK(zx_handle_close_many((const zx_handle_t *)bad_sources[i], 0));
}

static zx_status_t close_one(zx_handle_t handle) {
    return handle ? zx_handle_close_many(&handle, 1) : ZX_ERR_BAD_HANDLE;
}

TEST("handle_close_many/what is no handle is BAD_HANDLE") { check_bad_handles(close_one); }

TEST("handle_close_many/goes on past bad ones, wherever they stand; a value listed twice is bad") {
    for (size_t bad = 0; bad < 4; bad++) {
        zx_handle_t handles[4];
        for (size_t i = 0; i < 4; i++) handles[i] = event_make();
        zx_handle_t spared = handles[bad];
        handles[bad] = UINT32_MAX;
        EXPECT_STATUS(zx_handle_close_many(handles, 4), ZX_ERR_BAD_HANDLE);
        for (size_t i = 0; i < 4; i++) EXPECT(!is_handle(handles[i]));
        EXPECT(is_handle(spared));
    }
    zx_handle_t event = event_make();
    EXPECT_STATUS(zx_handle_close_many((zx_handle_t[2]){event, event}, 2), ZX_ERR_BAD_HANDLE);
    EXPECT(!is_handle(event));
}

TEST("handle_close_many/no right is needed, for any type") {
    zx_handle_t handles[KIND_COUNT];
    size_t count = 0;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        if (!(handle_rights(handle_of(kind)) & ZX_RIGHT_DUPLICATE)) continue;
        handles[count++] = handle_with(handle_of(kind), ZX_RIGHT_NONE);
    }
    EXPECT_OK(zx_handle_close_many(handles, count));
    for (size_t i = 0; i < count; i++) EXPECT(!is_handle(handles[i]));
}

TEST("handle_close_many/an array that cannot be read is INVALID_ARGS; what stands before is closed") {
    for (size_t i = 0; i < bad_source_count; i++)
        EXPECT_STATUS(zx_handle_close_many((const zx_handle_t *)bad_sources[i], 1), ZX_ERR_INVALID_ARGS);
    zx_handle_t *last = (zx_handle_t *)(buffer_make(PAGE) + PAGE) - 3;
    const size_t counts[] = {4, 100, SIZE_MAX, SIZE_MAX / 4 + 2};
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 3; j++) last[j] = event_make();
        last[1] = i % 2 ? UINT32_MAX : last[1];
        EXPECT_STATUS(zx_handle_close_many(last, counts[i]), ZX_ERR_INVALID_ARGS);
        for (size_t j = 0; j < 3; j++) EXPECT(!is_handle(last[j]));
    }
}

#define MANY 5000

static void make_and_close(void) {
    static zx_handle_t handles[MANY];
    for (size_t i = 0; i < MANY; i++) handles[i] = handle_with(handle_of(KIND_EVENT), ZX_RIGHT_NONE);
    EXPECT_OK(zx_handle_close_many(handles, MANY));
    for (size_t i = 0; i < MANY; i++) NEED(!is_handle(handles[i]));
}

TEST("handle_close_many/thousands") { check_gives_back(make_and_close); }

/* A billion entries, all of them nothing: it takes long, and a kill still ends it at once. */
static void close_for_long(zx_handle_t vmo, uintptr_t there) {
    struct board *board = (struct board *)there;
    board->words[1] = 1;
    zx_handle_close_many((const zx_handle_t *)board->words[3], board->words[4]);
    board->words[2] = 1;
    zx_process_exit((int64_t)vmo);
}

TEST("handle_close_many/a kill ends it, however many there are") {
    struct child child;
    const size_t len = (size_t)4 << 30;
    zx_handle_t zeros;
    zx_vaddr_t there;
    NEED(child_make(&child));
    NEED_OK(zx_vmo_create(len, 0, &zeros));
    NEED_OK(zx_vmar_map(child.vmar, PERM_R, 0, zeros, 0, len, &there));
    child.board->words[3] = there;
    child.board->words[4] = len / sizeof(zx_handle_t);
    NEED_OK(child_start(&child, close_for_long, ZX_HANDLE_INVALID));
    for (int i = 0; i < 2000 && child.board->words[1] == 0; i++) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    zx_nanosleep(zx_deadline_after(ZX_MSEC(20)));
    NEED_OK(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), ZX_TASK_RETCODE_SYSCALL_KILL);
    EXPECT_EQ(child.board->words[2], 0);
}
