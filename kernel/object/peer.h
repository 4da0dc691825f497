/*
 * Peers: the two ends of a channel or of an event pair. They share a small counted block with the lock under which
 * either finds the other, so that either may go first. An end is its peer's peer until its last handle is closed.
 *
 * A type of ends embeds `struct peer` as its first member, and its operations use peer_free() and peer_related_koid().
 */
#pragma once

#include "kernel/sched/object.h"

struct peer_pair {
    refcount refs;         /* [a] */
    struct mutex lock;     /* guards [c] of both ends */
    _Atomic(void *) spare; /* [a] heap memory, owned by the thread that takes it: channel.h. NULL: none */
};

struct peer {
    struct object object;
    struct peer_pair *pair; /* [I] with a reference */
    zx_koid_t other_koid;   /* [I] */
    struct peer *other;     /* [c] NULL once its last handle is closed; borrowed */
};

static inline struct peer *peer_from_object(struct object *object) { return container_of(object, struct peer, object); }

/* Makes two ends of `size` bytes, zero beyond their `struct peer`. Returns a reference to each. NO_MEMORY. */
MUST_CHECK zx_status_t peers_create(const struct object_ops *ops, size_t size, zx_signals_t signals,
                                    struct object **out0, struct object **out1);

/* The last handle to an end is closed: the other one loses `clear`, shows PEER_CLOSED, and is alone. */
void peer_part(struct peer *end, zx_signals_t clear) REQUIRES(&end->pair->lock);

/* Changes the signals of the other end. PEER_CLOSED. */
MUST_CHECK zx_status_t peer_signal(struct object *end, zx_signals_t clear, zx_signals_t set);

void peer_free(struct object *object);
zx_koid_t peer_related_koid(struct object *object);
