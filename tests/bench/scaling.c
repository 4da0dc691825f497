/*
 * How the cost of memory calls grows with what there is: generations of snapshots, mappings, pages. Prints lines of a
 * name and a number, instructions per call, for tests/70-scaling.t; run it where the time-stamp counter counts
 * instructions:
 *
 *     make run APP=tests/bench/scaling.c FW=pvh SMP=1 MEM=1G QEMU_FLAGS='-icount shift=0,sleep=off'
 */
#include <assert.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "tests/bench/growth.h"

#define PAGE ((size_t)ZX_PAGE_SIZE)
#define PLACE ((zx_vaddr_t)0x40000000)
#define PERM_RW (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

static unsigned char buffer[4096] __attribute__((aligned(4096)));

static zx_handle_t vmo_make(size_t pages) {
    zx_handle_t vmo;
    MUST(zx_vmo_create(pages * PAGE, 0, &vmo));
    return vmo;
}

static zx_handle_t vmo_committed(size_t pages) {
    zx_handle_t vmo = vmo_make(pages);
    MUST(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, pages * PAGE, NULL, 0));
    return vmo;
}

static zx_handle_t snapshot(zx_handle_t vmo, size_t pages) {
    zx_handle_t child;
    MUST(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, pages * PAGE, &child));
    return child;
}

/* A process that is never started, and some of its memory. */
struct target {
    zx_handle_t process, vmar;
    zx_vaddr_t base;
};

static struct target target_make(void) {
    struct target t;
    zx_info_vmar_t info;
    MUST(zx_process_create(zx_job_default(), "target", 6, 0, &t.process, &t.vmar));
    MUST(zx_object_get_info(t.vmar, ZX_INFO_VMAR, &info, sizeof(info), NULL, NULL));
    t.base = info.base;
    return t;
}

static void target_map(const struct target *t, zx_vaddr_t at, zx_handle_t vmo, size_t pages) {
    zx_vaddr_t addr;
    MUST(zx_vmar_map(t->vmar, PERM_RW | ZX_VM_SPECIFIC, at - t->base, vmo, 0, pages * PAGE, &addr));
}

/* One page of a VMO. */
static void target_map_at(const struct target *t, zx_vaddr_t at, zx_handle_t vmo, size_t page) {
    zx_vaddr_t addr;
    MUST(zx_vmar_map(t->vmar, PERM_RW | ZX_VM_SPECIFIC, at - t->base, vmo, page * PAGE, PAGE, &addr));
}

static void target_end(struct target *t) {
    MUST(zx_task_kill(t->process));
    MUST(zx_handle_close(t->process));
    MUST(zx_handle_close(t->vmar));
}

/* One write of a page. */
static uint64_t write_cost(const struct target *t, zx_vaddr_t at) {
    size_t actual;
    uint64_t begin = now();
    MUST(zx_process_write_memory(t->process, at, buffer, PAGE, &actual));
    return now() - begin;
}

static uint64_t settled_write_cost(const struct target *t, zx_vaddr_t at) {
    uint64_t cost = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) cost = least(cost, write_cost(t, at));
    return cost;
}

/* Of a mapping that is not the one found last, which the address space remembers. */
static uint64_t found_write_cost(const struct target *t, zx_vaddr_t at, zx_vaddr_t elsewhere) {
    uint64_t cost = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        (void)write_cost(t, elsewhere);
        cost = least(cost, write_cost(t, at));
    }
    return cost;
}

#define PAGES 64

/*
 * A line of snapshots, each of the one before and each with a page of its own, all of them kept. The last is written:
 * pages that it has already, and pages that it shares with all.
 */
