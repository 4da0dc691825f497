/*
 * GDB's protocol as gdbserver has it, on the host: packets however they are cut into pieces, damaged, too long, or one
 * in the middle of another; escapes and runs; and what requests are made of. The numbers are those of the mistakes that
 * small servers are known for.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/gdb_packets.h"
#include "user/gdbserver/packet.h"
#include "user/gdbserver/text.h"

static unsigned tests, failures;

void ok(bool good, const char *what) {
    printf("%sok %u - %s\n", good ? "" : "not ", ++tests, what);
    failures += !good;
}

static struct packet_reader reader;

/* Reads bytes; returns the last event that was one. */
static enum packet_event feed(const char *bytes, size_t len) {
    enum packet_event last = PACKET_NOTHING;
    for (size_t i = 0; i < len; i++) {
        enum packet_event event = packet_read(&reader, (uint8_t)bytes[i]);
        if (event != PACKET_NOTHING) last = event;
    }
    return last;
}

static enum packet_event feed_text(const char *text) { return feed(text, strlen(text)); }

static bool is_text(const char *text) { return reader.len == strlen(text) && strcmp(reader.text, text) == 0; }

/* A packet as a debugger sends it: no runs, no escapes but those that are in the text. */
static size_t frame_plain(const char *text, size_t len, char *out) {
    uint8_t sum = 0;
    out[0] = '$';
    memcpy(out + 1, text, len);
    for (size_t i = 0; i < len; i++) sum += (uint8_t)text[i];
    return 1 + len + (size_t)sprintf(out + 1 + len, "#%02x", sum);
}

static void test_reading(void) {
    reader = (struct packet_reader){0};
    ok(feed_text("$OK#9a") == PACKET_WHOLE && is_text("OK"), "a packet is read");
    ok(feed_text("$#00") == PACKET_WHOLE && reader.len == 0, "an empty one too");
    ok(feed_text("+") == PACKET_ACK && feed_text("-") == PACKET_NACK, "acknowledgements are told");
    ok(feed_text("\x03") == PACKET_INTERRUPT, "Ctrl-C between packets is an interrupt");
    ok(feed_text("xyz\n") == PACKET_NOTHING, "noise between packets is nothing");
    ok(feed_text("$OK#9b") == PACKET_DAMAGED, "11: a wrong checksum is noticed");
    ok(feed_text("$OK#9A") == PACKET_WHOLE, "digits may be capitals");
    ok(feed_text("$OK#zz") == PACKET_DAMAGED && feed_text("$OK#9g") == PACKET_DAMAGED, "what are no digits is damage");
    ok(feed_text("$OK#9") == PACKET_NOTHING && feed_text("a") == PACKET_WHOLE, "11: split in the checksum");
    ok(feed_text("$m100$OK#9a") == PACKET_WHOLE && is_text("OK"), "a packet that breaks off gives way to the next");
    ok(feed_text("$OK#9$OK#9a") == PACKET_WHOLE && is_text("OK"), "in its checksum too");
    ok(feed_text("$X1:}$g#67") == PACKET_WHOLE && is_text("g"), "and behind an escape");
    ok(feed_text("$a\x03z#de") == PACKET_WHOLE && reader.len == 3, "a 3 within a packet is no interrupt");
}

static void test_escapes(void) {
    char bytes[64];
    const char text[] = "X0,4:}\x03}\x04}]}\n"; /* # $ } * */
    size_t len = frame_plain(text, sizeof(text) - 1, bytes);
    bool split = true;
    ok(feed(bytes, len) == PACKET_WHOLE && is_text("X0,4:#$}*"), "9: escapes are undone, the checksum is of what came");
    for (size_t cut = 1; cut < len; cut++) {
        split &= feed(bytes, cut) == PACKET_NOTHING;
        split &= feed(bytes + cut, len - cut) == PACKET_WHOLE && is_text("X0,4:#$}*");
    }
    ok(split, "11: wherever it is cut");
    ok(feed("$\0\x01\0#01", 7) == PACKET_WHOLE && reader.len == 3 && reader.text[1] == 1,
       "zeros are bytes like others");
}

