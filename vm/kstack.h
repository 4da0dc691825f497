/*
 * Kernel stacks: in an area of their own, each below a page that is never mapped, so that an overflow faults instead of
 * reaching other memory.
 */
#pragma once

#include "arch/thread.h"
#include "kernel/base/compiler.h"

struct budget;

/* KSTACK_PAGES: the machine says how many its code needs. */
#define KSTACK_SIZE (KSTACK_PAGES * PAGE_SIZE)

/* Before the first of them. */
void kstack_init(void);

/*
 * The lowest address of a fresh stack, or NULL. What is kept for the next is the root's: `budget`, that of the stack's
 * thread, is charged with KSTACK_PAGES in its place until the stack is freed.
 */
MUST_CHECK void *kstack_alloc(struct budget *budget);
/* Must not be the stack this runs on. */
void kstack_free(void *stack, struct budget *budget);

/* Gives up what is kept for the next. */
void kstack_trim(void);

/* arch_kernel_tables_sound(), while no stack is made or freed. */
bool kstack_tables_sound(void);
