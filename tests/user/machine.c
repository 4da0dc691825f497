/*
 * System calls and vector state in machine code; see machine.h.
 */
#include "tests/user/machine.h"

#include <cpuid.h>
#include <stddef.h>

#include "tests/user/memory.h"

/* Where fxsave, and xsave in its standard format, keep things. */
#define FCW 0
#define FTW 4
#define MXCSR 24
#define MXCSR_MASK 28
#define ST 32
#define XMM 160
#define LEGACY_END 416
#define XSTATE_BV 512
#define YMM_HIGH 576
#define YMM_HIGH_END 832

#define X87_AND_SSE 3u
#define AVX 4u

#define FIELD(name) [name] "i"(offsetof(struct registers, name))

/* r15 holds the address of the registers, because the stack may be anything. */
__attribute__((naked)) void machine_call(struct registers *registers __attribute__((unused))) {
    __asm__("push %%rbx\n\tpush %%rbp\n\tpush %%r12\n\tpush %%r13\n\tpush %%r14\n\tpush %%r15\n\tpushfq\n\t"
            "mov %%rdi, %%r15\n\t"
            "mov %%rsp, %c[stack](%%r15)\n\t"
            "mov %c[rbx](%%r15), %%rbx\n\tmov %c[rcx](%%r15), %%rcx\n\tmov %c[rdx](%%r15), %%rdx\n\t"
            "mov %c[rsi](%%r15), %%rsi\n\tmov %c[rdi](%%r15), %%rdi\n\tmov %c[rbp](%%r15), %%rbp\n\t"
            "mov %c[r8](%%r15), %%r8\n\tmov %c[r9](%%r15), %%r9\n\tmov %c[r10](%%r15), %%r10\n\t"
            "mov %c[r11](%%r15), %%r11\n\tmov %c[r12](%%r15), %%r12\n\tmov %c[r13](%%r15), %%r13\n\t"
            "mov %c[r14](%%r15), %%r14\n\tmov %c[rax](%%r15), %%rax\n\t"
            "pushq %c[rflags](%%r15)\n\tpopfq\n\t"
            "mov %c[rsp](%%r15), %%rsp\n\t"
            "syscall\n"
            ".globl machine_return\n"
            "machine_return:\n\t"
            "mov %%rsp, %c[rsp](%%r15)\n\tmov %c[stack](%%r15), %%rsp\n\t"
            "mov %%rax, %c[rax](%%r15)\n\tmov %%rbx, %c[rbx](%%r15)\n\tmov %%rcx, %c[rcx](%%r15)\n\t"
            "mov %%rdx, %c[rdx](%%r15)\n\tmov %%rsi, %c[rsi](%%r15)\n\tmov %%rdi, %c[rdi](%%r15)\n\t"
            "mov %%rbp, %c[rbp](%%r15)\n\tmov %%r8, %c[r8](%%r15)\n\tmov %%r9, %c[r9](%%r15)\n\t"
            "mov %%r10, %c[r10](%%r15)\n\tmov %%r11, %c[r11](%%r15)\n\tmov %%r12, %c[r12](%%r15)\n\t"
            "mov %%r13, %c[r13](%%r15)\n\tmov %%r14, %c[r14](%%r15)\n\t"
            "pushfq\n\tpopq %c[rflags](%%r15)\n\t"
            "popfq\n\tpop %%r15\n\tpop %%r14\n\tpop %%r13\n\tpop %%r12\n\tpop %%rbp\n\tpop %%rbx\n\t"
            "ret" ::FIELD(rax),
            FIELD(rbx), FIELD(rcx), FIELD(rdx), FIELD(rsi), FIELD(rdi), FIELD(rbp), FIELD(rsp), FIELD(r8), FIELD(r9),
            FIELD(r10), FIELD(r11), FIELD(r12), FIELD(r13), FIELD(r14), FIELD(rflags), FIELD(stack));
}

/* The parts that xsave has switched on; 0 if it has not been switched on at all. */
static uint32_t components(void) {
    uint32_t eax, ebx, ecx, edx;
    __cpuid(1, eax, ebx, ecx, edx);
    if (!(ecx >> 27 & 1)) return 0;
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return eax & (X87_AND_SSE | AVX);
}

bool vector_has_avx(void) { return components() & AVX; }

void vector_store(struct vector_state *state) {
    uint32_t parts = components();
    memset(state, 0, sizeof(*state));
    if (parts) {
        __asm__ volatile("xsave64 (%0)" ::"r"(state), "a"(parts), "d"(0) : "memory");
    } else {
        __asm__ volatile("fxsave64 (%0)" ::"r"(state) : "memory");
    }
}

