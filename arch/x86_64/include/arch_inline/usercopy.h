/*
 * The calls of arch/x86_64/usercopy.asm. The compiler is told which registers each changes: fewer than a C function
 * may, so that what the code around needs stays in the others.
 */
#pragma once

#ifdef __clang_analyzer__
/* To the analyzer, assembly writes its operands and no memory. */
void usercopy_writes(void *dst);
#else
static inline void usercopy_writes(void *dst) { (void)dst; }
#endif

static inline size_t arch_copy_from_user(void *dst, vaddr_t user, size_t len) {
    size_t left;
    usercopy_writes(dst);
    __asm__ volatile("call usercopy_move" : "=a"(left), "+D"(dst), "+S"(user), "+d"(len)::"rcx", "cc", "memory");
    return left;
}

static inline size_t arch_copy_to_user(vaddr_t user, const void *src, size_t len) {
    size_t left;
    __asm__ volatile("call usercopy_move" : "=a"(left), "+D"(user), "+S"(src), "+d"(len)::"rcx", "cc", "memory");
    return left;
}

static inline size_t arch_store_to_user(vaddr_t user, uint64_t value) {
    size_t left;
    __asm__ volatile("call usercopy_store" : "=a"(left) : "D"(user), "S"(value) : "cc", "memory");
    return left;
}

static inline size_t arch_store4_to_user(vaddr_t user, uint32_t value) {
    size_t left;
    __asm__ volatile("call usercopy_store4" : "=a"(left) : "D"(user), "S"(value) : "cc", "memory");
    return left;
}
