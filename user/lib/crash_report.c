/* A report is built up in a struct scene: all that is known of the process at the moment of its crash. */
#include "user/lib/crash_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/base/printable.h"
#include "user/lib/crash_machine.h"

#define STACK_NEAR ((uint64_t)64 << 10) /* below a stack: how far a frame reaches that runs out of it */

struct scene {
    const struct crash *crash;
    crash_line *line;
    struct process_maps maps;
    struct module module;
    bool has_module, has_regs;
    zx_thread_state_general_regs_t regs;
    struct crash_fault fault;
};

__attribute__((format(printf, 2, 3))) static void say(const struct scene *s, const char *format, ...) {
    char text[CRASH_LINE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    s->line(text);
}

static struct printable_name name_of(zx_handle_t handle) {
    char name[ZX_MAX_NAME_LEN];
    if (zx_object_get_property(handle, ZX_PROP_NAME, name, sizeof(name)) != ZX_OK) name[0] = '\0';
    return printable_name(name);
}

static bool scene_get(struct scene *s, zx_handle_t archive) {
    zx_exception_report_t report;
    zx_handle_t thread = s->crash->thread;
    zx_status_t status =
        zx_object_get_info(thread, ZX_INFO_THREAD_EXCEPTION_REPORT, &report, sizeof(report), NULL, NULL);
    if (status != ZX_OK) return false;
    s->fault = crash_machine_fault(&report);
    s->has_regs = zx_thread_read_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &s->regs, sizeof(s->regs)) == ZX_OK;
    if (process_maps_get(s->crash->process, &s->maps) == ZX_OK)
        s->has_module = module_find(archive, &s->maps, &s->module);
    return true;
}

/* --- mappings --- */

static const char *perms_text(const zx_info_maps_t *map, char out[4]) {
    uint32_t perms = map->u.mapping.mmu_flags;
    out[0] = perms & ZX_VM_PERM_READ ? 'r' : '-';
    out[1] = perms & ZX_VM_PERM_WRITE ? 'w' : '-';
    out[2] = perms & ZX_VM_PERM_EXECUTE ? 'x' : '-';
    out[3] = '\0';
    return out;
}

static struct printable_name map_name(const zx_info_maps_t *map) {
    return printable_name(*map->name ? map->name : "unnamed");
}

static void say_map(const struct scene *s, const zx_info_maps_t *map, zx_vaddr_t addr) {
    char perms[4];
    if (!map) return;
    unsigned long long base = map->base, end = base + map->size;
    say(s, "%s 0x%012llx-0x%012llx %s %s", addr - map->base < map->size ? " >" : "  ", base, end,
        perms_text(map, perms), map_name(map).text);
}

/* The mapping at an address, or `>` at the hole, with those on either side. */
static void say_around(const struct scene *s, const char *what, zx_vaddr_t addr) {
    const zx_info_maps_t *map = process_maps_find(&s->maps, addr);
    say(s, "mapped around %s %#llx:", what, (unsigned long long)addr);
    say_map(s, process_maps_below(&s->maps, addr), addr);
    if (map)
        say_map(s, map, addr);
    else
        say(s, " > nothing");
    say_map(s, process_maps_above(&s->maps, addr), addr);
}

/* --- what happened --- */

static const uint32_t needed[] = {
    [CRASH_READS] = ZX_VM_PERM_READ, [CRASH_WRITES] = ZX_VM_PERM_WRITE, [CRASH_EXECUTES] = ZX_VM_PERM_EXECUTE};
static const char *const does[] = {[CRASH_READS] = "reads", [CRASH_WRITES] = "writes", [CRASH_EXECUTES] = "executes"};
static const char *const done[] = {[CRASH_READS] = "read", [CRASH_WRITES] = "written", [CRASH_EXECUTES] = "executed"};

static void say_hole(const struct scene *s, zx_vaddr_t addr) {
    const zx_info_maps_t *above = process_maps_above(&s->maps, addr);
    bool stack = above && strcmp(above->name, "stack") == 0 && above->base - addr <= STACK_NEAR;
    say(s, "it %s %#llx, where nothing is mapped%s", does[s->fault.access], (unsigned long long)addr,
        stack ? ": its stack, which begins above that, has run out" : "");
}

static void say_reason(const struct scene *s) {
    zx_vaddr_t addr = s->fault.addr;
    char perms[4];
    const zx_info_maps_t *map = process_maps_find(&s->maps, addr);
    if (!map) return say_hole(s, addr);
    if (map->u.mapping.mmu_flags & needed[s->fault.access])
        say(s, "it %s %#llx, where the mapping has no memory behind it: %s %s", does[s->fault.access],
            (unsigned long long)addr, perms_text(map, perms), map_name(map).text);
    else
        say(s, "it %s %#llx, where the mapping cannot be %s: %s %s", does[s->fault.access], (unsigned long long)addr,
            done[s->fault.access], perms_text(map, perms), map_name(map).text);
}

static void say_head(const struct scene *s) {
    const struct crash *crash = s->crash;
    say(s, "%s %llu crashed in thread %s %llu: %s", name_of(crash->process).text, (unsigned long long)crash->info.pid,
        name_of(crash->thread).text, (unsigned long long)crash->info.tid, s->fault.what);
    if (s->fault.at_address) say_reason(s);
}

/* --- where --- */

static void say_frame(const struct scene *s, const struct frame *frames, size_t i) {
    struct symbol symbol;
    char name[SYMBOL_NAME_MAX + 24] = "?", linked[32] = "";
    if (s->has_module && symbol_find(&s->module, frame_address(frames, i), &symbol))
        snprintf(name, sizeof(name), "%s+%#llx", symbol.name, (unsigned long long)(frames[i].pc - symbol.start));
    if (s->has_module && s->module.moved != 0 && frames[i].pc - s->module.base <= s->module.end - s->module.base)
        snprintf(linked, sizeof(linked), " linked at %#llx", (unsigned long long)(frames[i].pc - s->module.moved));
    say(s, "  #%zu 0x%012llx %s%s%s", i, (unsigned long long)frames[i].pc, name, frames[i].guessed ? ", perhaps" : "",
        linked);
}

static void say_frames(const struct scene *s) {
    struct frame frames[CRASH_FRAMES_MAX];
    const struct frame_place place = crash_machine_place(&s->regs);
    size_t count =
        backtrace(s->crash->process, &s->maps, s->has_module ? &s->module : NULL, &place, frames, CRASH_FRAMES_MAX);
    say(s, "backtrace:");
    for (size_t i = 0; i < count; i++) say_frame(s, frames, i);
    if (count == CRASH_FRAMES_MAX) say(s, "  and so on");
}

void crash_report(const struct crash *crash, zx_handle_t archive, crash_line *line) {
    struct scene s = {.crash = crash, .line = line};
    if (!scene_get(&s, archive)) return;
    say_head(&s);
    if (s.has_regs) {
        say_frames(&s);
        say(&s, "registers:");
        crash_machine_registers(&s.regs, line);
        say_around(&s, "the pc,", crash_machine_place(&s.regs).pc);
    }
    if (s.fault.at_address) say_around(&s, "the address,", s.fault.addr);
    process_maps_free(&s.maps);
}
