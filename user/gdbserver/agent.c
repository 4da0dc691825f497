/* The interpreter of agent expressions; see agent.h. */
#include "user/gdbserver/agent.h"

enum op {
    OP_ADD = 0x02,
    OP_SUB,
    OP_MUL,
    OP_DIV_SIGNED,
    OP_DIV_UNSIGNED,
    OP_REM_SIGNED,
    OP_REM_UNSIGNED,
    OP_LSH,
    OP_RSH_SIGNED,
    OP_RSH_UNSIGNED,
    OP_LOG_NOT = 0x0e,
    OP_BIT_AND,
    OP_BIT_OR,
    OP_BIT_XOR,
    OP_BIT_NOT,
    OP_EQUAL,
    OP_LESS_SIGNED,
    OP_LESS_UNSIGNED,
    OP_EXT,
    OP_REF8,
    OP_REF16,
    OP_REF32,
    OP_REF64,
    OP_IF_GOTO = 0x20,
    OP_GOTO,
    OP_CONST8,
    OP_CONST16,
    OP_CONST32,
    OP_CONST64,
    OP_REG,
    OP_END,
    OP_DUP,
    OP_POP,
    OP_ZERO_EXT,
    OP_SWAP,
    OP_PICK = 0x32,
    OP_ROT,
    OP_COUNT,
};

/* What an instruction needs on the stack, and how long the operand behind it is. */
struct form {
    bool known;
    uint8_t takes, operand;
};

#define UNARY \
    { true, 1, 0 }
#define BINARY \
    { true, 2, 0 }
#define LITERAL(len) \
    { true, 0, len }

static const struct form forms[OP_COUNT] = {
    [OP_ADD] = BINARY,          [OP_SUB] = BINARY,
    [OP_MUL] = BINARY,          [OP_DIV_SIGNED] = BINARY,
    [OP_DIV_UNSIGNED] = BINARY, [OP_REM_SIGNED] = BINARY,
    [OP_REM_UNSIGNED] = BINARY, [OP_LSH] = BINARY,
    [OP_RSH_SIGNED] = BINARY,   [OP_RSH_UNSIGNED] = BINARY,
    [OP_LOG_NOT] = UNARY,       [OP_BIT_AND] = BINARY,
    [OP_BIT_OR] = BINARY,       [OP_BIT_XOR] = BINARY,
    [OP_BIT_NOT] = UNARY,       [OP_EQUAL] = BINARY,
    [OP_LESS_SIGNED] = BINARY,  [OP_LESS_UNSIGNED] = BINARY,
    [OP_EXT] = {true, 1, 1},    [OP_REF8] = UNARY,
    [OP_REF16] = UNARY,         [OP_REF32] = UNARY,
    [OP_REF64] = UNARY,         [OP_IF_GOTO] = {true, 1, 2},
    [OP_GOTO] = LITERAL(2),     [OP_CONST8] = LITERAL(1),
    [OP_CONST16] = LITERAL(2),  [OP_CONST32] = LITERAL(4),
    [OP_CONST64] = LITERAL(8),  [OP_REG] = LITERAL(2),
    [OP_END] = UNARY,           [OP_DUP] = UNARY,
    [OP_POP] = UNARY,           [OP_ZERO_EXT] = {true, 1, 1},
    [OP_SWAP] = BINARY,         [OP_PICK] = LITERAL(1),
    [OP_ROT] = {true, 3, 0},
};

struct machine {
    const uint8_t *code;
    size_t len, at;
    const struct agent_thread *thread;
    size_t depth;
    uint64_t stack[AGENT_STACK];
};

static uint64_t pop(struct machine *m) { return m->stack[--m->depth]; }

static bool push(struct machine *m, uint64_t value) {
    if (m->depth == AGENT_STACK) return false;
    m->stack[m->depth++] = value;
    return true;
}

/* --- arithmetic --- */

/* The two divisions that a processor cannot do: by zero, and of the lowest number by minus one, which wraps. */
static bool divide(enum op op, uint64_t a, uint64_t b, uint64_t *out) {
    if (b == 0) return false;
    const bool negates = b == UINT64_MAX;
    switch (op) {
    case OP_DIV_SIGNED: *out = negates ? -a : (uint64_t)((int64_t)a / (int64_t)b); break;
    case OP_REM_SIGNED: *out = negates ? 0 : (uint64_t)((int64_t)a % (int64_t)b); break;
    case OP_DIV_UNSIGNED: *out = a / b; break;
    default: *out = a % b; break;
    }
    return true;
}

/* By any number of places; what is shifted out is lost. */
static uint64_t shift(enum op op, uint64_t a, uint64_t places) {
    const uint64_t sign = op == OP_RSH_SIGNED && a >> 63 ? UINT64_MAX : 0;
    if (places >= 64) return sign;
    if (op == OP_LSH) return a << places;
    return places == 0 ? a : a >> places | sign << (64 - places);
}

