/*
 * Steps on handles, channels and tasks: for each, the choice of arguments, the call, and what the model says.
 */
#include <zircon/errors.h>
#include <zircon/syscalls/object.h>

#include "tests/host/steps.h"

/* --- handles --- */

void step_handle_close(struct world *w) {
    zx_handle_t h = pick_handle(w, input_rarely(&w->in, 4) ? 0 : ZX_OBJ_TYPE_VMO);
    zx_status_t status = CALL(w, handle_close, h);
    world_expect(w, "handle_close", status, model_handle_close(&w->model, w->me, h));
    if (status == ZX_OK) w->last_closed = h;
}

void step_handle_duplicate(struct world *w) {
    zx_handle_t h = pick_handle(w, input_rarely(&w->in, 2) ? 0 : ZX_OBJ_TYPE_VMO);
    zx_rights_t rights = pick_rights(w);
    uint64_t out = pick_out(w, 0);
    zx_status_t status = CALL(w, handle_duplicate, h, rights, out);
    zx_handle_t made = world_out_handle(out);
    world_expect(w, "handle_duplicate", status, model_handle_duplicate(w->me, h, rights, out, made));
}

void step_handle_replace(struct world *w) {
    zx_handle_t h = pick_handle(w, input_rarely(&w->in, 4) ? 0 : ZX_OBJ_TYPE_VMO);
    zx_rights_t rights = pick_rights(w);
    uint64_t out = pick_out(w, 0);
    zx_status_t status = CALL(w, handle_replace, h, rights, out);
    zx_handle_t made = world_out_handle(out);
    world_expect(w, "handle_replace", status, model_handle_replace(&w->model, w->me, h, rights, out, made, w->failed));
    if (status == ZX_OK) w->last_closed = h;
}

static zx_status_t expected_info(struct world *w, zx_handle_t value, uint32_t topic, struct model_handle **h) {
    static const struct {
        uint32_t topic;
        zx_rights_t rights;
        zx_obj_type_t type;
    } topics[] = {{ZX_INFO_HANDLE_VALID, 0, 0},
                  {ZX_INFO_HANDLE_BASIC, 0, 0},
                  {ZX_INFO_HANDLE_COUNT, ZX_RIGHT_INSPECT, 0},
                  {ZX_INFO_KMEM_STATS, 0, ZX_OBJ_TYPE_RESOURCE},
                  {ZX_INFO_PROCESS, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_PROCESS},
                  {ZX_INFO_VMAR, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_VMAR}};
    for (unsigned i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        if (topics[i].topic != topic) continue;
        zx_status_t status = model_get(w->me, value, 0, topics[i].rights, h);
        if (status != ZX_OK) return status;
        return topics[i].type && (*h)->object->type != topics[i].type ? ZX_ERR_WRONG_TYPE : ZX_OK;
    }
    return ZX_ERR_NOT_SUPPORTED;
}

static void check_info(struct world *w, uint32_t topic, const struct model_handle *h) {
    union {
        zx_info_handle_basic_t basic;
        zx_info_process_t process;
        zx_info_vmar_t vmar;
        zx_info_handle_count_t count;
        zx_info_kmem_stats_t kmem;
    } got;
    const struct model_process *p = (const struct model_process *)h->object;
    const struct model_vmar *v = (const struct model_vmar *)h->object;
    bool good = host_user_load(&got, DATA, sizeof(got)) == ZX_OK;
    if (topic == ZX_INFO_HANDLE_BASIC) good = got.basic.rights == h->rights && got.basic.type == h->object->type;
    if (topic == ZX_INFO_HANDLE_COUNT) good = got.count.handle_count == h->object->handles;
    if (topic == ZX_INFO_KMEM_STATS) good = got.kmem.free_bytes < got.kmem.total_bytes;
    if (topic == ZX_INFO_VMAR) good = got.vmar.base == v->base && got.vmar.len == v->len;
    if (topic == ZX_INFO_PROCESS)
        good = got.process.started == (p->state != MODEL_INITIAL) && got.process.exited == (p->state == MODEL_DEAD) &&
               got.process.return_code == p->return_code;
    if (!good) world_fail(w, "object_get_info, topic %u: not what it should tell", topic);
    world_store(w, DATA, &got, sizeof(got));
}

