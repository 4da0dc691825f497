/*
 * Bad pointers to every call. The list of system calls says which arguments are pointers; the table here says with
 * which other arguments each call would succeed. Each pointer in turn is then bad in every way there is: it leads
 * nowhere, to the kernel, to what is read-only, past the end of memory, or it is misaligned. The answer is an error
 * where the page of the call says so, and never an end of the caller.
 */
#include <zircon/features.h>
#include <zircon/ktrace.h>
#include <zircon/syscalls/debug.h>
#include <zircon/syscalls/policy.h>
#include <zircon/syscalls/port.h>
#include <zircon/syscalls/resource.h>
#include <zircon/types.h>

#include "tests/user/catch.h"

#define ARGS 8
#define LEN 16 /* of a buffer whose length does not matter */
#define SOON (zx_deadline_after(ZX_SEC(10)))
#define BIT(index) (1u << (index))

enum how { IN, OUT, INOUT };

/* The list's pointers: at which place, how large what is there is, and where how many of it there are is said. */
static const struct pointer {
    const char *call;
    unsigned index;
    enum how how;
    size_t size;
    int count; /* -1: there is one */
    bool optional;
} pointers[] = {
#define POINTER(call, index, how, size, count, optional) {#call, index, how, size, count, optional},
#include "syscalls/pointers.h"
#undef POINTER
};

/* A handle of a kind, among arguments. */
#define A(kind) (TOKEN | KIND_##kind)
#define TOKEN ((uint64_t)0x7a5 << 48)

struct call {
    const char *name;
    void *function; /* NULL: not tried here */
    zx_status_t good;
    unsigned ignored;               /* pointers whose contents do not matter: good wherever they lead … */
    unsigned aligned;               /* … but these have to be aligned to 4 bytes */
    unsigned null;                  /* good if NULL, and bad otherwise */
    void (*before)(uint64_t *args); /* sets what else it needs, and puts there what is read */
    uint64_t args[ARGS];            /* places of pointers are set by themselves */
};

static struct {
    unsigned char *there; /* a page for each argument … */
    zx_vaddr_t fixed;     /* … and the same pages, read-only */
    zx_vaddr_t edge;      /* where memory ends */
    struct child child;   /* suspended */
    struct child faulty;  /* in an exception */
    struct caught caught;
    zx_thread_state_general_regs_t registers;
    struct pair channel, echo;
    zx_koid_t thread_koid;
} scene;

static void put(uint64_t at, const void *bytes, size_t len) { memcpy((void *)at, bytes, len); }
static void put_handle(uint64_t at, zx_handle_t handle) { put(at, &handle, sizeof(handle)); }

static void first_event(uint64_t *args) { args[0] = event_make(); }
static void first_vmo(uint64_t *args) { args[0] = vmo_make(PAGE); }
static void first_self(uint64_t *args) { args[0] = zx_process_self(); }
static void first_job(uint64_t *args) { args[0] = zx_job_default(); }
static void an_empty_job(uint64_t *args) {
    zx_handle_t job;
    MUST(zx_job_create(zx_job_default(), 0, &job));
    args[0] = job;
}
static void first_root(uint64_t *args) { args[0] = zx_vmar_root_self(); }
static void suspended(uint64_t *args) { args[0] = scene.child.thread; }
static void own_thread(uint64_t *args) {
    args[0] = zx_process_self();
    args[1] = scene.thread_koid;
}
static void own_memory(uint64_t *args) {
    args[0] = zx_process_self();
    args[1] = (uintptr_t)scene.there + (ARGS - 1) * PAGE;
}
static void registers(uint64_t *args) {
    args[0] = scene.child.thread;
    put(args[2], &scene.registers, sizeof(scene.registers));
}
/* A channel lives until its handle is closed: another process for each. */
static void free_place(uint64_t *args) { args[0] = target_make().process; }
static void in_exception(uint64_t *args) { args[0] = scene.caught.exception; }
static void one_item(uint64_t *args) {
    zx_wait_item_t item = {.handle = handle_of(KIND_EVENT), .waitfor = ZX_USER_SIGNAL_0};
    put(args[0], &item, sizeof(item));
}
static void a_packet(uint64_t *args) {
    zx_port_packet_t packet = {.key = 1};
    MUST(zx_port_queue((zx_handle_t)args[0], &packet));
}
static void fired(uint64_t *args) {
    args[0] = handle_of(KIND_INTERRUPT);
    MUST(zx_interrupt_trigger((zx_handle_t)args[0], 0, 1));
}
static void a_message(uint64_t *args) {
    zx_handle_t event = event_make();
    args[0] = scene.channel.a;
    MUST(zx_channel_write(scene.channel.b, 0, scene.there, LEN, &event, 1));
}
static void a_handle(uint64_t *args) {
    args[0] = scene.channel.b;
    put_handle(args[4], event_make());
}
static void a_request(uint64_t *args) {
    static char bytes[LEN];
    zx_channel_call_args_t request = {.wr_bytes = bytes, .rd_bytes = bytes, .wr_num_bytes = LEN, .rd_num_bytes = LEN};
    args[0] = scene.echo.a;
    args[2] = (uint64_t)SOON;
    put(args[3], &request, sizeof(request));
}
static void a_disposition(uint64_t *args) {
    zx_handle_disposition_t moved = {.handle = event_make(), .rights = ZX_RIGHT_SAME_RIGHTS};
    args[0] = scene.channel.b;
    put(args[4], &moved, sizeof(moved));
}
static void a_request_etc(uint64_t *args) {
    static char bytes[LEN];
    zx_channel_call_etc_args_t request = {
        .wr_bytes = bytes, .rd_bytes = bytes, .wr_num_bytes = LEN, .rd_num_bytes = LEN};
    args[0] = scene.echo.a;
    args[2] = (uint64_t)SOON;
    put(args[3], &request, sizeof(request));
}
static void a_command(uint64_t *args) { put(args[1], "fail", 4); }

