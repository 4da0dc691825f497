/*
 * zx_object_get_info, as far as all topics with one record are alike, and zx_object_set_property. The topics on memory
 * have files of their own: object_maps.c and object_memory.c. What FS and GS do once they are set is in vector.c.
 */
#include <zircon/syscalls/object.h>

#include "tests/user/child.h"
#include "tests/user/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Memory that a record may be written to, and what is beyond it. */
struct record {
    unsigned char bytes[320];
};

static struct record clean_record(void) {
    struct record record;
    memset(&record, 0xa5, sizeof(record));
    return record;
}

static const struct topic {
    uint32_t id;
    enum kind kind;
    size_t size;
    zx_rights_t rights;
    bool any_type;
} topics[] = {
    {ZX_INFO_HANDLE_BASIC, KIND_VMO, sizeof(zx_info_handle_basic_t), ZX_RIGHT_NONE, true},
    {ZX_INFO_HANDLE_COUNT, KIND_VMO, sizeof(zx_info_handle_count_t), ZX_RIGHT_INSPECT, true},
    {ZX_INFO_PROCESS, KIND_PROCESS, sizeof(zx_info_process_t), ZX_RIGHT_INSPECT, false},
    {ZX_INFO_THREAD, KIND_THREAD, sizeof(zx_info_thread_t), ZX_RIGHT_INSPECT, false},
    {ZX_INFO_THREAD_STATS, KIND_THREAD, sizeof(zx_info_thread_stats_t), ZX_RIGHT_INSPECT, false},
    {ZX_INFO_TASK_STATS, KIND_PROCESS, sizeof(zx_info_task_stats_t), ZX_RIGHT_INSPECT, false},
    {ZX_INFO_PROCESS_HANDLE_STATS, KIND_PROCESS, sizeof(zx_info_process_handle_stats_t), ZX_RIGHT_INSPECT, false},
    {ZX_INFO_VMAR, KIND_VMAR, sizeof(zx_info_vmar_t), ZX_RIGHT_INSPECT, false},
    {ZX_INFO_VMO, KIND_VMO, sizeof(zx_info_vmo_t), ZX_RIGHT_NONE, false},
    {ZX_INFO_KMEM_STATS, KIND_RESOURCE, sizeof(zx_info_kmem_stats_t), ZX_RIGHT_NONE, false},
};

TEST("object_get_info/the structs are as large as in Zircon") {
    EXPECT_EQ(sizeof(zx_info_handle_basic_t), 32);
    EXPECT_EQ(sizeof(zx_info_process_t), 16);
    EXPECT_EQ(sizeof(zx_info_vmar_t), 16);
    EXPECT_EQ(sizeof(zx_info_handle_count_t), 4);
    EXPECT_EQ(sizeof(zx_info_task_stats_t), 32);
    EXPECT_EQ(sizeof(zx_info_maps_t), 96);
    EXPECT_EQ(sizeof(zx_info_vmo_t), 104);
    EXPECT_EQ(sizeof(zx_info_kmem_stats_t), 72);
}

TEST("object_get_info/an unknown topic is NOT_SUPPORTED, whatever the handle") {
    const uint32_t unknown[] = {0, 5, 6, 22, 1000, UINT32_MAX};
    for (size_t i = 0; i < COUNT(unknown); i++) {
        EXPECT_STATUS(zx_object_get_info(handle_of(KIND_VMO), unknown[i], NULL, 0, NULL, NULL), ZX_ERR_NOT_SUPPORTED);
        EXPECT_STATUS(zx_object_get_info(ZX_HANDLE_INVALID, unknown[i], NULL, 0, NULL, NULL), ZX_ERR_NOT_SUPPORTED);
    }
}

static uint32_t asked_topic;
static zx_status_t ask(zx_handle_t handle) {
    struct record record = clean_record();
    struct record before = record;
    size_t actual = UNTOUCHED;
    size_t avail = UNTOUCHED;
    zx_status_t status = zx_object_get_info(handle, asked_topic, &record, sizeof(record), &actual, &avail);
    if (status == ZX_OK) return status;
    EXPECT_BYTES(&record, &before, sizeof(record));
    EXPECT(actual == UNTOUCHED && avail == UNTOUCHED);
    return status;
}

