/*
 * Misbehaviour on demand, so that the harness can be shown to notice. The option test.provoke names it:
 *
 *     panic      the kernel panics          hang    nothing happens any more
 *     wrong      a test fails               truncate    the tests end before the plan is fulfilled
 *     triple     the processor gives up and resets the machine
 *     stack      the kernel's stack overflows
 *     text       the kernel's text is written, by way of the physmap
 *     hole       what is no RAM is read, by way of the physmap
 *     skew       a new processor's counter of time is a second behind
 *     together   two processors panic at once, each at a place of its own
 *
 * and what debug kernels notice by themselves:
 *
 *     overflow   a number outgrows its type         fence       a byte behind an object of the heap is written
 *     stale      a freed object is written          twice       an object is freed twice
 *     link       and its very first word            page        a freed page is written
 */
#include <limits.h>

#include "arch/cpu.h"
#include "kernel/base/log.h"
#include "kernel/base/options.h"
#include "kernel/base/string.h"
#include "kernel/sched/thread.h"
#include "tests/kernel/harness.h"
#include "vm/budget.h"
#include "vm/heap.h"
#include "vm/kstack.h"
#include "vm/page.h"

NORETURN void triple_fault(void);

#define OBJECT_SIZE 100

static void overflow(void) {
    volatile int number = INT_MAX;
    number = number + 1;
}

static volatile char *object(void) {
    volatile char *bytes = heap_alloc(OBJECT_SIZE);
    CHECK(bytes);
    return bytes;
}

static void fence(void) {
    volatile char *bytes = object();
    bytes[OBJECT_SIZE] = 1;
    heap_free((void *)bytes);
}

static void write_freed(size_t at) {
    volatile char *bytes = object();
    heap_free((void *)bytes);
    bytes[at] = 1;
    heap_free((void *)object());
}

static void stale(void) { write_freed(OBJECT_SIZE / 2); }
static void link(void) { write_freed(sizeof(void *) - 1); }

static void twice(void) {
    volatile char *bytes = object();
    heap_free((void *)bytes);
    heap_free((void *)bytes);
}

/* The page is the last that was freed, and so the next that is given out. */
static void page(void) {
    struct page *freed = page_alloc();
    CHECK(freed);
    page_free(freed);
    *(volatile char *)page_data(freed) = 1;
    freed = page_alloc();
    CHECK(freed);
    page_free(freed);
}

/* Far more than any kernel stack holds. */
#define CALLS 10000

static unsigned call_deeply(unsigned calls) {
    volatile unsigned room = calls;
    return calls == 0 ? 0 : call_deeply(calls - 1) + room;
}

static void stack(void) { log_line("%u", call_deeply(CALLS)); }

static void panicking(void) { panic("provoked"); }
extern char kernel_start[]; /* linker.ld */

static void text(void) {
    volatile char *alias = arch_phys_to_virt((paddr_t){(uint64_t)kernel_start - KERNEL_IMAGE_BASE});
    CHECK(memcmp((const char *)alias, kernel_start, PAGE_SIZE) == 0);
    *alias ^= 0; /* the same byte, stored */
}

/* Where every PC has a screen's memory, if any. */
static void hole(void) { (void)*(volatile char *)arch_phys_to_virt((paddr_t){0xa0000}); }

/* Each waits for the other, and the registers then say who it was. */
static _Atomic unsigned there;
static struct thread other_thread;

static void meet(void) {
    arch_irq_disable();
    there++;
    while (there < 2) arch_pause();
}

static NOINLINE void panic_here(void) {
    meet();
    panic("here");
}

static NOINLINE void panic_there(void *arg UNUSED) {
    meet();
    panic("there");
}

static void together(void) {
    void *stack = kstack_alloc(&root_budget);
    CHECK(stack);
    thread_init(&other_thread, panic_there, NULL, NULL);
    thread_give_stack(&other_thread, stack, KSTACK_SIZE);
    thread_start(&other_thread);
    panic_here();
}

static void hang(void) {
    log_line("hangs");
    arch_irq_disable();
    arch_halt();
}

static const struct {
    const char *name;
    void (*act)(void);
} provocations[] = {
    {"panic", panicking}, {"triple", triple_fault}, {"truncate", kernel_tests_stop},
    {"hang", hang},       {"overflow", overflow},   {"fence", fence},
    {"stale", stale},     {"twice", twice},         {"link", link},
    {"page", page},       {"stack", stack},         {"together", together},
    {"text", text},       {"hole", hole},
};

KTEST("harness/nothing is provoked") {
    char name[16] = "";
    option_string("test.provoke", name, sizeof(name));
    for (size_t i = 0; i < countof(provocations); i++) {
        if (strcmp(name, provocations[i].name) == 0) provocations[i].act();
    }
    EXPECT(strcmp(name, "wrong") != 0);
}