void step_get_info(struct world *w) {
    static const uint32_t topics[] = {ZX_INFO_HANDLE_BASIC, ZX_INFO_PROCESS,      ZX_INFO_VMAR,
                                      ZX_INFO_HANDLE_VALID, ZX_INFO_HANDLE_COUNT, ZX_INFO_KMEM_STATS};
    static const zx_obj_type_t types[] = {0, ZX_OBJ_TYPE_PROCESS, ZX_OBJ_TYPE_VMAR, 0, 0, ZX_OBJ_TYPE_RESOURCE};
    uint8_t choice = input_byte(&w->in);
    uint32_t topic = choice < 240 ? topics[choice % 6] : choice;
    zx_handle_t value = pick_handle(w, types[choice % 6]);
    struct model_handle *h;
    zx_status_t expected = expected_info(w, value, topic, &h);
    uint64_t size = choice / 6 % 8 == 7 ? 2 : sizeof(zx_info_kmem_stats_t);
    zx_status_t status = CALL(w, object_get_info, value, topic, DATA, size, 0, 0);
    if (expected == ZX_OK && size == 2 && topic != ZX_INFO_HANDLE_VALID) expected = ZX_ERR_BUFFER_TOO_SMALL;
    world_expect(w, "object_get_info", status, expected);
    if (status == ZX_OK && topic != ZX_INFO_HANDLE_VALID) check_info(w, topic, h);
}

/* What the kernel lists of a process's regions: mappings with what the model knows of them, and VMARs. */
static void check_maps(struct world *w, struct model_process *p, uint64_t count) {
    uint64_t mappings = 0;
    for (uint64_t i = 0; i < count; i++) {
        zx_info_maps_t entry;
        if (host_user_load(&entry, DATA + i * sizeof(entry), sizeof(entry)) != ZX_OK) abort();
        world_store(w, DATA + i * sizeof(entry), &entry, sizeof(entry));
        if (entry.type != ZX_INFO_MAPS_TYPE_MAPPING) continue;
        const struct model_mapping *map = model_mapping_at(p, entry.base);
        mappings++;
        if (!map || map->base != entry.base || map->len != entry.size || map->perms != entry.u.mapping.mmu_flags ||
            map->offset != entry.u.mapping.vmo_offset)
            world_fail(w, "no such mapping: %#lx, %#lx bytes", entry.base, entry.size);
        if (map->base < SCRATCH && entry.u.mapping.committed_pages !=
                                       model_vmo_committed(&w->model, map->vmo, map->offset, map->len) / MODEL_PAGE)
            world_fail(w, "mapping at %#lx: %lu pages committed", entry.base, entry.u.mapping.committed_pages);
    }
    for (unsigned i = 0; i < MODEL_MAPPINGS; i++) mappings -= p->mappings[i].vmar != NULL;
    if (mappings != 0) world_fail(w, "mappings are missing in the list of %lu", count);
}

static const uint32_t lists[] = {ZX_INFO_PROCESS_MAPS, ZX_INFO_PROCESS_VMOS, ZX_INFO_TASK_STATS};

/* What lists and sums of a process end with; `*p` is the process if that is ZX_OK. */
static zx_status_t expected_list(struct world *w, zx_handle_t value, uint32_t topic, uint64_t size,
                                 struct model_process **p) {
    struct model_handle *h;
    bool sums = topic == ZX_INFO_TASK_STATS;
    zx_status_t status = model_get(w->me, value, 0, ZX_RIGHT_INSPECT, &h);
    if (status != ZX_OK) return status;
    *p = (struct model_process *)h->object;
    if (h->object->type != ZX_OBJ_TYPE_PROCESS) return ZX_ERR_WRONG_TYPE;
    if (!sums && *p == w->me) return ZX_ERR_ACCESS_DENIED;
    if ((*p)->state == MODEL_DEAD) return ZX_ERR_BAD_STATE;
    if (topic == ZX_INFO_PROCESS_VMOS && (*p)->state != MODEL_RUNNING) return ZX_ERR_BAD_STATE;
    return sums && size < sizeof(zx_info_task_stats_t) ? ZX_ERR_BUFFER_TOO_SMALL : ZX_OK;
}

