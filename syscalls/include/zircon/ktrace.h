/*
 * What the kernel records of its own work, as zx_ktrace_read() gives it: records of one size. The first is a HEADER;
 * then, for each processor, a CPU and after it what was recorded there, oldest first. Times are ticks
 * (zx_ticks_get()). The format is Jargoon's own; what turns it into others is in user/lib/fxt.h.
 */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS

/* zx_ktrace_control() */
#define KTRACE_ACTION_START 1u /* options: groups, 0: all */
#define KTRACE_ACTION_STOP 2u
#define KTRACE_ACTION_REWIND 3u /* forgets what was recorded */

/* Groups of events. */
#define KTRACE_GRP_SCHEDULER (1u << 0)
#define KTRACE_GRP_SYSCALL (1u << 1)
#define KTRACE_GRP_MEMORY (1u << 2)
#define KTRACE_GRP_IPC (1u << 3)
#define KTRACE_GRP_LOCK (1u << 4)
#define KTRACE_GRP_PROBE (1u << 5)
#define KTRACE_GRP_TASKS (1u << 6)
#define KTRACE_GRP_ALL 0x7fu

typedef struct zx_ktrace_record {
    uint64_t time;
    uint32_t thread; /* the low half of its koid; below KTRACE_FIRST_KOID one of the kernel's own */
    __extension__ union {
        struct {
            uint16_t event; /* KTRACE_* */
            uint16_t info;
        };
        uint32_t what; /* both */
    };
    uint64_t a, b;
} zx_ktrace_record_t;

#define KTRACE_FIRST_KOID 1024u
#define KTRACE_IDLE_THREADS 64u /* from 1 to here: what a processor runs that has nothing to do, by number */
#define KTRACE_KERNEL_THREADS "reaper", "timers", "out of memory", "main" /* and those from there on */

#define KTRACE_VERSION 1u
/* Events, and what `info`, `a` and `b` are. One that begins ends with the END behind it, on the same thread. */
#define KTRACE_HEADER 0u      /* version; ticks in a second; processors */
#define KTRACE_CPU 1u         /* number; records that follow; records that were lost */
#define KTRACE_SWITCH 2u      /* why it leaves (KTRACE_LEAVES_*); the thread that comes, koid */
#define KTRACE_WAKE 3u        /* processor; the thread that gets ready, koid */
#define KTRACE_SYSCALL 4u     /* number of the call; its first argument; its second */
#define KTRACE_SYSCALL_END 5u /* number of the call; result */
#define KTRACE_FAULT 6u       /* KTRACE_FAULT_*; address */
#define KTRACE_FAULT_END 7u   /* 0; status */
#define KTRACE_LOCK 8u        /* a lock is waited for: 0; which */
#define KTRACE_LOCK_END 9u    /* it is taken */
#define KTRACE_SHOOTDOWN 10u  /* 0; mask of the processors that are asked; bytes from which translations go */
#define KTRACE_SHOOTDOWN_END 11u
#define KTRACE_WINDOW 12u        /* of a transfer: 1 if it writes; koid of the VMO; bytes */
#define KTRACE_COMMIT 13u        /* a VMO gets a page: 0; koid; offset */
#define KTRACE_SIGNAL 14u        /* observers are told: 0; koid; all signals of the object */
#define KTRACE_MESSAGE_WRITE 15u /* handles; a number for the message, until it is read; bytes */
#define KTRACE_MESSAGE_READ 16u  /* the same */
#define KTRACE_THREAD_END 17u    /* 0; koid of its process */
#define KTRACE_PROCESS_END 18u   /* 0; koid */
#define KTRACE_NAME 19u          /* of what the record before is about: place of the first of 16 bytes; the bytes */
#define KTRACE_PROBE 20u         /* 0; arguments of zx_ktrace_write(): event_id; arg0 and, above it, arg1 */

#define KTRACE_LEAVES_READY 0u
#define KTRACE_LEAVES_BLOCKED 1u
#define KTRACE_LEAVES_DEAD 2u

#define KTRACE_FAULT_WRITE 1u
#define KTRACE_FAULT_EXECUTE 2u
#define KTRACE_FAULT_USER 4u

__END_CDECLS
