/*
 * <zircon/listnode.h>.
 */
#include <stdint.h>
#include <zircon/listnode.h>

#include "tests/user/harness.h"

struct element {
    int value;
    list_node_t node;
};

static void fill(list_node_t *list, struct element elements[4]) {
    list_initialize(list);
    for (int i = 0; i < 4; i++) {
        elements[i].value = i + 1;
        list_add_tail(list, &elements[i].node);
    }
}

/* The values from head to tail as decimal digits; the same backwards must be the same list. */
static int digits(list_node_t *list) {
    int forwards = 0, backwards = 0, place = 1;
    struct element *entry;
    list_for_every_entry(list, entry, struct element, node) forwards = forwards * 10 + entry->value;
    for (list_node_t *node = list->prev; node != list; node = node->prev, place *= 10) {
        backwards += containerof(node, struct element, node)->value * place;
    }
    EXPECT_EQ(forwards, backwards);
    return forwards;
}

TEST("listnode/elements are put in at both ends and beside others, taken out and replaced") {
    list_node_t list = LIST_INITIAL_VALUE(list);
    struct element e[4], other = {9, LIST_INITIAL_CLEARED_VALUE};
    EXPECT(list_is_empty(&list) && list_length(&list) == 0 && !list_peek_head(&list) && !list_peek_tail(&list));
    fill(&list, e);
    EXPECT_EQ(digits(&list), 1234);
    EXPECT_EQ(list_length(&list), 4);
    EXPECT(list_in_list(&e[0].node) && !list_in_list(&other.node));
    list_delete(&e[1].node);
    EXPECT(!list_in_list(&e[1].node));
    list_add_head(&list, &e[1].node);
    list_add_before(&e[3].node, &other.node);
    EXPECT_EQ(digits(&list), 21394);
    list_delete(&e[2].node);
    list_replace_node(&other.node, &e[2].node);
    EXPECT_EQ(digits(&list), 2134);
    EXPECT(!list_in_list(&other.node));
    EXPECT_EQ(list_remove_head_type(&list, struct element, node), &e[1]);
    EXPECT_EQ(list_remove_tail_type(&list, struct element, node), &e[3]);
    EXPECT_EQ(digits(&list), 13);
}

TEST("listnode/neighbours are NULL at the ends, or wrap") {
    list_node_t list;
    struct element e[4];
    fill(&list, e);
    EXPECT(list_next(&list, &e[0].node) == &e[1].node && !list_next(&list, &e[3].node));
    EXPECT(list_prev(&list, &e[1].node) == &e[0].node && !list_prev(&list, &e[0].node));
    EXPECT(list_next_wrap(&list, &e[3].node) == &e[0].node && list_prev_wrap(&list, &e[0].node) == &e[3].node);
    EXPECT(list_next_type(&list, &e[3].node, struct element, node) == NULL);
    EXPECT(list_peek_head_type(&list, struct element, node) == &e[0]);
}

TEST("listnode/a list is moved, spliced and split whole or empty") {
    list_node_t list, rest, moved;
    struct element e[4];
    fill(&list, e);
    list_split_after(&list, &e[1].node, &rest);
    EXPECT(digits(&list) == 12 && digits(&rest) == 34);
    list_splice_after(&rest, &e[0].node);
    EXPECT(digits(&list) == 1342 && list_is_empty(&rest));
    list_splice_after(&rest, &e[0].node);
    list_split_after(&list, &e[1].node, &rest);
    EXPECT(digits(&list) == 1342 && list_is_empty(&rest));
    list_move(&list, &moved);
    EXPECT(digits(&moved) == 1342 && list_is_empty(&list));
    list_move(&list, &moved);
    EXPECT(list_is_empty(&moved));
}

TEST("listnode/a safe loop may take out what it is at") {
    list_node_t list, *node, *next;
    struct element e[4];
    int seen = 0;
    fill(&list, e);
    list_for_every_safe(&list, node, next) {
        if (containerof(node, struct element, node)->value % 2 == 0) list_delete(node);
        seen++;
    }
    EXPECT_EQ(seen, 4);
    EXPECT_EQ(digits(&list), 13);
    list_for_every(&list, node) seen++;
    EXPECT_EQ(seen, 6);
}
