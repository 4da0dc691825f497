/*
 * Giving page tables back: whose go, that faults load them again, that nobody sees the difference, also while a thread
 * runs there and while an address space ends; and that a fault that finds no memory has them go.
 */
#include "vm/reclaim.h"

#include "arch/usercopy.h"
#include "tests/kernel/support.h"
#include "vm/budget.h"
#include "vm/page.h"

#define FAR MMU_LARGE_PAGE /* places so far apart have a table each */

/* An address space with one mapping of a VMO that has a page, with the place's number in it, at every eighth place. */
struct wide {
    struct aspace *as;
    struct vmo *vmo;
    vaddr_t va;
    size_t places;
};

static bool is_there(size_t place) { return place % 8 == 0; }

static bool wide_make(struct wide *w, struct budget *budget, size_t places) {
    *w = (struct wide){.vmo = vmo_of(places * FAR >> PAGE_SHIFT, false), .places = places};
    if (!w->vmo || aspace_create(budget, &w->as) != ZX_OK) return false;
    w->va = map_pages(w->as->root, w->vmo, 0, places * FAR >> PAGE_SHIFT, RW, PERM_ALL);
    for (size_t i = 0; i < places; i++) {
        if (is_there(i) && !vmo_poke(w->vmo, i * FAR, (uint8_t)i)) return false;
    }
    return w->va != 0;
}

static void wide_end(struct wide *w) {
    if (w->as) space_end(w->as);
    if (w->vmo) vmo_unref(w->vmo);
}

static bool wide_is_right(const struct wide *w) {
    bool right = true;
    for (size_t i = 0; i < w->places; i++)
        right = right && user_load(w->as, w->va + i * FAR) == (is_there(i) ? (uint8_t)i : 0);
    return right;
}

static size_t loaded(const struct wide *w) {
    size_t count = 0;
    for (size_t i = 0; i < w->places; i++) count += is_loaded(w->as, w->va + i * FAR);
    return count;
}

#define PLACES 200

KTEST("reclaim/every table of every address space goes, and faults load what there was") {
    struct wide one, other;
    const size_t none = pages_used_for(PAGE_TABLE);
    NEED(wide_make(&one, &root_budget, PLACES) && wide_make(&other, &root_budget, 3));
    const size_t empty = pages_used_for(PAGE_TABLE);
    EXPECT(wide_is_right(&one) && wide_is_right(&other) && loaded(&one) == PLACES && loaded(&other) == 3);
    EXPECT(pages_used_for(PAGE_TABLE) >= empty + PLACES + 3);
    reclaim(&root_budget);
    EXPECT(pages_used_for(PAGE_TABLE) == empty && loaded(&one) == 0 && loaded(&other) == 0);
    EXPECT(wide_is_right(&one) && wide_is_right(&other));
    EXPECT(translations_true(one.as) && translations_true(other.as));
    wide_end(&one);
    wide_end(&other);
    EXPECT(pages_used_for(PAGE_TABLE) == none);
}

KTEST("reclaim/of a budget's go those of all below it, and no others") {
    struct budget *outer = budget_create(&root_budget), *inner = budget_create(outer);
    struct wide spaces[3];
    NEED(outer && inner);
    NEED(wide_make(&spaces[0], &root_budget, 3) && wide_make(&spaces[1], outer, 3) && wide_make(&spaces[2], inner, 3));
    EXPECT(wide_is_right(&spaces[0]) && wide_is_right(&spaces[1]) && wide_is_right(&spaces[2]));
    reclaim(inner);
    EXPECT(loaded(&spaces[0]) == 3 && loaded(&spaces[1]) == 3 && loaded(&spaces[2]) == 0);
    EXPECT(wide_is_right(&spaces[2]));
    reclaim(outer);
    EXPECT(loaded(&spaces[0]) == 3 && loaded(&spaces[1]) == 0 && loaded(&spaces[2]) == 0);
    for (size_t i = 0; i < countof(spaces); i++) wide_end(&spaces[i]);
    budget_leave(inner);
    budget_leave(outer);
}

KTEST("reclaim/large pages go, and come back") {
    struct aspace *as = space_new();
    struct vmo *run;
    NEED(as && vmo_create_contiguous(2 * MMU_LARGE_PAGE, 21, &run) == ZX_OK);
    struct vmar_map args = {.options = RW | ZX_VM_MAP_RANGE, .vmo = run, .len = 2 * MMU_LARGE_PAGE, .ceiling = RW};
    vaddr_t va;
    const size_t empty = pages_used_for(PAGE_TABLE);
    EXPECT(vmar_map(as->root, &args, &va) == ZX_OK && user_store(as, va + MMU_LARGE_PAGE + 5, 7) == ZX_OK);
    reclaim(&root_budget);
    EXPECT(pages_used_for(PAGE_TABLE) == empty && !is_loaded(as, va) && !is_loaded(as, va + MMU_LARGE_PAGE));
    EXPECT(user_load(as, va + MMU_LARGE_PAGE + 5) == 7 && translations_true(as));
    space_end(as);
    vmo_unref(run);
}

#define ROUNDS 60

/* A thread that reads and writes there, by accesses that fault. */
struct inhabitant {
    struct runner runner;
    struct wide wide;
    atomic_bool stop;
    size_t rounds;
    bool right;
};

