/*
 * The monitor's line editor and its reading of words, on the host. Keys go in; what comes out is shown on a screen of
 * one row, whose text and cursor are looked at. Then random keys: whatever they are, the screen must show the line.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/monitor/line_editor.h"
#include "user/monitor/words.h"
#include "user/monitor/wrap.h"

#define COLUMNS 40
#define PROMPT "> "

#define UP "\x1b[A"
#define DOWN "\x1b[B"
#define RIGHT "\x1b[C"
#define LEFT "\x1b[D"

static unsigned tests, failures;

static void ok(bool good, const char *what) {
    printf("%sok %u - %s\n", good ? "" : "not ", ++tests, what);
    failures += !good;
}

/* The screen: a cell for each character, which may have several bytes. */

static char cells[COLUMNS][8];
static size_t column;
static bool sound; /* nothing was sent that the screen cannot show */

static void screen_clear(size_t from) {
    for (size_t i = from; i < COLUMNS; i++) cells[i][0] = '\0';
}

static void screen_sequence(const char *parameters, char letter) {
    size_t number = strtoul(parameters, NULL, 10);
    if (letter == 'K') {
        screen_clear(column);
    } else if (letter == 'D') {
        sound &= number >= 1 && number <= column;
        column -= number;
    } else if (letter == 'H') {
        column = 0;
    } else if (letter == 'J') {
        screen_clear(0);
    } else {
        sound = false;
    }
}

static void screen_character(char byte) {
    bool start = ((unsigned char)byte & 0xc0) != 0x80;
    if (start && column >= COLUMNS) {
        sound = false;
        return;
    }
    if (start) cells[column++][0] = '\0';
    char *cell = cells[column - 1];
    size_t len = strlen(cell);
    if (len + 1 < sizeof(cells[0])) {
        cell[len] = byte;
        cell[len + 1] = '\0';
    }
}

static void screen_put(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\x1b') {
            size_t letter = i + 2;
            while (letter < len && text[letter] < '@') letter++;
            screen_sequence(text + i + 2, text[letter]);
            i = letter;
        } else if (text[i] == '\r') {
            column = 0;
        } else if (text[i] == '\n') {
            screen_clear(0);
        } else if (text[i] != '\a') {
            screen_character(text[i]);
        }
    }
}

static const char *screen_row(void) {
    static char row[sizeof(cells) + 1];
    size_t len = 0;
    row[0] = '\0';
    for (size_t i = 0; i < COLUMNS; i++) len += (size_t)snprintf(row + len, sizeof(row) - len, "%s", cells[i]);
    return row;
}

/* The editor. */

static struct line_history history;
static struct line_editor editor;

static void begin(void) {
    sound = true;
    editor.put = screen_put;
    editor.columns = COLUMNS;
    editor.history = &history;
    screen_clear(0);
    line_begin(&editor, PROMPT);
}

static enum line_event type(const char *keys) {
    enum line_event event = LINE_OPEN;
    for (; *keys; keys++) event = line_type(&editor, *keys);
    return event;
}

/* These keys leave this on the screen, with the cursor on this column. */
static void shows(const char *keys, const char *row, size_t at, const char *what) {
    begin();
    type(keys);
    bool good = sound && strcmp(screen_row(), row) == 0 && column == at;
    ok(good, what);
    if (!good) printf("# the screen shows '%s', column %zu\n", screen_row(), column);
}

/* These keys, and Enter, make this line. */
static void makes(const char *keys, const char *line, const char *what) {
    begin();
    type(keys);
    bool good = line_type(&editor, '\r') == LINE_DONE && strcmp(editor.text, line) == 0 && sound;
    ok(good, what);
    if (!good) printf("# the line is '%s'\n", editor.text);
}

