/*
 * Runs the in-kernel tests and reports them as TAP. The linker gathers the tests in a section of their own; they run in
 * its order, each on the thread that called kernel_tests_main().
 */
#include "tests/kernel/harness.h"

#include "arch/console.h"
#include "arch/cpu.h"
#include "kernel/base/log.h"
#include "kernel/base/options.h"
#include "kernel/base/string.h"
#include "kernel/object/selfcheck.h"

extern const struct kernel_test __start_ktests[];
extern const struct kernel_test __stop_ktests[];

static bool test_good;
static bool stopping;

void kernel_test_report(const char *fmt, ...) {
    char line[256];
    va_list args;
    va_start(args, fmt);
    size_t len = format_args(line, sizeof(line) - 1, fmt, args);
    va_end(args);
    if (len > sizeof(line) - 2) len = sizeof(line) - 2;
    line[len] = '\n';
    arch_report_write(line, len + 1);
}

bool kernel_test_expect(bool good, const char *file, int line, const char *text) {
    if (!good) {
        kernel_test_report("# %s:%d: not true: %s", file, line, text);
        test_good = false;
    }
    return good;
}

void kernel_tests_stop(void) { stopping = true; }

static bool test_run(const struct kernel_test *test, size_t number) {
    test_good = true;
    selfcheck_baseline(BASELINE_OUTER);
    test->run();
    kernel_test_expect(selfcheck_leaks(BASELINE_OUTER) == ZX_OK, test->name, 0, "everything was given back");
    kernel_test_expect(selfcheck_invariants() == ZX_OK, test->name, 0, "the kernel's invariants hold");
    if (!stopping) kernel_test_report("%sok %zu - %s", test_good ? "" : "not ", number, test->name);
    return test_good;
}

/* Is the test among those that were asked for? */
static bool wanted(const struct kernel_test *test) {
    char only[32];
    return !option_string("test.only", only, sizeof(only)) || strncmp(test->name, only, strlen(only)) == 0;
}

int kernel_tests_main(void) {
    size_t count = 0, number = 0;
    int failures = 0;
    for (const struct kernel_test *test = __start_ktests; test < __stop_ktests; test++) count += wanted(test);
    kernel_test_report("1..%zu", count);
    for (const struct kernel_test *test = __start_ktests; test < __stop_ktests && !stopping; test++) {
        if (wanted(test) && !test_run(test, ++number)) failures++;
    }
    return failures;
}
