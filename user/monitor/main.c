/*
 * The monitor: a prompt at which a person looks at the running system, and changes it. See README.md for a session.
 *
 * From a terminal lines are edited; from a pipe they are read without prompt or echo. At the end of the input, or with
 * `exit`, the monitor ends, and init after it: with success, unless a command of a script failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <zircon/status.h>

#include "user/lib/keyboard.h"
#include "user/monitor/children.h"
#include "user/monitor/command.h"
#include "user/monitor/say.h"
#include "user/monitor/screen.h"

#define PROMPT "jargoon> "

static void line_run(const char *line) {
    static struct words words;
    const char *wrong = words_split(line, &words);
    if (wrong)
        complain("%s\n", wrong);
    else
        command_run(&words);
}

int main(void) {
    zx_status_t status = keyboard_start();
    if (status != ZX_OK) {
        printf("monitor: there is no console to read from: %s\n", zx_status_get_string(status));
        return EXIT_FAILURE;
    }
    screen_start();
    children_begin();
    if (keyboard_is_terminal()) say("\nThis is the monitor. `help` lists its commands, `exit` switches off.\n");
    while (!command_exit_asked()) {
        const char *line;
        enum line_event input;
        children_look();
        while ((input = screen_input(PROMPT, &line)) == LINE_OPEN) children_serve();
        if (input == LINE_ENDED) break;
        if (input == LINE_DONE) line_run(line);
        if (input == LINE_TOO_LONG) complain("That line is too long: %d characters are the limit.\n", LINE_SIZE - 1);
    }
    return !keyboard_is_terminal() && say_any_failed() ? EXIT_FAILURE : EXIT_SUCCESS;
}
