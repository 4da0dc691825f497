/*
 * What is given back to a budget stays counted, as spare: that no limit, no peak and no figure shows it, whichever
 * processor has it.
 */
#include "kernel/base/cpu.h"
#include "tests/kernel/support.h"
#include "vm/budget.h"

#define LIMIT 21

/* As if other processors had given it back. */
static void spare_of_others(struct budget *budget, enum budget_kind kind) {
    irq_off();
    const unsigned own = cpu_part();
    const uint32_t spare = budget->spare[own].of[kind];
    budget->spare[own].of[kind] = 0;
    budget->spare[(own + 1) % CPU_PARTS].of[kind] += spare;
    irq_restore();
}

KTEST("budget/what other processors gave back is neither used nor in the way of a limit, and the peak is exact") {
    struct budget *budget = budget_create(&root_budget);
    NEED(budget);
    for (enum budget_kind kind = BUDGET_HANDLES; kind < BUDGET_KINDS; kind++) {
        NEED(budget_set_limit(budget, kind, LIMIT) == ZX_OK);
        EXPECT(budget_charge(budget, kind, 10));
        budget_refund(budget, kind, 10);
        spare_of_others(budget, kind);
        EXPECT(budget_used(budget, kind) == 0 && budget_peak(budget, kind) == 10);
        EXPECT(budget_own_room(budget, kind) == LIMIT);
        EXPECT(budget_charge(budget, kind, 4) && budget_peak(budget, kind) == 10);
        EXPECT(budget_charge(budget, kind, 7) && budget_used(budget, kind) == 11 && budget_peak(budget, kind) == 11);
        budget_refund(budget, kind, 11);
        spare_of_others(budget, kind);
        EXPECT(budget_charge(budget, kind, LIMIT) && !budget_charge(budget, kind, 1));
        EXPECT(budget_peak(budget, kind) == LIMIT);
        budget_refund(budget, kind, LIMIT);
        EXPECT(budget_used(budget, kind) == 0);
    }
    budget_leave(budget);
}

KTEST("budget/a limit below what is used refuses what was just given back, until enough was") {
    struct budget *budget = budget_create(&root_budget);
    NEED(budget);
    for (enum budget_kind kind = BUDGET_HANDLES; kind < BUDGET_KINDS; kind++) {
        EXPECT(budget_charge(budget, kind, 10) && budget_set_limit(budget, kind, 5) == ZX_OK);
        for (uint64_t used = 10; used-- > 5;) {
            budget_refund(budget, kind, 1);
            EXPECT(budget_used(budget, kind) == used && !budget_charge(budget, kind, 1));
        }
        budget_refund(budget, kind, 1);
        EXPECT(budget_charge(budget, kind, 1) && !budget_charge(budget, kind, 1));
        budget_refund(budget, kind, 5);
        EXPECT(budget_used(budget, kind) == 0 && budget_peak(budget, kind) == 10);
    }
    budget_leave(budget);
}

KTEST("budget/more than is ever spare, given back together, is no longer counted") {
    const uint64_t many = 3 * BUDGET_SPARE_MOST;
    struct budget *budget = budget_create(&root_budget);
    NEED(budget && budget_charge(budget, BUDGET_HANDLES, many));
    budget_refund(budget, BUDGET_HANDLES, many);
    EXPECT(budget->counts[BUDGET_HANDLES].used == 0 && budget_peak(budget, BUDGET_HANDLES) == many);
    for (uint64_t i = 0; i < many; i++) EXPECT(budget_charge(budget, BUDGET_HANDLES, 1));
    for (uint64_t i = 0; i < many; i++) budget_refund(budget, BUDGET_HANDLES, 1);
    EXPECT(budget_used(budget, BUDGET_HANDLES) == 0);
    budget_leave(budget);
}

KTEST("budget/what must not fail goes beyond a limit by the overdraft, however much is spare when that is set") {
    struct budget *budget = budget_create(&root_budget);
    NEED(budget && budget_charge(budget, BUDGET_HANDLES, 100));
    budget_refund(budget, BUDGET_HANDLES, 100);
    NEED(budget_set_limit(budget, BUDGET_HANDLES, LIMIT) == ZX_OK && budget_charge(budget, BUDGET_HANDLES, LIMIT));
    EXPECT(budget_overdraw(budget, BUDGET_HANDLES, BUDGET_OVERDRAFT) && !budget_overdraw(budget, BUDGET_HANDLES, 1));
    EXPECT(budget_used(budget, BUDGET_HANDLES) == LIMIT + BUDGET_OVERDRAFT);
    budget_refund(budget, BUDGET_HANDLES, LIMIT + BUDGET_OVERDRAFT);
    budget_leave(budget);
}