TEST("object_get_info/H1 H2 H3 H4 H5 H11 bad handles, and outputs stay untouched") {
    for (size_t i = 0; i < COUNT(topics); i++) {
        asked_topic = topics[i].id;
        if (topics[i].any_type)
            check_bad_handles(ask);
        else
            EXPECT_STATUS(ask(handle_of(KIND_JOB)), ZX_ERR_WRONG_TYPE);
    }
    asked_topic = ZX_INFO_HANDLE_VALID;
    check_bad_handles(ask);
}

TEST("object_get_info/H6 H13 a missing INSPECT comes before the wrong type") {
    for (size_t i = 0; i < COUNT(topics); i++) {
        if (!topics[i].rights) continue;
        asked_topic = topics[i].id;
        check_rights(handle_of(topics[i].kind), ZX_RIGHT_INSPECT, ask);
        if (topics[i].any_type) continue;
        EXPECT_STATUS(ask(handle_without(handle_of(KIND_JOB), ZX_RIGHT_INSPECT)), ZX_ERR_ACCESS_DENIED);
    }
}

TEST("object_get_info/one record, its counts, and not a byte more") {
    for (size_t i = 0; i < COUNT(topics); i++) {
        struct record record = clean_record();
        struct record before = record;
        size_t actual = UNTOUCHED;
        size_t avail = UNTOUCHED;
        zx_handle_t handle = handle_of(topics[i].kind);
        EXPECT_OK(zx_object_get_info(handle, topics[i].id, &record, sizeof(record), &actual, &avail));
        EXPECT(actual == 1 && avail == 1);
        EXPECT(memcmp(&record, &before, topics[i].size) != 0);
        if (!topics[i].rights) {
            zx_handle_t none = handle_with(handle, ZX_RIGHT_NONE);
            EXPECT_OK(zx_object_get_info(none, topics[i].id, &record, sizeof(record), NULL, NULL));
        }
        EXPECT_BYTES(record.bytes + topics[i].size, before.bytes, sizeof(before) - topics[i].size);
        EXPECT_OK(zx_object_get_info(handle, topics[i].id, &record, topics[i].size, NULL, NULL));
    }
}

TEST("object_get_info/A2 too small a buffer: BUFFER_TOO_SMALL with the counts") {
    for (size_t i = 0; i < COUNT(topics); i++) {
        for (size_t size = 0; size < topics[i].size; size += topics[i].size - 1) {
            struct record record = clean_record();
            struct record before = record;
            size_t actual = UNTOUCHED;
            size_t avail = UNTOUCHED;
            zx_handle_t handle = handle_of(topics[i].kind);
            EXPECT_STATUS(zx_object_get_info(handle, topics[i].id, &record, size, &actual, &avail),
                          ZX_ERR_BUFFER_TOO_SMALL);
            EXPECT(actual == 0 && avail == 1);
            EXPECT_BYTES(&record, &before, sizeof(record));
            EXPECT_STATUS(zx_object_get_info(handle, topics[i].id, NULL, size, NULL, NULL), ZX_ERR_BUFFER_TOO_SMALL);
        }
    }
}

TEST("object_get_info/bad pointers in any place are INVALID_ARGS") {
    struct record record;
    size_t count;
    for (size_t t = 0; t < COUNT(topics); t++) {
        zx_handle_t handle = handle_of(topics[t].kind);
        uint32_t id = topics[t].id;
        for (size_t i = 0; i < bad_target_count; i++) {
            void *bad = (void *)bad_targets[i];
            EXPECT_STATUS(zx_object_get_info(handle, id, bad, sizeof(record), &count, &count), ZX_ERR_INVALID_ARGS);
            if (!bad) continue;
            EXPECT_STATUS(zx_object_get_info(handle, id, &record, sizeof(record), bad, &count), ZX_ERR_INVALID_ARGS);
            EXPECT_STATUS(zx_object_get_info(handle, id, &record, sizeof(record), &count, bad), ZX_ERR_INVALID_ARGS);
            EXPECT_STATUS(zx_object_get_info(handle, id, &record, 0, bad, &count), ZX_ERR_INVALID_ARGS);
        }
    }
}