/* Lists and sums, of which the maps are looked into. */
void step_get_list(struct world *w) {
    zx_handle_t value = pick_handle(w, ZX_OBJ_TYPE_PROCESS);
    uint32_t topic = lists[input_below(&w->in, 3)];
    uint64_t size = input_rarely(&w->in, 4) ? input_byte(&w->in) : DATA_LEN, counts[2] = {0};
    struct model_process *p = w->me;
    zx_status_t expected = expected_list(w, value, topic, size, &p);
    zx_status_t status = CALL(w, object_get_info, value, topic, DATA, size, OUT(0), OUT(1));
    world_expect(w, "object_get_info of a list", status, expected);
    if (host_user_load(counts, OUT(0), sizeof(counts)) != ZX_OK) abort();
    world_store(w, OUT(0), counts, sizeof(counts));
    if (status != ZX_OK) return;
    if (counts[0] > counts[1]) world_fail(w, "%lu records of %lu", counts[0], counts[1]);
    if (topic == ZX_INFO_PROCESS_MAPS && counts[0] == counts[1]) check_maps(w, p, counts[0]);
    world_learn(w, DATA, size);
}

/* --- channels --- */

void step_channel_create(struct world *w) {
    uint64_t out0 = pick_out(w, 0), out1 = pick_out(w, 2);
    uint32_t options = input_rarely(&w->in, 16);
    zx_status_t status = CALL(w, channel_create, options, out0, out1);
    const zx_handle_t made[2] = {world_out_handle(out0), world_out_handle(out1)};
    world_expect(w, "channel_create", status, model_channel_create(&w->model, w->me, options, out0, out1, made));
}

/* Some handles, in an array, and zeros after them. */
static uint64_t pick_sent(struct world *w, uint32_t *count) {
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES + 1] = {0};
    uint8_t choice = input_byte(&w->in);
    *count = choice % (MODEL_SENT + 1);
    for (uint32_t i = 0; i < *count; i++) values[i] = pick_handle(w, choice & 0x40 ? 0 : ZX_OBJ_TYPE_VMO);
    world_store(w, SENT_HANDLES, values, sizeof(values));
    if (choice == 0xff) *count = ZX_CHANNEL_MAX_MSG_HANDLES + 1;
    return choice == 0xfe ? 0x1000 : choice == 0xfd ? SCRATCH - 4 : SENT_HANDLES;
}

static bool queue_full(struct world *w, zx_handle_t h) {
    const struct model_channel *c = (const struct model_channel *)picked(w, h, ZX_OBJ_TYPE_CHANNEL);
    return c && c->peer->queued == MODEL_QUEUE;
}

void step_channel_write(struct world *w) {
    static const uint32_t lengths[] = {0, 1, 13, 4096, 5000, ZX_CHANNEL_MAX_MSG_BYTES, ZX_CHANNEL_MAX_MSG_BYTES + 1, 8};
    uint8_t choice = input_byte(&w->in);
    struct model_channel_write a = {.channel = pick_handle(w, ZX_OBJ_TYPE_CHANNEL)};
    a.options = choice == 0xff;
    a.len = lengths[choice % 8];
    a.bytes = choice / 8 == 30 ? 0x2000 : DATA;
    a.fill = world_fill(w, a.len);
    a.handles = pick_sent(w, &a.count);
    if (queue_full(w, a.channel)) return;
    zx_status_t status = CALL(w, channel_write, a.channel, a.options, a.bytes, a.len, a.handles, a.count);
    world_expect(w, "channel_write", status, model_channel_write(&w->model, w->me, &a, w->failed));
}

