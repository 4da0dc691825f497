/*
 * What tests of memory share: VMOs with a known background, processes to map them into, and the two calls on other
 * processes' memory with a watch on what they must leave alone.
 *
 * What must work for the test to make sense ends it at once if it does not (MUST); so helpers return what they make.
 * Nothing is given back: the test's process ends, and all of it must end with that.
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "arch/types.h"
#include "tests/user/harness.h"

#define PAGE ((size_t)ZX_PAGE_SIZE)
#define MAX_TRANSFER ((size_t)64 << 20)

#define PERM_NONE ((zx_vm_option_t)0)
#define PERM_R ZX_VM_PERM_READ
#define PERM_RW (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)
#define PERM_RX (ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE)

#define PLACE ((zx_vaddr_t)0x40000000) /* far from everything, in a target that is otherwise empty */

/* A true condition or ZX_OK, or the test ends here, failed. */
#define MUST(status) test_must(test_status((status), ZX_OK, __FILE__, __LINE__, #status))
#define MUST_BE(cond) test_must(test_true((cond), __FILE__, __LINE__, #cond))
void test_must(bool good);

/* A word that begins a row of numbers, the same in every run with "test.seed=NUMBER" on the kernel's command line. */
uint64_t random_seed(void);
uint64_t random_next(uint64_t *state);

/*
 * Does the clock count instructions ("test.exact=1" on the kernel's command line), and so nothing but what is measured?
 */
bool times_are_exact(void);

/*
 * How much to do of what one thread does by itself, as on any machine: all where time runs freely, a part where
 * instructions are counted.
 */
uint64_t amount(uint64_t all);

/* The background: each seed has its own, and no part of it looks like another. That of seed 0 is zeros. */
void pattern_fill(void *buffer, size_t len, unsigned seed);

/* A VMO, and our own view of all of it. */
struct memory {
    zx_handle_t vmo;
    unsigned char *view;
    size_t len;
    unsigned seed;
};

/* Filled with the background of `seed`. Not committed if that is 0. */
struct memory memory_make(size_t len, unsigned seed);
/* A view of a VMO that is there already, said to have the background of `seed`. */
struct memory memory_of(zx_handle_t vmo, size_t len, unsigned seed);

/* The background is there, but for `len` bytes at `at`, which are those at `bytes`. */
#define EXPECT_MEMORY(m, at, bytes, len) ((void)memory_test((m), (at), (bytes), (len), __FILE__, __LINE__, #m))
#define EXPECT_UNTOUCHED(m) EXPECT_MEMORY(m, 0, NULL, 0)
/* The same, where any number of bytes up to `most` may be there, from the first on. */
#define EXPECT_MEMORY_UP_TO(m, at, bytes, most) \
    ((void)memory_test_up_to((m), (at), (bytes), (most), __FILE__, __LINE__, #m))
bool memory_test(const struct memory *m, size_t at, const void *bytes, size_t len, const char *file, int line,
                 const char *text);
bool memory_test_up_to(const struct memory *m, size_t at, const void *bytes, size_t most, const char *file, int line,
                       const char *text);

/* Our own mapping of a VMO, wherever the kernel likes. */
void *map_here(zx_handle_t vmo, uint64_t offset, size_t len, zx_vm_option_t perms);
void unmap_here(const void *addr, size_t len);
/* Fresh memory with nothing on either side: a page before and one behind are reserved and empty. */
unsigned char *buffer_make(size_t len);

zx_handle_t vmo_make(size_t len);
zx_handle_t handle_with(zx_handle_t handle, zx_rights_t rights);
zx_handle_t handle_without(zx_handle_t handle, zx_rights_t rights);
zx_rights_t handle_rights(zx_handle_t handle);

/* A process that is never started. */
struct target {
    zx_handle_t process;
    zx_handle_t vmar;
};

struct target target_make(void);
/* Maps part of a VMO at this very address. */
void target_map(const struct target *t, zx_vaddr_t at, zx_handle_t vmo, uint64_t offset, size_t len,
                zx_vm_option_t perms);
void vmar_map_at(zx_handle_t vmar, zx_vaddr_t at, zx_handle_t vmo, uint64_t offset, size_t len, zx_vm_option_t perms);
/* A region of the parent's that allows all, at this very address. */
zx_handle_t vmar_make(zx_handle_t parent, zx_vaddr_t at, size_t len);
zx_handle_t vmar_make_with(zx_handle_t parent, zx_vaddr_t at, size_t len, zx_vm_option_t can);

/* How a transfer ended. `actual` counts only if the status is ZX_OK. */
struct moved {
    zx_status_t status;
    size_t actual;
};

/* The calls. An error that touches `actual`, or a write beside it, fails the test; so does OK with an absurd count. */
struct moved write_to(zx_handle_t process, zx_vaddr_t vaddr, const void *buffer, size_t len);
struct moved read_from(zx_handle_t process, zx_vaddr_t vaddr, void *buffer, size_t len);

#define EXPECT_MOVED(call, count) ((void)moved_test((call), (struct moved){ZX_OK, (count)}, __FILE__, __LINE__, #call))
#define NEED_MOVED(call, count) TEST_NEED(moved_test((call), (struct moved){ZX_OK, (count)}, __FILE__, __LINE__, #call))
#define EXPECT_REFUSED(call, status) ((void)moved_test((call), (struct moved){(status), 0}, __FILE__, __LINE__, #call))
bool moved_test(struct moved actual, struct moved want, const char *file, int line, const char *text);

/* What the target holds at an address, through zx_process_read_memory. */
#define EXPECT_TARGET(t, vaddr, bytes, len) \
    ((void)target_test((t), (vaddr), (bytes), (len), __FILE__, __LINE__, #vaddr))
bool target_test(const struct target *t, zx_vaddr_t vaddr, const void *bytes, size_t len, const char *file, int line,
                 const char *text);

/* Failure injection: the n-th allocation from now on in the calling thread. fail_over() tells whether it happened. */
void fail_arm(unsigned nth);
bool fail_over(void);

/* Instead of the n-th allocation failing, as many pages less one can be had: the option test.limit=1. */
bool fail_by_limit(void);