TEST("object_get_info/HANDLE_VALID fills nothing in and needs no right") {
    zx_handle_t handle = handle_with(handle_of(KIND_VMO), ZX_RIGHT_NONE);
    asked_topic = ZX_INFO_HANDLE_VALID;
    EXPECT_OK(ask(handle));
    struct record record = clean_record();
    struct record before = record;
    size_t actual = UNTOUCHED;
    EXPECT_OK(zx_object_get_info(handle, ZX_INFO_HANDLE_VALID, &record, sizeof(record), &actual, &actual));
    EXPECT_BYTES(&record, &before, sizeof(record));
    EXPECT_EQ(actual, UNTOUCHED);
    EXPECT_OK(zx_object_get_info(handle, ZX_INFO_HANDLE_VALID, (void *)KERNEL_TEXT, 100, NULL, NULL));
}

TEST("object_get_info/HANDLE_BASIC tells type, rights and waitability, with no right at all") {
    static const struct {
        enum kind kind;
        zx_obj_type_t type;
        uint32_t props;
    } wanted[] = {
        {KIND_VMO, ZX_OBJ_TYPE_VMO, 1},           {KIND_VMAR, ZX_OBJ_TYPE_VMAR, 0},
        {KIND_CHANNEL, ZX_OBJ_TYPE_CHANNEL, 1},   {KIND_PROCESS, ZX_OBJ_TYPE_PROCESS, 1},
        {KIND_THREAD, ZX_OBJ_TYPE_THREAD, 1},     {KIND_JOB, ZX_OBJ_TYPE_JOB, 1},
        {KIND_PORT, ZX_OBJ_TYPE_PORT, 0},         {KIND_TIMER, ZX_OBJ_TYPE_TIMER, 1},
        {KIND_RESOURCE, ZX_OBJ_TYPE_RESOURCE, 0},
    };
    for (size_t i = 0; i < COUNT(wanted); i++) {
        zx_info_handle_basic_t info = basic_info(handle_of(wanted[i].kind));
        EXPECT_EQ(info.type, wanted[i].type);
        EXPECT_EQ(info.props, wanted[i].props);
        EXPECT(info.koid >= 1024 && info.koid < (zx_koid_t)1 << 63);
        if (!(info.rights & ZX_RIGHT_DUPLICATE)) continue;
        zx_info_handle_basic_t other = basic_info(handle_with(handle_of(wanted[i].kind), ZX_RIGHT_NONE));
        EXPECT_EQ(other.rights, 0);
        EXPECT_EQ(other.koid, info.koid);
        EXPECT_EQ(other.type, info.type);
    }
}

TEST("object_get_info/HANDLE_BASIC gives new objects their default rights") {
    struct target target = target_make();
    zx_handle_t thread;
    zx_handle_t vmar;
    zx_vaddr_t addr;
    NEED_OK(zx_thread_create(target.process, "t", 1, 0, &thread));
    EXPECT_EQ(handle_rights(vmo_make(PAGE)), 0xd0ff);
    EXPECT_EQ(handle_rights(pair_make().a), 0xf00e);
    EXPECT_EQ(handle_rights(target.process), 0x6d3cf);
    EXPECT_EQ(handle_rights(target.vmar), 0x801f);
    EXPECT_EQ(handle_rights(thread), 0x4d2cf);
    NEED_OK(zx_vmar_allocate(zx_vmar_root_self(), 0, 0, PAGE, &vmar, &addr));
    EXPECT_EQ(handle_rights(vmar), 0x8003);
    EXPECT_EQ(handle_rights(zx_job_default()), 0x7dfcf);
    EXPECT_EQ(handle_rights(test_resource()), 0x800b);
}

