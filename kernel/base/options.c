/* Options are looked up in the line itself, each time: it is short, and they are asked for rarely. */
#include "kernel/base/options.h"

#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

/* All names the kernel asks for, init's own left out. */
static const char *const names[] = {
    "aslr.disable",                     /* default true: mappings go to the lowest gap that fits */
    "kernel.clock",                     /* pm: time is a timer's that all processors share, not their counters' */
    "kernel.enable-debugging-syscalls", /* default true: process_write_memory is offered */
    "kernel.irq.watch",                 /* debug builds report how long interrupts were off */
    "kernel.sched.force",               /* a number: debug builds switch threads at places that it chooses */
    "kernel.smp.maxcpus",               /* so many processors are started at most */
    "kernel.trace",                     /* what the kernel does is recorded from the boot on: kernel/object/ktrace.h */
    "kernel.test",                      /* unit: the test kernel runs its unit tests instead of init */
    "test.only",                        /* the test kernel runs only the tests whose names begin with this */
    "test.provoke",                     /* how the test kernel shall misbehave: see tests/kernel/provoke.c */
};

static const char *line = "";

void options_init(const char *cmdline) { line = cmdline; }

const char *options_line(void) { return line; }

static UNUSED bool name_is_listed(const char *name) {
    for (size_t i = 0; i < countof(names); i++) {
        if (strcmp(names[i], name) == 0) return true;
    }
    return false;
}

static size_t word_length(const char *word) {
    size_t len = 0;
    while (word[len] != '\0' && word[len] != ' ') len++;
    return len;
}

/* The last value given to `name`: where it begins, and its length. NULL if it is not given. */
static const char *value_find(const char *name, size_t *len) {
    ASSERT(name_is_listed(name));
    size_t name_len = strlen(name), word_len;
    const char *value = NULL;
    for (const char *word = line; *word != '\0'; word += word_len + (word[word_len] == ' ')) {
        word_len = word_length(word);
        if (word_len < name_len || strncmp(word, name, name_len) != 0) continue;
        bool bare = word_len == name_len;
        if (!bare && word[name_len] != '=') continue;
        value = word + name_len + !bare;
        *len = word_len - name_len - !bare;
    }
    return value;
}

static bool value_is(const char *value, size_t len, const char *text) {
    return len == strlen(text) && memcmp(value, text, len) == 0;
}

bool option_bool(const char *name, bool fallback) {
    size_t len;
    const char *value = value_find(name, &len);
    if (!value) return fallback;
    if (len == 0 && value[-1] != '=') return true;
    if (value_is(value, len, "true") || value_is(value, len, "1") || value_is(value, len, "on")) return true;
    if (value_is(value, len, "false") || value_is(value, len, "0") || value_is(value, len, "off")) return false;
    return fallback;
}

uint64_t option_number(const char *name, uint64_t fallback) {
    size_t len;
    uint64_t number = 0;
    const char *value = value_find(name, &len);
    if (!value || len == 0 || len > 18) return fallback;
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9') return fallback;
        number = number * 10 + (uint64_t)(value[i] - '0');
    }
    return number;
}

bool option_string(const char *name, char *out, size_t size) {
    size_t len;
    const char *value = value_find(name, &len);
    if (!value) return false;
    if (size > 0) string_copy(out, value, min_u64(size, len + 1));
    return true;
}

bool option_flag_search(struct option_flag *flag) {
    bool answer = option_bool(flag->name, flag->fallback);
    atomic_store_explicit(&flag->answer, answer, memory_order_relaxed);
    return answer;
}
