/*
 * What memory is used for: ZX_INFO_VMO, ZX_INFO_TASK_STATS, ZX_INFO_HANDLE_COUNT and ZX_INFO_KMEM_STATS.
 */
#include <zircon/syscalls/object.h>

#include "tests/user/agent.h"
#include "tests/user/probe.h"

static zx_info_task_stats_t task_stats(zx_handle_t process) {
    zx_info_task_stats_t stats;
    MUST(zx_object_get_info(process, ZX_INFO_TASK_STATS, &stats, sizeof(stats), NULL, NULL));
    return stats;
}
static zx_info_kmem_stats_t kmem_stats(void) {
    zx_info_kmem_stats_t stats;
    MUST(zx_object_get_info(test_resource(), ZX_INFO_KMEM_STATS, &stats, sizeof(stats), NULL, NULL));
    return stats;
}
static uint32_t handle_count(zx_handle_t handle) {
    zx_info_handle_count_t info;
    MUST(zx_object_get_info(handle, ZX_INFO_HANDLE_COUNT, &info, sizeof(info), NULL, NULL));
    return info.handle_count;
}

TEST("object_get_info/VMO tells size, kind, rights and what is committed") {
    zx_handle_t vmo = vmo_make(5 * PAGE), fixed;
    zx_info_vmo_t info = vmo_info(vmo);
    EXPECT_EQ(info.koid, basic_info(vmo).koid);
    EXPECT(info.size_bytes == 5 * PAGE && info.committed_bytes == 0 && info.parent_koid == 0 && info.num_children == 0);
    EXPECT(info.num_mappings == 0 && info.share_count == 1 && info.handle_rights == handle_rights(vmo));
    EXPECT_EQ(info.flags, ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_RESIZABLE | ZX_INFO_VMO_VIA_HANDLE);
    EXPECT_EQ(info.cache_policy, ZX_CACHE_POLICY_CACHED);
    EXPECT_EQ(info.name[0], '\0');
    MUST(zx_vmo_create(PAGE, ZX_VMO_NON_RESIZABLE, &fixed));
    EXPECT_EQ(vmo_info(fixed).flags, ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_VIA_HANDLE);
    EXPECT_EQ(vmo_info(handle_with(fixed, ZX_RIGHT_NONE)).handle_rights, 0);
    for (uint32_t policy = 0; policy < 4; policy++) {
        MUST(zx_vmo_set_cache_policy(fixed, policy));
        EXPECT_EQ(vmo_info(fixed).cache_policy, policy);
    }
}

static uint64_t committed(zx_handle_t vmo) { return vmo_info(vmo).committed_bytes / PAGE; }

TEST("object_get_info/VMO, 3.4: what commits a page and what does not") {
    zx_handle_t vmo = vmo_make(8 * PAGE);
    volatile uint64_t *view = map_here(vmo, 0, 8 * PAGE, PERM_RW | ZX_VM_MAP_RANGE);
    struct target t = target_make();
    target_map(&t, PLACE, vmo, 0, 8 * PAGE, PERM_RW);
    uint64_t word = 0;
    (void)view[0];
    MUST(zx_vmo_read(vmo, &word, PAGE, 8));
    EXPECT_MOVED(read_from(t.process, PLACE + 2 * PAGE, &word, 8), 8);
    EXPECT_EQ(committed(vmo), 0);
    view[0] = 1;
    EXPECT_EQ(committed(vmo), 1);
    MUST(zx_vmo_write(vmo, &word, 2 * PAGE - 4, 8));
    EXPECT_EQ(committed(vmo), 3);
    EXPECT_MOVED(write_to(t.process, PLACE + 3 * PAGE, &word, 8), 8);
    EXPECT_EQ(committed(vmo), 4);
    MUST(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 4 * PAGE, 2 * PAGE, NULL, 0));
    EXPECT_EQ(committed(vmo), 6);
    MUST(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, 2 * PAGE, NULL, 0));
    EXPECT_EQ(committed(vmo), 4);
    MUST(zx_vmo_op_range(vmo, ZX_VMO_OP_ZERO, 2 * PAGE, PAGE + 1, NULL, 0));
    EXPECT_EQ(committed(vmo), 3);
    MUST(zx_vmo_set_size(vmo, 5 * PAGE));
    EXPECT_EQ(committed(vmo), 2);
}

