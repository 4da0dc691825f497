/*
 * Misbehaviour on demand, so that the harness can be shown to notice. The option test.provoke names it:
 *
 *     panic      the kernel panics          hang    nothing happens any more
 *     wrong      a test fails               truncate    the tests end before the plan is fulfilled
 *     triple     the processor gives up and resets the machine
 *     overflow   a number outgrows its type, which debug kernels notice
 */
#include <limits.h>

#include "arch/cpu.h"
#include "kernel/base/log.h"
#include "kernel/base/options.h"
#include "kernel/base/string.h"
#include "tests/kernel/harness.h"

NORETURN void triple_fault(void);

static void overflow(void) {
    volatile int number = INT_MAX;
    number = number + 1;
}

static bool provoked(const char *what) {
    char value[16];
    return option_string("test.provoke", value, sizeof(value)) && strcmp(value, what) == 0;
}

KTEST("harness/nothing is provoked") {
    if (provoked("panic")) panic("provoked");
    if (provoked("overflow")) overflow();
    if (provoked("triple")) triple_fault();
    if (provoked("truncate")) kernel_tests_stop();
    if (provoked("hang")) {
        arch_irq_disable();
        arch_halt();
    }
    EXPECT(!provoked("wrong"));
}
