/*
 * A launch is built up step by step in a struct making. Whatever has been made when a step fails is closed again; a
 * process that was never started ends with its last handle, and its memory with it.
 */
#include "user/lib/launch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/syscalls.h>

#include "user/lib/procargs.h"
#include "user/lib/program.h"
#include "user/libc/bootstrap.h"

#define STACK_SIZE ((uint64_t)8 << 20) /* pages come into being as the stack grows */
#define OWN_HANDLES 4
#define MAX_PATH 128

#define FOLDER "bin/"

/* A confined program is not to lift what its launcher has set. */
#define CONFINED_JOB_RIGHTS (ZX_DEFAULT_JOB_RIGHTS & ~ZX_RIGHT_SET_POLICY)
/* All who have the archive have the same one: none of them changes it, or its name, or signals the others by it. */
#define ARCHIVE_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHT_READ | ZX_RIGHT_EXECUTE | ZX_RIGHT_MAP | ZX_RIGHT_GET_PROPERTY)

struct making {
    zx_handle_t job;          /* borrowed; the process's */
    zx_handle_t confined_job; /* the same, if it was made for it */
    zx_handle_t process, vmar, thread;
    zx_handle_t to_child, bootstrap; /* our end of the bootstrap channel, and the child's */
    zx_handle_t message;             /* a long one's memory */
    zx_vaddr_t entry, stack;
};

static void making_close(struct making *m) {
    zx_handle_close(m->confined_job);
    zx_handle_close(m->vmar);
    zx_handle_close(m->thread);
    zx_handle_close(m->to_child);
    zx_handle_close(m->bootstrap);
    zx_handle_close(m->message);
}

static zx_status_t making_job(const struct launch *what, const char *name, struct making *m) {
    m->job = what->job ? what->job : zx_job_default();
    if (!what->confined) return ZX_OK;
    zx_status_t status = zx_job_create(m->job, 0, &m->confined_job);
    if (status != ZX_OK) return status;
    m->job = m->confined_job;
    return zx_object_set_property(m->job, ZX_PROP_NAME, name, strlen(name));
}

static zx_status_t making_tasks(const struct launch *what, struct making *m) {
    const char *slash = strrchr(what->path, '/');
    const char *name = what->name ? what->name : slash ? slash + 1 : what->path;
    zx_status_t status = making_job(what, name, m);
    if (status == ZX_OK) status = zx_process_create(m->job, name, strlen(name), 0, &m->process, &m->vmar);
    return status == ZX_OK ? zx_thread_create(m->process, "main", strlen("main"), 0, &m->thread) : status;
}

static zx_status_t making_load(const struct launch *what, struct making *m, const char **why) {
    struct program program;
    char path[MAX_PATH];
    const char *folder = strchr(what->path, '/') ? "" : FOLDER;
    if (strlen(folder) + strlen(what->path) >= sizeof(path)) {
        *why = "its name is too long";
        return ZX_ERR_BAD_PATH;
    }
    stpcpy(stpcpy(path, folder), what->path);
    zx_status_t status = program_read(what->archive, path, &program, why);
    if (status == ZX_OK) status = making_tasks(what, m);
    return status == ZX_OK ? program_map(&program, m->vmar, &m->entry) : status;
}

/* A stack with a page below it that faults. */
static zx_status_t making_stack(struct making *m) {
    zx_handle_t region, vmo;
    zx_vaddr_t base;
    zx_vm_option_t options = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC;
    zx_status_t status = zx_vmar_allocate(m->vmar, options, 0, STACK_SIZE + ZX_PAGE_SIZE, &region, &base);
    if (status != ZX_OK) return status;
    status = zx_vmo_create(STACK_SIZE, ZX_VMO_NON_RESIZABLE, &vmo);
    if (status == ZX_OK) {
        zx_object_set_property(vmo, ZX_PROP_NAME, "stack", strlen("stack"));
        status = zx_vmar_map(region, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_SPECIFIC, ZX_PAGE_SIZE, vmo, 0,
                             STACK_SIZE, &base);
        zx_handle_close(vmo);
    }
    zx_handle_close(region);
    m->stack = base + STACK_SIZE;
    return status;
}

