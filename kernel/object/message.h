/*
 * Messages: bytes and handles on their way through a channel.
 *
 * A message is one object of the heap with room for its handles, and its bytes behind them if there are few. Else the
 * bytes are in pages of their own, which need not be contiguous: a large message needs no large run of memory.
 *
 * Small messages without handles are of one size, so that one can be made of another (channel.h).
 *
 * A message's handles count in the budget that its memory is charged to, the writer's, until the message is read or
 * discarded. So the budget outlives the writer's job if need be.
 */
#pragma once

#include "kernel/base/arith.h"
#include "kernel/object/handle.h"
#include "vm/budget.h"
#include "vm/page.h"

struct message {
    STAILQ_ENTRY(message) link;
    LIST_HEAD(, page) pages; /* the bytes; none: they are behind the handles */
    uint32_t num_bytes;
    uint8_t num_handles;
    uint8_t handle_room;
    bool carries_channels; /* [I] once it is in a queue: the transit lock is needed to take it out */
    struct handle handles[];
};

STAILQ_HEAD(message_queue, message);

#define MESSAGE_SMALL 40u /* bytes at most: 64 with the header */
static inline bool message_is_small(uint32_t num_bytes, uint32_t handle_room) {
    return num_bytes <= MESSAGE_SMALL && handle_room == 0;
}

/* Room for so many bytes, and for up to ZX_CHANNEL_MAX_MSG_HANDLES handles, of which there are none yet. NO_MEMORY. */
MUST_CHECK zx_status_t message_create(uint32_t num_bytes, uint32_t handle_room, struct message **out);

/* What counts its handles. */
static inline struct budget *message_budget(const struct message *message) { return page_from_data(message)->budget; }

/*
 * Puts in a handle that counts nowhere, whatever the limits: what the kernel itself sends has few. And takes out all:
 * they count nowhere then.
 */
void message_put(struct message *message, struct handle handle);
void message_take(struct message *message, struct handle *handles);

/* Its handles counted in `budget` until now. That is the message's too, but for a limit of vm/inject.h. */
static inline void message_count_from(struct message *message, struct budget *budget) {
    if (likely(budget == message_budget(message))) return;
    budget_add(message_budget(message), BUDGET_HANDLES, message->num_handles);
    budget_refund(budget, BUDGET_HANDLES, message->num_handles);
}

/* Frees it and closes its handles, without recursion however deep channels lie in messages. */
void message_discard(struct message *message);

/* Its bytes, up to the end of the first page. */
static inline void *message_data(const struct message *message) {
    const struct page *first = LIST_FIRST(&message->pages);
    return first ? page_data(first) : (void *)&message->handles[message->handle_room];
}

/* Are its bytes in one piece, and are there any? */
static inline bool message_is_whole(const struct message *message) {
    return LIST_EMPTY(&message->pages) && message->num_bytes > 0;
}

/* Goes through the bytes, piece by piece: message_next() until it is false, beginning with all zeros. */
struct message_piece {
    const struct page *page;
    void *data;
    uint32_t at, len;
};
static inline bool message_next(const struct message *message, struct message_piece *piece) {
    piece->at += piece->len;
    if (piece->at == message->num_bytes) return false;
    piece->page = piece->page ? LIST_NEXT(piece->page, link) : LIST_FIRST(&message->pages);
    piece->data = piece->page ? page_data(piece->page) : message_data(message);
    piece->len = message->num_bytes - piece->at;
    if (piece->page && piece->len > PAGE_SIZE) piece->len = PAGE_SIZE;
    return true;
}
