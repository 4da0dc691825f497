/*
 * Launching programs of the boot archive as processes, with system calls alone. What the archive says is not trusted: a
 * file that is no sound program is refused with a reason, and nothing of a launch that failed is left behind.
 *
 *     zx_handle_t process;
 *     const char *const args[] = {"hello", "world", NULL};
 *     zx_status_t status = launch_program("bin/hello", args, &process, NULL);
 *
 * Nothing here allocates from the heap, and the caller's address space stays as it was.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/processargs.h>
#include <zircon/types.h>

/* A handle for the new program, and the id under which it will find it: PA_HND() of <zircon/processargs.h>. */
struct launch_handle {
    uint32_t id;
    zx_handle_t handle;
};

/*
 * What to launch. Beside its process, thread, root region and job it gets only `handles`, which are always taken. One
 * that is confined has a job of its own, made below `job` and named as the process; its handle to it does not allow it
 * to set the job's policy.
 */
struct launch {
    zx_handle_t archive;        /* the VMO that holds the archive */
    const char *path;           /* the program in it; a name without a slash is one of bin/ */
    const char *name;           /* of the process; NULL: the file's */
    const char *const *args;    /* the last one NULL */
    const char *const *environ; /* likewise; NULL is an empty one */
    zx_handle_t job;            /* ZX_HANDLE_INVALID: the caller's */
    bool confined;
    const struct launch_handle *handles;
    size_t handle_count; /* at most LAUNCH_MAX_HANDLES */
};

#define LAUNCH_MAX_HANDLES 60

/*
 * Starts a program. `why`, which may be NULL, gets a sentence about a failure.
 *
 * ZX_ERR_NOT_FOUND          no such file in the archive
 * ZX_ERR_BAD_PATH           no file there has so long a name
 * ZX_ERR_IO_DATA_INTEGRITY  the archive or the program is damaged, or is no program
 * ZX_ERR_NOT_SUPPORTED      a program, but for another machine or for a dynamic linker
 * ZX_ERR_OUT_OF_RANGE       arguments and environment beyond PROCARGS_MAX, or too many handles
 */
zx_status_t launch(const struct launch *what, zx_handle_t *process, const char **why);

/* In this program's job, with its environment, and with its archive and root resource. */
zx_status_t launch_program(const char *path, const char *const *args, zx_handle_t *process, const char **why);

/* Launches args[0] with an end of a new channel as PA_USER0; the caller gets the other. `name` is as above. */
zx_status_t launch_partner(const char *const *args, const char *name, zx_handle_t *process, zx_handle_t *channel);

/*
 * Duplicates this program's archive, to be read only, and its root resource unless the new program is to be confined.
 * Returns how many: it does without the rest.
 */
#define LAUNCH_INHERITED 2
size_t launch_inherit(bool confined, struct launch_handle handles[LAUNCH_INHERITED]);

/*
 * The job below which programs get jobs of their own, borrowed: init's, which leaves some of the machine to others, or
 * this program's own. Its id in the bootstrap message.
 */
#define PROGRAMS_JOB_ID PA_HND(PA_JOB_DEFAULT, 1)
zx_handle_t launch_programs_job(void);

/* Is the program among those of the environment's init.privileged=NAME,NAME: those not to be confined? */
bool launch_is_privileged(const char *path);

/* Waits until the process has ended. */
zx_status_t launch_wait(zx_handle_t process, int64_t *return_code);

/* This program's archive and root resource, borrowed; ZX_HANDLE_INVALID: none. Take the startup handles when asked. */
zx_handle_t launch_archive(void);
zx_handle_t launch_resource(void);
