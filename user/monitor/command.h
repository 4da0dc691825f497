/* The commands. Each family has a file, which gives its commands as a table; command.c knows the tables. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/monitor/words.h"

/* A command gets all words of its line, its own name first, and as many of them as it asked for. */
struct command {
    const char *name;
    const char *args;    /* as help shows them: PID ADDR [LEN] */
    const char *summary; /* a line of help */
    const char *details; /* more of it, in whole lines */
    size_t min_args, max_args;
    void (*run)(const struct words *words);
};

struct command_family {
    const char *title;
    const struct command *commands;
    size_t count;
};

#define COMMAND_FAMILY(title_, table) \
    { .title = (title_), .commands = (table), .count = sizeof(table) / sizeof(*(table)) }

extern const struct command_family process_commands, job_commands, memory_commands, debug_commands, system_commands;

/* The n-th command there is, in the order of `help`, and the one of a name; NULL: none. */
const struct command *command_at(size_t n);
const struct command *command_find(const char *name, size_t len);

/* Does what the words say, or tells what is wrong with them. */
void command_run(const struct words *words);

/* Has `exit` been given? */
bool command_exit_asked(void);
