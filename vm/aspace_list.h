/* Going through what an address space holds, a few regions at a time: no lock is held while they are passed on. */
#pragma once

#include "vm/aspace.h"
#include "vm/vmar.h"

/* What one region shows. The VMO of a mapping comes with a reference, which region_info_release() drops. */
struct region_info {
    enum region_kind kind;
    vaddr_t base;
    size_t len;
    size_t depth; /* 1: the root */
    uint32_t perms;
    struct vmo *vmo; /* NULL: a VMAR */
    uint64_t vmo_offset;
};

#define REGIONS_AHEAD 16

/* The last region that was passed. All zero: none was yet. */
struct region_place {
    bool begun;
    vaddr_t base;
    size_t depth;
    struct vmar *vmar; /* that region if it is a VMAR, else the one it lies in; with a reference. May be NULL */
    size_t vmar_depth;
};

/* Where a listing has got to. All zero: at its beginning. */
struct region_cursor {
    struct region_info ahead[REGIONS_AHEAD]; /* taken together; not returned yet from `next` on */
    unsigned next, count;
    struct region_place place;
};

/*
 * The next region in ascending order, parents before children; false at the end, which comes soon when the address
 * space is dead or the running thread has been killed. Changes made meanwhile may be missed, but no region is returned
 * twice.
 */
bool aspace_list_next(struct aspace *as, struct region_cursor *cursor, struct region_info *out);
void region_info_release(struct region_info *info);

/*
 * Bytes that are there in what it maps, each once, however many mappings show it; and those that only it maps, that
 * others map too, and a fair share of these. Takes time for what there is when it begins, once; a kill ends it.
 */
struct task_memory {
    size_t mapped; /* there or not */
    size_t only_here, shared, scaled;
};
void aspace_measure(struct aspace *as, struct task_memory *out);

/* Ends a listing, wherever it has got to. */
void region_cursor_end(struct region_cursor *cursor);
