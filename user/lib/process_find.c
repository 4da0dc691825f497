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
#define MORE_JOBS 16 /* that may come between two looks */

typedef zx_status_t job_visit(zx_handle_t job, size_t depth, void *context);

/* The jobs of a job, allocated. NULL: there is no memory. */
static zx_koid_t *children_of(zx_handle_t job, size_t *count) {
    zx_koid_t *koids = NULL;
    size_t room = 0, avail = 0;
    *count = 0;
    do {
        room = avail + MORE_JOBS;
        zx_koid_t *more = realloc(koids, room * sizeof(*koids));
        if (!more) break;
        koids = more;
        if (zx_object_get_info(job, ZX_INFO_JOB_CHILDREN, koids, room * sizeof(*koids), count, &avail) != ZX_OK) break;
    } while (avail > room);
    return koids;
}

/* Has `visit` look at the job and at those below it, parents first, until it is content; returns what it said last. */
static zx_status_t each_below(zx_handle_t job, size_t depth, job_visit *visit, void *context) {
    zx_status_t status = visit(job, depth, context);
    if (status == ZX_OK) return status;
    size_t count;
    zx_koid_t *koids = children_of(job, &count);
    for (size_t i = 0; i < count && status != ZX_OK; i++) {
        zx_handle_t child;
        if (zx_object_get_child(job, koids[i], ZX_RIGHT_SAME_RIGHTS, &child) != ZX_OK) continue;
        status = each_below(child, depth + 1, visit, context);
        zx_handle_close(child);
    }
    free(koids);
    return status;
}

static zx_status_t each_job(job_visit *visit, void *context) { return each_below(zx_job_default(), 0, visit, context); }

struct listing {
    zx_koid_t *koids;
    size_t room, count;
};

static zx_status_t list_job(zx_handle_t job, size_t depth, void *context) {
    (void)depth;
    struct listing *l = context;
    size_t count = 0, room = (l->room - l->count) * sizeof(*l->koids);
    if (zx_object_get_info(job, ZX_INFO_JOB_PROCESSES, l->koids + l->count, room, &count, NULL) == ZX_OK)
        l->count += count;
    return l->count < l->room ? ZX_ERR_SHOULD_WAIT : ZX_OK;
}

static int koid_compare(const void *a, const void *b) {
    const zx_koid_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

size_t process_list(zx_koid_t *koids, size_t room) {
    struct listing l = {koids, room, 0};
    (void)each_job(list_job, &l);
    qsort(koids, l.count, sizeof(*koids), koid_compare);
    return l.count;
}

struct search {
    zx_koid_t koid;
    zx_handle_t *out;
};

static zx_status_t open_in_job(zx_handle_t job, size_t depth, void *context) {
    (void)depth;
    const struct search *s = context;
    return zx_object_get_child(job, s->koid, ZX_RIGHT_SAME_RIGHTS, s->out);
}

zx_status_t process_open(zx_koid_t koid, zx_handle_t *out) {
    struct search s = {koid, out};
    return each_job(open_in_job, &s);
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

/* Jobs. */

struct showing {
    void (*visit)(zx_handle_t job, zx_koid_t koid, size_t depth, void *context);
    void *context;
};

static zx_koid_t koid_of(zx_handle_t handle) {
    zx_info_handle_basic_t info = {0};
    zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
    return info.koid;
}

static zx_status_t show_job(zx_handle_t job, size_t depth, void *context) {
    const struct showing *s = context;
    s->visit(job, koid_of(job), depth, s->context);
    return ZX_ERR_SHOULD_WAIT;
}

void jobs_each(void (*visit)(zx_handle_t job, zx_koid_t koid, size_t depth, void *context), void *context) {
    struct showing s = {visit, context};
    (void)each_job(show_job, &s);
}

struct job_search {
    const char *text;
    zx_koid_t koid; /* ZX_KOID_INVALID: by name */
    zx_handle_t *out;
    size_t found;
};

static zx_status_t compare_job(zx_handle_t job, size_t depth, void *context) {
    struct job_search *s = context;
    char name[ZX_MAX_NAME_LEN] = "";
    (void)depth;
    (void)zx_object_get_property(job, ZX_PROP_NAME, name, sizeof(name));
    if (s->koid != ZX_KOID_INVALID ? koid_of(job) != s->koid : strcmp(name, s->text) != 0) return ZX_ERR_NOT_FOUND;
    if (s->found++ > 0) return ZX_OK;
    (void)zx_handle_duplicate(job, ZX_RIGHT_SAME_RIGHTS, s->out);
    return ZX_ERR_NOT_FOUND;
}

zx_status_t job_find(const char *text, zx_handle_t *out) {
    char *end;
    struct job_search s = {.text = text, .koid = strtoull(text, &end, 10), .out = out};
    if (*text < '0' || *text > '9' || *end != '\0') s.koid = ZX_KOID_INVALID;
    *out = ZX_HANDLE_INVALID;
    (void)each_job(compare_job, &s);
    if (s.found == 1 && *out != ZX_HANDLE_INVALID) return ZX_OK;
    zx_handle_close(*out);
    return s.found > 1 ? ZX_ERR_ALREADY_EXISTS : ZX_ERR_NOT_FOUND;
}
