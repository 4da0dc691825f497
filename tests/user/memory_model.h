/*
 * A reference model of memory for the randomised test: stores are arrays of cells, a mapping is an entry of a list,
 * every question is answered by looking through all of it. Each model_X() does to the model what the call of that name
 * must do, and returns the status that it must have.
 *
 * A cell is a quarter of a page that holds one word over and over; offsets and lengths of single calls are in cells
 * where bytes may be named, in pages else. All memory lies in one region, the arena.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <zircon/types.h>

#define CELL ((uint64_t)ZX_PAGE_SIZE / 4)
#define CELLS_PER_PAGE 4u
#define STORE_PAGES 24u
#define STORE_CELLS (STORE_PAGES * CELLS_PER_PAGE)
#define STORES 128u
#define VMOS 20u
#define ARENA 48u /* pages */
#define MAPPINGS (ARENA + 1)

/* Pages, and which they are. */
struct model_store {
    unsigned refs;              /* by VMOs and mappings; 0: unused */
    struct model_store *parent; /* the nearest ancestor that is left, or NULL */
    unsigned parent_first;      /* page 0 is this page there */
    unsigned size;              /* in pages */
    bool resizable, contiguous;
    uint64_t cells[STORE_CELLS];
    unsigned page[STORE_PAGES]; /* 0: not there; snapshots show pages of their parents' */
};

/* What a handle or a mapping shows: a store from some page on; all of it, or as many pages as a slice has. */
struct model_vmo {
    struct model_store *store; /* NULL: an unused entry */
    unsigned first;
    bool slice;
    unsigned slice_size;
};

struct model_mapping {
    bool used, is_region; /* a region within the arena, always empty */
    unsigned base, len;   /* pages of the arena */
    struct model_vmo vmo;
    unsigned offset; /* pages */
    uint32_t perms, ceiling;
    bool private;
    unsigned id; /* of a region: which */
};

struct model {
    struct model_store stores[STORES];
    struct model_vmo vmos[VMOS];
    struct model_mapping mappings[MAPPINGS];
};

/* Its size in pages, its cell, and the bytes it has committed itself. */
unsigned model_size(const struct model_vmo *vmo);
uint64_t *model_cell(const struct model_vmo *vmo, unsigned cell);
uint64_t model_committed(const struct model_vmo *vmo);
/* What lies at a page of the arena, or NULL. */
struct model_mapping *model_at(struct model *m, unsigned page);
/* May an access be made to the page? */
bool model_can(struct model *m, unsigned page, uint32_t perm);
/* Marks the page as written. */
void model_touch(const struct model_vmo *vmo, unsigned page);

/* The first place of `len` pages where nothing is, or ARENA. */
unsigned model_room(struct model *m, unsigned len);

void model_create(struct model *m, struct model_vmo *out, unsigned size, bool resizable, bool contiguous);
void model_close(struct model *m, struct model_vmo *vmo);
zx_status_t model_set_size(struct model_vmo *vmo, unsigned size);
zx_status_t model_snapshot(struct model *m, const struct model_vmo *vmo, unsigned offset, unsigned size, bool resizable,
                           struct model_vmo *out);
zx_status_t model_slice(const struct model_vmo *vmo, unsigned offset, unsigned size, struct model_vmo *out);
/* Ranges in cells. */
zx_status_t model_commit(const struct model_vmo *vmo, unsigned at, unsigned len);
zx_status_t model_decommit(const struct model_vmo *vmo, unsigned at, unsigned len);
zx_status_t model_zero(const struct model_vmo *vmo, unsigned at, unsigned len);
/* The words come from `words` and count upwards. */
zx_status_t model_write(const struct model_vmo *vmo, unsigned at, unsigned len, uint64_t word);

zx_status_t model_allocate(struct model *m, unsigned base, unsigned len, unsigned id);
zx_status_t model_map(struct model *m, unsigned base, unsigned len, const struct model_vmo *vmo, unsigned offset,
                      uint32_t perms, uint32_t ceiling, bool overwrite);
zx_status_t model_unmap(struct model *m, unsigned base, unsigned len);
zx_status_t model_protect(struct model *m, unsigned base, unsigned len, uint32_t perms);
/* `op` is a ZX_VMAR_OP_*. */
zx_status_t model_op(struct model *m, uint32_t op, unsigned base, unsigned len);

/* Process memory, in cells of the arena: how many are moved. Writing counts upwards from `word`. */
unsigned model_process_write(struct model *m, unsigned at, unsigned len, uint64_t word);
unsigned model_process_reach(struct model *m, unsigned at, unsigned len);
/* The cell of the arena that lies within a mapping and its VMO, or NULL. */
uint64_t *model_arena_cell(struct model *m, unsigned at);