void step_channel_read(struct world *w) {
    uint8_t choice = input_byte(&w->in);
    struct model_channel_read a = {.channel = pick_handle(w, ZX_OBJ_TYPE_CHANNEL), .len = ZX_CHANNEL_MAX_MSG_BYTES};
    a.options = choice % 16 == 14 ? ZX_CHANNEL_READ_MAY_DISCARD : choice == 0xff ? 2 : 0;
    if (choice % 4 == 3) a.len = input_byte(&w->in);
    a.count = choice / 64 == 3 ? input_below(&w->in, 3) : ZX_CHANNEL_MAX_MSG_HANDLES;
    a.bytes = choice / 8 == 30 ? 0x2000 : DATA;
    a.handles = choice / 8 == 29 ? 0x2000 : READ_HANDLES;
    a.actual_len = choice / 8 == 28 ? 0 : pick_out(w, 3);
    a.actual_count = pick_out(w, 4);
    zx_status_t status =
        CALL(w, channel_read, a.channel, a.options, a.bytes, a.handles, a.len, a.count, a.actual_len, a.actual_count);
    for (unsigned i = 0; i < MODEL_SENT; i++) a.made[i] = world_out_handle(READ_HANDLES + i * sizeof(zx_handle_t));
    world_expect(w, "channel_read", status, model_channel_read(&w->model, w->me, &a, w->failed));
    world_check_buffer(w, OUT(3), 16);
    world_check_buffer(w, DATA, 4096);
}

/* --- tasks --- */

static uint64_t pick_name(struct world *w) { return input_rarely(&w->in, 16) ? 0x1000 : NAME; }

void step_process_create(struct world *w) {
    zx_handle_t job = pick_handle(w, ZX_OBJ_TYPE_JOB);
    uint64_t name = pick_name(w), out = pick_out(w, 0), out_vmar = pick_out(w, 2);
    uint32_t options = input_rarely(&w->in, 16);
    zx_status_t status = CALL(w, process_create, job, name, 4, options, out, out_vmar);
    const zx_handle_t made[2] = {world_out_handle(out), world_out_handle(out_vmar)};
    world_expect(w, "process_create", status,
                 model_process_create(&w->model, w->me, job, options, name, out, out_vmar, made));
}

void step_thread_create(struct world *w) {
    zx_handle_t process = pick_handle(w, ZX_OBJ_TYPE_PROCESS);
    uint64_t name = pick_name(w), out = pick_out(w, 0);
    uint32_t options = input_rarely(&w->in, 16);
    zx_status_t status = CALL(w, thread_create, process, name, 4, options, out);
    zx_handle_t made = world_out_handle(out);
    world_expect(w, "thread_create", status, model_thread_create(&w->model, w->me, process, options, name, out, made));
}

/* What other threads do. */
static void exit_process(uint64_t arg1, uint64_t code) {
    (void)arg1;
    (void)host_syscall(HOST_SYS_process_exit, (uint64_t[8]){code});
}

static void exit_thread(uint64_t arg1, uint64_t arg2) {
    (void)arg1;
    (void)arg2;
    (void)host_syscall(HOST_SYS_thread_exit, (uint64_t[8]){0});
}

/* Lets everybody run until the others that can be are at rest. */
static void settle(void) {
    for (unsigned i = 0; i < 8; i++) thread_yield();
}

void step_process_start(struct world *w) {
    zx_handle_t process = pick_handle(w, ZX_OBJ_TYPE_PROCESS), thread = pick_handle(w, ZX_OBJ_TYPE_THREAD);
    uint8_t choice = input_byte(&w->in);
    zx_handle_t arg = choice & 1 ? pick_handle(w, choice & 2 ? 0 : ZX_OBJ_TYPE_VMO) : ZX_HANDLE_INVALID;
    bool crash = choice & 4;
    uint64_t entry = crash ? 0x5000 : host_program_entry(exit_process);
    zx_status_t status = CALL(w, process_start, process, thread, entry, 0, arg, choice);
    int64_t code = crash ? ZX_TASK_RETCODE_EXCEPTION_KILL : choice;
    settle();
    world_expect(w, "process_start", status,
                 model_process_start(&w->model, w->me, process, thread, arg, code, w->failed));
}

