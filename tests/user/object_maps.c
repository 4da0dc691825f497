/*
 * ZX_INFO_PROCESS_MAPS and ZX_INFO_PROCESS_VMOS: what a process has mapped and holds, in lists.
 */
#include <stdio.h>
#include <zircon/syscalls/object.h>

#include "tests/user/agent.h"
#include "tests/user/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MOST 64
#define MAPS ZX_INFO_PROCESS_MAPS
#define VMOS ZX_INFO_PROCESS_VMOS
#define WEAK (ZX_RIGHT_READ | ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER)

static zx_info_maps_t maps[MOST];
static zx_info_vmo_t vmos[MOST];

static size_t list_maps(zx_handle_t process) {
    size_t actual = 0, avail = 0;
    MUST(zx_object_get_info(process, MAPS, maps, sizeof(maps), &actual, &avail));
    MUST_BE(actual == avail);
    return actual;
}
static size_t list_vmos(zx_handle_t process) {
    size_t actual = 0, avail = 0;
    MUST(zx_object_get_info(process, VMOS, vmos, sizeof(vmos), &actual, &avail));
    MUST_BE(actual == avail);
    return actual;
}

static zx_koid_t koid_of(zx_handle_t handle) { return basic_info(handle).koid; }

/* A child that waits for its end. */
static void idle(struct agent_start *start) {
    (void)start;
    zx_nanosleep(ZX_TIME_INFINITE);
}
static struct child running(const zx_handle_t *given, size_t count) {
    struct child child = agent_make();
    agent_run(&child, idle, ZX_HANDLE_INVALID, 0, given, count);
    return child;
}

static uint32_t asked_topic;
static zx_status_t ask(zx_handle_t process) {
    size_t actual = UNTOUCHED, avail = UNTOUCHED;
    memset(maps, 0xaa, sizeof(maps[0]));
    zx_status_t status = zx_object_get_info(process, asked_topic, maps, sizeof(maps[0]), &actual, &avail);
    if (status != ZX_OK) EXPECT(actual == UNTOUCHED && avail == UNTOUCHED && *(unsigned char *)maps == 0xaa);
    return status;
}

TEST("object_get_info/PROCESS_MAPS, PROCESS_VMOS: H1 H2 H3 H4 H5 H6 H11 H13 need INSPECT, then a process") {
    for (asked_topic = MAPS; asked_topic <= VMOS; asked_topic++) {
        check_bad_handles(ask);
        EXPECT_STATUS(ask(handle_of(KIND_JOB)), ZX_ERR_WRONG_TYPE);
        EXPECT_STATUS(ask(handle_of(KIND_THREAD)), ZX_ERR_WRONG_TYPE);
        EXPECT_STATUS(ask(handle_without(handle_of(KIND_JOB), ZX_RIGHT_INSPECT)), ZX_ERR_ACCESS_DENIED);
        check_rights(handle_of(KIND_PROCESS), ZX_RIGHT_INSPECT, ask);
    }
}

TEST("object_get_info/PROCESS_MAPS, PROCESS_VMOS: one's own process is ACCESS_DENIED") {
    for (asked_topic = MAPS; asked_topic <= VMOS; asked_topic++)
        EXPECT_STATUS(ask(zx_process_self()), ZX_ERR_ACCESS_DENIED);
}

TEST("object_get_info/PROCESS_MAPS works from creation until death, PROCESS_VMOS while it runs: else BAD_STATE") {
    struct child child = agent_make();
    asked_topic = VMOS;
    EXPECT_STATUS(ask(child.process), ZX_ERR_BAD_STATE);
    EXPECT(list_maps(child.process) > 2);
    agent_run(&child, idle, ZX_HANDLE_INVALID, 0, NULL, 0);
    EXPECT(list_maps(child.process) > 2 && list_vmos(child.process) > 0);
    MUST(zx_task_kill(child.process));
    child_wait(&child);
    for (asked_topic = MAPS; asked_topic <= VMOS; asked_topic++) EXPECT_STATUS(ask(child.process), ZX_ERR_BAD_STATE);
}

