/*
 * What a program's standard streams say to whoever launched it, if that was somebody who keeps a terminal, as the
 * monitor does: the program then finds one end of a channel among its handles. It asks, by zx_channel_call, for input
 * or for output, and the other end answers when the one has come or the other is shown. Without the channel, or when
 * its other end is gone, the streams are the console's.
 */
#pragma once

#include <stdint.h>
#include <zircon/types.h>

/* The channel's id in the bootstrap message, the one under which Zircon's programs find a file. */
#define TERMINAL_HANDLE_ID 0x32u

#define TERMINAL_MAX_TEXT 1024u

enum terminal_act {
    TERMINAL_READ,  /* answered with up to TERMINAL_MAX_TEXT bytes; none: the input is at its end */
    TERMINAL_WRITE, /* what follows is to be shown; answered with nothing */
};

/* Both ways: only as much of the text as there is goes through the channel. */
struct terminal_message {
    zx_txid_t txid;
    uint32_t act;
    char text[TERMINAL_MAX_TEXT];
};

#define TERMINAL_HEADER_LEN ((uint32_t)offsetof(struct terminal_message, text))
