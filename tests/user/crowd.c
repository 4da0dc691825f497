/*
 * Many members: what lists and look-ups of a job's jobs cost when there are ten times as many, and that a list ends
 * while others make more.
 */
#include <zircon/syscalls/object.h>

#include "tests/user/agent.h"
#include "tests/user/child.h"
#include "tests/user/probe.h"

#define FEW 400
#define MANY 4000

static zx_handle_t jobs[MANY];
static zx_koid_t koids[MANY + 1];

/* Makes jobs up to the number given: all of them in `jobs[0]`, but that one. */
static void make_jobs(size_t from, size_t count) {
    for (size_t i = from; i < count; i++) MUST(zx_job_create(i ? jobs[0] : zx_job_default(), 0, &jobs[i]));
}

static zx_duration_t list_jobs(size_t count) {
    size_t actual, avail;
    zx_time_t begun = zx_clock_get_monotonic();
    MUST(zx_object_get_info(jobs[0], ZX_INFO_JOB_CHILDREN, koids, sizeof(koids), &actual, &avail));
    zx_duration_t took = zx_clock_get_monotonic() - begun;
    EXPECT(actual == count && avail == count);
    for (size_t i = 1; i < count; i++) EXPECT(koids[i - 1] < koids[i]);
    return took;
}

static zx_duration_t find_jobs(size_t count) {
    zx_handle_t found;
    zx_time_t begun = zx_clock_get_monotonic();
    for (size_t i = 0; i < 100; i++) {
        MUST(zx_object_get_child(jobs[0], koids[i * count / 100], ZX_RIGHT_SAME_RIGHTS, &found));
        MUST(zx_handle_close(found));
    }
    return zx_clock_get_monotonic() - begun;
}

TEST("object_get_info/JOB_CHILDREN takes ten times as long for ten times as many, and object_get_child no longer") {
    make_jobs(0, FEW + 1);
    (void)list_jobs(FEW);
    zx_duration_t list = list_jobs(FEW), find = find_jobs(FEW);
    make_jobs(FEW + 1, MANY);
    zx_duration_t long_list = list_jobs(MANY - 1), long_find = find_jobs(MANY - 1);
    if (!times_are_exact()) return;
    EXPECT(long_list <= 15 * list);
    EXPECT(long_find <= find + find / 5);
    test_note("%d: list %lld ns, find %lld ns; %d: %lld, %lld", FEW, (long long)list, (long long)find / 100, MANY,
              (long long)long_list, (long long)long_find / 100);
}

/* While a table grows, what is in it is found. */

static zx_handle_t event;

static void duplicate_many(void *arg) {
    for (size_t i = 0; i < MANY; i++) MUST(zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &jobs[i]));
    MUST(zx_handle_close_many(jobs, MANY));
    *(_Atomic bool *)arg = true;
}

TEST("handle_duplicate/thousands of handles, while another thread uses one that was there before") {
    static struct worker worker;
    static _Atomic bool over;
    event = event_make();
    NEED(worker_start(&worker, duplicate_many, &over));
    while (!over) EXPECT_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
    NEED(worker_join(&worker));
}

/* Somebody makes jobs in `jobs[0]` all the time, and ends them when there are many. */
static _Atomic uint64_t made, closed, done;

static void make_on(void *arg) {
    (void)arg;
    while (!done) {
        size_t end = FEW;
        for (; end < MANY && !done; end++, made++) make_jobs(end, end + 1);
        EXPECT_OK(zx_handle_close_many(jobs + FEW, end - FEW));
        closed += end - FEW;
    }
}

TEST("object_get_info/JOB_CHILDREN ends with those that were there when it began, while others make more") {
    static struct worker maker;
    zx_time_t begun = zx_clock_get_monotonic();
    size_t avail, met = 0, late = 0;
    make_jobs(0, FEW);
    NEED(worker_start(&maker, make_on, NULL));
    while (race_goes_on(begun, met > 20)) {
        uint64_t closed_before = closed, made_before = made;
        NEED_OK(zx_object_get_info(jobs[0], ZX_INFO_JOB_CHILDREN, NULL, 0, NULL, &avail));
        /* And one whose making has begun; more if this thread had to wait for a processor before its call. */
        late += avail > FEW - 1 + made_before - closed_before + 1;
        met += made > made_before + 2;
    }
    EXPECT(late <= met / 4);
    done = true;
    NEED(worker_join(&maker));
}
