/* Strings. The copying and filling functions are the machine's, which has instructions for them. */
#include "kernel/base/string.h"

#include "kernel/base/arith.h"

int memcmp(const void *a, const void *b, size_t len) {
    const unsigned char *x = a, *y = b;
    for (size_t i = 0; i < len; i++) {
        if (x[i] != y[i]) return x[i] - y[i];
    }
    return 0;
}

size_t strlen(const char *s) { return strnlen(s, SIZE_MAX); }

size_t strnlen(const char *s, size_t max) {
    size_t len = 0;
    while (len < max && s[len] != '\0') len++;
    return len;
}

int strcmp(const char *a, const char *b) { return strncmp(a, b, SIZE_MAX); }

int strncmp(const char *a, const char *b, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];
        if (x != y || x == '\0') return x - y;
    }
    return 0;
}

void string_copy(char *dst, const char *src, size_t size) {
    if (size == 0) return;
    size_t len = strnlen(src, size - 1);
    memcpy(dst, src, len);
    dst[len] = '\0';
}
