/*
 * The session: packets in and out, and when one begins and ends. That a debugger has disconnected is reported by the
 * other end of the line, by a packet of one byte that no debugger sends; a new one is known by its first question.
 */
#include <string.h>

#include "user/gdbserver/packet.h"
#include "user/gdbserver/server.h"
#include "user/lib/launch.h"
#include "user/lib/serial.h"

#define HANGUP "\x04"
#define FIRST_QUESTION "qSupported"

struct session session;

static struct serial *line;

static struct packet_reader reader;
static char sent[PACKET_FRAMED_MAX]; /* the last packet, should it be asked for again */
static size_t sent_len;

/* Nobody is there to take it if it fails. */
static void line_write(const char *bytes, size_t len) {
    size_t actual;
    (void)serial_write(line, bytes, len, ZX_TIME_INFINITE, &actual);
}

/* A first byte, which means nothing to a debugger, says that somebody listens now. */
zx_status_t session_start(void) {
    zx_status_t status = serial_open(launch_resource(), SERIAL_SECOND, &line);
    if (status == ZX_OK) line_write("+", 1);
    return status;
}

zx_handle_t session_event(void) { return serial_event(line); }

void session_send(const struct reply *reply) {
    sent_len = packet_frame(reply->text, reply->len, sent);
    line_write(sent, sent_len);
}

void session_show(const char *text, size_t len) {
    static struct reply reply;
    while (len > 0) {
        size_t part = len < PACKET_MAX / 2 - 1 ? len : PACKET_MAX / 2 - 1;
        reply.len = 0;
        put_text(&reply, "O");
        put_hex_bytes(&reply, text, part);
        session_send(&reply);
        text += part;
        len -= part;
    }
}

static void session_end(void) {
    detach_all();
    files_close_all();
    session = (struct session){0};
}

static void answer(const char *text, size_t len) {
    static struct reply reply;
    reply.len = 0;
    reply.full = false;
    if (!command_do((struct request){text, text + len}, &reply)) return;
    if (reply.full) put_error(&reply, ZX_ERR_BUFFER_TOO_SMALL);
    session_send(&reply);
}

static void packet_take(void) {
    const char *text = reader.text;
    if (strcmp(text, HANGUP) == 0) return session_end();
    if (session.no_ack && strncmp(text, FIRST_QUESTION, strlen(FIRST_QUESTION)) == 0 && session.under_way)
        session_end();
    if (!session.no_ack) line_write("+", 1);
    answer(text, reader.len);
}

static void refuse(void) {
    static struct reply reply;
    reply.len = 0;
    if (!session.no_ack) line_write("+", 1);
    put_error(&reply, ZX_ERR_BUFFER_TOO_SMALL);
    session_send(&reply);
}

static void byte_take(uint8_t byte) {
    switch (packet_read(&reader, byte)) {
    case PACKET_WHOLE: packet_take(); break;
    case PACKET_TOO_LONG: refuse(); break;
    case PACKET_DAMAGED:
        if (!session.no_ack) line_write("-", 1);
        break;
    case PACKET_NACK:
        if (!session.no_ack) line_write(sent, sent_len);
        break;
    case PACKET_INTERRUPT: session.interrupted = session.under_way; break;
    case PACKET_ACK:
    case PACKET_NOTHING: break;
    }
}

void session_read(void) {
    uint8_t bytes[4096];
    size_t len;
    if (serial_read(line, bytes, sizeof(bytes), 0, &len) != ZX_OK) return;
    for (size_t i = 0; i < len; i++) byte_take(bytes[i]);
}
