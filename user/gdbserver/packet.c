/* Framing; see packet.h. */
#include "user/gdbserver/packet.h"

#include <stdbool.h>

#define ESCAPE '}'
#define ESCAPE_BIT 0x20
#define INTERRUPT 0x03

const char hex_digits[] = "0123456789abcdef";

int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

/* --- reading --- */

static void begin(struct packet_reader *r) {
    r->state = INSIDE;
    r->len = 0;
    r->sum = 0;
    r->sound = true;
}

static enum packet_event outside(uint8_t byte) {
    switch (byte) {
    case '+': return PACKET_ACK;
    case '-': return PACKET_NACK;
    case INTERRUPT: return PACKET_INTERRUPT;
    default: return PACKET_NOTHING;
    }
}

/* Beyond the end only the length grows, to one more than fits. */
static void keep(struct packet_reader *r, char byte) {
    if (r->len < PACKET_MAX) r->text[r->len] = byte;
    if (r->len <= PACKET_MAX) r->len++;
}

static void inside(struct packet_reader *r, uint8_t byte) {
    if (byte == '#' && r->state == INSIDE) {
        r->state = FIRST_DIGIT;
        return;
    }
    r->sum += byte;
    if (r->state == ESCAPED) {
        keep(r, (char)(byte ^ ESCAPE_BIT));
        r->state = INSIDE;
    } else if (byte == ESCAPE) {
        r->state = ESCAPED;
    } else {
        keep(r, (char)byte);
    }
}

static void digit(struct packet_reader *r, uint8_t byte) {
    int value = hex_value((char)byte);
    r->sound &= value >= 0;
    r->told = (uint8_t)(r->told << 4 | (value & 0xf));
}

static enum packet_event end(struct packet_reader *r) {
    r->state = OUTSIDE;
    if (!r->sound || r->told != r->sum) return PACKET_DAMAGED;
    if (r->len > PACKET_MAX) return PACKET_TOO_LONG;
    r->text[r->len] = '\0';
    return PACKET_WHOLE;
}

enum packet_event packet_read(struct packet_reader *r, uint8_t byte) {
    if (byte == '$') {
        begin(r);
        return PACKET_NOTHING;
    }
    switch (r->state) {
    case OUTSIDE: return outside(byte);
    case INSIDE:
    case ESCAPED: inside(r, byte); return PACKET_NOTHING;
    case FIRST_DIGIT:
        digit(r, byte);
        r->state = SECOND_DIGIT;
        return PACKET_NOTHING;
    case SECOND_DIGIT: digit(r, byte); return end(r);
    }
    return PACKET_NOTHING;
}

/* --- writing --- */

/* A run is told by a printable character, 29 more than the repetitions; shorter ones are not worth it. */
#define RUN_BIAS 29
#define RUN_MIN 3
#define RUN_MAX ('~' - RUN_BIAS)

static bool needs_escape(char byte) { return byte == '#' || byte == '$' || byte == ESCAPE || byte == '*'; }

/* Some counts would be characters that mean something themselves. */
static size_t run_count(size_t repetitions) {
    if (repetitions > RUN_MAX) repetitions = RUN_MAX;
    while (repetitions >= RUN_MIN) {
        char told = (char)(repetitions + RUN_BIAS);
        if (told != '#' && told != '$' && told != '+' && told != '-') break;
        repetitions--;
    }
    return repetitions < RUN_MIN ? 0 : repetitions;
}

static size_t repetitions(const char *text, size_t len) {
    size_t count = 0;
    while (count + 1 < len && count < RUN_MAX && text[count + 1] == text[0]) count++;
    return count;
}

/* Puts one byte, and as many of the same behind it as can be told in short. Returns how many of the text that were. */
static size_t put(const char *text, size_t len, char *out, size_t *at) {
    if (needs_escape(text[0])) {
        out[(*at)++] = ESCAPE;
        out[(*at)++] = (char)(text[0] ^ ESCAPE_BIT);
        return 1;
    }
    size_t run = run_count(repetitions(text, len));
    out[(*at)++] = text[0];
    if (run > 0) {
        out[(*at)++] = '*';
        out[(*at)++] = (char)(run + RUN_BIAS);
    }
    return 1 + run;
}

size_t packet_frame(const char *text, size_t len, char out[PACKET_FRAMED_MAX]) {
    size_t at = 0;
    uint8_t sum = 0;
    out[at++] = '$';
    for (size_t done = 0; done < len;) done += put(text + done, len - done, out, &at);
    for (size_t i = 1; i < at; i++) sum += (uint8_t)out[i];
    out[at++] = '#';
    out[at++] = hex_digits[sum >> 4];
    out[at++] = hex_digits[sum & 0xf];
    return at;
}
