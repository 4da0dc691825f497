/*
 * Doubly linked lists whose nodes lie in what is listed. A list is a node that is no element: it points to the first
 * and the last, or to itself when empty. A node that lies in no list is cleared, so that it can be told from one that
 * does. Nothing here locks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/compiler.h>

__BEGIN_CDECLS

typedef struct list_node list_node_t;
struct list_node {
    list_node_t *prev;
    list_node_t *next;
};

#define LIST_INITIAL_VALUE(list) \
    { &(list), &(list) }
#define LIST_INITIAL_CLEARED_VALUE \
    { NULL, NULL }

#ifndef containerof
#define containerof(ptr, type, member) ((type *)((uintptr_t)(ptr)-offsetof(type, member)))
#endif

static inline void list_initialize(list_node_t *list) { list->prev = list->next = list; }

static inline void list_clear_node(list_node_t *item) { item->prev = item->next = NULL; }

static inline bool list_in_list(const list_node_t *item) { return item->prev || item->next; }

static inline bool list_is_empty(const list_node_t *list) { return list->next == list; }

static inline size_t list_length(const list_node_t *list) {
    size_t length = 0;
    for (const list_node_t *node = list->next; node != list; node = node->next) length++;
    return length;
}

/* --- putting in and taking out --- */

/* The first puts an element behind another one, or behind the list itself, which is at its head. */
static inline void list_add_after(list_node_t *entry, list_node_t *new_entry) {
    new_entry->prev = entry;
    new_entry->next = entry->next;
    entry->next->prev = new_entry;
    entry->next = new_entry;
}

static inline void list_add_before(list_node_t *entry, list_node_t *new_entry) {
    list_add_after(entry->prev, new_entry);
}

static inline void list_add_head(list_node_t *list, list_node_t *item) { list_add_after(list, item); }

static inline void list_add_tail(list_node_t *list, list_node_t *item) { list_add_before(list, item); }

static inline void list_delete(list_node_t *item) {
    item->next->prev = item->prev;
    item->prev->next = item->next;
    list_clear_node(item);
}

/* The new node takes the old one's place, which is then in no list. */
static inline void list_replace_node(list_node_t *old_node, list_node_t *new_node) {
    list_add_after(old_node, new_node);
    list_delete(old_node);
}

/* --- looking; NULL at the end --- */

static inline list_node_t *list_peek_head(const list_node_t *list) { return list_is_empty(list) ? NULL : list->next; }

static inline list_node_t *list_peek_tail(const list_node_t *list) { return list_is_empty(list) ? NULL : list->prev; }

static inline list_node_t *list_next(const list_node_t *list, const list_node_t *item) {
    return item->next == list ? NULL : item->next;
}

static inline list_node_t *list_prev(const list_node_t *list, const list_node_t *item) {
    return item->prev == list ? NULL : item->prev;
}

/* The first after the last, and the last before the first; NULL only if the list is empty. */
static inline list_node_t *list_next_wrap(const list_node_t *list, const list_node_t *item) {
    return item->next == list ? list_peek_head(list) : item->next;
}

static inline list_node_t *list_prev_wrap(const list_node_t *list, const list_node_t *item) {
    return item->prev == list ? list_peek_tail(list) : item->prev;
}

static inline list_node_t *list_remove_head(list_node_t *list) {
    list_node_t *item = list_peek_head(list);
    if (item) list_delete(item);
    return item;
}

static inline list_node_t *list_remove_tail(list_node_t *list) {
    list_node_t *item = list_peek_tail(list);
    if (item) list_delete(item);
    return item;
}

/* --- whole lists --- */

/* Puts the elements of the first list, which is then empty, behind an element of another. */
static inline void list_splice_after(list_node_t *splice_from, list_node_t *pos) {
    if (list_is_empty(splice_from)) return;
    splice_from->next->prev = pos;
    splice_from->prev->next = pos->next;
    pos->next->prev = splice_from->prev;
    pos->next = splice_from->next;
    list_initialize(splice_from);
}

/* Moves what comes after `pos` into the second list, whatever that held before. */
static inline void list_split_after(list_node_t *list, list_node_t *pos, list_node_t *split_to) {
    list_initialize(split_to);
    if (pos->next == list) return;
    split_to->next = pos->next;
    split_to->prev = list->prev;
    split_to->next->prev = split_to;
    split_to->prev->next = split_to;
    pos->next = list;
    list->prev = pos;
}

/* The second list, whatever it held before, gets all of the first. */
static inline void list_move(list_node_t *move_from, list_node_t *move_to) {
    list_initialize(move_to);
    list_splice_after(move_from, move_to);
}

__END_CDECLS

/* --- the same by the type of what is listed, `element` being its node --- */

#define __list_entry(node, type, element)                                       \
    __extension__({                                                             \
        list_node_t *__list_found = (node);                                     \
        __list_found ? containerof(__list_found, type, element) : (type *)NULL; \
    })
#define list_remove_head_type(list, type, element) __list_entry(list_remove_head(list), type, element)
#define list_remove_tail_type(list, type, element) __list_entry(list_remove_tail(list), type, element)
#define list_peek_head_type(list, type, element) __list_entry(list_peek_head(list), type, element)
#define list_peek_tail_type(list, type, element) __list_entry(list_peek_tail(list), type, element)
#define list_next_type(list, item, type, element) __list_entry(list_next(list, item), type, element)
#define list_prev_type(list, item, type, element) __list_entry(list_prev(list, item), type, element)
#define list_next_wrap_type(list, item, type, element) __list_entry(list_next_wrap(list, item), type, element)
#define list_prev_wrap_type(list, item, type, element) __list_entry(list_prev_wrap(list, item), type, element)

/* Loops. The safe ones may take the element they are at out of the list. */
#define list_for_every(list, node) for ((node) = (list)->next; (node) != (list); (node) = (node)->next)
#define list_for_every_safe(list, node, temp_node)                            \
    for ((node) = (list)->next, (temp_node) = (node)->next; (node) != (list); \
         (node) = (temp_node), (temp_node) = (node)->next)
#define list_for_every_entry(list, entry, type, member)                                 \
    for ((entry) = containerof((list)->next, type, member); &(entry)->member != (list); \
         (entry) = containerof((entry)->member.next, type, member))
#define list_for_every_entry_safe(list, entry, temp_entry, type, member) \
    for ((entry) = containerof((list)->next, type, member),              \
        (temp_entry) = containerof((entry)->member.next, type, member);  \
         &(entry)->member != (list);                                     \
         (entry) = (temp_entry), (temp_entry) = containerof((entry)->member.next, type, member))
