/* What qXfer reads: descriptions of the target, of its threads and its memory, and of the last fault. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/gdbserver/maps.h"
#include "user/gdbserver/server.h"

/* An object, made anew for each part that is asked for; nothing changes in between. free() it. */
struct object {
    char *bytes;
    size_t len;
};

static struct object copy_of(const void *bytes, size_t len) {
    struct object object = {malloc(len), len};
    if (object.bytes) memcpy(object.bytes, bytes, len);
    return object;
}

static struct object features(struct request annex) {
    const char *text = registers_description();
    return take(&annex, "target.xml") ? copy_of(text, strlen(text)) : (struct object){0};
}

/* Text as XML may have it. */
static void put_xml(FILE *out, const char *text) {
    for (; *text; text++) {
        if (*text == '<' || *text == '&' || *text == '"')
            fprintf(out, "&#%d;", *text);
        else if (*text >= ' ' && *text < 0x7f)
            fputc(*text, out);
        else
            fputc('?', out);
    }
}

static void put_thread(FILE *out, const struct debug_thread *t) {
    char name[ZX_MAX_NAME_LEN] = "";
    (void)zx_object_get_property(t->handle, ZX_PROP_NAME, name, sizeof(name));
    fprintf(out, "<thread id=\"");
    if (session.multiprocess) fprintf(out, "p%llx.", (unsigned long long)t->process->koid);
    fprintf(out, "%llx\" name=\"", (unsigned long long)t->koid);
    put_xml(out, name);
    fprintf(out, "\">");
    put_xml(out, thread_state_words(t->state));
    fprintf(out, "</thread>\n");
}

static struct object threads(struct request annex) {
    struct object object = {0};
    FILE *out = open_memstream(&object.bytes, &object.len);
    (void)annex;
    if (!out) return object;
    fprintf(out, "<?xml version=\"1.0\"?>\n<threads>\n");
    for (struct debug_process *p = processes; p; p = p->next) {
        for (struct debug_thread *t = p->threads; t; t = t->next) put_thread(out, t);
    }
    fprintf(out, "</threads>\n");
    fclose(out);
    return object;
}

static struct debug_process *process_of(struct request annex) {
    uint64_t koid;
    return take_hex(&annex, &koid) ? process_named((int64_t)koid) : process_general();
}

static struct object exec_file(struct request annex) {
    char path[PROGRAM_PATH_MAX];
    const struct debug_process *p = process_of(annex);
    return p && program_path(p, path) ? copy_of(path, strlen(path)) : (struct object){0};
}

static struct object auxv(struct request annex) {
    uint64_t facts[PROGRAM_FACTS][2];
    struct debug_process *p = process_general();
    (void)annex;
    return p && program_facts(p, facts) ? copy_of(facts, sizeof(facts)) : (struct object){0};
}

/* All that user mode has: what is mapped there changes too often for a debugger that asks but once. */
static struct object memory_map(struct request annex) {
    static const char text[] = "<?xml version=\"1.0\"?><memory-map>"
                               "<memory type=\"ram\" start=\"0x0\" length=\"0x800000000000\"/></memory-map>";
    (void)annex;
    return copy_of(text, sizeof(text) - 1);
}

static struct object siginfo(struct request annex) {
    uint8_t bytes[SIGINFO_LEN];
    const struct debug_thread *t = thread_general();
    (void)annex;
    if (!t || t->exception == ZX_HANDLE_INVALID) return (struct object){0};
    const struct fault fault = fault_of(&t->report);
    siginfo_make(&fault, bytes);
    return copy_of(bytes, sizeof(bytes));
}

static const struct kind {
    const char *name;
    struct object (*make)(struct request annex);
} kinds[] = {
    {"features", features}, {"threads", threads},       {"exec-file", exec_file},
    {"auxv", auxv},         {"memory-map", memory_map}, {"siginfo", siginfo},
};

static void put_object(struct reply *reply, const struct kind *kind, struct request request) {
    uint64_t offset, len;
    struct request annex = take_until(&request, ':');
    if (!take_hex(&request, &offset) || !take(&request, ",") || !take_hex(&request, &len))
        return put_error(reply, ZX_ERR_INVALID_ARGS);
    struct object object = kind->make(annex);
    if (object.bytes)
        put_part(reply, object.bytes, object.len, offset, len);
    else
        put_text(reply, "E00");
    free(object.bytes);
}

/* NAME:read:ANNEX:OFFSET,LENGTH. What is not known has an empty answer; nothing can be written. */
void transfer(struct request request, struct reply *reply) {
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct request rest = request;
        if (take(&rest, kinds[i].name) && take(&rest, ":read:")) return put_object(reply, &kinds[i], rest);
    }
}
