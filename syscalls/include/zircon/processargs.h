/*
 * The bootstrap message: the first message on the channel that a new process gets as its first argument. It carries
 * the program's arguments, its environment, and handles, each with an id that says what it is for.
 *
 *     zx_proc_args_t | one uint32_t id per handle | arguments | environment | names
 *
 * in any order after the header, which has the offset of each part, in bytes from the start of the message. The
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

/* The region that the program was loaded into; who loads its libraries; memory: of its stack, its file, the boot. */
#define PA_VMAR_LOADED 0x05u
#define PA_LDSVC_LOADER 0x10u
#define PA_VMO_VDSO 0x11u
#define PA_VMO_STACK 0x13u
#define PA_VMO_EXECUTABLE 0x14u
#define PA_VMO_BOOTDATA 0x1Au
#define PA_VMO_BOOTFS 0x1Bu /* the boot archive, read-only */
#define PA_VMO_KERNEL_FILE 0x1Cu

/* Directories of a name space, descriptors, the channel that requests come by, a resource. */
#define PA_NS_DIR 0x20u
#define PA_FDIO_REMOTE 0x32u
#define PA_FDIO_LOGGER 0x35u
#define PA_FDIO_SOCKET 0x36u
#define PA_DIRECTORY_REQUEST 0x3Bu
#define PA_RESOURCE 0x3Fu /* the root resource */

/* For a launcher and its program to agree on. */
#define PA_USER0 0xF0u
#define PA_USER1 0xF1u
#define PA_USER2 0xF2u

__END_CDECLS