static void test_keys(void) {
    makes("abc", "abc", "what is typed is the line");
    shows("abc", "> abc", 5, "and is shown behind the prompt");
    makes("abd\x7f"
          "c",
          "abc", "Backspace deletes to the left");
    makes("abd\bc", "abc", "and so does Ctrl-H");
    makes("\x7fx", "x", "at the beginning it does nothing");
    shows("ac" LEFT "b", "> abc", 4, "a letter goes in where the cursor is");
    makes("ac" LEFT "b", "abc", "and is in the line there");
    makes(LEFT RIGHT "a" RIGHT "b", "ab", "the cursor stays within the line");
    makes("bc\x01"
          "a\x05"
          "d",
          "abcd", "Ctrl-A and Ctrl-E go to the ends");
    makes("bc\x1b[H"
          "a\x1b[F"
          "d\x1b[1~-\x1b[4~+",
          "-abcd+", "and so do Home and End");
    makes("bc\x1bOH"
          "a\x1bOF"
          "d\x1b[7~-\x1b[8~+",
          "-abcd+", "in each of the forms that terminals send");
    makes("c\x02"
          "a\x06"
          "d",
          "acd", "Ctrl-B and Ctrl-F move by one");
    makes("abxc" LEFT LEFT "\x1b[3~", "abc", "Delete deletes under the cursor");
    makes("abxc" LEFT LEFT "\x04", "abc", "and so does Ctrl-D in a line");
    makes("xyzabc" LEFT LEFT LEFT "\x15", "abc", "Ctrl-U deletes to the beginning");
    makes("abcxyz" LEFT LEFT LEFT "\x0b", "abc", "Ctrl-K deletes to the end");
    makes("one two  \x17"
          "three",
          "one three", "Ctrl-W deletes a word");
    shows("one two\x17", "> one ", 6, "and the screen forgets it");
    shows("ab" LEFT "\x0c", "> ab", 3, "Ctrl-L shows the line again on a clear screen");
    makes("a\x1b[15~\x1b[99zb\x1b[1;5Qc\x1bOPd\x1bxe\x1b[200~f", "abcdef", "unknown escape sequences are swallowed");
    makes("a\x1b\x7f"
          "b\t\x01\x05\x1d"
          "c",
          "bc", "a key breaks a sequence off; unknown controls do nothing");
}

static void test_ends(void) {
    begin();
    ok(type("abc\x03") == LINE_ABANDONED, "Ctrl-C gives up the line");
    begin();
    ok(type("\x04") == LINE_ENDED, "Ctrl-D on an empty line ends the input");
    begin();
    ok(type("a\x7f\x04") == LINE_ENDED, "also on one that has become empty");
    begin();
    ok(type("a\x04") == LINE_OPEN, "but not behind a text");
    begin();
    ok(type("a\n") == LINE_DONE, "a newline ends the line as Enter does");
}

static void test_history(void) {
    memset(&history, 0, sizeof(history));
    makes(UP DOWN "x", "x", "without a history the arrows do nothing");
    makes("second", "second", "a line goes into the history");
    makes("second", "second", "but not twice in a row");
    makes("  ", "  ", "nor when it is blank");
    makes(UP UP UP, "x", "Up goes back, as far as there is something");
    makes("new" UP UP DOWN DOWN, "new", "Down comes back to what was being typed");
    shows(UP, "> new", 5, "an old line is shown with the cursor at its end");
    makes(UP "er", "newer", "it can be changed");
    makes(UP UP, "new", "and is kept as it was");
    for (int i = 0; i < 3 * LINE_HISTORY; i++) {
        char line[16];
        snprintf(line, sizeof(line), "line %d", i);
        makes(line, line, "many lines are entered");
    }
    begin();
    for (int i = 0; i < 2 * LINE_HISTORY; i++) type(UP);
    char oldest[16];
    snprintf(oldest, sizeof(oldest), "line %d", 2 * LINE_HISTORY);
    ok(strcmp(editor.text, oldest) == 0, "the oldest lines are forgotten first");
}

static void test_long_lines(void) {
    char line[3 * LINE_SIZE];
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    begin();
    type(line);
    ok(editor.len == LINE_SIZE - 1 && sound, "a line that is full takes no more");
    makes("0123456789012345678901234567890123456789012345678901234567890123456789\x01"
          "A",
          "A0123456789012345678901234567890123456789012345678901234567890123456789",
          "a line longer than the screen is whole");
    shows("0123456789012345678901234567890123456789", "> 3456789012345678901234567890123456789", COLUMNS - 1,
          "its end is visible while it is typed");
    shows("0123456789012345678901234567890123456789\x01", "> 0123456789012345678901234567890123456", 2,
          "and its beginning when the cursor is there");
    shows("\xc3\xa4\xc3\xb6" LEFT "\x7fu", "> u\xc3\xb6", 3, "a character of two bytes is one key's worth");
}