static bool byte_counts_up(vaddr_t va, uint8_t was) {
    uint8_t byte;
    if (arch_copy_from_user(&byte, va, 1) != 0 || byte != was) return false;
    byte++;
    return arch_copy_to_user(va, &byte, 1) == 0;
}

static void inhabit(void *arg) {
    struct inhabitant *in = arg;
    for (in->right = true; !atomic_load(&in->stop) || in->rounds < ROUNDS; in->rounds++) {
        for (size_t i = 0; i < in->wide.places; i++) {
            const uint8_t first = is_there(i) ? (uint8_t)i : 0;
            in->right = in->right && byte_counts_up(in->wide.va + i * FAR, (uint8_t)(first + in->rounds));
        }
        thread_yield();
    }
}

KTEST("reclaim/a thread that runs there meanwhile finds all that it wrote") {
    static struct inhabitant in;
    in = (struct inhabitant){.rounds = 0};
    NEED(wide_make(&in.wide, &root_budget, 20) && runner_start(&in.runner, in.wide.as, inhabit, &in));
    for (int i = 0; i < ROUNDS; i++) {
        reclaim(&root_budget);
        thread_yield();
    }
    atomic_store(&in.stop, true);
    runner_join(&in.runner);
    EXPECT(in.right && in.rounds >= ROUNDS && translations_true(in.wide.as));
    wide_end(&in.wide);
}

static void reclaim_on(void *stop) {
    while (!atomic_load((atomic_bool *)stop)) {
        reclaim(&root_budget);
        thread_yield();
    }
}

KTEST("reclaim/address spaces begin and end meanwhile") {
    static struct runner runner;
    static atomic_bool stop;
    struct wide wide;
    bool right = true;
    atomic_store(&stop, false);
    NEED(runner_start(&runner, NULL, reclaim_on, &stop));
    for (int i = 0; i < ROUNDS && right; i++) {
        right = wide_make(&wide, &root_budget, 20) && wide_is_right(&wide);
        thread_yield();
        right = right && wide_is_right(&wide);
        wide_end(&wide);
    }
    atomic_store(&stop, true);
    runner_join(&runner);
    EXPECT(right);
}

/* Reads all of an address space's places, by accesses that fault, with a budget of its own. */
struct reader {
    struct wide wide;
    struct budget *budget;
    size_t good;
};

static void read_all(void *arg) {
    struct reader *r = arg;
    struct budget *own = budget_assume(r->budget);
    uint8_t byte;
    for (size_t i = 0; i < r->wide.places; i++) r->good += arch_copy_from_user(&byte, r->wide.va + i * FAR, 1) == 0;
    (void)budget_assume(own);
}

#define ROOM 100

static bool reader_make(struct reader *r, size_t places) {
    *r = (struct reader){.budget = budget_create(&root_budget)};
    return r->budget && budget_set_limit(r->budget, BUDGET_MEMORY, ROOM) == ZX_OK &&
           wide_make(&r->wide, r->budget, places);
}

KTEST("reclaim/a program that reaches its limit by reading holes goes on, without its tables") {
    struct reader r;
    struct wide bystander;
    NEED(reader_make(&r, 5 * ROOM) && wide_make(&bystander, &root_budget, 3) && wide_is_right(&bystander));
    EXPECT(run_in(r.wide.as, read_all, &r) && r.good == r.wide.places);
    EXPECT(budget_peak(r.budget, BUDGET_MEMORY) == ROOM && loaded(&bystander) == 3);
    wide_end(&r.wide);
    wide_end(&bystander);
    EXPECT(budget_used(r.budget, BUDGET_MEMORY) == 0);
    budget_leave(r.budget);
}

KTEST("reclaim/what the tables leave is too little: the fault fails, and nobody else's go for it") {
    struct reader r;
    struct wide bystander;
    NEED(reader_make(&r, 10) && wide_make(&bystander, &root_budget, 3) && wide_is_right(&bystander));
    struct budget *own = budget_assume(r.budget);
    struct page *most = page_alloc_contiguous(ROOM - 2, 0);
    (void)budget_assume(own);
    NEED(most);
    EXPECT(run_in(r.wide.as, read_all, &r) && r.good == 0 && loaded(&bystander) == 3);
    for (size_t i = 0; i < ROOM - 2; i++) page_free(most + i);
    EXPECT(run_in(r.wide.as, read_all, &r) && r.good == r.wide.places);
    wide_end(&r.wide);
    wide_end(&bystander);
    budget_leave(r.budget);
}

static void read_with_nothing_left(void *arg) {
    struct page *taken = memory_take_all();
    read_all(arg);
    memory_give_back(taken);
}

KTEST("reclaim/when the machine has no page left, a fault has the tables of others go") {
    struct reader r;
    struct wide hoarder;
    NEED(reader_make(&r, 3) && wide_make(&hoarder, &root_budget, PLACES) && wide_is_right(&hoarder));
    EXPECT(run_in(r.wide.as, read_with_nothing_left, &r) && r.good == r.wide.places && loaded(&hoarder) == 0);
    EXPECT(wide_is_right(&hoarder));
    wide_end(&r.wide);
    wide_end(&hoarder);
    budget_leave(r.budget);
}
