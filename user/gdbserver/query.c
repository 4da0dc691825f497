/* Questions about the target as a whole, and settings. */
#include <stdio.h>
#include <string.h>

#include "user/gdbserver/maps.h"
#include "user/gdbserver/server.h"

/* --- what either side can --- */

static void supported(struct request request, struct reply *reply) {
    (void)take(&request, ":");
    while (request.at < request.end) {
        struct request word = take_until(&request, ';');
        session.multiprocess |= take(&word, "multiprocess+");
        session.swbreak |= take(&word, "swbreak+");
        session.fork_events |= take(&word, "fork-events+");
    }
    put_format(reply,
               "PacketSize=%x;QStartNoAckMode+;vContSupported+;swbreak+;hwbreak+;qXfer:features:read+;"
               "qXfer:threads:read+;qXfer:exec-file:read+;qXfer:auxv:read+;qXfer:memory-map:read+;"
               "qXfer:siginfo:read+;QPassSignals+;ConditionalBreakpoints+%s%s",
               PACKET_MAX, session.multiprocess ? ";multiprocess+" : "", session.fork_events ? ";fork-events+" : "");
}

/* --- threads --- */

const char *thread_state_words(zx_thread_state_t state) {
    switch (state) {
    case ZX_THREAD_STATE_NEW: return "not started";
    case ZX_THREAD_STATE_RUNNING: return "running";
    case ZX_THREAD_STATE_SUSPENDED: return "suspended";
    case ZX_THREAD_STATE_BLOCKED_EXCEPTION: return "stopped";
    case ZX_THREAD_STATE_BLOCKED_SLEEPING: return "sleeping";
    case ZX_THREAD_STATE_BLOCKED_FUTEX: return "waiting for a futex";
    case ZX_THREAD_STATE_BLOCKED_PORT: return "waiting for a port";
    case ZX_THREAD_STATE_BLOCKED_CHANNEL: return "waiting for an answer on a channel";
    case ZX_THREAD_STATE_BLOCKED_WAIT_ONE: return "waiting for an object";
    case ZX_THREAD_STATE_BLOCKED_WAIT_MANY: return "waiting for one of several objects";
    case ZX_THREAD_STATE_BLOCKED_INTERRUPT: return "waiting for an interrupt";
    default: return "blocked";
    }
}

static size_t thread_words(const struct debug_thread *t, char *out, size_t room) {
    char name[ZX_MAX_NAME_LEN] = "";
    (void)zx_object_get_property(t->handle, ZX_PROP_NAME, name, sizeof(name));
    int len = snprintf(out, room, "%s, %s", name, thread_state_words(t->state));
    return len < 0 ? 0 : (size_t)len;
}

static void first_threads(struct request request, struct reply *reply) {
    (void)request;
    put_text(reply, "m");
    bool first = true;
    for (struct debug_process *p = processes; p; p = p->next) {
        for (struct debug_thread *t = p->threads; t; t = t->next) {
            if (!first) put_text(reply, ",");
            first = false;
            put_thread_id(reply, t);
        }
    }
    if (first) reply->text[0] = 'l';
}

/* The first answer had them all. */
static void more_threads(struct request request, struct reply *reply) {
    (void)request;
    put_text(reply, "l");
}

static void current_thread(struct request request, struct reply *reply) {
    (void)request;
    const struct debug_thread *t = thread_general();
    if (!t) return;
    put_text(reply, "QC");
    put_thread_id(reply, t);
}

static void thread_extra(struct request request, struct reply *reply) {
    struct thread_id id = {ID_ANY, ID_ANY};
    char text[128];
    if (!take_thread_id(&request, &id) || !thread_named(&id)) return put_error(reply, ZX_ERR_NOT_FOUND);
    put_hex_bytes(reply, text, thread_words(thread_named(&id), text, sizeof(text)));
}

/* THREAD,OFFSET,MODULE. There is one module, the program. */
static void thread_variable(struct request request, struct reply *reply) {
    struct thread_id id = {ID_ANY, ID_ANY};
    uint64_t offset;
    Elf64_Phdr segment;
    zx_vaddr_t begin;
    if (!take_thread_id(&request, &id) || !take(&request, ",") || !take_hex(&request, &offset))
        return put_error(reply, ZX_ERR_INVALID_ARGS);
    const struct debug_thread *t = thread_named(&id);
    if (!t || !program_variables(t->process, &segment)) return put_error(reply, ZX_ERR_NOT_FOUND);
    zx_status_t status = thread_variables(t->handle, &segment, &begin);
    if (status != ZX_OK) return put_error(reply, status);
    begin += offset;
    put_format(reply, "%llx", (unsigned long long)begin);
}

