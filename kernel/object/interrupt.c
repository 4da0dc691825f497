/*
 * Interrupts; see interrupt.h. One spinlock guards the state of all interrupts. It is held for a bounded time: while
 * one fires, and its packet is sent or its waiter woken. A port's lock is taken inside it.
 *
 * The list of sources has no references: an object is off it before it can be freed.
 */
#include "kernel/object/interrupt.h"

#include "arch/irq.h"
#include "arch/time.h"
#include "arch/upcall.h"
#include "kernel/base/log.h"
#include "kernel/object/port.h"
#include "kernel/sched/thread.h"
#include "vm/heap.h"

struct interrupt {
    struct object object;
    bool is_virtual;      /* [I] */
    unsigned num;         /* [I] of its source */
    struct waitq waiters; /* the thread in interrupt_wait */
    struct object *port;  /* [i] that it is bound to, with a reference; NULL: none yet */
    struct packet packet; /* the port's, but that its time is written under [i] while it is in no queue */

    /* [i] */
    bool destroyed;
    bool is_level;
    bool waiting;   /* there is a thread in interrupt_wait */
    bool pending;   /* it fired, and was not delivered yet */
    bool unacked;   /* its packet is in the port, or delivered and not acked */
    zx_time_t time; /* when it first fired since the last delivery */
};

static struct spinlock interrupts_lock = SPINLOCK_INIT(RANK_INTERRUPT, "interrupts");
static struct interrupt *sources[ARCH_IRQ_END] GUARDED_BY(interrupts_lock);
static unsigned unclaimed[ARCH_IRQ_END] GUARDED_BY(interrupts_lock);

static struct interrupt *interrupt_from_object(struct object *object) {
    return container_of(object, struct interrupt, object);
}

static void unmask(const struct interrupt *interrupt) REQUIRES(&interrupts_lock) {
    if (interrupt->is_level) arch_irq_unmask(interrupt->num);
}

/* Sends the pending packet, or wakes the waiter. */
static void tell(struct interrupt *interrupt) REQUIRES(&interrupts_lock) {
    if (!interrupt->port) {
        waitq_wake_one(&interrupt->waiters, ZX_OK);
    } else if (!interrupt->unacked) {
        interrupt->packet.data.interrupt.timestamp = interrupt->time;
        interrupt->unacked = port_put_interrupt(interrupt->port, &interrupt->packet);
        interrupt->pending = !interrupt->unacked;
    }
}

static void fire(struct interrupt *interrupt, zx_time_t time) REQUIRES(&interrupts_lock) {
    if (interrupt->is_level) arch_irq_mask(interrupt->num);
    if (!interrupt->pending) interrupt->time = time;
    interrupt->pending = true;
    tell(interrupt);
}

void upcall_irq(unsigned num) {
    const zx_time_t now = arch_time_now();
    bool first = false;
    spin_lock(&interrupts_lock);
    if (sources[num]) {
        fire(sources[num], now);
    } else {
        arch_irq_mask(num);
        first = unclaimed[num]++ == 0;
    }
    spin_unlock(&interrupts_lock);
    if (first) log_line("interrupt %u belongs to nobody, and is masked", num);
}

unsigned interrupt_unclaimed(unsigned num) {
    spin_lock(&interrupts_lock);
    unsigned count = unclaimed[num];
    spin_unlock(&interrupts_lock);
    return count;
}

static zx_status_t destroy(struct interrupt *interrupt) REQUIRES(&interrupts_lock) {
    if (interrupt->destroyed) return ZX_OK;
    interrupt->destroyed = true;
    if (!interrupt->is_virtual) {
        arch_irq_mask(interrupt->num);
        sources[interrupt->num] = NULL;
    }
    waitq_wake_one(&interrupt->waiters, ZX_ERR_CANCELED);
    if (!interrupt->port || port_recall_interrupt(interrupt->port, &interrupt->packet)) return ZX_OK;
    return interrupt->unacked ? ZX_ERR_NOT_FOUND : ZX_OK;
}

zx_status_t interrupt_destroy(struct object *object) {
    spin_lock(&interrupts_lock);
    zx_status_t status = destroy(interrupt_from_object(object));
    spin_unlock(&interrupts_lock);
    return status;
}

static void interrupt_on_zero_handles(struct object *object) { (void)interrupt_destroy(object); }

/* It may never have had a handle. */
static void interrupt_free(struct object *object) {
    struct interrupt *interrupt = interrupt_from_object(object);
    (void)interrupt_destroy(object);
    if (interrupt->port) object_unref(interrupt->port);
    heap_free(interrupt);
}

static const struct object_ops interrupt_ops = {
    .type = ZX_OBJ_TYPE_INTERRUPT,
    .default_rights = ZX_DEFAULT_INTERRUPT_RIGHTS,
    .free = interrupt_free,
    .on_zero_handles = interrupt_on_zero_handles,
};

