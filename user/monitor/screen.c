/*
 * At most one line is being typed at a time: the editor's, shown on the screen while `typing`. From a pipe bytes are
 * gathered in the same buffer without a word.
 */
#include "user/monitor/screen.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls.h>

#include "kernel/base/printable.h"
#include "user/lib/keyboard.h"
#include "user/monitor/complete.h"
#include "user/monitor/wrap.h"

#define DEFAULT_COLUMNS 80
#define ASK_AGAIN ZX_SEC(1)
#define NOTICE_SIZE (2 * SCREEN_TEXT_SIZE)

static struct line_history history;
static struct line_editor editor;
static bool typing;
static zx_time_t last_key; /* when it was typed, or the prompt shown */

/* What the foreground has written since its last newline. */
static char partial[LINE_PROMPT_SIZE];
static size_t partial_len;
static bool cut; /* a newline of ours has ended that line before its own came */

static void put(const char *text, size_t len) { fwrite(text, 1, len, stdout); }

void screen_start(void) {
    const char *columns = getenv("init.columns");
    long value = columns ? strtol(columns, NULL, 10) : 0;
    editor.put = put;
    editor.columns = value >= LINE_COLUMNS_MIN && value <= LINE_COLUMNS_MAX ? (size_t)value : DEFAULT_COLUMNS;
}

static void size_ask(void) { put(LINE_ASK_SIZE, strlen(LINE_ASK_SIZE)); }

/* Programs find the size where the machine's run script puts it: in their environment. */
static void size_hand_on(size_t columns) {
    char text[24];
    if (columns == editor.columns) return;
    snprintf(text, sizeof(text), "%zu", editor.columns);
    setenv("init.columns", text, 1);
    snprintf(text, sizeof(text), "%zu", editor.rows);
    setenv("init.rows", text, 1);
}

size_t screen_columns(void) { return keyboard_is_terminal() ? editor.columns : SIZE_MAX; }

static void interject_begin(void) {
    if (typing && keyboard_is_terminal()) {
        line_hide(&editor);
    } else {
        cut = partial_len > 0;
        screen_fresh_line();
    }
}

static void interject_end(void) {
    if (typing && keyboard_is_terminal()) line_show(&editor);
    fflush(stdout);
}

void screen_notice(const char *format, ...) {
    char text[NOTICE_SIZE];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    interject_begin();
    wrap_line(text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1, screen_columns(), put);
    interject_end();
}

void screen_fresh_line(void) {
    if (partial_len > 0) put("\n", 1);
    partial_len = 0;
    fflush(stdout);
}

void screen_background_end(struct screen_line *line, const char *name) {
    if (line->len > 0) screen_notice("%s: %.*s", name, (int)line->len, line->text);
    line->len = 0;
}

void screen_background(struct screen_line *line, const char *name, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n' && line->len == 0) {
            screen_notice("%s:", name);
        } else if (text[i] == '\n') {
            screen_background_end(line, name);
        } else {
            if (line->len + PRINTABLE_MAX >= sizeof(line->text)) screen_background_end(line, name);
            if (text[i] == '\t' || text[i] == '\\')
                line->text[line->len++] = text[i];
            else
                line->len += printable(line->text + line->len, PRINTABLE_MAX + 1, &text[i], 1);
        }
    }
}

/* What a program wrote last on its line becomes the prompt of its input, if it is plain text and leaves room. */
static const char *foreground_prompt(void) {
    bool plain = partial_len + LINE_COLUMNS_MIN <= editor.columns;
    for (size_t i = 0; i < partial_len && plain; i++) plain = (unsigned char)partial[i] >= ' ';
    if (!plain) screen_fresh_line();
    partial[partial_len] = '\0';
    return partial;
}

void screen_foreground(const char *text, size_t len) {
    bool editing = typing && keyboard_is_terminal();
    if (cut && len > 0 && *text == '\n') {
        text++;
        len--;
    }
    cut = false;
    if (editing) line_hide(&editor);
    if (editing) put(partial, partial_len);
    put(text, len);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n')
            partial_len = 0;
        else if (partial_len < sizeof(partial) - 1)
            partial[partial_len++] = text[i];
    }
    if (editing) snprintf(editor.prompt, sizeof(editor.prompt), "%s", foreground_prompt());
    interject_end();
}

static void input_begin(const char *prompt) {
    typing = true;
    if (keyboard_is_terminal()) {
        editor.history = prompt ? &history : NULL;
        editor.complete = prompt ? complete : NULL;
        if (prompt) size_ask();
        last_key = zx_clock_get_monotonic();
        line_begin(&editor, prompt ? prompt : foreground_prompt());
    } else {
        editor.len = 0;
    }
}

/* After a while the window may be another; but Enter begins something that may read the answer. */
static enum line_event edit(char byte) {
    const size_t columns = editor.columns;
    const zx_time_t now = zx_clock_get_monotonic();
    if (byte != '\r' && byte != '\n' && now - last_key >= ASK_AGAIN) size_ask();
    last_key = now;
    enum line_event event = line_type(&editor, byte);
    size_hand_on(columns);
    return event;
}

/* From a pipe. A line that is too long is read to its end all the same. */
static enum line_event gather(char byte) {
    bool fits = editor.len < sizeof(editor.text) - 1;
    if (byte == '\n') {
        editor.text[fits ? editor.len : 0] = '\0';
        return fits ? LINE_DONE : LINE_TOO_LONG;
    }
    if (fits) editor.text[editor.len++] = byte;
    return LINE_OPEN;
}

static enum line_event input_finish(enum line_event result, const char **line) {
    typing = false;
    if (keyboard_is_terminal()) partial_len = 0;
    *line = editor.text;
    fflush(stdout);
    return result;
}

enum line_event screen_input(const char *prompt, const char **line) {
    char byte;
    if (!typing) input_begin(prompt);
    do {
        while (keyboard_next(&byte)) {
            enum line_event result = keyboard_is_terminal() ? edit(byte) : gather(byte);
            if (result != LINE_OPEN) return input_finish(result, line);
        }
        if (!keyboard_ended()) continue;
        bool last_line = !keyboard_is_terminal() && editor.len > 0;
        return input_finish(last_line ? gather('\n') : LINE_ENDED, line);
    } while (keyboard_pending());
    fflush(stdout);
    return LINE_OPEN;
}

void screen_interrupted(void) {
    if (!typing) return screen_foreground("^C", 2);
    line_type(&editor, KEYBOARD_INTERRUPT);
    typing = false;
    partial_len = 0;
}

void screen_input_cancel(void) {
    if (typing && keyboard_is_terminal()) {
        put("\r\n", 2);
        partial_len = 0;
    }
    typing = false;
}
