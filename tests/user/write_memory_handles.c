/*
 * zx_process_write_memory: which handle it takes, and which of several errors wins.
 */
#include <zircon/syscalls/object.h>

#include "tests/user/agent.h"
#include "tests/user/memory.h"

static const unsigned char bytes[16] = "sixteen  letters";

/* A target with one page of background at PLACE. */
static struct target target_with_page(struct memory *m) {
    struct target t = target_make();
    *m = memory_make(PAGE, 3);
    target_map(&t, PLACE, m->vmo, 0, PAGE, PERM_RW);
    return t;
}

#define REFUSED_BY_BOTH(handle, status)                                            \
    do {                                                                           \
        unsigned char back[sizeof(bytes)];                                         \
        EXPECT_REFUSED(write_to((handle), PLACE, bytes, sizeof(bytes)), (status)); \
        EXPECT_REFUSED(read_from((handle), PLACE, back, sizeof(back)), (status));  \
    } while (0)

static bool is_handle(zx_handle_t handle) {
    return zx_object_get_info(handle, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL) == ZX_OK;
}

TEST("write_memory/BAD_HANDLE H1 no handle") { REFUSED_BY_BOTH(ZX_HANDLE_INVALID, ZX_ERR_BAD_HANDLE); }

TEST("write_memory/BAD_HANDLE H2 values never issued") {
    uint64_t state = random_seed();
    for (int tried = 0; tried < 1000;) {
        zx_handle_t value = (zx_handle_t)random_next(&state) | 3;
        if (is_handle(value)) continue;
        REFUSED_BY_BOTH(value, ZX_ERR_BAD_HANDLE);
        tried++;
    }
}

TEST("write_memory/BAD_HANDLE H3 closed") {
    struct memory m;
    struct target t = target_with_page(&m);
    zx_handle_t copy = handle_with(t.process, ZX_RIGHT_SAME_RIGHTS);
    NEED_OK(zx_handle_close(copy));
    REFUSED_BY_BOTH(copy, ZX_ERR_BAD_HANDLE);
    EXPECT_UNTOUCHED(&m);
}

TEST("write_memory/BAD_HANDLE H4 closed, and its slot taken by objects of another type") {
    struct memory m;
    struct target t = target_with_page(&m);
    zx_handle_t stale = handle_with(t.process, ZX_RIGHT_SAME_RIGHTS);
    NEED_OK(zx_handle_close(stale));
    for (int i = 0; i < 300; i++) {
        NEED(vmo_make(PAGE) != stale);
        REFUSED_BY_BOTH(stale, ZX_ERR_BAD_HANDLE);
    }
    EXPECT_UNTOUCHED(&m);
}

TEST("write_memory/BAD_HANDLE H11 the handle's value, malformed") {
    struct memory m;
    struct target t = target_with_page(&m);
    for (zx_handle_t bits = 1; bits < 4; bits++) REFUSED_BY_BOTH(t.process ^ bits, ZX_ERR_BAD_HANDLE);
    for (unsigned bit = 2; bit < 32; bit++) {
        zx_handle_t other = t.process ^ 1u << bit;
        if (!is_handle(other)) REFUSED_BY_BOTH(other, ZX_ERR_BAD_HANDLE);
    }
    EXPECT_UNTOUCHED(&m);
}

TEST("write_memory/WRONG_TYPE H5 every other type of object, whatever its rights") {
    struct target t = target_make();
    zx_handle_t channel[2];
    NEED_OK(zx_channel_create(0, &channel[0], &channel[1]));
    zx_handle_t others[] = {vmo_make(PAGE),   t.vmar,     zx_vmar_root_self(), zx_thread_self(),
                            zx_job_default(), channel[0], test_resource()};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        REFUSED_BY_BOTH(others[i], ZX_ERR_WRONG_TYPE);
        zx_handle_t bare = ZX_HANDLE_INVALID;
        if (zx_handle_duplicate(others[i], 0, &bare) != ZX_OK) continue;
        REFUSED_BY_BOTH(bare, ZX_ERR_WRONG_TYPE);
    }
}

TEST("write_memory/ACCESS_DENIED H6 H7 H8 exactly the right to write is needed") {
    struct memory m;
    struct target t = target_with_page(&m);
    zx_rights_t all = handle_rights(t.process);
    NEED((all & ZX_RIGHT_WRITE) && (all & ZX_RIGHT_READ));
    for (zx_rights_t right = 1; right <= all; right <<= 1) {
        if (!(all & right) || right == ZX_RIGHT_WRITE) continue;
        EXPECT_REFUSED(write_to(handle_with(t.process, right), PLACE, bytes, sizeof(bytes)), ZX_ERR_ACCESS_DENIED);
    }
    EXPECT_REFUSED(write_to(handle_with(t.process, 0), PLACE, bytes, sizeof(bytes)), ZX_ERR_ACCESS_DENIED);
    EXPECT_REFUSED(write_to(handle_without(t.process, ZX_RIGHT_WRITE), PLACE, bytes, sizeof(bytes)),
                   ZX_ERR_ACCESS_DENIED);
    EXPECT_UNTOUCHED(&m);
    EXPECT_MOVED(write_to(handle_with(t.process, ZX_RIGHT_WRITE), PLACE, bytes, sizeof(bytes)), sizeof(bytes));
    EXPECT_MEMORY(&m, 0, bytes, sizeof(bytes));
}

