/*
 * The bare loops; see copies.h. In assembly, for no compiler may turn one of them into another.
 */
#include "tests/bench/copies.h"

static void copy_bytes(const struct copy *copy) {
    unsigned char *to = copy->to;
    const unsigned char *from = copy->from;
    size_t count = copy->len;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

/* What the kernel does: words, and what is left in bytes. */
static void copy_words(const struct copy *copy) {
    unsigned char *to = copy->to;
    const unsigned char *from = copy->from;
    size_t count = copy->len / 8;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    count = copy->len % 8;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

static void copy_registers(const struct copy *copy) {
    unsigned char *to = copy->to;
    const unsigned char *from = copy->from, *end = from + copy->len;
    __asm__ volatile("1: mov   (%1), %%rax\n"
                     "   mov  8(%1), %%rcx\n"
                     "   mov 16(%1), %%rdx\n"
                     "   mov 24(%1), %%r8\n"
                     "   mov %%rax,   (%0)\n"
                     "   mov %%rcx,  8(%0)\n"
                     "   mov %%rdx, 16(%0)\n"
                     "   mov %%r8,  24(%0)\n"
                     "   mov 32(%1), %%rax\n"
                     "   mov 40(%1), %%rcx\n"
                     "   mov 48(%1), %%rdx\n"
                     "   mov 56(%1), %%r8\n"
                     "   mov %%rax, 32(%0)\n"
                     "   mov %%rcx, 40(%0)\n"
                     "   mov %%rdx, 48(%0)\n"
                     "   mov %%r8,  56(%0)\n"
                     "   add $64, %0\n"
                     "   add $64, %1\n"
                     "   cmp %2, %1\n"
                     "   jb 1b"
                     : "+r"(to), "+r"(from)
                     : "r"(end)
                     : "rax", "rcx", "rdx", "r8", "memory", "cc");
}

static void copy_vectors(const struct copy *copy) {
    unsigned char *to = copy->to;
    const unsigned char *from = copy->from, *end = from + copy->len;
    __asm__ volatile("1: movups   (%1), %%xmm0\n"
                     "   movups 16(%1), %%xmm1\n"
                     "   movups 32(%1), %%xmm2\n"
                     "   movups 48(%1), %%xmm3\n"
                     "   movups %%xmm0,   (%0)\n"
                     "   movups %%xmm1, 16(%0)\n"
                     "   movups %%xmm2, 32(%0)\n"
                     "   movups %%xmm3, 48(%0)\n"
                     "   add $64, %0\n"
                     "   add $64, %1\n"
                     "   cmp %2, %1\n"
                     "   jb 1b"
                     : "+r"(to), "+r"(from)
                     : "r"(end)
                     : "xmm0", "xmm1", "xmm2", "xmm3", "memory", "cc");
}

const struct copy_loop copy_loops[] = {
    {"rep-movsq", copy_words, 1},
    {"rep-movsb", copy_bytes, 1},
    {"registers", copy_registers, 64},
    {"sse", copy_vectors, 64},
};
const size_t copy_loop_count = sizeof(copy_loops) / sizeof(copy_loops[0]);
