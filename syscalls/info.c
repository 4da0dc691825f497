/*
 * object_get_info: one record about an object, or a list of what it holds. Manual: object.md.
 *
 * A topic is a line in a table: the right and type it asks for, the size of a record, and a function that fills in one
 * record or puts out many. Lists go out record by record, with no lock held.
 */
#include <zircon/syscalls/object.h>

#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/object/exception.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/resource.h"
#include "kernel/object/user_thread.h"
#include "kernel/sched/name.h"
#include "kernel/sched/sched.h"
#include "syscalls/info.h"
#include "syscalls/task_property.h"
#include "vm/aspace_list.h"
#include "vm/page.h"
#include "vm/usercopy.h"

/* The destination of a list's records: those that fit are written, all are counted. */
struct record_list {
    user_out_t buffer;
    size_t room; /* records */
    size_t written, available;
    zx_status_t status; /* the first error */
};

static bool list_has_room(const struct record_list *list) {
    return list->status == ZX_OK && list->written < list->room;
}

static void list_put(struct record_list *list, const void *record, size_t size) {
    list->available++;
    if (!list_has_room(list)) return;
    list->status = copy_out(user_out_at(list->buffer, list->written * size), record, size);
    if (list->status == ZX_OK) list->written++;
}

union info_record {
    zx_info_handle_basic_t basic;
    zx_info_handle_count_t count;
    zx_info_process_t process;
    zx_info_thread_t thread;
    zx_exception_report_t exception;
    zx_info_thread_stats_t thread_stats;
    zx_info_vmar_t vmar;
    zx_info_vmo_t vmo;
    zx_info_task_stats_t task;
    zx_info_kmem_stats_t kmem;
    zx_info_process_handle_stats_t handle_stats;
    zx_info_job_t job;
    zx_info_job_limits_t job_limits;
    zx_info_resource_t resource;
};

typedef zx_status_t fill_fn(const struct handle *handle, union info_record *out);
typedef zx_status_t list_fn(const struct handle *handle, struct record_list *out);

static zx_status_t fill_basic(const struct handle *handle, union info_record *out) {
    struct object *object = handle->object;
    out->basic = (zx_info_handle_basic_t){
        .koid = object->koid,
        .rights = handle->rights,
        .type = object->ops->type,
        .related_koid = object->ops->related_koid ? object->ops->related_koid(object) : 0,
        .props = object_is_waitable(object) ? ZX_OBJ_PROP_WAITABLE : ZX_OBJ_PROP_NONE,
    };
    return ZX_OK;
}

static zx_status_t fill_count(const struct handle *handle, union info_record *out) {
    out->count.handle_count = atomic_load(&handle->object->handles);
    return ZX_OK;
}

static zx_status_t fill_process(const struct handle *handle, union info_record *out) {
    struct process_info info;
    process_get_info(process_from_object(handle->object), &info);
    out->process = (zx_info_process_t){.return_code = info.return_code,
                                       .started = info.started,
                                       .exited = info.exited,
                                       .debugger_attached = info.debugger_attached};
    return ZX_OK;
}

static zx_status_t fill_handle_stats(const struct handle *handle, union info_record *out) {
    struct handle_table *table = &process_from_object(handle->object)->handles;
    struct handle held;
    uint32_t index = 0;
    while (!thread_killed() && handle_next(table, &index, &held)) {
        out->handle_stats.handle_count[held.object->ops->type]++;
        object_unref(held.object);
    }
    return ZX_OK;
}

/* A job has ended when it was killed and is empty, which is what its signal shows. */
static zx_status_t fill_job(const struct handle *handle, union info_record *out) {
    const struct job *job = job_from_object(handle->object);
    bool exited = object_signals(handle->object) & ZX_JOB_TERMINATED;
    out->job = (zx_info_job_t){.return_code = exited ? ZX_TASK_RETCODE_SYSCALL_KILL : 0,
                               .exited = exited,
                               .kill_on_oom = atomic_load(&job->kill_on_oom),
                               .debugger_attached = exception_channel_is_live(&job->debugger)};
    return ZX_OK;
}

