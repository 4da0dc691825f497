/* Commands about jobs: what the programs in them use, and what they may use at most. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>

#include "kernel/base/printable.h"
#include "user/lib/process_find.h"
#include "user/monitor/command.h"
#include "user/monitor/format.h"
#include "user/monitor/say.h"

static const struct kind {
    const char *name;
    uint32_t property;
    size_t offset; /* in what a job is asked for */
} kinds[] = {
    {"memory", ZX_PROP_JOB_LIMIT_MEMORY, offsetof(zx_info_job_limits_t, memory)},
    {"handles", ZX_PROP_JOB_LIMIT_HANDLES, offsetof(zx_info_job_limits_t, handles)},
    {"threads", ZX_PROP_JOB_LIMIT_THREADS, offsetof(zx_info_job_limits_t, threads)},
    {"processes", ZX_PROP_JOB_LIMIT_PROCESSES, offsetof(zx_info_job_limits_t, processes)},
    {"jobs", ZX_PROP_JOB_LIMIT_JOBS, offsetof(zx_info_job_limits_t, jobs)},
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))
_Static_assert(KINDS == sizeof(zx_info_job_limits_t) / sizeof(zx_job_limit_t), "each kind has a name");

/* jobs */

#define MAX_SHOWN ((size_t)100)

static const char *amount_words(const struct kind *kind, uint64_t amount, char *buffer, size_t size) {
    if (kind == kinds) return format_size(amount);
    snprintf(buffer, size, "%llu", (unsigned long long)amount);
    return buffer;
}

/* "12M/16M", or what is used alone where there is no limit. */
static void show_kind(const struct kind *kind, const zx_info_job_limits_t *limits) {
    char used[24], limit[24], both[64];
    zx_job_limit_t l;
    memcpy(&l, (const char *)limits + kind->offset, sizeof(l));
    bool limited = l.limit != ZX_JOB_UNLIMITED;
    snprintf(both, sizeof(both), "%s%s%s", amount_words(kind, l.used, used, sizeof(used)), limited ? "/" : "",
             limited ? amount_words(kind, l.limit, limit, sizeof(limit)) : "");
    say(" %10s", both);
}

/* The last ones are only counted: a program can make many. */
static void show_job(zx_handle_t job, zx_koid_t koid, size_t depth, void *context) {
    size_t *seen = context;
    if (++*seen > MAX_SHOWN) return;
    char name[ZX_MAX_NAME_LEN] = "";
    zx_info_job_limits_t limits;
    (void)zx_object_get_property(job, ZX_PROP_NAME, name, sizeof(name));
    const struct printable_name shown = printable_name(name);
    say("%7llu  %*s%-*s", (unsigned long long)koid, (int)(2 * depth), "", depth < 8 ? (int)(16 - 2 * depth) : 1,
        shown.text);
    if (zx_object_get_info(job, ZX_INFO_JOB_LIMITS, &limits, sizeof(limits), NULL, NULL) == ZX_OK)
        for (size_t i = 0; i < KINDS; i++) show_kind(&kinds[i], &limits);
    say("\n");
}

static void run_jobs(const struct words *words) {
    (void)words;
    say("   KOID  %-16s", "NAME");
    for (size_t i = 0; i < KINDS; i++) {
        char title[16] = "";
        for (size_t c = 0; kinds[i].name[c]; c++) title[c] = (char)(kinds[i].name[c] - 'a' + 'A');
        say(" %10s", title);
    }
    say("\n");
    size_t seen = 0;
    jobs_each(show_job, &seen);
    if (seen > MAX_SHOWN) say("and %zu more\n", seen - MAX_SHOWN);
}

/* limit */

static const struct kind *need_kind(const char *text) {
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i].name, text) == 0) return &kinds[i];
    }
    complain("KIND is memory, handles, threads, processes or jobs, not '%s'.\n", text);
    return NULL;
}

static bool need_amount(const char *text, uint64_t *out) {
    static const char units[] = "KMG";
    char *end;
    if (strcmp(text, "none") == 0) {
        *out = ZX_JOB_UNLIMITED;
        return true;
    }
    *out = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    if (*text >= '0' && *text <= '9' && (unit ? end[1] : *end) == '\0' && *out <= (ZX_JOB_UNLIMITED - 1) >> shift) {
        *out <<= shift;
        return true;
    }
    complain("AMOUNT is a number, with K, M or G behind it if need be, or none, not '%s'.\n", text);
    return false;
}

static void limit_set(zx_handle_t job, const char *name, const struct kind *kind, uint64_t amount) {
    zx_status_t status = zx_object_set_property(job, kind->property, &amount, sizeof(amount));
    if (status == ZX_ERR_OUT_OF_RANGE)
        complain("A job above %s allows less.\n", name);
    else if (status != ZX_OK)
        complain("%s cannot be limited: %s.\n", name, zx_status_get_string(status));
}

static void run_limit(const struct words *words) {
    const char *name = words->items[1].text;
    uint64_t amount;
    zx_handle_t job;
    const struct kind *kind = need_kind(words->items[2].text);
    if (!kind || !need_amount(words->items[3].text, &amount)) return;
    zx_status_t status = job_find(name, &job);
    if (status == ZX_OK) {
        limit_set(job, name, kind, amount);
        zx_handle_close(job);
    } else if (status == ZX_ERR_ALREADY_EXISTS) {
        complain("Several jobs are called %s; name one by its koid, which `jobs` shows.\n", name);
    } else {
        complain("There is no job %s; `jobs` shows their names and koids.\n", name);
    }
}

static const struct command commands[] = {
    {"jobs", "", "lists jobs, and what is used in them",
     "A job counts what its own programs use and what the jobs below it do. Behind a slash is what it may use "
     "at most. Each program that is run has a job of its own, with the program's name, and all of them are in\n"
     "`programs`, which leaves an eighth of memory to this monitor.\n",
     0, 0, run_jobs},
    {"limit", "JOB KIND AMOUNT", "sets how much a job may use",
     "KIND is memory, handles, threads, processes or jobs. For example: limit bomb memory 16M. With none for AMOUNT "
     "the limit is the one of the jobs above. A limit below what is used takes nothing away; there is no more.\n",
     3, 3, run_limit},
};
const struct command_family job_commands = COMMAND_FAMILY("jobs", commands);
