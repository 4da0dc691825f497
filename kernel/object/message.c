/* Messages; see message.h. */
#include "kernel/object/message.h"

#include "kernel/base/log.h"
#include "kernel/sched/thread.h"

/* An object of the heap is no larger, so that it comes from a slab: whatever memory is like, one page is enough. */
#define OBJECT_MAX 2000

static void free_pages(struct message *message) {
    struct page *page;
    while ((page = LIST_FIRST(&message->pages))) {
        LIST_REMOVE(page, link);
        page_free(page);
    }
}

static bool take_pages(struct message *message) {
    for (uint32_t len = 0; len < message->num_bytes; len += PAGE_SIZE) {
        struct page *page = page_alloc();
        if (!page) {
            free_pages(message);
            return false;
        }
        LIST_INSERT_HEAD(&message->pages, page, link);
    }
    return true;
}

zx_status_t message_create(uint32_t num_bytes, uint32_t handle_room, struct message **out) {
    ASSERT(handle_room <= ZX_CHANNEL_MAX_MSG_HANDLES);
    const size_t size = sizeof(struct message) + handle_room * sizeof(struct handle);
    const bool inside = num_bytes <= OBJECT_MAX - size;
    const uint32_t room = message_is_small(num_bytes, handle_room) ? MESSAGE_SMALL : num_bytes;
    struct message *message = heap_alloc(inside ? size + room : size);
    if (!message) return ZX_ERR_NO_MEMORY;
    LIST_INIT(&message->pages);
    message->num_bytes = num_bytes;
    message->num_handles = 0;
    message->handle_room = (uint8_t)handle_room;
    message->carries_channels = false;
    if (unlikely(!inside) && !take_pages(message)) {
        heap_free(message);
        return ZX_ERR_NO_MEMORY;
    }
    *out = message;
    return ZX_OK;
}

void message_put(struct message *message, struct handle handle) {
    ASSERT(message->num_handles < message->handle_room);
    budget_add(message_budget(message), BUDGET_HANDLES, 1);
    message->handles[message->num_handles++] = handle;
}

void message_take(struct message *message, struct handle *handles) {
    budget_refund(message_budget(message), BUDGET_HANDLES, message->num_handles);
    while (message->num_handles > 0) {
        message->num_handles--;
        handles[message->num_handles] = message->handles[message->num_handles];
    }
}

static void message_free(struct message *message) {
    free_pages(message);
    heap_free(message);
}

/*
 * Closing a message's handles may close channel ends, whose queues hold messages again. The outermost call on a
 * thread's stack discards them all; inner ones only add to its list.
 */
void message_discard(struct message *message) {
    struct thread *self = thread_current();
    if (message->num_handles == 0) return message_free(message);
    struct message_queue queue = STAILQ_HEAD_INITIALIZER(queue);
    if (self->discarding) {
        STAILQ_INSERT_TAIL((struct message_queue *)self->discarding, message, link);
        return;
    }
    self->discarding = &queue;
    STAILQ_INSERT_TAIL(&queue, message, link);
    while ((message = STAILQ_FIRST(&queue))) {
        STAILQ_REMOVE_HEAD(&queue, link);
        budget_refund(message_budget(message), BUDGET_HANDLES, message->num_handles);
        for (uint32_t i = 0; i < message->num_handles; i++) handle_discard(message->handles[i]);
        message_free(message);
    }
    self->discarding = NULL;
}
