/*
 * Exception channels; see exception_channel.h.
 *
 * The kernel's end has a handle count, as if it were in a table: dropping that closes the end. The task's death drops
 * it, whatever locks are held, and keeps the reference until the task is freed; the handler's close drops both. The
 * end's own queue is always empty, since the handler's handle has no right to write.
 *
 * A place outlasts the handler's close: to be freed it has to part the ends, under the lock under which that close
 * finds the place.
 */
#include "kernel/object/exception_channel.h"

#include <zircon/errors.h>

#include "kernel/object/channel.h"

void exception_channel_init(struct exception_channel *place) {
    *place = (struct exception_channel){0};
    spinlock_init(&place->lock, RANK_EXCEPTION, "exception channel");
}

/* A task that died has shut it: no other thread reaches it after that. */
void exception_channel_destroy(struct exception_channel *place) {
    if (!place->shut) exception_channel_shut(place);
    object_tell_rest();
    if (place->last) object_unref(place->last);
}

static zx_status_t install(struct exception_channel *place, zx_rights_t rights, struct object *end) {
    zx_status_t status = ZX_OK;
    spin_lock(&place->lock);
    if (place->shut) {
        status = ZX_ERR_BAD_STATE;
    } else if (exception_channel_is_live(place)) {
        status = ZX_ERR_ALREADY_BOUND;
    } else {
        atomic_store(&place->end, end);
        place->rights = rights;
    }
    spin_unlock(&place->lock);
    return status;
}

zx_status_t exception_channel_create(struct exception_channel *place, zx_rights_t rights, struct object **out) {
    struct object *end, *handlers;
    zx_status_t status = channel_create(&end, &handlers);
    if (status != ZX_OK) return status;
    object_handle_ref(end);
    channel_set_place(end, place);
    status = install(place, rights, end);
    if (status == ZX_OK) {
        *out = handlers;
    } else {
        object_handle_unref(end);
        object_unref(end);
        object_unref(handlers);
    }
    return status;
}

void exception_channel_shut(struct exception_channel *place) {
    spin_lock(&place->lock);
    struct object *end = atomic_exchange(&place->end, NULL);
    place->shut = true;
    if (end) place->last = end;
    spin_unlock(&place->lock);
    if (end) object_handle_unref(end);
}

struct object *exception_channel_get(struct exception_channel *place, zx_rights_t *rights) {
    if (!exception_channel_is_live(place)) return NULL;
    spin_lock(&place->lock);
    struct object *end = atomic_load(&place->end);
    if (end) object_ref(end);
    *rights = place->rights;
    spin_unlock(&place->lock);
    return end;
}

bool exception_channel_leave(struct exception_channel *place, const struct object *end) {
    spin_lock(&place->lock);
    bool there = atomic_load(&place->end) == end;
    if (there) atomic_store(&place->end, NULL);
    spin_unlock(&place->lock);
    return there;
}
