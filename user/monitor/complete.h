/* What a word of a command can become: the Tab key. */
#pragma once

#include <stddef.h>

/*
 * The words, in order, that can stand where the first `len` bytes of the line end, and begin with what is typed of one
 * there: from *word on. `len` is below LINE_SIZE. NULL is behind the last. They last until the next call.
 */
const char *const *complete(const char *line, size_t len, size_t *word);
