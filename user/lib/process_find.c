/*
 * A process may end at any moment, between being listed and being opened too: it is then as if it had never been
 * listed.
 */
#include "user/lib/process_find.h"

#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define MAX_PROCESSES 1024

size_t process_list(zx_koid_t *koids, size_t room) {
    size_t count = 0;
    zx_status_t status =
        zx_object_get_info(zx_job_default(), ZX_INFO_JOB_PROCESSES, koids, room * sizeof(*koids), &count, NULL);
    return status == ZX_OK ? count : 0;
}

zx_status_t process_open(zx_koid_t koid, zx_handle_t *out) {
    return zx_object_get_child(zx_job_default(), koid, ZX_RIGHT_SAME_RIGHTS, out);
}

static zx_status_t find_by_name(const char *name, zx_handle_t *out, zx_koid_t *koid) {
    static zx_koid_t koids[MAX_PROCESSES];
    size_t count = process_list(koids, MAX_PROCESSES), found = 0;
    for (size_t i = 0; i < count; i++) {
        char has[ZX_MAX_NAME_LEN];
        zx_handle_t process;
        if (process_open(koids[i], &process) != ZX_OK) continue;
        zx_status_t status = zx_object_get_property(process, ZX_PROP_NAME, has, sizeof(has));
        if (status == ZX_OK && strcmp(has, name) == 0 && found++ == 0) {
            *out = process;
            *koid = koids[i];
        } else {
            zx_handle_close(process);
        }
    }
    if (found == 1) return ZX_OK;
    if (found > 1) zx_handle_close(*out);
    return found > 1 ? ZX_ERR_ALREADY_EXISTS : ZX_ERR_NOT_FOUND;
}

zx_status_t process_find(const char *text, zx_handle_t *out, zx_koid_t *koid) {
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0') return find_by_name(text, out, koid);
    zx_status_t status = process_open(number, out);
    if (status != ZX_OK) return find_by_name(text, out, koid);
    *koid = number;
    return ZX_OK;
}
