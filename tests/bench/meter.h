/*
 * The meters. One counts instructions: in the emulator, counting them makes the time-stamp counter do so, to the
 * instruction. What the meter itself takes, and the call of the operation, is taken off. The other measures
 * nanoseconds.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef void operation(const void *arg);

/* Once, before the others. */
void meter_start(void);

/* The instructions that one call takes. */
uint64_t meter_once(operation *act, const void *arg);

/* The least of several calls, after some that are not counted: now and then a clock interrupt comes between. */
uint64_t meter_least(operation *act, const void *arg, unsigned tries);

/* Nanoseconds per call, at best. Between echo_start() and echo_end(). */
double meter_time(operation *act, const void *arg);

/* Says a result: a line that begins with a name as of printf(). */
void tell(double value, const char *name, ...) __attribute__((format(printf, 2, 3)));
