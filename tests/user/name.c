/*
 * Names of objects: zx_object_get_property and zx_object_set_property with ZX_PROP_NAME.
 */
#include "tests/user/child.h"
#include "tests/user/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LEN ZX_MAX_NAME_LEN

static zx_status_t get_name(zx_handle_t handle) {
    char name[LEN];
    memset(name, 'x', LEN);
    zx_status_t status = zx_object_get_property(handle, ZX_PROP_NAME, name, LEN);
    EXPECT((status == ZX_OK) == (name[LEN - 1] == '\0'));
    return status;
}

static zx_status_t set_name(zx_handle_t handle) { return zx_object_set_property(handle, ZX_PROP_NAME, "name", 4); }

static const enum kind named[] = {KIND_VMO, KIND_PROCESS, KIND_THREAD, KIND_JOB};

/* The whole 32 bytes. */
static void expect_name(zx_handle_t handle, const char *want) {
    char name[LEN + 1], padded[LEN + 1] = {0};
    memset(name, 'x', sizeof(name));
    strncpy(padded, want, LEN - 1);
    padded[LEN] = 'x';
    EXPECT_OK(zx_object_get_property(handle, ZX_PROP_NAME, name, LEN));
    EXPECT_BYTES(name, padded, LEN + 1);
}

TEST("object_get_property/what is no handle is BAD_HANDLE") { check_bad_handles(get_name); }

TEST("object_get_property/needs GET_PROPERTY, for every type") {
    for (size_t i = 0; i < COUNT(named); i++) check_rights(handle_of(named[i]), ZX_RIGHT_GET_PROPERTY, get_name);
    const enum kind without[] = {KIND_VMAR,  KIND_CHANNEL, KIND_EVENT,   KIND_EVENTPAIR,
                                 KIND_TIMER, KIND_PORT,    KIND_RESOURCE};
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
        EXPECT_STATUS(get_name(handle_of(without[i])), ZX_ERR_ACCESS_DENIED);
        EXPECT_STATUS(set_name(handle_of(without[i])), ZX_ERR_ACCESS_DENIED);
    }
}

TEST("object_get_property/NULL is INVALID_ARGS before all else, then the handle, then the property, then its size") {
    zx_handle_t vmo = handle_of(KIND_VMO);
    char name[LEN];
    EXPECT_STATUS(zx_object_get_property(ZX_HANDLE_INVALID, ZX_PROP_NAME, NULL, LEN), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_object_get_property(ZX_HANDLE_INVALID, 1000, name, 0), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_object_get_property(vmo, 1000, name, 0), ZX_ERR_INVALID_ARGS);
    for (size_t size = 0; size < LEN; size++)
        EXPECT_STATUS(zx_object_get_property(vmo, ZX_PROP_NAME, name, size), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_STATUS(zx_object_get_property(vmo, ZX_PROP_NAME, (void *)8, LEN - 1), ZX_ERR_BUFFER_TOO_SMALL);
}

TEST("object_get_property/other properties cannot be got") {
    const uint32_t ids[] = {0, 1, ZX_PROP_REGISTER_GS, ZX_PROP_REGISTER_FS, 7, 14, 17, 19, UINT32_MAX};
    char value[64];
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        EXPECT_STATUS(zx_object_get_property(zx_thread_self(), ids[i], value, sizeof(value)), ZX_ERR_INVALID_ARGS);
}

TEST("object_get_property/bad pointers are INVALID_ARGS") {
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_object_get_property(handle_of(KIND_VMO), ZX_PROP_NAME, (void *)bad_targets[i], LEN),
                      ZX_ERR_INVALID_ARGS);
    char *last = (char *)buffer_make(PAGE) + PAGE - LEN;
    EXPECT_OK(zx_object_get_property(handle_of(KIND_VMO), ZX_PROP_NAME, last, 2 * LEN));
    EXPECT_STATUS(zx_object_get_property(handle_of(KIND_VMO), ZX_PROP_NAME, last + 1, LEN), ZX_ERR_INVALID_ARGS);
}

TEST("object_get_property/names that objects are made with") {
    struct target target = target_make();
    zx_handle_t thread, process, vmar;
    NEED_OK(zx_thread_create(target.process, "a thread", 8, 0, &thread));
    expect_name(thread, "a thread");
    NEED_OK(zx_process_create(zx_job_default(), "0123456789abcdefghijklmnopqrstuvwxyz", 36, 0, &process, &vmar));
    expect_name(process, "0123456789abcdefghijklmnopqrstu");
    NEED_OK(zx_process_create(zx_job_default(), "", 0, 0, &process, &vmar));
    expect_name(process, "");
    expect_name(vmo_make(PAGE), "");
}

TEST("object_set_property/a name, for every type that has one; it is the object's, not the handle's") {
    for (size_t i = 0; i < COUNT(named); i++) {
        zx_handle_t other = handle_with(handle_of(named[i]), ZX_RIGHT_GET_PROPERTY);
        EXPECT_OK(zx_object_set_property(handle_of(named[i]), ZX_PROP_NAME, "a longer one", 12));
        expect_name(handle_of(named[i]), "a longer one");
        EXPECT_OK(zx_object_set_property(handle_of(named[i]), ZX_PROP_NAME, "short", 5));
        expect_name(other, "short");
    }
}

TEST("object_set_property/NAME needs SET_PROPERTY") {
    for (size_t i = 0; i < COUNT(named); i++) check_rights(handle_of(named[i]), ZX_RIGHT_SET_PROPERTY, set_name);
}