void step_thread_start(struct world *w) {
    zx_handle_t thread = pick_handle(w, ZX_OBJ_TYPE_THREAD);
    zx_status_t status = CALL(w, thread_start, thread, host_program_entry(exit_thread), 0, 0, 0);
    settle();
    world_expect(w, "thread_start", status, model_thread_start(w->me, thread));
}

void step_task_kill(struct world *w) {
    struct model_process *victim;
    zx_handle_t task = pick_handle(w, input_rarely(&w->in, 4) ? 0 : ZX_OBJ_TYPE_PROCESS);
    /* Nobody kills himself, nor everybody. */
    if (picked(w, task, ZX_OBJ_TYPE_PROCESS) == &w->me->object || picked(w, task, ZX_OBJ_TYPE_JOB)) return;
    zx_status_t status = CALL(w, task_kill, task);
    settle();
    world_expect(w, "task_kill", status, model_task_kill(&w->model, w->me, task, &victim));
}

/* Commands to the debug kernel that leave the world as it is, and what they answer. */
static const struct {
    const char *text;
    zx_status_t answer;
} commands[] = {{"nothing", ZX_ERR_NOT_FOUND}, {"check", ZX_OK},
                {"checks", ZX_ERR_NOT_FOUND},  {"fail 0", ZX_OK},
                {"failed", ZX_ERR_NOT_FOUND},  {"fail x", ZX_ERR_INVALID_ARGS},
                {"baseline inner", ZX_OK},     {"", ZX_ERR_NOT_FOUND}};

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
}

static uint64_t time_now(void) { return host_syscall(HOST_SYS_clock_get_monotonic, (uint64_t[8]){0}); }

/* The calls that have nothing to do with the model. */
void step_small_calls(struct world *w) {
    world_expect(w, "debug_write", CALL(w, debug_write, DATA, input_byte(&w->in)), ZX_OK);
    world_expect(w, "debug_write", CALL(w, debug_write, 0x1000, 1), ZX_ERR_INVALID_ARGS);
    world_expect(w, "nanosleep", CALL(w, nanosleep, input_byte(&w->in) * 1000), ZX_OK);
    uint64_t before = time_now(), after = time_now();
    if (after <= before) world_fail(w, "no time has passed");
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

/* A wait with a deadline in a moment: what is up at once, or never. */
void step_wait(struct world *w) {
    zx_handle_t value = pick_handle(w, 0);
    zx_signals_t signals = 1u << input_byte(&w->in) % 8;
    uint64_t out = pick_out(w, 1);
    struct model_handle *h;
    zx_status_t expected = model_get(w->me, value, 0, ZX_RIGHT_WAIT, &h);
    zx_signals_t now = expected == ZX_OK ? model_signals(&w->model, h->object) : 0;
    uint64_t deadline = time_now() + input_byte(&w->in) * 100u;
    zx_status_t status = CALL(w, object_wait_one, value, signals, deadline, out);
    if (expected == ZX_OK) {
        expected = model_put_optional(w->me, out, &now, sizeof(now));
        if (expected == ZX_OK) expected = now & signals ? ZX_OK : ZX_ERR_TIMED_OUT;
    }
    world_expect(w, "object_wait_one", status, expected);
    world_check_buffer(w, OUT(1), 8);
}

/* A number that no call has, or the rubbish that a call has to bear without a look at the model. */
void step_no_call(struct world *w) {
    unsigned number = input_rarely(&w->in, 2) ? HOST_SYSCALLS : HOST_SYSCALLS + input_byte(&w->in) * 1000u;
    world_expect(w, "no call", (zx_status_t)host_syscall(number, (uint64_t[8]){0}), ZX_ERR_BAD_SYSCALL);
}