TEST("object_get_info/VMO, 3.4: pages owned by a parent count for the parent only, until it is gone") {
    zx_handle_t vmo = vmo_make(4 * PAGE), child, grandchild;
    for (unsigned page = 0; page < 4; page++) poke(vmo, page * PAGE, 1);
    MUST(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, PAGE, 3 * PAGE, &child));
    MUST(zx_vmo_create_child(child, ZX_VMO_CHILD_SNAPSHOT, 0, 3 * PAGE, &grandchild));
    EXPECT(committed(vmo) == 4 && committed(child) == 0 && committed(grandchild) == 0);
    poke(child, 0, 2);
    EXPECT(committed(vmo) == 4 && committed(child) == 1 && committed(grandchild) == 1);
    poke(vmo, 3 * PAGE, 3);
    EXPECT(committed(vmo) == 4 && committed(child) == 2 && committed(grandchild) == 1);
    MUST(zx_handle_close(child));
    EXPECT(committed(vmo) == 4 && committed(grandchild) == 1);
    MUST(zx_handle_close(vmo));
    EXPECT_EQ(committed(grandchild), 3);
    zx_handle_close(grandchild);
}

TEST("object_get_info/VMO tells of children, and a child of its parent") {
    zx_handle_t vmo, snapshot, slice;
    MUST(zx_vmo_create(4 * PAGE, ZX_VMO_NON_RESIZABLE, &vmo));
    poke(vmo, PAGE, 1);
    poke(vmo, 2 * PAGE, 1);
    MUST(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, PAGE, 9 * PAGE, &snapshot));
    MUST(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SLICE, PAGE, PAGE, &slice));
    EXPECT_EQ(vmo_info(vmo).num_children, 2);
    zx_info_vmo_t s = vmo_info(snapshot), w = vmo_info(slice);
    EXPECT(s.parent_koid == basic_info(vmo).koid && w.parent_koid == s.parent_koid);
    EXPECT_EQ(s.flags, ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_IS_COW_CLONE | ZX_INFO_VMO_VIA_HANDLE);
    EXPECT_EQ(w.flags, ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_VIA_HANDLE);
    EXPECT(s.size_bytes == 9 * PAGE && w.size_bytes == PAGE && s.committed_bytes == 0 && w.committed_bytes == 0);
    MUST(zx_handle_close(snapshot));
    EXPECT_EQ(vmo_info(vmo).num_children, 1);
    MUST(zx_handle_close(vmo));
    EXPECT_EQ(vmo_info(slice).parent_koid, w.parent_koid);
}

TEST("object_get_info/VMO counts mappings, and address spaces that have any") {
    zx_handle_t vmo, slice;
    MUST(zx_vmo_create(4 * PAGE, ZX_VMO_NON_RESIZABLE, &vmo));
    MUST(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SLICE, 0, PAGE, &slice));
    struct target t = target_make();
    target_map(&t, PLACE, vmo, 0, 4 * PAGE, PERM_RW);
    target_map(&t, PLACE + 8 * PAGE, vmo, 0, PAGE, PERM_R);
    map_here(vmo, 0, PAGE, PERM_R);
    map_here(slice, 0, PAGE, PERM_R);
    EXPECT(vmo_info(vmo).num_mappings == 3 && vmo_info(vmo).share_count == 2);
    EXPECT_EQ(vmo_info(slice).num_mappings, 1);
    MUST(zx_vmar_unmap(t.vmar, PLACE + PAGE, PAGE));
    EXPECT_EQ(vmo_info(vmo).num_mappings, 4);
    MUST(zx_task_kill(t.process));
    EXPECT(vmo_info(vmo).num_mappings == 1 && vmo_info(vmo).share_count == 1);
}

