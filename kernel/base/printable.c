/* Escapes for terminals; see printable.h. */
#include "kernel/base/printable.h"

static size_t char_escape(char out[PRINTABLE_MAX], char c) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char byte = (unsigned char)c;
    out[0] = c;
    if (byte >= ' ' && byte < 0x7f && byte != '\\') return 1;
    out[0] = '\\';
    out[1] = 'x';
    out[2] = digits[byte >> 4];
    out[3] = digits[byte & 15];
    return PRINTABLE_MAX;
}

size_t printable(char *out, size_t size, const char *text, size_t len) {
    size_t done = 0;
    if (size == 0) return 0;
    for (size_t i = 0; i < len; i++) {
        char escaped[PRINTABLE_MAX];
        const size_t count = char_escape(escaped, text[i]);
        if (count >= size - done) break;
        for (size_t c = 0; c < count; c++) out[done++] = escaped[c];
    }
    out[done] = '\0';
    return done;
}

struct printable_name printable_name(const char name[ZX_MAX_NAME_LEN]) {
    struct printable_name out = {""};
    size_t len = 0;
    while (len < ZX_MAX_NAME_LEN - 1 && name[len] != '\0') len++;
    printable(out.text, sizeof(out.text), name, len);
    return out;
}