static void put16(struct vector_state *state, size_t at, uint16_t value) { memcpy(state->bytes + at, &value, 2); }
static void put32(struct vector_state *state, size_t at, uint32_t value) { memcpy(state->bytes + at, &value, 4); }

void vector_fill_reset(struct vector_state *state) {
    memset(state, 0, sizeof(*state));
    put16(state, FCW, 0x037f);
    put32(state, MXCSR, 0x1f80);
}

/* x87 registers are 10 bytes, of which any can hold anything; with all eight full, an instruction would overflow. */
void vector_fill(struct vector_state *state, uint64_t seed) {
    uint32_t parts = components();
    vector_fill_reset(state);
    put16(state, FCW, 0x033f | (seed % 4) << 10);
    state->bytes[FTW] = 0xff;
    put32(state, MXCSR, 0x1f80 | (seed % 4) << 13);
    for (size_t at = ST; at < XMM; at++) state->bytes[at] = at % 16 < 10 ? (unsigned char)random_next(&seed) : 0;
    for (size_t at = XMM; at < LEGACY_END; at++) state->bytes[at] = (unsigned char)random_next(&seed);
    if (!parts) return;
    memcpy(state->bytes + XSTATE_BV, &(uint64_t){parts}, sizeof(uint64_t));
    for (size_t at = YMM_HIGH; at < YMM_HIGH_END && (parts & AVX); at++)
        state->bytes[at] = (unsigned char)random_next(&seed);
}

static bool same_part(const struct vector_state *a, const struct vector_state *b, const char *what, size_t at,
                      size_t len) {
    for (size_t i = at; i < at + len; i++) {
        if (a->bytes[i] == b->bytes[i]) continue;
        test_note("vector state, %s: byte %zu is %#x, not %#x", what, i, a->bytes[i], b->bytes[i]);
        return false;
    }
    return true;
}

/* Parts that xsave found to be in their reset state it may leave out: they read as zeros here, which is the same. */
bool vector_same(const struct vector_state *actual, const struct vector_state *want) {
    bool same = same_part(actual, want, "x87 control", FCW, 2) && same_part(actual, want, "x87 tags", FTW, 1) &&
                same_part(actual, want, "mxcsr", MXCSR, 4) && same_part(actual, want, "xmm", XMM, LEGACY_END - XMM) &&
                same_part(actual, want, "ymm", YMM_HIGH, YMM_HIGH_END - YMM_HIGH);
    for (size_t i = 0; i < 8 && same; i++) same = same_part(actual, want, "st", ST + i * 16, 10);
    return same;
}

struct vector_job {
    const struct vector_state *in;
    struct vector_state *out;
    uint64_t parts; /* 0: the processor has no xsave */
    uint64_t number, arg, spins;
};

#define JOB(name) [name] "i"(offsetof(struct vector_job, name))

/* Returns the call's result. Nothing between the two ends uses a vector register. */
__attribute__((naked)) static uint64_t vector_run(struct vector_job *job __attribute__((unused))) {
    __asm__("push %%rbx\n\tpush %%rbp\n\tmov %%rdi, %%rbx\n\t"
            "mov %c[in](%%rbx), %%rcx\n\tmov %c[parts](%%rbx), %%rax\n\txor %%edx, %%edx\n\t"
            "test %%eax, %%eax\n\tjz 1f\n\txrstor64 (%%rcx)\n\tjmp 2f\n"
            "1:\n\tfxrstor64 (%%rcx)\n"
            "2:\n\tmov %c[number](%%rbx), %%rax\n\tmov %c[arg](%%rbx), %%rdi\n\tsyscall\n\tmov %%rax, %%rbp\n\t"
            "mov %c[spins](%%rbx), %%rcx\n"
            "3:\n\tsub $1, %%rcx\n\tjns 3b\n\t"
            "mov %c[out](%%rbx), %%rcx\n\tmov %c[parts](%%rbx), %%rax\n\txor %%edx, %%edx\n\t"
            "test %%eax, %%eax\n\tjz 4f\n\txsave64 (%%rcx)\n\tjmp 5f\n"
            "4:\n\tfxsave64 (%%rcx)\n"
            "5:\n\tfninit\n\tmov %%rbp, %%rax\n\tpop %%rbp\n\tpop %%rbx\n\tret" ::JOB(in),
            JOB(out), JOB(parts), JOB(number), JOB(arg), JOB(spins));
}

uint64_t vector_call(const struct vector_state *in, struct vector_state *out, uint64_t number, uint64_t arg,
                     uint64_t spins) {
    struct vector_job job = {in, out, components(), number, arg, spins};
    const uint32_t mxcsr = 0x1f80;
    memset(out, 0, sizeof(*out));
    uint64_t result = vector_run(&job);
    __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
    return result;
}
