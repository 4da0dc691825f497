/*
 * Jargoon's side of the measurements; see system.h. Targets are processes that are never started, with the memory that
 * is wanted mapped into them, and loaded into their page tables as if they had run and touched it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/ktrace.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#include "tests/bench/measures.h"
#include "tests/bench/system.h"
#include "user/lib/launch.h"

#define PLACE ((zx_vaddr_t)0x100000000)
#define PERM_RW (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)
#define OWN_TRIES 100
#define CODE_LEN 32 /* more than the stub of a call has */

const char *const system_name = "Jargoon";

struct jargoon_target {
    struct target shown;
    zx_handle_t process, vmar;
    zx_handle_t *line; /* those that the mapped VMO is a snapshot of, the oldest first */
    size_t line_count;
};

static struct jargoon_target *jargoon_target(const struct target *target) { return (struct jargoon_target *)target; }

_Noreturn void fail(const char *what, const char *why) {
    printf("! %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void must(zx_status_t status, const char *what) {
    if (status != ZX_OK) fail(what, zx_status_get_string(status));
}

void system_start(void) {}

int system_end(int status) { return status; }

uint64_t system_memory_used(void) {
    zx_info_kmem_stats_t info;
    must(zx_object_get_info(launch_resource(), ZX_INFO_KMEM_STATS, &info, sizeof(info), NULL, NULL), "KMEM_STATS");
    return info.total_bytes - info.free_bytes - info.vmo_bytes;
}

static zx_handle_t vmo_make(size_t pages, bool committed) {
    zx_handle_t vmo;
    must(zx_vmo_create(pages * PAGE, 0, &vmo), "vmo_create");
    if (committed) must(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, pages * PAGE, NULL, 0), "vmo_op_range");
    return vmo;
}

/* Its pages are all shared, but in a line of several the one page that each generation has written. */
static zx_handle_t snapshot_make(struct jargoon_target *target, size_t pages, unsigned generations) {
    zx_handle_t vmo = vmo_make(pages, true);
    target->line = calloc(generations, sizeof(*target->line));
    if (!target->line) fail("snapshots", "no memory");
    for (unsigned g = 0; g < generations; g++) {
        target->line[target->line_count++] = vmo;
        must(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, pages * PAGE, &vmo), "vmo_create_child");
        if (generations > 1) must(zx_vmo_write(vmo, &g, 0, sizeof(g)), "vmo_write");
    }
    return vmo;
}

static zx_handle_t target_vmo(struct jargoon_target *target, size_t pages) {
    const struct layout *layout = &target->shown.layout;
    if (layout->generations > 0) return snapshot_make(target, pages, layout->generations);
    if (layout->state == SHARED) return snapshot_make(target, pages, 1);
    return vmo_make(pages, layout->state == PRESENT);
}

static void target_map(struct jargoon_target *target, size_t page, size_t pages) {
    zx_info_vmar_t info;
    zx_vaddr_t at;
    must(zx_object_get_info(target->vmar, ZX_INFO_VMAR, &info, sizeof(info), NULL, NULL), "INFO_VMAR");
    zx_handle_t vmo = target_vmo(target, pages);
    must(
        zx_vmar_map(target->vmar, PERM_RW | ZX_VM_SPECIFIC, PLACE + page * PAGE - info.base, vmo, 0, pages * PAGE, &at),
        "vmar_map");
    must(zx_handle_close(vmo), "handle_close");
}

struct target *target_make(const struct layout *layout) {
    struct jargoon_target *target = calloc(1, sizeof(*target));
    if (!target) fail("target", "no memory");
    target->shown = (struct target){PLACE, *layout};
    must(zx_process_create(zx_job_default(), "target", 6, 0, &target->process, &target->vmar), "process_create");
    size_t step = layout->each ? layout->each : layout->pages;
    for (size_t page = 0; page < layout->pages; page += step) target_map(target, page, step);
    if (layout->state != ABSENT) {
        must(zx_vmar_op_range(target->vmar, ZX_VMAR_OP_MAP_RANGE, PLACE, layout->pages * PAGE, NULL, 0), "MAP_RANGE");
    }
    return &target->shown;
}

