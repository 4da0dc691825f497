/*
 * What a program's standard streams say to whoever launched it, if that was somebody who keeps a terminal, as the
 * monitor does: the program then finds one end of a channel among its handles. It asks, by zx_channel_call, for input
 * or for output, and the other end answers when the one has come or the other is shown. Without the channel, or when
 * its other end is gone, the streams are the console's.
 *
 * A program may instead have a channel that gives it input only, as init's programs do: what it writes is for the
 * console. Where the input's other end is gone, the input is at its end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/types.h>

/* The channel's id in the bootstrap message, the one under which Zircon's programs find a file. */
#define TERMINAL_HANDLE_ID 0x32u

/* The id of a channel for input only. */
#define INPUT_HANDLE_ID 0x10032u

#define TERMINAL_MAX_TEXT 1024u

enum terminal_act {
    TERMINAL_READ,  /* answered with up to TERMINAL_MAX_TEXT bytes; none: the input is at its end */
    TERMINAL_WRITE, /* what follows is to be shown; answered with nothing */
    TERMINAL_KEYS,  /* as TERMINAL_READ, but keys as they are typed, unseen, and not by lines */
    TERMINAL_FILE,  /* a file for the host (struct terminal_file), with its VMO unless it is empty; no text back */
};

/* The text of TERMINAL_FILE: `len` bytes, from `offset` on, are the file that etc/outfiles has at `index`. */
struct terminal_file {
    uint64_t index, offset, len;
};

/* Both ways: only as much of the text as there is goes through the channel. */
struct terminal_message {
    zx_txid_t txid;
    uint32_t act;
    char text[TERMINAL_MAX_TEXT];
};

#define TERMINAL_HEADER_LEN ((uint32_t)offsetof(struct terminal_message, text))

/* The program's channel for input, to be handed on: its own input is then at its end. ZX_HANDLE_INVALID: none. */
zx_handle_t __port_input_take(void);

/* Takes from 1 to `size` bytes of standard input, and waits for the first. 0: it is at its end. -EINTR: a signal. */
long __port_terminal_read(char *buffer, size_t size);

/* Is standard input the console's? */
bool __port_input_is_console(void);

/* Of what the console gives: where it comes from, and how far it has been understood. */
struct console_input {
    enum { CONSOLE_UNKNOWN, CONSOLE_TERMINAL, CONSOLE_PIPE } kind;
    bool quoted, ended;
};

void __port_console_input_init(struct console_input *input);

/* Leaves in `text` what of it is input, and returns how much; nothing after the end is. */
size_t __port_console_decode(struct console_input *input, char *text, size_t len);
