/*
 * Steps on properties and on the system: for each, the choice of arguments, the call, and what the model or plain sense
 * says.
 */
#include <zircon/errors.h>
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/resource.h>
#include <zircon/time.h>

#include "tests/host/steps.h"

/* Commands to the debug kernel that leave the world as it is, and what they answer. */
static const struct {
    const char *text;
    zx_status_t answer;
} commands[] = {{"nothing", ZX_ERR_NOT_FOUND}, {"check", ZX_OK},
                {"checks", ZX_ERR_NOT_FOUND},  {"fail 0", ZX_OK},
                {"failed", ZX_ERR_NOT_FOUND},  {"fail x", ZX_ERR_INVALID_ARGS},
                {"baseline inner", ZX_OK},     {"", ZX_ERR_NOT_FOUND}};
#define NEW_BASELINE 6

/* A command of which the model need not know, with its text where nobody looks. */
static zx_status_t quiet_command(zx_handle_t resource, const char *text) {
    const uint64_t args[8] = {resource, CHECK_PAGE, strlen(text)};
    if (host_user_store(CHECK_PAGE, text, strlen(text)) != ZX_OK) abort();
    return (zx_status_t)host_syscall(HOST_SYS_debug_send_command, args);
}

/* At the baseline nothing has been left behind; something made since then has. */
static void check_leaks(struct world *w, zx_handle_t resource) {
    zx_status_t before = quiet_command(resource, "leaks inner");
    zx_status_t made = (zx_status_t)host_syscall(HOST_SYS_event_create, (uint64_t[8]){0, CHECK_PAGE + 64});
    zx_status_t after = quiet_command(resource, "leaks inner");
    (void)host_syscall(HOST_SYS_handle_close, (uint64_t[8]){world_out_handle(CHECK_PAGE + 64)});
    world_expect(w, "leaks of nothing", before, ZX_OK);
    world_expect(w, "event_create", made, ZX_OK);
    world_expect(w, "leaks of an event", after, ZX_ERR_BAD_STATE);
}

/* A line to the report, which the tests' own must not see. */
static void check_report(struct world *w, zx_handle_t resource) {
    char line[16] = {0};
    host_take_report(line, sizeof(line));
    zx_status_t status = quiet_command(resource, "report a line");
    host_take_report(NULL, 0);
    world_expect(w, "report", status, ZX_OK);
    if (strcmp(line, "a line\n") != 0) world_fail(w, "the report says \"%s\"", line);
}

void step_debug_command(struct world *w) {
    zx_handle_t resource = pick_handle(w, ZX_OBJ_TYPE_RESOURCE);
    uint8_t choice = input_byte(&w->in);
    const char *text = commands[choice % 8].text;
    uint64_t buffer = choice == 255 ? 0x1000 : DATA, len = choice == 254 ? 257 : strlen(text);
    struct model_handle *h;
    zx_status_t expected = model_get(w->me, resource, ZX_OBJ_TYPE_RESOURCE, 0, &h);
    if (expected == ZX_OK && (choice >= 254)) expected = ZX_ERR_INVALID_ARGS;
    if (expected == ZX_OK) expected = commands[choice % 8].answer;
    world_store(w, DATA, text, strlen(text) + 1);
    world_expect(w, "debug_send_command", CALL(w, debug_send_command, resource, buffer, len), expected);
    if (expected == ZX_OK && choice % 8 == NEW_BASELINE) check_leaks(w, resource);
    if (expected == ZX_OK && choice % 8 == NEW_BASELINE) check_report(w, resource);
}

static uint64_t time_now(void) { return host_syscall(HOST_SYS_clock_get_monotonic, (uint64_t[8]){0}); }

