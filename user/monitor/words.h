/*
 * A line taken apart into words, and what words can mean. Words are parted by blanks; "…" and '…' hold words together,
 * and in "…" a backslash begins \n, \t, \r, \0, \xHH, \\ or \". Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/monitor/line_editor.h"

#define WORDS_MAX 64

struct word {
    const char *text; /* ended by a NUL, and may have others */
    size_t len;
    bool quoted; /* some of it was */
};

struct words {
    struct word items[WORDS_MAX];
    size_t count;
    char store[LINE_SIZE + WORDS_MAX];
};

/* NULL, or a sentence that tells what is wrong with the line. */
const char *words_split(const char *line, struct words *out);

/* The words without the first, as a line of their own. */
void words_rest(const struct words *words, struct words *out);

/* The words from the n-th on, as a program's arguments. `out` has room for WORDS_MAX + 1. */
void words_args(const struct words *words, size_t from, const char **out);

/* A number: decimal, or hexadecimal after 0x. All of the word, and at most 64 bits. */
bool word_number(const struct word *word, uint64_t *out);

/* An address: hexadecimal, with 0x or without. */
bool word_address(const struct word *word, uint64_t *out);

/* Bytes: quoted words, and pairs of hexadecimal digits, 0x or not. NULL, or the first word that is neither. */
const struct word *words_bytes(const struct words *words, size_t from, uint8_t *out, size_t *len);