/* A peak rises a moment after what is used. */
static zx_job_limit_t limit_told(const struct budget *budget, enum budget_kind kind) {
    const uint64_t used = budget_used(budget, kind), peak = max_u64(used, budget_peak(budget, kind));
    return (zx_job_limit_t){.used = job_limit_told(kind, used),
                            .limit = job_limit_told(kind, budget_effective_limit(budget, kind)),
                            .peak = job_limit_told(kind, peak)};
}

/* What its heap keeps for the next is not used. */
static zx_status_t fill_job_limits(const struct handle *handle, union info_record *out) {
    struct budget *budget = job_from_object(handle->object)->budget;
    (void)heap_trim(&budget->heap);
    out->job_limits = (zx_info_job_limits_t){.memory = limit_told(budget, BUDGET_MEMORY),
                                             .handles = limit_told(budget, BUDGET_HANDLES),
                                             .threads = limit_told(budget, BUDGET_THREADS),
                                             .processes = limit_told(budget, BUDGET_PROCESSES),
                                             .jobs = limit_told(budget, BUDGET_JOBS)};
    return ZX_OK;
}

static zx_status_t fill_thread(const struct handle *handle, union info_record *out) {
    struct user_thread_info info;
    user_thread_get_info(user_thread_from_object(handle->object), &info);
    out->thread = (zx_info_thread_t){.state = info.state, .wait_exception_channel_type = info.exception_channel};
    for (unsigned cpu = 0; cpu < sched_cpu_count(); cpu++)
        out->thread.cpu_affinity_mask.mask[cpu / ZX_CPU_SET_BITS_PER_WORD] |= (uint64_t)1
                                                                              << cpu % ZX_CPU_SET_BITS_PER_WORD;
    return ZX_OK;
}

static zx_status_t fill_exception_report(const struct handle *handle, union info_record *out) {
    return exception_get_report(user_thread_from_object(handle->object), &out->exception);
}

static zx_status_t fill_thread_stats(const struct handle *handle, union info_record *out) {
    struct thread_info info;
    thread_get_info(&user_thread_from_object(handle->object)->thread, &info);
    out->thread_stats.total_runtime = info.runtime;
    return ZX_OK;
}

static zx_status_t fill_vmar(const struct handle *handle, union info_record *out) {
    const struct region *region = &vmar_from_object(handle->object)->region;
    out->vmar = (zx_info_vmar_t){.base = region->base, .len = region->len};
    return ZX_OK;
}

/* Into `info`, which is all zero. */
static void vmo_info(struct vmo *vmo, uint32_t via, zx_rights_t rights, zx_info_vmo_t *info) {
    const struct vmo_counts counts = vmo_counts(vmo);
    info->koid = vmo->object.koid;
    info->size_bytes = counts.size;
    info->parent_koid = vmo->parent_koid;
    info->num_children = vmo_child_count(vmo);
    info->num_mappings = counts.mappings;
    info->share_count = max_u64(counts.sharers, 1);
    info->flags = via;
    info->committed_bytes = vmo_committed_bytes(vmo, 0, UINT64_MAX);
    info->handle_rights = rights;
    info->cache_policy = vmo->store->cache_policy;
    if (vmo->kind != VMO_PHYSICAL) info->flags |= ZX_INFO_VMO_TYPE_PAGED;
    if (vmo->kind == VMO_CONTIGUOUS) info->flags |= ZX_INFO_VMO_CONTIGUOUS;
    if (vmo->resizable) info->flags |= ZX_INFO_VMO_RESIZABLE;
    if (vmo->is_child && vmo->store == vmo) info->flags |= ZX_INFO_VMO_IS_COW_CLONE;
    object_get_name(&vmo->object, info->name);
}

static zx_status_t fill_vmo(const struct handle *handle, union info_record *out) {
    vmo_info(vmo_from_object(handle->object), ZX_INFO_VMO_VIA_HANDLE, handle->rights, &out->vmo);
    return ZX_OK;
}

/* Before the regions, so that nothing is written for a dead one; and after them: some are missing if it died. */
static zx_status_t check_alive(struct aspace *as) { return aspace_is_dead(as) ? ZX_ERR_BAD_STATE : ZX_OK; }

static zx_status_t fill_task(const struct handle *handle, union info_record *out) {
    struct aspace *as = process_from_object(handle->object)->aspace;
    struct task_memory memory;
    aspace_measure(as, &memory);
    out->task = (zx_info_task_stats_t){.mem_mapped_bytes = memory.mapped,
                                       .mem_private_bytes = memory.only_here,
                                       .mem_shared_bytes = memory.shared,
                                       .mem_scaled_shared_bytes = memory.scaled};
    return check_alive(as);
}