static void test_length(void) {
    static char text[PACKET_MAX + 2], bytes[PACKET_MAX + 16];
    memset(text, 'a', sizeof(text));
    size_t len = frame_plain(text, PACKET_MAX, bytes);
    ok(feed(bytes, len) == PACKET_WHOLE && reader.len == PACKET_MAX, "the longest packet is read");
    len = frame_plain(text, PACKET_MAX + 1, bytes);
    ok(feed(bytes, len) == PACKET_TOO_LONG, "12: one byte more is told");
    feed_text("$");
    for (int i = 0; i < 1000; i++) feed(text, 4096);
    char end[4];
    sprintf(end, "#%02x", (uint8_t)(1000 * 4096 * (unsigned)'a'));
    ok(feed_text(end) == PACKET_TOO_LONG, "12: any length is survived");
    ok(feed_text("$OK#9a") == PACKET_WHOLE && is_text("OK"), "and the next is read");
}

/* What a debugger does with a frame: expands runs, then undoes escapes. */
static size_t unframe(const char *frame, size_t len, char *out) {
    static char flat[PACKET_FRAMED_MAX + 128];
    size_t count = 0, done = 0;
    for (size_t i = 1; i + 3 < len; i++) {
        if (frame[i] != '*') {
            flat[count++] = frame[i];
            continue;
        }
        for (int n = frame[++i] - 29; n > 0 && count < sizeof(flat); n--, count++) flat[count] = flat[count - 1];
    }
    for (size_t i = 0; i < count; i++) {
        bool escaped = flat[i] == '}';
        out[done] = flat[i += escaped];
        if (escaped) out[done] = (char)(out[done] ^ 0x20);
        done++;
    }
    return done;
}

static bool is_sound(const char *frame, size_t len) {
    uint8_t sum = 0;
    for (size_t i = 1; i + 3 < len; i++) {
        if (frame[i] == '$' || frame[i] == '#') return false;
        sum += (uint8_t)frame[i];
    }
    char digits[3];
    sprintf(digits, "%02x", sum);
    return frame[0] == '$' && frame[len - 3] == '#' && memcmp(frame + len - 2, digits, 2) == 0;
}

static bool comes_back(const char *text, size_t len) {
    static char frame[PACKET_FRAMED_MAX], back[PACKET_MAX + 128];
    size_t framed = packet_frame(text, len, frame);
    return is_sound(frame, framed) && unframe(frame, framed, back) == len && memcmp(back, text, len) == 0;
}

static void test_framing(void) {
    static char text[PACKET_MAX];
    static char frame[PACKET_FRAMED_MAX];
    bool good = true;
    size_t len = packet_frame("OK", 2, frame);
    ok(len == 6 && memcmp(frame, "$OK#9a", 6) == 0, "a reply is framed");
    for (int byte = 0; byte < 256; byte++) {
        for (size_t count = 1; count < 260; count++) {
            memset(text, byte, count);
            good &= comes_back(text, count);
        }
    }
    ok(good, "8: a run of any byte, of any length, comes back");
    memset(text, '0', sizeof(text));
    ok(packet_frame(text, PACKET_MAX, frame) < PACKET_MAX / 30 && comes_back(text, PACKET_MAX), "long runs are short");
    memset(text, '*', sizeof(text));
    ok(packet_frame(text, PACKET_MAX, frame) == PACKET_FRAMED_MAX && comes_back(text, PACKET_MAX),
       "8: asterisks are escaped, and the most of them have room");
    srand(1);
    for (int round = 0; round < 2000; round++) {
        size_t count = (size_t)rand() % 400;
        for (size_t i = 0; i < count; i++) {
            text[i] = text[i ? i - 1 : 0];
            if (rand() % 3 == 0) text[i] = (char)rand();
        }
        good &= comes_back(text, count);
    }
    ok(good, "random bytes come back");
}

static struct request request_of(const char *text) { return (struct request){text, text + strlen(text)}; }

static bool id_is(const char *text, int64_t process, int64_t thread) {
    struct request request = request_of(text);
    struct thread_id id = {99, 98};
    return take_thread_id(&request, &id) && request.at == request.end && id.process == process && id.thread == thread;
}