TEST("object_get_info/HANDLE_BASIC: koids rise and are never shared") {
    zx_koid_t last = 0;
    for (int i = 0; i < 20; i++) {
        struct pair pair = pair_make();
        zx_koid_t a = basic_info(pair.a).koid;
        zx_koid_t b = basic_info(pair.b).koid;
        EXPECT(a > last && b > a);
        last = b;
    }
}

TEST("object_get_info/HANDLE_BASIC names related objects") {
    struct target target = target_make();
    zx_handle_t thread;
    struct pair pair = pair_make();
    NEED_OK(zx_thread_create(target.process, "t", 1, 0, &thread));
    EXPECT_EQ(basic_info(target.process).related_koid, basic_info(zx_job_default()).koid);
    EXPECT_EQ(basic_info(thread).related_koid, basic_info(target.process).koid);
    EXPECT_EQ(basic_info(pair.a).related_koid, basic_info(pair.b).koid);
    EXPECT_EQ(basic_info(pair.b).related_koid, basic_info(pair.a).koid);
    EXPECT_EQ(basic_info(vmo_make(PAGE)).related_koid, 0);
    EXPECT_EQ(basic_info(target.vmar).related_koid, 0);
    EXPECT_EQ(basic_info(test_resource()).related_koid, 0);
    EXPECT_EQ(basic_info(zx_job_default()).related_koid, 0);
    zx_koid_t dead = basic_info(pair.b).koid;
    MUST(zx_handle_close(pair.b));
    EXPECT_EQ(basic_info(pair.a).related_koid, dead);
}

static void wait_for_word(zx_handle_t handle, uintptr_t board_there) {
    struct board *board = (struct board *)board_there;
    (void)handle;
    while (board->words[0] == 0) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    zx_process_exit((int64_t)board->words[0]);
}

TEST("object_get_info/PROCESS follows a process's life") {
    struct child child;
    NEED(child_make(&child));
    zx_info_process_t info = process_info(child.process);
    EXPECT(!info.started && !info.exited && !info.debugger_attached);
    NEED_OK(child_start(&child, wait_for_word, ZX_HANDLE_INVALID));
    info = process_info(child.process);
    EXPECT(info.started && !info.exited && !info.debugger_attached);
    child.board->words[0] = (uint64_t)INT64_MIN + 5;
    EXPECT_EQ(child_wait(&child), INT64_MIN + 5);
    info = process_info(child.process);
    EXPECT(info.started && info.exited);
}

TEST("object_get_info/VMAR gives base and length, also of a destroyed one") {
    EXPECT_EQ(vmar_info(zx_vmar_root_self()).base, USER_BASE);
    EXPECT_EQ(vmar_info(zx_vmar_root_self()).len, USER_END - USER_BASE);
    zx_handle_t vmar;
    zx_vaddr_t addr;
    NEED_OK(zx_vmar_allocate(zx_vmar_root_self(), CAN_RW, 0, 5 * PAGE, &vmar, &addr));
    MUST(zx_vmar_destroy(vmar));
    EXPECT_EQ(vmar_info(vmar).base, addr);
    EXPECT_EQ(vmar_info(vmar).len, 5 * PAGE);
}

/* A place that may be anybody's thread pointer. */
static uint64_t somewhere[8];
static const uint64_t base_value = (uintptr_t)somewhere;

static zx_status_t set_gs(zx_handle_t thread) {
    return zx_object_set_property(thread, ZX_PROP_REGISTER_GS, &base_value, sizeof(base_value));
}

TEST("object_set_property/H1 H2 H3 H4 H11 what is no handle is BAD_HANDLE") { check_bad_handles(set_gs); }

