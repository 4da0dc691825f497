/*
 * Interrupts: making, waiting, triggering, destroying. Virtual ones show nearly all there is to them; a device's are in
 * interrupt_device.c, and what they send to ports in interrupt_port.c.
 */
#include "tests/user/interrupt.h"

#include <zircon/syscalls/resource.h>

#define VIRTUAL ZX_INTERRUPT_VIRTUAL
#define EDGE_BOTH ZX_INTERRUPT_MODE_EDGE_BOTH

static void expect_time(zx_handle_t interrupt, zx_time_t want) {
    zx_time_t time = 0;
    EXPECT_OK(zx_interrupt_wait(interrupt, &time));
    EXPECT_EQ(time, want);
}

/* --- making one --- */

static zx_status_t create(zx_handle_t resource, uint32_t num, uint32_t options) {
    zx_handle_t interrupt = UNTOUCHED;
    zx_status_t status = zx_interrupt_create(resource, num, options, &interrupt);
    EXPECT((status == ZX_OK) == (interrupt != UNTOUCHED));
    if (status == ZX_OK) MUST(zx_handle_close(interrupt));
    return status;
}

static zx_status_t create_third(zx_handle_t resource) { return create(resource, 3, 0); }

TEST("interrupt_create/a new interrupt: its type, rights and signals") {
    zx_handle_t interrupt = interrupt_make();
    zx_info_handle_basic_t info = basic_info(interrupt);
    EXPECT(info.type == ZX_OBJ_TYPE_INTERRUPT && info.rights == ZX_DEFAULT_INTERRUPT_RIGHTS);
    EXPECT(info.props == ZX_OBJ_PROP_WAITABLE && info.related_koid == 0 && signals_of(interrupt) == 0);
    fire(interrupt, 1);
    EXPECT_EQ(signals_of(interrupt), 0);
    EXPECT_OK(zx_object_signal(interrupt, 0, ZX_USER_SIGNAL_0));
    EXPECT_OK(zx_object_wait_one(interrupt, ZX_USER_SIGNAL_0, 0, NULL));
    EXPECT_STATUS(zx_object_signal(interrupt, 0, ZX_EVENT_SIGNALED), ZX_ERR_INVALID_ARGS);
}