static void test_ids(void) {
    const struct thread_id all = {ID_ALL, ID_ALL}, any = {ID_ANY, ID_ANY}, one = {5, 6}, fives = {5, ID_ALL};
    ok(id_is("p1f.20", 0x1f, 0x20) && id_is("20", 99, 0x20), "ids with a process and without");
    ok(id_is("p5", 5, ID_ALL) && id_is("p-1.-1", ID_ALL, ID_ALL) && id_is("p5.0", 5, ID_ANY) && id_is("-1", 99, ID_ALL),
       "3: 0 is any, and -1 all");
    struct request request = request_of("p.1");
    struct thread_id id = {1, 2};
    ok(!take_thread_id(&request, &id) && id.process == 1 && *request.at == 'p', "what is none changes nothing");
    request = request_of("ffffffffffffffffff");
    ok(!take_thread_id(&request, &id), "nor do more than 64 bits");
    ok(thread_id_is(&all, 5, 6) && thread_id_is(&any, 5, 6) && thread_id_is(&one, 5, 6) && thread_id_is(&fives, 5, 6) &&
           !thread_id_is(&one, 5, 7) && !thread_id_is(&one, 6, 6) && !thread_id_is(&fives, 6, 6),
       "3: ids name the threads they name");
}

static bool action_is(const char *text, char what, uint8_t signal, int64_t process, int64_t thread) {
    struct request request = request_of(text);
    struct action a;
    return take_action(&request, 7, &a) && a.what == what && a.signal == signal && a.whom.process == process &&
           a.whom.thread == thread;
}

static bool no_action(const char *text) {
    struct request request = request_of(text);
    struct action a;
    return !take_action(&request, 7, &a);
}

static void test_actions(void) {
    struct action a;
    struct request request = request_of("s:p5.6;c:p5.-1");
    ok(take_action(&request, 7, &a) && a.what == 's' && take_action(&request, 7, &a) && a.what == 'c' &&
           a.whom.thread == ID_ALL && request.at == request.end,
       "several actions come one after the other");
    ok(action_is("c", 'c', 0, ID_ALL, ID_ALL) && action_is("C0b:p5.6", 'c', 11, 5, 6) &&
           action_is("S05:6", 's', 5, 7, 6) && action_is("t:p5.6", 't', 0, 5, 6),
       "each action with its signal, and for whom");
    ok(no_action("") && no_action("x") && no_action("C:p5.6") && no_action("s:") && no_action("c:p5.6x") &&
           no_action("Cfff") && no_action("r1") && no_action("r1;2") && no_action("r,2") && no_action("r1,2:"),
       "what is no action is refused");
    request = request_of("r10,20:p5.6");
    ok(take_action(&request, 7, &a) && a.what == 's' && a.begin == 0x10 && a.end == 0x20 && a.whom.thread == 6 &&
           action_is("r10,20", 's', 0, ID_ALL, ID_ALL),
       "a step within a range");
}

static void test_parts(void) {
    static struct reply reply;
    uint8_t bytes[4];
    uint64_t number;
    size_t len;
    struct request request = request_of("12zz");
    ok(take_hex(&request, &number) && number == 0x12 && *request.at == 'z' && !take_hex(&request, &number),
       "numbers end where their digits do");
    request = request_of("00ffA1b2");
    ok(take_hex_bytes(&request, bytes, 4, &len) && len == 4 && bytes[3] == 0xb2, "bytes are pairs of digits");
    request = request_of("00ffA1b2c3");
    ok(!take_hex_bytes(&request, bytes, 4, &len), "more of them than there is room for are refused");
    request = request_of("123");
    ok(!take_hex_bytes(&request, bytes, 4, &len), "and so is half a byte");
    put_part(&reply, "abcdef", 6, 2, 3);
    put_part(&reply, "abcdef", 6, 2, 4);
    put_part(&reply, "abcdef", 6, 6, 4);
    put_part(&reply, "abcdef", 6, UINT64_MAX, UINT64_MAX);
    ok(reply.len == 11 && memcmp(reply.text, "mcdelcdefll", 11) == 0, "parts of an object say whether more comes");
    for (unsigned i = 0; i < PACKET_MAX; i++) put_hex_bytes(&reply, "x", 1);
    ok(reply.full && reply.len <= PACKET_MAX, "12: a reply that has no room is known");
}

int main(void) {
    test_reading();
    test_escapes();
    test_length();
    test_framing();
    test_ids();
    test_actions();
    test_parts();
    test_agent();
    printf("1..%u\n", tests);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
