/* What ports carry. */
#pragma once

#include <zircon/syscalls/types.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/* Options of object_wait_async. */
#define ZX_WAIT_ASYNC_ONCE 0u
#define ZX_WAIT_ASYNC_REPEATING 1u

/* Types of packets: a program's own; of a wait that has ended; of one that continues; of an interrupt. */
#define ZX_PKT_TYPE_USER 0u
#define ZX_PKT_TYPE_SIGNAL_ONE 1u
#define ZX_PKT_TYPE_SIGNAL_REP 2u
#define ZX_PKT_TYPE_INTERRUPT 7u
#define ZX_PKT_TYPE_MASK 0xffu

#define ZX_PKT_IS_USER(type) ((type) == ZX_PKT_TYPE_USER)
#define ZX_PKT_IS_SIGNAL_ONE(type) ((type) == ZX_PKT_TYPE_SIGNAL_ONE)
#define ZX_PKT_IS_SIGNAL_REP(type) ((type) == ZX_PKT_TYPE_SIGNAL_REP)
#define ZX_PKT_IS_INTERRUPT(type) ((type) == ZX_PKT_TYPE_INTERRUPT)

/* What a program puts in, as it likes. */
typedef union zx_packet_user {
    uint64_t u64[4];
    uint32_t u32[8];
    uint16_t u16[16];
    uint8_t c8[32];
} zx_packet_user_t;

/* What a wait puts in. */
typedef struct zx_packet_signal {
    zx_signals_t trigger;  /* the signals that were asked for */
    zx_signals_t observed; /* all that were up then; a repeating wait adds those seen until the packet is taken */
    uint64_t count;        /* channels with messages: how many there were; else 1 */
    uint64_t reserved0;
    uint64_t reserved1;
} zx_packet_signal_t;

/* What a bound interrupt puts in. */
typedef struct zx_packet_interrupt {
    zx_time_t timestamp; /* when it fired: the first time since the last packet */
    uint64_t reserved0;
    uint64_t reserved1;
    uint64_t reserved2;
} zx_packet_interrupt_t;

struct zx_port_packet {
    uint64_t key; /* as given to object_wait_async, interrupt_bind or port_queue */
    uint32_t type;
    zx_status_t status;
    union {
        zx_packet_user_t user;
        zx_packet_signal_t signal;
        zx_packet_interrupt_t interrupt;
    };
};

__END_CDECLS
