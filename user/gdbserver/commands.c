/* What requests begin with, and who answers them; and the registers. */
#include <string.h>

#include "user/gdbserver/server.h"

struct debug_process *processes;

/* --- which process and thread --- */

struct debug_process *process_named(int64_t process) {
    struct debug_process *p = processes;
    while (p && process > 0 && p->koid != (zx_koid_t)process) p = p->next;
    return p;
}

struct debug_process *process_general(void) {
    return process_named(session.general.process);
}

struct debug_thread *thread_named(const struct thread_id *id) {
    for (struct debug_process *p = processes; p; p = p->next) {
        for (struct debug_thread *t = p->threads; t; t = t->next) {
            if (thread_id_is(id, (int64_t)p->koid, (int64_t)t->koid)) return t;
        }
    }
    return NULL;
}

struct debug_thread *thread_general(void) {
    return thread_named(&session.general);
}

/* --- replies --- */

/* The numbers mean little to debuggers; those of Linux are understood by people. */
void put_error(struct reply *reply, zx_status_t status) {
    unsigned number = 1;
    switch (status) {
    case ZX_ERR_NO_MEMORY:
    case ZX_ERR_BAD_STATE: number = 14; break;
    case ZX_ERR_NOT_FOUND: number = 3; break;
    case ZX_ERR_INVALID_ARGS: number = 22; break;
    case ZX_ERR_BUFFER_TOO_SMALL: number = 7; break;
    case ZX_ERR_NO_RESOURCES: number = 28; break;
    case ZX_ERR_ALREADY_BOUND: number = 16; break;
    case ZX_ERR_ACCESS_DENIED: number = 13; break;
    }
    reply->len = 0;
    put_format(reply, "E%02x", number);
}

void put_ok_or_error(struct reply *reply, zx_status_t status) {
    if (status == ZX_OK)
        put_text(reply, "OK");
    else
        put_error(reply, status);
}

void put_thread_id(struct reply *reply, const struct debug_thread *t) {
    if (session.multiprocess) put_format(reply, "p%llx.", (unsigned long long)t->process->koid);
    put_format(reply, "%llx", (unsigned long long)t->koid);
}

/* --- registers --- */

/* LLDB says with each whose they are. */
static struct debug_thread *thread_of(const struct request *request) {
    struct request rest = *request;
    struct thread_id id = session.general;
    take_until(&rest, ';');
    return take(&rest, "thread:") && take_thread_id(&rest, &id) ? thread_named(&id) : thread_general();
}

static void registers_read(struct request request, struct reply *reply) {
    uint8_t bytes[REGISTERS_MAX];
    const struct debug_thread *t = thread_of(&request);
    zx_status_t status = t ? registers_get(t->handle, bytes) : ZX_ERR_NOT_FOUND;
    if (status != ZX_OK) return put_error(reply, status);
    put_hex_bytes(reply, bytes, registers_len());
}

static void registers_write(struct request request, struct reply *reply) {
    uint8_t bytes[REGISTERS_MAX];
    size_t len;
    const struct debug_thread *t = thread_of(&request);
    struct request digits = take_until(&request, ';');
    if (!take_hex_bytes(&digits, bytes, sizeof(bytes), &len) || len != registers_len())
        return put_error(reply, ZX_ERR_INVALID_ARGS);
    put_ok_or_error(reply, t ? registers_set(t->handle, bytes, 0, len) : ZX_ERR_NOT_FOUND);
}

static void register_read(struct request request, struct reply *reply) {
    uint8_t bytes[REGISTERS_MAX];
    uint64_t number;
    size_t at, len;
    if (!take_hex(&request, &number) || !register_find(number, &at, &len)) return put_error(reply, ZX_ERR_INVALID_ARGS);
    const struct debug_thread *t = thread_of(&request);
    zx_status_t status = t ? registers_get(t->handle, bytes) : ZX_ERR_NOT_FOUND;
    if (status != ZX_OK) return put_error(reply, status);
    put_hex_bytes(reply, bytes + at, len);
}

static void register_write(struct request request, struct reply *reply) {
    uint8_t bytes[REGISTERS_MAX];
    uint64_t number;
    size_t at, len, given;
    const struct debug_thread *t = thread_of(&request);
    if (!take_hex(&request, &number) || !take(&request, "=") || !register_find(number, &at, &len))
        return put_error(reply, ZX_ERR_INVALID_ARGS);
    struct request digits = take_until(&request, ';');
    zx_status_t status = t ? registers_get(t->handle, bytes) : ZX_ERR_NOT_FOUND;
    if (status != ZX_OK) return put_error(reply, status);
    if (!take_hex_bytes(&digits, bytes + at, len, &given) || given != len) return put_error(reply, ZX_ERR_INVALID_ARGS);
    put_ok_or_error(reply, registers_set(t->handle, bytes, at, at + len));
}

/* --- threads --- */

static void thread_select(struct request request, struct reply *reply) {
    struct thread_id id = {ID_ANY, ID_ANY};
    bool general = take(&request, "g");
    if (!general && !take(&request, "c")) return put_error(reply, ZX_ERR_INVALID_ARGS);
    if (!take_thread_id(&request, &id)) return put_error(reply, ZX_ERR_INVALID_ARGS);
    if (id.thread > 0 && !thread_named(&id)) return put_error(reply, ZX_ERR_NOT_FOUND);
    if (general) session.general = id;
    put_text(reply, "OK");
}

static void thread_is_alive(struct request request, struct reply *reply) {
    struct thread_id id = {ID_ANY, ID_ANY};
    if (!take_thread_id(&request, &id)) return put_error(reply, ZX_ERR_INVALID_ARGS);
    put_ok_or_error(reply, thread_named(&id) ? ZX_OK : ZX_ERR_NOT_FOUND);
}

/* --- all requests --- */

static void extended(struct request request, struct reply *reply) {
    (void)request;
    put_text(reply, "OK");
}

static void why_stopped(struct request request, struct reply *reply) {
    (void)request;
    stop_now(reply);
}

/* Has no answer. */
static void kill_everything(struct request request, struct reply *reply) {
    (void)request;
    (void)reply;
    kill_all();
}

static const struct command {
    const char *name;
    void (*run)(struct request request, struct reply *reply);
} commands[] = {
    {"!", extended},
    {"?", why_stopped},
    {"g", registers_read},
    {"G", registers_write},
    {"p", register_read},
    {"P", register_write},
    {"m", memory_read},
    {"M", memory_write},
    {"X", memory_write_binary},
    {"x", memory_read_binary},
    {"Z", break_insert},
    {"z", break_remove},
    {"H", thread_select},
    {"T", thread_is_alive},
    {"D", detach_command},
    {"vRun;", run_command},
    {"vAttach;", attach_command},
    {"vKill;", kill_command},
    {"vFile:", file_command},
    {"qXfer:", transfer},
    {"qSearch:memory:", memory_search},
    {"q", query},
    {"j", query},
    {"Q", setting},
};

/* An empty answer says that a request is not known. */
bool command_do(struct request request, struct reply *reply) {
    if (take(&request, "vCont;")) return resume(request, reply);
    if (request.at < request.end && strchr("cCsS", *request.at)) return resume_one(request, reply);
    if (take(&request, "vCont?")) {
        put_text(reply, "vCont;c;C;s;S;t;r");
        return true;
    }
    if (request.end - request.at == 1 && *request.at == 'k') {
        kill_everything(request, reply);
        return false;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (!take(&request, commands[i].name)) continue;
        commands[i].run(request, reply);
        break;
    }
    return true;
}
