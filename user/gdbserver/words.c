/* `monitor …`: what a person can ask the server itself. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/base/printable.h"
#include "user/gdbserver/maps.h"
#include "user/gdbserver/server.h"
#include "user/lib/launch.h"
#include "user/lib/process_find.h"

#define MAX_LISTED 256

static void show(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void show(const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len > 0) session_show(text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
}

static struct printable_name name_of(zx_handle_t handle) {
    char name[ZX_MAX_NAME_LEN] = "";
    (void)zx_object_get_property(handle, ZX_PROP_NAME, name, sizeof(name));
    return printable_name(name);
}

static void ps(const char *words) {
    struct processes all;
    (void)words;
    processes_open(&all);
    for (size_t i = 0; i < all.count; i++)
        show("%7llu  %s%s\n", (unsigned long long)all.list[i].koid, name_of(all.list[i].process).text,
             process_named((int64_t)all.list[i].koid) ? "  (debugged)" : "");
    processes_close(&all);
}

static void maps(const char *words) {
    struct debug_process *p = process_general();
    size_t len;
    (void)words;
    char *text = p ? maps_text(p, true, &len) : NULL;
    if (text)
        session_show(text, len);
    else
        show("No process is debugged.\n");
    free(text);
}

static void handles(const char *words) {
    static zx_info_vmo_t vmos[MAX_LISTED];
    struct debug_process *p = process_general();
    zx_info_process_handle_stats_t stats;
    size_t count = 0;
    (void)words;
    if (!p || zx_object_get_info(p->handle, ZX_INFO_PROCESS_HANDLE_STATS, &stats, sizeof(stats), NULL, NULL) != ZX_OK)
        return show("No process is debugged.\n");
    for (unsigned type = 1; type < ZX_OBJ_TYPE_UPPER_BOUND; type++) {
        if (stats.handle_count[type] > 0) show("%5u of type %u\n", stats.handle_count[type], type);
    }
    (void)zx_object_get_info(p->handle, ZX_INFO_PROCESS_VMOS, vmos, sizeof(vmos), &count, NULL);
    for (size_t i = 0; i < count; i++) {
        if (vmos[i].flags & ZX_INFO_VMO_VIA_HANDLE)
            show("      memory object %llu, %s, rights %#x\n", (unsigned long long)vmos[i].koid,
                 printable_name(vmos[i].name).text, vmos[i].handle_rights);
    }
}

/* Handles, and bytes of memory that no other process has mapped. */
static void usage(zx_koid_t koid, zx_handle_t process) {
    zx_info_process_handle_stats_t stats;
    zx_info_task_stats_t memory;
    unsigned count = 0;
    zx_status_t status = zx_object_get_info(process, ZX_INFO_PROCESS_HANDLE_STATS, &stats, sizeof(stats), NULL, NULL);
    if (status == ZX_OK) status = zx_object_get_info(process, ZX_INFO_TASK_STATS, &memory, sizeof(memory), NULL, NULL);
    for (unsigned type = 0; status == ZX_OK && type < ZX_OBJ_TYPE_UPPER_BOUND; type++)
        count += stats.handle_count[type];
    if (status == ZX_OK)
        show("%7llu  %s: %u handles, %zu bytes of its own\n", (unsigned long long)koid, name_of(process).text, count,
             memory.mem_private_bytes);
}

/* To a byte: what two looks differ by was not given back. */
static void memory(const char *words) {
    struct processes all;
    zx_info_kmem_stats_t m;
    (void)words;
    if (zx_object_get_info(launch_resource(), ZX_INFO_KMEM_STATS, &m, sizeof(m), NULL, NULL) != ZX_OK)
        return show("The system does not tell.\n");
    show("Bytes in use: %llu of the kernel's heap, %llu memory objects, %llu page tables, %llu other.\n",
         (unsigned long long)(m.total_heap_bytes - m.free_heap_bytes), (unsigned long long)m.vmo_bytes,
         (unsigned long long)m.mmu_overhead_bytes, (unsigned long long)m.other_bytes);
    processes_open(&all);
    for (size_t i = 0; i < all.count; i++) usage(all.list[i].koid, all.list[i].process);
    processes_close(&all);
}

static void toggle(bool *what, const char *words, const char *sentence) {
    if (strcmp(words, "on") == 0) *what = true;
    if (strcmp(words, "off") == 0) *what = false;
    show("%s: %s.\n", sentence, *what ? "on" : "off");
}

static void second_chance(const char *words) {
    toggle(&session.second_chance, words, "Faults go to the program's own handlers first");
}

static void leave(const char *words) {
    (void)words;
    server_end = true;
}

static void help(const char *words);

static const struct words {
    const char *name, *summary;
    void (*run)(const char *words);
} table[] = {
    {"help", "lists these commands", help},
    {"ps", "lists processes; `attach` takes their numbers", ps},
    {"maps", "lists the process's mappings", maps},
    {"handles", "counts its handles by type, and names its memory objects", handles},
    {"memory", "tells what memory is in use, and each process's handles and memory", memory},
    {"second-chance", "on|off: faults go to the program's own handlers first", second_chance},
    {"exit", "ends the server, and with it the machine if nothing else runs", leave},
};
#define COUNT (sizeof(table) / sizeof(table[0]))

static void help(const char *words) {
    (void)words;
    for (size_t i = 0; i < COUNT; i++) show("%-14s %s\n", table[i].name, table[i].summary);
}

bool monitor_command(const char *line) {
    size_t len = strcspn(line, " ");
    for (size_t i = 0; i < COUNT; i++) {
        if (strlen(table[i].name) != len || strncmp(table[i].name, line, len) != 0) continue;
        table[i].run(line + len + strspn(line + len, " "));
        return true;
    }
    show("There is no such command; `monitor help` lists them.\n");
    return true;
}
