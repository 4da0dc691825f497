/*
 * Page trees; see pagetree.h.
 *
 * A node is shared while its count is above one; shared nodes and everything below them never change. The count is
 * atomic: when two owners of a node copy it at the same moment both get a copy, and the original is freed by the later
 * of them. Recursion is as deep as the tree is high, nine at most.
 */
#include "vm/pagetree.h"

#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "vm/heap.h"

#define FANOUT_BITS 6
#define FANOUT (1u << FANOUT_BITS)
#define INDEX_MASK (PAGETREE_INDEX_COUNT - 1)

_Static_assert(FANOUT == PAGETREE_BLOCK);
_Static_assert(FANOUT_BITS *PAGETREE_HEIGHT_MAX >= PAGETREE_INDEX_BITS);

struct pagetree_node {
    union {
        refcount refs;
        struct pagetree_node *next; /* spare or removed: no tree has it */
    };
    uint64_t present; /* bit i: child[i] is not NULL */
    union {
        struct pagetree_node *node; /* height above 1 */
        struct page *page;          /* height 1 */
    } child[FANOUT];
};

static unsigned child_index(uint64_t index, unsigned height) {
    return (unsigned)(index >> (FANOUT_BITS * (height - 1))) & (FANOUT - 1);
}

/* The highest index below a node of that height, counted from the node's first. */
static uint64_t last_index(unsigned height) { return ((uint64_t)1 << (FANOUT_BITS * height)) - 1; }

static bool node_exclusive(const struct pagetree_node *node) {
    return atomic_load_explicit(&node->refs, memory_order_acquire) == 1;
}

/* One of `spare`, if there is any, or a new one. Only its count is set. */
static struct pagetree_node *node_alloc(struct pagetree_node **spare) {
    struct pagetree_node *node = *spare;
    if (node)
        *spare = node->next;
    else
        node = heap_alloc(sizeof(*node));
    if (node) atomic_init(&node->refs, 1);
    return node;
}

static struct pagetree_node *node_new(struct pagetree_node **spare) {
    struct pagetree_node *node = node_alloc(spare);
    if (!node) return NULL;
    node->present = 0;
    arch_zero(node->child, sizeof(node->child));
    return node;
}

/* The children present; or of those that [first, last] crosses, which the node covers in part. */
#define FOREACH_BIT(i, bits) \
    for (uint64_t bits_ = (bits), i; bits_ && (i = (uint64_t)__builtin_ctzll(bits_), 1); bits_ &= bits_ - 1)
#define FOREACH_CHILD(i, node) FOREACH_BIT(i, (node)->present)
#define FOREACH_CHILD_IN(i, node, height, first, last) FOREACH_BIT(i, (node)->present &child_bits(height, first, last))

static uint64_t child_bits(unsigned height, uint64_t first, uint64_t last) {
    return UINT64_MAX << child_index(first, height) & UINT64_MAX >> (FANOUT - 1 - child_index(last, height));
}

/* Gives the pages of a node of height 1 back. */
static void pages_unref(struct pagetree_node *node) {
    struct page_gather gather = {0};
    FOREACH_CHILD(i, node) page_unref_gather(node->child[i].page, &gather);
    page_gather_free(&gather);
}

/* Frees a node that no tree has any more, and all that was its alone. */
static void node_free(struct pagetree_node *node, unsigned height) {
    if (height == 1) {
        pages_unref(node);
    } else {
        FOREACH_CHILD(i, node) {
            if (refcount_unref(&node->child[i].node->refs)) node_free(node->child[i].node, height - 1);
        }
    }
    heap_free(node);
}

static void node_unref(struct pagetree_node *node, unsigned height) {
    if (refcount_unref(&node->refs)) node_free(node, height);
}

/* The same later. */
static void node_remove(struct pagetree_node *node, unsigned height, struct pagetree_removed *removed) {
    if (!refcount_unref(&node->refs)) return;
    node->next = removed->first[height];
    removed->first[height] = node;
}

void pagetree_free_removed(struct pagetree_removed *removed) {
    struct pagetree_node *node;
    for (unsigned height = 1; height <= PAGETREE_HEIGHT_MAX; height++) {
        while ((node = removed->first[height])) {
            removed->first[height] = node->next;
            node_free(node, height);
        }
    }
}

/* Puts a copy of a shared node in its place. */
static NOINLINE zx_status_t node_copy(struct pagetree_node **link, unsigned height, struct pagetree_node **spare) {
    struct pagetree_node *node = *link, *copy = node_alloc(spare);
    if (!copy) return ZX_ERR_NO_MEMORY;
    copy->present = node->present;
    memcpy(copy->child, node->child, sizeof(copy->child));
    FOREACH_CHILD(i, copy) {
        if (height == 1)
            page_ref(copy->child[i].page);
        else
            refcount_ref(&copy->child[i].node->refs);
    }
    *link = copy;
    node_unref(node, height);
    return ZX_OK;
}

