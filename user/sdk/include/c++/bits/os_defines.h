/* What the C++ headers of GCC ask about the system: it has musl, whose threads are always there. */
#pragma once

#define __NO_CTYPE 1
#define _GLIBCXX_GTHREAD_USE_WEAK 0
