/*
 * How a schedule ended, as a text: what each call returned and stored, what every process can see, and what nobody
 * should be able to see. Equal texts mean equal ends. What may differ between orders that are all right is left out:
 * koids, handle values, addresses that the kernel chose.
 *
 * On the way it checks what must hold in every end: no thread waits for what the kernel itself should have done, and
 * no translation, of the tables or of any processor, shows another page than a fault would find now.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/object/channel.h"
#include "kernel/object/port.h"
#include "tests/host/explore/explore.h"
#include "tests/host/explore/stage.h"

#define KEYS 10u /* of packets, which the acts choose */
#define MAX_TEXT 16384
#define MAX_LINES 256

static char text[MAX_TEXT];
static size_t length;

const char *outcome_text(void) { return text; }

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...) {
    va_list args;
    va_start(args, format);
    length += (size_t)vsnprintf(text + length, sizeof(text) - length, format, args);
    va_end(args);
    if (length >= sizeof(text)) abort();
}

/* --- names --- */

static const char *name_of(const struct object *object) {
    for (unsigned i = 0; i < stage.known_count; i++) {
        if (stage.known[i].object == object && stage.known[i].koid == object->koid) return stage.known[i].name;
    }
    return "new";
}

/* --- memory --- */

/* Bytes that show what is there: where acts write, and where pages begin and end. */
static void tell_bytes(const char *page, size_t size) {
    static const unsigned places[] = {0, 8, 16, 24, 64, ZX_PAGE_SIZE - 8};
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]) && places[i] < size; i++) {
        const char *word = page + places[i];
        bool same = true;
        for (unsigned j = 1; j < 8; j++) same &= word[j] == word[0];
        if (same && word[0] >= '0' && word[0] <= 'z')
            tell("%c", word[0]);
        else if (same && !word[0])
            tell(".");
        else
            for (unsigned j = 0; j < 8; j++) tell("%s%02x", j ? "" : "<", (unsigned char)word[j]);
        if (!same) tell(">");
    }
}

static void tell_vmo(struct vmo *vmo) {
    struct vmo *store = vmo->store;
    uint64_t size = vmo_size(vmo), own = vmo_committed_bytes(vmo, 0, size);
    tell("%lu bytes, %lu own, policy %u, %zu children, %zu mappings", size, own, store->cache_policy,
         vmo_child_count(vmo), vmo->mapping_count);
    if (store == vmo && pagetree_count(&vmo->pages, vmo_page_index(vmo, size), PAGES(1)) > 0)
        explore_failed("pages are left behind a VMO's end");
    for (uint64_t offset = 0; offset < size; offset += ZX_PAGE_SIZE) {
        struct vmo_page page;
        mutex_lock(&store->lock);
        zx_status_t status = vmo_get_page(store, vmo->store_offset + offset, false, &page);
        mutex_unlock(&store->lock);
        if (status != ZX_OK) explore_failed("page %lu of a VMO cannot be had: %d", offset / ZX_PAGE_SIZE, status);
        tell(" |");
        tell_bytes(arch_phys_to_virt(page.pa), ZX_PAGE_SIZE);
    }
}

/* A translation must show the page that a fault would find, and allow no more than that would. */
static bool translation_holds(vaddr_t va, paddr_t pa, unsigned prot, void *arg) NO_THREAD_SAFETY {
    const struct mapping *m = aspace_find(arg, va);
    struct vmo_page page;
    uint64_t offset = m ? m->offset + (va - m->region.base) : 0;
    if (!m) explore_failed("a translation at %#lx is left where nothing is mapped", va);
    if (offset >= m->vmo->size) explore_failed("a translation at %#lx is left behind the VMO's end", va);
    if (vmo_get_page(m->vmo->store, m->vmo->store_offset + offset, false, &page) != ZX_OK) abort();
    if (page.pa.raw != pa.raw) explore_failed("a translation at %#lx shows a page that is no longer there", va);
    if ((prot & MMU_WRITE) && !(page.writable && (m->perms & PERM_WRITE)))
        explore_failed("a translation at %#lx allows to write what must not be written", va);
    return true;
}

static void tell_region(struct region *r) {
    if (r->base >= SCRATCH) return;
    if (r->kind == REGION_VMAR) {
        struct vmar *vmar = vmar_from_region(r);
        tell("    VMAR %#lx, %zu pages\n", r->base, r->len / ZX_PAGE_SIZE);
        for (struct region *c = region_first(&vmar->children); c; c = region_next(c)) tell_region(c);
        return;
    }
    const struct mapping *m = mapping_from_region(r);
    tell("    %#lx, %zu pages, permissions %u of %u%s, from %#lx of %s: ", r->base, r->len / ZX_PAGE_SIZE, m->perms,
         m->ceiling, m->private ? ", private" : "", m->offset, name_of(&m->vmo->object));
    tell_vmo(m->vmo);
    tell("\n");
}

static void tell_aspace(struct aspace *as) NO_THREAD_SAFETY {
    if (as->state == ASPACE_DEAD) return;
    (void)!arch_mmu_visit(&as->arch, translation_holds, as);
    tlb_visit(&as->arch, translation_holds, as);
    for (struct region *r = region_first(&as->root->children); r; r = region_next(r)) tell_region(r);
}

/* --- handles --- */

