/*
 * What a program can reach with what it was given: it prints a line for each handle that it has, and one for each thing
 * that a handle lets it do to what is not its own. A program that is confined can do none.
 *
 * The handles are found by their values, not by what the launcher says of them: the values of one table differ from one
 * another in the bits of the slot, of which so small a table has 64, and of the generation. All are tried.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/resource.h>

#define SLOTS 64u
#define GENERATIONS 2048u
#define SLOT_SHIFT 2
#define GENERATION_SHIFT 20

#define FIRST_KOID 1024
#define KOIDS_BEYOND 64 /* of what was made since */

static zx_handle_t handles[SLOTS];
static size_t handle_count;

static zx_info_handle_basic_t basic(zx_handle_t handle) {
    zx_info_handle_basic_t info = {0};
    zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
    return info;
}

static bool is_handle(zx_handle_t value) {
    return zx_object_get_info(value, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL) == ZX_OK;
}

static void handles_find(void) {
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        for (uint32_t generation = 0; generation < GENERATIONS; generation++) {
            zx_handle_t value = zx_process_self() ^ (slot << SLOT_SHIFT | generation << GENERATION_SHIFT);
            if (is_handle(value)) handles[handle_count++] = value;
        }
    }
}

static const char *type_name(zx_obj_type_t type) {
    switch (type) {
    case ZX_OBJ_TYPE_PROCESS: return "process";
    case ZX_OBJ_TYPE_THREAD: return "thread";
    case ZX_OBJ_TYPE_VMO: return "vmo";
    case ZX_OBJ_TYPE_VMAR: return "vmar";
    case ZX_OBJ_TYPE_CHANNEL: return "channel";
    case ZX_OBJ_TYPE_JOB: return "job";
    case ZX_OBJ_TYPE_RESOURCE: return "resource";
    default: return "other";
    }
}

/* Whose object it is, if others have it too: the ends of channels are single. */
static void show(zx_handle_t handle) {
    zx_info_handle_basic_t info = basic(handle);
    char name[ZX_MAX_NAME_LEN] = "";
    zx_object_get_property(handle, ZX_PROP_NAME, name, sizeof(name));
    printf("has %s '%s', rights %#x\n", type_name(info.type), name, info.rights);
}

static void can(bool possible, const char *what) {
    if (possible) printf("can %s\n", what);
}

/* By a resource: each call that takes one. */
static void try_as_resource(zx_handle_t handle) {
    zx_handle_t made;
    zx_info_kmem_stats_t stats;
    size_t none = 0;
    can(zx_vmo_create_physical(handle, 0, ZX_PAGE_SIZE, &made) == ZX_OK, "map physical memory");
    can(zx_vmo_create_contiguous(handle, ZX_PAGE_SIZE, 0, &made) == ZX_OK, "take contiguous memory");
    can(zx_ioports_request(handle, 0x80, 1) == ZX_OK, "use I/O ports");
    can(zx_interrupt_create(handle, 5, 0, &made) == ZX_OK, "take an interrupt");
    can(zx_resource_create(handle, ZX_RSRC_KIND_VMEX, 0, 0, "x", 1, &made) == ZX_OK, "make resources");
    can(zx_debug_read(handle, (char *)&none, &none) == ZX_OK, "read the console");
    can(zx_debug_send_command(handle, "nothing", 7) != ZX_ERR_WRONG_TYPE, "command the kernel");
    can(zx_clock_adjust(handle, ZX_CLOCK_UTC, 0) == ZX_OK, "set the clock");
    can(zx_object_get_info(handle, ZX_INFO_KMEM_STATS, &stats, sizeof(stats), NULL, NULL) == ZX_OK, "count memory");
}

/* What it opens that way it could kill, read and write. */
static void try_to_open(zx_handle_t handle, zx_koid_t koid) {
    zx_handle_t opened;
    char name[ZX_MAX_NAME_LEN] = "", what[64];
    if (zx_object_get_child(handle, koid, ZX_RIGHT_SAME_RIGHTS, &opened) != ZX_OK) return;
    zx_info_handle_basic_t info = basic(opened);
    if (info.koid != basic(zx_process_self()).koid && info.related_koid != basic(zx_process_self()).koid) {
        zx_object_get_property(opened, ZX_PROP_NAME, name, sizeof(name));
        snprintf(what, sizeof(what), "open %s '%s'", type_name(info.type), name);
        can(true, what);
    }
    zx_handle_close(opened);
}

/* What others have as well: the job, if it has other members, and memory. */
static void try_on_others(zx_handle_t handle) {
    zx_info_handle_basic_t info = basic(handle);
    zx_koid_t members[2];
    size_t count = 0, available = 0;
    if (info.type == ZX_OBJ_TYPE_JOB) {
        zx_object_get_info(handle, ZX_INFO_JOB_PROCESSES, members, sizeof(members), &count, &available);
        can(available > 1 && info.rights & ZX_RIGHT_DESTROY, "kill others with its job");
        can(info.rights & ZX_RIGHT_SET_POLICY, "change what its job may do");
    }
    if (info.type == ZX_OBJ_TYPE_VMO && zx_vmo_write(handle, "", 0, 0) == ZX_OK) can(true, "write shared memory");
    if (info.type == ZX_OBJ_TYPE_VMO && zx_object_signal(handle, 0, 0) == ZX_OK) can(true, "signal by shared memory");
    if (info.type == ZX_OBJ_TYPE_PROCESS) can(info.koid != basic(zx_process_self()).koid, "have another process");
}

int main(void) {
    handles_find();
    for (size_t i = 0; i < handle_count; i++) show(handles[i]);
    zx_koid_t last = basic(zx_process_self()).koid + KOIDS_BEYOND;
    for (size_t i = 0; i < handle_count; i++) {
        try_as_resource(handles[i]);
        try_on_others(handles[i]);
        for (zx_koid_t koid = FIRST_KOID; koid <= last; koid++) try_to_open(handles[i], koid);
    }
    puts("that is all");
    return 0;
}
