/*
 * The words in which the kernel and a machine talk about memory. A physical address is a one-field
 * struct, so that it cannot be mistaken for a virtual one; virtual addresses are plain integers,
 * because address-space code does little else than arithmetic on them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/limits.h>
#include <zircon/types.h>

#define PAGE_SHIFT ZX_PAGE_SHIFT
#define PAGE_SIZE ((size_t)ZX_PAGE_SIZE)
#define PAGE_MASK (PAGE_SIZE - 1)

typedef struct {
    uint64_t raw;
} paddr_t;

typedef uintptr_t vaddr_t;

/* User addresses: [USER_BASE, USER_END), as in Zircon. Nothing outside can ever be mapped for user mode. */
#define USER_BASE ((vaddr_t)0x1000000)
#define USER_END ((vaddr_t)0x7ffffffff000)
static inline bool is_user_address(vaddr_t va) { return va >= USER_BASE && va < USER_END; }
