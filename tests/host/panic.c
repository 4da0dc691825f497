/*
 * A panic of kernel code that is linked without the kernel: into fuzzers of single files.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/base/log.h"

void panic(const char *fmt, ...) {
    fprintf(stderr, "panic: %s\n", fmt);
    abort();
}