/* Makes the node at `*link` ours alone, by copying it if others share it. */
static inline zx_status_t node_own(struct pagetree_node **link, unsigned height, struct pagetree_node **spare) {
    return likely(node_exclusive(*link)) ? ZX_OK : node_copy(link, height, spare);
}

static void forget(struct pagetree *tree) { tree->recent = tree->owned = 0; }

/* The node at the bottom that covers `index`, or NULL. `*owners`: 1 if it and all above it have one owner each. */
static inline const struct pagetree_node *bottom_node(const struct pagetree *tree, uint64_t index, uint64_t *owners) {
    const struct pagetree_node *node = tree->root;
    unsigned shift = FANOUT_BITS * tree->height;
    index &= INDEX_MASK;
    *owners = 0;
    if (index >> shift != 0) return NULL;
    while (node) {
        *owners |= atomic_load_explicit(&node->refs, memory_order_acquire);
        shift -= FANOUT_BITS;
        if (shift == 0) break;
        node = node->child[index >> shift & (FANOUT - 1)].node;
    }
    return node;
}

static uint64_t block_end(uint64_t index) { return (index | (FANOUT - 1)) + 1; }

void pagetree_find_block(struct pagetree *tree, uint64_t index) {
    static struct page *const absent[FANOUT];
    uint64_t owners;
    const struct pagetree_node *node = bottom_node(tree, index, &owners);
    tree->recent = block_end(index);
    tree->owned = node && owners == 1 ? tree->recent : 0;
    tree->its_end = node ? &node->child[0].page + FANOUT : absent + FANOUT;
}

/*
 * Makes the tree high enough for `index`. An empty tree gets one node; new levels go on top of what is there, so that
 * sharers of the old root are not touched.
 */
static zx_status_t grow(struct pagetree *tree, uint64_t index, struct pagetree_node **spare) {
    while (!tree->root || index > last_index(tree->height)) {
        struct pagetree_node *root = node_new(spare);
        if (!root) return ZX_ERR_NO_MEMORY;
        if (tree->root) {
            root->child[0].node = tree->root;
            root->present = 1;
            tree->height++;
        } else {
            while (tree->height == 0 || index > last_index(tree->height)) tree->height++;
        }
        tree->root = root;
    }
    return ZX_OK;
}

/*
 * Makes the path to `index` the tree's own, down to the node that holds the page. Nodes made in vain are freed again.
 */
static zx_status_t path_own(struct pagetree_node **link, unsigned height, uint64_t index, struct pagetree_node **spare,
                            struct pagetree_node **leaf) {
    zx_status_t status = node_own(link, height, spare);
    if (status != ZX_OK) return status;
    struct pagetree_node *node = *leaf = *link;
    if (height == 1) return ZX_OK;
    unsigned i = child_index(index, height);
    bool fresh = node->child[i].node == NULL;
    if (fresh && !(node->child[i].node = node_new(spare))) return ZX_ERR_NO_MEMORY;
    status = path_own(&node->child[i].node, height - 1, index, spare, leaf);
    if (status == ZX_OK) {
        node->present |= (uint64_t)1 << i;
    } else if (fresh) {
        heap_free(node->child[i].node);
        node->child[i].node = NULL;
    }
    return status;
}

/* Makes `index` the place that was found last, in a block of the tree's own. */
zx_status_t pagetree_own_block(struct pagetree *tree, uint64_t index, struct pagetree_node **spare) {
    struct pagetree_node *leaf;
    index &= INDEX_MASK;
    if (pagetree_in_block(index, tree->owned)) return ZX_OK;
    forget(tree);
    zx_status_t status = grow(tree, index, spare);
    if (status == ZX_OK) status = path_own(&tree->root, tree->height, index, spare, &leaf);
    if (status == ZX_OK) {
        tree->recent = tree->owned = block_end(index);
        tree->its_end = &leaf->child[0].page + FANOUT;
    } else if (tree->root && !tree->root->present) {
        pagetree_destroy(tree);
    }
    return status;
}

void pagetree_set(struct pagetree *tree, uint64_t index, struct page *page) {
    struct page *const *pages = tree->its_end - FANOUT;
    struct pagetree_node *leaf = container_of(pages, struct pagetree_node, child[0].page);
    unsigned i = index % FANOUT;
    struct page *old = leaf->child[i].page;
    leaf->child[i].page = page;
    leaf->present |= (uint64_t)1 << i;
    page_set_use(page, PAGE_VMO);
    if (old) page_unref(old);
}

