/* The tests of what gdbserver has of pure code: one program, whose files share this. */
#pragma once

#include <stdbool.h>

void ok(bool good, const char *what);

void test_agent(void);
