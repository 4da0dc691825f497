/*
 * Runs the user-mode tests and reports them as TAP. The program is started once to lead, and by itself once more for
 * each test: the leader takes the kernel's baseline, has the test run in a process of its own, waits until all of it is
 * gone, and asks whether the kernel got everything back. A test begins when its leader has closed what it launched it
 * with, and tells by its exit code how it ended; remarks go straight to the report.
 *
 *     tests [WORD …]       the tests whose names contain one of the words; all without one
 *     tests --run NUMBER   one test, in this process: for the leader
 *
 * The leader itself must not grow while a test runs, or it would look like a leak: it allocates nothing.
 */
#include "tests/user/harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>
#include <zircon/time.h>

#include "user/lib/launch.h"

#define TEST_SECONDS 60  /* for one test, unless "test.seconds=NUMBER" on the kernel's command line says more */
#define LEAK_SECONDS 20  /* for what dies on its own time, on a host that has others to run too */
#define REPORT_MAX 257   /* what the kernel takes as one command, and a NUL */
#define NO_TEST SIZE_MAX /* a launch that runs none */
#define PASSED 77        /* what a test ends with: nothing that a kernel's mistake could give */

/* On the test's process: from now on the leader only waits. */
#define LEADER_WAITS ZX_USER_SIGNAL_7

extern const struct user_test __start_utests[];
extern const struct user_test __stop_utests[];

static _Atomic bool failed;

zx_handle_t test_resource(void) { return launch_resource(); }

/* A command to the kernel's own checks. */
static zx_status_t command(const char *text) { return zx_debug_send_command(test_resource(), text, strlen(text)); }

static void report(const char *fmt, va_list args) {
    char line[REPORT_MAX] = "report ";
    size_t used = strlen(line);
    vsnprintf(line + used, sizeof(line) - used, fmt, args);
    command(line);
}

__attribute__((format(printf, 1, 2))) static void report_line(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    report(fmt, args);
    va_end(args);
}

void test_note(const char *fmt, ...) {
    char with_mark[200];
    snprintf(with_mark, sizeof(with_mark), "# %s", fmt);
    va_list args;
    va_start(args, fmt);
    report(with_mark, args);
    va_end(args);
}

static bool judge(bool good, const char *file, int line, const char *text, const char *actual, const char *want) {
    if (good) return true;
    failed = true;
    report_line("# %s:%d: %s is %s, not %s", file, line, text, actual, want);
    return false;
}

bool test_true(bool good, const char *file, int line, const char *text) {
    return judge(good, file, line, text, "false", "true");
}

bool test_eq(uint64_t actual, uint64_t want, const char *file, int line, const char *text) {
    if (actual == want) return true;
    char actual_text[48], want_text[48];
    snprintf(actual_text, sizeof(actual_text), "%lld (%#llx)", (long long)actual, (unsigned long long)actual);
    snprintf(want_text, sizeof(want_text), "%lld (%#llx)", (long long)want, (unsigned long long)want);
    return judge(false, file, line, text, actual_text, want_text);
}

bool test_status(zx_status_t actual, zx_status_t want, const char *file, int line, const char *text) {
    return judge(actual == want, file, line, text, zx_status_get_string(actual), zx_status_get_string(want));
}

bool test_bytes(const void *actual, const void *want, size_t len, const char *file, int line, const char *text) {
    const unsigned char *a = actual;
    const unsigned char *w = want;
    size_t at = 0;
    while (at < len && a[at] == w[at]) at++;
    if (at == len) return true;
    char actual_text[64], want_text[16];
    snprintf(actual_text, sizeof(actual_text), "%#x at byte %zu of %zu", a[at], at, len);
    snprintf(want_text, sizeof(want_text), "%#x", w[at]);
    return judge(false, file, line, text, actual_text, want_text);
}

static int seconds_allowed(void) {
    const char *given = getenv("test.seconds");
    return given ? atoi(given) : TEST_SECONDS;
}

