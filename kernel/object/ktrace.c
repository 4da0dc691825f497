/* The rings of tracing; see ktrace.h, and kernel/base/trace.h for recording. */
#include "kernel/object/ktrace.h"

#include <stdatomic.h>

#include "arch/time.h"
#include "arch/upcall.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/options.h"
#include "kernel/base/string.h"
#include "kernel/base/trace.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/name.h"
#include "kernel/sched/sched.h"
#include "vm/budget.h"
#include "vm/page.h"

#define RING_ORDER 10 /* pages of a ring */
#define RING_LEN (((size_t)PAGE_SIZE << RING_ORDER) / sizeof(zx_ktrace_record_t))

struct trace_ring {
    _Alignas(64) zx_ktrace_record_t *records, *end; /* [I] once events are recorded */
    /* [T]; read while no events are recorded */
    _Atomic(zx_ktrace_record_t *) next;
    _Atomic size_t turns; /* how often it was full */
};

unsigned trace_groups;
static struct trace_ring rings[MAX_CPUS];
static struct mutex lock = MUTEX_INIT(lock, RANK_TRACE, "rings of tracing"); /* who starts, stops, reads */

/* The next place in the ring, for the caller to fill before interrupts come back on. */
static ALWAYS_INLINE zx_ktrace_record_t *next_place(struct trace_ring *ring) {
    zx_ktrace_record_t *place = atomic_load_explicit(&ring->next, memory_order_relaxed), *next = place + 1;
    if (unlikely(next == ring->end)) {
        next = ring->records;
        atomic_store_explicit(&ring->turns, ring->turns + 1, memory_order_relaxed);
    }
    atomic_store_explicit(&ring->next, next, memory_order_relaxed);
    return place;
}

static ALWAYS_INLINE void record(bool quick, uint32_t what, uint64_t a, uint64_t b) {
    const bool irqs_were_on = arch_irq_disable();
    /* Once more: tracing may have ended, and the rings be read, while this thread did not run. */
    if (likely(trace_groups != 0)) {
        zx_ktrace_record_t *place = next_place(arch_this_cpu()->trace);
        if (quick)
            arch_ticks_quick(&place->time);
        else
            place->time = arch_ticks();
        place->thread = (uint32_t)thread_current()->koid;
        place->what = what;
        place->a = a;
        place->b = b;
    }
    if (irqs_were_on) arch_irq_enable();
}

static NOINLINE void record_slowly(uint32_t what, uint64_t a, uint64_t b) { record(false, what, a, b); }

/* Nothing is called where the time is at hand: then no register is saved either. */
void trace_record_packed(uint32_t what, uint64_t a, uint64_t b) {
    if (unlikely(!arch_ticks_are_quick())) return record_slowly(what, a, b);
    record(true, what, a, b);
}

void ktrace_cpu_init(void) { arch_this_cpu()->trace = &rings[arch_this_cpu()->id]; }

void trace_name(const char *name) {
    uint64_t words[2];
    const size_t len = strlen(name);
    for (size_t at = 0; at < len; at += sizeof(words)) {
        memset(words, 0, sizeof(words));
        memcpy(words, name + at, min_u64(len - at, sizeof(words)));
        trace_record(KTRACE_NAME, (unsigned)at, words[0], words[1]);
    }
}

void ktrace_task_ends(unsigned event, const struct process *process, struct object *task) {
    char name[ZX_MAX_NAME_LEN];
    if (!tracing(KTRACE_GRP_TASKS)) return;
    object_get_name(task, name);
    trace_record(event, 0, process->object.koid, 0);
    trace_name(name);
}

/* A ring for each processor. What was allocated before a failure stays for the next time. */
static zx_status_t allocate(void) REQUIRES(&lock) {
    for (unsigned id = 0; id < sched_cpu_count(); id++) {
        if (rings[id].records) continue;
        struct budget *own = budget_assume(&root_budget);
        struct page *run = page_alloc_run(RING_ORDER);
        (void)budget_assume(own);
        if (!run) return ZX_ERR_NO_MEMORY;
        rings[id].records = page_data(run);
        rings[id].end = rings[id].records + RING_LEN;
        atomic_store(&rings[id].next, rings[id].records);
    }
    return ZX_OK;
}

