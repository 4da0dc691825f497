/* Finding commands, and explaining them. */
#include "user/monitor/command.h"

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
    {"help", "[COMMAND]", "explains a command, or lists them all", "", 0, 1, run_help},
    {"exit", "", "switches the machine off",
     "Programs that still run end with it. So does the end of the input: Ctrl-D on an empty line.\n", 0, 0, run_exit},
};
static const struct command_family own_commands = COMMAND_FAMILY("this monitor", own);

static const struct command_family *const families[] = {&process_commands, &job_commands,    &memory_commands,
                                                        &debug_commands,   &system_commands, &own_commands};
#define FAMILY_COUNT (sizeof(families) / sizeof(*families))

static const struct command *command_find(const char *name) {
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        for (size_t j = 0; j < families[i]->count; j++) {
            if (strcmp(families[i]->commands[j].name, name) == 0) return &families[i]->commands[j];
        }
    }
    return NULL;
}

static void help_all(void) {
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        printf("%s\n", families[i]->title);
        for (size_t j = 0; j < families[i]->count; j++) {
            const struct command *c = &families[i]->commands[j];
            char usage[64];
            snprintf(usage, sizeof(usage), "%s %s", c->name, c->args);
            printf("  %-27s %s\n", usage, c->summary);
        }
    }
    printf("PID is a process's koid or its name; ADDR is hexadecimal; BYTES are \"text\" or 48 65 78.\n");
    printf("Keys: arrows, Home, End; Ctrl-U, Ctrl-W and Ctrl-K delete; Ctrl-C ends what runs. See `help run`.\n");
}

static void run_help(const struct words *words) {
    if (words->count == 1) return help_all();
    const struct command *c = command_find(words->items[1].text);
    if (c) {
        printf("%s%s%s: %s\n%s", c->name, *c->args ? " " : "", c->args, c->summary, c->details);
    } else {
        printf("There is no command '%s' to explain; `help` lists them all.\n", words->items[1].text);
    }
}

void command_run(const struct words *words) {
    if (words->count == 0 || words->items[0].text[0] == '#') return;
    const struct command *c = command_find(words->items[0].text);
    if (!c) {
        printf("There is no command '%s'; `help` lists them all.\n", words->items[0].text);
    } else if (words->count - 1 < c->min_args || words->count - 1 > c->max_args) {
        printf("%s takes %s; `help %s` tells more.\n", c->name, *c->args ? c->args : "no arguments", c->name);
    } else {
        c->run(words);
    }
}
