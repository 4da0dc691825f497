/*
 * What is wanted is in the words that `help` shows of a command's arguments: PID, NAME of a program, JOB, COMMAND, or
 * one of several that have a | between them. Quotes and words that would need them are left alone.
 */
#include "user/monitor/complete.h"

#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls.h>

#include "user/lib/process_find.h"
#include "user/monitor/command.h"
#include "user/monitor/manual.h"
#include "user/monitor/programs.h"

#define MAX_CANDIDATES 256
#define STORE_SIZE 8192

static const char *candidates[MAX_CANDIDATES + 1];
static size_t count;
static char store[STORE_SIZE];
static size_t stored;

static const char *typed; /* what there is of the word … */
static size_t typed_len;

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static void offer(const char *text, size_t len) {
    if (len < typed_len || memcmp(text, typed, typed_len) != 0) return;
    if (count == MAX_CANDIDATES || len >= sizeof(store) - stored) return;
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f || strchr("\"'\\", text[i])) return;
    }
    char *copy = memcpy(store + stored, text, len);
    copy[len] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (strcmp(candidates[i], copy) == 0) return;
    }
    stored += len + 1;
    candidates[count++] = copy;
}

static void offer_name(zx_handle_t object) {
    char name[ZX_MAX_NAME_LEN] = "";
    if (zx_object_get_property(object, ZX_PROP_NAME, name, sizeof(name)) == ZX_OK) offer(name, strlen(name));
}

static void offer_processes(void) {
    struct processes all;
    processes_open(&all);
    for (size_t i = 0; i < all.count; i++) offer_name(all.list[i].process);
    processes_close(&all);
}

static void offer_job(zx_handle_t job, zx_koid_t koid, size_t depth, void *context) {
    (void)koid;
    (void)depth;
    (void)context;
    offer_name(job);
}

static void offer_commands(void) {
    const struct command *c;
    for (size_t i = 0; (c = command_at(i)); i++) offer(c->name, strlen(c->name));
}

/* `want`: a word of a command's arguments. */
static void offer_wanted(const char *want, size_t len) {
    if (*want == '[') return offer_wanted(want + 1, len - (want[len - 1] == ']' ? 2 : 1));
    if (len == 3 && memcmp(want, "PID", len) == 0) return offer_processes();
    if (len == 3 && memcmp(want, "JOB", len) == 0) return jobs_each(offer_job, NULL);
    if (len == 4 && memcmp(want, "NAME", len) == 0) return programs_each(offer);
    if (len == 7 && memcmp(want, "COMMAND", len) == 0) return offer_commands();
    if (len == 4 && memcmp(want, "CALL", len) == 0) return manual_each(offer);
    for (const char *at = want, *last = want + len; memchr(want, '|', len) && at < last;) {
        const char *bar = memchr(at, '|', (size_t)(last - at));
        const size_t part = (size_t)((bar ? bar : last) - at);
        if (*at >= 'a' && *at <= 'z')
            offer(at, part);
        else
            offer_wanted(at, part);
        at += part + 1;
    }
}

/* What the n-th word of the line is to be, the first being a command: from there on again where a command wants one. */
static void offer_at(const char *line, size_t len) {
    const char *end = line + len, *word = line;
    while (word < end && *word == ' ') word++;
    size_t word_len = strcspn(word, " ");
    if (word + word_len >= end) return offer_commands();
    const struct command *c = command_find(word, word_len);
    const char *want = c ? c->args : "";
    for (;;) {
        word += word_len;
        while (word < end && *word == ' ') word++;
        word_len = strcspn(word, " ");
        const size_t want_len = strcspn(want, " ");
        if (want_len == 0) return;
        if (strcmp(want, "COMMAND") == 0) return offer_at(word, (size_t)(end - word));
        if (word + word_len >= end) return offer_wanted(want, want_len);
        want += want_len + (want[want_len] == ' ');
    }
}

const char *const *complete(const char *line, size_t len, size_t *word) {
    *word = len;
    while (*word > 0 && line[*word - 1] != ' ') --*word;
    static char copy[LINE_SIZE];
    memcpy(copy, line, len);
    copy[len] = '\0';
    typed = copy + *word;
    typed_len = len - *word;
    count = stored = 0;
    offer_at(copy, len);
    qsort(candidates, count, sizeof(*candidates), by_name);
    candidates[count] = NULL;
    return candidates;
}