/* The calls that have nothing to do with the model. */
void step_small_calls(struct world *w) {
    world_expect(w, "debug_write", CALL(w, debug_write, DATA, input_byte(&w->in)), ZX_OK);
    world_expect(w, "debug_write", CALL(w, debug_write, 0x1000, 1), ZX_ERR_INVALID_ARGS);
    uint8_t sleep = input_byte(&w->in);
    world_expect(w, "nanosleep", CALL(w, nanosleep, sleep % 2 ? time_now() + sleep * 10u : sleep), ZX_OK);
    uint64_t before = time_now(), after = time_now();
    if (after <= before) world_fail(w, "no time has passed");
    static const enum host_syscall_number numbers[] = {HOST_SYS_ticks_per_second, HOST_SYS_system_get_num_cpus,
                                                       HOST_SYS_system_get_physmem};
    for (unsigned i = 0; i < 3; i++) {
        if ((int64_t)host_syscall(numbers[i], (uint64_t[8]){0}) <= 0) world_fail(w, "a number that cannot be");
    }
    world_expect(w, "system_get_version", CALL(w, system_get_version, DATA, 63), ZX_ERR_BUFFER_TOO_SMALL);
    world_expect(w, "system_get_version", CALL(w, system_get_version, 0x1000, 64), ZX_ERR_INVALID_ARGS);
    world_expect(w, "system_get_version", CALL(w, system_get_version, DATA, 64), ZX_OK);
    world_learn(w, DATA, 64);
    world_expect(w, "system_get_features", CALL(w, system_get_features, 1, DATA), ZX_ERR_NOT_SUPPORTED);
    world_expect(w, "system_get_features", CALL(w, system_get_features, 0, 0x1000), ZX_ERR_INVALID_ARGS);
    world_expect(w, "system_get_features", CALL(w, system_get_features, 0, DATA), ZX_OK);
    world_learn(w, DATA, 4);
}

/* The time of day is the time since boot and what was set. */
void step_clocks(struct world *w) {
    static const int64_t offsets[] = {0, 1545654896000000000, -5000, INT64_MAX, INT64_MIN};
    zx_handle_t resource = pick_handle(w, ZX_OBJ_TYPE_RESOURCE);
    zx_clock_t clock = input_below(&w->in, 4);
    int64_t offset = offsets[input_below(&w->in, 5)];
    struct model_handle *h;
    zx_status_t expected = model_get(w->me, resource, ZX_OBJ_TYPE_RESOURCE, 0, &h);
    if (expected == ZX_OK && clock != ZX_CLOCK_UTC)
        expected = clock == ZX_CLOCK_MONOTONIC ? ZX_ERR_ACCESS_DENIED : ZX_ERR_INVALID_ARGS;
    world_expect(w, "clock_adjust", CALL(w, clock_adjust, resource, clock, offset), expected);
    zx_time_t since_boot = host_time(), now = (zx_time_t)host_syscall(HOST_SYS_clock_get, (uint64_t[8]){ZX_CLOCK_UTC});
    if (expected == ZX_OK &&
        (now < zx_time_add_duration(since_boot, offset) || now > zx_time_add_duration(host_time(), offset)))
        world_fail(w, "it is %ld of the day", now);
    uint64_t out = input_rarely(&w->in, 8) ? 0x1000 : OUT(0);
    bool good = clock <= ZX_CLOCK_THREAD && out == OUT(0);
    world_expect(w, "clock_get_new", CALL(w, clock_get_new, clock, out), good ? ZX_OK : ZX_ERR_INVALID_ARGS);
    if (good) world_learn(w, OUT(0), sizeof(zx_time_t));
    if (clock > ZX_CLOCK_THREAD && host_syscall(HOST_SYS_clock_get, (uint64_t[8]){clock}) != 0)
        world_fail(w, "a clock that there is not");
}

static const uint64_t bases[] = {0x1000000, 0x7fffffffe000, 0, 0x7ffffffff000, UINT64_MAX, 0xffffff};
#define GOOD_BASES 2