/* --- the process --- */

/* Killing it, or letting it go on, is what a debugger does with it at its own end. */
static void was_attached(struct request request, struct reply *reply) {
    uint64_t koid = 0;
    if (take(&request, ":")) (void)take_hex(&request, &koid);
    const struct debug_process *p = process_named((int64_t)koid);
    put_text(reply, p && p->attached ? "1" : "0");
}

static void no_symbols(struct request request, struct reply *reply) {
    (void)request;
    put_text(reply, "OK");
}

static void remote_command(struct request request, struct reply *reply) {
    char line[256];
    size_t len;
    if (!take_hex_bytes(&request, line, sizeof(line) - 1, &len)) return put_error(reply, ZX_ERR_INVALID_ARGS);
    line[len] = '\0';
    if (monitor_command(line)) put_text(reply, "OK");
}

/* --- what only LLDB asks --- */

static void host_info(struct request request, struct reply *reply) {
    (void)request;
    put_text(reply, "triple:");
    put_hex_bytes(reply, machine_triple, strlen(machine_triple));
    put_text(reply, ";endian:little;ptrsize:8;");
}

static void process_info(struct request request, struct reply *reply) {
    (void)request;
    const struct debug_process *p = process_general();
    if (!p) return put_error(reply, ZX_ERR_NOT_FOUND);
    put_format(reply, "pid:%llx;", (unsigned long long)p->koid);
    host_info(request, reply);
}

static void region_info(struct request request, struct reply *reply) {
    uint64_t addr;
    struct region region;
    struct debug_process *p = process_general();
    if (!take_hex(&request, &addr) || !p) return put_error(reply, ZX_ERR_INVALID_ARGS);
    if (!region_find(p, addr, &region)) return put_error(reply, ZX_ERR_NOT_FOUND);
    put_format(reply, "start:%llx;size:%llx;", (unsigned long long)region.base, (unsigned long long)region.len);
    if (region.mapped)
        put_format(reply, "permissions:%s%s%s;", region.perms & ZX_VM_PERM_READ ? "r" : "",
                   region.perms & ZX_VM_PERM_WRITE ? "w" : "", region.perms & ZX_VM_PERM_EXECUTE ? "x" : "");
}

static const struct question {
    const char *name;
    void (*answer)(struct request request, struct reply *reply);
} questions[] = {
    {"Supported", supported},           {"fThreadInfo", first_threads}, {"sThreadInfo", more_threads},
    {"ThreadExtraInfo,", thread_extra}, {"Attached", was_attached},     {"Symbol:", no_symbols},
    {"Rcmd,", remote_command},          {"HostInfo", host_info},        {"ProcessInfo", process_info},
    {"MemoryRegionInfo:", region_info}, {"C", current_thread},          {"GetTLSAddr:", thread_variable},
};

/* qC is asked for by that alone; other words begin with it too. */
void query(struct request request, struct reply *reply) {
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        struct request rest = request;
        if (!take(&rest, questions[i].name)) continue;
        if (strcmp(questions[i].name, "C") == 0 && rest.at < rest.end) return;
        return questions[i].answer(rest, reply);
    }
}

/* --- settings --- */

/* SIGNAL;SIGNAL… What cannot be understood changes nothing. */
static bool take_passed(struct request request, uint64_t passed[4]) {
    uint64_t signal, bits[4] = {0};
    while (request.at < request.end) {
        struct request word = take_until(&request, ';');
        if (!take_hex(&word, &signal) || word.at < word.end || signal > UINT8_MAX) return false;
        bits[signal / 64] |= (uint64_t)1 << signal % 64;
    }
    memcpy(passed, bits, sizeof(bits));
    return true;
}

void setting(struct request request, struct reply *reply) {
    if (take(&request, "PassSignals:"))
        return put_ok_or_error(reply, take_passed(request, session.passed) ? ZX_OK : ZX_ERR_INVALID_ARGS);
    if (take(&request, "StartNoAckMode"))
        session.no_ack = true;
    else if (take(&request, "ListThreadsInStopReply"))
        session.lists_threads = true;
    else if (!take(&request, "ThreadSuffixSupported") && !take(&request, "DisableRandomization:") &&
             !take(&request, "NonStop:0") && !take(&request, "EnableErrorStrings"))
        return;
    put_text(reply, "OK");
}
