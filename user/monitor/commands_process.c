/* Commands about processes: which there are, and their lives. */
#include <stdio.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#include "kernel/base/printable.h"
#include "user/lib/launch.h"
#include "user/lib/process_find.h"
#include "user/monitor/children.h"
#include "user/monitor/command.h"
#include "user/monitor/format.h"
#include "user/monitor/programs.h"
#include "user/monitor/say.h"
#include "user/monitor/target.h"

#define MAX_LISTED 1024

/* ps */

static struct printable_name name_get(zx_handle_t handle) {
    char name[ZX_MAX_NAME_LEN];
    if (zx_object_get_property(handle, ZX_PROP_NAME, name, sizeof(name)) != ZX_OK) name[0] = '\0';
    return printable_name(name);
}

static void show_thread(zx_handle_t process, zx_koid_t koid) {
    zx_handle_t thread;
    zx_signals_t signals = 0;
    if (zx_object_get_child(process, koid, ZX_RIGHT_SAME_RIGHTS, &thread) != ZX_OK) return;
    zx_object_wait_one(thread, 0, 0, &signals);
    say("%7llu    thread %-20s %s\n", (unsigned long long)koid, name_get(thread).text,
        signals & ZX_THREAD_RUNNING ? "running" : "ended");
    zx_handle_close(thread);
}

static const char *process_state(zx_handle_t process) {
    zx_info_process_t info;
    if (zx_object_get_info(process, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL) != ZX_OK) return "?";
    return info.exited ? "ended" : info.started ? "running" : "not started";
}

static void show_process(zx_handle_t process, zx_koid_t koid) {
    static zx_koid_t threads[MAX_LISTED];
    zx_info_task_stats_t memory;
    size_t count = 0, avail = 0;
    say("%7llu  %-28s %-11s", (unsigned long long)koid, name_get(process).text, process_state(process));
    if (zx_object_get_info(process, ZX_INFO_TASK_STATS, &memory, sizeof(memory), NULL, NULL) == ZX_OK)
        say(" %8s %8s %8s", format_size(memory.mem_private_bytes), format_size(memory.mem_shared_bytes),
            format_size(memory.mem_mapped_bytes));
    say("\n");
    zx_object_get_info(process, ZX_INFO_PROCESS_THREADS, threads, sizeof(threads), &count, &avail);
    for (size_t i = 0; i < count; i++) show_thread(process, threads[i]);
    if (avail > count) say("           and %zu more threads\n", avail - count);
}

static void run_ps(const struct words *words) {
    (void)words;
    struct processes all;
    processes_open(&all);
    say("   KOID  %-28s %-11s %8s %8s %8s\n", "NAME", "STATE", "PRIVATE", "SHARED", "MAPPED");
    for (size_t i = 0; i < all.count; i++) show_process(all.list[i].process, all.list[i].koid);
    processes_close(&all);
}

static void run_programs(const struct words *words) {
    (void)words;
    programs_say();
}

/* run, start, privileged */

static void run_run(const struct words *words) { child_run(words, true); }
static void run_start(const struct words *words) { child_start(words, true); }

static void run_privileged(const struct words *words) {
    static struct words rest;
    words_rest(words, &rest);
    if (strcmp(rest.items[0].text, "run") == 0)
        child_run(&rest, false);
    else if (strcmp(rest.items[0].text, "start") == 0)
        child_start(&rest, false);
    else
        complain("Only `run` and `start` can be privileged.\n");
}

/* kill, wait */

/* Tells how it ended. Of a program that was started here the loop tells it, as it would without being asked. */
static void wait_target(const struct target *target) {
    zx_info_process_t info;
    bool ours = child_is_ours(target->koid);
    if (!child_wait(target->process)) return;
    if (ours) return children_look();
    zx_status_t status = zx_object_get_info(target->process, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL);
    if (status != ZX_OK) return target_complain(target, "It cannot be asked how it ended", status);
    say("%s %llu %s\n", target->name, (unsigned long long)target->koid, process_end_words(info.return_code));
}

static void run_kill(const struct words *words) {
    struct target target;
    if (!target_open(&words->items[1], &target)) return;
    if (target_is_monitor(&target)) {
        complain("That is this monitor; `exit` ends it.\n");
    } else if (target_is_init(&target)) {
        complain("With init the whole machine ends; `exit` does that.\n");
    } else {
        zx_status_t status = zx_task_kill(target.process);
        if (status == ZX_OK)
            wait_target(&target);
        else
            target_complain(&target, "It cannot be killed", status);
    }
    target_close(&target);
}

