/*
 * The rings of tracing when they are full, and names in them.
 */
#include "kernel/object/ktrace.h"

#include "kernel/base/string.h"
#include "kernel/base/trace.h"
#include "kernel/sched/sched.h"
#include "tests/kernel/support.h"

#define RING 131072 /* records of a processor */

/* The place of the first record that has this event and first word; 0: none. */
static size_t place_of(unsigned event, uint64_t a) {
    zx_ktrace_record_t record;
    size_t count, got;
    if (ktrace_count(&count) != ZX_OK) return 0;
    for (size_t i = 0; i < count; i++) {
        if (ktrace_read(i, 1, &record, &got) == ZX_OK && got == 1 && record.event == event && record.a == a) return i;
    }
    return 0;
}

static bool record_is(size_t place, unsigned event, uint64_t a, uint64_t b) {
    zx_ktrace_record_t record;
    size_t got;
    return ktrace_read(place, 1, &record, &got) == ZX_OK && got == 1 && record.event == event && record.a == a &&
           record.b == b;
}

KTEST("ktrace/a full ring keeps the latest, and says how many it lost") {
    size_t count, got;
    zx_ktrace_record_t record;
    ktrace_stop();
    NEED(ktrace_rewind() == ZX_OK);
    NEED(ktrace_start(KTRACE_GRP_PROBE) == ZX_OK);
    irq_off(); /* so that all go to one processor */
    for (uint64_t i = 0; i < RING + 10; i++) trace(KTRACE_GRP_PROBE, KTRACE_PROBE, 0, i, 0);
    const unsigned cpu = arch_this_cpu()->id;
    irq_restore();
    ktrace_stop();
    NEED(ktrace_count(&count) == ZX_OK);
    EXPECT(count == 1 + sched_cpu_count() + RING - 1);
    EXPECT(record_is(1 + cpu, KTRACE_CPU, RING - 1, 11));
    EXPECT(record_is(2 + cpu, KTRACE_PROBE, 11, 0) && record_is(cpu + RING, KTRACE_PROBE, RING + 9, 0));
    EXPECT(ktrace_read(count, 1, &record, &got) == ZX_OK && got == 0);
    EXPECT(ktrace_rewind() == ZX_OK && ktrace_count(&count) == ZX_OK && count == 1 + sched_cpu_count());
}

KTEST("ktrace/a name lies behind what it names, in parts") {
    uint64_t words[4] = {0};
    memcpy(words, "a name of twenty-six bytes", 26);
    NEED(ktrace_rewind() == ZX_OK && ktrace_start(KTRACE_GRP_PROBE) == ZX_OK);
    irq_off();
    trace_record(KTRACE_PROBE, 0, 77, 0);
    trace_name("a name of twenty-six bytes");
    irq_restore();
    ktrace_stop();
    const size_t at = place_of(KTRACE_PROBE, 77);
    NEED(at != 0);
    EXPECT(record_is(at + 1, KTRACE_NAME, words[0], words[1]) && record_is(at + 2, KTRACE_NAME, words[2], words[3]));
    EXPECT(ktrace_rewind() == ZX_OK);
}

KTEST("ktrace/what comes after the stop is not recorded, though it was begun before") {
    size_t count;
    NEED(ktrace_rewind() == ZX_OK && ktrace_start(KTRACE_GRP_PROBE) == ZX_OK);
    ktrace_stop();
    trace_record(KTRACE_PROBE, 0, 1, 0);
    EXPECT(ktrace_count(&count) == ZX_OK && count == 1 + sched_cpu_count());
}
