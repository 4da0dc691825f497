/*
 * Interrupts from the inside: sources that fire and belong to nobody, or to an object that is going; and what is left
 * when handles and ports go first.
 */
#include "kernel/object/interrupt.h"

#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/time.h"
#include "arch/upcall.h"
#include "kernel/object/handle.h"
#include "kernel/object/port.h"
#include "tests/kernel/support.h"

#define SOURCE 7 /* no device here has it */

/* As if the device had done so, on this processor. */
static void fire(void) {
    bool were_on = arch_irq_disable();
    upcall_irq(SOURCE);
    if (were_on) arch_irq_enable();
}

static struct object *make(uint32_t num, uint32_t options) {
    struct object *interrupt;
    return interrupt_create(num, options, &interrupt) == ZX_OK ? interrupt : NULL;
}

static void lose_handle(struct object *object) { handle_discard(handle_make(object, 0)); }

KTEST("interrupt/a source that belongs to nobody is counted, and makes nobody wake") {
    const unsigned before = interrupt_unclaimed(SOURCE);
    fire();
    EXPECT(interrupt_unclaimed(SOURCE) == before + 1);
    struct object *interrupt = make(SOURCE, 0);
    NEED(interrupt);
    EXPECT(interrupt_destroy(interrupt) == ZX_OK);
    fire();
    EXPECT(interrupt_unclaimed(SOURCE) == before + 2);
    zx_time_t time;
    EXPECT(interrupt_wait(interrupt, &time) == ZX_ERR_CANCELED);
    object_unref(interrupt);
    fire();
    EXPECT(interrupt_unclaimed(SOURCE) == before + 3);
}

KTEST("interrupt/a source that belongs to an object is pending there once, with the first time") {
    struct object *interrupt = make(SOURCE, ZX_INTERRUPT_MODE_LEVEL_HIGH);
    const unsigned before = interrupt_unclaimed(SOURCE);
    zx_time_t first, second;
    NEED(interrupt);
    const zx_time_t begun = arch_time_now();
    fire();
    const zx_time_t fired = arch_time_now();
    fire();
    EXPECT(interrupt_wait(interrupt, &first) == ZX_OK && first >= begun && first <= fired);
    fire();
    EXPECT(interrupt_wait(interrupt, &second) == ZX_OK && second >= fired);
    EXPECT(interrupt_unclaimed(SOURCE) == before);
    object_unref(interrupt);
}

struct receiver {
    struct object *interrupt;
    zx_time_t time;
    zx_status_t status;
};

static void receive(void *arg) {
    struct receiver *receiver = arg;
    receiver->status = interrupt_wait(receiver->interrupt, &receiver->time);
}

KTEST("interrupt/one that fires after the thread that waits was killed is left to the next") {
    static struct runner runner;
    static struct receiver receiver;
    zx_time_t time;
    receiver = (struct receiver){.interrupt = make(SOURCE, 0)};
    NEED(receiver.interrupt && runner_start(&runner, NULL, receive, &receiver));
    runner_settle(&runner);
    thread_interrupt(&runner.thread, ATTENTION_KILL);
    fire();
    const zx_time_t fired = arch_time_now();
    runner_join(&runner);
    EXPECT(receiver.status == ZX_ERR_INTERNAL_INTR_RETRY);
    fire();
    EXPECT(interrupt_wait(receiver.interrupt, &time) == ZX_OK && time <= fired);
    object_unref(receiver.interrupt);
}

KTEST("interrupt/one that fires while its handles go is destroyed, and its port outlives it") {
    struct object *interrupt = make(SOURCE, 0), *port;
    zx_port_packet_t packet;
    NEED(interrupt && port_create(true, &port) == ZX_OK);
    EXPECT(interrupt_bind(interrupt, port, 1) == ZX_OK);
    fire();
    lose_handle(interrupt);
    fire();
    EXPECT(port_wait(port, 0, &packet) == ZX_ERR_TIMED_OUT);
    EXPECT(interrupt_ack(interrupt) == ZX_ERR_CANCELED);
    object_unref(interrupt);
    lose_handle(port);
    object_unref(port);
}

KTEST("interrupt/a port that loses its last handle keeps no packet, and takes none") {
    struct object *interrupt = make(0, ZX_INTERRUPT_VIRTUAL), *port;
    zx_port_packet_t packet;
    NEED(interrupt && port_create(true, &port) == ZX_OK && interrupt_bind(interrupt, port, 1) == ZX_OK);
    EXPECT(interrupt_trigger(interrupt, 1) == ZX_OK);
    lose_handle(port);
    EXPECT(port_wait(port, 0, &packet) == ZX_ERR_TIMED_OUT);
    EXPECT(interrupt_ack(interrupt) == ZX_OK && interrupt_trigger(interrupt, 2) == ZX_OK);
    EXPECT(port_wait(port, 0, &packet) == ZX_ERR_TIMED_OUT);
    EXPECT(interrupt_destroy(interrupt) == ZX_OK);
    object_unref(port);
    object_unref(interrupt);
}

static zx_status_t make_one(void *arg) {
    struct object **out = arg;
    return interrupt_create(SOURCE, 0, out);
}
static bool stays_free(void *arg UNUSED) {
    struct object *interrupt = make(SOURCE, 0);
    if (interrupt) object_unref(interrupt);
    return interrupt;
}

KTEST("interrupt/whichever allocation fails, there is no object, and the source stays free") {
    struct object *interrupt = NULL;
    EXPECT(fail_each_allocation(make_one, stays_free, &interrupt) >= 1);
    object_unref(interrupt);
}
