/*
 * Writing and reading other processes' memory: how the cost depends on the size, on the state of the target's pages and
 * of the caller's buffer, on the number of mappings and on the generations of snapshots.
 */
#include <string.h>

#include "tests/bench/measures.h"
#include "tests/bench/meter.h"
#include "tests/bench/system.h"

#define TRIES 5 /* of those that leave things as they were */
#define FEW 2   /* of long ones: what disturbs them is little beside them */
#define LONG (4 * MIB)
#define SCATTERED 100

static const char *const state_names[PAGE_STATES] = {"present", "absent", "shared"};

/* A transfer, and the method and direction that it goes by. */
struct act {
    operation *run;
    struct transfer transfer;
};

static unsigned tries_of(size_t len) { return len > LONG ? FEW : TRIES; }

static size_t pages_of(size_t len) { return (len + PAGE - 1) / PAGE; }

static unsigned char *buffer_make(size_t len) {
    unsigned char *buffer = memory_map(pages_of(len) * PAGE);
    memset(buffer, 1, len);
    return buffer;
}

/* Pages that a transfer changes serve once: each try has pages of its own. */
static uint64_t least_of(struct act *act) {
    const struct layout *layout = &act->transfer.target->layout;
    if (layout->state == PRESENT) return meter_least(act->run, &act->transfer, tries_of(act->transfer.len));
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < tries_of(act->transfer.len); i++) {
        uint64_t cost = meter_once(act->run, &act->transfer);
        if (cost < least) least = cost;
        act->transfer.there += pages_of(act->transfer.len) * PAGE;
    }
    return least;
}

static void measure_one(const struct method *method, bool writing, enum page_state state, size_t len) {
    const struct layout layout = {.pages = pages_of(len) * (state == PRESENT ? 1 : tries_of(len)), .state = state};
    struct target *target = target_make(&layout);
    unsigned char *buffer = buffer_make(len);
    struct act act = {writing ? method->write : method->read, {target, target->base, buffer, len}};
    tell((double)least_of(&act), "%s/%s/%s/%zu", writing ? "write" : "read", method->name, state_names[state], len);
    memory_unmap(buffer, pages_of(len) * PAGE);
    target_end(target);
}

static void measure_sizes(const struct method *method, bool writing, enum page_state state) {
    for (size_t s = 0; s < size_count && sizes[s] <= method->most; s++) {
        measure_one(method, writing, state, sizes[s]);
    }
}

/* A page in each of a hundred mappings, in one call. */
static void measure_scattered(const struct method *method, bool writing) {
    const struct layout layout = {.pages = SCATTERED, .each = 1};
    struct target *target = target_make(&layout);
    unsigned char *buffer = buffer_make(SCATTERED * PAGE);
    struct act act = {writing ? method->write : method->read, {target, target->base, buffer, SCATTERED * PAGE}};
    tell((double)least_of(&act), "%s/%s/scattered/%zu", writing ? "write" : "read", method->name, act.transfer.len);
    memory_unmap(buffer, SCATTERED * PAGE);
    target_end(target);
}

void measure_transfers(void) {
    for (size_t m = 0; m < method_count; m++) {
        for (int reading = 0; reading < 2; reading++) {
            for (enum page_state state = 0; state < PAGE_STATES; state++) measure_sizes(&methods[m], !reading, state);
            if (methods[m].most >= SCATTERED * PAGE) measure_scattered(&methods[m], !reading);
        }
    }
}

/* A word in the middle of so many mappings, when the one that was written last is another. */
static void measure_mapping_count(size_t mappings) {
    const struct layout layout = {.pages = mappings, .each = 1};
    struct target *target = target_make(&layout);
    unsigned char *buffer = buffer_make(WORD);
    for (size_t m = 0; m < method_count; m++) {
        struct act act = {methods[m].write, {target, target->base + mappings / 2 * PAGE, buffer, WORD}};
        struct transfer elsewhere = act.transfer;
        elsewhere.there = target->base;
        uint64_t least = UINT64_MAX;
        for (unsigned i = 0; i < TRIES; i++) {
            act.run(&elsewhere);
            uint64_t cost = meter_once(act.run, &act.transfer);
            if (cost < least) least = cost;
        }
        tell((double)least, "mappings/%s/%zu", methods[m].name, mappings);
    }
    memory_unmap(buffer, PAGE);
    target_end(target);
}

