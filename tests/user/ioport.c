/*
 * I/O ports of programs: who gets them, where and for how long. The port that is tried is the scratch register of the
 * second serial line, which keeps what is written.
 */
#include "libc_inline/ports.h"

#include <zircon/syscalls/resource.h>

#include "tests/user/catch.h"
#include "tests/user/child.h"

#define SCRATCH 0x2ff
#define ANSWERED 40
#define GENERAL_PROTECTION 13

static zx_handle_t ports_make(uint64_t base, size_t size) {
    zx_handle_t resource;
    MUST(zx_resource_create(test_resource(), ZX_RSRC_KIND_IOPORT, base, size, "ports", 5, &resource));
    return resource;
}

/* In a child: uses the port, and says so. */
static void use_port(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    out8((uint16_t)((struct board *)there)->words[0], 0x5a);
    zx_process_exit(ANSWERED);
}

/* In a child: asks for ports first, with the resource that it was started with. */
static void ask_and_use(zx_handle_t resource, uintptr_t there) {
    struct board *board = (struct board *)there;
    CHILD_NEED(zx_ioports_request(resource, (uint16_t)board->words[1], (uint32_t)board->words[2]) == ZX_OK, 1);
    use_port(resource, there);
}

/* What becomes of a child that asks for [first, first + count) and uses a port. */
static int64_t use_after(uint64_t first, uint64_t count, uint64_t port) {
    struct child child;
    zx_handle_t resource;
    MUST_BE(child_make(&child));
    child.board->words[0] = port;
    child.board->words[1] = first;
    child.board->words[2] = count;
    MUST(zx_handle_duplicate(test_resource(), ZX_RIGHT_SAME_RIGHTS, &resource));
    MUST(child_start(&child, ask_and_use, resource));
    int64_t code = child_wait(&child);
    child_close(&child);
    return code;
}

TEST("ioports_request/the caller may use the ports when it returns") {
    NEED_OK(zx_ioports_request(test_resource(), SCRATCH, 1));
    for (unsigned value = 0x55; value <= 0xaa; value += 0x55) {
        out8(SCRATCH, (uint8_t)value);
        EXPECT_EQ(in8(SCRATCH), value);
    }
}

TEST("ioports_request/without it a port is a general exception, vector 13") {
    static struct child child;
    NEED(child_make(&child));
    child.board->words[0] = SCRATCH;
    zx_handle_t channel = channel_on(child.process, 0);
    MUST(child_start(&child, use_port, ZX_HANDLE_INVALID));
    struct caught caught = catch_of(channel, &child, ZX_EXCP_GENERAL);
    zx_exception_report_t report;
    NEED_OK(zx_object_get_info(child.thread, ZX_INFO_THREAD_EXCEPTION_REPORT, &report, sizeof(report), NULL, NULL));
    EXPECT_EQ(report.context.arch.u.x86_64.vector, GENERAL_PROTECTION);
    MUST(zx_handle_close(caught.exception));
    EXPECT_EQ(child_wait(&child), CRASHED);
}

