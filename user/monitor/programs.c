/* The file has a line for each program: its name, a tab, and a sentence. */
#include "user/monitor/programs.h"

#include <string.h>
#include <zircon/syscalls.h>

#include "user/lib/bootfs.h"
#include "user/lib/launch.h"
#include "user/monitor/say.h"

#define TEXT_SIZE 4096

static const char *text_get(void) {
    static char text[TEXT_SIZE];
    struct newc_file file = {.len = 0};
    zx_status_t status = bootfs_find(launch_archive(), "etc/programs", &file);
    size_t len = file.len < sizeof(text) - 1 ? file.len : sizeof(text) - 1;
    if (status == ZX_OK) status = zx_vmo_read(launch_archive(), text, file.offset, len);
    text[status == ZX_OK ? len : 0] = '\0';
    return text;
}

static const char *line_next(const char *line) {
    line += strcspn(line, "\n");
    return line + (*line == '\n');
}

void programs_say(void) {
    for (const char *line = text_get(); *line; line = line_next(line)) {
        const size_t len = strcspn(line, "\t\n"), whole = strcspn(line, "\n");
        say("  %-12.*s  %.*s\n", (int)len, line, len < whole ? (int)(whole - len - 1) : 0, line + len + 1);
    }
}

void programs_each(void (*visit)(const char *name, size_t len)) {
    for (const char *line = text_get(); *line; line = line_next(line)) visit(line, strcspn(line, "\t\n"));
}
