/*
 * Names of objects: which have one, how long it may be, and what is left of an older one.
 */
#include "kernel/sched/name.h"

#include "kernel/base/string.h"
#include "kernel/object/event.h"
#include "kernel/object/job.h"
#include "kernel/object/process.h"
#include "kernel/object/resource.h"
#include "kernel/object/user_thread.h"
#include "tests/kernel/support.h"

/* Is that the object's name, with zeros after it to the end? */
static bool named(struct object *object, const char *name) {
    char got[ZX_MAX_NAME_LEN], expected[ZX_MAX_NAME_LEN] = {0};
    memset(got, 0xff, sizeof(got));
    object_get_name(object, got);
    memcpy(expected, name, strlen(name));
    return memcmp(got, expected, sizeof(got)) == 0;
}

static zx_status_t rename_to(struct object *object, const char *text) {
    char name[ZX_MAX_NAME_LEN] = {0};
    string_copy(name, text, sizeof(name));
    return object_set_name(object, name);
}

/* A long name, a shorter one that leaves nothing of it, and none. */
static bool takes_names(struct object *object) {
    static const char *const names[] = {"thirty-one characters, all told", "short", ""};
    bool good = true;
    for (size_t i = 0; i < countof(names); i++)
        good = good && rename_to(object, names[i]) == ZX_OK && named(object, names[i]);
    return good;
}

KTEST("name/jobs, processes, threads, VMOs and resources have one, and take another") {
    struct job *job;
    struct process *process;
    struct user_thread *thread;
    struct object *resource;
    struct vmo *vmo = vmo_of(1, false);
    NEED(vmo && job_create_root(&job) == ZX_OK && process_create(job, "process", &process) == ZX_OK);
    NEED(user_thread_create(process, "thread", &thread) == ZX_OK && resource_create_root(&resource) == ZX_OK);
    EXPECT(named(&job->object, "") && named(&process->object, "process") && named(&thread->object, "thread"));
    EXPECT(named(&vmo->object, "") && named(resource, "root"));
    EXPECT(takes_names(&job->object) && takes_names(&process->object) && takes_names(&thread->object));
    EXPECT(takes_names(&vmo->object) && takes_names(resource));
    process_kill(process, 0);
    object_unref(&thread->object);
    object_unref(&process->object);
    object_unref(&job->object);
    object_unref(resource);
    vmo_unref(vmo);
}

KTEST("name/events have none, and take none") {
    struct object *event;
    NEED(event_create(&event) == ZX_OK);
    EXPECT(named(event, ""));
    EXPECT(rename_to(event, "name") == ZX_ERR_NOT_SUPPORTED && named(event, ""));
    object_unref(event);
}

static zx_status_t make_root(void *arg) { return resource_create_root(arg); }
static zx_status_t make_job(void *arg) { return job_create_root(arg); }
static bool always(void *arg UNUSED) { return true; }

KTEST("job/the root job and the root resource: without memory there is neither") {
    struct object *resource = NULL;
    struct job *job = NULL;
    EXPECT(fail_each_allocation(make_root, always, &resource) >= 1);
    EXPECT(fail_each_allocation(make_job, always, &job) >= 1);
    object_unref(resource);
    object_unref(&job->object);
}
