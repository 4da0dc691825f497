/* A line is gathered until its newline comes; one that is too long for the buffer is shown in pieces. */
#include "user/monitor/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "user/monitor/screen.h"
#include "user/monitor/wrap.h"

#define TEXT_SIZE 4096

static char text[TEXT_SIZE];
static size_t text_len;
static bool failed;

static void put(const char *bytes, size_t len) { fwrite(bytes, 1, len, stdout); }

/* Shows the whole lines that were gathered. */
static void lines_show(void) {
    const char *at = text, *end;
    while ((end = memchr(at, '\n', text_len - (size_t)(at - text)))) {
        wrap_line(at, (size_t)(end - at), screen_columns(), put);
        at = end + 1;
    }
    text_len -= (size_t)(at - text);
    memmove(text, at, text_len);
}

static void say_va(const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    size_t room = sizeof(text) - text_len;
    size_t len = (size_t)vsnprintf(text + text_len, room, format, args);
    if (len >= room && text_len > 0) {
        put(text, text_len);
        text_len = 0;
        room = sizeof(text);
        len = (size_t)vsnprintf(text, room, format, again);
    }
    va_end(again);
    text_len += len < room ? len : room - 1;
    lines_show();
}

void say(const char *format, ...) {
    va_list args;
    va_start(args, format);
    say_va(format, args);
    va_end(args);
}

void complain(const char *format, ...) {
    va_list args;
    va_start(args, format);
    say_va(format, args);
    va_end(args);
    say_failed();
}

void say_failed(void) { failed = true; }
bool say_any_failed(void) { return failed; }