/* How many are in the port of each key, in whatever order: it is empty afterwards. */
static void tell_packets(struct object *port) {
    zx_port_packet_t packet;
    unsigned counts[KEYS] = {0};
    while (port_wait(port, 0, &packet) == ZX_OK) counts[packet.key % KEYS]++;
    for (unsigned key = 0; key < KEYS; key++) {
        if (counts[key] > 0) tell(", %u packets %u", counts[key], key);
    }
}

/* What an object that has only been made shows of itself. */
static void tell_object(struct object *object, zx_rights_t rights) {
    tell("    %s, type %u, rights %#x, %lu handles, signals %#x", name_of(object), object->ops->type, rights,
         atomic_load(&object->handles), object_signals(object));
    if (object->ops->type == ZX_OBJ_TYPE_VMO) {
        tell(": ");
        tell_vmo(vmo_from_object(object));
    } else if (object->ops->type == ZX_OBJ_TYPE_PROCESS) {
        tell(", state %d, policy %#lx", atomic_load(&process_from_object(object)->state),
             process_from_object(object)->handles.policy.choices);
    } else if (object->ops->type == ZX_OBJ_TYPE_JOB) {
        tell(", policy %#lx", job_from_object(object)->policy.choices);
    } else if (object->ops->type == ZX_OBJ_TYPE_VMAR) {
        tell(vmar_from_object(object)->dead ? ", dead" : "");
    } else if (object->ops->type == ZX_OBJ_TYPE_CHANNEL) {
        tell(", %lu messages", channel_pending(object));
    } else if (object->ops->type == ZX_OBJ_TYPE_PORT) {
        tell_packets(object);
    }
    tell("\n");
}

static int compare_lines(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* In which slot a handle is depends on the order; so the lines are sorted. */
static void sort_lines(size_t from) {
    static char copy[MAX_TEXT];
    char *lines[MAX_LINES];
    unsigned count = 0;
    memcpy(copy, text + from, length - from + 1);
    for (char *line = strtok(copy, "\n"); line && count < MAX_LINES; line = strtok(NULL, "\n")) lines[count++] = line;
    qsort(lines, count, sizeof(lines[0]), compare_lines);
    length = from;
    for (unsigned i = 0; i < count; i++) tell("%s\n", lines[i]);
}

static void tell_handles(struct handle_table *table) {
    struct handle handle;
    size_t from = length;
    for (uint32_t index = 0; handle_next(table, &index, &handle);) {
        tell_object(handle.object, handle.rights);
        object_unref(handle.object);
    }
    sort_lines(from);
}

/* --- tasks --- */

/* Nobody waits for a lock that nobody holds, and nobody who could run is forgotten. */
static const char *how_it_stands(const struct user_thread *thread) {
    switch (thread->thread.state) {
    case THREAD_RUNNING: return "runs";
    case THREAD_DEAD: return "ended";
    case THREAD_BLOCKED:
        if (thread->thread.wait_kind == WAIT_INTERRUPTIBLE) return "waits";
        if (thread->parked && (arch_attention(&thread->thread.arch) & ATTENTION_KILL))
            explore_failed("a thread that was killed stays parked");
        if (thread->parked) return thread->exception ? "is in an exception" : "is suspended";
        explore_failed("deadlock: a thread waits for what only the kernel could do");
    default: explore_failed("a thread is ready to run, and no processor runs it");
    }
}

static void tell_actor(const struct actor *a) {
    char page[ZX_PAGE_SIZE];
    struct vmo_page scratch;
    /* What a call returned nobody learns if the program has ended. */
    bool told = a->done && !process_is_dying(a->process);
    tell("%s: ", a->act->name);
    if (told)
        tell("%d", a->status);
    else
        tell("%s", how_it_stands(a->thread));
    tell(", then %s; signals %#x", how_it_stands(a->thread), object_signals(&a->thread->object));
    mutex_lock(&stage.scratch->lock);
    if (vmo_get_page(stage.scratch, PAGES(a->index), false, &scratch) != ZX_OK) abort();
    memcpy(page, arch_phys_to_virt(scratch.pa), sizeof(page));
    mutex_unlock(&stage.scratch->lock);
    if (told && (a->act->flags & ACT_OUTS)) {
        for (unsigned i = 0; i < OUTS; i++) tell(" %lx", ((const uint64_t *)(const void *)page)[i]);
    }
    if (told && (a->act->flags & ACT_READS)) {
        tell(" read ");
        tell_bytes(page + (READ_INTO(a) - SCRATCH_OF(a)), READ_MAX);
    }
    tell("\n");
}

static void tell_process(struct actor *a) {
    struct process_info info;
    process_get_info(a->process, &info);
    enum process_state state = atomic_load(&a->process->state);
    tell("  process of %s: state %d, signals %#x", a->act->name, state, object_signals(&a->process->object));
    if (state >= PROCESS_DYING) tell(", return code %ld", info.return_code);
    tell("\n");
    tell_aspace(a->process->aspace);
    if (state < PROCESS_DEAD) tell_handles(&a->process->handles);
}

void outcome_tell(void) {
    length = 0;
    for (unsigned i = 0; i < stage.count; i++) tell_actor(&stage.actors[i]);
    for (unsigned i = 0; i < stage.count; i++) {
        if (i == 0 || !shares_process(stage.scenario)) tell_process(&stage.actors[i]);
    }
}
