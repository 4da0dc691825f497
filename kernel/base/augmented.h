/*
 * Red-black trees whose nodes know something about all that is below them: libbsd's trees, with the part that those
 * leave to their user. libbsd calls RB_AUGMENT for the nodes that it rotates, but not for all ancestors of a node added
 * or removed. Of a new node they are updated before the tree is balanced, up to the first that stays as it was;
 * balancing changes nothing above the nodes that it rotates. Of a removed one all are updated afterwards.
 */
#pragma once

#include <bsd/sys/tree.h>

#include "kernel/base/compiler.h"

/*
 * The functions of a tree `name` of `struct type`s, linked by `field`, in the order of `compare`. `augment` computes
 * what a node knows from its children and itself, and returns whether that has changed; the file defines RB_AUGMENT as
 * a call of it. A node is inserted with what it knows when it has no children.
 */
#define AUGMENTED_GENERATE(name, type, field, compare, augment)                                    \
    RB_GENERATE_INTERNAL(name, type, field, compare, UNUSED static)                                \
    /* After a node has changed itself. */                                                         \
    static void name##_update(struct type *node) {                                                 \
        while (node && augment(node)) node = RB_PARENT(node, field);                               \
    }                                                                                              \
    static void name##_add(struct name *tree, struct type *node) {                                 \
        struct type *parent = NULL, **link = &RB_ROOT(tree);                                       \
        while (*link) {                                                                            \
            parent = *link;                                                                        \
            link = compare(node, parent) < 0 ? &RB_LEFT(parent, field) : &RB_RIGHT(parent, field); \
        }                                                                                          \
        RB_SET(node, parent, field);                                                               \
        *link = node;                                                                              \
        name##_update(parent);                                                                     \
        name##_RB_INSERT_COLOR(tree, node);                                                        \
    }                                                                                              \
    static void name##_take(struct name *tree, struct type *node) {                                \
        struct type *above = RB_PARENT(node, field);                                               \
        name##_RB_REMOVE(tree, node);                                                              \
        for (; above; above = RB_PARENT(above, field)) augment(above);                             \
    }