TEST("object_get_info/TASK_STATS of a job or thread is WRONG_TYPE, of a dead process BAD_STATE") {
    struct target t = target_make();
    zx_info_task_stats_t stats;
    EXPECT_STATUS(zx_object_get_info(handle_of(KIND_JOB), ZX_INFO_TASK_STATS, &stats, sizeof(stats), NULL, NULL),
                  ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_object_get_info(handle_of(KIND_THREAD), ZX_INFO_TASK_STATS, &stats, sizeof(stats), NULL, NULL),
                  ZX_ERR_WRONG_TYPE);
    EXPECT_EQ(task_stats(t.process).mem_mapped_bytes, 0);
    MUST(zx_task_kill(t.process));
    EXPECT_STATUS(zx_object_get_info(t.process, ZX_INFO_TASK_STATS, &stats, sizeof(stats), NULL, NULL),
                  ZX_ERR_BAD_STATE);
}

TEST("object_get_info/TASK_STATS: mapped, private, shared, and shared by how many") {
    struct target a = target_make(), b = target_make(), c = target_make();
    zx_handle_t own = vmo_make(8 * PAGE), shared = vmo_make(8 * PAGE);
    MUST(zx_vmo_op_range(own, ZX_VMO_OP_COMMIT, 0, 3 * PAGE, NULL, 0));
    MUST(zx_vmo_op_range(shared, ZX_VMO_OP_COMMIT, 0, 6 * PAGE, NULL, 0));
    target_map(&a, PLACE, own, 0, 20 * PAGE, PERM_RW);
    target_map(&a, PLACE + 32 * PAGE, shared, 0, 8 * PAGE, PERM_RW);
    target_map(&b, PLACE, shared, 3 * PAGE, 5 * PAGE, PERM_R);
    target_map(&c, PLACE, shared, 7 * PAGE, PAGE, PERM_R);
    zx_info_task_stats_t of_a = task_stats(a.process), of_b = task_stats(b.process), of_c = task_stats(c.process);
    EXPECT(of_a.mem_mapped_bytes == 28 * PAGE && of_a.mem_private_bytes == 3 * PAGE);
    EXPECT(of_a.mem_shared_bytes == 6 * PAGE && of_a.mem_scaled_shared_bytes == 2 * PAGE);
    EXPECT(of_b.mem_mapped_bytes == 5 * PAGE && of_b.mem_private_bytes == 0);
    EXPECT(of_b.mem_shared_bytes == 3 * PAGE && of_b.mem_scaled_shared_bytes == PAGE);
    EXPECT(of_c.mem_mapped_bytes == PAGE && of_c.mem_shared_bytes == 0);
    zx_info_task_stats_t me = task_stats(zx_process_self());
    EXPECT(me.mem_private_bytes > 0 && me.mem_mapped_bytes >= me.mem_private_bytes + me.mem_shared_bytes);
}

static zx_duration_t task_stats_time(zx_handle_t process) {
    zx_duration_t least = ZX_TIME_INFINITE;
    for (int i = 0; i < 3; i++) {
        zx_time_t begun = zx_clock_get_monotonic();
        (void)task_stats(process);
        zx_duration_t took = zx_clock_get_monotonic() - begun;
        if (took < least) least = took;
    }
    return least;
}

#define PLACES ((uint64_t)2000)
#define DISTANCE (64 * PAGE) /* each has a node of the page tree for itself */
#define TIMES 200

TEST("object_get_info/TASK_STATS: what is mapped 200 times counts once, and does not take 200 times as long") {
    struct target t = target_make();
    zx_handle_t vmo = vmo_make(PLACES * DISTANCE);
    zx_vaddr_t at;
    for (uint64_t i = 0; i < PLACES; i++) poke(vmo, i * DISTANCE, 1);
    MUST(zx_vmar_map(t.vmar, PERM_R, 0, vmo, 0, PLACES * DISTANCE, &at));
    const zx_duration_t once = task_stats_time(t.process);
    for (uint64_t i = 0; i < TIMES; i++)
        MUST(zx_vmar_map(t.vmar, PERM_R, 0, vmo, i * DISTANCE, (PLACES - i) * DISTANCE, &at));
    EXPECT(task_stats_time(t.process) < 20 * once);
    EXPECT_EQ(task_stats(t.process).mem_private_bytes, PLACES * PAGE);
    MUST(zx_task_kill(t.process));
}

