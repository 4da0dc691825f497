/*
 * Ports; see port.h. A port's spinlock guards its queue and its set of watches, and is taken inside the lock of an
 * object that fires one.
 *
 * Taking a watch out of the set, under that lock, ends it: the thread that takes it stops its observing, after which it
 * cannot fire, and drops the set's reference to it. So a watch ends once, whichever events end it together.
 */
#include "kernel/object/port.h"

#include <bsd/sys/tree.h>

#include "arch/time.h"
#include "kernel/base/log.h"
#include "kernel/base/refcount.h"
#include "kernel/sched/thread.h"
#include "vm/heap.h"

/* A program's packets are refused while more than these wait. */
#define PACKETS_MAX 2048

struct watch {
    struct observer observer; /* [o] of the object it watches */
    uint64_t count;           /* [o] likewise */
    struct watch_order order; /* [I] with a reference to the object */
    struct port *port;        /* [I] borrowed: it outlives the observing */
    refcount refs;            /* [a] */

    RB_ENTRY(watch) node; /* [w] */
    uint64_t number;      /* [w] orders equal ones */
    bool listed;          /* [w] in the port's set */
    bool watching;        /* [w] may fire */
    struct packet packet;
};

RB_HEAD(watch_tree, watch);
TAILQ_HEAD(packet_queue, packet);

struct port {
    struct object object;
    struct spinlock lock; /* guards [w] */
    bool for_interrupts;  /* [I] */
    struct waitq waiters; /* threads in port_wait */

    /* [w] */
    bool closed; /* the last handle was closed */
    struct packet_queue interrupts, others;
    size_t queued; /* among the others */
    struct watch_tree watches;
    uint64_t last_number;
};

static int compare_numbers(uint64_t a, uint64_t b) { return a < b ? -1 : a > b; }

static int watch_compare(const struct watch *a, const struct watch *b) {
    int order = compare_numbers((uintptr_t)a->order.object, (uintptr_t)b->order.object);
    if (order == 0) order = compare_numbers((uintptr_t)a->order.table, (uintptr_t)b->order.table);
    if (order == 0) order = compare_numbers(a->order.value, b->order.value);
    if (order == 0) order = compare_numbers(a->order.key, b->order.key);
    return order ? order : compare_numbers(a->number, b->number);
}

RB_GENERATE_INTERNAL(watch_tree, watch, node, watch_compare, UNUSED static)

static struct port *port_from_object(struct object *object) { return container_of(object, struct port, object); }

static struct packet_queue *queue_of(struct port *port, const struct packet *packet) {
    return packet->is_interrupt ? &port->interrupts : &port->others;
}

static void enqueue(struct port *port, struct packet *packet) REQUIRES(&port->lock) {
    TAILQ_INSERT_TAIL(queue_of(port, packet), packet, link);
    packet->queued = true;
    port->queued += !packet->is_interrupt;
    waitq_wake_one(&port->waiters, ZX_OK);
}

static void dequeue(struct port *port, struct packet *packet) REQUIRES(&port->lock) {
    TAILQ_REMOVE(queue_of(port, packet), packet, link);
    packet->queued = false;
    port->queued -= !packet->is_interrupt;
}

static struct packet *first_packet(struct port *port) REQUIRES(&port->lock) {
    struct packet *interrupt = TAILQ_FIRST(&port->interrupts);
    return interrupt ? interrupt : TAILQ_FIRST(&port->others);
}

/* Out of the set; then the caller has to end it. */
static void unlist(struct port *port, struct watch *watch) REQUIRES(&port->lock) {
    RB_REMOVE(watch_tree, &port->watches, watch);
    watch->listed = false;
    if (watch->packet.queued) dequeue(port, &watch->packet);
}

/* No lock is held. */
static void watch_unref(struct watch *watch) {
    if (!refcount_unref(&watch->refs)) return;
    object_unref(watch->order.object);
    heap_free(watch);
}

static void watch_end(struct watch *watch) {
    object_unobserve(watch->order.object, &watch->observer);
    watch_unref(watch);
}

static void watch_notify(struct observer *observer, zx_signals_t signals) {
    struct watch *watch = container_of(observer, struct watch, observer);
    struct port *port = watch->port;
    struct object *source = watch->order.object;
    mutex_assert_held(&source->lock);
    const uint64_t count = watch->count;
    watch->count = 1;
    if (!(signals & watch->order.signals)) return;
    spin_lock(&port->lock);
    zx_packet_signal_t *told = &watch->packet.data.signal;
    if (watch->packet.queued) {
        told->observed |= signals;
    } else if (watch->listed) {
        *told = (zx_packet_signal_t){.trigger = watch->order.signals, .observed = signals, .count = count};
        watch->watching = watch->order.repeating;
        enqueue(port, &watch->packet);
    }
    spin_unlock(&port->lock);
    if (!watch->order.repeating) observer_remove(source, observer);
}

