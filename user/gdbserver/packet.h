/*
 * The framing of GDB's remote protocol: `$text#checksum`, both ways. Pure code: bytes in, packets out, whatever carries
 * them, and however they are cut into pieces. A packet of any length, or none, leaves the reader ready for the next.
 *
 * Within a packet `}` makes the byte after it another (xor 0x20). In what is sent, `*` and a character repeat the byte
 * before them; what is received has no such runs. A `$` always begins a packet, in the middle of another too.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The longest text that a packet may have, its escapes not counted. A multiple of 16, which debuggers like. */
#define PACKET_MAX 65536u

/* What is sent around the text: `$`, `#` and two digits. */
#define PACKET_FRAME 4u

enum packet_event {
    PACKET_NOTHING,   /* more is needed */
    PACKET_WHOLE,     /* a packet: its text is in `text` until the next byte comes */
    PACKET_DAMAGED,   /* the checksum is another */
    PACKET_TOO_LONG,  /* sound, but for its length; the text is lost */
    PACKET_INTERRUPT, /* Ctrl-C, outside of packets */
    PACKET_ACK,       /* + */
    PACKET_NACK,      /* - */
};

/* Zeros are a reader that waits for a packet. */
struct packet_reader {
    enum { OUTSIDE, INSIDE, ESCAPED, FIRST_DIGIT, SECOND_DIGIT } state;
    size_t len;
    uint8_t sum, told; /* of the bytes so far; what the packet says */
    int sound;         /* both digits were digits */
    char text[PACKET_MAX + 1];
};

/* Takes a byte. After PACKET_WHOLE text[len] is 0, so that a text without zeros is a string. */
enum packet_event packet_read(struct packet_reader *reader, uint8_t byte);

/* Room for any packet. */
#define PACKET_FRAMED_MAX (2 * PACKET_MAX + PACKET_FRAME)

/* Frames a text of at most PACKET_MAX bytes, with escapes and runs; returns the length of what is to be sent. */
size_t packet_frame(const char *text, size_t len, char out[PACKET_FRAMED_MAX]);

/* The value of a hexadecimal digit, or -1. */
int hex_value(char digit);

extern const char hex_digits[];
