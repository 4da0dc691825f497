/* Text for a screen that is as wide as it is. Pure functions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* UTF-8: does a character begin at this byte? */
static inline bool text_begins(char byte) { return ((uint8_t)byte & 0xc0) != 0x80; }

/* How many columns a text takes. */
size_t text_width(const char *text, size_t len);

/*
 * Puts out a line and its newline, in as many rows as it needs: cut between words, within one that is wider than a row.
 * The second row and those after it begin below the last word of the first that had two blanks before it, if that is in
 * the left half of the screen, and else as far in as the line itself. Between them are no blanks.
 */
void wrap_line(const char *line, size_t len, size_t columns, void (*put)(const char *text, size_t len));