/* The row must be the prompt and a part of the line that holds the cursor. */
static bool row_is_right(void) {
    size_t shown = strlen(screen_row()) - strlen(PROMPT);
    bool prompt = strncmp(screen_row(), PROMPT, strlen(PROMPT)) == 0;
    bool window = editor.first <= editor.cursor && editor.cursor <= editor.first + shown;
    bool text = strncmp(screen_row() + strlen(PROMPT), editor.text + editor.first, shown) == 0;
    bool end = editor.first + shown == editor.len || shown == COLUMNS - strlen(PROMPT) - 1;
    return sound && prompt && window && text && end && column == strlen(PROMPT) + editor.cursor - editor.first;
}

static void test_random(void) {
    static const char *const keys[] = {UP,     DOWN,   LEFT, RIGHT,  LEFT,   LEFT,   "\x01", "\x05", "\x0b", "\x17",
                                       "\x7f", "\x04", "\b", "\x0c", "\x1b", "\x10", "\x0e", "[",    "12",   "~"};
    unsigned wrong = 0;
    srand(1);
    begin();
    for (int i = 0; i < 200000 && wrong == 0; i++) {
        int choice = rand() % 100;
        char letter[2] = {(char)(choice % 5 == 0 ? ' ' : 'a' + choice % 26), '\0'};
        enum line_event event = type(choice < 40 ? keys[choice / 2] : choice == 99 ? "\r" : letter);
        if (event != LINE_OPEN) {
            begin();
        } else if (!row_is_right()) {
            printf("# after %d keys the screen shows '%s', the line is '%s'\n", i, screen_row(), editor.text);
            wrong++;
        }
    }
    ok(wrong == 0, "after each of 200,000 random keys the screen shows the line, and the cursor its place");
}

static void splits(const char *line, const char *want, const char *what) {
    static struct words words;
    char got[LINE_SIZE * 2] = "";
    const char *wrong = words_split(line, &words);
    for (size_t i = 0, len = 0; !wrong && i < words.count; i++) {
        const struct word *word = &words.items[i];
        len += (size_t)snprintf(got + len, sizeof(got) - len, "[%s]%s", word->text, word->quoted ? "q" : "");
    }
    ok(strcmp(wrong ? wrong : got, want) == 0, what);
    if (strcmp(wrong ? wrong : got, want) != 0) printf("# %s\n", wrong ? wrong : got);
}

static void test_words(void) {
    splits("", "", "an empty line has no words");
    splits("  dump \t 12  0x5 ", "[dump][12][0x5]", "blanks part words");
    splits("w \"a b\" 'c \"d' \"\"", "[w][a b]q[c \"d]q[]q", "quotes hold words together");
    splits("a\"b c\"d", "[ab cd]q", "anywhere in a word");
    splits("\"\\n\\x41\\\\\\\"\"", "[\nA\\\"]q", "a backslash means something in double quotes");
    splits("'\\n'", "[\\n]q", "but not in single ones");
    splits("a \"b", "A quote is not closed.", "an open quote is an error");
    splits("\"\\q\"", "After a backslash there can be n, t, r, 0, xHH, a backslash or a quote.",
           "as is a bad backslash");
    splits("\"\\x4\"", "After a backslash there can be n, t, r, 0, xHH, a backslash or a quote.", "or half a byte");
    splits("\"\\", "After a backslash there can be n, t, r, 0, xHH, a backslash or a quote.", "or the end of the line");
    splits("1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 "
           "4 5 6 "
           "7 8 9 0 1 2 3 4 5",
           "There are too many words on the line.", "or a word too many");
}

static bool number(const char *text, bool address, uint64_t want) {
    uint64_t value = ~want;
    const struct word word = {text, strlen(text), false};
    return (address ? word_address(&word, &value) : word_number(&word, &value)) && value == want;
}

static bool no_number(const char *text, bool address) {
    uint64_t value;
    const struct word word = {text, strlen(text), false};
    return !(address ? word_address(&word, &value) : word_number(&word, &value));
}

static void test_numbers(void) {
    ok(number("12", false, 12) && number("0x1F", false, 31), "numbers are decimal, or hexadecimal after 0x");
    ok(number("18446744073709551615", false, UINT64_MAX), "up to 64 bits");
    ok(no_number("18446744073709551616", false) && no_number("0x10000000000000000", false), "and no more");
    ok(no_number("", false) && no_number("0x", false) && no_number("1a", false) && no_number("-1", false) &&
           no_number("1 ", false),
       "anything else is no number");
    ok(number("1000", true, 0x1000) && number("0xfff", true, 0xfff) && no_number("0xg", true),
       "addresses are hexadecimal in any case");
}