static void run_wait(const struct words *words) {
    struct target target;
    if (!target_open(&words->items[1], &target)) return;
    if (target_is_monitor(&target) || target_is_init(&target))
        complain("%s does not end before this monitor does.\n", target.name);
    else
        wait_target(&target);
    target_close(&target);
}

/* handles */

static void show_own_handle(const char *what, zx_handle_t handle) {
    zx_info_handle_basic_t info;
    if (zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL) != ZX_OK) return;
    say("  %-14s koid %llu, by handle 0x%08x\n", what, (unsigned long long)info.koid, handle);
    show_rights(info.rights);
}

/* A process sees all of its own handles; those it was given when it started are worth a look. */
static void show_own(void) {
    say("What this monitor was given when it started:\n");
    show_own_handle("process", zx_process_self());
    show_own_handle("thread", zx_thread_self());
    show_own_handle("address space", zx_vmar_root_self());
    show_own_handle("job", zx_job_default());
    show_own_handle("boot archive", launch_archive());
    show_own_handle("root resource", launch_resource());
}

static void show_vmo(const zx_info_vmo_t *vmo) {
    say("  %-14s koid %llu, %s, %s committed\n", *vmo->name ? printable_name(vmo->name).text : "unnamed",
        (unsigned long long)vmo->koid, format_size(vmo->size_bytes), format_size(vmo->committed_bytes));
    show_rights(vmo->handle_rights);
}

static void show_handles(const struct target *target) {
    static zx_info_vmo_t vmos[MAX_LISTED];
    zx_info_handle_count_t held;
    size_t count = 0, avail = 0, shown = 0;
    zx_status_t status = zx_object_get_info(target->process, ZX_INFO_HANDLE_COUNT, &held, sizeof(held), NULL, NULL);
    if (status == ZX_OK)
        status = zx_object_get_info(target->process, ZX_INFO_PROCESS_VMOS, vmos, sizeof(vmos), &count, &avail);
    if (status != ZX_OK) return target_complain(target, "It cannot be asked", status);
    /* One of them was made for this command. */
    say("Handles to %s %llu, its own and others': %u.\n", target->name, (unsigned long long)target->koid,
        held.handle_count - 1);
    say("It holds these memory objects by handles:\n");
    for (size_t i = 0; i < count; i++) {
        if (!(vmos[i].flags & ZX_INFO_VMO_VIA_HANDLE)) continue;
        show_vmo(&vmos[i]);
        shown++;
    }
    if (avail > count) say("  and among %zu more\n", avail - count);
    if (shown == 0 && avail == count) say("  none\n");
}

static void run_handles(const struct words *words) {
    struct target target;
    if (words->count == 1) return show_own();
    if (!target_open(&words->items[1], &target)) return;
    if (target_is_monitor(&target))
        show_own();
    else
        show_handles(&target);
    target_close(&target);
}

static const struct command commands[] = {
    {"ps", "", "lists processes, their threads, and their memory",
     "PRIVATE is memory in use that no other process maps, SHARED what others map too, MAPPED the size of all "
     "that is mapped, used or not. Each process is followed by its threads.\n",
     0, 0, run_ps},
    {"programs", "", "lists the programs that can be run",
     "They are those under bin/ of the boot archive that people run; what the system itself consists of is not among "
     "them.\n",
     0, 0, run_programs},
    {"run", "NAME [ARGS]", "runs a program and waits for its end",
     "Ctrl-C kills it. It reads what you type, by lines; Ctrl-D at the beginning of a line ends its input. "
     "It has a job of its own, and neither sees nor changes what is outside; see `help privileged`.\n",
     1, WORDS_MAX, run_run},
    {"start", "NAME [ARGS]", "starts a program in the background",
     "What it prints has its name and koid before each line. It has no input. Its end is told when it comes.\n", 1,
     WORDS_MAX, run_start},
    {"privileged", "run|start NAME", "starts a program with all that this monitor has",
     "It gets the root job and the root resource: it can open and kill every process, and has the whole machine.\n", 2,
     WORDS_MAX, run_privileged},
    {"wait", "PID", "waits until a process ends", "Ctrl-C ends the wait, not the process.\n", 1, 1, run_wait},
    {"kill", "PID", "kills a process", "It gets the return code -1024. Its children live on.\n", 1, 1, run_kill},
    {"handles", "[PID]", "shows handles and their rights",
     "Of another process the system tells how many handles there are to it, and which memory objects it holds, "
     "with the rights of those handles. Without PID: this monitor's own.\n",
     0, 1, run_handles},
};
const struct command_family process_commands = COMMAND_FAMILY("processes", commands);
