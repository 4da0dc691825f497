/*
 * Who may write where on the one screen. The program in the foreground writes freely. What programs in the background
 * write comes by whole lines, each with the program's name before it and with all but plain text and tabs escaped, and
 * never tears the line that is being typed: that one is taken away and put back.
 */
#pragma once

#include <stddef.h>

#include "user/monitor/line_editor.h"

#define SCREEN_TEXT_SIZE 512

/* How far a program in the background has come with its line. */
struct screen_line {
    char text[SCREEN_TEXT_SIZE];
    size_t len;
};

void screen_start(void);

/* How wide the window is; from a pipe, without a bound. */
size_t screen_columns(void);

/* Shows a line of its own between others: printf without the newline. */
void screen_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Shows what the program in the foreground writes. */
void screen_foreground(const char *text, size_t len);

/* Begins a new line unless the foreground has just done so. */
void screen_fresh_line(void);

/* Shows what a program in the background writes, by lines. The second: what is left when it ends. */
void screen_background(struct screen_line *line, const char *name, const char *text, size_t len);
void screen_background_end(struct screen_line *line, const char *name);

/* Takes what was typed of a line: a command, if there is a prompt, else input. *line lasts until the next call. */
enum line_event screen_input(const char *prompt, const char **line);

/* Shows that Ctrl-C was typed while a program was in the foreground. */
void screen_interrupted(void);

/* Forgets the line that is being typed, for whom it was meant is gone. */
void screen_input_cancel(void);
