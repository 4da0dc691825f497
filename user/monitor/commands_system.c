/* Commands about the machine: its memory, and time. */
#include <stdio.h>
#include <string.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#include "user/lib/launch.h"
#include "user/monitor/command.h"
#include "user/monitor/format.h"
#include "user/monitor/say.h"

#define BAR_WIDTH 40

static void show_share(const char *what, uint64_t bytes, uint64_t total) {
    char bar[BAR_WIDTH + 1] = "";
    size_t len = total ? (size_t)((bytes * BAR_WIDTH + total - 1) / total) : 0;
    memset(bar, '#', len < BAR_WIDTH ? len : BAR_WIDTH);
    say("  %-26s %6s  %s\n", what, format_size(bytes), bar);
}

static void run_free(const struct words *words) {
    (void)words;
    zx_info_kmem_stats_t m;
    zx_status_t status = zx_object_get_info(launch_resource(), ZX_INFO_KMEM_STATS, &m, sizeof(m), NULL, NULL);
    if (status != ZX_OK) {
        complain("The system does not tell: %s.\n", zx_status_get_string(status));
        return;
    }
    say("Of %s of memory\n", format_size(m.total_bytes));
    show_share("free", m.free_bytes, m.total_bytes);
    show_share("memory objects of programs", m.vmo_bytes, m.total_bytes);
    show_share("page tables", m.mmu_overhead_bytes, m.total_bytes);
    show_share("the kernel's heap", m.total_heap_bytes, m.total_bytes);
    show_share("the kernel, other", m.wired_bytes + m.other_bytes, m.total_bytes);
}

static void run_time(const struct words *words) {
    static struct words rest;
    if (strcmp(words->items[1].text, "time") == 0) {
        complain("A time of a time is not to be had.\n");
        return;
    }
    words_rest(words, &rest);
    zx_time_t start = zx_clock_get_monotonic();
    command_run(&rest);
    double ms = (double)(zx_clock_get_monotonic() - start) / (double)ZX_MSEC(1);
    say("That took %.*f ms.\n", ms < 10 ? 2 : 0, ms);
}

static const struct command commands[] = {
    {"free", "", "shows what physical memory is used for", "", 0, 0, run_free},
    {"time", "COMMAND", "runs a command, and tells how long it took", "For example: time run hello\n", 1, WORDS_MAX,
     run_time},
};
const struct command_family system_commands = COMMAND_FAMILY("the machine", commands);
