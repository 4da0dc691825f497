/* The file is mapped at the first need, and stays. A page begins with a line "=NAME". */
#include "user/monitor/manual.h"

#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "user/lib/bootfs.h"
#include "user/lib/launch.h"
#include "user/monitor/say.h"

static const char *begin, *end;

static void manual_open(void) {
    struct newc_file file;
    zx_vaddr_t addr;
    if (begin || bootfs_find(launch_archive(), "etc/manual", &file) != ZX_OK || file.offset % ZX_PAGE_SIZE != 0) return;
    if (zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, launch_archive(), file.offset, file.len, &addr) != ZX_OK)
        return;
    begin = (const char *)addr;
    end = begin + file.len;
}

static size_t line_len(const char *line) {
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    return (size_t)((newline ? newline : end) - line);
}

static const char *line_next(const char *line) {
    line += line_len(line);
    return line < end ? line + 1 : end;
}

bool manual_say(const char *call) {
    bool in_page = false, found = false;
    manual_open();
    for (const char *line = begin; line < end; line = line_next(line)) {
        const size_t len = line_len(line);
        if (len > 0 && *line == '=') {
            in_page = strlen(call) == len - 1 && memcmp(line + 1, call, len - 1) == 0;
            found |= in_page;
        } else if (in_page) {
            say("%.*s\n", (int)len, line);
        }
    }
    return found;
}

void manual_each(void (*visit)(const char *name, size_t len)) {
    manual_open();
    for (const char *line = begin; line < end; line = line_next(line)) {
        const size_t len = line_len(line);
        if (len > 0 && *line == '=') visit(line + 1, len - 1);
    }
}
