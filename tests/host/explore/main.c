/*
 * The explorer's command line:
 *
 *     explore [-a] [-s] [-k bound] [-j jobs] [-t seconds] [-r schedule] [scenario …]
 *
 * A scenario is two or three acts and how they share memory: "unmap+process_write@same". "+" alone stands for any
 * act, "@" may be left out for all ways that make sense; no scenario: all pairs, and the triples. Each runs in a
 * process of its own, and the result is a table of them. With -a nothing is left out because it would only repeat
 * something. Threads that find a mutex taken block at once, where most can be wrong; with -s they spin first, as on a
 * machine. Exits with 1 if a scenario failed, with 2 if it cannot do what it is asked to. See README.md.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/sched/mutex.h"
#include "kernel/sched/object.h"
#include "tests/host/explore/explore.h"
#include "tests/host/explore/search.h"

#define MAX_JOBS 16
#define MAX_BOUND 100

static unsigned bound = 2, jobs = 1;
static double limit = 1e9;
static unsigned failures, running_jobs;

/* Two acts of the kinds memory, tasks, objects; or three. The last row sums up all. */
enum { KINDS = 3, THREES = KINDS * KINDS, ALL };
static struct totals {
    uint64_t scenarios, schedules, redundant, nodes, cut;
    double seconds, most;
    char slowest[200];
} totals[ALL + 1];

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
    unsigned row; /* of the totals */
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

static void add_up(struct totals *t, const char *name, const struct search_result *r) {
    t->scenarios++;
    t->schedules += r->schedules;
    t->redundant += r->redundant;
    t->nodes += r->nodes;
    t->cut += r->cut;
    t->seconds += r->seconds;
    if (r->seconds <= t->most) return;
    t->most = r->seconds;
    snprintf(t->slowest, sizeof(t->slowest), "%s", name);
}

static unsigned kind_of(const struct act *act) { return act->flags & ACT_MEMORY ? 0 : act->flags & ACT_TASKS ? 1 : 2; }

static unsigned row_of(const struct scenario *s) {
    if (s->count > 2) return THREES;
    unsigned a = kind_of(s->acts[0]), b = kind_of(s->acts[1]);
    return a < b ? a * KINDS + b : b * KINDS + a;
}

static void print_totals(void) {
    static const char *const kinds[KINDS] = {"memory", "tasks", "objects"};
    printf("\n%-20s %9s %9s %9s %11s %9s %8s %7s  %s\n", "calls", "scenarios", "schedules", "repeated", "nodes",
           "not ended", "seconds", "longest", "");
    for (unsigned row = 0; row <= ALL; row++) {
        const struct totals *t = &totals[row];
        char name[40] = "all";
        if (t->scenarios == 0 && row < ALL) continue;
        if (row < ALL) snprintf(name, sizeof(name), "threes");
        if (row < THREES) snprintf(name, sizeof(name), "%s and %s", kinds[row / KINDS], kinds[row % KINDS]);
        printf("%-20s %9lu %9lu %9lu %11lu %9lu %8.1f %7.1f  %s\n", name, t->scenarios, t->schedules, t->redundant,
               t->nodes, t->cut, t->seconds, t->most, t->slowest);
    }
}

static void job_ended(struct slot *slot, int status) {
    struct search_result r;
    bool good = status == 0 && read(slot->from, &r, sizeof(r)) == sizeof(r);
    if (good) {
        printf("%-60s %8lu %8lu %9lu %2u/%-2u  %u%s %7.2f\n", slot->name, r.schedules, r.redundant, r.nodes, r.reached,
               r.ends, r.bound, r.cut ? "+" : " ", r.seconds);
        add_up(&totals[slot->row], slot->name, &r);
        add_up(&totals[ALL], slot->name, &r);
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
    slot->row = row_of(s);
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
    case SHARE_TOGETHER: return (any & ACT_LAST) || (all & (ACT_MEMORY | ACT_OBJECTS | ACT_TASKS));
    case SHARE_COPIED: return any & ACT_LAST;
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

/* --- the command line --- */

__attribute__((format(printf, 1, 2))) _Noreturn static void refuse(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "explore: ");
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nusage: explore [-a] [-s] [-k bound] [-j jobs] [-t seconds] [-r schedule] [scenario …]\n");
    exit(2);
}

static double number(const char *text, char option, double least, double most) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= least && value <= most))
        refuse("-%c takes a number from %g to %g, not '%s'", option, least, most, text);
    return value;
}