TEST("object_set_property/a name ends at its first NUL, and after 31 bytes") {
    zx_handle_t vmo = handle_of(KIND_VMO);
    EXPECT_OK(zx_object_set_property(vmo, ZX_PROP_NAME, "before\0after", 12));
    expect_name(vmo, "before");
    const char *const digits = "0123456789abcdefghijklmnopqrstuvwxyz";
    for (size_t len = 0; len <= strlen(digits); len++) {
        char want[64] = {0};
        memcpy(want, digits, len < LEN ? len : LEN - 1);
        EXPECT_OK(zx_object_set_property(vmo, ZX_PROP_NAME, digits, len));
        expect_name(vmo, want);
    }
}

TEST("object_set_property/an empty name clears it") {
    zx_handle_t vmo = handle_of(KIND_VMO);
    NEED_OK(set_name(vmo));
    EXPECT_OK(zx_object_set_property(vmo, ZX_PROP_NAME, "", 1));
    expect_name(vmo, "");
    NEED_OK(set_name(vmo));
    EXPECT_OK(zx_object_set_property(vmo, ZX_PROP_NAME, (void *)8, 0));
    expect_name(vmo, "");
}

TEST("object_set_property/a name that cannot be read is INVALID_ARGS, and the old one stays") {
    zx_handle_t vmo = handle_of(KIND_VMO);
    NEED_OK(set_name(vmo));
    for (size_t i = 0; i < bad_source_count; i++)
        EXPECT_STATUS(zx_object_set_property(vmo, ZX_PROP_NAME, (void *)bad_sources[i], 4), ZX_ERR_INVALID_ARGS);
    char *last = (char *)buffer_make(PAGE) + PAGE - 4;
    memset(last, 'l', 4);
    EXPECT_STATUS(zx_object_set_property(vmo, ZX_PROP_NAME, last, 5), ZX_ERR_INVALID_ARGS);
    expect_name(vmo, "name");
    EXPECT_OK(zx_object_set_property(vmo, ZX_PROP_NAME, last, 4));
    expect_name(vmo, "llll");
}

TEST("object_set_property/what is behind 31 bytes need not be there") {
    char *last = (char *)buffer_make(PAGE) + PAGE - (LEN - 1);
    memset(last, 'n', LEN - 1);
    EXPECT_OK(zx_object_set_property(handle_of(KIND_VMO), ZX_PROP_NAME, last, SIZE_MAX));
    expect_name(handle_of(KIND_VMO), "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn");
}

TEST("object_set_property/a VMO's name shows in lists, and its children begin with it") {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_handle_t child;
    zx_info_vmo_t info;
    NEED_OK(zx_object_set_property(vmo, ZX_PROP_NAME, "a much longer name than that", 28));
    NEED_OK(zx_object_set_property(vmo, ZX_PROP_NAME, "parent", 6));
    NEED_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &child));
    NEED_OK(zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof(info), NULL, NULL));
    EXPECT_BYTES(info.name, ((char[LEN]){"parent"}), LEN);
    expect_name(child, "parent");
}

TEST("object_set_property/children have their parent's name only if its handle has GET_PROPERTY; later names are their "
     "own") {
    zx_handle_t vmo, blind, child;
    NEED_OK(zx_vmo_create(PAGE, ZX_VMO_NON_RESIZABLE, &vmo));
    NEED_OK(zx_object_set_property(vmo, ZX_PROP_NAME, "parent", 6));
    blind = handle_without(vmo, ZX_RIGHT_GET_PROPERTY);
    for (int i = 0; i < 6; i++) {
        zx_handle_t from = i % 2 ? blind : vmo;
        if (i < 2)
            MUST(zx_vmo_create_child(from, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &child));
        else if (i < 4)
            MUST(zx_vmo_create_child(from, ZX_VMO_CHILD_SLICE, 0, PAGE, &child));
        else
            MUST(zx_vmo_clone(from, ZX_VMO_CLONE_COPY_ON_WRITE, 0, PAGE, &child));
        expect_name(child, i % 2 ? "" : "parent");
        EXPECT_OK(set_name(child));
        expect_name(vmo, "parent");
        expect_name(child, "name");
    }
}

/* Two threads give one object two names: it has the one or the other, never a mixture. */

static atomic_bool stop;

static void rename_often(void *arg) {
    while (!atomic_load(&stop)) {
        EXPECT_OK(zx_object_set_property(handle_of(KIND_VMO), ZX_PROP_NAME, arg, LEN));
        zx_nanosleep(0);
    }
}

TEST("object_set_property/names never mix") {
    static char first[LEN], second[LEN];
    static struct worker worker;
    memset(first, 'a', LEN);
    memset(second, 'b', 20);
    handle_of(KIND_VMO);
    NEED(worker_start(&worker, rename_often, first));
    for (int i = 0; i < 2000; i++) {
        char name[LEN];
        NEED_OK(zx_object_set_property(handle_of(KIND_VMO), ZX_PROP_NAME, second, LEN));
        NEED_OK(zx_object_get_property(handle_of(KIND_VMO), ZX_PROP_NAME, name, LEN));
        size_t len = strspn(name, name[0] == 'a' ? "a" : "b");
        NEED(len == (name[0] == 'a' ? LEN - 1 : 20) && name[len] == '\0');
    }
    atomic_store(&stop, true);
    NEED(worker_join(&worker));
}
