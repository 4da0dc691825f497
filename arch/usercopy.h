/*
 * The only way kernel code touches user memory. `user` addresses belong to the address space loaded on this
 * processor; the caller has checked that the range is within [USER_BASE, USER_END).
 *
 * Each copy ascends, and returns how many bytes it left unmoved: 0 is success. Otherwise the first of them, or one of
 * the seven behind it, cannot be reached: the copy moves words and leaves none half done. A page fault within a
 * copy calls upcall_page_fault(), which decides: resolve it and continue, or end the copy.
 */
#pragma once

#include "arch/types.h"

[[gnu::warn_unused_result]] static inline size_t arch_copy_from_user(void *dst, vaddr_t user, size_t len);
[[gnu::warn_unused_result]] static inline size_t arch_copy_to_user(vaddr_t user, const void *src, size_t len);

/* The same for one word, of which all is left or nothing. */
[[gnu::warn_unused_result]] static inline size_t arch_store_to_user(vaddr_t user, uint64_t value);
[[gnu::warn_unused_result]] static inline size_t arch_store4_to_user(vaddr_t user, uint32_t value);

#include "arch_inline/usercopy.h"
