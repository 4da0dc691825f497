/*
 * What the in-kernel tests share: chance that repeats, running out of memory, failing each allocation in turn, bytes of
 * VMOs and address spaces as a program would see them, and threads that run a function.
 *
 * Helpers that can fail for want of memory say so in what they return; a test then leaves by NEED.
 */
#pragma once

#include "kernel/sched/sched.h"
#include "tests/kernel/harness.h"
#include "vm/aspace.h"
#include "vm/mapping.h"
#include "vm/vmar.h"

#define RW (PERM_READ | PERM_WRITE)
#define PAGES(n) ((uint64_t)(n) << PAGE_SHIFT)

/* A number below `limit`; the same sequence after each seed. */
void random_seed(uint64_t seed);
uint64_t random_below(uint64_t limit);

/* Takes every free page, and gives them back. */
struct page *memory_take_all(void);
void memory_give_back(struct page *taken);

/*
 * Calls act(arg) with its first allocation failing, then with its second, and so on until it succeeds without a
 * failure. Each failed call must be NO_MEMORY and leave `unchanged(arg)` true. Returns how many times it failed: debug
 * builds only.
 */
unsigned fail_each_allocation(zx_status_t (*act)(void *arg), bool (*unchanged)(void *arg), void *arg);

/* The same with no page to be had, then with one, and so on, as with a limit; the heap begins with none. */
unsigned fail_at_each_limit(zx_status_t (*act)(void *arg), bool (*unchanged)(void *arg), void *arg);

/* A VMO of so many pages, or NULL. */
struct vmo *vmo_of(uint64_t npages, bool resizable);
/* One byte of a VMO: as if by vmo_read and vmo_write. Reading what cannot be read is -1. */
bool vmo_poke(struct vmo *vmo, uint64_t offset, uint8_t value);
int vmo_peek(struct vmo *vmo, uint64_t offset);
/* The frame behind an offset, 0 if there is none. */
uint64_t vmo_frame(struct vmo *vmo, uint64_t offset);

/* An address space with nothing in it, and its end. */
struct aspace *space_new(void);
void space_end(struct aspace *as);

/* Maps all `npages` from page `first` of a VMO on, anywhere; the ceiling is `ceiling`. 0: it failed. */
vaddr_t map_pages(struct vmar *vmar, struct vmo *vmo, uint64_t first, size_t npages, uint32_t perms, uint32_t ceiling);
/* The same at page `at` of the VMAR, with more options. */
zx_status_t map_at(struct vmar *vmar, uint64_t at, struct vmo *vmo, uint64_t first, size_t npages,
                   zx_vm_option_t options);

/* One byte at an address, as user code would load and store it: by the translation, loaded by a fault if need be. */
int user_load(struct aspace *as, vaddr_t va);
zx_status_t user_store(struct aspace *as, vaddr_t va, uint8_t value);
/* Is a translation loaded; and for writing? */
bool is_loaded(struct aspace *as, vaddr_t va);
bool is_writable(struct aspace *as, vaddr_t va);
/* Does each translation that is loaded lead to the page its VMO has there now, and allow no more than it should? */
bool translations_true(struct aspace *as);

/* A thread of the kernel's, running in `as` if that is not NULL, so that its user copies work there. */
struct runner {
    struct thread thread;
    void *stack;
    void (*run)(void *arg);
    void *arg;
    atomic_bool gone;
};

bool runner_start(struct runner *r, struct aspace *as, void (*run)(void *arg), void *arg);
/* Waits until it has ended and left nothing. */
void runner_join(struct runner *r);
/* Lets it run until it sleeps or has ended. */
void runner_settle(struct runner *r);
/* All three at once: calls run(arg) in an address space. */
bool run_in(struct aspace *as, void (*run)(void *arg), void *arg);

/* Do threads run in the order in which they became ready? Not on several processors, nor when switches are forced. */
bool turns_are_kept(void);
