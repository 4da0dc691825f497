/*
 * The base of tests of the transfer engine: two address spaces that hold no program, and a kernel thread that lends
 * itself to the caller's, so that its buffer can fault.
 */
#pragma once

#include "tests/kernel/support.h"
#include "vm/transfer.h"

#define BUFFER_PAGES 64
#define TARGET_PAGES 64

/* The caller has a buffer, the target some memory; both readable and writable, both of one resizable VMO each. */
struct rig {
    struct aspace *caller, *target;
    struct vmo *buffer, *memory;
    vaddr_t from, to; /* where they are mapped */
};
extern struct rig rig;

bool rig_begin(void);
/* Also checks that no translation is left which should not be. */
void rig_end(void);

/* One call of the engine; `fail_at` has that allocation of it fail. */
struct call {
    bool write;
    vaddr_t buffer;
    size_t len;
    struct aspace *target;
    struct vmo *vmo; /* instead, if not NULL */
    uint64_t addr;
    uint64_t fail_at;
    bool fired;
    zx_status_t status;
    size_t done;
};

struct call call_make(bool write, vaddr_t buffer, uint64_t addr, size_t len);
/* The engine's part of it. */
struct transferred call_transfer(const struct call *c);
/* Makes the call, on a thread that runs in the caller's address space. */
void call_run(void *call);

/* Makes the call there; true if it ended with that status and moved so many bytes. */
bool ends(struct call c, zx_status_t status, size_t done);
bool writes(vaddr_t buffer, uint64_t addr, size_t len, zx_status_t status, size_t done);
bool reads(vaddr_t buffer, uint64_t addr, size_t len, zx_status_t status, size_t done);

/* Byte i of the buffer becomes i * 7 + 1, for the first `len`. */
bool fill_buffer(size_t len);
/* Does `vmo` hold bytes `from` … of the buffer at `offset`? */
bool holds(struct vmo *vmo, uint64_t offset, uint64_t from, size_t len);
