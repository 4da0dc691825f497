/*
 * Fuzzing the small parsers: the bootstrap message that a program begins with, and the kernel's command line. Each gets
 * the bytes in memory that ends where they end. The first byte says which.
 */
#include <stdlib.h>
#include <string.h>
#include <zircon/errors.h>

#include "kernel/base/options.h"
#include "user/lib/procargs.h"
#include "user/libc/bootstrap.h"

#define MAX_STRINGS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good) {
    if (!good) abort();
}

static void bootstrap_message(const void *message, size_t len, size_t handles) {
    struct bootstrap out;
    if (!__port_bootstrap_read(message, len, handles, &out)) return;
    must(out.args_num <= len && out.environ_num <= len);
    const char *strings[2] = {out.args, out.environ};
    const uint32_t counts[2] = {out.args_num, out.environ_num};
    uint32_t sum = 0;
    for (size_t i = 0; i < handles; i++) sum ^= out.ids[i];
    for (unsigned i = 0; i < 2; i++) {
        char **pointers = malloc(counts[i] * sizeof(*pointers) + 1);
        __port_bootstrap_strings(strings[i], counts[i], pointers);
        for (uint32_t k = 0; k < counts[i]; k++) sum += (uint32_t)strlen(pointers[k]);
        free(pointers);
    }
    must(sum || !sum);
}

/* Words in, a message, and the same words out. */
static void bootstrap_round_trip(char *text, size_t len) {
    const char *strings[MAX_STRINGS + 1] = {NULL};
    const uint32_t ids[2] = {1, 2};
    size_t count = 0;
    for (size_t at = 0; at < len && count < MAX_STRINGS; at += strlen(text + at) + 1) strings[count++] = text + at;
    const struct procargs from = {.args = strings, .environ = strings, .ids = ids, .id_count = 2};
    struct bootstrap out;
    uint32_t message_len;
    if (procargs_measure(&from, &message_len) != ZX_OK) return;
    char *message = malloc(message_len), *pointers[MAX_STRINGS];
    procargs_write(&from, message);
    must(__port_bootstrap_read(message, message_len, 2, &out) && out.args_num == count && out.environ_num == count);
    __port_bootstrap_strings(out.environ, out.environ_num, pointers);
    for (size_t i = 0; i < count; i++) must(strcmp(pointers[i], strings[i]) == 0);
    must(memcmp(out.ids, ids, sizeof(ids)) == 0);
    free(message);
}

static void command_line(const char *line, size_t room) {
    static const char *const names[] = {"aslr.disable", "kernel.enable-debugging-syscalls", "kernel.test",
                                        "test.provoke"};
    char *value = malloc(room + 1);
    options_init(line);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        bool given = option_string(names[i], value, room);
        must(!given || room == 0 || memchr(value, '\0', room));
        /* What is not given is what the caller falls back to. */
        must(given || (option_bool(names[i], true) && !option_bool(names[i], false)));
    }
    free(value);
    options_init("");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    uint8_t which = data[0], number = data[1];
    size -= 2;
    char *bytes = malloc(size + 1);
    memcpy(bytes, data + 2, size);
    if (which % 4 == 0) bytes = realloc(bytes, size ? size : 1);
    if (which % 4 == 0) bootstrap_message(bytes, size, number % 70);
    if (which % 4 != 0) bytes[size] = '\0';
    if (which % 4 == 1) bootstrap_round_trip(bytes, size);
    if (which % 4 == 2) command_line(bytes, number % 40);
    free(bytes);
    return 0;
}