static uint64_t bytes_used_for(enum page_state use) { return (uint64_t)pages_used_for(use) << PAGE_SHIFT; }

static zx_status_t fill_resource(const struct handle *handle, union info_record *out) {
    const struct resource *resource = resource_from_object(handle->object);
    out->resource = (zx_info_resource_t){
        .kind = resource->kind, .flags = resource->flags, .base = resource->base, .size = resource->size};
    object_get_name(handle->object, out->resource.name);
    return ZX_OK;
}

static zx_status_t fill_kmem(const struct handle *handle, union info_record *out) {
    if (resource_from_object(handle->object)->kind != ZX_RSRC_KIND_ROOT) return ZX_ERR_WRONG_TYPE;
    uint64_t heap = bytes_used_for(PAGE_SLAB) + bytes_used_for(PAGE_HEAP_RUN);
    out->kmem = (zx_info_kmem_stats_t){
        .total_bytes = arch_boot_info()->ram_total,
        .free_bytes = (uint64_t)pages_free() << PAGE_SHIFT,
        .total_heap_bytes = heap,
        .free_heap_bytes = heap - min_u64(heap, heap_bytes()),
        .vmo_bytes = bytes_used_for(PAGE_VMO) + bytes_used_for(PAGE_UNCACHED),
        .mmu_overhead_bytes = bytes_used_for(PAGE_TABLE),
        .other_bytes = bytes_used_for(PAGE_USED),
    };
    out->kmem.wired_bytes = out->kmem.total_bytes - out->kmem.free_bytes - heap - out->kmem.vmo_bytes -
                            out->kmem.mmu_overhead_bytes - out->kmem.other_bytes;
    return ZX_OK;
}

/* The calling process's own memory would change while it is reported. */
static zx_status_t refuse_own(const struct process *process) {
    return process == process_current() ? ZX_ERR_ACCESS_DENIED : ZX_OK;
}

static void put_region(struct record_list *out, const struct region_info *r) {
    zx_info_maps_t entry = {.base = r->base, .size = r->len, .depth = r->depth, .type = ZX_INFO_MAPS_TYPE_VMAR};
    if (r->vmo) {
        entry.type = ZX_INFO_MAPS_TYPE_MAPPING;
        entry.u.mapping = (zx_info_maps_mapping_t){
            .mmu_flags = r->perms,
            .vmo_koid = r->vmo->object.koid,
            .vmo_offset = r->vmo_offset,
            .committed_pages = vmo_committed_bytes(r->vmo, r->vmo_offset, r->len) >> PAGE_SHIFT,
        };
        object_get_name(&r->vmo->object, entry.name);
    } else {
        format(entry.name, sizeof(entry.name), r->depth == 1 ? "root" : "vmar");
    }
    list_put(out, &entry, sizeof(entry));
}

static zx_status_t list_maps(const struct handle *handle, struct record_list *out) {
    struct process *process = process_from_object(handle->object);
    struct region_cursor cursor = {0};
    struct region_info r;
    zx_status_t status = refuse_own(process);
    if (status == ZX_OK) status = check_alive(process->aspace);
    if (status != ZX_OK) return status;
    zx_info_maps_t whole = {.base = USER_BASE, .size = USER_END - USER_BASE, .type = ZX_INFO_MAPS_TYPE_ASPACE};
    format(whole.name, sizeof(whole.name), "proc:%lu", process->object.koid);
    list_put(out, &whole, sizeof(whole));
    while (aspace_list_next(process->aspace, &cursor, &r)) {
        put_region(out, &r);
        region_info_release(&r);
    }
    region_cursor_end(&cursor);
    return check_alive(process->aspace);
}

/* Counting a VMO's mappings takes time, so it is done only for records that are reported. */
static void put_held_vmo(struct record_list *out, struct vmo *vmo, zx_rights_t rights) {
    zx_info_vmo_t info = {0};
    if (list_has_room(out)) vmo_info(vmo, ZX_INFO_VMO_VIA_HANDLE, rights, &info);
    list_put(out, &info, sizeof(info));
}

