/* Requests and replies; see text.h. */
#include "user/gdbserver/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static size_t left(const struct request *from) { return (size_t)(from->end - from->at); }

bool take(struct request *from, const char *word) {
    size_t len = strlen(word);
    if (left(from) < len || memcmp(from->at, word, len) != 0) return false;
    from->at += len;
    return true;
}

/* More than 64 bits are no number. */
bool take_hex(struct request *from, uint64_t *out) {
    const char *at = from->at;
    uint64_t value = 0;
    for (; at < from->end && hex_value(*at) >= 0; at++) {
        if (value >> 60 != 0) return false;
        value = value << 4 | (unsigned)hex_value(*at);
    }
    if (at == from->at) return false;
    from->at = at;
    *out = value;
    return true;
}

bool take_hex_bytes(struct request *from, void *out, size_t room, size_t *len) {
    uint8_t *bytes = out;
    *len = 0;
    for (; left(from) >= 2; from->at += 2) {
        int high = hex_value(from->at[0]), low = hex_value(from->at[1]);
        if (high < 0 || low < 0 || *len == room) return false;
        bytes[(*len)++] = (uint8_t)(high << 4 | low);
    }
    return left(from) == 0;
}

struct request take_until(struct request *from, char end) {
    const char *found = memchr(from->at, end, left(from));
    struct request part = {from->at, found ? found : from->end};
    from->at = found ? found + 1 : from->end;
    return part;
}

static bool take_id(struct request *from, int64_t *out) {
    uint64_t value;
    if (take(from, "-1")) {
        *out = ID_ALL;
        return true;
    }
    if (!take_hex(from, &value) || value > INT64_MAX) return false;
    *out = (int64_t)value;
    return true;
}

bool take_thread_id(struct request *from, struct thread_id *out) {
    struct request rest = *from;
    struct thread_id id = {out->process, ID_ALL};
    if (take(&rest, "p")) {
        if (!take_id(&rest, &id.process)) return false;
        if (take(&rest, ".") && !take_id(&rest, &id.thread)) return false;
    } else if (!take_id(&rest, &id.thread)) {
        return false;
    }
    *from = rest;
    *out = id;
    return true;
}

bool thread_id_is(const struct thread_id *id, int64_t process, int64_t thread) {
    if (id->process > 0 && id->process != process) return false;
    return id->thread <= 0 || id->thread == thread;
}

bool take_action(struct request *from, int64_t process, struct action *out) {
    struct request one = take_until(from, ';');
    uint64_t signal = 0, begin = 0, end = 0;
    if (one.at == one.end) return false;
    char what = *one.at++;
    if ((what == 'C' || what == 'S') && (!take_hex(&one, &signal) || signal > UINT8_MAX)) return false;
    if (what == 'r' && (!take_hex(&one, &begin) || !take(&one, ",") || !take_hex(&one, &end))) return false;
    *out =
        (struct action){.what = what, .signal = (uint8_t)signal, .begin = begin, .end = end, .whom = {ID_ALL, ID_ALL}};
    if (what == 'C') out->what = 'c';
    if (what == 'S' || what == 'r') out->what = 's';
    if (out->what != 'c' && out->what != 's' && out->what != 't') return false;
    if (take(&one, ":")) {
        out->whom.process = process;
        if (!take_thread_id(&one, &out->whom)) return false;
    }
    return one.at == one.end;
}

void put_bytes(struct reply *to, const void *bytes, size_t len) {
    if (len > sizeof(to->text) - to->len) {
        to->full = true;
        return;
    }
    memcpy(to->text + to->len, bytes, len);
    to->len += len;
}

void put_text(struct reply *to, const char *text) { put_bytes(to, text, strlen(text)); }

void put_format(struct reply *to, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(text))
        to->full = true;
    else
        put_bytes(to, text, (size_t)len);
}

void put_hex_bytes(struct reply *to, const void *bytes, size_t len) {
    const uint8_t *from = bytes;
    if (len > (sizeof(to->text) - to->len) / 2) {
        to->full = true;
        return;
    }
    for (size_t i = 0; i < len; i++) {
        to->text[to->len++] = hex_digits[from[i] >> 4];
        to->text[to->len++] = hex_digits[from[i] & 0xf];
    }
}

void put_part(struct reply *to, const void *object, size_t size, uint64_t offset, uint64_t len) {
    const char *bytes = object;
    if (offset >= size) return put_text(to, "l");
    if (len > sizeof(to->text) - 1) len = sizeof(to->text) - 1;
    bool last = len >= size - offset;
    put_text(to, last ? "l" : "m");
    put_bytes(to, bytes + offset, last ? size - offset : len);
}