TEST("object_get_info/PROCESS_MAPS of a new process: the address space and its root, by their names") {
    struct target t = target_make();
    char name[ZX_MAX_NAME_LEN];
    snprintf(name, sizeof(name), "proc:%llu", (unsigned long long)koid_of(t.process));
    NEED_EQ(list_maps(t.process), 2);
    EXPECT(maps[0].type == ZX_INFO_MAPS_TYPE_ASPACE && maps[0].depth == 0 && strcmp(maps[0].name, name) == 0);
    EXPECT(maps[1].type == ZX_INFO_MAPS_TYPE_VMAR && maps[1].depth == 1 && strcmp(maps[1].name, "root") == 0);
    for (size_t i = 0; i < 2; i++) EXPECT(maps[i].base == USER_BASE && maps[i].size == USER_END - USER_BASE);
}

/* What an entry should be. */
struct entry {
    zx_info_maps_type_t type;
    zx_vaddr_t base;
    size_t pages, depth;
};

static void expect_maps(zx_handle_t process, const struct entry *want, size_t count) {
    NEED_EQ(list_maps(process), count + 2);
    for (size_t i = 0; i < count; i++) {
        const zx_info_maps_t *m = &maps[i + 2];
        EXPECT_EQ(m->type, want[i].type);
        EXPECT_EQ(m->base, want[i].base);
        EXPECT_EQ(m->size, want[i].pages * PAGE);
        EXPECT_EQ(m->depth, want[i].depth);
    }
}
#define VMAR ZX_INFO_MAPS_TYPE_VMAR
#define MAPPING ZX_INFO_MAPS_TYPE_MAPPING

TEST("object_get_info/PROCESS_MAPS goes depth-first, upwards, each region before what it holds") {
    struct target t = target_make();
    zx_handle_t vmo = vmo_make(PAGE);
    zx_handle_t outer = vmar_make(t.vmar, PLACE, 10 * PAGE), inner = vmar_make(outer, PLACE, 4 * PAGE);
    vmar_make(inner, PLACE + PAGE, 3 * PAGE);
    vmar_map_at(inner, PLACE, vmo, 0, PAGE, PERM_R);
    vmar_map_at(outer, PLACE + 5 * PAGE, vmo, 0, 2 * PAGE, PERM_R);
    target_map(&t, PLACE - 3 * PAGE, vmo, 0, PAGE, PERM_R);
    target_map(&t, PLACE + 10 * PAGE, vmo, 0, PAGE, PERM_R);
    const struct entry want[] = {{MAPPING, PLACE - 3 * PAGE, 1, 2},
                                 {VMAR, PLACE, 10, 2},
                                 {VMAR, PLACE, 4, 3},
                                 {MAPPING, PLACE, 1, 4},
                                 {VMAR, PLACE + PAGE, 3, 4},
                                 {MAPPING, PLACE + 5 * PAGE, 2, 3},
                                 {MAPPING, PLACE + 10 * PAGE, 1, 2}};
    expect_maps(t.process, want, COUNT(want));
    MUST(zx_vmar_destroy(inner));
    const struct entry later[] = {want[0], want[1], want[5], want[6]};
    expect_maps(t.process, later, COUNT(later));
}

TEST("object_get_info/PROCESS_MAPS tells of each mapping: VMO, offset, permissions, committed pages") {
    struct target t = target_make();
    zx_handle_t vmo = vmo_make(8 * PAGE);
    for (uint64_t page = 0; page < 8; page += 2) poke(vmo, page * PAGE, 1);
    const zx_vm_option_t perms[] = {PERM_NONE, PERM_R, PERM_RW, PERM_RX, PERM_RW | ZX_VM_PERM_EXECUTE};
    for (size_t i = 0; i < COUNT(perms); i++) target_map(&t, PLACE + i * 16 * PAGE, vmo, i * PAGE, 16 * PAGE, perms[i]);
    NEED_EQ(list_maps(t.process), 2 + COUNT(perms));
    for (size_t i = 0; i < COUNT(perms); i++) {
        const zx_info_maps_mapping_t *m = &maps[2 + i].u.mapping;
        EXPECT_EQ(m->mmu_flags, perms[i]);
        EXPECT_EQ(m->vmo_koid, koid_of(vmo));
        EXPECT_EQ(m->vmo_offset, i * PAGE);
        EXPECT_EQ(m->committed_pages, (8 - i) / 2);
    }
}