static unsigned whole_number(const char *text, char option, unsigned least, unsigned most) {
    double value = number(text, option, least, most);
    if (value != (unsigned)value) refuse("-%c takes a whole number, not '%s'", option, text);
    return (unsigned)value;
}

static bool is_sharing(const char *name) {
    unsigned i = 0;
    while (i < SHARINGS && strcmp(name, sharing_names[i]) != 0) i++;
    return i < SHARINGS;
}

static void check_pattern(const char *pattern) {
    unsigned count = 0;
    const char *at = pattern;
    for (;; at++) {
        size_t len = strcspn(at, "+@");
        unsigned i = 0;
        while (i < act_count && !name_matches(at, len, &acts[i])) i++;
        if (i == act_count) refuse("there is no act '%.*s'", (int)len, at);
        count++;
        at += len;
        if (*at != '+') break;
    }
    if (count < 2 || count > ACTORS) refuse("a scenario has two acts or %u, '%s' has %u", ACTORS, pattern, count);
    if (*at == '@' && !is_sharing(at + 1)) refuse("there is no way to share '%s'", at + 1);
}

static int replay(const char *name, const char *schedule) {
    struct scenario s;
    if (!schedule_parse(schedule)) refuse("not a schedule: '%s'", schedule);
    if (!find_one(name, &s)) refuse("a replay is of one scenario, with each act's name, not '%s'", name);
    return !search_replay(&s, bound);
}

/* The triples first: the longest scenario is one of them, and nobody is to wait for it alone in the end. */
static void start_all(void) {
    for (unsigned i = 0; i < sizeof(triples) / sizeof(triples[0]); i++)
        start_matching(&(struct scenario){.count = 0}, triples[i]);
    start_matching(&(struct scenario){.count = 0}, "+");
}

static double minutes_since(const struct timespec *then) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ((double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) * 1e-9) / 60;
}

int main(int argc, char **argv) {
    const char *schedule = NULL;
    struct timespec began;
    unsigned spins = mutex_spins;
    mutex_spins = 0;
    observers_in_part = 1;
    for (int option; (option = getopt(argc, argv, "ask:j:t:r:")) != -1;) {
        if (option == 'a')
            schedule_reduce(false);
        else if (option == 's')
            mutex_spins = spins;
        else if (option == 'k')
            bound = whole_number(optarg, 'k', 0, MAX_BOUND);
        else if (option == 'j')
            jobs = whole_number(optarg, 'j', 1, MAX_JOBS);
        else if (option == 't')
            limit = number(optarg, 't', 0, 1e9);
        else if (option == 'r')
            schedule = optarg;
        else
            refuse("such an option is not known, or lacks its argument");
    }
    for (int i = optind; i < argc; i++) check_pattern(argv[i]);
    if (schedule && argc != optind + 1) refuse("a replay is of one scenario");
    if (schedule) return replay(argv[optind], schedule);
    clock_gettime(CLOCK_MONOTONIC, &began);
    printf("%-60s %8s %8s %9s %5s %3s %7s\n", "scenario", "schedules", "repeated", "nodes", "ends", "k", "seconds");
    for (int i = optind; i < argc; i++) start_matching(&(struct scenario){.count = 0}, argv[i]);
    if (optind == argc) start_all();
    while (running_jobs > 0) wait_for_one();
    print_totals();
    printf("%lu scenarios, %lu not ended in time, %u failed, %.1f minutes on %u cores\n", totals[ALL].scenarios,
           totals[ALL].cut, failures, minutes_since(&began), jobs);
    return failures > 0 || totals[ALL].scenarios == 0;
}
