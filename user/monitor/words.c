/* Each word is copied to the store without its quotes, so that it can be shorter than on the line but never longer. */
#include "user/monitor/words.h"

#include <string.h>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* What stands behind a backslash: the character meant, and how many were read. 0: nothing that is known. */
static size_t escape_read(const char *at, char *out) {
    static const char names[] = "ntr0\\\"", meant[] = "\n\t\r\0\\\"";
    const char *found = *at ? strchr(names, *at) : NULL;
    if (found) {
        *out = meant[found - names];
        return 1;
    }
    if (*at != 'x' || hex_digit(at[1]) < 0 || hex_digit(at[2]) < 0) return 0;
    *out = (char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
    return 3;
}

/* Copies what is in quotes, from behind the first to behind the last. */
static const char *quoted_read(const char **at, char **to) {
    const char quote = *(*at)++;
    while (**at != quote) {
        if (**at == '\0') return "A quote is not closed.";
        if (quote == '"' && **at == '\\') {
            size_t len = escape_read(++*at, (*to)++);
            if (len == 0) return "After a backslash there can be n, t, r, 0, xHH, a backslash or a quote.";
            *at += len;
        } else {
            *(*to)++ = *(*at)++;
        }
    }
    ++*at;
    return NULL;
}

static const char *word_read(const char **at, char **to, struct word *word) {
    word->text = *to;
    word->quoted = false;
    while (**at && **at != ' ' && **at != '\t') {
        if (**at == '"' || **at == '\'') {
            const char *wrong = quoted_read(at, to);
            if (wrong) return wrong;
            word->quoted = true;
        } else {
            *(*to)++ = *(*at)++;
        }
    }
    word->len = (size_t)(*to - word->text);
    *(*to)++ = '\0';
    return NULL;
}

const char *words_split(const char *line, struct words *out) {
    char *to = out->store;
    out->count = 0;
    for (;;) {
        line += strspn(line, " \t");
        if (*line == '\0') return NULL;
        if (out->count == WORDS_MAX) return "There are too many words on the line.";
        const char *wrong = word_read(&line, &to, &out->items[out->count]);
        if (wrong) return wrong;
        out->count++;
    }
}

void words_rest(const struct words *words, struct words *out) {
    out->count = words->count - 1;
    memcpy(out->items, words->items + 1, out->count * sizeof(*out->items));
}

void words_args(const struct words *words, size_t from, const char **out) {
    for (; from < words->count; from++) *out++ = words->items[from].text;
    *out = NULL;
}

static bool digits_read(const char *text, size_t len, unsigned base, uint64_t *out) {
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0 || (unsigned)digit >= base) return false;
        if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, (unsigned)digit, &value))
            return false;
    }
    *out = value;
    return len > 0;
}

static size_t prefix_len(const struct word *word) {
    return word->len > 2 && word->text[0] == '0' && (word->text[1] == 'x' || word->text[1] == 'X') ? 2 : 0;
}

bool word_number(const struct word *word, uint64_t *out) {
    size_t prefix = prefix_len(word);
    return digits_read(word->text + prefix, word->len - prefix, prefix ? 16 : 10, out);
}

bool word_address(const struct word *word, uint64_t *out) {
    size_t prefix = prefix_len(word);
    return digits_read(word->text + prefix, word->len - prefix, 16, out);
}

static bool hex_bytes(const struct word *word, uint8_t *out) {
    size_t prefix = prefix_len(word), len = word->len - prefix;
    if (len == 0 || len % 2 != 0) return false;
    for (size_t i = 0; i < len; i++) {
        int digit = hex_digit(word->text[prefix + i]);
        if (digit < 0) return false;
        out[i / 2] = (uint8_t)(out[i / 2] << 4 | digit);
    }
    return true;
}

const struct word *words_bytes(const struct words *words, size_t from, uint8_t *out, size_t *len) {
    *len = 0;
    for (; from < words->count; from++) {
        const struct word *word = &words->items[from];
        if (word->quoted) {
            memcpy(out + *len, word->text, word->len);
            *len += word->len;
        } else if (hex_bytes(word, out + *len)) {
            *len += (word->len - prefix_len(word)) / 2;
        } else {
            return word;
        }
    }
    return NULL;
}
