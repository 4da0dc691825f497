/*
 * What commands name on their lines: processes, addresses, numbers. Each function tells a person what is wrong with a
 * word, in one line, and then returns false.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <zircon/types.h>

#include "kernel/base/printable.h"
#include "user/monitor/words.h"

/* A process that was named by its koid or its name. */
struct target {
    zx_handle_t process; /* owned */
    zx_koid_t koid;
    char name[sizeof(struct printable_name)]; /* as it may be shown */
};

bool target_open(const struct word *word, struct target *out);
void target_close(struct target *target);

/* Is this the monitor itself, or init, with whose end the machine ends? */
bool target_is_monitor(const struct target *target);
bool target_is_init(const struct target *target);

/* Tells why a call on the process failed; one that has ended meanwhile is told as that. */
void target_complain(const struct target *target, const char *what, zx_status_t status);

bool need_address(const struct word *word, zx_vaddr_t *out);
bool need_number(const struct word *word, const char *name, uint64_t min, uint64_t max, uint64_t *out);

/* Bytes from the n-th word on: `out` has room for LINE_SIZE; at least one. */
bool need_bytes(const struct words *words, size_t from, uint8_t *out, size_t *len);