TEST("object_get_info/PROCESS_MAPS follows what protect and unmap split") {
    struct target t = target_make();
    zx_handle_t vmo = vmo_make(8 * PAGE);
    target_map(&t, PLACE, vmo, PAGE, 6 * PAGE, PERM_RW);
    MUST(zx_vmar_protect(t.vmar, PERM_R, PLACE + PAGE, PAGE));
    MUST(zx_vmar_unmap(t.vmar, PLACE + 3 * PAGE, 2 * PAGE));
    const struct entry want[] = {{MAPPING, PLACE, 1, 2},
                                 {MAPPING, PLACE + PAGE, 1, 2},
                                 {MAPPING, PLACE + 2 * PAGE, 1, 2},
                                 {MAPPING, PLACE + 5 * PAGE, 1, 2}};
    expect_maps(t.process, want, COUNT(want));
    const zx_vm_option_t perms[] = {PERM_RW, PERM_R, PERM_RW, PERM_RW};
    const uint64_t offsets[] = {1, 2, 3, 6};
    for (size_t i = 0; i < COUNT(want); i++) {
        EXPECT_EQ(maps[2 + i].u.mapping.mmu_flags, perms[i]);
        EXPECT_EQ(maps[2 + i].u.mapping.vmo_offset, offsets[i] * PAGE);
    }
}

TEST("object_get_info/PROCESS_MAPS T3 after a forced write the mapping shows another VMO, and is otherwise the same") {
    struct target t = target_make();
    struct memory m = memory_make(4 * PAGE, 3);
    MUST(zx_object_set_property(m.vmo, ZX_PROP_NAME, "text", 4));
    target_map(&t, PLACE, handle_without(m.vmo, ZX_RIGHT_WRITE), PAGE, 2 * PAGE, PERM_R);
    EXPECT_MOVED(write_to(t.process, PLACE, "x", 1), 1);
    const struct entry want[] = {{MAPPING, PLACE, 2, 2}};
    expect_maps(t.process, want, 1);
    EXPECT_EQ(maps[2].u.mapping.mmu_flags, PERM_R);
    EXPECT(maps[2].u.mapping.vmo_koid != koid_of(m.vmo));
    EXPECT_BYTES(maps[2].name, "text", 5);
    EXPECT_EQ(maps[2].u.mapping.committed_pages, 1);
}

TEST("object_get_info/PROCESS_MAPS, PROCESS_VMOS: as many as fit, and not a byte more; size 0 and NULL only count") {
    zx_handle_t vmo = vmo_make(PAGE);
    struct child child = running(&vmo, 1);
    for (uint32_t topic = MAPS; topic <= VMOS; topic++) {
        size_t record = topic == MAPS ? sizeof(maps[0]) : sizeof(vmos[0]), avail = 0, actual = 99;
        NEED_OK(zx_object_get_info(child.process, topic, NULL, 0, &actual, &avail));
        EXPECT(actual == 0 && avail > 2);
        EXPECT_OK(zx_object_get_info(child.process, topic, NULL, 0, NULL, NULL));
        EXPECT_OK(zx_object_get_info(child.process, topic, NULL, record - 1, &actual, NULL));
        EXPECT_EQ(actual, 0);
        for (size_t size = record; size <= 2 * record + 1; size += record / 2) {
            static unsigned char bytes[4 * sizeof(vmos[0])], before[sizeof(bytes)];
            memset(bytes, 0xa5, sizeof(bytes));
            memset(before, 0xa5, sizeof(before));
            size_t again = 0;
            EXPECT_OK(zx_object_get_info(child.process, topic, bytes, size, &actual, &again));
            EXPECT(actual == size / record && again == avail);
            EXPECT_BYTES(bytes + actual * record, before, sizeof(bytes) - actual * record);
        }
    }
}

TEST("object_get_info/PROCESS_MAPS S4 a buffer that ends early: INVALID_ARGS, and the counts tell the truth") {
    struct target t = target_make();
    zx_handle_t vmo = vmo_make(PAGE);
    for (size_t i = 0; i < 100; i++) target_map(&t, PLACE + 2 * i * PAGE, vmo, 0, PAGE, PERM_R);
    unsigned char *buffer = buffer_make(PAGE);
    size_t actual = 0, avail = 0;
    EXPECT_STATUS(zx_object_get_info(t.process, MAPS, buffer, 2 * PAGE, &actual, &avail), ZX_ERR_INVALID_ARGS);
    EXPECT(actual == PAGE / sizeof(maps[0]) && avail == 102);
    EXPECT_OK(zx_object_get_info(t.process, MAPS, buffer, PAGE, &actual, &avail));
    EXPECT(actual == PAGE / sizeof(maps[0]) && avail == 102);
    for (size_t i = 0; i < bad_target_count; i++) {
        void *bad = (void *)bad_targets[i];
        EXPECT_STATUS(zx_object_get_info(t.process, MAPS, bad, sizeof(maps), &actual, &avail), ZX_ERR_INVALID_ARGS);
        if (!bad) continue;
        EXPECT_STATUS(zx_object_get_info(t.process, MAPS, maps, sizeof(maps), bad, &avail), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_object_get_info(t.process, MAPS, maps, sizeof(maps), &actual, bad), ZX_ERR_INVALID_ARGS);
    }
}