/* System calls are recorded where they are refused at first: so none is, or all are. */
static void set_groups(unsigned groups) REQUIRES(&lock) {
    trace_groups = groups;
    upcall_trace_syscalls(groups & KTRACE_GRP_SYSCALL);
}

zx_status_t ktrace_start(unsigned groups) {
    if (groups & ~KTRACE_GRP_ALL) return ZX_ERR_INVALID_ARGS;
    mutex_lock(&lock);
    zx_status_t status = allocate();
    if (status == ZX_OK) set_groups(groups ? groups : KTRACE_GRP_ALL);
    mutex_unlock(&lock);
    return status;
}

void ktrace_stop(void) {
    mutex_lock(&lock);
    set_groups(0);
    mutex_unlock(&lock);
}

zx_status_t ktrace_rewind(void) {
    mutex_lock(&lock);
    zx_status_t status = trace_groups ? ZX_ERR_BAD_STATE : ZX_OK;
    for (unsigned id = 0; status == ZX_OK && id < MAX_CPUS; id++) {
        atomic_store(&rings[id].next, rings[id].records);
        atomic_store(&rings[id].turns, 0);
    }
    mutex_unlock(&lock);
    return status;
}

/* So many events a ring ever got, and so many of them can be read. */
static size_t count_of(const struct trace_ring *ring) REQUIRES(&lock) {
    return ring->turns * RING_LEN + (size_t)(ring->next - ring->records);
}
static size_t kept(const struct trace_ring *ring) REQUIRES(&lock) { return min_u64(count_of(ring), RING_LEN - 1); }

static size_t count_all(void) REQUIRES(&lock) {
    size_t count = 1;
    for (unsigned id = 0; id < sched_cpu_count(); id++) count += 1 + kept(&rings[id]);
    return count;
}

zx_status_t ktrace_count(size_t *count) {
    mutex_lock(&lock);
    zx_status_t status = trace_groups ? ZX_ERR_BAD_STATE : ZX_OK;
    *count = count_all();
    mutex_unlock(&lock);
    return status;
}

size_t ktrace_pages(void) {
    size_t pages = 0;
    mutex_lock(&lock);
    for (unsigned id = 0; id < MAX_CPUS; id++) pages += rings[id].records ? (size_t)1 << RING_ORDER : 0;
    mutex_unlock(&lock);
    return pages;
}

static zx_ktrace_record_t header(void) {
    return (zx_ktrace_record_t){.time = arch_ticks(),
                                .event = KTRACE_HEADER,
                                .info = KTRACE_VERSION,
                                .a = arch_ticks_per_second(),
                                .b = sched_cpu_count()};
}

static zx_ktrace_record_t cpu_record(unsigned id) REQUIRES(&lock) {
    const struct trace_ring *ring = &rings[id];
    return (zx_ktrace_record_t){
        .event = KTRACE_CPU, .info = (uint16_t)id, .a = kept(ring), .b = count_of(ring) - kept(ring)};
}

/* The record at a place among all of them, which there is. */
static zx_ktrace_record_t record_at(size_t place) REQUIRES(&lock) {
    unsigned id = 0;
    if (place-- == 0) return header();
    for (; place > kept(&rings[id]); id++) place -= 1 + kept(&rings[id]);
    const struct trace_ring *ring = &rings[id];
    return place == 0 ? cpu_record(id) : ring->records[(count_of(ring) - kept(ring) + place - 1) % RING_LEN];
}

zx_status_t ktrace_read(size_t first, size_t max, zx_ktrace_record_t *out, size_t *count) {
    *count = 0;
    mutex_lock(&lock);
    zx_status_t status = trace_groups ? ZX_ERR_BAD_STATE : ZX_OK;
    for (const size_t all = count_all(); status == ZX_OK && *count < max && first < all; first++)
        out[(*count)++] = record_at(first);
    mutex_unlock(&lock);
    return status;
}

void ktrace_init(void) {
    if (!option_bool("kernel.trace", false)) return;
    zx_status_t status = ktrace_start(0);
    if (status != ZX_OK) log_line("kernel.trace: status %d", status);
}
