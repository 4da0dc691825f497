/* Unpredictable random bytes, as far as the machine has entropy. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Once, before anything is drawn. */
void random_init(void);

void random_bytes(void *out, size_t len);

/* Mixes in more entropy; it never makes things worse. */
void random_add(const void *entropy, size_t len);

/* What all of it is made of, for its test: one block of ChaCha20 with a nonce of zeros, as words. */
#define RANDOM_KEY_WORDS 8
#define RANDOM_BLOCK_WORDS 16
void random_block(const uint32_t key[RANDOM_KEY_WORDS], uint64_t counter, uint32_t out[RANDOM_BLOCK_WORDS]);