TEST("interrupt_create/H1 H2 H3 H4 H5 H11 a resource of kind IRQ that covers the number, with no right") {
    zx_handle_t irqs, ports;
    MUST(zx_resource_create(test_resource(), ZX_RSRC_KIND_IRQ, 3, 1, "irq", 3, &irqs));
    MUST(zx_resource_create(test_resource(), ZX_RSRC_KIND_IOPORT, 3, 1, "ports", 5, &ports));
    check_handles(KIND_RESOURCE, create_third);
    EXPECT_OK(create_third(handle_with(irqs, ZX_RIGHT_NONE)));
    EXPECT_STATUS(create(irqs, 4, 0), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(create(irqs, 2, 99), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(create(ports, 3, 0), ZX_ERR_WRONG_TYPE);
}

TEST("interrupt_create/sources that there are not are INVALID_ARGS; one belongs to one object, or is ALREADY_BOUND") {
    static const uint32_t none[] = {255, 256, 1000, UINT32_MAX};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        EXPECT_STATUS(create(test_resource(), none[i], 0), ZX_ERR_INVALID_ARGS);
    zx_handle_t first, second;
    MUST(zx_interrupt_create(test_resource(), 3, 0, &first));
    EXPECT_STATUS(create(test_resource(), 3, 0), ZX_ERR_ALREADY_BOUND);
    EXPECT_STATUS(create(test_resource(), 3, ZX_INTERRUPT_REMAP_IRQ), ZX_ERR_ALREADY_BOUND);
    EXPECT_OK(create(test_resource(), 7, 0));
    EXPECT_OK(zx_interrupt_destroy(first));
    MUST(zx_interrupt_create(test_resource(), 3, 0, &second));
    MUST(zx_handle_close(first));
    EXPECT_STATUS(create(test_resource(), 3, 0), ZX_ERR_ALREADY_BOUND);
    MUST(zx_handle_close(second));
    EXPECT_OK(create(test_resource(), 3, 0));
}

TEST("interrupt_create/options: VIRTUAL alone, or a mode and REMAP_IRQ; EDGE_BOTH and others are INVALID_ARGS") {
    for (uint32_t options = 0; options < 0x400; options++) {
        bool good = options == VIRTUAL || (options < EDGE_BOTH);
        EXPECT_STATUS(create(test_resource(), 3, options), good ? ZX_OK : ZX_ERR_INVALID_ARGS);
    }
    for (uint32_t bit = 0x20; bit != 0; bit <<= 1) {
        EXPECT_STATUS(create(test_resource(), 3, bit), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(create(ZX_HANDLE_INVALID, 3, VIRTUAL | bit), ZX_ERR_INVALID_ARGS);
    }
    EXPECT_OK(create(handle_of(KIND_VMO), UINT32_MAX, VIRTUAL));
}

static zx_status_t create_virtual(void) { return create(ZX_HANDLE_INVALID, 0, VIRTUAL); }
static zx_status_t create_real(void) { return create(test_resource(), 3, 0); }
TEST("interrupt_create/NO_MEMORY, and the source stays free") {
    check_out_of_memory(create_virtual);
    check_out_of_memory(create_real);
}

static void create_badly(void) {
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_interrupt_create(test_resource(), 3, 0, (zx_handle_t *)bad_targets[i]), ZX_ERR_INVALID_ARGS);
}
TEST("interrupt_create/a bad place is INVALID_ARGS, and leaves nothing") {
    check_gives_back(create_badly);
    EXPECT_OK(create_third(test_resource()));
}

/* --- waiting --- */

TEST("interrupt_wait/takes one trigger, however many there were, with the first time since the last wait") {
    zx_handle_t interrupt = interrupt_make();
    for (zx_time_t time = 5; time < 8; time++) {
        fire(interrupt, time);
        fire(interrupt, time - 5);
        fire(interrupt, time + 5);
        expect_time(interrupt, time);
    }
    fire(interrupt, INT64_MIN);
    expect_time(interrupt, INT64_MIN);
    fire(interrupt, 9);
    EXPECT_OK(zx_interrupt_wait(interrupt, NULL));
}

static zx_status_t wait_fired(zx_handle_t interrupt) {
    (void)!zx_interrupt_trigger(handle_of(KIND_INTERRUPT), 0, 1);
    return zx_interrupt_wait(interrupt, NULL);
}
TEST("interrupt_wait/H1 H2 H3 H4 H5 H6 H11 bad handles, other types, WAIT") {
    check_handles(KIND_INTERRUPT, wait_fired);
    check_rights(handle_of(KIND_INTERRUPT), ZX_RIGHT_WAIT, wait_fired);
}

TEST("interrupt_wait/a bad place is INVALID_ARGS, and what was pending is taken") {
    zx_handle_t interrupt = interrupt_make();
    for (size_t i = 1; i < bad_target_count; i++) { /* the first is NULL */
        fire(interrupt, 1);
        EXPECT_STATUS(zx_interrupt_wait(interrupt, (zx_time_t *)bad_targets[i]), ZX_ERR_INVALID_ARGS);
        fire(interrupt, 2);
        expect_time(interrupt, 2);
    }
}

TEST("interrupt_wait/waits until it fires, in state BLOCKED_INTERRUPT; one thread at a time, others get BAD_STATE") {
    zx_handle_t interrupt = interrupt_make();
    NEED(waiter_begin(interrupt));
    EXPECT_EQ(thread_info(waiter.worker.thread).state, ZX_THREAD_STATE_BLOCKED_INTERRUPT);
    EXPECT_STATUS(zx_interrupt_wait(interrupt, NULL), ZX_ERR_BAD_STATE);
    fire(interrupt, 77);
    waiter_end(ZX_OK, 77);
    NEED(waiter_begin(interrupt));
    fire(interrupt, 78);
    waiter_end(ZX_OK, 78);
}

TEST("interrupt_wait/goes on after a suspension, and misses nothing of it") {
    zx_handle_t interrupt = interrupt_make(), token;
    for (zx_time_t fired = 0; fired < 2; fired++) {
        NEED(waiter_begin(interrupt));
        NEED_OK(zx_task_suspend_token(waiter.worker.thread, &token));
        NEED_OK(zx_object_wait_one(waiter.worker.thread, ZX_THREAD_SUSPENDED, SOON, NULL));
        if (fired) fire(interrupt, 5);
        MUST(zx_handle_close(token));
        if (!fired) NEED(thread_waits(waiter.worker.thread));
        if (!fired) fire(interrupt, 5);
        waiter_end(ZX_OK, 5);
    }
}

static void wait_for_ever(zx_handle_t interrupt, uintptr_t there) {
    (void)there;
    zx_interrupt_wait(interrupt, NULL);
    zx_process_exit(1);
}

TEST("interrupt_wait/a kill ends it, and the next may wait") {
    static struct child child;
    zx_handle_t interrupt = interrupt_make();
    NEED(child_make(&child));
    MUST(child_start(&child, wait_for_ever, handle_with(interrupt, ZX_RIGHT_SAME_RIGHTS)));
    NEED(thread_waits(child.thread));
    EXPECT_STATUS(zx_interrupt_wait(interrupt, NULL), ZX_ERR_BAD_STATE);
    MUST(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), KILLED);
    fire(interrupt, 3);
    expect_time(interrupt, 3);
}

/* --- triggers, and the end --- */

static zx_status_t trigger(zx_handle_t interrupt) { return zx_interrupt_trigger(interrupt, 0, 1); }

TEST("interrupt_trigger/H1 H2 H3 H4 H5 H6 H11 H13 options, bad handles, other types, SIGNAL, CANCELED") {
    check_handles(KIND_INTERRUPT, trigger);
    check_rights(handle_of(KIND_INTERRUPT), ZX_RIGHT_SIGNAL, trigger);
    for (uint32_t options = 1; options != 0; options <<= 1)
        EXPECT_STATUS(zx_interrupt_trigger(ZX_HANDLE_INVALID, options, 0), ZX_ERR_INVALID_ARGS);
    zx_handle_t interrupt = interrupt_make();
    EXPECT_OK(zx_interrupt_destroy(interrupt));
    EXPECT_STATUS(trigger(interrupt), ZX_ERR_CANCELED);
}

TEST("interrupt_trigger/BAD_STATE for one that has a source") {
    zx_handle_t interrupt;
    MUST(zx_interrupt_create(test_resource(), 3, 0, &interrupt));
    EXPECT_STATUS(trigger(interrupt), ZX_ERR_BAD_STATE);
    EXPECT_OK(zx_interrupt_destroy(interrupt));
    EXPECT_STATUS(trigger(interrupt), ZX_ERR_BAD_STATE);
}

static zx_status_t destroy(zx_handle_t interrupt) { return zx_interrupt_destroy(interrupt); }

TEST("interrupt_destroy/H1 H2 H3 H4 H5 H11 bad handles, other types; no right is needed; again it changes nothing") {
    check_handles(KIND_INTERRUPT, destroy);
    zx_handle_t interrupt = interrupt_make();
    EXPECT_OK(destroy(handle_with(interrupt, ZX_RIGHT_NONE)));
    EXPECT_OK(destroy(interrupt));
    EXPECT_STATUS(zx_interrupt_wait(interrupt, NULL), ZX_ERR_CANCELED);
}

TEST("interrupt_destroy/wakes who waits with CANCELED; so does closing the last handle") {
    zx_handle_t interrupt = interrupt_make();
    NEED(waiter_begin(interrupt));
    EXPECT_OK(destroy(interrupt));
    waiter_end(ZX_ERR_CANCELED, 0);
    interrupt = interrupt_make();
    NEED(waiter_begin(interrupt));
    MUST(zx_handle_close(interrupt));
    waiter_end(ZX_ERR_CANCELED, 0);
}

TEST("interrupt_destroy/what is pending is gone") {
    zx_handle_t interrupt = interrupt_make();
    fire(interrupt, 1);
    EXPECT_OK(destroy(interrupt));
    EXPECT_STATUS(zx_interrupt_wait(interrupt, NULL), ZX_ERR_CANCELED);
}

TEST("interrupt_destroy/bound: OK when idle or its packet is in the port, which is taken out; NOT_FOUND when unacked") {
    zx_handle_t port = interrupt_port_make(), interrupt = interrupt_bound_make(port, KEY);
    EXPECT_OK(destroy(interrupt));
    interrupt = interrupt_bound_make(port, KEY);
    fire(interrupt, 1);
    EXPECT_OK(destroy(interrupt));
    expect_empty(port);
    interrupt = interrupt_bound_make(port, KEY);
    fire(interrupt, 1);
    expect_interrupt(port, KEY, 1);
    EXPECT_STATUS(destroy(interrupt), ZX_ERR_NOT_FOUND);
    EXPECT_OK(destroy(interrupt));
    interrupt = interrupt_bound_make(port, KEY);
    fire(interrupt, 1);
    MUST(zx_handle_close(interrupt));
    expect_empty(port);
}
