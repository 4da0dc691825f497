/*
 * What the commands say, by lines. On a terminal words are wrapped where the window ends. A command that could not do
 * what was asked complains: of a script of which one did so the monitor ends with a failure.
 */
#pragma once

#include <stdbool.h>

/* As printf. What has no newline yet is kept. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, of a command that fails. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A command has failed, and that was told. */
void say_failed(void);

/* Has one? */
bool say_any_failed(void);
