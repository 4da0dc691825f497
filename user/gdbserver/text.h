/*
 * The texts of packets: taking requests apart, and putting replies together. Pure code. Nothing is read beyond a
 * request's end, and nothing written beyond a reply's room: what has no room makes the reply an error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/gdbserver/packet.h"

/* What is left of a request. The functions take from its beginning what they find, and else leave it as it is. */
struct request {
    const char *at, *end;
};

bool take(struct request *from, const char *word);
bool take_hex(struct request *from, uint64_t *out);
/* Bytes as pairs of digits: all that is left. False, and some are taken, if it is not all that, or has no room. */
bool take_hex_bytes(struct request *from, void *out, size_t room, size_t *len);
/* Up to the character, which is taken too, or to the end. */
struct request take_until(struct request *from, char end);

/* A process and a thread in it, or all, or any. As koids, which are positive. */
#define ID_ALL (-1)
#define ID_ANY 0
struct thread_id {
    int64_t process, thread;
};

/* `pPID.TID`, `pPID`, or `TID`, which leaves the process as it is. */
bool take_thread_id(struct request *from, struct thread_id *out);

/* One action of a vCont: `c`, `C sig`, `s`, `S sig`, `r begin,end` or `t`, and for whom. */
struct action {
    char what;           /* c, s or t */
    uint8_t signal;      /* 0: none */
    uint64_t begin, end; /* steps that end within are not told; both 0: each is */
    struct thread_id whom;
};

/* The first of the leftmost. True: it was whole. Thread ids without a process mean `process`. */
bool take_action(struct request *from, int64_t process, struct action *out);

/* Does an id name this thread? Any and all do. */
bool thread_id_is(const struct thread_id *id, int64_t process, int64_t thread);

struct reply {
    size_t len;
    bool full; /* something had no room */
    char text[PACKET_MAX];
};

void put_bytes(struct reply *to, const void *bytes, size_t len);
void put_text(struct reply *to, const char *text);
void put_format(struct reply *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As pairs of digits. */
void put_hex_bytes(struct reply *to, const void *bytes, size_t len);
/* `m` or `l` and the part [offset, + len) of an object, as qXfer wants it. */
void put_part(struct reply *to, const void *object, size_t size, uint64_t offset, uint64_t len);