#define CALL(name) #name, (void *)zx_##name
static const struct call calls[] = {
    {CALL(handle_close_many), .args = {0, 4}},
    {CALL(handle_duplicate), .args = {A(EVENT), ZX_RIGHT_SAME_RIGHTS}},
    {CALL(handle_replace), .before = first_event, .args = {0, ZX_RIGHT_SAME_RIGHTS}},
    {CALL(object_get_info), .args = {A(VMO), ZX_INFO_HANDLE_BASIC, 0, sizeof(zx_info_handle_basic_t)}},
    {CALL(object_get_property), .args = {A(VMO), ZX_PROP_NAME, 0, ZX_MAX_NAME_LEN}},
    {CALL(object_set_property), .args = {A(VMO), ZX_PROP_NAME, 0, LEN}},
    {CALL(object_get_child), .before = own_thread, .args = {0, 0, ZX_RIGHT_SAME_RIGHTS}},
    {CALL(object_wait_one), .args = {A(EVENT), ZX_USER_SIGNAL_0, 0}},
    {CALL(object_wait_many), .before = one_item, .args = {0, 1, 0}},
    {CALL(job_create), .before = first_job},
    {CALL(job_set_policy), .before = an_empty_job, .args = {0, 0, ZX_JOB_POL_BASIC, 0, 1}},
    {CALL(process_create), .before = first_job, .args = {0, 0, 4}},
    {CALL(thread_create), .before = first_self, .args = {0, 0, 4}},
    {CALL(task_suspend_token), .before = suspended},
    {CALL(task_suspend), .before = suspended},
    {CALL(thread_read_state), .before = suspended,
     .args = {0, ZX_THREAD_STATE_GENERAL_REGS, 0, sizeof(scene.registers)}},
    {CALL(thread_write_state), .before = registers,
     .args = {0, ZX_THREAD_STATE_GENERAL_REGS, 0, sizeof(scene.registers)}},
    {CALL(task_create_exception_channel), .before = free_place, .args = {0, 0}},
    {CALL(exception_get_thread), .before = in_exception},
    {CALL(exception_get_process), .before = in_exception},
    {CALL(process_write_memory), .before = own_memory, .args = {0, 0, 0, LEN}},
    {CALL(process_read_memory), .before = own_memory, .args = {0, 0, 0, LEN}},
    {CALL(vmo_create), .args = {PAGE, 0}},
    {CALL(vmo_create_child), .args = {A(VMO), ZX_VMO_CHILD_SNAPSHOT, 0, PAGE}},
    {CALL(vmo_clone), .args = {A(VMO), ZX_VMO_CLONE_COPY_ON_WRITE, 0, PAGE}},
    {CALL(vmo_create_contiguous), .args = {A(RESOURCE), PAGE, 0}},
    {CALL(vmo_create_physical), .args = {A(RESOURCE), 0xfee00000, PAGE}},
    {CALL(vmo_replace_as_executable), .before = first_vmo, .args = {0, ZX_HANDLE_INVALID}},
    {CALL(vmo_read), .args = {A(VMO), 0, 0, LEN}},
    {CALL(vmo_write), .args = {A(VMO), 0, 0, LEN}},
    {CALL(vmo_get_size), .args = {A(VMO)}},
    {CALL(vmo_op_range), .ignored = BIT(4), .args = {A(VMO), ZX_VMO_OP_COMMIT, 0, PAGE, 0, LEN}},
    {CALL(vmar_allocate), .before = first_root, .args = {0, CAN_RW, 0, PAGE}},
    {CALL(vmar_map), .before = first_root, .args = {0, PERM_R, 0, A(VMO), 0, PAGE}},
    {CALL(vmar_op_range), .null = BIT(4), .good = ZX_ERR_OUT_OF_RANGE,
     .args = {A(VMAR), ZX_VMAR_OP_DONT_NEED, PAGE, PAGE}},
    {CALL(resource_create), .args = {A(RESOURCE), ZX_RSRC_KIND_VMEX, 0, 0, 0, 4}},
    {CALL(interrupt_create), .args = {0, 0, ZX_INTERRUPT_VIRTUAL}},
    {CALL(interrupt_wait), .before = fired},
    {CALL(channel_create), .args = {0}},
    {CALL(channel_read), .before = a_message, .args = {0, 0, 0, 0, LEN, 1}},
    {CALL(channel_write), .before = a_handle, .args = {0, 0, 0, LEN, 0, 1}},
    {CALL(channel_call), .before = a_request},
    {CALL(channel_call_noretry), .before = a_request},
    {CALL(channel_read_etc), .before = a_message, .args = {0, 0, 0, 0, LEN, 1}},
    {CALL(channel_write_etc), .before = a_disposition, .args = {0, 0, 0, LEN, 0, 1}},
    {CALL(channel_call_etc), .before = a_request_etc},
    {CALL(channel_call_etc_noretry), .before = a_request_etc},
    {CALL(channel_call_finish), .good = ZX_ERR_BAD_STATE, .ignored = BIT(1) | BIT(2)},
    {CALL(event_create), .args = {0}},
    {CALL(eventpair_create), .args = {0}},
    {CALL(timer_create), .args = {0, ZX_CLOCK_MONOTONIC}},
    {CALL(port_create), .args = {0}},
    {CALL(port_queue), .args = {A(PORT)}},
    {CALL(port_wait), .before = a_packet, .args = {A(PORT), 0}},
    {CALL(futex_wait), .good = ZX_ERR_BAD_STATE, .aligned = BIT(0), .args = {0, 1}},
    {CALL(futex_wake), .ignored = BIT(0), .aligned = BIT(0), .args = {0, 1}},
    {CALL(futex_requeue), .ignored = BIT(3), .aligned = BIT(0) | BIT(3), .args = {0, 1}},
    {CALL(futex_get_owner), .ignored = BIT(0)},
    /*
     * These end the program, as their own tests and pages say: the one has no status to give, the other does what a
     * load does.
     */
    {"cprng_draw", NULL, .args = {0}},
    {"cache_flush", NULL, .args = {0}},
    {"futex_wake_handle_close_thread_exit", NULL, .args = {0}},
    {CALL(cprng_draw_once), .args = {0, LEN}},
    {CALL(cprng_add_entropy), .args = {0, LEN}},
    {CALL(system_get_version), .args = {0, 64}},
    {CALL(system_get_features), .args = {ZX_FEATURE_KIND_CPU}},
    {CALL(clock_get_new), .args = {ZX_CLOCK_UTC}},
    {CALL(debug_read), .ignored = BIT(1), .args = {A(RESOURCE)}}, /* of no bytes: nobody types here */
    {CALL(debug_write), .args = {0, 2}},
    {CALL(ktrace_control), .ignored = BIT(3), .args = {A(RESOURCE), KTRACE_ACTION_STOP}},
    {CALL(ktrace_read), .args = {A(RESOURCE), 0, 0, LEN}},
    {CALL(debug_send_command), .before = a_command, .args = {A(RESOURCE), 0, 4}},
};

