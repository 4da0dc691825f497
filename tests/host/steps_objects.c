/*
 * Steps on handles and tasks, and on what objects report: for each, the choice of arguments, the call, and what the
 * model says.
 */
#include <zircon/errors.h>
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/object.h>

#include "tests/host/steps.h"

/* --- handles --- */

void step_handle_close(struct world *w) {
    zx_handle_t h = pick_handle(w, input_rarely(&w->in, 4) ? 0 : ZX_OBJ_TYPE_VMO);
    zx_status_t status = CALL(w, handle_close, h);
    world_expect(w, "handle_close", status, model_handle_close(&w->model, w->me, h));
    if (status == ZX_OK) w->last_closed = h;
}

/* Some handles, good and bad; now and then where memory ends between them. */
void step_handle_close_many(struct world *w) {
    zx_handle_t values[4];
    uint8_t choice = input_byte(&w->in);
    uint64_t count = choice % 5, readable = choice >= 240 ? choice % 4 : 4;
    uint64_t at = DATA + DATA_LEN - readable * sizeof(values[0]);
    for (unsigned i = 0; i < 4; i++) values[i] = pick_handle(w, choice & 0x40 ? 0 : ZX_OBJ_TYPE_VMO);
    world_store(w, at, values, readable * sizeof(values[0]));
    zx_status_t status = CALL(w, handle_close_many, at, count);
    world_expect(w, "handle_close_many", status, model_handle_close_many(&w->model, w->me, at, count));
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
    if (topic == ZX_INFO_HANDLE_BASIC)
        good = got.basic.rights == h->rights && got.basic.type == h->object->type &&
               got.basic.related_koid == model_related_koid(h->object);
    if (topic == ZX_INFO_HANDLE_COUNT) good = got.count.handle_count == h->object->handles;
    if (topic == ZX_INFO_KMEM_STATS) good = got.kmem.free_bytes < got.kmem.total_bytes;
    if (topic == ZX_INFO_VMAR) good = got.vmar.base == v->base && got.vmar.len == v->len;
    if (topic == ZX_INFO_PROCESS)
        good = got.process.started == (p->state != MODEL_INITIAL) && got.process.exited == (p->state == MODEL_DEAD) &&
               got.process.return_code == p->return_code;
    if (!good) world_fail(w, "object_get_info, topic %u: not what it should be", topic);
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

/* The koids of a process's threads, or of a job's jobs or processes, each of which the model can find by it. */
static void check_koids(struct world *w, uint32_t topic, const struct model_object *parent, uint64_t count) {
    uint64_t members = 0, last = 0;
    for (unsigned i = 0; i < w->model.thread_count; i++) {
        const struct model_thread *t = &w->model.threads[i];
        members += &t->process->object == parent && t->started && !t->dead;
    }
    for (unsigned i = 0; topic == ZX_INFO_JOB_PROCESSES && i < w->model.process_count; i++)
        members += w->model.processes[i].state != MODEL_DEAD && &w->model.processes[i].job->object == parent;
    for (unsigned i = 1; topic == ZX_INFO_JOB_CHILDREN && i < w->model.job_count; i++)
        members += &w->model.jobs[i].parent->object == parent && model_job_listed(&w->model, &w->model.jobs[i]);
    if (count != members) world_fail(w, "%lu children, and not %lu", count, members);
    for (uint64_t i = 0; i < count; i++) {
        zx_koid_t koid;
        if (host_user_load(&koid, DATA + i * sizeof(koid), sizeof(koid)) != ZX_OK) abort();
        if (koid <= last || !model_find_child(&w->model, parent, koid)) world_fail(w, "no such child: %lu", koid);
        last = koid;
    }
}

/* The first of a process's mappings that shows a store; MODEL_MAPPINGS: none does. */
static unsigned first_mapping(const struct model_process *p, const struct model_vmo *store) {
    unsigned i = 0;
    while (i < MODEL_MAPPINGS && !(p->mappings[i].vmar && p->mappings[i].vmo->store == store)) i++;
    return i;
}

/* How many processes map a store. */
static uint64_t sharers(const struct model *m, const struct model_vmo *store) {
    uint64_t count = 0;
    for (unsigned i = 0; i < m->process_count; i++) count += first_mapping(&m->processes[i], store) < MODEL_MAPPINGS;
    return count;
}

static bool shows(const struct model_mapping *map, const struct model_vmo *store, uint64_t offset) {
    if (!map->vmar || map->vmo->store != store || offset < map->vmo->store_offset) return false;
    const uint64_t in_vmo = offset - map->vmo->store_offset;
    return in_vmo < map->vmo->size && in_vmo >= map->offset && in_vmo - map->offset < map->len;
}

/* Of what a process's mappings show of a store: what is committed there. */
static uint64_t committed_shown(const struct model *m, const struct model_process *p, const struct model_vmo *store) {
    uint64_t bytes = 0;
    for (const struct model_page *page = store->pages; page; page = page->next) {
        const uint64_t at = page->index * MODEL_PAGE;
        unsigned i = 0;
        while (i < MODEL_MAPPINGS && !shows(&p->mappings[i], store, at)) i++;
        if (i < MODEL_MAPPINGS) bytes += model_vmo_committed(m, store, at, MODEL_PAGE);
    }
    return bytes;
}

/* What is mapped, and of that what others map as well. */
static void check_sums(struct world *w, const struct model_process *p) {
    zx_info_task_stats_t got, expected = {0};
    for (unsigned i = 0; i < MODEL_MAPPINGS; i++) {
        const struct model_mapping *map = &p->mappings[i];
        if (!map->vmar) continue;
        expected.mem_mapped_bytes += map->len;
        if (first_mapping(p, map->vmo->store) != i) continue;
        uint64_t committed = committed_shown(&w->model, p, map->vmo->store), by = sharers(&w->model, map->vmo->store);
        if (by > 1) expected.mem_shared_bytes += committed;
        if (by > 1) expected.mem_scaled_shared_bytes += committed / by;
    }
    if (host_user_load(&got, DATA, sizeof(got)) != ZX_OK) abort();
    if (got.mem_mapped_bytes != expected.mem_mapped_bytes || got.mem_shared_bytes != expected.mem_shared_bytes ||
        got.mem_scaled_shared_bytes != expected.mem_scaled_shared_bytes)
        world_fail(w, "%#lx bytes mapped, %#lx shared, a share of %#lx", got.mem_mapped_bytes, got.mem_shared_bytes,
                   got.mem_scaled_shared_bytes);
}

static const uint32_t lists[] = {ZX_INFO_PROCESS_MAPS,    ZX_INFO_PROCESS_VMOS,  ZX_INFO_TASK_STATS,
                                 ZX_INFO_PROCESS_THREADS, ZX_INFO_JOB_PROCESSES, ZX_INFO_JOB_CHILDREN};

static bool is_of_job(uint32_t topic) { return topic == ZX_INFO_JOB_PROCESSES || topic == ZX_INFO_JOB_CHILDREN; }

/* What lists and sums end with; `*h` is the handle if that is ZX_OK. */
static zx_status_t expected_list(struct world *w, zx_handle_t value, uint32_t topic, uint64_t size,
                                 struct model_handle **h) {
    bool sums = topic == ZX_INFO_TASK_STATS;
    bool koids = topic == ZX_INFO_PROCESS_THREADS || is_of_job(topic);
    zx_status_t status = model_get(w->me, value, 0, koids ? ZX_RIGHT_ENUMERATE : ZX_RIGHT_INSPECT, h);
    if (status != ZX_OK) return status;
    zx_obj_type_t type = is_of_job(topic) ? ZX_OBJ_TYPE_JOB : ZX_OBJ_TYPE_PROCESS;
    if ((*h)->object->type != type) return ZX_ERR_WRONG_TYPE;
    if (koids) return ZX_OK;
    const struct model_process *p = (const struct model_process *)(*h)->object;
    if (!sums && p == w->me) return ZX_ERR_ACCESS_DENIED;
    if (p->state == MODEL_DEAD) return ZX_ERR_BAD_STATE;
    if (topic == ZX_INFO_PROCESS_VMOS && p->state != MODEL_RUNNING) return ZX_ERR_BAD_STATE;
    return sums && size < sizeof(zx_info_task_stats_t) ? ZX_ERR_BUFFER_TOO_SMALL : ZX_OK;
}

/* Where a list goes, and how long it is. */
struct list_places {
    uint64_t buffer, actual, avail;
};

static struct list_places pick_places(uint8_t choice) {
    struct list_places to = {DATA, OUT(0), OUT(1)};
    if (choice >= 240 && choice < 245) to.avail = 0x1000;
    if (choice >= 245 && choice < 250) to.actual = 0x1000;
    if (choice >= 250) to.buffer = 0x1000;
    return to;
}

/* What it ends with if the places may be bad. A bad buffer does not matter where no record goes into it. */
static zx_status_t expected_told(zx_status_t expected, uint32_t topic, uint64_t size, uint64_t available,
                                 const struct list_places *to) {
    static const uint64_t record_sizes[] = {sizeof(zx_info_maps_t), sizeof(zx_info_vmo_t), sizeof(zx_info_task_stats_t),
                                            sizeof(zx_koid_t),      sizeof(zx_koid_t),     sizeof(zx_koid_t)};
    if (expected != ZX_OK && expected != ZX_ERR_BUFFER_TOO_SMALL) return expected;
    unsigned which = 0;
    while (lists[which] != topic) which++;
    bool written = size >= record_sizes[which] && (topic == ZX_INFO_TASK_STATS || available > 0);
    bool bad = to->actual != OUT(0) || to->avail != OUT(1) || (to->buffer != DATA && written);
    return bad ? ZX_ERR_INVALID_ARGS : expected;
}

/* Lists and sums, of which all but the VMOs are looked into. */
void step_get_list(struct world *w) {
    uint8_t choice = input_byte(&w->in);
    uint32_t topic = lists[choice % 5];
    if (topic == ZX_INFO_JOB_PROCESSES && choice / 64 == 1) topic = ZX_INFO_JOB_CHILDREN;
    zx_handle_t value = pick_handle(w, is_of_job(topic) ? ZX_OBJ_TYPE_JOB : ZX_OBJ_TYPE_PROCESS);
    uint64_t size = input_rarely(&w->in, 4) ? input_byte(&w->in) : DATA_LEN, counts[2] = {0};
    const struct list_places to = pick_places(choice);
    struct model_handle *h;
    zx_status_t expected = expected_list(w, value, topic, size, &h);
    zx_status_t status = CALL(w, object_get_info, value, topic, to.buffer, size, to.actual, to.avail);
    if (host_user_load(counts, OUT(0), sizeof(counts)) != ZX_OK) abort();
    world_store(w, OUT(0), counts, sizeof(counts));
    world_learn(w, DATA, size);
    world_expect(w, "object_get_info of a list", status, expected_told(expected, topic, size, counts[1], &to));
    if (status != ZX_OK || to.buffer != DATA) return;
    if (counts[0] > counts[1]) world_fail(w, "%lu records of %lu", counts[0], counts[1]);
    bool all = counts[0] == counts[1];
    if (topic == ZX_INFO_PROCESS_MAPS && all) check_maps(w, (struct model_process *)h->object, counts[0]);
    if (topic == ZX_INFO_TASK_STATS) check_sums(w, (struct model_process *)h->object);
    if (choice % 5 > 2 && all) check_koids(w, topic, h->object, counts[0]);
}

/* The koid of something that there is, or was, or may never have been. */
static zx_koid_t pick_koid(struct world *w, struct model_object **object) {
    const unsigned choice = input_byte(&w->in), processes = w->model.process_count, threads = w->model.thread_count;
    /* The root job, the first, is nobody's child. */
    unsigned index = choice % (processes + threads + w->model.job_count - 1);
    *object = NULL;
    if (choice >= 250) return (zx_koid_t)(int)(choice - 253);
    if (index < processes)
        *object = &w->model.processes[index].object;
    else if (index < processes + threads)
        *object = &w->model.threads[index - processes].object;
    else
        *object = &w->model.jobs[index - processes - threads + 1].object;
    return (*object)->koid;
}

void step_get_child(struct world *w) {
    static const zx_obj_type_t parents[] = {ZX_OBJ_TYPE_JOB, ZX_OBJ_TYPE_PROCESS, 0};
    zx_handle_t parent = pick_handle(w, parents[input_below(&w->in, 3)]);
    struct model_object *object;
    zx_koid_t koid = pick_koid(w, &object);
    zx_rights_t rights = pick_rights(w);
    uint64_t out = pick_out(w, 0);
    /* Nobody may kill the first actor. */
    const struct model_handle *h = model_find(w->me, parent);
    if (object == &w->model.processes[0].object)
        rights = (rights == ZX_RIGHT_SAME_RIGHTS && h ? h->rights : rights) & ~ZX_RIGHT_DESTROY;
    zx_status_t status = CALL(w, object_get_child, parent, koid, rights, out);
    zx_handle_t made = world_out_handle(out);
    world_expect(w, "object_get_child", status, model_get_child(&w->model, w->me, parent, koid, rights, out, made));
}

/* --- tasks --- */

/* A name of four bytes, with zeros behind it. */
static uint64_t pick_name(struct world *w) { return input_rarely(&w->in, 16) ? 0x1000 : NAME; }

void step_process_create(struct world *w) {
    zx_handle_t job = pick_handle(w, ZX_OBJ_TYPE_JOB);
    uint64_t name = pick_name(w), out = pick_out(w, 0), out_vmar = pick_out(w, 2);
    uint32_t options = input_rarely(&w->in, 16);
    zx_status_t status = CALL(w, process_create, job, name, w->steps % 2 ? 4 : 48, options, out, out_vmar);
    const zx_handle_t made[2] = {world_out_handle(out), world_out_handle(out_vmar)};
    world_expect(w, "process_create", status,
                 model_process_create(&w->model, w->me, job, options, name, out, out_vmar, made));
    if (status == ZX_OK) world_learn_koid(w, made[0]);
}

void step_thread_create(struct world *w) {
    zx_handle_t process = pick_handle(w, ZX_OBJ_TYPE_PROCESS);
    uint64_t name = pick_name(w), out = pick_out(w, 0);
    uint32_t options = input_rarely(&w->in, 16);
    zx_status_t status = CALL(w, thread_create, process, name, 4, options, out);
    zx_handle_t made = world_out_handle(out);
    world_expect(w, "thread_create", status, model_thread_create(&w->model, w->me, process, options, name, out, made));
    if (status == ZX_OK) world_learn_koid(w, made);
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

static const uint32_t faults[] = {
    ZX_EXCP_FATAL_PAGE_FAULT, ZX_EXCP_UNDEFINED_INSTRUCTION, ZX_EXCP_SW_BREAKPOINT,
    ZX_EXCP_HW_BREAKPOINT,    ZX_EXCP_UNALIGNED_ACCESS,      ZX_EXCP_GENERAL,
};

void step_process_start(struct world *w) {
    zx_handle_t process = pick_handle(w, ZX_OBJ_TYPE_PROCESS), thread = pick_handle(w, ZX_OBJ_TYPE_THREAD);
    uint8_t choice = input_byte(&w->in);
    zx_handle_t arg = choice & 1 ? pick_handle(w, choice & 2 ? 0 : ZX_OBJ_TYPE_VMO) : ZX_HANDLE_INVALID;
    bool crash = choice & 4;
    uint64_t entry = crash ? host_fault_entry(faults[choice / 8 % 6]) : host_program_entry(exit_process);
    zx_status_t status = CALL(w, process_start, process, thread, entry, 0, arg, choice);
    int64_t code = crash ? ZX_TASK_RETCODE_EXCEPTION_KILL : choice;
    world_settle();
    world_expect(w, "process_start", status,
                 model_process_start(&w->model, w->me, process, thread, arg, code, w->failed));
}

void step_thread_start(struct world *w) {
    zx_handle_t thread = pick_handle(w, ZX_OBJ_TYPE_THREAD);
    zx_status_t status = CALL(w, thread_start, thread, host_program_entry(exit_thread), 0, 0, 0);
    world_settle();
    world_expect(w, "thread_start", status, model_thread_start(&w->model, w->me, thread));
}

void step_task_kill(struct world *w) {
    zx_handle_t task = pick_handle(w, input_rarely(&w->in, 4) ? 0 : ZX_OBJ_TYPE_PROCESS);
    /* Nobody kills himself, nor everybody. */
    if (picked(w, task, ZX_OBJ_TYPE_PROCESS) == &w->me->object || picked(w, task, ZX_OBJ_TYPE_JOB)) return;
    zx_status_t status = CALL(w, task_kill, task);
    world_settle();
    world_expect(w, "task_kill", status, model_task_kill(&w->model, w->me, task));
}
