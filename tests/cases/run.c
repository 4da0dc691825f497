/*
 * Runs programs of the boot archive, one after the other: those of the folder `programs` among the files of the host's
 * that came with this one. Before each one's output is a line with its name, and after it one with its return code. One
 * that has not ended after thirty seconds is killed.
 */
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>
#include <zircon/time.h>

#include "user/lib/launch.h"

#define FOLDER "programs"
#define LIMIT ZX_SEC(30)

static void run(const char *name) {
    char path[sizeof("files/" FOLDER "/") + NAME_MAX];
    const char *const args[] = {name, NULL}, *why;
    zx_handle_t process;
    int64_t code;
    snprintf(path, sizeof(path), "files/" FOLDER "/%s", name);
    printf("=== begin %s\n", name);
    fflush(stdout);
    zx_status_t status = launch_program(path, args, &process, &why);
    if (status == ZX_OK) {
        status = zx_object_wait_one(process, ZX_PROCESS_TERMINATED, zx_deadline_after(LIMIT), NULL);
        why = "it did not end";
        if (status == ZX_ERR_TIMED_OUT)
            zx_task_kill(process);
        else
            status = launch_wait(process, &code);
        zx_handle_close(process);
    }
    if (status == ZX_OK)
        printf("\n=== end %" PRId64 "\n", code);
    else
        printf("\n=== end %s (%s)\n", why, zx_status_get_string(status));
}

int main(void) {
    struct dirent **entries;
    int count = scandir(FOLDER, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++)
        if (entries[i]->d_type == DT_REG) run(entries[i]->d_name);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