static zx_status_t check_create(uint32_t num, uint32_t options) {
    const uint32_t mode = options & ZX_INTERRUPT_MODE_MASK;
    if (options & ZX_INTERRUPT_VIRTUAL) return options == ZX_INTERRUPT_VIRTUAL ? ZX_OK : ZX_ERR_INVALID_ARGS;
    if (!arch_irq_exists(num) || (options & ~(mode | ZX_INTERRUPT_REMAP_IRQ))) return ZX_ERR_INVALID_ARGS;
    return mode < ZX_INTERRUPT_MODE_EDGE_BOTH ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* Makes it the source's, which may fire from here on. */
static zx_status_t claim(struct interrupt *interrupt, uint32_t mode) REQUIRES(&interrupts_lock) {
    if (interrupt->is_virtual) return ZX_OK;
    if (sources[interrupt->num]) return ZX_ERR_ALREADY_BOUND;
    sources[interrupt->num] = interrupt;
    interrupt->is_level = arch_irq_configure(interrupt->num, mode);
    arch_irq_unmask(interrupt->num);
    return ZX_OK;
}

zx_status_t interrupt_create(uint32_t num, uint32_t options, struct object **out) {
    zx_status_t status = check_create(num, options);
    if (status != ZX_OK) return status;
    struct interrupt *interrupt = heap_new(struct interrupt);
    if (!interrupt) return ZX_ERR_NO_MEMORY;
    interrupt->is_virtual = options & ZX_INTERRUPT_VIRTUAL;
    interrupt->num = num;
    interrupt->packet.is_interrupt = true;
    waitq_init(&interrupt->waiters);
    object_init(&interrupt->object, &interrupt_ops, 0);
    spin_lock(&interrupts_lock);
    status = claim(interrupt, options & ZX_INTERRUPT_MODE_MASK);
    interrupt->destroyed = status != ZX_OK; /* the source is another's */
    spin_unlock(&interrupts_lock);
    if (status == ZX_OK)
        *out = &interrupt->object;
    else
        object_unref(&interrupt->object);
    return status;
}

/*
 * Until it fires. The lock is released meanwhile, and held again on return. If the thread is killed, an interrupt that
 * has fired is left to the next waiter.
 */
static zx_status_t await_trigger(struct interrupt *interrupt) REQUIRES(&interrupts_lock) {
    unmask(interrupt);
    interrupt->waiting = true;
    zx_status_t status = waitq_block(&interrupt->waiters, &interrupts_lock, ZX_TIME_INFINITE, WAIT_INTERRUPTIBLE);
    spin_lock(&interrupts_lock);
    interrupt->waiting = false;
    if (interrupt->destroyed) return ZX_ERR_CANCELED;
    if (thread_killed()) return ZX_ERR_INTERNAL_INTR_RETRY;
    return interrupt->pending ? ZX_OK : status;
}

static zx_status_t wait_locked(struct interrupt *interrupt, zx_time_t *time) REQUIRES(&interrupts_lock) {
    if (interrupt->port) return ZX_ERR_BAD_STATE;
    if (interrupt->destroyed) return ZX_ERR_CANCELED;
    if (interrupt->waiting) return ZX_ERR_BAD_STATE;
    zx_status_t status = interrupt->pending ? ZX_OK : await_trigger(interrupt);
    if (status != ZX_OK) return status;
    interrupt->pending = false;
    *time = interrupt->time;
    return ZX_OK;
}

zx_status_t interrupt_wait(struct object *object, zx_time_t *time) {
    spin_lock(&interrupts_lock);
    zx_status_t status = wait_locked(interrupt_from_object(object), time);
    spin_unlock(&interrupts_lock);
    return status;
}

static zx_status_t check_bind(const struct interrupt *interrupt) REQUIRES(&interrupts_lock) {
    if (interrupt->destroyed) return ZX_ERR_CANCELED;
    if (interrupt->waiting) return ZX_ERR_BAD_STATE;
    return interrupt->port ? ZX_ERR_ALREADY_BOUND : ZX_OK;
}

/* A level-triggered source that is masked stays so: from here on only acks unmask it. */
zx_status_t interrupt_bind(struct object *object, struct object *port, uint64_t key) {
    struct interrupt *interrupt = interrupt_from_object(object);
    if (!port_is_for_interrupts(port)) return ZX_ERR_WRONG_TYPE;
    spin_lock(&interrupts_lock);
    zx_status_t status = check_bind(interrupt);
    if (status == ZX_OK) {
        object_ref(port);
        interrupt->port = port;
        interrupt->packet.data = (zx_port_packet_t){.key = key, .type = ZX_PKT_TYPE_INTERRUPT, .status = ZX_OK};
        if (interrupt->pending) tell(interrupt);
    }
    spin_unlock(&interrupts_lock);
    return status;
}

static zx_status_t check_ack(struct interrupt *interrupt) REQUIRES(&interrupts_lock) {
    if (!interrupt->port) return ZX_ERR_BAD_STATE;
    if (interrupt->destroyed) return ZX_ERR_CANCELED;
    return port_has_interrupt(interrupt->port, &interrupt->packet) ? ZX_ERR_BAD_STATE : ZX_OK;
}

zx_status_t interrupt_ack(struct object *object) {
    struct interrupt *interrupt = interrupt_from_object(object);
    spin_lock(&interrupts_lock);
    zx_status_t status = check_ack(interrupt);
    if (status == ZX_OK) {
        interrupt->unacked = false;
        unmask(interrupt);
        if (interrupt->pending) tell(interrupt);
    }
    spin_unlock(&interrupts_lock);
    return status;
}

zx_status_t interrupt_trigger(struct object *object, zx_time_t time) {
    struct interrupt *interrupt = interrupt_from_object(object);
    if (!interrupt->is_virtual) return ZX_ERR_BAD_STATE;
    spin_lock(&interrupts_lock);
    zx_status_t status = interrupt->destroyed ? ZX_ERR_CANCELED : ZX_OK;
    if (status == ZX_OK) fire(interrupt, time);
    spin_unlock(&interrupts_lock);
    return status;
}
