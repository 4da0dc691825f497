/*
 * The kernel's unit tests, all of tests/kernel, run on the host under the sanitizers.
 */
#include "kernel/object/selfcheck.h"
#include "tests/host/host.h"
#include "tests/kernel/harness.h"

static void run(void) { host_exit(kernel_tests_main() ? 1 : 0); }

int main(void) { host_boot((size_t)256 << 20, run); }