TEST("read_memory/ACCESS_DENIED H6 H7 H8 the rights to read and to write are both needed") {
    struct memory m;
    struct target t = target_with_page(&m);
    unsigned char back[16] = {0}, none[16] = {0};
    const zx_rights_t both = ZX_RIGHT_READ | ZX_RIGHT_WRITE;
    const zx_rights_t short_of_it[] = {0, ZX_RIGHT_READ, ZX_RIGHT_WRITE, handle_rights(t.process) & ~ZX_RIGHT_READ,
                                       handle_rights(t.process) & ~ZX_RIGHT_WRITE};
    for (size_t i = 0; i < sizeof(short_of_it) / sizeof(short_of_it[0]); i++) {
        EXPECT_REFUSED(read_from(handle_with(t.process, short_of_it[i]), PLACE, back, sizeof(back)),
                       ZX_ERR_ACCESS_DENIED);
    }
    EXPECT_BYTES(back, none, sizeof(back));
    EXPECT_MOVED(read_from(handle_with(t.process, both), PLACE, back, sizeof(back)), sizeof(back));
    EXPECT_BYTES(back, m.view, sizeof(back));
}

TEST("write_memory/H10 the caller itself") {
    unsigned char *place = buffer_make(PAGE), back[sizeof(bytes)];
    EXPECT_MOVED(write_to(zx_process_self(), (zx_vaddr_t)place + 100, bytes, sizeof(bytes)), sizeof(bytes));
    EXPECT_BYTES(place + 100, bytes, sizeof(bytes));
    EXPECT_EQ(place[99], 0);
    EXPECT_EQ(place[100 + sizeof(bytes)], 0);
    EXPECT_MOVED(read_from(zx_process_self(), (zx_vaddr_t)place + 100, back, sizeof(back)), sizeof(back));
    EXPECT_BYTES(back, bytes, sizeof(back));
}

/* A thread that waits for the start of a call, sleeps a little, and closes a handle. */
struct closer {
    zx_handle_t handle;
    zx_duration_t after;
    _Atomic bool closed;
};

static void closer_run(void *arg) {
    struct closer *closer = arg;
    zx_nanosleep(zx_deadline_after(closer->after));
    zx_handle_close(closer->handle);
    closer->closed = true;
}

TEST("write_memory/H9 the handle is closed by another thread during the call") {
    struct target t = target_make();
    struct memory m = memory_make(16 << 20, 0);
    unsigned char *source = buffer_make(m.len);
    target_map(&t, PLACE, m.vmo, 0, m.len, PERM_RW);
    zx_time_t deadline = zx_deadline_after(ZX_SEC(20));
    bool witnessed = false;
    for (unsigned round = 0; !witnessed; round++) {
        NEED(zx_clock_get_monotonic() < deadline);
        struct closer closer = {handle_with(t.process, ZX_RIGHT_WRITE), ZX_USEC(100) * round, false};
        zx_handle_t thread = thread_run(closer_run, &closer);
        for (;;) {
            bool before = closer.closed;
            struct moved moved = write_to(closer.handle, PLACE, source, m.len);
            if (moved.status == ZX_ERR_BAD_HANDLE) break;
            NEED(!before);
            NEED_MOVED(moved, m.len);
            witnessed = witnessed || closer.closed;
        }
        thread_join(thread);
    }
}

TEST("write_memory/H12 with the handle table full, and after") {
    struct memory m;
    struct target t = target_with_page(&m);
    zx_handle_t last = ZX_HANDLE_INVALID, more = ZX_HANDLE_INVALID;
    zx_status_t status = ZX_OK;
    size_t count = 0;
    for (; status == ZX_OK; count++) {
        last = more;
        status = zx_handle_duplicate(t.process, ZX_RIGHT_SAME_RIGHTS, &more);
    }
    NEED_STATUS(status, ZX_ERR_NO_MEMORY);
    EXPECT(count > 1000);
    EXPECT_MOVED(write_to(t.process, PLACE, bytes, sizeof(bytes)), sizeof(bytes));
    EXPECT_MOVED(write_to(last, PLACE + 100, bytes, 1), 1);
    NEED_OK(zx_handle_close(last));
    EXPECT_REFUSED(write_to(last, PLACE, bytes, sizeof(bytes)), ZX_ERR_BAD_HANDLE);
    NEED_OK(zx_handle_duplicate(t.process, ZX_RIGHT_SAME_RIGHTS, &more));
    EXPECT_MOVED(write_to(more, PLACE + PAGE - 1, bytes, 1), 1);
}

