/* Writing the bootstrap message of <zircon/processargs.h>. What reads it is in user/libc. */
#pragma once

#include <stdint.h>
#include <zircon/types.h>

struct procargs {
    const char *const *args;    /* the last one NULL; itself NULL for none */
    const char *const *environ; /* likewise */
    const uint32_t *ids;        /* of the handles that go with the message */
    uint32_t id_count;
};

/* What arguments and environment may be together: more than a channel carries. */
#define PROCARGS_MAX (256u << 10)

/* The bytes that the message takes; ZX_ERR_OUT_OF_RANGE if that is more than PROCARGS_MAX, or too many handles. */
zx_status_t procargs_measure(const struct procargs *from, uint32_t *len);

/* Writes the message to 4-byte-aligned memory of the measured length. */
void procargs_write(const struct procargs *from, void *message);
