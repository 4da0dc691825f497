/* Exceptions: what stops a thread, and what its handlers learn of it. */
#pragma once

#include <zircon/syscalls/port.h>
#include <zircon/types.h>

__BEGIN_CDECLS

typedef uint32_t zx_excp_type_t;

/* Types that the machine raises. Bit 15 is set in the others. */
#define ZX_EXCP_GENERAL ((zx_excp_type_t)0x008u)
#define ZX_EXCP_FATAL_PAGE_FAULT ((zx_excp_type_t)0x108u)
#define ZX_EXCP_UNDEFINED_INSTRUCTION ((zx_excp_type_t)0x208u)
#define ZX_EXCP_SW_BREAKPOINT ((zx_excp_type_t)0x308u)
#define ZX_EXCP_HW_BREAKPOINT ((zx_excp_type_t)0x408u) /* a single step too */
#define ZX_EXCP_UNALIGNED_ACCESS ((zx_excp_type_t)0x508u)

/* Types that the kernel makes. */
#define ZX_EXCP_THREAD_STARTING ((zx_excp_type_t)0x8008u)  /* to its process's debugger */
#define ZX_EXCP_THREAD_EXITING ((zx_excp_type_t)0x8108u)   /* to its process's debugger */
#define ZX_EXCP_POLICY_ERROR ((zx_excp_type_t)0x8208u)     /* to all handlers, as those of the machine */
#define ZX_EXCP_PROCESS_STARTING ((zx_excp_type_t)0x8308u) /* to the nearest job's debugger */

#define ZX_EXCP_SYNTH ((zx_excp_type_t)0x8000u)
#define ZX_EXCP_IS_ARCH(excp) (((excp)&ZX_EXCP_SYNTH) == 0)

/* A message of an exception channel. With it comes one handle, to the exception. */
typedef struct zx_exception_info {
    zx_koid_t pid;
    zx_koid_t tid;
    zx_excp_type_t type;
    uint8_t padding1[4];
} zx_exception_info_t;

/* What the processor says of it; zeros for a synthetic exception. */
typedef struct zx_x86_64_exc_data {
    uint64_t vector;
    uint64_t err_code;
    uint64_t cr2; /* page faults: the address */
} zx_x86_64_exc_data_t;

typedef struct zx_arm64_exc_data {
    uint32_t esr;
    uint8_t padding1[4];
    uint64_t far;
} zx_arm64_exc_data_t;

typedef struct zx_exception_context {
    struct {
        union {
            zx_x86_64_exc_data_t x86_64;
            zx_arm64_exc_data_t arm_64;
        } u;
    } arch;
} zx_exception_context_t;

typedef struct zx_exception_header {
    uint32_t size; /* of the whole report */
    zx_excp_type_t type;
} zx_exception_header_t;

/* ZX_INFO_THREAD_EXCEPTION_REPORT */
typedef struct zx_exception_report {
    zx_exception_header_t header;
    zx_exception_context_t context;
} zx_exception_report_t;

/* An option of task_create_exception_channel. */
#define ZX_EXCEPTION_CHANNEL_DEBUGGER ((uint32_t)1u)

/* Whose channel it is that an exception was reported to. */
#define ZX_EXCEPTION_CHANNEL_TYPE_NONE ((uint32_t)0u)
#define ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER ((uint32_t)1u) /* a process's debugger */
#define ZX_EXCEPTION_CHANNEL_TYPE_THREAD ((uint32_t)2u)
#define ZX_EXCEPTION_CHANNEL_TYPE_PROCESS ((uint32_t)3u)
#define ZX_EXCEPTION_CHANNEL_TYPE_JOB ((uint32_t)4u)
#define ZX_EXCEPTION_CHANNEL_TYPE_JOB_DEBUGGER ((uint32_t)5u)

/* The same by their older names. */
#define ZX_EXCEPTION_PORT_TYPE_NONE ZX_EXCEPTION_CHANNEL_TYPE_NONE
#define ZX_EXCEPTION_PORT_TYPE_DEBUGGER ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER
#define ZX_EXCEPTION_PORT_TYPE_THREAD ZX_EXCEPTION_CHANNEL_TYPE_THREAD
#define ZX_EXCEPTION_PORT_TYPE_PROCESS ZX_EXCEPTION_CHANNEL_TYPE_PROCESS
#define ZX_EXCEPTION_PORT_TYPE_JOB ZX_EXCEPTION_CHANNEL_TYPE_JOB
#define ZX_EXCEPTION_PORT_TYPE_JOB_DEBUGGER ZX_EXCEPTION_CHANNEL_TYPE_JOB_DEBUGGER

__END_CDECLS
