/* What the files of acts share; acts.c lists them. */
#pragma once

#include "kernel/base/switch_point.h"
#include "tests/host/explore/stage.h"

/*
 * A call as a program makes it: one that a suspension interrupted is made again, but for what goes on by a call of
 * its own.
 */
static inline zx_status_t act_call(enum host_syscall_number number, const uint64_t args[8]) {
    zx_status_t status;
    /* Between the calls of an act that makes several, others may come in. */
    switch_window_reached();
    do {
        status = (zx_status_t)host_syscall(number, args);
    } while (status == ZX_ERR_INTERNAL_INTR_RETRY && number != HOST_SYS_channel_call_noretry);
    return status;
}
#define CALL(name, ...) act_call(HOST_SYS_##name, (uint64_t[8]){__VA_ARGS__})

/* A handle of the actor's that its act says it uses. */
zx_handle_t prop(const struct actor *a, enum prop which);

#define ACT(name, flags, uses) zx_status_t act_##name(struct actor *a);
#include "tests/host/explore/acts.def"
#undef ACT
