/*
 * Takes all that it can get of something, keeps it, and goes on asking for more: what the limits of a job are for.
 *
 *     bomb handles | jobs | messages | pages | processes | stores | tables | threads
 *
 * Run it in the background, as `start bomb threads`; it begins after a second, in which its job can be limited. Look at
 * `jobs` and `free`: its job goes up to its limit and stays there, and everybody else goes on. All that it had is there
 * again when it is killed.
 *
 * What to look at: each take_…() asks for one thing more. At the limit most are told NO_MEMORY. A store to memory is no
 * call, so there it is an exception. Page tables are had by reading memory that nobody ever wrote to, 2 MiB apart: that
 * goes on for ever, for at the limit the kernel gives others of the program's page tables back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#define APART ((size_t)2 << 20) /* what one page table maps */
#define PIECE ((size_t)1 << 36)
#define FUSE ZX_SEC(1)
#define PATIENCE ZX_SEC(3)
#define PAUSE ZX_MSEC(10)
#define RESERVE ((size_t)64 << 10)

static zx_status_t take_handle(void) {
    zx_handle_t copy;
    return zx_handle_duplicate(zx_process_self(), ZX_RIGHT_SAME_RIGHTS, &copy);
}

static zx_status_t take_job(void) {
    zx_handle_t job;
    return zx_job_create(zx_job_default(), 0, &job);
}

/* It lies in the queue for good: nobody reads the other end. When that is full, another channel's is. */
static zx_status_t take_message(void) {
    static const char text[ZX_CHANNEL_MAX_MSG_BYTES];
    static zx_handle_t ends[2];
    zx_status_t status = ends[0] ? zx_channel_write(ends[0], 0, text, sizeof(text), NULL, 0) : ZX_ERR_SHOULD_WAIT;
    if (status != ZX_ERR_SHOULD_WAIT) return status;
    status = zx_channel_create(0, &ends[0], &ends[1]);
    return status == ZX_OK ? take_message() : status;
}

static zx_status_t take_page(void) {
    static zx_handle_t vmo;
    static uint64_t count;
    zx_status_t status = vmo ? ZX_OK : zx_vmo_create(PIECE, 0, &vmo);
    if (status == ZX_OK) status = zx_vmo_write(vmo, "", count * ZX_PAGE_SIZE, 1);
    if (status == ZX_OK) count++;
    return status;
}

static zx_status_t take_process(void) {
    zx_handle_t process, vmar;
    return zx_process_create(zx_job_default(), "shard", strlen("shard"), 0, &process, &vmar);
}

/* The next place, so far behind the last, in a piece of memory that is mapped when there is none or that has ended. */
static zx_status_t next_place(size_t apart, volatile char **place) {
    static zx_handle_t vmo;
    static zx_vaddr_t at, end;
    zx_status_t status = vmo ? ZX_OK : zx_vmo_create(PIECE, 0, &vmo);
    if (status == ZX_OK && at == end) {
        const zx_vm_option_t options = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;
        status = zx_vmar_map(zx_vmar_root_self(), options, 0, vmo, 0, PIECE, &at);
        if (status == ZX_OK) end = at + PIECE;
    }
    *place = (volatile char *)at;
    if (status == ZX_OK) at += apart;
    return status;
}

static zx_status_t take_store(void) {
    volatile char *place;
    zx_status_t status = next_place(ZX_PAGE_SIZE, &place);
    if (status == ZX_OK) *place = 1;
    return status;
}

static zx_status_t take_table(void) {
    volatile char *place;
    zx_status_t status = next_place(APART, &place);
    if (status == ZX_OK) (void)*place;
    return status;
}

/* It never runs. */
static zx_status_t take_thread(void) {
    zx_handle_t thread;
    return zx_thread_create(zx_process_self(), "shard", strlen("shard"), 0, &thread);
}

static const struct {
    const char *name;
    zx_status_t (*take)(void);
} bombs[] = {
    {"handles", take_handle},    {"jobs", take_job},     {"messages", take_message}, {"pages", take_page},
    {"processes", take_process}, {"stores", take_store}, {"tables", take_table},     {"threads", take_thread},
};

/* What it writes is a message to the monitor, which takes memory too: it keeps some for that. */
static zx_handle_t reserve_make(void) {
    zx_handle_t reserve;
    zx_status_t status = zx_vmo_create(RESERVE, 0, &reserve);
    if (status == ZX_OK) status = zx_vmo_op_range(reserve, ZX_VMO_OP_COMMIT, 0, RESERVE, NULL, 0);
    if (status == ZX_OK) return reserve;
    printf("There is no memory to begin with: %s\n", zx_status_get_string(status));
    exit(EXIT_FAILURE);
}

/* Says once how many it got: when there are no more, or after a while. */
static _Noreturn void take_all(const char *name, zx_status_t (*take)(void)) {
    zx_handle_t reserve = reserve_make();
    size_t count = 0;
    zx_status_t status = ZX_OK;
    zx_nanosleep(zx_deadline_after(FUSE));
    const zx_time_t deadline = zx_deadline_after(PATIENCE);
    for (; zx_clock_get_monotonic() < deadline && (status = take()) == ZX_OK; count++) {}
    zx_handle_close(reserve);
    if (status == ZX_OK)
        printf("%zu %s so far\n", count, name);
    else
        printf("%zu %s, and no more: %s\n", count, name, zx_status_get_string(status));
    for (;; zx_nanosleep(zx_deadline_after(PAUSE))) {
        while (take() == ZX_OK) {}
    }
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 256);
    for (size_t i = 0; argc == 2 && i < sizeof(bombs) / sizeof(*bombs); i++) {
        if (strcmp(argv[1], bombs[i].name) == 0) take_all(bombs[i].name, bombs[i].take);
    }
    printf("usage: %s handles|jobs|messages|pages|processes|stores|tables|threads\n", argv[0]);
    return EXIT_FAILURE;
}
