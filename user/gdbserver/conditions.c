/*
 * Conditions of breakpoints, evaluated here: a debugger hears nothing of a thread that has met a breakpoint none of
 * whose conditions holds. What cannot be evaluated counts as true, and the debugger evaluates it once more.
 */
#include <stdlib.h>
#include <string.h>

#include "user/gdbserver/agent.h"
#include "user/gdbserver/server.h"

#define CODE_MAX 4096

/* --- what a debugger sends --- */

static struct debug_condition *condition_take(struct request *request) {
    static uint8_t code[CODE_MAX];
    size_t len;
    if (!take_agent_code(request, code, sizeof(code), &len)) return NULL;
    struct debug_condition *condition = malloc(sizeof(*condition) + len);
    if (!condition) return NULL;
    condition->next = NULL;
    condition->len = len;
    memcpy(condition->code, code, len);
    return condition;
}

zx_status_t conditions_take(struct request request, struct debug_condition **out) {
    struct debug_condition **end = out;
    *out = NULL;
    (void)take(&request, ";");
    while (request.at < request.end && *request.at == 'X' && (*end = condition_take(&request))) end = &(*end)->next;
    if (request.at == request.end) return ZX_OK;
    debug_conditions_free(*out);
    return ZX_ERR_INVALID_ARGS;
}

/* --- evaluating --- */

/* The thread, and its registers once they were read. */
struct evaluation {
    struct debug_thread *thread;
    bool have_registers;
    uint8_t registers[REGISTERS_MAX];
};

static bool read_register(void *context, uint64_t number, uint64_t *value) {
    struct evaluation *e = context;
    size_t at, len;
    if (!register_find(number, &at, &len) || len > sizeof(*value)) return false;
    if (!e->have_registers) e->have_registers = registers_get(e->thread->handle, e->registers) == ZX_OK;
    *value = 0;
    memcpy(value, e->registers + at, len);
    return e->have_registers;
}

static bool read_memory(void *context, uint64_t addr, void *out, size_t len) {
    struct evaluation *e = context;
    size_t actual = 0;
    return debug_read(e->thread->process, addr, out, len, &actual) == ZX_OK && actual == len;
}

static bool holds(struct debug_thread *t, const struct debug_break *b) {
    struct evaluation e = {.thread = t};
    const struct agent_thread thread = {read_register, read_memory, &e};
    for (const struct debug_condition *c = b->conditions; c; c = c->next) {
        uint64_t value;
        if (!agent_evaluate(c->code, c->len, &thread, &value) || value != 0) return true;
    }
    return b->conditions == NULL;
}

/* An instruction that may wait is left to the debugger, which can be told to wait no longer. */
static bool waits(const struct debug_break *b, struct debug_process *p) {
    uint8_t code[MACHINE_CODE_MAX];
    size_t len = 0;
    return debug_read(p, b->addr, code, sizeof(code), &len) != ZX_OK || machine_code_waits(code, len);
}

static bool is_of_no_interest(struct debug_thread *t) {
    struct machine_place place;
    if (t->reason != DEBUG_BREAKPOINT || t->told || t->action == DEBUG_HOLD) return false;
    if (machine_place_get(t->handle, &place) != ZX_OK) return false;
    const struct debug_break *b = debug_break_find(t->process, place.pc);
    return b && b->conditions && !holds(t, b) && !waits(b, t->process);
}

void conditions_apply(struct debug_process *p) {
    struct debug_thread *t = p->threads;
    while (t && !p->ended) {
        if (!is_of_no_interest(t)) {
            t = t->next;
        } else {
            debug_skip_break(t);
            t = p->threads;
        }
    }
}