zx_status_t pagetree_put(struct pagetree *tree, uint64_t index, struct page *page) {
    struct pagetree_node *none = NULL;
    zx_status_t status = pagetree_own_block(tree, index, &none);
    if (status == ZX_OK) pagetree_set(tree, index, page);
    return status;
}

/* Does [first, last] cover a whole node of that height? */
static bool covers(unsigned height, uint64_t first, uint64_t last) { return first == 0 && last == last_index(height); }

/* The part of [first, last] that falls to child i, counted from the child's first index. */
static void child_range(unsigned height, unsigned i, uint64_t first, uint64_t last, uint64_t *cfirst, uint64_t *clast) {
    uint64_t mask = last_index(height - 1);
    *cfirst = i == child_index(first, height) ? first & mask : 0;
    *clast = i == child_index(last, height) ? last & mask : mask;
}

/* Owns the nodes that [first, last] covers in part: those on the paths to its two ends. */
static zx_status_t clear_prepare(struct pagetree_node **link, unsigned height, uint64_t first, uint64_t last) {
    if (!*link || covers(height, first, last)) return ZX_OK;
    struct pagetree_node *none = NULL;
    zx_status_t status = node_own(link, height, &none);
    if (status != ZX_OK || height == 1) return status;
    unsigned ends[2] = {child_index(first, height), child_index(last, height)};
    for (unsigned e = 0; e < (ends[0] == ends[1] ? 1 : 2) && status == ZX_OK; e++) {
        uint64_t cfirst, clast;
        child_range(height, ends[e], first, last, &cfirst, &clast);
        status = clear_prepare(&(*link)->child[ends[e]].node, height - 1, cfirst, clast);
    }
    return status;
}

/* Removes [first, last] below `*link`, and the node itself once it is empty. Cannot fail after clear_prepare(). */
static void clear_commit(struct pagetree_node **link, unsigned height, uint64_t first, uint64_t last,
                         struct pagetree_removed *removed) {
    struct pagetree_node *node = *link;
    if (covers(height, first, last)) {
        node_remove(node, height, removed);
        *link = NULL;
        return;
    }
    ASSERT(node_exclusive(node));
    FOREACH_CHILD_IN(i, node, height, first, last) {
        if (height == 1) {
            page_unref(node->child[i].page);
            node->child[i].page = NULL;
        } else {
            uint64_t cfirst, clast;
            child_range(height, (unsigned)i, first, last, &cfirst, &clast);
            clear_commit(&node->child[i].node, height - 1, cfirst, clast, removed);
        }
        if (!node->child[i].node) node->present &= ~((uint64_t)1 << i);
    }
    if (node->present) return;
    heap_free(node);
    *link = NULL;
}

/* A range of indices as at most two pieces that do not wrap, cut to what a tree of that height holds. How many? */
struct piece {
    uint64_t first, last;
};
static unsigned pieces(unsigned height, uint64_t first, uint64_t count, struct piece out[2]) {
    if (height == 0 || count == 0) return 0;
    uint64_t end = last_index(height), n = 0;
    first &= INDEX_MASK;
    if (first <= end) out[n++] = (struct piece){first, min_u64(first + count - 1, min_u64(end, INDEX_MASK))};
    if (first + count > PAGETREE_INDEX_COUNT)
        out[n++] = (struct piece){0, min_u64((first + count - 1) & INDEX_MASK, end)};
    return (unsigned)n;
}

zx_status_t pagetree_clear(struct pagetree *tree, uint64_t first, uint64_t count, struct pagetree_removed *removed) {
    struct piece piece[2];
    unsigned n = pieces(tree->height, first, count, piece);
    forget(tree);
    for (unsigned i = 0; i < n; i++) {
        zx_status_t status = clear_prepare(&tree->root, tree->height, piece[i].first, piece[i].last);
        if (status != ZX_OK) return status;
    }
    for (unsigned i = 0; i < n && tree->root; i++)
        clear_commit(&tree->root, tree->height, piece[i].first, piece[i].last, removed);
    if (!tree->root) tree->height = 0;
    return ZX_OK;
}

zx_status_t pagetree_share(struct pagetree *tree, uint64_t first, uint64_t count, struct pagetree *out) {
    forget(tree);
    *out = count ? *tree : (struct pagetree){0};
    if (!out->root) return ZX_OK;
    refcount_ref(&out->root->refs);
    uint64_t skip, outside = PAGETREE_INDEX_COUNT - count;
    if (!pagetree_next(tree, first + count, outside, &skip)) return ZX_OK;
    struct pagetree_removed shared_still = {0};
    zx_status_t status = pagetree_clear(out, first + count, outside, &shared_still);
    if (status != ZX_OK) pagetree_destroy(out);
    pagetree_free_removed(&shared_still);
    return status;
}