/* The four handles that every program finds at hand. Its region moves there: all is mapped by now. */
static zx_status_t own_handles(const struct launch *what, struct making *m, uint32_t *ids, zx_handle_t *handles) {
    const struct {
        uint32_t id;
        zx_handle_t handle;
        zx_rights_t rights;
    } own[OWN_HANDLES - 1] = {
        {PA_PROC_SELF, m->process, ZX_RIGHT_SAME_RIGHTS},
        {PA_THREAD_SELF, m->thread, ZX_RIGHT_SAME_RIGHTS},
        {PA_JOB_DEFAULT, m->job, what->confined ? CONFINED_JOB_RIGHTS : ZX_RIGHT_SAME_RIGHTS},
    };
    for (size_t i = 0; i < OWN_HANDLES - 1; i++) {
        zx_status_t status = zx_handle_duplicate(own[i].handle, own[i].rights, &handles[i]);
        if (status != ZX_OK) {
            while (i > 0) zx_handle_close(handles[--i]);
            return status;
        }
        ids[i] = own[i].id;
    }
    ids[OWN_HANDLES - 1] = PA_VMAR_ROOT;
    handles[OWN_HANDLES - 1] = m->vmar;
    m->vmar = ZX_HANDLE_INVALID;
    return ZX_OK;
}

/* A message that no channel carries, in memory of its own. */
static zx_status_t message_store(const struct procargs *args, uint32_t len, zx_handle_t *vmo) {
    uint32_t message[len / sizeof(uint32_t) + 1];
    procargs_write(args, message);
    zx_status_t status = zx_vmo_create(len, ZX_VMO_NON_RESIZABLE, vmo);
    if (status == ZX_OK) status = zx_vmo_write(*vmo, message, 0, len);
    return status;
}

/* Sends the bootstrap message. `taken` tells whether the caller's handles have gone with it. */
static zx_status_t making_message(const struct launch *what, struct making *m, bool *taken) {
    uint32_t ids[OWN_HANDLES + LAUNCH_MAX_HANDLES + 1];
    zx_handle_t handles[OWN_HANDLES + LAUNCH_MAX_HANDLES + 1];
    uint32_t count = OWN_HANDLES + (uint32_t)what->handle_count;
    for (size_t i = 0; i < what->handle_count; i++) {
        ids[OWN_HANDLES + i] = what->handles[i].id;
        handles[OWN_HANDLES + i] = what->handles[i].handle;
    }
    struct procargs args = {what->args, what->environ, ids, count};
    uint32_t len;
    zx_status_t status = procargs_measure(&args, &len);
    if (status == ZX_OK && len > ZX_CHANNEL_MAX_MSG_BYTES) {
        status = message_store(&args, len, &m->message);
        ids[count] = BOOTSTRAP_MESSAGE_ID;
        args = (struct procargs){NULL, NULL, ids, count + 1};
        if (status == ZX_OK) status = procargs_measure(&args, &len);
    }
    if (status == ZX_OK) status = zx_channel_create(0, &m->to_child, &m->bootstrap);
    if (status == ZX_OK) status = own_handles(what, m, ids, handles);
    if (status != ZX_OK) return status;
    handles[count] = m->message;
    m->message = ZX_HANDLE_INVALID;
    uint32_t message[len / sizeof(uint32_t) + 1];
    procargs_write(&args, message);
    *taken = true;
    return zx_channel_write(m->to_child, 0, message, len, handles, args.id_count);
}

static zx_status_t making_start(struct making *m) {
    zx_handle_t bootstrap = m->bootstrap;
    m->bootstrap = ZX_HANDLE_INVALID;
    return zx_process_start(m->process, m->thread, m->entry, m->stack, bootstrap, 0);
}