/* Has one test run in a new process and tells how that ended. */
static bool test_launch(size_t index) {
    char number[24];
    snprintf(number, sizeof(number), "%zu", index);
    const char *const args[] = {"tests", "--run", number, NULL};
    const char *why = "";
    zx_handle_t process;
    zx_status_t status = launch_program("bin/tests", args, &process, &why);
    if (status != ZX_OK) {
        report_line("# cannot be started: %s (%s)", why, zx_status_get_string(status));
        return false;
    }
    zx_object_signal(process, 0, LEADER_WAITS);
    status = zx_object_wait_one(process, ZX_PROCESS_TERMINATED, zx_deadline_after(ZX_SEC(seconds_allowed())), NULL);
    if (status != ZX_OK) {
        report_line("# still running after %d seconds", seconds_allowed());
        zx_task_kill(process);
        zx_object_wait_one(process, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, NULL);
    }
    zx_info_process_t info = {.return_code = -1};
    zx_object_get_info(process, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL);
    zx_handle_close(process);
    if (info.return_code != PASSED && info.return_code != EXIT_FAILURE)
        report_line("# ended with %lld", (long long)info.return_code);
    return info.return_code == PASSED;
}

/* Threads and processes die on their own time: what is missing now may be back in a moment; a leak stays. */
static bool leaks_absent(zx_duration_t patience) {
    zx_time_t deadline = zx_deadline_after(patience);
    for (zx_duration_t pause = ZX_MSEC(5); command("leaks") != ZX_OK; pause += pause / 2) {
        if (zx_clock_get_monotonic() >= deadline) return false;
        zx_nanosleep(zx_deadline_after(pause));
    }
    return true;
}

static bool test_lead(const struct user_test *test) {
    command("baseline");
    bool good = test_launch((size_t)(test - __start_utests));
    if (!leaks_absent(ZX_SEC(LEAK_SECONDS))) {
        report_line("# not everything was given back; the kernel's log says what");
        good = false;
    }
    if (command("check") != ZX_OK) {
        report_line("# the kernel's invariants do not hold; its log says which");
        good = false;
    }
    return good;
}

static bool wanted(const char *name, char **words) {
    if (*words == NULL) return true;
    for (; *words != NULL; words++) {
        if (strstr(name, *words) != NULL) return true;
    }
    return false;
}

/* Nothing that the baseline counted was on its way out. */
static bool baseline_stays(void) {
    for (int looks = 0; looks < 10; looks++) {
        zx_nanosleep(zx_deadline_after(ZX_MSEC(20)));
        if (command("leaks") != ZX_OK) return false;
    }
    return true;
}

/*
 * What a first launch touches for good, and what it gives back late, must not look like the first test's leak, nor be
 * missed by it: until one launch more changes nothing. Each later baseline is taken after a look that found the one
 * before.
 */
static void warm_up(void) {
    test_launch(NO_TEST);
    do {
        command("baseline");
        test_launch(NO_TEST);
    } while (!leaks_absent(ZX_MSEC(50)) || !baseline_stays());
}

/* The plan, then the tests. Returns how many failed. */
static int tests_lead(char **words) {
    size_t count = 0;
    size_t number = 0;
    int failures = 0;
    warm_up();
    for (const struct user_test *test = __start_utests; test < __stop_utests; test++)
        count += wanted(test->name, words);
    report_line("1..%zu", count);
    for (const struct user_test *test = __start_utests; test < __stop_utests; test++) {
        if (!wanted(test->name, words)) continue;
        bool good = test_lead(test);
        report_line("%sok %zu - %s", good ? "" : "not ", ++number, test->name);
        if (!good) failures++;
    }
    return failures;
}

static void await_leader(void) {
    zx_object_wait_one(zx_process_self(), LEADER_WAITS, ZX_TIME_INFINITE, NULL);
    zx_object_signal(zx_process_self(), LEADER_WAITS, 0);
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--run") == 0) {
        await_leader();
        size_t index = strtoul(argv[2], NULL, 10);
        if (index < (size_t)(__stop_utests - __start_utests)) __start_utests[index].run();
        return failed ? EXIT_FAILURE : PASSED;
    }
    if (command("check") == ZX_ERR_NOT_SUPPORTED) {
        puts("tests: this kernel was built without its self-checks; use BUILD=debug");
        return EXIT_FAILURE;
    }
    return tests_lead(argv + 1) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