void target_end(struct target *shown) {
    struct jargoon_target *target = jargoon_target(shown);
    must(zx_task_kill(target->process), "task_kill");
    must(zx_handle_close(target->process), "handle_close");
    must(zx_handle_close(target->vmar), "handle_close");
    for (size_t i = 0; i < target->line_count; i++) must(zx_handle_close(target->line[i]), "handle_close");
    free(target->line);
    free(target);
}

static void check(zx_status_t status, const struct transfer *t, size_t actual) {
    if (status != ZX_OK) must(status, "transfer");
    if (actual != t->len) fail("transfer", "not all of it");
}

static void memory_write(const void *transfer) {
    const struct transfer *t = transfer;
    size_t actual;
    zx_handle_t process = jargoon_target(t->target)->process;
    zx_status_t status = zx_process_write_memory(process, t->there, t->here, t->len, &actual);
    check(status, t, actual);
}

static void memory_read(const void *transfer) {
    const struct transfer *t = transfer;
    size_t actual;
    zx_handle_t process = jargoon_target(t->target)->process;
    zx_status_t status = zx_process_read_memory(process, t->there, t->here, t->len, &actual);
    check(status, t, actual);
}

const struct method methods[] = {{"zx_process", memory_write, memory_read, 64 * MIB}};
const size_t method_count = sizeof(methods) / sizeof(methods[0]);
void (*const words_write)(const void *words) = NULL;

void *memory_map(size_t len) {
    zx_vaddr_t at;
    zx_handle_t vmo;
    must(zx_vmo_create(len, 0, &vmo), "vmo_create");
    must(zx_vmar_map(zx_vmar_root_self(), PERM_RW, 0, vmo, 0, len, &at), "vmar_map");
    must(zx_handle_close(vmo), "handle_close");
    return (void *)at;
}

void memory_unmap(void *memory, size_t len) {
    must(zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)memory, len), "vmar_unmap");
}

void call_cheapest(void) { (void)zx_system_get_num_cpus(); }

static void probe(void) { must(zx_ktrace_write(launch_resource(), 0, 0, 0), "ktrace_write"); }

/* An event that is recorded, beside one that is not. */
void measure_own(void) {
    const zx_handle_t root = launch_resource();
    measure_call("probe", probe, OWN_TRIES);
    must(zx_ktrace_control(root, KTRACE_ACTION_START, KTRACE_GRP_PROBE, NULL), "ktrace_control");
    measure_call("probe-traced", probe, OWN_TRIES);
    must(zx_ktrace_control(root, KTRACE_ACTION_STOP, 0, NULL), "ktrace_control");
}

void call_refused(void) {
    char byte = 0;
    size_t actual;
    if (zx_process_write_memory(ZX_HANDLE_INVALID, PLACE, &byte, 1, &actual) != ZX_ERR_BAD_HANDLE) {
        fail("a handle that does not exist", "accepted");
    }
}

void handle_twice(void) {
    zx_handle_t second;
    must(zx_handle_duplicate(zx_job_default(), ZX_RIGHT_SAME_RIGHTS, &second), "handle_duplicate");
    must(zx_handle_close(second), "handle_close");
}

/* All of a program that does nothing: the stub of process_exit, which asks for nothing but its argument. */
static zx_handle_t exit_code(void) {
    static zx_handle_t code;
    if (code != ZX_HANDLE_INVALID) return code;
    must(zx_vmo_create(PAGE, 0, &code), "vmo_create");
    must(zx_vmo_write(code, (const void *)(uintptr_t)_zx_process_exit, 0, CODE_LEN), "vmo_write");
    must(zx_vmo_replace_as_executable(code, ZX_HANDLE_INVALID, &code), "vmo_replace_as_executable");
    return code;
}