zx_status_t launch(const struct launch *what, zx_handle_t *process, const char **why) {
    struct making m = {0};
    bool taken = false;
    const char *reason = "the system refused";
    zx_status_t status = what->handle_count <= LAUNCH_MAX_HANDLES ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
    if (status == ZX_OK) status = making_load(what, &m, &reason);
    if (status == ZX_OK) status = making_stack(&m);
    if (status == ZX_OK) status = making_message(what, &m, &taken);
    if (status == ZX_OK) status = making_start(&m);
    making_close(&m);
    if (status == ZX_OK) {
        *process = m.process;
        return ZX_OK;
    }
    zx_handle_close(m.process);
    for (size_t i = 0; !taken && i < what->handle_count; i++) zx_handle_close(what->handles[i].handle);
    if (why) *why = reason;
    return status;
}

static bool duplicate(zx_handle_t handle, zx_rights_t rights, uint32_t id, struct launch_handle *out) {
    out->id = id;
    return zx_handle_duplicate(handle, rights, &out->handle) == ZX_OK;
}

size_t launch_inherit(bool confined, struct launch_handle handles[LAUNCH_INHERITED]) {
    size_t count = 0;
    if (duplicate(launch_archive(), ARCHIVE_RIGHTS, PA_VMO_BOOTFS, &handles[count])) count++;
    if (!confined && duplicate(launch_resource(), ZX_RIGHT_SAME_RIGHTS, PA_RESOURCE, &handles[count])) count++;
    return count;
}

static const char *without_folder(const char *path) {
    return strncmp(path, FOLDER, strlen(FOLDER)) == 0 ? path + strlen(FOLDER) : path;
}

bool launch_is_privileged(const char *path) {
    const char *names = getenv("init.privileged");
    const char *name = without_folder(path);
    for (size_t len; names && *names; names += len + (names[len] == ',')) {
        len = strcspn(names, ",");
        if (strlen(name) == len && memcmp(names, name, len) == 0) return true;
    }
    return false;
}

zx_status_t launch_program(const char *path, const char *const *args, zx_handle_t *process, const char **why) {
    struct launch_handle handles[LAUNCH_INHERITED];
    const struct launch what = {
        .archive = launch_archive(),
        .path = path,
        .args = args,
        .environ = (const char *const *)environ,
        .handles = handles,
        .handle_count = launch_inherit(false, handles),
    };
    return launch(&what, process, why);
}

zx_status_t launch_partner(const char *const *args, const char *name, zx_handle_t *process, zx_handle_t *channel) {
    struct launch_handle handle = {.id = PA_HND(PA_USER0, 0)};
    zx_status_t status = zx_channel_create(0, channel, &handle.handle);
    if (status != ZX_OK) return status;
    const struct launch what = {.archive = launch_archive(),
                                .path = args[0],
                                .name = name,
                                .args = args,
                                .handles = &handle,
                                .handle_count = 1};
    status = launch(&what, process, NULL);
    if (status != ZX_OK) zx_handle_close(*channel);
    return status;
}

zx_status_t launch_wait(zx_handle_t process, int64_t *return_code) {
    zx_info_process_t info;
    zx_status_t status = zx_object_wait_one(process, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, NULL);
    if (status == ZX_OK) status = zx_object_get_info(process, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL);
    if (status == ZX_OK) *return_code = info.return_code;
    return status;
}

/* Takes a startup handle once and keeps it. */
static zx_handle_t keep(zx_handle_t *kept, uint32_t id) {
    if (*kept == ZX_HANDLE_INVALID) *kept = zx_take_startup_handle(id);
    return *kept;
}

zx_handle_t launch_archive(void) {
    static zx_handle_t archive;
    return keep(&archive, PA_HND(PA_VMO_BOOTFS, 0));
}

zx_handle_t launch_programs_job(void) {
    static zx_handle_t job;
    zx_handle_t given = keep(&job, PROGRAMS_JOB_ID);
    return given != ZX_HANDLE_INVALID ? given : zx_job_default();
}

zx_handle_t launch_resource(void) {
    static zx_handle_t resource;
    return keep(&resource, PA_HND(PA_RESOURCE, 0));
}