TEST("object_get_info/HANDLE_COUNT: every live handle, duplicates, others' and those in messages") {
    zx_handle_t vmo = vmo_make(PAGE), second, out;
    EXPECT_EQ(handle_count(vmo), 1);
    second = handle_with(vmo, ZX_RIGHT_TRANSFER);
    EXPECT_EQ(handle_count(vmo), 2);
    struct pair pair = pair_make();
    send_handle(pair.a, second);
    EXPECT_EQ(handle_count(vmo), 2);
    uint32_t bytes, handles;
    MUST(zx_channel_read(pair.b, 0, NULL, &out, 0, 1, &bytes, &handles));
    EXPECT_EQ(handle_count(vmo), 2);
    send_handle(pair.a, out);
    MUST(zx_handle_close(pair.b));
    EXPECT_EQ(handle_count(vmo), 1);
    map_here(vmo, 0, PAGE, PERM_R);
    EXPECT_EQ(handle_count(vmo), 1);
}

static uint64_t kmem_sum(const zx_info_kmem_stats_t *k) {
    return k->free_bytes + k->wired_bytes + k->total_heap_bytes + k->vmo_bytes + k->mmu_overhead_bytes + k->ipc_bytes +
           k->other_bytes;
}

TEST("object_get_info/KMEM_STATS adds up, and follows what is done") {
    zx_handle_t vmo = vmo_make(100 * PAGE);
    zx_info_kmem_stats_t before = kmem_stats();
    EXPECT_EQ(kmem_sum(&before), before.total_bytes);
    EXPECT(before.wired_bytes > 0 && before.wired_bytes < before.total_bytes / 4);
    EXPECT(before.free_heap_bytes <= before.total_heap_bytes && before.total_heap_bytes > 0);
    MUST(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, 100 * PAGE, NULL, 0));
    zx_info_kmem_stats_t during = kmem_stats();
    EXPECT_EQ(kmem_sum(&during), during.total_bytes);
    EXPECT_EQ(during.vmo_bytes, before.vmo_bytes + 100 * PAGE);
    EXPECT(during.free_bytes <= before.free_bytes - 100 * PAGE && during.wired_bytes == before.wired_bytes);
    struct target t = target_make();
    EXPECT(kmem_stats().mmu_overhead_bytes > during.mmu_overhead_bytes);
    MUST(zx_task_kill(t.process));
    EXPECT_EQ(kmem_stats().mmu_overhead_bytes, during.mmu_overhead_bytes);
    zx_handle_t run, snapshot;
    MUST(zx_vmo_create_contiguous(test_resource(), 33 * PAGE, 0, &run));
    EXPECT_EQ(kmem_stats().vmo_bytes, during.vmo_bytes + 33 * PAGE);
    MUST(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, 100 * PAGE, &snapshot));
    EXPECT_EQ(kmem_stats().vmo_bytes, during.vmo_bytes + 33 * PAGE);
    MUST(zx_handle_close(run));
    MUST(zx_handle_close(vmo));
    EXPECT_EQ(kmem_stats().vmo_bytes, during.vmo_bytes);
    MUST(zx_handle_close(snapshot));
    EXPECT_EQ(kmem_stats().vmo_bytes, before.vmo_bytes);
}

TEST("object_get_info/KMEM_STATS without the root resource is WRONG_TYPE") {
    zx_info_kmem_stats_t stats;
    EXPECT_STATUS(zx_object_get_info(handle_of(KIND_JOB), ZX_INFO_KMEM_STATS, &stats, sizeof(stats), NULL, NULL),
                  ZX_ERR_WRONG_TYPE);
}
