/* Finding commands, and explaining them. */
#include "user/monitor/command.h"
#include "user/monitor/manual.h"
#include "user/monitor/say.h"

#include <stdio.h>
#include <string.h>

static bool exit_asked;

static void run_help(const struct words *words);

static void run_exit(const struct words *words) {
    (void)words;
    exit_asked = true;
}

bool command_exit_asked(void) { return exit_asked; }

static const struct command own[] = {
    {"help", "[COMMAND|CALL]", "explains a command, or lists them all",
     "Of a system call it shows the manual page: help zx_vmar_map.\n", 0, 1, run_help},
    {"exit", "", "switches the machine off",
     "Programs that still run end with it. So does the end of the input: Ctrl-D on an empty line.\n", 0, 0, run_exit},
};
static const struct command_family own_commands = COMMAND_FAMILY("this monitor", own);

static const struct command_family *const families[] = {&process_commands, &job_commands,    &memory_commands,
                                                        &debug_commands,   &system_commands, &own_commands};
#define FAMILY_COUNT (sizeof(families) / sizeof(*families))

const struct command *command_at(size_t n) {
    for (size_t i = 0; i < FAMILY_COUNT; n -= families[i++]->count) {
        if (n < families[i]->count) return &families[i]->commands[n];
    }
    return NULL;
}

const struct command *command_find(const char *name, size_t len) {
    const struct command *c;
    for (size_t i = 0; (c = command_at(i)); i++) {
        if (strlen(c->name) == len && memcmp(c->name, name, len) == 0) break;
    }
    return c;
}

static void help_all(void) {
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        say("%s\n", families[i]->title);
        for (size_t j = 0; j < families[i]->count; j++) {
            const struct command *c = &families[i]->commands[j];
            char usage[64];
            snprintf(usage, sizeof(usage), "%s %s", c->name, c->args);
            say("  %-27s %s\n", usage, c->summary);
        }
    }
    say("PID is a process's koid or its name; ADDR is hexadecimal; BYTES are \"text\" or 48 65 78.\n");
    say("Keys: arrows, Home, End; Tab completes a word, twice shows what it can be; Ctrl-U, Ctrl-W and Ctrl-K delete; "
        "Ctrl-L clears the screen; Ctrl-C ends what runs. See `help run`.\n");
}

static void run_help(const struct words *words) {
    if (words->count == 1) return help_all();
    const struct command *c = command_find(words->items[1].text, words->items[1].len);
    if (c) {
        say("%s%s%s: %s\n%s", c->name, *c->args ? " " : "", c->args, c->summary, c->details);
    } else if (!manual_say(words->items[1].text)) {
        complain("There is no command '%s' to explain; `help` lists them all.\n", words->items[1].text);
    }
}

void command_run(const struct words *words) {
    if (words->count == 0 || words->items[0].text[0] == '#') return;
    const struct command *c = command_find(words->items[0].text, words->items[0].len);
    if (!c) {
        complain("There is no command '%s'; `help` lists them all.\n", words->items[0].text);
    } else if (words->count - 1 < c->min_args || words->count - 1 > c->max_args) {
        complain("%s takes %s; `help %s` tells more.\n", c->name, *c->args ? c->args : "no arguments", c->name);
    } else {
        c->run(words);
    }
}
