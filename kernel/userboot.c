/*
 * Starting init; see userboot.h. Its segments are mapped from the archive itself, writable ones from snapshots of it;
 * its first message says what it was given, in the format of <zircon/processargs.h>.
 */
#include "kernel/userboot.h"

#include <zircon/processargs.h>

#include "kernel/base/elf_image.h"
#include "kernel/base/log.h"
#include "kernel/base/newc.h"
#include "kernel/base/options.h"
#include "kernel/base/string.h"
#include "kernel/object/channel.h"
#include "kernel/object/resource.h"
#include "kernel/object/user_thread.h"
#include "vm/heap.h"
#include "vm/page.h"
#include "vm/vmar.h"

#define INIT_PATH "bin/init"
#define STACK_SIZE ((size_t)256 << 10)

/* What is being started, so far. Objects are references. */
struct boot {
    struct newc_file file;
    struct elf_image image;
    struct vmo *archive;
    struct process *process;
    struct user_thread *thread;
    vaddr_t sp;
};

static zx_status_t map_at(struct process *process, vaddr_t va, struct vmo *vmo, uint64_t offset, size_t len,
                          uint32_t perms) {
    struct vmar *root = process->aspace->root;
    vaddr_t base;
    struct vmar_map args = {.options = perms | ZX_VM_SPECIFIC,
                            .offset = va - root->region.base,
                            .vmo = vmo,
                            .vmo_offset = offset,
                            .len = len,
                            .ceiling = perms};
    return vmar_map(root, &args, &base);
}

/* On the archive's own pages where that can be, else on a snapshot of them, zero behind the file's part. */
static zx_status_t map_segment(struct boot *boot, const struct elf_segment *segment) {
    uint64_t begin = boot->file.offset + segment->offset;
    if (segment->shared)
        return map_at(boot->process, segment->addr, boot->archive, begin, segment->len, segment->perms);
    struct vmo *data;
    zx_status_t status = vmo_snapshot(boot->archive, begin, segment->len, false, &data);
    if (status != ZX_OK) return status;
    status = vmo_zero(data, segment->file_len, segment->len - segment->file_len);
    if (status == ZX_OK) status = map_at(boot->process, segment->addr, data, 0, segment->len, segment->perms);
    vmo_unref(data);
    return status;
}

static zx_status_t map_program(struct boot *boot) {
    zx_status_t status = ZX_OK;
    for (size_t i = 0; i < boot->image.segment_count && status == ZX_OK; i++)
        status = map_segment(boot, &boot->image.segments[i]);
    return status;
}

static zx_status_t map_stack(struct boot *boot) {
    struct vmo *stack;
    vaddr_t base;
    zx_status_t status = vmo_create(STACK_SIZE, false, &stack);
    if (status != ZX_OK) return status;
    const uint32_t perms = PERM_READ | PERM_WRITE;
    /* Above a page that stays empty, so that an overflow is noticed. */
    struct vmar *root = boot->process->aspace->root;
    struct vmar *guarded;
    status = vmar_allocate(root, ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC, 0,
                           STACK_SIZE + PAGE_SIZE, &guarded);
    if (status == ZX_OK) {
        struct vmar_map args = {
            .options = perms | ZX_VM_SPECIFIC, .offset = PAGE_SIZE, .vmo = stack, .len = STACK_SIZE, .ceiling = perms};
        status = vmar_map(guarded, &args, &base);
        if (status == ZX_OK) boot->sp = base + STACK_SIZE;
        object_unref(&guarded->object);
    }
    vmo_unref(stack);
    return status;
}

/* Copies the command line's words as strings that follow one another; returns how many, and the end in `*text`. */
static uint32_t put_words(char **text, const char *line) {
    uint32_t count = 0;
    while (*line) {
        while (*line == ' ') line++;
        if (!*line) break;
        while (*line && *line != ' ') *(*text)++ = *line++;
        *(*text)++ = '\0';
        count++;
    }
    return count;
}

/* The bytes of the bootstrap message; its handles are added by the caller, with these ids. */
static zx_status_t make_message(const uint32_t *ids, uint32_t num_ids, struct message **out) {
    static const char name[] = "init";
    size_t room = sizeof(zx_proc_args_t) + num_ids * sizeof(*ids) + sizeof(name) + strlen(options_line()) + 1;
    if (room > ZX_CHANNEL_MAX_MSG_BYTES) return ZX_ERR_OUT_OF_RANGE;
    uint8_t *bytes = heap_alloc_zeroed(room);
    zx_status_t status = bytes ? message_create((uint32_t)room, num_ids, out) : ZX_ERR_NO_MEMORY;
    if (status != ZX_OK) {
        heap_free(bytes);
        return status;
    }
    zx_proc_args_t header = {.protocol = ZX_PROCARGS_PROTOCOL,
                             .version = ZX_PROCARGS_VERSION,
                             .handle_info_off = sizeof(header),
                             .args_off = (uint32_t)(sizeof(header) + num_ids * sizeof(*ids)),
                             .args_num = 1};
    memcpy(bytes + header.handle_info_off, ids, num_ids * sizeof(*ids));
    memcpy(bytes + header.args_off, name, sizeof(name));
    header.environ_off = header.args_off + (uint32_t)sizeof(name);
    header.names_off = header.environ_off;
    char *text = (char *)bytes + header.environ_off;
    header.environ_num = put_words(&text, options_line());
    memcpy(bytes, &header, sizeof(header));
    for (struct message_piece piece = {0}; message_next(*out, &piece);) memcpy(piece.data, bytes + piece.at, piece.len);
    heap_free(bytes);
    return ZX_OK;
}

