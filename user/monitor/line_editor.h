/*
 * Editing a line on a terminal: bytes typed go in, bytes for the screen come out, and when a line is complete it can be
 * read. Nothing but state: no system calls, no heap, so that it runs and is tested anywhere.
 *
 * The line stands behind a prompt on one row of the screen. A line that is longer than the row moves sideways under it.
 * Text is UTF-8, a column for each character. Keys: arrows, Home, End, Delete, Backspace, and Ctrl- with
 * A E B F (move), P N (history), H D (delete), U K W (delete to the beginning, to the end, a word), L (clear
 * the screen), C (give up the line); Ctrl-D on an empty line is the end of the input. Tab writes as much of a word as
 * is certain, and shows what it can be if that is nothing. All else does nothing, but for what a terminal that was
 * asked for its size answers: LINE_ASK_SIZE.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LINE_SIZE 1000
#define LINE_PROMPT_SIZE 256
#define LINE_HISTORY 32

/*
 * Asks a terminal how large it is: where the cursor is after it was sent as far down and right as can be. It answers as
 * if it was typed; those that know no such question say nothing.
 */
#define LINE_ASK_SIZE "\0337\033[999;999H\033[6n\0338"
#define LINE_COLUMNS_MIN 20
#define LINE_COLUMNS_MAX 1000

enum line_event {
    LINE_OPEN,      /* go on typing */
    LINE_DONE,      /* `text` is the line */
    LINE_ABANDONED, /* Ctrl-C */
    LINE_ENDED,     /* Ctrl-D with nothing typed */
    LINE_TOO_LONG,  /* from a pipe only: screen_input() */
};

/* Lines entered earlier, oldest first; `shown` counts back from the line that is being typed. */
struct line_history {
    char lines[LINE_HISTORY][LINE_SIZE];
    size_t count;
    size_t shown;
    char typed[LINE_SIZE]; /* the line being typed, while an older one is shown */
};

/* What the word can become that ends behind the first `len` bytes; see complete.h. */
typedef const char *const *line_complete(const char *line, size_t len, size_t *word);

struct line_editor {
    void (*put)(const char *text, size_t len); /* to the screen */
    size_t columns, rows;                      /* of the screen; it changes them when the terminal tells */
    struct line_history *history;              /* NULL: none */
    line_complete *complete;                   /* NULL: Tab does nothing */

    char text[LINE_SIZE]; /* ended by a NUL */
    size_t len, cursor;   /* bytes */
    size_t first;         /* the first byte that is visible */
    char prompt[LINE_PROMPT_SIZE];
    enum { KEY_PLAIN, KEY_ESCAPE, KEY_SEQUENCE, KEY_FUNCTION } key; /* how far an escape sequence has come */
    unsigned parameter, before;                                     /* the sequence's last number, and the one before */
};

/* Begins a new line: shows the prompt. `put`, `columns`, `history` and `complete` have been set. */
void line_begin(struct line_editor *editor, const char *prompt);

/* Takes one byte typed. A line that is done is in `text`, and in the history unless it is blank or repeats the last. */
enum line_event line_type(struct line_editor *editor, char byte);

/* Takes the line off the screen, so that other text can be shown, and puts it back. */
void line_hide(struct line_editor *editor);
void line_show(struct line_editor *editor);