/* How many nodes of a tree of that height cover a part of [first, last]. */
static uint64_t nodes_over(unsigned height, uint64_t first, uint64_t last) {
    uint64_t nodes = 0;
    for (unsigned h = 1; h <= height; h++) nodes += (last >> (FANOUT_BITS * h)) - (first >> (FANOUT_BITS * h)) + 1;
    return nodes;
}

zx_status_t pagetree_reserve(unsigned height, uint64_t first, uint64_t count, uint64_t pages,
                             struct pagetree_node **spare) {
    struct piece piece[2];
    unsigned n = pieces(PAGETREE_HEIGHT_MAX, first, count, piece), grown = height ? height : 1;
    uint64_t nodes = 0;
    for (unsigned i = 0; i < n; i++) {
        while (piece[i].last > last_index(grown)) grown++;
    }
    for (unsigned i = 0; i < n; i++) nodes += nodes_over(grown, piece[i].first, piece[i].last);
    /* And the nodes that are added above the present root. */
    nodes = min_u64(nodes, pages * grown) + (grown - height);
    for (; nodes > 0; nodes--) {
        struct pagetree_node *node = heap_alloc(sizeof(*node));
        if (!node) return ZX_ERR_NO_MEMORY;
        node->next = *spare;
        *spare = node;
    }
    return ZX_OK;
}

void pagetree_free_spare(struct pagetree_node **spare) {
    struct pagetree_node *node;
    while ((node = *spare)) {
        *spare = node->next;
        heap_free(node);
    }
}

void pagetree_destroy(struct pagetree *tree) {
    if (tree->root) node_unref(tree->root, tree->height);
    *tree = (struct pagetree){0};
}

/* A tree that is compared with, from some node of the counted one on; `height` may be that of a node above or below. */
struct other {
    const struct pagetree_node *node;
    unsigned height;
};

/* What the other tree has in place of child i of a node of that height. */
static struct other other_child(struct other other, unsigned height, uint64_t i) {
    /* Of a higher tree, what this one can have too lies below the first children. */
    for (; other.node && other.height > height; other.height--) other.node = other.node->child[0].node;
    if (other.height < height) return i == 0 ? other : (struct other){0};
    return (struct other){other.node ? other.node->child[i].node : NULL, height - 1};
}

static uint64_t node_count(const struct pagetree_node *node, unsigned height, uint64_t first, uint64_t last,
                           struct other other) {
    uint64_t count = 0;
    if (other.node == node) return 0;
    if (height == 1 && !other.node) return count_bits(node->present & child_bits(1, first, last));
    FOREACH_CHILD_IN(i, node, height, first, last) {
        struct other below = other_child(other, height, i);
        if (height == 1) {
            count += below.node != node->child[i].node;
        } else {
            uint64_t cfirst, clast;
            child_range(height, (unsigned)i, first, last, &cfirst, &clast);
            count += node_count(node->child[i].node, height - 1, cfirst, clast, below);
        }
    }
    return count;
}

uint64_t pagetree_count_unlike(const struct pagetree *tree, const struct pagetree *other, uint64_t first,
                               uint64_t count) {
    struct piece piece[2];
    struct other top = {other->root, other->height};
    uint64_t sum = 0;
    if (tree->height == 0) return 0;
    for (unsigned i = 0, n = pieces(tree->height, first, count, piece); i < n; i++)
        sum += node_count(tree->root, tree->height, piece[i].first, piece[i].last, top);
    return sum;
}

uint64_t pagetree_count(const struct pagetree *tree, uint64_t first, uint64_t count) {
    return pagetree_count_unlike(tree, &(struct pagetree){0}, first, count);
}

/* The first page at [first, last] below the node, as an index counted from the node's first. */
static bool node_next(const struct pagetree_node *node, unsigned height, uint64_t first, uint64_t last,
                      uint64_t *found) {
    FOREACH_CHILD_IN(i, node, height, first, last) {
        uint64_t cfirst, clast, below = 0;
        child_range(height, (unsigned)i, first, last, &cfirst, &clast);
        if (height > 1 && !node_next(node->child[i].node, height - 1, cfirst, clast, &below)) continue;
        *found = (i << (FANOUT_BITS * (height - 1))) + below;
        return true;
    }
    return false;
}

bool pagetree_next(const struct pagetree *tree, uint64_t first, uint64_t count, uint64_t *distance) {
    struct piece piece[2];
    for (unsigned i = 0, n = pieces(tree->height, first, count, piece); i < n; i++) {
        uint64_t found;
        if (!node_next(tree->root, tree->height, piece[i].first, piece[i].last, &found)) continue;
        *distance = (found - first) & INDEX_MASK;
        return true;
    }
    return false;
}
