/*
 * The explorer's command line:
 *
 *     explore [-a] [-s] [-k bound] [-j jobs] [-t seconds] [-r schedule] [scenario …]
 *
 * A scenario is two or three acts and how they share memory: "unmap+process_write@same". "+" alone stands for any
 * act, "@" may be left out for all ways that make sense; no scenario: all pairs, and the triples. Each runs in a
 * process of its own, and the result is a table of them. With -a nothing is left out
 * because it would only repeat something. Threads that find a mutex taken block at once, where most can be wrong; with
 * -s they spin first, as on a machine. See README.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/sched/mutex.h"
#include "tests/host/explore/explore.h"
#include "tests/host/explore/search.h"

#define MAX_JOBS 16

static unsigned bound = 2, jobs = 1;
static double limit = 1e9;
static unsigned failures, running_jobs;
static struct totals {
    uint64_t scenarios, schedules, redundant, nodes, cut;
    double seconds;
} totals;

static void scenario_name(const struct scenario *s, char *name, size_t size) {
    size_t n = 0;
    for (unsigned i = 0; i < s->count; i++)
        n += (size_t)snprintf(name + n, size - n, "%s%s", i ? "+" : "", s->acts[i]->name);
    snprintf(name + n, size - n, "@%s", sharing_names[s->sharing]);
}

/* --- running --- */

static struct slot {
    pid_t pid;
    int from;
    FILE *report; /* what it has to say if it fails */
    char name[200];
} slots[MAX_JOBS];

static void explore_one(const struct scenario *s, const struct slot *slot, int to) {
    dup2(fileno(slot->report), STDERR_FILENO);
    struct search_result result = search_all(s, bound, limit);
    _exit(write(to, &result, sizeof(result)) == sizeof(result) ? 0 : 1);
}

static void copy_report(FILE *report) {
    char line[4096];
    rewind(report);
    while (fgets(line, sizeof(line), report)) printf("    %s", line);
}

static void job_ended(struct slot *slot, int status) {
    struct search_result r;
    bool good = status == 0 && read(slot->from, &r, sizeof(r)) == sizeof(r);
    if (good) {
        printf("%-60s %8lu %8lu %9lu %2u/%-2u  %u%s %7.2f\n", slot->name, r.schedules, r.redundant, r.nodes, r.reached,
               r.ends, r.bound, r.cut ? "+" : " ", r.seconds);
        totals.scenarios++;
        totals.schedules += r.schedules;
        totals.redundant += r.redundant;
        totals.nodes += r.nodes;
        totals.seconds += r.seconds;
        totals.cut += r.cut;
    } else {
        printf("%-60s FAILED\n", slot->name);
        copy_report(slot->report);
        failures++;
    }
    fflush(stdout);
    fclose(slot->report);
    close(slot->from);
    slot->pid = 0;
    running_jobs--;
}

static void wait_for_one(void) {
    int status;
    pid_t pid = wait(&status);
    for (unsigned i = 0; i < MAX_JOBS; i++) {
        if (pid > 0 && slots[i].pid == pid) job_ended(&slots[i], status);
    }
}

static void start(const struct scenario *s) {
    int ends[2];
    while (running_jobs >= jobs) wait_for_one();
    struct slot *slot = slots;
    while (slot->pid) slot++;
    scenario_name(s, slot->name, sizeof(slot->name));
    slot->report = tmpfile();
    if (!slot->report || pipe(ends) != 0) abort();
    slot->pid = fork();
    if (slot->pid < 0) abort();
    if (slot->pid == 0) {
        close(ends[0]);
        explore_one(s, slot, ends[1]);
    }
    close(ends[1]);
    slot->from = ends[0];
    running_jobs++;
}

/* --- which --- */

/* Does it say anything that these acts share what they act on in that way? */
static bool makes_sense(const struct scenario *s) {
    unsigned any = 0, all = ~0u;
    for (unsigned i = 0; i < s->count; i++) {
        any |= s->acts[i]->flags;
        all &= s->acts[i]->flags;
    }
    switch (s->sharing) {
    case SHARE_SAME: return true;
    case SHARE_TOGETHER: return (any & ACT_LAST) || (all & (ACT_OBJECTS | ACT_TASKS));
    default: return all & ACT_MEMORY;
    }
}