/* The handle was closed. A packet in the queue stays, and the thread that takes it ends the watch. */
static bool watch_cancelled(struct observer *observer, zx_signals_t signals UNUSED) {
    struct watch *watch = container_of(observer, struct watch, observer);
    struct port *port = watch->port;
    spin_lock(&port->lock);
    bool ours = watch->listed && !watch->packet.queued;
    watch->watching = false;
    if (ours) unlist(port, watch);
    spin_unlock(&port->lock);
    return ours;
}

static void watch_released(struct observer *observer) { watch_unref(container_of(observer, struct watch, observer)); }

static const struct observer_ops watch_ops = {
    .notify = watch_notify,
    .cancelled = watch_cancelled,
    .released = watch_released,
};

/* Any watch that is left, out of the set. */
static struct watch *take_watch(struct port *port) {
    spin_lock(&port->lock);
    port->closed = true;
    struct watch *watch = RB_ROOT(&port->watches);
    if (watch) unlist(port, watch);
    spin_unlock(&port->lock);
    return watch;
}

/* A packet that is left, of an interrupt or a program: there are no others by then. False: none is. */
static bool drop_packet(struct port *port) {
    spin_lock(&port->lock);
    struct packet *packet = first_packet(port);
    if (packet) dequeue(port, packet);
    bool of_program = packet && !packet->is_interrupt;
    spin_unlock(&port->lock);
    if (of_program) heap_free(packet);
    return packet;
}

/* One by one, so that the lock is never held for many. */
static void port_on_zero_handles(struct object *object) {
    struct port *port = port_from_object(object);
    struct watch *watch;
    while ((watch = take_watch(port))) watch_end(watch);
    while (drop_packet(port)) continue;
}

static void port_free(struct object *object) {
    port_on_zero_handles(object);
    heap_free(port_from_object(object));
}

static const struct object_ops port_ops = {
    .type = ZX_OBJ_TYPE_PORT,
    .default_rights = ZX_DEFAULT_PORT_RIGHTS,
    .free = port_free,
    .on_zero_handles = port_on_zero_handles,
};

zx_status_t port_create(bool for_interrupts, struct object **out) {
    struct port *port = heap_new(struct port);
    if (!port) return ZX_ERR_NO_MEMORY;
    object_init(&port->object, &port_ops, 0);
    spinlock_init(&port->lock, RANK_WAIT, "port");
    port->for_interrupts = for_interrupts;
    TAILQ_INIT(&port->interrupts);
    TAILQ_INIT(&port->others);
    RB_INIT(&port->watches);
    waitq_init(&port->waiters);
    *out = &port->object;
    return ZX_OK;
}

zx_status_t port_queue(struct object *object, const zx_port_packet_t *data) {
    struct port *port = port_from_object(object);
    zx_status_t status = ZX_OK;
    struct packet *packet = heap_new(struct packet);
    if (!packet) return ZX_ERR_NO_MEMORY;
    packet->data = *data;
    spin_lock(&port->lock);
    if (port->closed)
        status = ZX_ERR_BAD_HANDLE;
    else if (port->queued > PACKETS_MAX)
        status = ZX_ERR_SHOULD_WAIT;
    else
        enqueue(port, packet);
    spin_unlock(&port->lock);
    if (status != ZX_OK) heap_free(packet);
    return status;
}

/*
 * Until there is a packet. The lock is released meanwhile, and held again on return. A thread that is interrupted stays
 * in the queue until it runs: the packet that it was woken for is then left to the next waiter.
 */
static zx_status_t await_packet(struct port *port, zx_time_t deadline) REQUIRES(&port->lock) {
    while (!first_packet(port)) {
        if (deadline <= arch_time_now()) return ZX_ERR_TIMED_OUT;
        zx_status_t status = waitq_block(&port->waiters, &port->lock, deadline, WAIT_INTERRUPTIBLE);
        spin_lock(&port->lock);
        if (status == ZX_OK && thread_interrupted()) {
            waitq_wake_one(&port->waiters, ZX_OK);
            return ZX_ERR_INTERNAL_INTR_RETRY;
        }
        if (status != ZX_OK && status != ZX_ERR_TIMED_OUT) return status;
    }
    return ZX_OK;
}

