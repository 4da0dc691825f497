/*
 * A generator on the ChaCha20 block function (RFC 8439): each draw takes one half of a block under the current key,
 * which the other half replaces, so that past output cannot be recovered later. That half is what a short draw gives,
 * and the key of a long one. A spinlock guards the key and is held for one block at a time.
 */
#include "kernel/base/random.h"

#include "kernel/base/arith.h"
#include "kernel/base/compiler.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/string.h"

#define ROUNDS 20

static struct spinlock lock = SPINLOCK_INIT(RANK_RANDOM, "random");
static uint32_t key[RANDOM_KEY_WORDS] GUARDED_BY(lock);

static uint32_t rotate(uint32_t x, unsigned n) { return x << n | x >> (32 - n); }

/* Inlined: the words then stay in registers, and a block costs half as much. */
static ALWAYS_INLINE void quarter(uint32_t s[RANDOM_BLOCK_WORDS], unsigned a, unsigned b, unsigned c, unsigned d) {
    s[a] += s[b], s[d] = rotate(s[d] ^ s[a], 16);
    s[c] += s[d], s[b] = rotate(s[b] ^ s[c], 12);
    s[a] += s[b], s[d] = rotate(s[d] ^ s[a], 8);
    s[c] += s[d], s[b] = rotate(s[b] ^ s[c], 7);
}

void random_block(const uint32_t with[RANDOM_KEY_WORDS], uint64_t counter, uint32_t out[RANDOM_BLOCK_WORDS]) {
    static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    uint32_t start[RANDOM_BLOCK_WORDS] = {0}, s[RANDOM_BLOCK_WORDS];
    memcpy(start, constants, sizeof(constants));
    memcpy(start + 4, with, sizeof(key));
    memcpy(start + 12, &counter, sizeof(counter));
    memcpy(s, start, sizeof(start));
    for (unsigned round = 0; round < ROUNDS; round += 2) {
        quarter(s, 0, 4, 8, 12);
        quarter(s, 1, 5, 9, 13);
        quarter(s, 2, 6, 10, 14);
        quarter(s, 3, 7, 11, 15);
        quarter(s, 0, 5, 10, 15);
        quarter(s, 1, 6, 11, 12);
        quarter(s, 2, 7, 8, 13);
        quarter(s, 3, 4, 9, 14);
    }
    for (unsigned i = 0; i < RANDOM_BLOCK_WORDS; i++) out[i] = s[i] + start[i];
}

/* Computes a block under the current key: one half replaces that key, the other is the draw's own. */
static void take_half(uint32_t out[RANDOM_KEY_WORDS]) {
    uint32_t words[RANDOM_BLOCK_WORDS];
    spin_lock(&lock);
    random_block(key, 0, words);
    memcpy(key, words, sizeof(key));
    spin_unlock(&lock);
    memcpy(out, words + RANDOM_KEY_WORDS, sizeof(key));
    memset(words, 0, sizeof(words));
}

static void draw_long(const uint32_t own[RANDOM_KEY_WORDS], uint8_t *to, size_t len) {
    uint32_t words[RANDOM_BLOCK_WORDS];
    for (uint64_t counter = 0; len > 0; counter++) {
        size_t part = min_u64(len, sizeof(words));
        random_block(own, counter, words);
        memcpy(to, words, part);
        to += part;
        len -= part;
    }
    memset(words, 0, sizeof(words));
}

void random_bytes(void *out, size_t len) {
    uint32_t own[RANDOM_KEY_WORDS];
    take_half(own);
    if (len <= sizeof(own))
        memcpy(out, own, len);
    else
        draw_long(own, out, len);
    memset(own, 0, sizeof(own));
}

/* As much as the key has bytes, mixed in by running it through the block function. */
static void add_part(const uint8_t *from, size_t len) {
    uint32_t words[RANDOM_BLOCK_WORDS];
    spin_lock(&lock);
    for (size_t i = 0; i < len; i++) ((uint8_t *)key)[i] ^= from[i];
    random_block(key, 0, words);
    memcpy(key, words, sizeof(key));
    spin_unlock(&lock);
    memset(words, 0, sizeof(words));
}

void random_add(const void *entropy, size_t len) {
    const uint8_t *from = entropy;
    for (size_t done = 0; done < len; done += sizeof(key)) add_part(from + done, min_u64(len - done, sizeof(key)));
}

void random_init(void) {
    uint64_t seed[RANDOM_KEY_WORDS / 2];
    for (size_t i = 0; i < countof(seed); i++) seed[i] = arch_entropy();
    random_add(seed, sizeof(seed));
}
