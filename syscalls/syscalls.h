/*
 * What all system calls share. For each FILE.c here the list makes a header syscalls/FILE.h, with an entry for each of
 * its calls: it is called by the machine with the registers, gives them their types (and so cuts what is wider than its
 * argument), makes the checks that the list names, looks the handles up, and gives their objects back after the body,
 * sys_NAME(), has returned.
 *
 * A body reads: what is left to check; the act; outputs. It runs on the caller's thread with interrupts on and no lock
 * held, and leaves it the same way.
 */
#pragma once

#include <zircon/syscalls/policy.h>
#include <zircon/types.h>

#include "kernel/base/compiler.h"
#include "kernel/base/userptr.h"
#include "kernel/object/process.h"
#include "kernel/object/user_thread.h"

#define SYSCALL_ENTRY(name)                                                                                 \
    uint64_t syscall_##name(uint64_t a1 UNUSED, uint64_t a2 UNUSED, uint64_t a3 UNUSED, uint64_t a4 UNUSED, \
                            uint64_t a5 UNUSED, uint64_t a6 UNUSED, uint64_t a7 UNUSED, uint64_t a8 UNUSED)
#define SYSCALL(name, ...) SYSCALL_ENTRY(name);
#include "syscalls/list.h"
#undef SYSCALL

/* The calling process's handles. */
static inline struct handle_table *caller_handles(void) { return &process_current()->handles; }

/*
 * What the policy of the caller's job says to a ZX_POL_NEW_* or VMAR_WX: ACCESS_DENIED if the call must not succeed.
 * What else the policy wants happens on the way back to user mode.
 */
MUST_CHECK static inline zx_status_t caller_may(uint32_t condition) {
    return process_apply_policy(process_current(), condition);
}

/* The caller's handle leads to an object of a type that the call does not take: `status` says so. */
MUST_CHECK zx_status_t wrong_object(zx_status_t status);

/* Ends a use of one of them. */
static inline void caller_use_end(struct handle_slot *use) {
    if (unlikely(handle_use_end(use))) handle_done_last(caller_handles(), use);
}

/* A handle to an object that has signals, for a wait: BAD_HANDLE, ACCESS_DENIED, NOT_SUPPORTED. */
MUST_CHECK static ALWAYS_INLINE zx_status_t caller_use_waitable(zx_handle_t value, struct handle_slot **use) {
    zx_status_t status = handle_use_any(caller_handles(), value, ZX_RIGHT_WAIT, use);
    if (status != ZX_OK || likely(object_is_waitable((*use)->handle.object))) return status;
    caller_use_end(*use);
    return wrong_object(ZX_ERR_NOT_SUPPORTED);
}

/* Gives the caller its first handle, with the type's default rights, to a new object, whose reference it takes. */
MUST_CHECK zx_status_t give_new(struct object *object, user_out_t out);
MUST_CHECK zx_status_t give_new_pair(struct object *a, struct object *b, user_out_t out_a, user_out_t out_b);

/* A name for a new object: cut to 31 bytes. INVALID_ARGS for a bad pointer. */
MUST_CHECK zx_status_t copy_in_name(char name[ZX_MAX_NAME_LEN], user_in_t src, size_t len);