/* Mappings of one VMO often follow each other: it is asked once. The last one asked keeps its reference. */
static void put_mapped_vmos(struct record_list *out, struct aspace *as) {
    struct region_cursor cursor = {0};
    struct region_info r, last = {0};
    zx_info_vmo_t info = {0};
    while (aspace_list_next(as, &cursor, &r)) {
        if (!r.vmo) continue;
        if (r.vmo != last.vmo && list_has_room(out)) {
            memset(&info, 0, sizeof(info));
            vmo_info(r.vmo, ZX_INFO_VMO_VIA_MAPPING, 0, &info);
        }
        list_put(out, &info, sizeof(info));
        region_info_release(&last);
        last = r;
    }
    region_info_release(&last);
    region_cursor_end(&cursor);
}

static zx_status_t check_running(const struct process *process) {
    return atomic_load(&process->state) == PROCESS_RUNNING ? ZX_OK : ZX_ERR_BAD_STATE;
}

static zx_status_t list_vmos(const struct handle *handle, struct record_list *out) {
    struct process *process = process_from_object(handle->object);
    struct handle held;
    uint32_t index = 0;
    zx_status_t status = refuse_own(process);
    if (status == ZX_OK) status = check_running(process);
    if (status != ZX_OK) return status;
    while (!thread_killed() && handle_next(&process->handles, &index, &held)) {
        if (held.object->ops->type == ZX_OBJ_TYPE_VMO) put_held_vmo(out, vmo_from_object(held.object), held.rights);
        object_unref(held.object);
    }
    put_mapped_vmos(out, process->aspace);
    return check_running(process);
}

/*
 * Those that are members at the beginning and still are when it is their turn, in order. A part at a time, since other
 * threads wait for the lock; members made meanwhile have a koid beyond the last one, so the walk ends.
 */
static zx_status_t list_members(struct members *members, struct record_list *out) {
    const zx_koid_t last = koid_last();
    zx_koid_t koids[64] = {0};
    size_t count = 0;
    do {
        if (thread_killed()) return ZX_ERR_CANCELED;
        count = members_koids(members, count ? koids[count - 1] : 0, last, koids, countof(koids));
        for (size_t i = 0; i < count; i++) list_put(out, &koids[i], sizeof(koids[i]));
    } while (count == countof(koids));
    return ZX_OK;
}

static zx_status_t list_threads(const struct handle *handle, struct record_list *out) {
    return list_members(&process_from_object(handle->object)->threads, out);
}

static zx_status_t list_processes(const struct handle *handle, struct record_list *out) {
    return list_members(&job_from_object(handle->object)->processes, out);
}

static zx_status_t list_jobs(const struct handle *handle, struct record_list *out) {
    return list_members(&job_from_object(handle->object)->jobs, out);
}