static const struct call *call_of(const char *name) {
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strcmp(calls[i].name, name) == 0) return &calls[i];
    }
    return NULL;
}

static bool is_pointer(const struct call *call, unsigned index) {
    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
        if (pointers[i].index == index && strcmp(pointers[i].call, call->name) == 0) return true;
    }
    return false;
}

/* Good arguments, with the pointers so many bytes into their pages. */
static void good_args(const struct call *call, size_t shift, uint64_t args[ARGS]) {
    memset(scene.there, 0, ARGS * PAGE);
    for (unsigned i = 0; i < ARGS; i++) {
        args[i] = call->args[i];
        if ((args[i] & ~(uint64_t)UINT16_MAX) == TOKEN) args[i] = handle_of(args[i] & UINT16_MAX);
        if (is_pointer(call, i) && !(call->null & BIT(i))) args[i] = (uintptr_t)scene.there + i * PAGE + shift;
    }
    if (call->before) call->before(args);
}

static zx_status_t make(const struct call *call, const uint64_t a[ARGS]) {
    zx_status_t (*function)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) =
        (__typeof__(function))call->function;
    return function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
}

static void expect(const struct call *call, const struct pointer *p, const uint64_t args[ARGS], zx_status_t want) {
    if (!TEST_STATUS(make(call, args), want))
        test_note("zx_%s, argument %u is %#llx", call->name, p->index, (unsigned long long)args[p->index]);
}