zx_status_t port_wait(struct object *object, zx_time_t deadline, zx_port_packet_t *out) {
    struct port *port = port_from_object(object);
    spin_lock(&port->lock);
    zx_status_t status = await_packet(port, deadline);
    if (status != ZX_OK) {
        spin_unlock(&port->lock);
        return status;
    }
    struct packet *packet = first_packet(port);
    struct watch *watch = packet->watch;
    const bool of_program = !watch && !packet->is_interrupt;
    *out = packet->data;
    dequeue(port, packet);
    bool over = watch && !watch->watching;
    if (over) unlist(port, watch);
    spin_unlock(&port->lock);
    if (over) watch_end(watch);
    if (of_program) heap_free(packet);
    return ZX_OK;
}

bool port_is_for_interrupts(struct object *object) { return port_from_object(object)->for_interrupts; }

bool port_put_interrupt(struct object *object, struct packet *packet) {
    struct port *port = port_from_object(object);
    spin_lock(&port->lock);
    bool fits = !port->closed && !packet->queued;
    if (fits) enqueue(port, packet);
    spin_unlock(&port->lock);
    return fits;
}

bool port_has_interrupt(struct object *object, struct packet *packet) {
    struct port *port = port_from_object(object);
    spin_lock(&port->lock);
    bool queued = packet->queued;
    spin_unlock(&port->lock);
    return queued;
}

bool port_recall_interrupt(struct object *object, struct packet *packet) {
    struct port *port = port_from_object(object);
    spin_lock(&port->lock);
    bool queued = packet->queued;
    if (queued) dequeue(port, packet);
    spin_unlock(&port->lock);
    return queued;
}

static struct watch *watch_new(struct port *port, const struct watch_order *order) {
    struct watch *watch = heap_new(struct watch);
    if (!watch) return NULL;
    watch->observer =
        (struct observer){.ops = &watch_ops, .table = order->table, .value = order->value, .wanted = order->signals};
    watch->count = order->count;
    watch->order = *order;
    watch->port = port;
    watch->watching = true;
    watch->packet.watch = watch;
    watch->packet.data = (zx_port_packet_t){
        .key = order->key, .type = order->repeating ? ZX_PKT_TYPE_SIGNAL_REP : ZX_PKT_TYPE_SIGNAL_ONE, .status = ZX_OK};
    atomic_init(&watch->refs, 1);
    object_ref(order->object);
    return watch;
}

/* The set gets a reference. What ended before the observing had begun could not end that: the watch, or the handle. */
zx_status_t port_watch(struct object *object, const struct watch_order *order) {
    struct port *port = port_from_object(object);
    struct watch *watch = watch_new(port, order);
    if (!watch) return ZX_ERR_NO_MEMORY;
    spin_lock(&port->lock);
    bool closed = port->closed;
    if (!closed) {
        watch->number = ++port->last_number;
        watch->listed = true;
        refcount_ref(&watch->refs);
        RB_INSERT(watch_tree, &port->watches, watch);
    }
    spin_unlock(&port->lock);
    if (!closed) {
        object_observe(order->object, &watch->observer);
        spin_lock(&port->lock);
        bool listed = watch->listed;
        spin_unlock(&port->lock);
        if (!listed) object_unobserve(order->object, &watch->observer);
        if (!handle_names(order->table, order->value, order->object))
            object_cancel(order->object, order->table, order->value);
    }
    watch_unref(watch);
    return closed ? ZX_ERR_BAD_HANDLE : ZX_OK;
}

/* The next one that is wanted, out of the set. */
static struct watch *take_wanted(struct port *port, const struct watch *wanted) {
    spin_lock(&port->lock);
    struct watch *watch = RB_NFIND(watch_tree, &port->watches, (struct watch *)wanted);
    if (watch && (watch->order.object != wanted->order.object || watch->order.table != wanted->order.table ||
                  watch->order.value != wanted->order.value || watch->order.key != wanted->order.key))
        watch = NULL;
    if (watch) unlist(port, watch);
    spin_unlock(&port->lock);
    return watch;
}

zx_status_t port_cancel(struct object *object, struct object *source, const struct handle_table *table,
                        zx_handle_t value, uint64_t key) {
    struct port *port = port_from_object(object);
    const struct watch wanted = {
        .order = {.object = source, .table = (struct handle_table *)table, .value = value, .key = key}};
    zx_status_t status = ZX_ERR_NOT_FOUND;
    struct watch *watch;
    while (!thread_killed() && (watch = take_wanted(port, &wanted))) {
        watch_end(watch);
        status = ZX_OK;
    }
    return status;
}
