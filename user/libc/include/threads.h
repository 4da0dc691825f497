/* C11's threads: musl's, and what Zircon's C library has besides. */
#pragma once
#pragma GCC system_header

#include_next <threads.h>

/* A plain mutex, and a condition variable, without a call. */
/* clang-format off */
#define MTX_INIT {{{0}}}
#define CND_INIT {{{0}}}
/* clang-format on */

#ifdef __cplusplus
extern "C" {
#endif

/* thrd_create() of a thread whose kernel object has this name, cut to 31 bytes; NULL is that of any thread. */
int thrd_create_with_name(thrd_t *thread, thrd_start_t entry, void *arg, const char *name);

#ifdef __cplusplus
}
#endif