TEST("ioports_request/those ports and no others, to the last one of all") {
    static const struct {
        uint64_t first, count, port;
        bool allowed;
    } cases[] = {
        {SCRATCH, 1, SCRATCH, true},  {SCRATCH - 1, 1, SCRATCH, false}, {SCRATCH + 1, 1, SCRATCH, false},
        {0x2c0, 0x40, SCRATCH, true}, {0x2c1, 0x3f, 0x2c0, false},      {0, 65536, SCRATCH, true},
        {65535, 1, 65535, true},      {65535, 1, 65534, false},         {0x7fff, 2, 0x8000, true},
        {0x7fff, 2, 0x7fff, true},    {0x8000, 1, 0x7fff, false},       {SCRATCH, 0, SCRATCH, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t code = use_after(cases[i].first, cases[i].count, cases[i].port);
        if (!TEST_EQ(code, cases[i].allowed ? ANSWERED : CRASHED)) test_note("case %zu", i);
    }
}

TEST("ioports_request/nothing shows in another process, before, meanwhile or after; on one processor too") {
    NEED_OK(zx_ioports_request(test_resource(), SCRATCH, 1));
    for (int i = 0; i < 20; i++) {
        EXPECT_EQ(child_run_with(use_port, SCRATCH), CRASHED);
        out8(SCRATCH, (uint8_t)i);
        EXPECT_EQ(in8(SCRATCH), i);
        EXPECT_EQ(use_after(SCRATCH - 1, 1, SCRATCH), CRASHED);
        EXPECT_EQ(use_after(SCRATCH, 1, SCRATCH), ANSWERED);
    }
}

/* A thread that computes all the time, on another processor if there is one, until it is told to use the port. */
static struct {
    atomic_bool running, go;
    atomic_int value;
} other;

static void wait_and_use(void *arg) {
    (void)arg;
    atomic_store(&other.running, true);
    while (!atomic_load(&other.go)) continue;
    out8(SCRATCH, 0x33);
    atomic_store(&other.value, in8(SCRATCH));
}

TEST("ioports_request/threads that run already get them, on other processors too, and those that start later") {
    static struct worker worker;
    for (int i = 0; i < 2; i++) {
        atomic_store(&other.go, i > 0);
        NEED(worker_start(&worker, wait_and_use, NULL));
        while (!atomic_load(&other.running)) zx_nanosleep(0);
        NEED_OK(zx_ioports_request(test_resource(), SCRATCH, 1));
        atomic_store(&other.go, true);
        NEED(worker_join(&worker));
        EXPECT_EQ(atomic_exchange(&other.value, 0), 0x33);
    }
}

static zx_status_t request(zx_handle_t resource) { return zx_ioports_request(resource, SCRATCH, 1); }

TEST("ioports_request/H1 H2 H3 H4 H5 H11 bad handles, other types, resources of other kinds; no right is needed") {
    check_handles(KIND_RESOURCE, request);
    EXPECT_OK(request(handle_with(test_resource(), ZX_RIGHT_NONE)));
    zx_handle_t irq;
    MUST(zx_resource_create(test_resource(), ZX_RSRC_KIND_IRQ, 0, 256, "irq", 3, &irq));
    EXPECT_STATUS(request(irq), ZX_ERR_WRONG_TYPE);
}

TEST("ioports_request/OUT_OF_RANGE for what the resource does not cover, or nothing of one that has a range") {
    zx_handle_t ports = ports_make(0x2f8, 8);
    EXPECT_OK(zx_ioports_request(ports, 0x2f8, 8));
    EXPECT_OK(zx_ioports_request(ports, SCRATCH, 1));
    EXPECT_STATUS(zx_ioports_request(ports, SCRATCH, 2), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_ioports_request(ports, 0x2f7, 1), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_ioports_request(ports, 0x2f8, UINT32_MAX), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_ioports_request(ports, 0x2f8, 0), ZX_ERR_OUT_OF_RANGE);
    EXPECT_OK(zx_ioports_request(test_resource(), 0x2f8, 0));
}

TEST("ioports_request/A5 A6 INVALID_ARGS beyond the last port, with the root resource") {
    EXPECT_STATUS(zx_ioports_request(test_resource(), 0xffff, 2), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_ioports_request(test_resource(), 1, 0xffff + 1), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_ioports_request(test_resource(), 0xffff, UINT32_MAX), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_ioports_request(test_resource(), 0, UINT32_MAX), ZX_ERR_INVALID_ARGS);
}

TEST("ioports_request/NO_MEMORY, and nothing is given; a process that is gone has left nothing") {
    NEED_OK(kernel_command("fail 1"));
    EXPECT_STATUS(zx_ioports_request(test_resource(), SCRATCH, 1), ZX_ERR_NO_MEMORY);
    EXPECT_EQ(child_run_with(use_port, SCRATCH), CRASHED);
    baseline_take();
    EXPECT_EQ(use_after(0, 65536, SCRATCH), ANSWERED);
    EXPECT(all_given_back());
    EXPECT_OK(zx_ioports_request(test_resource(), SCRATCH, 1));
}