static bool name_matches(const char *pattern, size_t len, const struct act *act) {
    return len == 0 || (strlen(act->name) == len && memcmp(pattern, act->name, len) == 0);
}

/* The acts of a pattern, from the first that is not decided yet. */
static void start_matching(struct scenario *s, const char *pattern) {
    size_t len = strcspn(pattern, "+@");
    for (unsigned i = 0; i < act_count; i++) {
        if (!name_matches(pattern, len, &acts[i])) continue;
        /* Of any two, each pair once. */
        if (len == 0 && s->count > 0 && &acts[i] < s->acts[s->count - 1]) continue;
        struct scenario next = *s;
        next.acts[next.count++] = &acts[i];
        if (pattern[len] == '+') {
            if (next.count < ACTORS) start_matching(&next, pattern + len + 1);
            continue;
        }
        for (unsigned sharing = 0; sharing < SHARINGS; sharing++) {
            next.sharing = (enum sharing)sharing;
            bool wanted =
                pattern[len] == '@' ? strcmp(pattern + len + 1, sharing_names[sharing]) == 0 : makes_sense(&next);
            if (wanted) start(&next);
        }
    }
}

static const char *const triples[] = {
#include "tests/host/explore/triples.def"
};

static bool find_one(const char *name, struct scenario *s) {
    *s = (struct scenario){.count = 0};
    for (;; name++) {
        size_t len = strcspn(name, "+@");
        unsigned i = 0;
        while (i < act_count && (len == 0 || !name_matches(name, len, &acts[i]))) i++;
        if (i == act_count || s->count == ACTORS) return false;
        s->acts[s->count++] = &acts[i];
        name += len;
        if (*name != '+') break;
    }
    for (unsigned i = 0; *name == '@' && i < SHARINGS; i++) {
        if (strcmp(name + 1, sharing_names[i]) != 0) continue;
        s->sharing = (enum sharing)i;
        return true;
    }
    return *name == '\0';
}

static int usage(void) {
    fprintf(stderr, "usage: explore [-a] [-s] [-k bound] [-j jobs] [-t seconds] [-r schedule] [scenario …]\n");
    return 2;
}

static int replay(const char *name, const char *schedule) {
    struct scenario s;
    if (!name || !find_one(name, &s)) return usage();
    return !search_replay(&s, bound, schedule);
}

static void start_all(void) {
    start_matching(&(struct scenario){.count = 0}, "+");
    for (unsigned i = 0; i < sizeof(triples) / sizeof(triples[0]); i++)
        start_matching(&(struct scenario){.count = 0}, triples[i]);
}

int main(int argc, char **argv) {
    const char *schedule = NULL;
    unsigned spins = mutex_spins;
    mutex_spins = 0;
    for (int option; (option = getopt(argc, argv, "ask:j:t:r:")) != -1;) {
        if (option == 'a')
            schedule_reduce(false);
        else if (option == 's')
            mutex_spins = spins;
        else if (option == 'k')
            bound = (unsigned)atoi(optarg);
        else if (option == 'j')
            jobs = (unsigned)atoi(optarg);
        else if (option == 't')
            limit = atof(optarg);
        else if (option == 'r')
            schedule = optarg;
        else
            return usage();
    }
    if (jobs < 1 || jobs > MAX_JOBS) return usage();
    if (schedule) return replay(argv[optind], schedule);
    printf("%-60s %8s %8s %9s %5s %3s %7s\n", "scenario", "schedules", "repeated", "nodes", "ends", "k", "seconds");
    for (int i = optind; i < argc; i++) start_matching(&(struct scenario){.count = 0}, argv[i]);
    if (optind == argc) start_all();
    while (running_jobs > 0) wait_for_one();
    printf(
        "%lu scenarios, %lu schedules, %lu more that repeat others, %lu nodes, %lu not finished, %.1f s; %u failed\n",
        totals.scenarios, totals.schedules, totals.redundant, totals.nodes, totals.cut, totals.seconds, failures);
    return failures > 0 || totals.scenarios == 0;
}
