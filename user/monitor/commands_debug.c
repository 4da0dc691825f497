/*
 * Commands that debug a process, on the library that gdbserver stands on. One process is debugged at a time, from the
 * first of these commands that names it until `continue` has it run without breakpoints, or it ends.
 *
 * A process with breakpoints is waited for until one is met; Ctrl-C stops it where it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#include "user/lib/debug.h"
#include "user/lib/keyboard.h"
#include "user/monitor/children.h"
#include "user/monitor/command.h"
#include "user/monitor/say.h"
#include "user/monitor/target.h"

#define MAX_FRAMES 32
#define MAX_STEPS 1000000

static struct debug_process *debugged;
static char name[sizeof(struct printable_name)];

static void let_go(void) {
    debug_detach(debugged);
    debugged = NULL;
}

/* Attaches to the process unless it is the one that is debugged already. */
static bool debug_open(const struct word *word) {
    struct target target;
    if (!target_open(word, &target)) return false;
    if (debugged && debugged->koid == target.koid && !debugged->ended) {
        target_close(&target);
        return true;
    }
    if (debugged) let_go();
    if (target_is_monitor(&target)) {
        complain("That is this monitor, which cannot debug itself.\n");
        target_close(&target);
        return false;
    }
    zx_status_t status = debug_attach(target.process, &debugged);
    if (status == ZX_OK) {
        snprintf(name, sizeof(name), "%s", target.name);
        return true;
    }
    debugged = NULL;
    if (status == ZX_ERR_ALREADY_BOUND)
        complain("%s %llu has a debugger.\n", target.name, (unsigned long long)target.koid);
    else
        complain("%s %llu cannot be debugged: %s.\n", target.name, (unsigned long long)target.koid,
                 zx_status_get_string(status));
    return false;
}

/* --- telling --- */

static const char *reason_words(const struct debug_thread *t) {
    switch (t->reason) {
    case DEBUG_BREAKPOINT: return "is at a breakpoint";
    case DEBUG_STEPPED: return "has made its step";
    case DEBUG_TRAP: return "is behind a breakpoint of its own";
    case DEBUG_FAULT: return "has faulted";
    default: return "was stopped";
    }
}

static void tell_place(const struct debug_thread *t) {
    struct machine_place place;
    if (machine_place_get(t->handle, &place) != ZX_OK) return;
    say("%s %llu, thread %llu %s, at %#llx.\n", name, (unsigned long long)debugged->koid, (unsigned long long)t->koid,
        reason_words(t), (unsigned long long)place.pc);
}

/* Of the thread that has something to tell, or of the first. */
static struct debug_thread *thread_of_interest(void) {
    struct debug_thread *t = debugged->threads;
    while (t && t->reason == DEBUG_NOTHING) t = t->next;
    return t ? t : debugged->threads;
}

static bool has_ended(void) {
    if (!debugged->ended && debugged->threads) return false;
    say("%s %llu has ended.\n", name, (unsigned long long)debugged->koid);
    let_go();
    return true;
}

/* --- break --- */

static void run_break(const struct words *words) {
    zx_vaddr_t addr;
    if (!need_address(&words->items[2], &addr) || !debug_open(&words->items[1])) return;
    debug_stop(debugged);
    if (has_ended()) return;
    if (debug_break_find(debugged, addr)) {
        (void)debug_break_remove(debugged, addr);
        say("The breakpoint at %#llx is taken out.\n", (unsigned long long)addr);
        return;
    }
    zx_status_t status = debug_break_insert(debugged, addr);
    if (status == ZX_OK)
        say("%s %llu is stopped, and has a breakpoint at %#llx; `continue` has it go on.\n", name,
            (unsigned long long)debugged->koid, (unsigned long long)addr);
    else
        complain("No breakpoint can be at %#llx: %s.\n", (unsigned long long)addr, zx_status_get_string(status));
}

/* --- continue --- */

/* Each thread that stands at a breakpoint is first taken past it. */
static void step_over(void) {
    struct machine_place place;
    for (struct debug_thread *t = debugged->threads; t; t = t->next) {
        if (machine_place_get(t->handle, &place) != ZX_OK || !debug_break_find(debugged, place.pc)) continue;
        zx_koid_t koid = t->koid;
        (void)debug_step_alone(t);
        t = debug_thread_find(debugged, koid);
        if (!t) return;
    }
}