void process_life(void) {
    zx_handle_t process, vmar, thread, code = exit_code();
    zx_vaddr_t entry;
    must(zx_process_create(zx_job_default(), "brief", 5, 0, &process, &vmar), "process_create");
    must(zx_vmar_map(vmar, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, 0, code, 0, PAGE, &entry), "vmar_map");
    must(zx_thread_create(process, "brief", 5, 0, &thread), "thread_create");
    must(zx_process_start(process, thread, entry, 0, ZX_HANDLE_INVALID, 0), "process_start");
    must(zx_object_wait_one(process, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, NULL), "object_wait_one");
    must(zx_handle_close(thread), "handle_close");
    must(zx_handle_close(vmar), "handle_close");
    must(zx_handle_close(process), "handle_close");
}

static zx_handle_t program_start(const char *role, zx_handle_t given) {
    const char *const args[] = {"bench", role, NULL};
    const struct launch_handle handle = {PA_HND(PA_USER0, 0), given};
    const struct launch what = {
        .archive = launch_archive(),
        .path = "bin/bench",
        .args = args,
        .handles = &handle,
        .handle_count = given != ZX_HANDLE_INVALID,
    };
    zx_handle_t process;
    const char *why = "";
    if (launch(&what, &process, &why) != ZX_OK) fail(role, why);
    return process;
}

static void program_end(zx_handle_t process) {
    int64_t code;
    must(launch_wait(process, &code), "launch_wait");
    if (code != 0) fail("program", "it failed");
    must(zx_handle_close(process), "handle_close");
}

void program_life(void) { program_end(program_start("nothing", ZX_HANDLE_INVALID)); }

static zx_handle_t echo_process, echo_channel;

/* Waits for a message. False: the other side has closed. */
static bool receive(zx_handle_t channel, void *message, uint32_t room, uint32_t *len) {
    zx_status_t status =
        zx_object_wait_one(channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL);
    if (status == ZX_OK) status = zx_channel_read(channel, 0, message, NULL, room, 0, len, NULL);
    if (status == ZX_ERR_PEER_CLOSED) return false;
    must(status, "channel_read");
    return true;
}

static void echo_loop(void) {
    zx_handle_t channel = zx_take_startup_handle(PA_HND(PA_USER0, 0));
    uint64_t words[2];
    uint32_t len;
    while (receive(channel, words, sizeof(words), &len))
        must(zx_channel_write(channel, 0, words, len, NULL, 0), "channel_write");
}

void echo_start(void) {
    zx_handle_t other;
    must(zx_channel_create(0, &echo_channel, &other), "channel_create");
    echo_process = program_start("echo", other);
}

/* The first four bytes say which call an answer belongs to; the eight behind them are the message. */
void echo_round(void) {
    uint8_t request[12] = {0}, answer[12];
    uint32_t len, count;
    const zx_channel_call_args_t args = {
        .wr_bytes = request, .wr_num_bytes = sizeof(request), .rd_bytes = answer, .rd_num_bytes = sizeof(answer)};
    must(zx_channel_call(echo_channel, 0, ZX_TIME_INFINITE, &args, &len, &count), "channel_call");
}

void echo_end(void) {
    must(zx_handle_close(echo_channel), "handle_close");
    program_end(echo_process);
}

struct own {
    zx_handle_t event, near, far, memory, touched;
    volatile char *at;
};

void *small_own(void) {
    struct own *own = malloc(sizeof(*own));
    if (!own) fail("malloc", "no memory");
    must(zx_event_create(0, &own->event), "event_create");
    must(zx_channel_create(0, &own->near, &own->far), "channel_create");
    must(zx_vmo_create(PAGE, 0, &own->memory), "vmo_create");
    must(zx_vmo_create(TOUCHED * PAGE, 0, &own->touched), "vmo_create");
    zx_vaddr_t at;
    must(zx_vmar_map(zx_vmar_root_self(), PERM_RW, 0, own->touched, 0, TOUCHED * PAGE, &at), "vmar_map");
    own->at = (volatile char *)at;
    return own;
}