/*
 * H13: each line has several things wrong, and the first of them in the documented order wins; the last lines have
 * one of each, and a good `actual`. Handles are described by what is the matter with them.
 */
enum which { GOOD, BAD, WRONG, POWERLESS, DEAD };
static const struct several {
    enum which which;
    zx_vaddr_t vaddr;
    const void *buffer;
    size_t len;
    bool no_actual;
    zx_status_t want;
} several[] = {
    {BAD, 0, NULL, 0, true, ZX_ERR_INVALID_ARGS},
    {BAD, PLACE, NULL, 16, false, ZX_ERR_INVALID_ARGS},
    {BAD, PLACE, bytes, 0, false, ZX_ERR_INVALID_ARGS},
    {BAD, PLACE, bytes, MAX_TRANSFER + 1, false, ZX_ERR_INVALID_ARGS},
    {WRONG, PLACE, bytes, 0, false, ZX_ERR_INVALID_ARGS},
    {POWERLESS, PLACE, NULL, 16, false, ZX_ERR_INVALID_ARGS},
    {DEAD, PLACE, bytes, SIZE_MAX, false, ZX_ERR_INVALID_ARGS},
    {BAD, 0, (void *)8, 16, true, ZX_ERR_BAD_HANDLE},
    {BAD, PLACE, (void *)UINTPTR_MAX, 16, false, ZX_ERR_BAD_HANDLE},
    {WRONG, 0, (void *)8, 16, true, ZX_ERR_WRONG_TYPE},
    {POWERLESS, 0, (void *)8, 16, true, ZX_ERR_ACCESS_DENIED},
    {DEAD, 0, (void *)8, 16, true, ZX_ERR_BAD_STATE},
    {GOOD, 0, (void *)8, 16, true, ZX_ERR_NO_MEMORY},
    {GOOD, PLACE + PAGE, (void *)UINTPTR_MAX, 16, false, ZX_ERR_NO_MEMORY},
    {GOOD, PLACE + 2 * PAGE, (void *)8, 16, true, ZX_ERR_BAD_STATE},
    {GOOD, PLACE, (void *)8, 16, true, ZX_ERR_INVALID_ARGS},
    {GOOD, 0, bytes, 16, true, ZX_ERR_NO_MEMORY},
    {GOOD, PLACE + 2 * PAGE, bytes, 16, true, ZX_ERR_BAD_STATE},
    {BAD, PLACE, bytes, 16, false, ZX_ERR_BAD_HANDLE},
    {WRONG, PLACE, bytes, 16, false, ZX_ERR_WRONG_TYPE},
    {POWERLESS, PLACE, bytes, 16, false, ZX_ERR_ACCESS_DENIED},
    {DEAD, PLACE, bytes, 16, false, ZX_ERR_BAD_STATE},
    {GOOD, PLACE + PAGE, bytes, 16, false, ZX_ERR_NO_MEMORY},
    {GOOD, PLACE + 2 * PAGE, bytes, 16, false, ZX_ERR_BAD_STATE},
    {GOOD, PLACE, (void *)8, 16, false, ZX_ERR_INVALID_ARGS},
};

TEST("write_memory/H13 choices: the order of checks, and `actual` is not written on any error") {
    struct memory m;
    struct target t = target_with_page(&m), dead = target_make();
    zx_handle_t uncached = vmo_make(PAGE);
    NEED_OK(zx_vmo_set_cache_policy(uncached, ZX_CACHE_POLICY_UNCACHED));
    target_map(&t, PLACE + 2 * PAGE, uncached, 0, PAGE, PERM_RW);
    NEED_OK(zx_task_kill(dead.process));
    zx_handle_t wrong = handle_with(m.vmo, 0);
    zx_handle_t handles[] = {t.process, ZX_HANDLE_INVALID, wrong, handle_with(t.process, 0), dead.process};
    for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++) {
        const struct several *s = &several[i];
        size_t actual = 77;
        size_t *out = s->no_actual ? NULL : &actual;
        zx_handle_t handle = handles[s->which];
        zx_status_t write = zx_process_write_memory(handle, s->vaddr, s->buffer, s->len, out);
        zx_status_t read = zx_process_read_memory(handle, s->vaddr, (void *)s->buffer, s->len, out);
        if (!TEST_STATUS(write, s->want) || !TEST_STATUS(read, s->want)) test_note("in line %zu of the table", i);
        EXPECT_EQ(actual, 77);
    }
    EXPECT_UNTOUCHED(&m);
}