/* Until something is to be told; programs and keys are served meanwhile. */
static void await_stop(void) {
    while (!debugged->ended && !debug_news(debugged)) {
        if (keyboard_interrupted()) break;
        children_serve_until(debugged->channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED);
        debug_take(debugged);
    }
    debug_stop(debugged);
}

static void run_continue(const struct words *words) {
    if (!debug_open(&words->items[1])) return;
    debug_stop(debugged);
    if (has_ended()) return;
    if (!debugged->breaks) {
        say("%s %llu goes on, without breakpoints.\n", name, (unsigned long long)debugged->koid);
        return let_go();
    }
    step_over();
    debug_set_actions(debugged, DEBUG_GO);
    for (struct debug_thread *t = debugged->threads; t; t = t->next) t->pass = t->reason == DEBUG_FAULT;
    debug_go(debugged);
    await_stop();
    if (!has_ended()) tell_place(thread_of_interest());
}

/* --- step --- */

static void run_step(const struct words *words) {
    uint64_t count = 1;
    if (words->count > 2 && !need_number(&words->items[2], "COUNT", 1, MAX_STEPS, &count)) return;
    if (!debug_open(&words->items[1])) return;
    debug_stop(debugged);
    if (has_ended()) return;
    struct debug_thread *t = thread_of_interest();
    zx_koid_t koid = t->koid;
    for (uint64_t i = 0; i < count && t && !keyboard_interrupted(); i++) {
        if (!debug_step_alone(t)) break;
        t = debug_thread_find(debugged, koid);
    }
    if (!has_ended()) tell_place(thread_of_interest());
}

/* --- regs, where --- */

static void run_regs(const struct words *words) {
    if (!debug_open(&words->items[1])) return;
    debug_stop(debugged);
    if (has_ended()) return;
    const struct debug_thread *t = thread_of_interest();
    tell_place(t);
    machine_registers_show(t->handle);
}

static bool read_words(zx_vaddr_t addr, uint64_t words[2]) {
    size_t actual = 0;
    return debug_read(debugged, addr, words, 2 * sizeof(*words), &actual) == ZX_OK && actual == 2 * sizeof(*words);
}

/* By frame pointers, which programs here are compiled with or not: it ends where they make no sense. */
static void show_frames(const struct debug_thread *t) {
    struct machine_place place;
    uint64_t words[2];
    if (machine_place_get(t->handle, &place) != ZX_OK) return;
    say("  %#014llx\n", (unsigned long long)place.pc);
    zx_vaddr_t below = place.sp;
    for (unsigned i = 0; i < MAX_FRAMES && place.fp >= below && read_words(place.fp, words); i++) {
        if (words[1] == 0) break;
        say("  %#014llx  called it\n", (unsigned long long)words[1]);
        below = place.fp + 1;
        place.fp = words[0];
    }
}

static void run_where(const struct words *words) {
    if (!debug_open(&words->items[1])) return;
    debug_stop(debugged);
    if (has_ended()) return;
    for (const struct debug_thread *t = debugged->threads; t; t = t->next) {
        tell_place(t);
        show_frames(t);
    }
}

static const struct command commands[] = {
    {"break", "PID ADDR", "stops a process, and puts a breakpoint into it, or takes it out",
     "ADDR is an instruction's. Nobody else who runs the same program meets it.\n", 2, 2, run_break},
    {"continue", "PID", "has a stopped process go on, until a breakpoint",
     "Ctrl-C stops it. Without breakpoints it just goes on, and is debugged no more.\n", 1, 1, run_continue},
    {"step", "PID [COUNT]", "executes instructions of the stopped thread", "The other threads stand meanwhile.\n", 1, 2,
     run_step},
    {"regs", "PID", "stops a process, and shows the thread's registers", "", 1, 1, run_regs},
    {"where", "PID", "stops a process, and shows where its threads are",
     "And who called that, as far as frame pointers tell. `continue` has it go on.\n", 1, 1, run_where},
};
const struct command_family debug_commands = COMMAND_FAMILY("debugging", commands);
