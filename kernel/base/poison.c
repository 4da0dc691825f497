/* The search for writes to poisoned memory; see poison.h. */
#include "kernel/base/poison.h"

#ifdef POISON_FILLS

#include <stdint.h>

#include "kernel/base/compiler.h"

#define POISON_WORD (POISON_BYTE * (UINT64_MAX / 0xff))
#define STEP 8 /* words looked at together */

/* This is done at every allocation: the compiler's own checks would make it several times slower. */
NO_SANITIZE static bool words_poisoned(const uint64_t *w) {
    return ((w[0] ^ POISON_WORD) | (w[1] ^ POISON_WORD) | (w[2] ^ POISON_WORD) | (w[3] ^ POISON_WORD) |
            (w[4] ^ POISON_WORD) | (w[5] ^ POISON_WORD) | (w[6] ^ POISON_WORD) | (w[7] ^ POISON_WORD)) == 0;
}

NO_SANITIZE size_t memory_touched(const void *memory, size_t len) {
    const uint64_t *words = memory;
    const unsigned char *bytes = memory;
    size_t i = 0;
    while ((i + STEP) * sizeof(*words) <= len && words_poisoned(words + i)) i += STEP;
    for (i *= sizeof(*words); i < len && bytes[i] == POISON_BYTE;) i++;
    return i;
}

#endif
