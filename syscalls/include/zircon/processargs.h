/*
 * The bootstrap message: the first message on the channel that a new process gets as its first argument. It carries
 * the program's arguments, its environment, and handles, each with an id that says what it is for.
 *
 *     zx_proc_args_t | one uint32_t id per handle | arguments | environment | names
 *
 * in any order after the header, which tells where each part begins, in bytes from the start of the message. The
 * last three are strings that follow one another, each with its NUL.
 */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS

#define ZX_PROCARGS_PROTOCOL ((uint32_t)0x4150585du)
#define ZX_PROCARGS_VERSION ((uint32_t)0x00001000u)

typedef struct zx_proc_args {
    uint32_t protocol; /* ZX_PROCARGS_PROTOCOL */
    uint32_t version;  /* ZX_PROCARGS_VERSION */
    uint32_t handle_info_off;
    uint32_t args_off;
    uint32_t args_num;
    uint32_t environ_off;
    uint32_t environ_num;
    uint32_t names_off;
    uint32_t names_num;
} zx_proc_args_t;

/* An id is a type together with a number of the launcher's choice, to tell several of one type apart. */
#define PA_HND(type, arg) (((type)&0xFFu) | (((arg)&0xFFFFu) << 16))
#define PA_HND_TYPE(n) ((n)&0xFFu)
#define PA_HND_SUBTYPE(n) (((n) >> 8) & 0xFFu)
#define PA_HND_ARG(n) (((n) >> 16) & 0xFFFFu)

/* The new process itself, its first thread, the job to make processes in, its whole address space. */
#define PA_PROC_SELF 0x01u
#define PA_THREAD_SELF 0x02u
#define PA_JOB_DEFAULT 0x03u
#define PA_VMAR_ROOT 0x04u

/* The boot archive, read-only, and the root resource. */
#define PA_VMO_BOOTFS 0x1Bu
#define PA_RESOURCE 0x3Fu

/* For a launcher and its program to agree on. */
#define PA_USER0 0xF0u
#define PA_USER1 0xF1u
#define PA_USER2 0xF2u

__END_CDECLS
