/* The words of Fuchsia's trace format; see fxt.h. Names as in its documentation. */
#include "user/lib/fxt.h"

#include <stdlib.h>
#include <string.h>
#include <zircon/types.h>

#define WORD sizeof(uint64_t)
#define MAGIC 0x0016547846040010u
#define FIRST_ROOM 4096
#define THREADS_MAX 255
#define STRINGS_MAX 0x7fff

enum { METADATA = 0, INITIALIZATION = 1, STRING = 2, THREAD = 3, EVENT = 4, KERNEL_OBJECT = 7, SCHEDULING = 8 };
enum { PROVIDER_INFO = 1, PROVIDER_SECTION = 2 };
enum { LEGACY_CONTEXT_SWITCH = 0, THREAD_WAKEUP = 2 };

/* Once there is no memory nothing more is written. */
static void put(struct fxt *fxt, uint64_t word) {
    if (fxt->count == fxt->room && !fxt->failed) {
        size_t room = fxt->room ? fxt->room * 2 : FIRST_ROOM;
        uint64_t *words = realloc(fxt->words, room * WORD);
        fxt->failed = !words;
        if (words) {
            fxt->words = words;
            fxt->room = room;
        }
    }
    if (!fxt->failed) fxt->words[fxt->count++] = word;
}

static size_t text_words(const char *text) { return (strlen(text) + WORD - 1) / WORD; }

static void put_text(struct fxt *fxt, const char *text) {
    const size_t len = strlen(text);
    for (size_t at = 0; at < len; at += WORD) {
        uint64_t word = 0;
        memcpy(&word, text + at, len - at < WORD ? len - at : WORD);
        put(fxt, word);
    }
}

/* A record's first word. */
static void put_header(struct fxt *fxt, unsigned type, size_t words, uint64_t rest) {
    put(fxt, type | (uint64_t)words << 4 | rest);
}

/* Of a thread without a number. */
static void put_thread(struct fxt *fxt, const struct fxt_thread *thread) {
    if (thread->ref != 0) return;
    put(fxt, thread->process);
    put(fxt, thread->koid);
}

static size_t thread_words(const struct fxt_thread *thread) { return thread->ref != 0 ? 0 : 2; }

void fxt_begin(struct fxt *fxt, const char *provider, uint64_t ticks_per_second) {
    const uint64_t id = 1;
    put(fxt, MAGIC);
    put_header(fxt, METADATA, 1 + text_words(provider),
               PROVIDER_INFO << 16 | id << 20 | (uint64_t)strlen(provider) << 52);
    put_text(fxt, provider);
    put_header(fxt, METADATA, 1, PROVIDER_SECTION << 16 | id << 20);
    put_header(fxt, INITIALIZATION, 2, 0);
    put(fxt, ticks_per_second);
}

uint16_t fxt_string(struct fxt *fxt, const char *text) {
    if (*text == '\0' || fxt->strings == STRINGS_MAX) return 0;
    fxt->strings++;
    put_header(fxt, STRING, 1 + text_words(text), (uint64_t)fxt->strings << 16 | (uint64_t)strlen(text) << 32);
    put_text(fxt, text);
    return fxt->strings;
}

static uint64_t argument(enum fxt_arg_type type, size_t words, uint16_t name) {
    return type | (uint64_t)words << 4 | (uint64_t)name << 16;
}

static uint64_t object_bits(uint64_t type, uint64_t name) { return type << 16 | name * ((uint64_t)1 << 24); }

void fxt_process(struct fxt *fxt, uint64_t koid, const char *name) {
    put_header(fxt, KERNEL_OBJECT, 2, object_bits(ZX_OBJ_TYPE_PROCESS, fxt_string(fxt, name)));
    put(fxt, koid);
}

void fxt_thread(struct fxt *fxt, struct fxt_thread *thread, const char *name) {
    const uint16_t string = fxt_string(fxt, name), key = fxt_string(fxt, "process");
    put_header(fxt, KERNEL_OBJECT, 4, object_bits(ZX_OBJ_TYPE_THREAD, string) | (uint64_t)1 << 40);
    put(fxt, thread->koid);
    put(fxt, argument(FXT_KOID, 2, key));
    put(fxt, thread->process);
    if (fxt->threads == THREADS_MAX) return;
    thread->ref = (uint8_t)++fxt->threads;
    put_header(fxt, THREAD, 3, (uint64_t)thread->ref << 16);
    put(fxt, thread->process);
    put(fxt, thread->koid);
}

/* Two words, or one that has the value in its upper half. */
static size_t argument_words(const struct fxt_event *e) {
    return e->arg == FXT_NONE ? 0 : e->arg < FXT_POINTER ? 1 : 2;
}

static void put_argument(struct fxt *fxt, const struct fxt_event *e) {
    const size_t words = argument_words(e);
    if (words == 0) return;
    put(fxt, argument(e->arg, words, e->arg_name) | (words == 1 ? e->value << 32 : 0));
    if (words == 2) put(fxt, e->value);
}

void fxt_event(struct fxt *fxt, const struct fxt_event *e) {
    const bool has_last = e->type >= FXT_DURATION_COMPLETE;
    put_header(fxt, EVENT, 2 + thread_words(e->thread) + argument_words(e) + has_last,
               (uint64_t)e->type << 16 | (uint64_t)(e->arg != FXT_NONE) << 20 | (uint64_t)e->thread->ref << 24 |
                   (uint64_t)e->category << 32 | (uint64_t)e->name << 48);
    put(fxt, e->time);
    put_thread(fxt, e->thread);
    put_argument(fxt, e);
    if (has_last) put(fxt, e->last);
}

/* The record of old: it is the shorter one. Priority 0 is a processor's own thread. */
void fxt_switch(struct fxt *fxt, const struct fxt_switch *s) {
    put_header(fxt, SCHEDULING, 2 + thread_words(s->from) + thread_words(s->to),
               (uint64_t)(s->cpu & 0xff) << 16 | (uint64_t)s->from_state << 24 | (uint64_t)s->from->ref << 28 |
                   (uint64_t)s->to->ref << 36 | (uint64_t)!s->from_idle << 44 | (uint64_t)!s->to_idle << 52 |
                   (uint64_t)LEGACY_CONTEXT_SWITCH << 60);
    put(fxt, s->time);
    put_thread(fxt, s->from);
    put_thread(fxt, s->to);
}

void fxt_wake(struct fxt *fxt, unsigned cpu, const struct fxt_thread *thread, uint64_t time) {
    put_header(fxt, SCHEDULING, 3, (uint64_t)cpu << 20 | (uint64_t)THREAD_WAKEUP << 60);
    put(fxt, time);
    put(fxt, thread->koid);
}