TEST("object_get_info/PROCESS_MAPS of regions nested 500 deep") {
    struct target t = target_make();
    zx_handle_t vmar = t.vmar;
    for (unsigned depth = 0; depth < 500; depth++) {
        zx_handle_t inner = vmar_make(vmar, PLACE, PAGE);
        if (vmar != t.vmar) MUST(zx_handle_close(vmar));
        vmar = inner;
    }
    vmar_map_at(vmar, PLACE, vmo_make(PAGE), 0, PAGE, PERM_R);
    static zx_info_maps_t deep[503];
    size_t actual = 0;
    NEED_OK(zx_object_get_info(t.process, MAPS, deep, sizeof(deep), &actual, NULL));
    NEED_EQ(actual, 503);
    for (size_t i = 1; i < 503; i++) NEED(deep[i].depth == i && (i == 1 || deep[i].base == PLACE));
    EXPECT(deep[501].type == VMAR && deep[502].type == MAPPING);
}

TEST("object_get_info/PROCESS_VMOS: what handles hold first, then a line for each mapping, each found one way") {
    zx_handle_t held = vmo_make(3 * PAGE), mapped = vmo_make(5 * PAGE);
    poke(held, PAGE, 1);
    const zx_handle_t given[] = {held, handle_with(held, WEAK)};
    struct child child = running(given, 2);
    zx_vaddr_t addr;
    /* Side by side: the same, another, and the first again. */
    const zx_handle_t mappings[] = {mapped, mapped, held, mapped};
    for (size_t i = 0; i < 4; i++) MUST(zx_vmar_map(child.vmar, PERM_R, 0, mappings[i], 0, PAGE, &addr));
    size_t count = list_vmos(child.process), by_handle = 0, full = 0, weak = 0, by_mapping = 0, held_too = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t via = vmos[i].flags & (ZX_INFO_VMO_VIA_HANDLE | ZX_INFO_VMO_VIA_MAPPING);
        NEED(via == ZX_INFO_VMO_VIA_HANDLE || via == ZX_INFO_VMO_VIA_MAPPING);
        if (via == ZX_INFO_VMO_VIA_HANDLE) {
            EXPECT_EQ(by_handle++, i);
            NEED_EQ(vmos[i].koid, koid_of(held));
            EXPECT(vmos[i].size_bytes == 3 * PAGE && vmos[i].committed_bytes == PAGE);
            full += vmos[i].handle_rights == handle_rights(held);
            weak += vmos[i].handle_rights == WEAK;
        } else {
            EXPECT_EQ(vmos[i].handle_rights, 0);
            by_mapping += vmos[i].koid == koid_of(mapped) && vmos[i].size_bytes == 5 * PAGE;
            held_too += vmos[i].koid == koid_of(held) && vmos[i].size_bytes == 3 * PAGE;
        }
    }
    EXPECT(by_handle == 2 && full == 1 && weak == 1 && by_mapping == 3 && held_too == 1);
}

/* A target that changes all the time, in all the ways that the list could stumble over. */
static void restless(void *arg) {
    const struct target *t = arg;
    zx_handle_t vmo = vmo_make(PAGE), vmar;
    for (uint64_t i = 0; zx_object_wait_one(t->process, ZX_PROCESS_TERMINATED, 0, NULL) != ZX_OK; i++) {
        zx_vaddr_t at = PLACE + i % 16 * 4 * PAGE, addr;
        zx_info_vmar_t root = vmar_info(t->vmar);
        if (zx_vmar_unmap(t->vmar, at, 4 * PAGE) != ZX_OK) return;
        if (zx_vmar_allocate(t->vmar, CAN_RWX | ZX_VM_SPECIFIC, at - root.base, 4 * PAGE, &vmar, &addr) != ZX_OK)
            return;
        zx_vmar_map(vmar, PERM_RW, 0, vmo, 0, PAGE, &addr);
        if (i % 3 == 0) zx_vmar_destroy(vmar);
        zx_handle_close(vmar);
    }
}