static void generations(unsigned count) {
    zx_handle_t *line = calloc(count + 1, sizeof(*line));
    line[0] = vmo_committed(PAGES);
    for (unsigned g = 1; g <= count; g++) {
        line[g] = snapshot(line[g - 1], PAGES);
        MUST(zx_vmo_write(line[g], &g, g % (PAGES / 2) * PAGE, sizeof(g)));
    }
    struct target t = target_make();
    target_map(&t, PLACE, line[count], PAGES);
    uint64_t first = UINT64_MAX;
    for (unsigned page = PAGES / 2; page < PAGES; page++) first = least(first, write_cost(&t, PLACE + page * PAGE));
    tell("write-descendant", count, settled_write_cost(&t, PLACE + count % (PAGES / 2) * PAGE));
    tell("write-descendant-shared", count, first);
    target_end(&t);
    for (unsigned g = 0; g <= count; g++) MUST(zx_handle_close(line[g]));
    free(line);
}

/* The other way round: the one that is written has been the parent of all of them. */
static void ancestors(unsigned count) {
    zx_handle_t *line = calloc(count, sizeof(*line)), vmo = vmo_committed(PAGES);
    struct target t = target_make();
    target_map(&t, PLACE, vmo, PAGES);
    uint64_t after = UINT64_MAX, cost = 0;
    for (unsigned g = 0; g < count; g++) {
        line[g] = snapshot(vmo, PAGES);
        cost = write_cost(&t, PLACE + g % PAGES * PAGE);
        if (count - g <= TRIES) after = least(after, cost);
    }
    tell("write-parent", count, settled_write_cost(&t, PLACE + (count - 1) % PAGES * PAGE));
    tell("write-parent-after-snapshot", count, after);
    target_end(&t);
    for (unsigned g = 0; g < count; g++) MUST(zx_handle_close(line[g]));
    MUST(zx_handle_close(vmo));
    free(line);
}

/*
 * So many mappings of one page each, all of one VMO, with gaps between. One in the middle gets its page; then the
 * dearest of them is written, and others among them.
 */
#define STRIDE (4 * PAGE)
static void mappings(unsigned count) {
    struct target t = target_make();
    zx_handle_t crowd = vmo_make(count), other = vmo_make(1);
    zx_vaddr_t middle = PLACE + count / 2 * STRIDE, addr;
    for (unsigned i = 0; i < count; i++) target_map_at(&t, PLACE + i * STRIDE, crowd, i);
    tell("commit-mapped", count, write_cost(&t, middle));
    uint64_t most = 0;
    for (unsigned i = 0; i < count; i += count / 100 + 1) {
        uint64_t cost = found_write_cost(&t, PLACE + i * STRIDE, middle);
        if (cost > most) most = cost;
    }
    tell("write-mapped", count, most);
    uint64_t map = UINT64_MAX, anywhere = UINT64_MAX;
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t begin = now();
        target_map(&t, middle + i * STRIDE + PAGE, other, 1);
        map = least(map, now() - begin);
        begin = now();
        MUST(zx_vmar_map(t.vmar, PERM_RW, 0, other, 0, PAGE, &addr));
        anywhere = least(anywhere, now() - begin);
    }
    tell("map-among-mappings", count, map);
    tell("map-anywhere", count, anywhere);
    tell("commit-among-mappings", count, write_cost(&t, middle + PAGE));
    tell("write-among-mappings", count, found_write_cost(&t, middle + PAGE, PLACE));
    target_end(&t);
    MUST(zx_handle_close(crowd));
    MUST(zx_handle_close(other));
}

/* Taking a snapshot of so many pages; then with all of them mapped, and in somebody's page tables too. */
static uint64_t snapshot_cost(zx_handle_t vmo, size_t pages) {
    uint64_t begin = now();
    zx_handle_t child = snapshot(vmo, pages);
    uint64_t cost = now() - begin;
    MUST(zx_handle_close(child));
    return cost;
}

