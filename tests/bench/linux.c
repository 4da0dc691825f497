/*
 * Linux's side of the measurements; see system.h. The program is the first of the machine (/init), so it mounts what it
 * needs and switches the machine off. Targets are forked children, stopped by ptrace as a debugger would.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/system.h"

#define PLACE ((unsigned char *)0x100000000)
#define NO_PID 0x3fffffff /* more than there can be */

const char *const system_name = "Linux";

struct linux_target {
    struct target shown;
    pid_t pid;
    int memory; /* /proc/PID/mem */
};

static struct linux_target *linux_target(const struct target *target) { return (struct linux_target *)target; }

_Noreturn void fail(const char *what, const char *why) {
    printf("! %s: %s\n", what, why);
    system_end(EXIT_FAILURE);
    abort();
}

static void must(bool good, const char *what) {
    if (!good) fail(what, strerror(errno));
}

void system_start(void) {
    must(mkdir("/proc", 0755) == 0 || errno == EEXIST, "mkdir /proc");
    must(mount("proc", "/proc", "proc", 0, NULL) == 0, "mount /proc");
    int limit = open("/proc/sys/vm/max_map_count", O_WRONLY);
    must(limit >= 0 && write(limit, "1000000", 7) == 7, "max_map_count");
    close(limit);
}

int system_end(int status) {
    fflush(stdout);
    sync();
    if (getpid() == 1) reboot(RB_POWER_OFF);
    _exit(status);
}

static uint64_t ram_bytes(void) {
    unsigned long long bytes = 0, first, last;
    char line[128];
    FILE *map = fopen("/proc/iomem", "r");
    if (!map) fail("/proc/iomem", strerror(errno));
    while (fgets(line, sizeof(line), map)) {
        if (strstr(line, "System RAM") && sscanf(line, "%llx-%llx", &first, &last) == 2) bytes += last + 1 - first;
    }
    fclose(map);
    return bytes;
}

/* All that is not free: what its one program has is little beside it. */
uint64_t system_memory_used(void) {
    struct sysinfo info;
    must(sysinfo(&info) == 0, "sysinfo");
    return ram_bytes() - (uint64_t)info.freeram * info.mem_unit;
}

