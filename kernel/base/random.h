/*
 * Random bytes that nobody can guess, as far as the machine has entropy.
 */
#pragma once

#include <stddef.h>

/* Once, before anything is drawn. */
void random_init(void);

void random_bytes(void *out, size_t len);

/* Mixes in more entropy; it never makes things worse. */
void random_add(const void *entropy, size_t len);
