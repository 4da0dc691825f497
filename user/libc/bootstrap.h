/* Reading the bootstrap message of <zircon/processargs.h>. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/processargs.h>

/* The id of a VMO in which a message lies that is too long for a channel; what comes through it has handles alone. */
#define BOOTSTRAP_MESSAGE_ID 0x20032u

struct bootstrap {
    const uint32_t *ids; /* one for each handle */
    const char *args;    /* args_num strings, one after the other */
    uint32_t args_num;
    const char *environ;
    uint32_t environ_num;
};

/* Finds the parts of a 4-byte-aligned message, which `out` points into. False unless each lies within it whole. */
bool __port_bootstrap_read(const void *message, size_t len, size_t handle_count, struct bootstrap *out);

/* Fills `count` pointers with the addresses of strings that follow one another. */
void __port_bootstrap_strings(const char *strings, uint32_t count, char **out);
