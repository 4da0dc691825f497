/*
 * Fuzzing GDB's protocol: any bytes as what a debugger sends, and as what is sent to it. A packet that is read is taken
 * apart in each of the ways there are; what is framed must be sound, and come back through the reader.
 */
#include <stdlib.h>
#include <string.h>

#include "user/gdbserver/agent.h"
#include "user/gdbserver/packet.h"
#include "user/gdbserver/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good) {
    if (!good) abort();
}

static bool read_register(void *context, uint64_t number, uint64_t *value) {
    (void)context;
    *value = number;
    return number < 64;
}

static bool read_memory(void *context, uint64_t addr, void *out, size_t len) {
    (void)context;
    memset(out, (int)addr, len);
    return addr < 4096;
}

/* Any code ends, and reads nothing but what it was given. */
static void evaluate(const char *text, size_t len) {
    static const struct agent_thread thread = {read_register, read_memory, NULL};
    uint8_t *code = malloc(len + 1);
    uint64_t value;
    size_t count;
    struct request request = {text, text + len};
    if (len > 0) memcpy(code, text, len);
    (void)agent_evaluate(code, len, &thread, &value);
    while (take_agent_code(&request, code, len, &count)) (void)agent_evaluate(code, count, &thread, &value);
    must(request.at <= request.end);
    free(code);
}

static void take_apart(const char *text, size_t len) {
    static uint8_t bytes[PACKET_MAX / 2];
    static struct reply reply;
    struct request request = {text, text + len}, rest;
    struct thread_id id = {1, 1};
    struct action action;
    uint64_t number;
    size_t count;
    for (rest = request; rest.at < rest.end && take_action(&rest, 1, &action);) must(rest.at > request.at);
    rest = request;
    while (rest.at < rest.end) {
        struct request part = take_until(&rest, ';');
        must(part.at <= part.end && part.end <= rest.at && rest.at <= request.end);
        if (!take_thread_id(&part, &id) && !take_hex(&part, &number)) (void)take_hex_bytes(&part, bytes, 16, &count);
        must(part.at <= part.end);
        must(id.thread >= ID_ALL && id.process >= ID_ALL);
    }
    rest = request;
    if (take_hex_bytes(&rest, bytes, sizeof(bytes), &count)) must(2 * count == len);
    reply.len = 0;
    put_part(&reply, text, len, len / 2, len);
    evaluate(text, len);
    put_hex_bytes(&reply, text, len);
    must(reply.len <= PACKET_MAX);
}

static void read_all(const uint8_t *data, size_t size) {
    static struct packet_reader reader;
    memset(&reader, 0, sizeof(reader));
    for (size_t i = 0; i < size; i++) {
        enum packet_event event = packet_read(&reader, data[i]);
        must(reader.len <= PACKET_MAX + 1);
        if (event != PACKET_WHOLE) continue;
        must(reader.text[reader.len] == '\0');
        take_apart(reader.text, reader.len);
    }
}

/* As a debugger does: the repetitions first. Escaped bytes are never repeated. */
static size_t expand(const char *frame, size_t len, char *out) {
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        if (frame[i] != '*') {
            out[count++] = frame[i];
            continue;
        }
        must(count > 0 && i + 1 < len && frame[i + 1] >= ' ' && frame[i + 1] <= '~');
        for (int n = frame[++i] - 29; n > 0; n--, count++) out[count] = out[count - 1];
    }
    return count;
}

static void round_trip(const uint8_t *data, size_t size) {
    static char frame[PACKET_FRAMED_MAX], flat[PACKET_FRAMED_MAX];
    static struct packet_reader reader;
    char end[PACKET_FRAME];
    uint8_t sum = 0;
    if (size > PACKET_MAX) size = PACKET_MAX;
    size_t len = packet_frame((const char *)data, size, frame);
    must(len <= PACKET_FRAMED_MAX && frame[0] == '$' && frame[len - 3] == '#');
    size_t count = expand(frame + 1, len - PACKET_FRAME, flat);
    memset(&reader, 0, sizeof(reader));
    packet_read(&reader, '$');
    for (size_t i = 0; i < count; i++) {
        sum += (uint8_t)flat[i];
        must(packet_read(&reader, (uint8_t)flat[i]) == PACKET_NOTHING);
    }
    end[0] = '#';
    end[1] = hex_digits[sum >> 4];
    end[2] = hex_digits[sum & 0xf];
    must(packet_read(&reader, (uint8_t)end[0]) == PACKET_NOTHING);
    must(packet_read(&reader, (uint8_t)end[1]) == PACKET_NOTHING);
    must(packet_read(&reader, (uint8_t)end[2]) == PACKET_WHOLE);
    must(reader.len == size && memcmp(reader.text, data, size) == 0);
}

/* The bytes as they come; and as the text of a packet, so that what is behind a checksum is reached too. */
static void read_framed(const uint8_t *data, size_t size) {
    uint8_t *bytes = malloc(size + PACKET_FRAME), sum = 0;
    bytes[0] = '$';
    memcpy(bytes + 1, data, size);
    for (size_t i = 0; i < size; i++) sum += data[i];
    bytes[size + 1] = '#';
    bytes[size + 2] = (uint8_t)hex_digits[sum >> 4];
    bytes[size + 3] = (uint8_t)hex_digits[sum & 0xf];
    read_all(bytes, size + PACKET_FRAME);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    read_all(data, size);
    read_framed(data, size);
    round_trip(data, size);
    return 0;
}