static bool binary(enum op op, uint64_t a, uint64_t b, uint64_t *out) {
    switch (op) {
    case OP_ADD: *out = a + b; break;
    case OP_SUB: *out = a - b; break;
    case OP_MUL: *out = a * b; break;
    case OP_LSH:
    case OP_RSH_SIGNED:
    case OP_RSH_UNSIGNED: *out = shift(op, a, b); break;
    case OP_BIT_AND: *out = a & b; break;
    case OP_BIT_OR: *out = a | b; break;
    case OP_BIT_XOR: *out = a ^ b; break;
    case OP_EQUAL: *out = a == b; break;
    case OP_LESS_SIGNED: *out = (int64_t)a < (int64_t)b; break;
    case OP_LESS_UNSIGNED: *out = a < b; break;
    default: return divide(op, a, b, out);
    }
    return true;
}

/* The lowest `bits` bits as a number with a sign, or without. All of them, if there are no more. */
static uint64_t extend(enum op op, uint64_t value, uint64_t bits) {
    if (bits == 0 || bits >= 64) return value;
    const uint64_t mask = (UINT64_C(1) << bits) - 1;
    return op == OP_EXT && value >> (bits - 1) & 1 ? value | ~mask : value & mask;
}

/* --- all instructions --- */

static bool load(struct machine *m, enum op op) {
    uint64_t value = 0;
    const size_t len = (size_t)1 << (op - OP_REF8);
    return m->thread->read_memory(m->thread->context, pop(m), &value, len) && push(m, value);
}

static bool push_register(struct machine *m, uint64_t number) {
    uint64_t value;
    return m->thread->read_register(m->thread->context, number, &value) && push(m, value);
}

static void rotate(struct machine *m, size_t count) {
    const uint64_t top = pop(m);
    uint64_t *below = m->stack + m->depth++;
    for (; count > 1; count--, below--) below[0] = below[-1];
    *below = top;
}

static bool jump(struct machine *m, bool wanted, uint64_t to) {
    if (wanted) m->at = to;
    return true;
}

/* The stack has what the instruction takes. */
static bool execute(struct machine *m, enum op op, uint64_t operand) {
    uint64_t b, result;
    switch (op) {
    case OP_LOG_NOT: return push(m, pop(m) == 0);
    case OP_BIT_NOT: return push(m, ~pop(m));
    case OP_EXT:
    case OP_ZERO_EXT: return push(m, extend(op, pop(m), operand));
    case OP_REF8:
    case OP_REF16:
    case OP_REF32:
    case OP_REF64: return load(m, op);
    case OP_IF_GOTO: return jump(m, pop(m) != 0, operand);
    case OP_GOTO: return jump(m, true, operand);
    case OP_CONST8:
    case OP_CONST16:
    case OP_CONST32:
    case OP_CONST64: return push(m, operand);
    case OP_REG: return push_register(m, operand);
    case OP_DUP: return push(m, m->stack[m->depth - 1]);
    case OP_PICK: return operand < m->depth && push(m, m->stack[m->depth - 1 - operand]);
    case OP_POP: m->depth--; return true;
    case OP_SWAP: rotate(m, 2); return true;
    case OP_ROT: rotate(m, 3); return true;
    default: b = pop(m); return binary(op, pop(m), b, &result) && push(m, result);
    }
}

/* The instruction at m->at and its operand, of the highest byte first. */
static bool fetch(struct machine *m, enum op *op, uint64_t *operand) {
    if (m->at >= m->len || m->code[m->at] >= OP_COUNT) return false;
    *op = m->code[m->at++];
    const struct form *form = &forms[*op];
    if (!form->known || m->depth < form->takes || m->len - m->at < form->operand) return false;
    *operand = 0;
    for (size_t i = 0; i < form->operand; i++) *operand = *operand << 8 | m->code[m->at++];
    return true;
}

bool agent_evaluate(const uint8_t *code, size_t len, const struct agent_thread *thread, uint64_t *value) {
    struct machine m = {.code = code, .len = len, .thread = thread};
    enum op op;
    uint64_t operand;
    for (unsigned steps = 0; steps < AGENT_STEPS && fetch(&m, &op, &operand); steps++) {
        if (op == OP_END) {
            *value = pop(&m);
            return true;
        }
        if (!execute(&m, op, operand)) return false;
    }
    return false;
}

bool take_agent_code(struct request *from, uint8_t *out, size_t room, size_t *len) {
    uint64_t told;
    if (!take(from, "X") || !take_hex(from, &told) || !take(from, ",")) return false;
    if (told > (uint64_t)(from->end - from->at) / 2) return false;
    struct request digits = {from->at, from->at + 2 * told};
    from->at = digits.end;
    return take_hex_bytes(&digits, out, room, len);
}
