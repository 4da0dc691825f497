/*
 * The search; see search.h. First all orders of the calls, one at a time or window by window: how those end is
 * allowed. Then all schedules with one preemption, two, …: each must end in a way that is allowed.
 *
 * The director comes back from its second cpus_leave() once for each schedule.
 */
#include "tests/host/explore/search.h"

#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/host/cache.h"
#include "tests/host/explore/explore.h"

#define MEMORY ((size_t)16 << 20)
#define MAX_ENDS 4096

extern char host_data_first[], host_data_last[], host_bss_first[], host_bss_last[];

static const struct scenario *scenario;
static char *ends[MAX_ENDS];
static bool reached[MAX_ENDS];
static unsigned end_count;
static bool telling; /* the schedule is told already */

/* --- failing --- */

static void tell_schedule(void) {
    if (telling) return;
    telling = true;
    fprintf(stderr, "schedule: REPLAY='");
    schedule_print(stderr);
    fprintf(stderr, "'\n");
    trace_print(stderr);
    fflush(stderr);
}

void explore_failed(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "wrong: ");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    tell_schedule();
    _exit(1);
}

/* A panic; what it says went to the log. Or the explorer itself cannot continue. */
static void aborted(int number) {
    (void)number;
    explore_failed("the end, by a panic or abort(): %s", host_panic_line());
}

/* --- the machine --- */

static void direct(void) {
    cpus_leave();
    stage_build(scenario);
    cpus_leave();
    stage_run();
    outcome_tell();
    stage_take_down();
    cpus_leave();
}

static void boot(unsigned actors) {
    const struct sigaction on_abort = {.sa_handler = aborted, .sa_flags = SA_ONSTACK};
    sigaction(SIGABRT, &on_abort, NULL);
    __sanitizer_set_death_callback(tell_schedule);
    snapshot_add(host_data_first, (size_t)(host_data_last - host_data_first));
    snapshot_add(host_bss_first, (size_t)(host_bss_last - host_bss_first));
    cpus_start(actors + 2, MEMORY, direct);
    snapshot_add(host_physmap, MEMORY);
    snapshot_add((void *)host_dynamic_base, KERNEL_DYNAMIC_SIZE);
    host_cache_memory(snapshot_add);
}

static void set_the_stage(const struct scenario *wanted) {
    scenario = wanted;
    boot(wanted->count);
    cpus_resume();
    host_cache_restart(1);
    snapshot_take();
}

static void run_once(void) {
    schedule_begin();
    do {
        cpus_resume();
    } while (schedule_marked());
}

/* --- searching --- */

/* Its number, or end_count. */
static unsigned find_end(const char *end) {
    unsigned i = 0;
    while (i < end_count && strcmp(ends[i], end) != 0) i++;
    return i;
}

static void allow(const char *end) {
    if (find_end(end) < end_count) return;
    if (end_count == MAX_ENDS) abort();
    ends[end_count++] = strdup(end);
}

static double clock_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool has_line(const char *text, const char *line, size_t len) {
    for (; *text; text += strcspn(text, "\n") + 1) {
        if (strcspn(text, "\n") == len && memcmp(text, line, len) == 0) return true;
    }
    return false;
}

/* Tells, if asked to, which lines of `text` are not in `other`; how many. Both end with a line's end. */
static unsigned lines_not_in(const char *text, const char *other, const char *mark, FILE *to) {
    unsigned count = 0;
    for (size_t len; *text; text += len + 1) {
        len = strcspn(text, "\n");
        if (has_line(other, text, len)) continue;
        count++;
        if (to) fprintf(to, "%s%.*s\n", mark, (int)len, text);
    }
    return count;
}

static void tell_unexplained(const char *end) {
    unsigned best = 0, least = ~0u;
    for (unsigned i = 0; i < end_count; i++) {
        unsigned differ = lines_not_in(end, ends[i], "", NULL) + lines_not_in(ends[i], end, "", NULL);
        if (differ < least) best = i;
        if (differ < least) least = differ;
    }
    fprintf(stderr,
            "%u ends are explained by orders of the calls; this one (+) and the one most like it (-) differ in:\n",
            end_count);
    (void)lines_not_in(end, ends[best], "  + ", stderr);
    (void)lines_not_in(ends[best], end, "  - ", stderr);
}

static void check_end(void) {
    unsigned i = find_end(outcome_text());
    if (i < end_count) {
        reached[i] = true;
        return;
    }
    tell_unexplained(outcome_text());
    explore_failed("an end that no order of the calls explains");
}

/* Does it matter to any of the calls when an alarm goes off? */
static bool is_timed(void) {
    for (unsigned i = 0; i < scenario->count; i++) {
        if (scenario->acts[i]->flags & ACT_TIME) return true;
    }
    return false;
}

/*
 * A pass that has met places that it did not know is to begin anew. Nearly all are met early: as soon as it has gone on
 * for half as long again without another, it is given up.
 */
static bool has_learned_enough(uint64_t run) {
    static uint64_t last;
    static unsigned met;
    if (run == 1) met = 0;
    if (schedule_grew() != met) last = run;
    met = schedule_grew();
    return met > 0 && run >= last + last / 2;
}

/* One pass; false if there was no time to end it. The caller looks whether it learned of new places. */
static bool pass(enum schedule_mode mode, unsigned bound, double until, struct search_result *result) {
    uint64_t run = 0;
    schedule_begin_pass(mode, bound, is_timed());
    do {
        run_once();
        if (schedule_redundant())
            result->redundant++;
        else
            result->schedules++;
        if (mode == SCHEDULE_WINDOWS)
            allow(outcome_text());
        else if (!schedule_redundant())
            check_end();
        if (clock_now() > until) {
            (void)!schedule_next();
            return false;
        }
    } while (schedule_next() && !has_learned_enough(++run));
    return true;
}

struct search_result search_all(const struct scenario *wanted, unsigned bound, double seconds) {
    struct search_result result = {0};
    double begin = clock_now(), until = begin + seconds;
    set_the_stage(wanted);
    do {
        result.cut = !pass(SCHEDULE_WINDOWS, bound, until, &result);
    } while (!result.cut && schedule_grew());
    while (!result.cut && result.bound < bound) {
        do {
            result.cut = !pass(SCHEDULE_ALL, result.bound + 1, until, &result);
        } while (!result.cut && schedule_grew());
        if (!result.cut) result.bound++;
    }
    result.nodes = schedule_nodes();
    result.ends = end_count;
    for (unsigned i = 0; i < end_count; i++) result.reached += reached[i];
    result.seconds = clock_now() - begin;
    return result;
}

bool search_replay(const struct scenario *wanted, unsigned bound) {
    struct search_result ignored = {0};
    set_the_stage(wanted);
    do {
        (void)!pass(SCHEDULE_WINDOWS, bound, clock_now() + 600, &ignored);
    } while (schedule_grew());
    schedule_begin_pass(SCHEDULE_REPLAY, bound, is_timed());
    run_once();
    (void)!schedule_next();
    trace_print(stdout);
    printf("It ended so:\n%s", outcome_text());
    fflush(stdout);
    check_end();
    if (schedule_followed()) return true;
    fprintf(stderr, "not all of its points were met: the schedule is another build's\n");
    return false;
}