void measure_mappings(void) {
    static const size_t counts[] = {1, 100, 10000, 100000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) measure_mapping_count(counts[i]);
}

/*
 * A word in a page that the last of a line of snapshots has for itself, its first, and one in a page that all of them
 * share. Linux's private mappings have no generations: a fork of a fork shares pages, not what describes them.
 */
static void measure_line(unsigned generations) {
    const struct layout layout = {.pages = 1 + TRIES, .state = SHARED, .generations = generations};
    struct target *target = target_make(&layout);
    if (!target) return;
    unsigned char *buffer = buffer_make(WORD);
    struct act act = {methods[0].write, {target, target->base, buffer, WORD}};
    tell((double)meter_least(act.run, &act.transfer, TRIES), "generations/%s/own/%u", methods[0].name, generations);
    act.transfer.there += PAGE;
    tell((double)least_of(&act), "generations/%s/shared/%u", methods[0].name, generations);
    memory_unmap(buffer, PAGE);
    target_end(target);
}

void measure_generations(void) {
    for (unsigned generations = 1; generations <= 1000; generations *= 10) measure_line(generations);
}

/* The target's pages are there, but the buffer's are not. */
static void measure_buffer(const struct method *method, bool writing, size_t len) {
    const struct layout layout = {.pages = pages_of(len)};
    struct target *target = target_make(&layout);
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < TRIES; i++) {
        unsigned char *buffer = memory_map(pages_of(len) * PAGE);
        struct act act = {writing ? method->write : method->read, {target, target->base, buffer, len}};
        uint64_t cost = meter_once(act.run, &act.transfer);
        if (cost < least) least = cost;
        memory_unmap(buffer, pages_of(len) * PAGE);
    }
    tell((double)least, "buffer/%s/%s/%zu", writing ? "write" : "read", method->name, len);
    target_end(target);
}

void measure_buffers(void) {
    static const size_t lens[] = {WORD, 4 * KIB, 64 * KIB, MIB};
    for (size_t m = 0; m < method_count; m++) {
        for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]) && lens[i] <= methods[m].most; i++) {
            measure_buffer(&methods[m], true, lens[i]);
            measure_buffer(&methods[m], false, lens[i]);
        }
    }
}

/* One call each. */
static void words_by_calls(const void *words) {
    const struct words *w = words;
    for (size_t i = 0; i < w->count; i++)
        methods[0].write(&(struct transfer){w->target, w->target->base + i * PAGE, w->here + i * WORD, WORD});
}

static void measure_word_count(size_t count) {
    const struct layout layout = {.pages = count};
    struct words words = {target_make(&layout), buffer_make(count * WORD), count};
    tell((double)meter_least(words_by_calls, &words, TRIES), "words/calls/%zu", count);
    if (words_write) tell((double)meter_least(words_write, &words, TRIES), "words/vectored/%zu", count);
    memory_unmap(words.here, pages_of(count * WORD) * PAGE);
    target_end(words.target);
}

void measure_words(void) {
    for (size_t count = 1; count <= 1000; count *= 10) measure_word_count(count);
}

static void time_one(const struct method *method, bool writing, size_t len) {
    const struct layout layout = {.pages = pages_of(len)};
    struct target *target = target_make(&layout);
    unsigned char *buffer = buffer_make(len + APART * PLACES);
    struct act act = {writing ? method->write : method->read, {target, target->base, buffer, len}};
    double least = meter_time(act.run, &act.transfer);
    for (size_t place = 1; place < PLACES; place++) {
        act.transfer.here += APART;
        double time = meter_time(act.run, &act.transfer);
        if (time < least) least = time;
    }
    tell(least, "%s/%s/present/%zu", writing ? "write" : "read", method->name, len);
    memory_unmap(buffer, pages_of(len + APART * PLACES) * PAGE);
    target_end(target);
}

void time_transfers(void) {
    static const size_t lens[] = {WORD, 4 * KIB, 64 * KIB, MIB, 16 * MIB};
    echo_start();
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        time_copy(lens[i]);
        for (size_t m = 0; m < method_count; m++) {
            if (lens[i] > methods[m].most) continue;
            time_one(&methods[m], true, lens[i]);
            time_one(&methods[m], false, lens[i]);
        }
    }
    echo_end();
}