static void test_bytes(void) {
    static struct words words;
    uint8_t bytes[LINE_SIZE];
    size_t len;
    words_split("write 1 2 \"Hi\\0\" de 0xadBEEF", &words);
    ok(!words_bytes(&words, 3, bytes, &len) && len == 7 && memcmp(bytes, "Hi\0\xde\xad\xbe\xef", 7) == 0,
       "bytes are text and pairs of digits in any order");
    words_split("00 123", &words);
    ok(words_bytes(&words, 0, bytes, &len) == &words.items[1], "an odd digit is told");
    words_split("zz", &words);
    ok(words_bytes(&words, 0, bytes, &len) == &words.items[0], "and so is what is no digit");
}

/* Completion: of the names of three fruits. */

static const char *const *fruits(const char *line, size_t len, size_t *word) {
    static const char *const all[] = {"apple", "apricot", "cherry", NULL};
    static const char *found[4];
    size_t count = 0;
    for (*word = len; *word > 0 && line[*word - 1] != ' ';) --*word;
    for (size_t i = 0; all[i]; i++) {
        if (strncmp(all[i], line + *word, len - *word) == 0) found[count++] = all[i];
    }
    found[count] = NULL;
    return found;
}

static void test_complete(void) {
    editor.complete = fruits;
    makes("c\t", "cherry ", "Tab completes a word, with a blank behind it");
    makes("eat c\tnow", "eat cherry now", "anywhere on the line");
    makes("eat a now" LEFT LEFT LEFT LEFT "\t", "eat ap now", "as far as it is certain");
    makes("kiwi\t", "kiwi", "but nothing that is unknown");
    shows("ap\t", "> ap", 4, "Tab where nothing is certain shows the line again");
    editor.complete = NULL;
    makes("c\t", "c", "without completion it does nothing");
}

static void test_size(void) {
    makes("a\x1b[24;30Rb", "ab", "the terminal's size is no text");
    ok(editor.columns == 30 && editor.rows == 24, "but the line's");
    begin();
    type("0123456789012345678901234567890123456789\x1b[24;30R");
    ok(sound && strcmp(screen_row(), "> 3456789012345678901234567890123456789") != 0 && column == 29,
       "a line that is being typed fits a window that has become narrower");
    begin();
    type("\x1b[1;2R\x1b[1;99999R\x1b[R");
    ok(editor.columns == COLUMNS, "what can be no size is none");
}

/* Rows: what wrap_line() puts out. */

static char rows[256];

static void rows_put(const char *text, size_t len) {
    snprintf(rows + strlen(rows), sizeof(rows) - strlen(rows), "%.*s", (int)len, text);
}

static void wraps(const char *line, size_t columns, const char *want, const char *what) {
    rows[0] = '\0';
    wrap_line(line, strlen(line), columns, rows_put);
    ok(strcmp(rows, want) == 0, what);
    if (strcmp(rows, want) != 0) printf("# the rows are '%s'\n", rows);
}

static void test_wrap(void) {
    wraps("one two", 7, "one two\n", "a line that fits is one row");
    wraps("one two", SIZE_MAX, "one two\n", "a pipe has room for all");
    wraps("one two three", 12, "one two\nthree\n", "a line is cut between words");
    wraps("one two three", 7, "one two\nthree\n", "also where a word ends with the row");
    wraps("onetwothree four", 6, "onetwo\nthree\nfour\n", "a word that is wider than a row is cut");
    wraps("  dump PID  shows it all", 24, "  dump PID  shows it all\n", "columns fit, or");
    wraps("  dump PID  shows it all", 23, "  dump PID  shows it\n  all\n", "the next row begins as far in");
    wraps("  dump  shows it all", 17, "  dump  shows it\n        all\n", "or in the column of the text");
    wraps("  \xc3\xa4\xc3\xb6 \xc3\xbc", 5, "  \xc3\xa4\xc3\xb6\n  \xc3\xbc\n", "characters count, not bytes");
    wraps("one   ", 4, "one\n", "blanks at the end make no row");
    wraps("", 4, "\n", "an empty line is one");
}

int main(void) {
    test_wrap();
    test_complete();
    test_size();
    test_keys();
    test_ends();
    test_history();
    test_long_lines();
    test_random();
    test_words();
    test_numbers();
    test_bytes();
    printf("1..%u\n", tests);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