/* Writes the bootstrap message into a new channel; `*end` is what init reads it from. Borrows the objects. */
static zx_status_t send_message(struct boot *boot, struct object *resource, struct handle *end) {
    static const uint32_t ids[] = {PA_PROC_SELF,   PA_THREAD_SELF, PA_VMAR_ROOT,
                                   PA_JOB_DEFAULT, PA_RESOURCE,    PA_VMO_BOOTFS};
    const struct handle given[countof(ids)] = {
        {&boot->process->object, ZX_DEFAULT_PROCESS_RIGHTS},
        {&boot->thread->object, ZX_DEFAULT_THREAD_RIGHTS},
        {&boot->process->aspace->root->object, PROCESS_ROOT_RIGHTS},
        {&boot->process->job->object, ZX_DEFAULT_JOB_RIGHTS},
        {resource, ZX_DEFAULT_RESOURCE_RIGHTS},
        {&boot->archive->object, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE},
    };
    struct message *message;
    struct object *ours, *theirs;
    zx_status_t status = make_message(ids, countof(ids), &message);
    if (status != ZX_OK) return status;
    status = channel_create(&ours, &theirs);
    if (status != ZX_OK) {
        message_discard(message);
        return status;
    }
    for (size_t i = 0; i < countof(ids); i++) message_put(message, handle_make(given[i].object, given[i].rights));
    struct handle writer = handle_make(ours, ZX_DEFAULT_CHANNEL_RIGHTS);
    *end = handle_make(theirs, ZX_DEFAULT_CHANNEL_RIGHTS);
    status = channel_write(ours, NULL, message);
    handle_discard(writer);
    object_unref(ours);
    object_unref(theirs);
    if (status != ZX_OK) handle_discard(*end);
    return status;
}

static zx_status_t boot_process(struct boot *boot, struct object *resource) {
    struct handle end;
    zx_status_t status = map_program(boot);
    if (status == ZX_OK) status = map_stack(boot);
    if (status == ZX_OK) status = user_thread_create(boot->process, "init", &boot->thread);
    if (status == ZX_OK) status = send_message(boot, resource, &end);
    if (status == ZX_OK) status = process_start(boot->process, boot->thread, boot->image.entry, boot->sp, end, 0);
    return status;
}

static zx_status_t archive_read(const struct bytes *from, uint64_t at, void *buffer, size_t len) {
    (void)from;
    memcpy(buffer, (const char *)arch_phys_to_virt(arch_boot_info()->bootfs.base) + at, len);
    return ZX_OK;
}

/* Finds init in the archive, and what it wants in memory: it is not made to lie anywhere. */
static zx_status_t open_archive(const struct boot_info *info, struct boot *boot) {
    const struct bytes archive = {.len = info->bootfs.len, .read = archive_read};
    const char *why = "it can lie anywhere";
    zx_status_t status = newc_find(&archive, INIT_PATH, &boot->file);
    if (status != ZX_OK) return status;
    status = elf_image_read(&archive, boot->file.offset, boot->file.len, &boot->image, &why);
    if (status == ZX_OK && boot->image.relocatable) status = ZX_ERR_NOT_SUPPORTED;
    if (status != ZX_OK) {
        log_line("%s: %s", INIT_PATH, why);
        return status;
    }
    return vmo_create_from_frames(info->bootfs.base, info->bootfs.len, &boot->archive);
}

zx_status_t userboot(const struct boot_info *info, struct process **out) {
    struct boot boot = {0};
    struct job *job = NULL;
    struct object *resource = NULL;
    zx_status_t status = open_archive(info, &boot);
    if (status == ZX_OK) status = job_create_root(&job);
    if (status == ZX_OK) status = resource_create_root(&resource);
    if (status == ZX_OK) status = process_create(job, "init", &boot.process);
    if (status == ZX_OK) status = boot_process(&boot, resource);
    if (boot.process) object_handle_unref(&boot.process->object);
    if (boot.thread) object_unref(&boot.thread->object);
    if (resource) object_unref(resource);
    if (job) object_unref(&job->object);
    if (boot.archive) vmo_unref(boot.archive);
    if (status == ZX_OK) *out = boot.process;
    return status;
}
