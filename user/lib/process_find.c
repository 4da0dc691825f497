/*
 * A process may end at any moment, between being listed and being opened too: it is then as if it had never been
 * listed.
 */
#include "user/lib/process_find.h"

#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define MORE 16 /* that may come between two looks */

typedef zx_status_t job_visit(zx_handle_t job, size_t depth, void *context);

zx_koid_t *members_of(zx_handle_t task, uint32_t topic, size_t *count) {
    zx_koid_t *koids = NULL;
    size_t room = 0, avail = 0;
    *count = 0;
    do {
        room = avail + MORE;
        zx_koid_t *more = realloc(koids, room * sizeof(*koids));
        if (!more) break;
        koids = more;
        if (zx_object_get_info(task, topic, koids, room * sizeof(*koids), count, &avail) != ZX_OK) break;
    } while (avail > room);
    return koids;
}

/* Has `visit` look at the job and at those below it, parents first, until it is content; returns what it said last. */
static zx_status_t each_below(zx_handle_t job, size_t depth, job_visit *visit, void *context) {
    zx_status_t status = visit(job, depth, context);
    if (status == ZX_OK) return status;
    size_t count;
    zx_koid_t *koids = members_of(job, ZX_INFO_JOB_CHILDREN, &count);
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

/* Makes room for so many more, and for as many again as there are: few steps lead to many. */
static bool make_room(struct processes *all, size_t more) {
    if (all->count + more <= all->room) return true;
    const size_t room = 2 * all->count + more;
    struct listed_process *list = realloc(all->list, room * sizeof(*list));
    if (!list) return false;
    all->list = list;
    all->room = room;
    return true;
}

static zx_status_t list_job(zx_handle_t job, size_t depth, void *context) {
    (void)depth;
    struct processes *all = context;
    size_t count;
    zx_koid_t *koids = members_of(job, ZX_INFO_JOB_PROCESSES, &count);
    for (size_t i = 0; i < count && make_room(all, count - i); i++) {
        struct listed_process *next = &all->list[all->count];
        next->koid = koids[i];
        if (zx_object_get_child(job, koids[i], ZX_RIGHT_SAME_RIGHTS, &next->process) == ZX_OK) all->count++;
    }
    free(koids);
    return ZX_ERR_SHOULD_WAIT;
}

static int koid_compare(const void *a, const void *b) {
    const struct listed_process *left = a, *right = b;
    return (left->koid > right->koid) - (left->koid < right->koid);
}

void processes_open(struct processes *out) {
    *out = (struct processes){.count = 0};
    (void)each_job(list_job, out);
    if (out->count > 0) qsort(out->list, out->count, sizeof(*out->list), koid_compare);
}

void processes_close(struct processes *all) {
    for (size_t i = 0; i < all->count; i++) zx_handle_close(all->list[i].process);
    free(all->list);
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

static bool has_name(zx_handle_t process, const char *name) {
    char has[ZX_MAX_NAME_LEN];
    return zx_object_get_property(process, ZX_PROP_NAME, has, sizeof(has)) == ZX_OK && strcmp(has, name) == 0;
}

static zx_status_t find_by_name(const char *name, zx_handle_t *out, zx_koid_t *koid) {
    struct processes all;
    struct listed_process *found = NULL;
    size_t count = 0;
    processes_open(&all);
    for (size_t i = 0; i < all.count; i++) {
        if (has_name(all.list[i].process, name) && count++ == 0) found = &all.list[i];
    }
    if (count == 1) {
        *out = found->process;
        *koid = found->koid;
        found->process = ZX_HANDLE_INVALID; /* the caller's now */
    }
    processes_close(&all);
    return count == 1 ? ZX_OK : count > 1 ? ZX_ERR_ALREADY_EXISTS : ZX_ERR_NOT_FOUND;
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