static zx_status_t expected_set_base(struct world *w, const struct model_handle *h, uint64_t buffer, uint64_t size,
                                     unsigned base) {
    if (size < sizeof(bases[0])) return ZX_ERR_BUFFER_TOO_SMALL;
    if (h->object->type != ZX_OBJ_TYPE_THREAD) return ZX_ERR_WRONG_TYPE;
    if (h->object != &w->model.threads[w->turn].object) return ZX_ERR_ACCESS_DENIED;
    return buffer == DATA && base < GOOD_BASES ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* The segment bases: user addresses, of the calling thread. */
void step_set_property(struct world *w) {
    static const uint64_t buffers[] = {DATA, DATA, DATA, 0, 0x1000};
    static const uint32_t properties[] = {ZX_PROP_REGISTER_FS, ZX_PROP_REGISTER_GS, ZX_PROP_REGISTER_FS, 99};
    zx_handle_t value = pick_handle(w, ZX_OBJ_TYPE_THREAD);
    uint32_t property = properties[input_below(&w->in, 4)];
    uint64_t buffer = buffers[input_below(&w->in, 5)], size = input_rarely(&w->in, 8) ? 7 : 8;
    unsigned base = input_below(&w->in, 6);
    struct model_handle *h;
    zx_status_t expected = buffer ? model_get(w->me, value, 0, ZX_RIGHT_SET_PROPERTY, &h) : ZX_ERR_INVALID_ARGS;
    if (expected == ZX_OK)
        expected = property == 99 ? ZX_ERR_INVALID_ARGS : expected_set_base(w, h, buffer, size, base);
    world_store(w, DATA, &bases[base], sizeof(bases[base]));
    world_expect(w, "object_set_property", CALL(w, object_set_property, value, property, buffer, size), expected);
}

/* --- numbers of processes and jobs --- */

static zx_status_t expected_set_number(struct model_handle *h, uint32_t property, uint64_t buffer, uint64_t size,
                                       uint64_t value) {
    bool of_job = property == ZX_PROP_JOB_KILL_ON_OOM;
    struct model_process *process = (struct model_process *)h->object;
    if (property == ZX_PROP_PROCESS_VDSO_BASE_ADDRESS) return ZX_ERR_INVALID_ARGS;
    if (size < sizeof(value)) return ZX_ERR_BUFFER_TOO_SMALL;
    if (h->object->type != (of_job ? ZX_OBJ_TYPE_JOB : ZX_OBJ_TYPE_PROCESS)) return ZX_ERR_WRONG_TYPE;
    if (of_job && !(h->rights & ZX_RIGHT_SET_POLICY)) return ZX_ERR_ACCESS_DENIED;
    if (buffer != DATA || (of_job ? value > 1 : value == 0)) return ZX_ERR_INVALID_ARGS;
    if (of_job) {
        ((struct model_job *)h->object)->kill_on_oom = value;
        return ZX_OK;
    }
    if (process->debug_addr > ZX_PROCESS_DEBUG_ADDR_BREAK_ON_SET) return ZX_ERR_ACCESS_DENIED;
    process->debug_addr = value;
    return ZX_OK;
}

static void check_number(struct world *w, const struct model_handle *h, uint64_t value) {
    uint64_t told;
    uint32_t property = value % 2 ? ZX_PROP_PROCESS_DEBUG_ADDR : ZX_PROP_PROCESS_VDSO_BASE_ADDRESS;
    zx_status_t expected = h->rights & ZX_RIGHT_GET_PROPERTY ? ZX_OK : ZX_ERR_ACCESS_DENIED;
    if (expected == ZX_OK && h->object->type != ZX_OBJ_TYPE_PROCESS) expected = ZX_ERR_WRONG_TYPE;
    world_expect(w, "object_get_property", CALL(w, object_get_property, h->value, property, DATA, 8), expected);
    if (expected != ZX_OK) return;
    uint64_t wanted = value % 2 ? ((const struct model_process *)h->object)->debug_addr : 0;
    if (host_user_load(&told, DATA, sizeof(told)) != ZX_OK || told != wanted)
        world_fail(w, "property %u is 0x%lx, not 0x%lx", property, told, wanted);
    world_store(w, DATA, &told, sizeof(told));
}

/* What the kernel reports of a job; of how many handles of each type a process has. */
static void check_task_info(struct world *w, const struct model_handle *h) {
    const struct model_process *p = (const struct model_process *)h->object;
    union {
        zx_info_job_t job;
        zx_info_process_handle_stats_t stats;
    } got, want = {0};
    bool is_job = h->object->type == ZX_OBJ_TYPE_JOB;
    if (!is_job && h->object->type != ZX_OBJ_TYPE_PROCESS) return;
    uint32_t topic = is_job ? ZX_INFO_JOB : ZX_INFO_PROCESS_HANDLE_STATS;
    zx_status_t expected = h->rights & ZX_RIGHT_INSPECT ? ZX_OK : ZX_ERR_ACCESS_DENIED;
    uint64_t size = is_job ? sizeof(got.job) : sizeof(got.stats);
    world_expect(w, "object_get_info", CALL(w, object_get_info, h->value, topic, DATA, size, 0, 0), expected);
    if (expected != ZX_OK) return;
    if (is_job) {
        const struct model_job *job = (const struct model_job *)h->object;
        want.job.exited = model_job_signals(&w->model, job) & ZX_JOB_TERMINATED;
        want.job.return_code = want.job.exited ? ZX_TASK_RETCODE_SYSCALL_KILL : 0;
        want.job.kill_on_oom = job->kill_on_oom;
    } else {
        for (unsigned i = 0; i < p->handle_count; i++) want.stats.handle_count[p->handles[i].object->type]++;
    }
    if (host_user_load(&got, DATA, size) != ZX_OK || memcmp(&got, &want, size) != 0)
        world_fail(w, "object_get_info, topic %u: not what it should be", topic);
    world_store(w, DATA, &got, size);
}

void step_task_numbers(struct world *w) {
    static const uint32_t properties[] = {ZX_PROP_PROCESS_DEBUG_ADDR, ZX_PROP_JOB_KILL_ON_OOM,
                                          ZX_PROP_PROCESS_VDSO_BASE_ADDRESS};
    static const uint64_t values[] = {0, 1, 2, 0x1000000, UINT64_MAX};
    unsigned which = input_below(&w->in, 3);
    uint64_t value = values[input_below(&w->in, 5)], buffer = input_rarely(&w->in, 8) ? 0x1000 : DATA;
    uint64_t size = input_rarely(&w->in, 8) ? 7 : 8;
    zx_handle_t handle = pick_handle(w, which == 1 ? ZX_OBJ_TYPE_JOB : ZX_OBJ_TYPE_PROCESS);
    struct model_handle *h;
    world_store(w, DATA, &value, sizeof(value));
    zx_status_t expected = model_get(w->me, handle, 0, ZX_RIGHT_SET_PROPERTY, &h);
    if (expected == ZX_OK) expected = expected_set_number(h, properties[which], buffer, size, value);
    zx_status_t status = CALL(w, object_set_property, handle, properties[which], buffer, size);
    world_expect(w, "object_set_property", status, expected);
    h = model_find(w->me, handle);
    if (h) check_number(w, h, value);
    if (h) check_task_info(w, h);
}

/* One is made, if that is possible, used, and closed again. */
void step_resource(struct world *w) {
    static const struct {
        uint32_t options;
        uint64_t base, size;
        zx_status_t answer;
    } tries[] = {{ZX_RSRC_KIND_MMIO, 0x1000, 0x1000, ZX_OK},
                 {ZX_RSRC_KIND_MMIO | ZX_RSRC_FLAG_EXCLUSIVE, 0, UINT64_MAX, ZX_OK},
                 {ZX_RSRC_KIND_VMEX, 0, 0, ZX_OK},
                 {ZX_RSRC_KIND_IOPORT, 0, 0, ZX_ERR_INVALID_ARGS},
                 {ZX_RSRC_KIND_SMC, 0, 0, ZX_ERR_INVALID_ARGS}};
    unsigned which = input_below(&w->in, 5);
    zx_handle_t parent = pick_handle(w, ZX_OBJ_TYPE_RESOURCE);
    uint64_t name = input_rarely(&w->in, 8) ? 0x1000 : DATA, out = input_rarely(&w->in, 8) ? 0x1000 : CHECK_PAGE;
    struct model_handle *h;
    zx_status_t expected = model_get(w->me, parent, ZX_OBJ_TYPE_RESOURCE, ZX_RIGHT_WRITE, &h);
    if (expected == ZX_OK && name != DATA) expected = ZX_ERR_INVALID_ARGS;
    if (expected == ZX_OK) expected = tries[which].answer;
    if (expected == ZX_OK && out != CHECK_PAGE) expected = ZX_ERR_INVALID_ARGS;
    zx_status_t status =
        CALL(w, resource_create, parent, tries[which].options, tries[which].base, tries[which].size, name, 4, out);
    world_expect(w, "resource_create", status, expected);
    if (status != ZX_OK) return;
    zx_handle_t made = world_out_handle(CHECK_PAGE);
    bool covers = tries[which].options == ZX_RSRC_KIND_MMIO || which == 1;
    zx_status_t allowed =
        (zx_status_t)host_syscall(HOST_SYS_vmo_create_physical, (uint64_t[8]){made, 0x1001, 0x1000, CHECK_PAGE + 64});
    world_expect(w, "vmo_create_physical", allowed,
                 !covers      ? ZX_ERR_WRONG_TYPE
                 : which == 1 ? ZX_ERR_INVALID_ARGS
                              : ZX_ERR_OUT_OF_RANGE);
    const uint64_t port = input_byte(&w->in) * 300u % 65536, count = input_byte(&w->in) * 1000u;
    world_expect(w, "ioports_request", CALL(w, ioports_request, made, port, count), ZX_ERR_WRONG_TYPE);
    (void)host_syscall(HOST_SYS_handle_close, (uint64_t[8]){made});
    expected = port + count > 65536 ? ZX_ERR_INVALID_ARGS : ZX_OK;
    world_expect(w, "ioports_request", CALL(w, ioports_request, parent, port, count), expected);
}

/* A number that no call has, or the rubbish that a call has to bear without a look at the model. */
void step_no_call(struct world *w) {
    unsigned number = input_rarely(&w->in, 2) ? HOST_SYSCALLS : HOST_SYSCALLS + input_byte(&w->in) * 1000u;
    world_expect(w, "no call", (zx_status_t)host_syscall(number, (uint64_t[8]){0}), ZX_ERR_BAD_SYSCALL);
}

/* --- names --- */

void step_set_name(struct world *w) {
    char text[40];
    zx_handle_t value = pick_handle(w, 0);
    uint8_t choice = input_byte(&w->in);
    uint64_t buffer = choice == 255 ? 0 : pick_buffer(w), size = choice % 48;
    memset(text, 'a' + choice % 26, sizeof(text));
    if (choice % 4 == 3) text[choice / 4 % sizeof(text)] = '\0';
    if (buffer >= DATA && buffer < DATA + DATA_LEN - sizeof(text)) world_store(w, buffer, text, sizeof(text));
    zx_status_t status = CALL(w, object_set_property, value, ZX_PROP_NAME, buffer, size);
    world_expect(w, "object_set_property of a name", status, model_set_name(w->me, value, buffer, size));
}

void step_get_name(struct world *w) {
    zx_handle_t value = pick_handle(w, 0);
    uint8_t choice = input_byte(&w->in);
    uint64_t buffer = choice == 255 ? 0 : pick_buffer(w), size = choice % 8 == 7 ? 31 : 32 + choice % 8;
    zx_status_t status = CALL(w, object_get_property, value, ZX_PROP_NAME, buffer, size);
    world_expect(w, "object_get_property of a name", status, model_get_name(w->me, value, buffer, size));
    world_check_buffer(w, buffer, ZX_MAX_NAME_LEN);
    /* There are no others that can be asked for. */
    struct model_handle *h;
    zx_status_t expected = model_get(w->me, value, 0, ZX_RIGHT_GET_PROPERTY, &h);
    status = CALL(w, object_get_property, value, ZX_PROP_REGISTER_FS, DATA, 8);
    world_expect(w, "object_get_property", status, expected == ZX_OK ? ZX_ERR_INVALID_ARGS : expected);
}

/* --- random bytes, and what is typed --- */

void step_random_bytes(struct world *w) {
    static const uint64_t lengths[] = {0, 1, 32, 255, ZX_CPRNG_DRAW_MAX_LEN, ZX_CPRNG_DRAW_MAX_LEN + 1, UINT64_MAX, 7};
    uint8_t choice = input_byte(&w->in);
    uint64_t len = lengths[choice % 8], buffer = choice >= 224 ? 0x1000 : DATA;
    bool good = len == 0 || (len <= ZX_CPRNG_DRAW_MAX_LEN && buffer == DATA);
    zx_status_t expected = good ? ZX_OK : ZX_ERR_INVALID_ARGS;
    world_expect(w, "cprng_draw_once", CALL(w, cprng_draw_once, buffer, len), expected);
    if (good) world_learn(w, DATA, len);
    world_expect(w, "cprng_add_entropy", CALL(w, cprng_add_entropy, buffer, len), expected);
}

void step_debug_read(struct world *w) {
    char text[300], seen[300];
    zx_handle_t resource = pick_handle(w, ZX_OBJ_TYPE_RESOURCE);
    uint64_t buffer = pick_buffer(w), len = input_byte(&w->in) * (sizeof(text) - 1) / 255;
    uint64_t size = input_rarely(&w->in, 16) ? 0x1000 : OUT(3);
    for (unsigned i = 0; i < sizeof(text); i++) {
        text[i] = i % 7 == 6 ? '\r' : 'a';
        seen[i] = i % 7 == 6 ? '\n' : 'a';
    }
    world_store(w, OUT(3), &len, sizeof(len));
    host_type(text, sizeof(text));
    zx_status_t status = CALL(w, debug_read, resource, buffer, size);
    struct model_handle *h;
    zx_status_t expected = model_get(w->me, resource, ZX_OBJ_TYPE_RESOURCE, 0, &h);
    if (expected == ZX_OK && size == 0x1000) expected = ZX_ERR_INVALID_ARGS;
    if (expected == ZX_OK) expected = model_put(w->me, buffer, seen, len);
    world_expect(w, "debug_read", status, expected);
    world_check_buffer(w, buffer, len);
}
