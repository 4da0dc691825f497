/*
 * The two sides of the fuzzer: fuzz.c makes children, gives them toys, kills them, and looks after everybody else;
 * fuzz_calls.c is what runs in a child, random system calls from several threads until somebody ends it.
 */
#pragma once

#include "tests/user/child.h"

#define FUZZ_THREADS 4
#define FUZZ_MAX_TOYS 24
#define FUZZ_POOL_LEN ((size_t)5 * 4096)

/* The child's board. */
enum {
    FUZZ_SEED,    /* where its numbers begin */
    FUZZ_REGION,  /* the address of the region that it may do anything with */
    FUZZ_POOL,    /* the address of FUZZ_POOL_LEN bytes to write to */
    FUZZ_CALLS,   /* made so far, … */
    FUZZ_GOOD,    /* … and how many of them with ZX_OK */
    FUZZ_DAMAGED, /* after how many a register was not what it should have been */
    FUZZ_GOOD_OF, /* from here on: how many of each call in the list ended with ZX_OK */
};

/* Toys that stand in this order before all others. */
enum { TOY_SELF, TOY_REGION, TOY_VMO, TOY_TARGET, TOY_TARGET_REGION, TOY_CALLER, TOY_ANSWERER };

/*
 * A child's function, which does not return. A message on the channel holds its toys, the objects to make calls on.
 */
void fuzz_for_ever(zx_handle_t channel, uintptr_t board);
