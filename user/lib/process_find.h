/* Finding processes of the program's job, and of the jobs below it, and these jobs, by koid or by name. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <zircon/types.h>

/* The koids that a topic of object_get_info lists, jobs, processes or threads, allocated. NULL: there is no memory. */
zx_koid_t *members_of(zx_handle_t task, uint32_t topic, size_t *count);

/* All processes that have not ended, by ascending koid, each with a handle that has the job's rights. */
struct processes {
    struct listed_process {
        zx_koid_t koid;
        zx_handle_t process;
    } * list;
    size_t count, room;
};

/* Where memory or handles run out, those that came first are there. */
void processes_open(struct processes *out);
void processes_close(struct processes *all);

/* Makes a handle with the job's rights. ZX_ERR_NOT_FOUND if the process has ended. */
zx_status_t process_open(zx_koid_t koid, zx_handle_t *out);

/* Makes a handle to the process of that koid or name. ZX_ERR_NOT_FOUND: none; ZX_ERR_ALREADY_EXISTS: several. */
zx_status_t process_find(const char *text, zx_handle_t *out, zx_koid_t *koid);

/* Shows each job to `visit`, parents first, and how many jobs of these are above it. */
void jobs_each(void (*visit)(zx_handle_t job, zx_koid_t koid, size_t depth, void *context), void *context);

/* Makes a handle to the job of that koid or name, as process_find() does. */
zx_status_t job_find(const char *text, zx_handle_t *out);
