/*
 * Whatever changes the line draws all of it again, except the most frequent key, a character typed at the end. That
 * is little enough for a serial line, and right by construction. The cursor stays left of the last column, where
 * terminals differ in what comes next.
 */
#include "user/monitor/line_editor.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zircon/compiler.h>

#include "user/monitor/wrap.h"

#define CONTROL(letter) ((letter)&0x1f)
#define ESCAPE 0x1b
#define BACKSPACE 0x7f

static void put_text(const struct line_editor *e, const char *text) { e->put(text, strlen(text)); }

static size_t left_of(const struct line_editor *e, size_t at) {
    while (at > 0 && !text_begins(e->text[--at])) continue;
    return at;
}

static size_t right_of(const struct line_editor *e, size_t at) {
    if (at < e->len) at++;
    while (at < e->len && !text_begins(e->text[at])) at++;
    return at;
}

/* How many columns the line may take. */
static size_t room(const struct line_editor *e) {
    size_t taken = text_width(e->prompt, strlen(e->prompt)) + 1;
    return e->columns > taken ? e->columns - taken : 1;
}

/* Moves the visible part so that the cursor is in it, and shows no less than it can. */
static void scroll(struct line_editor *e) {
    if (e->cursor < e->first) e->first = e->cursor;
    while (text_width(e->text + e->first, e->cursor - e->first) > room(e)) e->first = right_of(e, e->first);
    while (e->first > 0 && text_width(e->text + e->first, e->len - e->first) < room(e)) e->first = left_of(e, e->first);
}

void line_show(struct line_editor *e) {
    scroll(e);
    size_t end = e->first;
    for (size_t columns = room(e); end < e->len && columns > 0; columns--) end = right_of(e, end);
    put_text(e, "\r");
    put_text(e, e->prompt);
    e->put(e->text + e->first, end - e->first);
    put_text(e, "\x1b[K");
    size_t back = text_width(e->text + e->cursor, end - e->cursor);
    char move[24];
    if (back > 0) e->put(move, (size_t)snprintf(move, sizeof(move), "\x1b[%zuD", back));
}

void line_hide(struct line_editor *e) { put_text(e, "\r\x1b[K"); }

static void line_set(struct line_editor *e, const char *text) {
    e->len = strlen(text);
    memmove(e->text, text, e->len + 1);
    e->cursor = e->len;
    e->first = 0;
}

void line_begin(struct line_editor *e, const char *prompt) {
    snprintf(e->prompt, sizeof(e->prompt), "%s", prompt);
    e->key = KEY_PLAIN;
    if (e->history) e->history->shown = 0;
    line_set(e, "");
    line_show(e);
}

static void move_to(struct line_editor *e, size_t at) {
    if (at == e->cursor) return;
    e->cursor = at;
    line_show(e);
}

static void delete_range(struct line_editor *e, size_t from, size_t to) {
    if (from == to) return;
    memmove(e->text + from, e->text + to, e->len - to + 1);
    e->len -= to - from;
    e->cursor = from;
    line_show(e);
}

static void insert(struct line_editor *e, char byte) {
    if (e->len + 1 >= sizeof(e->text)) {
        put_text(e, "\a");
        return;
    }
    memmove(e->text + e->cursor + 1, e->text + e->cursor, e->len - e->cursor + 1);
    e->text[e->cursor++] = byte;
    e->len++;
    bool at_end = e->cursor == e->len && text_width(e->text + e->first, e->len - e->first) <= room(e);
    if (at_end)
        e->put(&byte, 1);
    else
        line_show(e);
}

static size_t word_start(const struct line_editor *e) {
    size_t at = e->cursor;
    while (at > 0 && e->text[at - 1] == ' ') at--;
    while (at > 0 && e->text[at - 1] != ' ') at--;
    return at;
}

/* Shows the line `shown` steps back, 0 being the one that was being typed. */
static void recall(struct line_editor *e, size_t shown) {
    struct line_history *h = e->history;
    if (h->shown == 0) memcpy(h->typed, e->text, sizeof(h->typed));
    h->shown = shown;
    line_set(e, shown == 0 ? h->typed : h->lines[h->count - shown]);
    line_show(e);
}

static void remember(struct line_editor *e) {
    struct line_history *h = e->history;
    if (!h || strspn(e->text, " ") == e->len) return;
    if (h->count > 0 && strcmp(h->lines[h->count - 1], e->text) == 0) return;
    if (h->count == LINE_HISTORY) memmove(h->lines[0], h->lines[1], sizeof(h->lines[0]) * --h->count);
    memcpy(h->lines[h->count++], e->text, sizeof(e->text));
}

static enum line_event finish(struct line_editor *e, enum line_event event) {
    e->cursor = e->len;
    line_show(e);
    put_text(e, event == LINE_ABANDONED ? "^C\r\n" : "\r\n");
    if (event == LINE_DONE) remember(e);
    return event;
}

/* What keys do. */
static void key_start(struct line_editor *e) { move_to(e, 0); }
static void key_end(struct line_editor *e) { move_to(e, e->len); }
static void key_left(struct line_editor *e) { move_to(e, left_of(e, e->cursor)); }
static void key_right(struct line_editor *e) { move_to(e, right_of(e, e->cursor)); }
static void key_backspace(struct line_editor *e) { delete_range(e, left_of(e, e->cursor), e->cursor); }
static void key_delete(struct line_editor *e) { delete_range(e, e->cursor, right_of(e, e->cursor)); }
static void key_delete_left(struct line_editor *e) { delete_range(e, 0, e->cursor); }
static void key_delete_right(struct line_editor *e) { delete_range(e, e->cursor, e->len); }
static void key_delete_word(struct line_editor *e) { delete_range(e, word_start(e), e->cursor); }

