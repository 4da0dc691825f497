/*
 * What the files of the port layer share. The layer makes Debian's musl run here: what musl would ask of Linux it asks
 * of linux.c, and the answers are in the files that know.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/types.h>

struct timespec;

/* Gives a function the names under which musl and programs look for it; a program may define the second itself. */
#define PORT_ALIAS(name, of) extern __typeof__(of) name __attribute__((weak, alias(#of)))

/* Linux's calls that have an answer, each LINUX_CALL(name) in some file. */
/* clang-format off */
#define PORT_LINUX_CALLS(CALL)                                                                         \
    CALL(read) CALL(readv) CALL(pread64) CALL(preadv) CALL(write) CALL(writev) CALL(pwrite64)          \
    CALL(pwritev) CALL(close) CALL(lseek) CALL(fsync) CALL(fdatasync) CALL(ftruncate) CALL(dup)        \
    CALL(dup2) CALL(dup3) CALL(fcntl) CALL(ioctl) CALL(pipe) CALL(pipe2) CALL(open) CALL(openat)       \
    CALL(stat) CALL(lstat) CALL(fstat) CALL(newfstatat) CALL(access) CALL(faccessat) CALL(mkdir)       \
    CALL(mkdirat) CALL(unlink) CALL(rmdir) CALL(unlinkat) CALL(rename) CALL(renameat) CALL(truncate)   \
    CALL(chmod) CALL(fchmod) CALL(fchmodat) CALL(umask) CALL(utimensat) CALL(chdir) CALL(fchdir)       \
    CALL(getcwd) CALL(readlink) CALL(getdents64) CALL(mmap) CALL(munmap) CALL(mprotect) CALL(madvise)  \
    CALL(mremap) CALL(clock_gettime) CALL(clock_getres) CALL(nanosleep) CALL(clock_nanosleep)          \
    CALL(futex) CALL(set_tid_address) CALL(exit) CALL(sched_yield) CALL(sched_getaffinity) CALL(tkill) \
    CALL(kill) CALL(rt_sigaction) CALL(rt_sigprocmask) CALL(rt_sigpending) CALL(rt_sigsuspend)         \
    CALL(rt_sigtimedwait) CALL(pause) CALL(sigaltstack) CALL(set_robust_list) CALL(get_robust_list)    \
    CALL(gettid) CALL(getpid) CALL(getppid) CALL(getuid) CALL(geteuid) CALL(getgid) CALL(getegid)      \
    CALL(exit_group) CALL(sysinfo) CALL(getrandom) CALL(prlimit64)
/* clang-format on */
#define LINUX_CALL(name) long __port_linux_##name(const long *args __attribute__((unused)))
/* musl has these names for programs that ask for files of any size. */
#undef pread64
#undef pwrite64
#undef getdents64
#undef prlimit64
#define PORT_DECLARE(name) LINUX_CALL(name);
PORT_LINUX_CALLS(PORT_DECLARE)

static inline size_t whole_pages(size_t len) { return (len + ZX_PAGE_MASK) & ~(size_t)ZX_PAGE_MASK; }

/* process.c: keeps the handles of the bootstrap message, by id. */
void __port_handles_keep(const uint32_t *ids, const zx_handle_t *handles, size_t count);

/* memory.c: pages of zeros for the port itself; NULL: none. */
void *__port_pages_map(size_t len);

/* process.c: the boot archive, a handle of the port's own, if one came with the message and nobody took it. */
zx_handle_t __port_archive(void);

/* process.c: the root resource, if one came with the message. Borrowed. */
zx_handle_t __port_resource(void);

/* identity.c: the koid of an object; ZX_KOID_INVALID if the handle is none. */
zx_koid_t __port_koid(zx_handle_t handle);

/* identity.c, threads.c: what getpid() and gettid() give. */
long __port_process_id(void);
int __port_thread_id(void);

/* process.c: the process's first thread. */
zx_handle_t __port_main_thread(void);

/* threads.c: is the calling thread mapping memory for one that it makes? How much at its top is not stack: start.c. */
bool __port_thread_maps(void);
size_t __port_thread_top(void);

/*
 * threads.c: memory that was kept for the thread that the caller makes, or 0; is that as it is now to be protected? Is
 * this what a thread had that the caller joins, and is it kept?
 */
zx_vaddr_t __port_thread_map(size_t len);
bool __port_thread_protect(zx_vaddr_t addr);
bool __port_thread_unmap(zx_vaddr_t addr, size_t len);

/* threads.c: the processor time of the process; of one thread, 0 being the caller; -1 if there is none of that id. */
zx_duration_t __port_process_runtime(void);
zx_duration_t __port_thread_runtime(int id);

/* waiting.c: a lock for what threads of the program do at once. It is 0 at first. */
void __port_lock(zx_futex_t *lock);
void __port_unlock(zx_futex_t *lock);

/* clock.c: in nanoseconds; at most ZX_TIME_INFINITE. */
zx_duration_t __port_duration(const struct timespec *time);

/* console.c: writes text of any length; reads one byte: 1, 0 at the end of the input, or -EINTR. */
void __port_console_write(const char *text, size_t len);
long __port_console_read(char *buffer);

/*
 * terminal.c: the program's terminal, or the console; terminal.h has how it is read. Writing shows all. Raw: a read is
 * of what keys there are, not of a line. Control is ioctl().
 */
void __port_terminal_open(void);
void __port_terminal_write(const char *text, size_t len);
bool __port_terminal_is_raw(void);
long __port_terminal_control(unsigned long request, void *what);

/* terminal.c: sends a request, with a handle, which is taken, unless that is invalid, and waits for the answer. */
zx_status_t __port_input_send(uint32_t act, const void *text, size_t len, zx_handle_t handle);

/* files_out.c: gives the host the files that it wants. */
void __port_files_bring_back(void);