TEST("object_get_info/PROCESS_MAPS L9 while the address space changes: always ascending, nested, and none twice") {
    struct target t = target_make();
    zx_handle_t thread = thread_run(restless, &t);
    zx_time_t begun = zx_clock_get_monotonic();
    for (bool seen = false; race_goes_on(begun, seen);) {
        size_t count = list_maps(t.process);
        for (size_t i = 2; i < count; i++) {
            bool inside = maps[i].depth == maps[i - 1].depth + 1;
            EXPECT(maps[i].base >= maps[i - 1].base && maps[i].depth >= 2 && maps[i].depth <= maps[i - 1].depth + 1);
            EXPECT(maps[i].base > maps[i - 1].base || inside);
            seen = seen || (count > 6 && maps[i].type == MAPPING);
        }
    }
    MUST(zx_task_kill(t.process));
    thread_join(thread);
}

/* Kills whatever process it is given. */
static _Atomic zx_handle_t victim;
static void kill_victims(void *stop) {
    while (!atomic_load((_Atomic bool *)stop)) {
        zx_handle_t process = atomic_load(&victim);
        if (process) MUST(zx_task_kill(process));
        if (process) atomic_store(&victim, ZX_HANDLE_INVALID);
        zx_nanosleep(0);
    }
}

#define VICTIM_MAPPINGS 40

static zx_handle_t make_victim(zx_handle_t vmo) {
    zx_handle_t process, root;
    zx_vaddr_t addr;
    MUST(zx_process_create(zx_job_default(), "victim", 6, 0, &process, &root));
    for (size_t i = 0; i < VICTIM_MAPPINGS; i++) MUST(zx_vmar_map(root, PERM_R, 0, vmo, 0, PAGE, &addr));
    MUST(zx_handle_close(root));
    return process;
}

/* How many mappings there are; SIZE_MAX: the process is dead. */
static size_t count_mappings(zx_handle_t process, bool by_list) {
    size_t actual = 0;
    zx_info_task_stats_t stats = {0};
    zx_status_t status = by_list ? zx_object_get_info(process, MAPS, maps, sizeof(maps), &actual, NULL)
                                 : zx_object_get_info(process, ZX_INFO_TASK_STATS, &stats, sizeof(stats), NULL, NULL);
    MUST_BE(status == ZX_OK || status == ZX_ERR_BAD_STATE);
    if (status != ZX_OK) return SIZE_MAX;
    return by_list ? actual - 2 : stats.mem_mapped_bytes / PAGE;
}

TEST("object_get_info/PROCESS_MAPS, TASK_STATS of a process that dies meanwhile: all of it, or BAD_STATE") {
    _Atomic bool stop = false;
    zx_handle_t vmo = vmo_make(PAGE), thread = thread_run(kill_victims, (void *)&stop);
    zx_time_t begun = zx_clock_get_monotonic();
    size_t killed_between = 0;
    for (size_t i = 0; race_goes_on(begun, killed_between > 50); i++) {
        zx_handle_t process = make_victim(vmo);
        size_t count, times = 0;
        atomic_store(&victim, process);
        for (; (count = count_mappings(process, i % 2)) != SIZE_MAX; times++) NEED_EQ(count, VICTIM_MAPPINGS);
        killed_between += times > 0;
        while (atomic_load(&victim)) zx_nanosleep(0);
        MUST(zx_handle_close(process));
    }
    atomic_store(&stop, true);
    thread_join(thread);
}

TEST("object_get_info/PROCESS_VMOS of a process that dies meanwhile: all of them, or BAD_STATE") {
    _Atomic bool stop = false;
    zx_handle_t vmo = vmo_make(PAGE), thread = thread_run(kill_victims, (void *)&stop);
    zx_time_t begun = zx_clock_get_monotonic();
    for (size_t killed_between = 0; race_goes_on(begun, killed_between > 10);) {
        struct child child = running(&vmo, 1);
        zx_vaddr_t addr;
        for (size_t i = 0; i < VICTIM_MAPPINGS; i++) MUST(zx_vmar_map(child.vmar, PERM_R, 0, vmo, 0, PAGE, &addr));
        const size_t all = list_vmos(child.process);
        size_t actual, times = 0;
        atomic_store(&victim, child.process);
        while (zx_object_get_info(child.process, VMOS, vmos, sizeof(vmos), &actual, NULL) == ZX_OK) {
            NEED_EQ(actual, all);
            times++;
        }
        killed_between += times > 0;
        while (atomic_load(&victim)) zx_nanosleep(0);
        agent_kill(&child);
    }
    atomic_store(&stop, true);
    thread_join(thread);
}