static void handle_small(const struct own *own) {
    zx_handle_t second;
    must(zx_handle_duplicate(own->event, ZX_RIGHT_SAME_RIGHTS, &second), "handle_duplicate");
    must(zx_handle_close(second), "handle_close");
}

static void signal_small(const struct own *own) {
    must(zx_object_signal(own->event, 0, ZX_EVENT_SIGNALED), "object_signal");
    must(zx_object_signal(own->event, ZX_EVENT_SIGNALED, 0), "object_signal");
}

static void object_small(const struct own *own) {
    (void)own;
    zx_handle_t vmo;
    must(zx_vmo_create(PAGE, 0, &vmo), "vmo_create");
    must(zx_handle_close(vmo), "handle_close");
}

static void message_small(const struct own *own) {
    uint64_t word = 0;
    uint32_t len;
    must(zx_channel_write(own->near, 0, &word, sizeof(word), NULL, 0), "channel_write");
    must(zx_channel_read(own->far, 0, &word, NULL, sizeof(word), 0, &len, NULL), "channel_read");
}

static void map_small(const struct own *own) {
    zx_vaddr_t at;
    must(zx_vmar_map(zx_vmar_root_self(), PERM_RW, 0, own->memory, 0, PAGE, &at), "vmar_map");
    must(zx_vmar_unmap(zx_vmar_root_self(), at, PAGE), "vmar_unmap");
}

static void fault_small(const struct own *own) {
    for (size_t i = 0; i < TOUCHED; i++) own->at[i * PAGE] = 1;
    must(zx_vmo_op_range(own->touched, ZX_VMO_OP_DECOMMIT, 0, TOUCHED * PAGE, NULL, 0), "vmo_op_range");
}

void small_run(enum small what, const void *own) {
    static void (*const runs[SMALLS])(const struct own *) = {
        [SMALL_HANDLE] = handle_small,   [SMALL_SIGNAL] = signal_small, [SMALL_OBJECT] = object_small,
        [SMALL_MESSAGE] = message_small, [SMALL_MAP] = map_small,       [SMALL_FAULT] = fault_small,
    };
    runs[what](own);
}

static struct { zx_handle_t process, channel; } workers[WORKERS];

void workers_start(void) {
    for (unsigned i = 0; i < WORKERS; i++) {
        zx_handle_t other;
        must(zx_channel_create(0, &workers[i].channel, &other), "channel_create");
        workers[i].process = program_start("worker", other);
    }
}

void worker_ask(unsigned which, enum small what) {
    must(zx_channel_write(workers[which].channel, 0, &what, sizeof(what), NULL, 0), "channel_write");
}

double worker_answer(unsigned which) {
    double rate;
    uint32_t len;
    if (!receive(workers[which].channel, &rate, sizeof(rate), &len)) fail("worker", "it ended");
    return rate;
}

void workers_end(void) {
    for (unsigned i = 0; i < WORKERS; i++) {
        must(zx_handle_close(workers[i].channel), "handle_close");
        program_end(workers[i].process);
    }
}

static void worker_loop(void) {
    zx_handle_t channel = zx_take_startup_handle(PA_HND(PA_USER0, 0));
    void *own = small_own();
    enum small what;
    uint32_t len;
    while (receive(channel, &what, sizeof(what), &len)) {
        const double rate = small_rate(what, own);
        must(zx_channel_write(channel, 0, &rate, sizeof(rate), NULL, 0), "channel_write");
    }
}

static void nothing(void) {}

bool system_is_child(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(void);
    } roles[] = {{"echo", echo_loop}, {"nothing", nothing}, {"worker", worker_loop}};
    for (size_t i = 0; argc > 1 && i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (strcmp(argv[1], roles[i].name) != 0) continue;
        roles[i].run();
        return true;
    }
    return false;
}