/* Access rights alternate, or Linux would join neighbours. */
static void map_layout(const struct layout *layout) {
    void *at = mmap(PLACE, layout->pages * PAGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    must(at == PLACE, "mmap");
    for (size_t page = layout->each; page > 0 && page < layout->pages; page += 2 * layout->each) {
        must(mprotect(PLACE + page * PAGE, layout->each * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) == 0, "mprotect");
    }
}

static void touch(size_t pages) {
    for (size_t page = 0; page < pages; page++) *(volatile unsigned char *)(PLACE + page * PAGE) = 1;
}

/* Pages that were touched before the fork are shared by both until one of them writes. */
struct target *target_make(const struct layout *layout) {
    if (layout->generations > 0) return NULL;
    struct linux_target *target = calloc(1, sizeof(*target));
    int ready[2];
    char word;
    must(target && pipe(ready) == 0, "target");
    map_layout(layout);
    if (layout->state == SHARED) touch(layout->pages);
    target->pid = fork();
    if (target->pid == 0) {
        if (layout->state == PRESENT) touch(layout->pages);
        must(write(ready[1], "r", 1) == 1, "write");
        for (;;) pause();
    }
    must(target->pid > 0 && read(ready[0], &word, 1) == 1, "fork");
    close(ready[0]);
    close(ready[1]);
    if (layout->state != SHARED) memory_unmap(PLACE, layout->pages * PAGE);
    must(ptrace(PTRACE_SEIZE, target->pid, NULL, NULL) == 0, "PTRACE_SEIZE");
    must(ptrace(PTRACE_INTERRUPT, target->pid, NULL, NULL) == 0, "PTRACE_INTERRUPT");
    must(waitpid(target->pid, NULL, 0) == target->pid, "waitpid");
    char name[32];
    snprintf(name, sizeof(name), "/proc/%d/mem", target->pid);
    target->memory = open(name, O_RDWR);
    must(target->memory >= 0, name);
    target->shown = (struct target){(uintptr_t)PLACE, *layout};
    return &target->shown;
}

void target_end(struct target *shown) {
    struct linux_target *target = linux_target(shown);
    close(target->memory);
    kill(target->pid, SIGKILL);
    must(waitpid(target->pid, NULL, 0) == target->pid, "waitpid");
    if (shown->layout.state == SHARED) memory_unmap(PLACE, shown->layout.pages * PAGE);
    free(target);
}

static void vm_write(const void *transfer) {
    const struct transfer *t = transfer;
    struct iovec here = {t->here, t->len}, there = {(void *)t->there, t->len};
    must(process_vm_writev(linux_target(t->target)->pid, &here, 1, &there, 1, 0) == (ssize_t)t->len,
         "process_vm_writev");
}

static void vm_read(const void *transfer) {
    const struct transfer *t = transfer;
    struct iovec here = {t->here, t->len}, there = {(void *)t->there, t->len};
    must(process_vm_readv(linux_target(t->target)->pid, &here, 1, &there, 1, 0) == (ssize_t)t->len, "process_vm_readv");
}

static void mem_write(const void *transfer) {
    const struct transfer *t = transfer;
    must(pwrite(linux_target(t->target)->memory, t->here, t->len, (off_t)t->there) == (ssize_t)t->len, "pwrite");
}

static void mem_read(const void *transfer) {
    const struct transfer *t = transfer;
    must(pread(linux_target(t->target)->memory, t->here, t->len, (off_t)t->there) == (ssize_t)t->len, "pread");
}

/* A word at a time; less than a word is read, changed and written back. */
static void ptrace_write(const void *transfer) {
    const struct transfer *t = transfer;
    pid_t pid = linux_target(t->target)->pid;
    for (size_t at = 0; at < t->len; at += sizeof(long)) {
        size_t len = t->len - at < sizeof(long) ? t->len - at : sizeof(long);
        long word = len < sizeof(long) ? ptrace(PTRACE_PEEKDATA, pid, (void *)(t->there + at), NULL) : 0;
        memcpy(&word, t->here + at, len);
        must(ptrace(PTRACE_POKEDATA, pid, (void *)(t->there + at), (void *)word) == 0, "PTRACE_POKEDATA");
    }
}

static void ptrace_read(const void *transfer) {
    const struct transfer *t = transfer;
    for (size_t at = 0; at < t->len; at += sizeof(long)) {
        size_t len = t->len - at < sizeof(long) ? t->len - at : sizeof(long);
        errno = 0;
        long word = ptrace(PTRACE_PEEKDATA, linux_target(t->target)->pid, (void *)(t->there + at), NULL);
        must(errno == 0, "PTRACE_PEEKDATA");
        memcpy(t->here + at, &word, len);
    }
}

const struct method methods[] = {
    {"process_vm", vm_write, vm_read, 64 * MIB},
    {"proc_mem", mem_write, mem_read, 64 * MIB},
    {"ptrace", ptrace_write, ptrace_read, 64 * KIB},
};
const size_t method_count = sizeof(methods) / sizeof(methods[0]);

#define WORDS_MOST 1000 /* the kernel takes 1,024 */

static void vm_write_words(const void *words) {
    const struct words *w = words;
    static struct iovec there[WORDS_MOST];
    struct iovec here = {w->here, w->count * WORD};
    for (size_t i = 0; i < w->count; i++) there[i] = (struct iovec){(void *)(w->target->base + i * PAGE), WORD};
    must(process_vm_writev(linux_target(w->target)->pid, &here, 1, there, w->count, 0) == (ssize_t)here.iov_len,
         "process_vm_writev");
}

void (*const words_write)(const void *words) = vm_write_words;

void *memory_map(size_t len) {
    void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(memory != MAP_FAILED, "mmap");
    return memory;
}

void memory_unmap(void *memory, size_t len) { must(munmap(memory, len) == 0, "munmap"); }

void call_cheapest(void) { getppid(); }

void measure_own(void) {}

void call_refused(void) {
    char byte = 0;
    struct iovec here = {&byte, 1}, there = {PLACE, 1};
    must(process_vm_writev(NO_PID, &here, 1, &there, 1, 0) < 0 && errno == ESRCH, "a process that does not exist");
}

void handle_twice(void) {
    int second = dup(0);
    must(second >= 0 && close(second) == 0, "dup");
}

void process_life(void) {
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    must(pid > 0 && waitpid(pid, NULL, 0) == pid, "fork");
}

void program_life(void) {
    static char path[] = "/init", role[] = "nothing";
    char *const args[] = {path, role, NULL}, *const no_environ[] = {NULL};
    pid_t pid;
    int status;
    if (posix_spawn(&pid, path, NULL, NULL, args, no_environ) != 0) fail("posix_spawn", "refused");
    must(waitpid(pid, &status, 0) == pid && status == 0, "a program that does nothing");
}

static int echo_to[2], echo_from[2];
static pid_t echo_pid;

static void echo_loop(void) {
    uint64_t word;
    while (read(echo_to[0], &word, sizeof(word)) == sizeof(word)) {
        must(write(echo_from[1], &word, sizeof(word)) == sizeof(word), "echo");
    }
    _exit(0);
}

void echo_start(void) {
    must(pipe(echo_to) == 0 && pipe(echo_from) == 0, "pipe");
    echo_pid = fork();
    must(echo_pid >= 0, "fork");
    close(echo_pid ? echo_to[0] : echo_to[1]);
    close(echo_pid ? echo_from[1] : echo_from[0]);
    if (echo_pid == 0) echo_loop();
}

void echo_round(void) {
    uint64_t word = 0;
    must(write(echo_to[1], &word, sizeof(word)) == sizeof(word), "echo");
    must(read(echo_from[0], &word, sizeof(word)) == sizeof(word), "echo");
}

void echo_end(void) {
    close(echo_to[1]);
    close(echo_from[0]);
    must(waitpid(echo_pid, NULL, 0) == echo_pid, "waitpid");
}

struct own {
    int event, from, to;
    volatile char *at;
};

void *small_own(void) {
    struct own *own = malloc(sizeof(*own));
    int ends[2];
    must(own && pipe(ends) == 0, "pipe");
    own->from = ends[0];
    own->to = ends[1];
    own->event = eventfd(0, 0);
    must(own->event >= 0, "eventfd");
    own->at = memory_map(TOUCHED * PAGE);
    return own;
}

static void handle_small(const struct own *own) {
    int second = dup(own->event);
    must(second >= 0 && close(second) == 0, "dup");
}

static void signal_small(const struct own *own) {
    uint64_t count = 1;
    must(write(own->event, &count, sizeof(count)) == sizeof(count), "eventfd");
    must(read(own->event, &count, sizeof(count)) == sizeof(count), "eventfd");
}

static void object_small(const struct own *own) {
    (void)own;
    int memory = memfd_create("small", 0);
    must(memory >= 0 && close(memory) == 0, "memfd_create");
}

static void message_small(const struct own *own) {
    uint64_t word = 0;
    must(write(own->to, &word, sizeof(word)) == sizeof(word), "pipe");
    must(read(own->from, &word, sizeof(word)) == sizeof(word), "pipe");
}

static void map_small(const struct own *own) {
    (void)own;
    memory_unmap(memory_map(PAGE), PAGE);
}

static void fault_small(const struct own *own) {
    for (size_t i = 0; i < TOUCHED; i++) own->at[i * PAGE] = 1;
    must(madvise((void *)own->at, TOUCHED * PAGE, MADV_DONTNEED) == 0, "madvise");
}

void small_run(enum small what, const void *own) {
    static void (*const runs[SMALLS])(const struct own *) = {
        [SMALL_HANDLE] = handle_small,   [SMALL_SIGNAL] = signal_small, [SMALL_OBJECT] = object_small,
        [SMALL_MESSAGE] = message_small, [SMALL_MAP] = map_small,       [SMALL_FAULT] = fault_small,
    };
    runs[what](own);
}

static struct {
    int to, from;
    pid_t pid;
} workers[WORKERS];

static _Noreturn void worker_loop(int from, int to) {
    void *own = small_own();
    enum small what;
    while (read(from, &what, sizeof(what)) == sizeof(what)) {
        const double rate = small_rate(what, own);
        must(write(to, &rate, sizeof(rate)) == sizeof(rate), "worker");
    }
    _exit(0);
}

/* Ends that this process keeps are closed in the children that come later, or a worker would not see the end. */
void workers_start(void) {
    for (unsigned i = 0; i < WORKERS; i++) {
        int to[2], from[2];
        must(pipe(to) == 0 && pipe(from) == 0, "pipe");
        workers[i].pid = fork();
        must(workers[i].pid >= 0, "fork");
        if (workers[i].pid == 0) {
            for (unsigned earlier = 0; earlier < i; earlier++) close(workers[earlier].to);
            close(to[1]);
            worker_loop(to[0], from[1]);
        }
        workers[i].to = to[1];
        workers[i].from = from[0];
        close(to[0]);
        close(from[1]);
    }
}

void worker_ask(unsigned which, enum small what) {
    must(write(workers[which].to, &what, sizeof(what)) == sizeof(what), "worker");
}

double worker_answer(unsigned which) {
    double rate;
    must(read(workers[which].from, &rate, sizeof(rate)) == sizeof(rate), "worker");
    return rate;
}

void workers_end(void) {
    for (unsigned i = 0; i < WORKERS; i++) {
        close(workers[i].to);
        close(workers[i].from);
        must(waitpid(workers[i].pid, NULL, 0) == workers[i].pid, "waitpid");
    }
}

bool system_is_child(int argc, char **argv) { return argc > 1 && strcmp(argv[1], "nothing") == 0; }