static void key_older(struct line_editor *e) {
    if (e->history && e->history->shown < e->history->count) recall(e, e->history->shown + 1);
}

static void key_newer(struct line_editor *e) {
    if (e->history && e->history->shown > 0) recall(e, e->history->shown - 1);
}

static void key_clear_screen(struct line_editor *e) {
    put_text(e, "\x1b[H\x1b[2J");
    line_show(e);
}

/* How long what all these words begin with is. */
static size_t common_len(const char *const *words) {
    size_t len = strlen(words[0]);
    for (size_t i = 1; words[i]; i++) {
        size_t same = 0;
        while (same < len && words[i][same] == words[0][same]) same++;
        len = same;
    }
    return len;
}

/* In columns below the line, which then comes again. */
static void show_words(struct line_editor *e, const char *const *words) {
    size_t widest = 0, column = 0;
    char cell[LINE_SIZE];
    for (size_t i = 0; words[i]; i++) widest = strlen(words[i]) > widest ? strlen(words[i]) : widest;
    for (size_t i = 0; words[i]; i++) {
        if (column == 0 || column + widest >= e->columns) {
            put_text(e, "\r\n");
            column = 0;
        }
        e->put(cell, (size_t)snprintf(cell, sizeof(cell), "%-*s  ", (int)widest, words[i]));
        column += widest + 2;
    }
    put_text(e, "\r\n");
    line_show(e);
}

static void key_complete(struct line_editor *e) {
    size_t word, done = e->cursor;
    const char *const *words = e->complete ? e->complete(e->text, e->cursor, &word) : NULL;
    if (!words || !words[0]) return put_text(e, "\a");
    const size_t common = common_len(words);
    for (size_t i = done - word; i < common; i++) insert(e, words[0][i]);
    if (!words[1])
        insert(e, ' ');
    else if (e->cursor == done)
        show_words(e, words);
}

/* The terminal's answer to LINE_ASK_SIZE. */
static void size_told(struct line_editor *e) {
    if (e->parameter < LINE_COLUMNS_MIN || e->parameter > LINE_COLUMNS_MAX) return;
    bool changed = e->columns != e->parameter;
    e->columns = e->parameter;
    e->rows = e->before;
    if (changed) line_show(e);
}

typedef void key_act(struct line_editor *e);

/* By the control character, by the letter that ends a sequence, and by the number before a tilde. */
static key_act *const by_control[BACKSPACE + 1] = {
    [CONTROL('A')] = key_start,        [CONTROL('E')] = key_end,          [CONTROL('B')] = key_left,
    [CONTROL('F')] = key_right,        [CONTROL('P')] = key_older,        [CONTROL('N')] = key_newer,
    [CONTROL('H')] = key_backspace,    [BACKSPACE] = key_backspace,       [CONTROL('D')] = key_delete,
    [CONTROL('U')] = key_delete_left,  [CONTROL('K')] = key_delete_right, [CONTROL('W')] = key_delete_word,
    [CONTROL('L')] = key_clear_screen, [CONTROL('I')] = key_complete,
};
static key_act *const by_letter[BACKSPACE + 1] = {
    ['A'] = key_older, ['B'] = key_newer, ['C'] = key_right, ['D'] = key_left,
    ['H'] = key_start, ['F'] = key_end,   ['R'] = size_told,
};
static key_act *const by_number[] = {
    [1] = key_start, [3] = key_delete, [4] = key_end, [7] = key_start, [8] = key_end,
};

static void sequence_end(struct line_editor *e, uint8_t letter) {
    key_act *act = letter < countof(by_letter) ? by_letter[letter] : NULL;
    if (letter == '~') act = e->parameter < countof(by_number) ? by_number[e->parameter] : NULL;
    if (act) act(e);
}

/* A byte of an escape sequence: of two bytes; of ESC O and a letter; or of ESC [, numbers, and a letter. */
static void type_sequence(struct line_editor *e, char byte) {
    bool goes_on = e->key == KEY_SEQUENCE && byte < '@';
    if (e->key == KEY_ESCAPE && (byte == '[' || byte == 'O')) {
        e->key = byte == '[' ? KEY_SEQUENCE : KEY_FUNCTION;
        e->parameter = e->before = 0;
    } else if (goes_on && byte == ';') {
        e->before = e->parameter;
        e->parameter = 0;
    } else if (goes_on && byte >= '0' && byte <= '9') {
        if (e->parameter <= LINE_COLUMNS_MAX) e->parameter = e->parameter * 10 + (unsigned)(byte - '0');
    } else if (!goes_on) {
        if (e->key != KEY_ESCAPE) sequence_end(e, (uint8_t)byte);
        e->key = KEY_PLAIN;
    }
}

enum line_event line_type(struct line_editor *e, char byte) {
    bool control = (uint8_t)byte < ' ' || byte == BACKSPACE;
    if (e->key != KEY_PLAIN && !control) {
        type_sequence(e, byte);
        return LINE_OPEN;
    }
    e->key = byte == ESCAPE ? KEY_ESCAPE : KEY_PLAIN;
    if (byte == '\r' || byte == '\n') return finish(e, LINE_DONE);
    if (byte == CONTROL('C')) return finish(e, LINE_ABANDONED);
    if (byte == CONTROL('D') && e->len == 0) return finish(e, LINE_ENDED);
    if (!control)
        insert(e, byte);
    else if (by_control[(uint8_t)byte])
        by_control[(uint8_t)byte](e);
    return LINE_OPEN;
}