/* What a pointer that leads nowhere is answered with. */
static zx_status_t answer(const struct call *call, const struct pointer *p, uint64_t value) {
    const unsigned bit = BIT(p->index);
    bool fine = call->ignored & bit && !(call->aligned & bit && value % 4);
    return fine || (value == 0 && (p->optional || call->null & bit)) ? call->good : ZX_ERR_INVALID_ARGS;
}

static void try_value(const struct call *call, const struct pointer *p, uint64_t value) {
    uint64_t args[ARGS];
    good_args(call, 0, args);
    args[p->index] = value;
    expect(call, p, args, answer(call, p, value));
}

static void try_pointer(const struct call *call, const struct pointer *p) {
    const unsigned strict = call->null | call->aligned;
    const size_t len = p->size * (p->count < 0 ? 1 : call->args[p->count]);
    uint64_t args[ARGS];
    good_args(call, 0, args);
    expect(call, p, args, call->good);
    if (!(strict & BIT(p->index)) && !call->aligned) {
        good_args(call, 1, args);
        expect(call, p, args, call->good);
    } else {
        try_value(call, p, (uintptr_t)scene.there + 1);
    }
    for (size_t i = 0; i < bad_source_count; i++) try_value(call, p, bad_sources[i]);
    if (p->how != IN) try_value(call, p, scene.fixed + p->index * PAGE);
    if (len > 1) try_value(call, p, scene.edge - len + 1);
}

static void loop(zx_handle_t handle, uintptr_t there) {
    (void)handle, (void)there;
    for (;;) continue;
}

/* Sends back whatever comes, until the other end is gone. */
static void echo(void *arg) {
    char bytes[LEN];
    uint32_t len;
    (void)arg;
    while (zx_object_wait_one(scene.echo.b, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL) == ZX_OK) {
        if (zx_channel_read(scene.echo.b, 0, bytes, NULL, LEN, 0, &len, NULL) == ZX_OK)
            zx_channel_write(scene.echo.b, 0, bytes, len, NULL, 0);
    }
}

static void scene_begin(struct worker *worker) {
    zx_handle_t token;
    zx_handle_t vmo = vmo_make(ARGS * PAGE);
    MUST(zx_vmar_map(zx_vmar_root_self(), PERM_RW, 0, vmo, 0, ARGS * PAGE, (zx_vaddr_t *)&scene.there));
    MUST(zx_vmar_map(zx_vmar_root_self(), PERM_R, 0, vmo, 0, ARGS * PAGE, &scene.fixed));
    scene.edge = (uintptr_t)buffer_make(PAGE) + PAGE;
    scene.channel = pair_make();
    scene.echo = pair_make();
    MUST(zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS_THREADS, &scene.thread_koid, sizeof(zx_koid_t), NULL,
                            NULL));
    MUST(zx_object_signal(handle_of(KIND_EVENT), 0, ZX_USER_SIGNAL_0));
    MUST_BE(child_make(&scene.child));
    MUST(child_start(&scene.child, loop, ZX_HANDLE_INVALID));
    MUST(zx_task_suspend_token(scene.child.thread, &token));
    MUST(zx_object_wait_one(scene.child.thread, ZX_THREAD_SUSPENDED, SOON, NULL));
    MUST(zx_thread_read_state(scene.child.thread, ZX_THREAD_STATE_GENERAL_REGS, &scene.registers,
                              sizeof(scene.registers)));
    MUST_BE(child_make(&scene.faulty));
    zx_handle_t channel = channel_on(scene.faulty.process, 0);
    MUST(child_start(&scene.faulty, load_nothing, ZX_HANDLE_INVALID));
    scene.caught = catch_any(channel);
    MUST_BE(worker_start(worker, echo, NULL));
}

TEST("pointers/bad ones are an error of every call, never an end of the caller") {
    static struct worker worker;
    scene_begin(&worker);
    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
        const struct call *call = call_of(pointers[i].call);
        EXPECT(call != NULL);
        if (!call) test_note("zx_%s takes pointers, and is not in the table of this test", pointers[i].call);
        if (call && call->function) try_pointer(call, &pointers[i]);
    }
    MUST(zx_task_kill(scene.child.process));
    MUST(zx_task_kill(scene.faulty.process));
    MUST(zx_handle_close(scene.echo.a));
    MUST(zx_handle_close(scene.echo.b));
    NEED(worker_join(&worker));
}