TEST("object_set_property/H6 H13 needs SET_PROPERTY, checked before the type") {
    check_rights(zx_thread_self(), ZX_RIGHT_SET_PROPERTY, set_gs);
    EXPECT_STATUS(set_gs(handle_of(KIND_CHANNEL)), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(set_gs(handle_of(KIND_VMAR)), ZX_ERR_ACCESS_DENIED);
}

TEST("object_set_property/H5 FS and GS are of threads: WRONG_TYPE") {
    EXPECT_STATUS(set_gs(handle_of(KIND_VMO)), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(set_gs(handle_of(KIND_PROCESS)), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(set_gs(handle_of(KIND_JOB)), ZX_ERR_WRONG_TYPE);
}

TEST("object_set_property/another thread's FS and GS are ACCESS_DENIED") {
    EXPECT_STATUS(set_gs(handle_of(KIND_THREAD)), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(set_gs(zx_thread_self()));
}

TEST("object_set_property/unknown properties are INVALID_ARGS, for any type") {
    const uint32_t unknown[] = {0, 1, 6, 7, 1000, UINT32_MAX};
    for (size_t i = 0; i < COUNT(unknown); i++) {
        EXPECT_STATUS(zx_object_set_property(zx_thread_self(), unknown[i], &base_value, 8), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_object_set_property(handle_of(KIND_VMO), unknown[i], &base_value, 8), ZX_ERR_INVALID_ARGS);
    }
}

TEST("object_set_property/H13 NULL is INVALID_ARGS before all else, then the handle, then size, then type") {
    zx_handle_t vmo = handle_of(KIND_VMO);
    EXPECT_STATUS(zx_object_set_property(ZX_HANDLE_INVALID, ZX_PROP_REGISTER_GS, NULL, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_object_set_property(ZX_HANDLE_INVALID, 1000, &base_value, 0), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_object_set_property(vmo, ZX_PROP_REGISTER_GS, &base_value, 7), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_STATUS(zx_object_set_property(vmo, ZX_PROP_REGISTER_FS, (void *)8, 8), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_object_set_property(handle_of(KIND_THREAD), ZX_PROP_REGISTER_FS, (void *)8, 8),
                  ZX_ERR_ACCESS_DENIED);
}

TEST("object_set_property/A2 FS and GS take 8 bytes at least") {
    for (size_t size = 0; size < 8; size++) {
        EXPECT_STATUS(zx_object_set_property(zx_thread_self(), ZX_PROP_REGISTER_GS, &base_value, size),
                      ZX_ERR_BUFFER_TOO_SMALL);
    }
    EXPECT_OK(zx_object_set_property(zx_thread_self(), ZX_PROP_REGISTER_GS, &base_value, 9));
}

TEST("object_set_property/bad pointers are INVALID_ARGS") {
    for (size_t i = 0; i < bad_source_count; i++) {
        EXPECT_STATUS(zx_object_set_property(zx_thread_self(), ZX_PROP_REGISTER_GS, (void *)bad_sources[i], 8),
                      ZX_ERR_INVALID_ARGS);
    }
}

TEST("object_set_property/A7 A8 A9 FS and GS are user addresses, or INVALID_ARGS and nothing changes") {
    const uint64_t wrong[] = {0, 1, USER_BASE - 1, USER_END, NON_CANONICAL, UINT64_MAX, KERNEL_TEXT, PHYSMAP};
    NEED_OK(set_gs(zx_thread_self()));
    somewhere[0] = 4711;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        EXPECT_STATUS(zx_object_set_property(zx_thread_self(), ZX_PROP_REGISTER_GS, &wrong[i], 8), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_object_set_property(zx_thread_self(), ZX_PROP_REGISTER_FS, &wrong[i], 8), ZX_ERR_INVALID_ARGS);
        uint64_t seen;
        __asm__ volatile("mov %%gs:0, %0" : "=r"(seen));
        EXPECT_EQ(seen, 4711);
    }
    const uint64_t last = USER_END - 1;
    EXPECT_OK(zx_object_set_property(zx_thread_self(), ZX_PROP_REGISTER_GS, &last, 8));
}