static void snapshots(unsigned pages) {
    zx_handle_t vmo = vmo_committed(pages);
    zx_vaddr_t addr;
    uint64_t cost = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) cost = least(cost, snapshot_cost(vmo, pages));
    tell("snapshot", pages, cost);
    MUST(zx_vmar_map(zx_vmar_root_self(), PERM_RW, 0, vmo, 0, pages * PAGE, &addr));
    for (int i = 0; i < TRIES; i++) cost = i ? least(cost, snapshot_cost(vmo, pages)) : snapshot_cost(vmo, pages);
    tell("snapshot-mapped", pages, cost);
    MUST(zx_vmar_op_range(zx_vmar_root_self(), ZX_VMAR_OP_MAP_RANGE, addr, pages * PAGE, NULL, 0));
    tell("snapshot-loaded", pages, snapshot_cost(vmo, pages));
    uint64_t begin = now();
    for (unsigned i = 0; i < pages; i++) (void)*(volatile unsigned char *)(addr + i * PAGE);
    tell("read-after-snapshot", pages, (now() - begin) / pages);
    MUST(zx_vmar_unmap(zx_vmar_root_self(), addr, pages * PAGE));
    MUST(zx_handle_close(vmo));
}

/* Its VMOs are only told while it runs: with a thread that is suspended before its first instruction. */
static void target_run(struct target *t) {
    zx_handle_t token, thread;
    MUST(zx_task_suspend(t->process, &token));
    MUST(zx_thread_create(t->process, "t", 1, 0, &thread));
    MUST(zx_process_start(t->process, thread, PLACE, PLACE, ZX_HANDLE_INVALID, 0));
    MUST(zx_handle_close(thread));
}

/* What it costs, for each of so many mappings of one VMO, to list a process's VMOs and to sum its memory up. */
static void lists(unsigned count) {
    assert(count > 0);
    static zx_info_vmo_t infos[10000];
    struct target t = target_make();
    zx_info_task_stats_t stats;
    zx_handle_t vmo = vmo_committed(1);
    size_t actual;
    for (unsigned i = 0; i < count; i++) target_map(&t, PLACE + i * PAGE, vmo, 1);
    target_run(&t);
    uint64_t begin = now();
    MUST(zx_object_get_info(t.process, ZX_INFO_PROCESS_VMOS, infos, sizeof(infos), &actual, NULL));
    tell("list-mapped", count, (now() - begin) / count);
    begin = now();
    MUST(zx_object_get_info(t.process, ZX_INFO_TASK_STATS, &stats, sizeof(stats), NULL, NULL));
    tell("sum-mapped", count, (now() - begin) / count);
    target_end(&t);
    MUST(zx_handle_close(vmo));
}

/*
 * A line of snapshots, each of the one before, and as many of the last; then the line is closed, the last of it first,
 * so that each has all those children when it goes. What it costs for each, its pages and structures included.
 */
static void families(unsigned count) {
    assert(count > 0);
    uint64_t family = UINT64_MAX, orphans = UINT64_MAX;
    zx_handle_t *line = calloc(2 * count, sizeof(*line));
    for (unsigned tries = 0; tries < 2; tries++) {
        line[0] = vmo_committed(1);
        for (unsigned i = 1; i < 2 * count; i++) line[i] = snapshot(line[i < count ? i - 1 : count - 1], 1);
        uint64_t begin = now();
        for (unsigned i = count; i > 0; i--) MUST(zx_handle_close(line[i - 1]));
        family = least(family, now() - begin);
        begin = now();
        for (unsigned i = count; i < 2 * count; i++) MUST(zx_handle_close(line[i]));
        orphans = least(orphans, now() - begin);
    }
    tell("close-family", count, family / count);
    tell("close-orphans", count, orphans / count);
    free(line);
}

int main(void) {
    memset(buffer, 1, sizeof(buffer));
    for (unsigned count = 1; count <= 1000; count *= 10) generations(count);
    for (unsigned count = 1; count <= 1000; count *= 10) ancestors(count);
    for (unsigned count = 1; count <= 100000; count *= 10) mappings(count);
    for (unsigned pages = 1; pages <= 100000; pages *= 10) snapshots(pages);
    for (unsigned count = 1; count <= 10000; count *= 10) lists(count);
    for (unsigned count = 1; count <= 10000; count *= 10) families(count);
    return 0;
}
