/* The tour's voice, and its account of what was as it should be and what was not. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "user/tour/tour.h"

static unsigned seen;
static unsigned wrong;

void say(const char *who, const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("   %-8s", who);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

void scene(const char *title) {
    static unsigned number;
    printf("\n%u. %s\n\n", ++number, title);
}

void check(bool good, const char *what) {
    seen++;
    if (good) return;
    wrong++;
    say("WRONG", "It ought to be otherwise: %s.", what);
}

int verdict(void) {
    if (wrong > 0) {
        printf("\n%u of %u things were not as they should be.\n", wrong, seen);
        return EXIT_FAILURE;
    }
    printf("\nThat was the tour. All %u things it looked at were as they should be.\n", seen);
    return EXIT_SUCCESS;
}
