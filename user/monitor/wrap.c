/* Rows are cut off the line's front until the rest of it fits. */
#include "user/monitor/wrap.h"

size_t text_width(const char *text, size_t len) {
    size_t columns = 0;
    for (size_t i = 0; i < len; i++) columns += text_begins(text[i]);
    return columns;
}

static size_t skip_blanks(const char *line, size_t len, size_t at) {
    while (at < len && line[at] == ' ') at++;
    return at;
}

/* Where rows after the first begin. */
static size_t indent_of(const char *line, size_t len, size_t columns) {
    size_t indent = skip_blanks(line, len, 0);
    if (indent > columns / 2) return 0;
    for (size_t i = indent; i + 2 < len; i++) {
        if (line[i] != ' ' || line[i + 1] != ' ') continue;
        i = skip_blanks(line, len, i);
        if (text_width(line, i) > columns / 2) break;
        indent = text_width(line, i);
    }
    return indent;
}

/* Where to cut what follows `at` so that it takes `room` columns at most: at the last blank, if there is one. */
static size_t row_end(const char *line, size_t len, size_t at, size_t room) {
    size_t end = at, columns = 0, blank = 0;
    for (; end < len && columns + text_begins(line[end]) <= room; end++) {
        columns += text_begins(line[end]);
        if (line[end] == ' ' && skip_blanks(line, len, at) < end) blank = end;
    }
    return blank && line[end] != ' ' ? blank : end;
}

static void put_blanks(size_t count, void (*put)(const char *text, size_t len)) {
    for (size_t i = 0; i < count; i++) put(" ", 1);
}

void wrap_line(const char *line, size_t len, size_t columns, void (*put)(const char *text, size_t len)) {
    const size_t indent = indent_of(line, len, columns);
    size_t at = 0, room = columns;
    while (text_width(line + at, len - at) > room) {
        size_t end = row_end(line, len, at, room), next = skip_blanks(line, len, end);
        while (end > at && line[end - 1] == ' ') end--;
        put(line + at, end - at);
        at = next;
        if (at == len) break;
        put("\n", 1);
        put_blanks(indent, put);
        room = columns - indent;
    }
    put(line + at, len - at);
    put("\n", 1);
}
