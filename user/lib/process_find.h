/* Finding processes of the program's job, and of the jobs below it, and these jobs, by koid or by name. */
#pragma once

#include <stddef.h>
#include <zircon/types.h>

/* Writes up to `room` koids of processes that have not ended, in ascending order; returns how many. */
size_t process_list(zx_koid_t *koids, size_t room);

/* Makes a handle with the job's rights. ZX_ERR_NOT_FOUND if the process has ended. */
zx_status_t process_open(zx_koid_t koid, zx_handle_t *out);

/* Makes a handle to the process of that koid or name. ZX_ERR_NOT_FOUND: none; ZX_ERR_ALREADY_EXISTS: several. */
zx_status_t process_find(const char *text, zx_handle_t *out, zx_koid_t *koid);

/* Shows each job to `visit`, parents first, and how many jobs of these are above it. */
void jobs_each(void (*visit)(zx_handle_t job, zx_koid_t koid, size_t depth, void *context), void *context);

/* Makes a handle to the job of that koid or name, as process_find() does. */
zx_status_t job_find(const char *text, zx_handle_t *out);