static const struct info_topic {
    uint32_t topic;
    zx_rights_t rights;
    zx_obj_type_t type; /* NONE: any */
    size_t size;        /* of a record */
    fill_fn *fill;      /* one record … */
    list_fn *list;      /* … or many */
} info_topics[] = {
    {ZX_INFO_HANDLE_BASIC, 0, ZX_OBJ_TYPE_NONE, sizeof(zx_info_handle_basic_t), fill_basic, NULL},
    {ZX_INFO_HANDLE_COUNT, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_NONE, sizeof(zx_info_handle_count_t), fill_count, NULL},
    {ZX_INFO_PROCESS, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_PROCESS, sizeof(zx_info_process_t), fill_process, NULL},
    {ZX_INFO_PROCESS_HANDLE_STATS, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_PROCESS, sizeof(zx_info_process_handle_stats_t),
     fill_handle_stats, NULL},
    {ZX_INFO_JOB, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_JOB, sizeof(zx_info_job_t), fill_job, NULL},
    {ZX_INFO_JOB_LIMITS, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_JOB, sizeof(zx_info_job_limits_t), fill_job_limits, NULL},
    {ZX_INFO_PROCESS_THREADS, ZX_RIGHT_ENUMERATE, ZX_OBJ_TYPE_PROCESS, sizeof(zx_koid_t), NULL, list_threads},
    {ZX_INFO_JOB_CHILDREN, ZX_RIGHT_ENUMERATE, ZX_OBJ_TYPE_JOB, sizeof(zx_koid_t), NULL, list_jobs},
    {ZX_INFO_JOB_PROCESSES, ZX_RIGHT_ENUMERATE, ZX_OBJ_TYPE_JOB, sizeof(zx_koid_t), NULL, list_processes},
    {ZX_INFO_PROCESS_MAPS, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_PROCESS, sizeof(zx_info_maps_t), NULL, list_maps},
    {ZX_INFO_PROCESS_VMOS, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_PROCESS, sizeof(zx_info_vmo_t), NULL, list_vmos},
    {ZX_INFO_TASK_STATS, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_PROCESS, sizeof(zx_info_task_stats_t), fill_task, NULL},
    {ZX_INFO_THREAD, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_THREAD, sizeof(zx_info_thread_t), fill_thread, NULL},
    {ZX_INFO_THREAD_EXCEPTION_REPORT, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_THREAD, sizeof(zx_exception_report_t),
     fill_exception_report, NULL},
    {ZX_INFO_THREAD_STATS, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_THREAD, sizeof(zx_info_thread_stats_t), fill_thread_stats,
     NULL},
    {ZX_INFO_VMAR, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_VMAR, sizeof(zx_info_vmar_t), fill_vmar, NULL},
    {ZX_INFO_VMO, 0, ZX_OBJ_TYPE_VMO, sizeof(zx_info_vmo_t), fill_vmo, NULL},
    {ZX_INFO_RESOURCE, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_RESOURCE, sizeof(zx_info_resource_t), fill_resource, NULL},
    {ZX_INFO_KMEM_STATS, 0, ZX_OBJ_TYPE_RESOURCE, sizeof(zx_info_kmem_stats_t), fill_kmem, NULL},
};

static const struct info_topic *find_topic(uint32_t topic) {
    for (size_t i = 0; i < countof(info_topics); i++) {
        if (info_topics[i].topic == topic) return &info_topics[i];
    }
    return NULL;
}

static zx_status_t check_topic(const struct info_topic *topic, const struct handle *handle) {
    if ((handle->rights & topic->rights) != topic->rights) return ZX_ERR_ACCESS_DENIED;
    bool applies = topic->type == ZX_OBJ_TYPE_NONE || handle->object->ops->type == topic->type;
    return applies ? ZX_OK : wrong_object(ZX_ERR_WRONG_TYPE);
}

static zx_status_t put_counts(const struct record_list *list, user_out_t actual, user_out_t avail) {
    zx_status_t status = user_put_optional(actual, list->written);
    return status == ZX_OK ? user_put_optional(avail, list->available) : status;
}

/* Queries the object and copies out the records, then `actual`, then `avail`. */
static zx_status_t tell(const struct info_topic *topic, const struct handle *handle, user_out_t buffer, size_t size,
                        user_out_t actual, user_out_t avail) {
    struct record_list list = {.buffer = buffer, .room = size / topic->size};
    union info_record record;
    memset(&record, 0, sizeof(record)); /* an initializer need not reach past the first member */
    zx_status_t status = topic->fill ? topic->fill(handle, &record) : topic->list(handle, &list);
    if (status != ZX_OK) return status;
    if (topic->fill) {
        list.room = min_u64(list.room, 1);
        list_put(&list, &record, topic->size);
        if (list.status != ZX_OK) return list.status;
    }
    status = put_counts(&list, actual, avail);
    if (status == ZX_OK) status = list.status;
    return status == ZX_OK && topic->fill && list.written == 0 ? ZX_ERR_BUFFER_TOO_SMALL : status;
}

static zx_status_t sys_object_get_info(zx_handle_t value, uint32_t topic_id, user_out_t buffer, size_t size,
                                       user_out_t actual, user_out_t avail) {
    const struct info_topic *topic = find_topic(topic_id);
    struct handle_slot *use;
    if (topic_id == ZX_INFO_HANDLE_VALID) return handle_is_valid(caller_handles(), value) ? ZX_OK : ZX_ERR_BAD_HANDLE;
    if (!topic) return ZX_ERR_NOT_SUPPORTED;
    zx_status_t status = handle_use_any(caller_handles(), value, 0, &use);
    if (status != ZX_OK) return status;
    status = check_topic(topic, &use->handle);
    if (status == ZX_OK) status = tell(topic, &use->handle, buffer, size, actual, avail);
    caller_use_end(use);
    return status;
}
