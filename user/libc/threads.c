/*
 * Threads, as far as musl leaves them to Linux: a thread of the kernel for each, and its end. What the port itself
 * keeps of a thread is thread-local, beside the program's own variables.
 *
 * musl maps a new thread's stack, with what is thread-local above it, between __acquire_ptc() and __release_ptc(),
 * whose place the port takes: all of it without access first, then all but a guard at the bottom is made writable. Who
 * joins the thread unmaps it; a detached thread does so itself, with __unmapself(). What one had that was joined is
 * kept for the next that wants as much: zeroed at the top, where musl relies on that.
 */
#include <errno.h>
#include <libc_inline/machine.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <threads.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/threads.h>

#include "user/libc/signals.h"

/* An id that musl's locks can hold beside their flags. */
#define TID_MASK 0x3fffffff

/* What a thread has that is joined, or had: the note about it lies on the joining thread's stack, or at its own end. */
struct memory {
    zx_vaddr_t base;
    size_t len, guard;
};
#define KEPT_MOST ((size_t)2 << 20)
static _Atomic(struct memory *) kept;

/* With it a program's thread-local variables have room in musl's own data, unless it has some of its own. */
struct thread {
    zx_handle_t handle;  /* none for the first thread */
    bool mapped;         /* its memory is musl's, and the handle is closed with it */
    bool makes_another;  /* it is in pthread_create, */
    bool mapped_another; /* which has mapped memory */
    const char *named;   /* it is in thrd_create_with_name */
    struct memory *near; /* what was kept, for the thread that it makes; or that of the one that it joins */
    int *end_word;       /* set to 0, and woken, when the thread has ended */
    struct signals signals;
    int id; /* from here on, under `listed` */
    struct thread *next, **link;
};
static _Thread_local struct thread self;

/* All threads but the first, and the processor time of those that have ended. */
static zx_futex_t listed;
static struct thread *threads;
static struct thread *first_thread;
static zx_duration_t ended_runtime;

/* How many threads are in pthread_create; and whether any ever was. */
static atomic_int makers;
static atomic_bool threaded;
/* What the making of threads reads can be changed when no thread is being made. */
static pthread_rwlock_t making = PTHREAD_RWLOCK_INITIALIZER;

int __set_thread_area(void *pointer);
int __clone(int (*entry)(void *), void *stack, int flags, void *arg, pid_t *tid, void *pointer, int *end_word);
_Noreturn void __unmapself(void *base, size_t size);
void __acquire_ptc(void);
void __inhibit_ptc(void);
void __release_ptc(void);
int __real_pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *end);
int __real_pthread_tryjoin_np(pthread_t thread, void **result);
int __wrap_pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *end);
int __wrap_pthread_tryjoin_np(pthread_t thread, void **result);
int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap___pthread_join(pthread_t thread, void **result);
_Noreturn void __port_thread_end(zx_handle_t handle, int *word, zx_handle_t region, void *addr, size_t len);

/*
 * `self` for code that may run without a thread pointer: before there is one, or in a thread that is none of the C
 * library's. A compiler may read a thread-local variable before it knows whether it must, unless its address comes from
 * a call that it cannot look through.
 */
static __attribute__((noinline)) struct thread *self_if_any(void) {
    struct thread *volatile own = &self;
    return own;
}

/* What is the calling thread's `self` for another. The first thread has noted how far it lies from its pointer. */
static ptrdiff_t self_offset;
static struct thread *thread_of(const void *pointer) { return (struct thread *)((char *)pointer + self_offset); }

/* Makes a thread pointer the first thread's. */
int __set_thread_area(void *pointer) { return machine_thread_pointer_set(__port_main_thread(), pointer); }

static int thread_id(zx_handle_t thread) { return (int)(__port_koid(thread) & TID_MASK); }

LINUX_CALL(set_tid_address) {
    self.end_word = (int *)args[0];
    if (!first_thread) {
        first_thread = &self;
        self_offset = (char *)&self - (char *)pthread_self();
    }
    return self.id = thread_id(zx_thread_self());
}

int __port_thread_id(void) { return thread_id(zx_thread_self()); }

LINUX_CALL(gettid) { return __port_thread_id(); }

/* musl itself gives up the locks of a thread that ends, and no process shares them. */
LINUX_CALL(set_robust_list) { return 0; }
LINUX_CALL(get_robust_list) { return 0; }

/* --- signals --- */

/* There are none before the C library is set up, and in threads that are none of its. */
struct signals *__port_signals(void) {
    return first_thread ? &self_if_any()->signals : NULL;
}

struct signals *__port_signals_of(const zx_thread_state_general_regs_t *regs, zx_koid_t koid) {
    int id;
    size_t actual;
    struct thread *thread = thread_of((const void *)machine_thread_pointer(regs));
    zx_status_t status = zx_process_read_memory(zx_process_self(), (uintptr_t)&thread->id, &id, sizeof(id), &actual);
    return status == ZX_OK && actual == sizeof(id) && id == (int)(koid & TID_MASK) ? &thread->signals : NULL;
}

bool __port_thread_find(int id, void (*tell)(zx_handle_t thread, struct signals *signals, int number), int number) {
    const bool own = id == self.id;
    struct thread *found = own ? &self : id == first_thread->id ? first_thread : NULL;
    if (!own) __port_lock(&listed);
    for (struct thread *thread = threads; !found && thread; thread = thread->next) {
        if (thread->id == id) found = thread;
    }
    if (found && tell) tell(found == first_thread ? __port_main_thread() : found->handle, &found->signals, number);
    if (!own) __port_unlock(&listed);
    return found;
}

/* --- processor time --- */

static zx_duration_t runtime(zx_handle_t thread) {
    zx_info_thread_stats_t stats = {0};
    zx_object_get_info(thread, ZX_INFO_THREAD_STATS, &stats, sizeof(stats), NULL, NULL);
    return stats.total_runtime;
}

static void list_add(struct thread *thread) {
    __port_lock(&listed);
    thread->next = threads;
    thread->link = &threads;
    if (threads) threads->link = &thread->next;
    threads = thread;
    __port_unlock(&listed);
}

static void list_remove(struct thread *thread) {
    __port_lock(&listed);
    ended_runtime += runtime(thread->handle);
    *thread->link = thread->next;
    if (thread->next) thread->next->link = thread->link;
    __port_unlock(&listed);
}

zx_duration_t __port_process_runtime(void) {
    __port_lock(&listed);
    zx_duration_t sum = ended_runtime + runtime(__port_main_thread());
    for (const struct thread *thread = threads; thread; thread = thread->next) sum += runtime(thread->handle);
    __port_unlock(&listed);
    return sum;
}

zx_duration_t __port_thread_runtime(int id) {
    if (id == 0) return runtime(zx_thread_self());
    if (id == thread_id(__port_main_thread())) return runtime(__port_main_thread());
    zx_duration_t time = -1;
    __port_lock(&listed);
    for (const struct thread *thread = threads; thread; thread = thread->next) {
        if (thread->id == id) time = runtime(thread->handle);
    }
    __port_unlock(&listed);
    return time;
}

/* --- beginning --- */

void __acquire_ptc(void) {
    pthread_rwlock_rdlock(&making);
    threaded = true;
    makers++;
    self.makes_another = true;
    self.mapped_another = false;
    self.near = NULL;
}

void __inhibit_ptc(void) {
    pthread_rwlock_wrlock(&making);
    makers++;
}

void __release_ptc(void) {
    self.makes_another = false;
    self.near = NULL;
    makers--;
    pthread_rwlock_unlock(&making);
}

/* The caller, if it is making a thread. */
static struct thread *maker(void) {
    struct thread *thread = makers > 0 ? self_if_any() : NULL;
    return thread && thread->makes_another ? thread : NULL;
}

bool __port_thread_maps(void) {
    struct thread *thread = maker();
    if (thread) thread->mapped_another = true;
    return thread;
}

static void keep(struct memory memory) {
    struct memory *note = (struct memory *)(memory.base + memory.len) - 1;
    *note = memory;
    note = atomic_exchange(&kept, note);
    if (note) zx_vmar_unmap(zx_vmar_root_self(), note->base, note->len);
}

zx_vaddr_t __port_thread_map(size_t len) {
    struct thread *thread = maker();
    struct memory *found = thread ? atomic_exchange(&kept, NULL) : NULL;
    if (!found) return 0;
    if (found->len != len) {
        keep(*found);
        return 0;
    }
    thread->near = found;
    return found->base;
}

bool __port_thread_protect(zx_vaddr_t addr) {
    struct thread *thread = maker();
    if (!thread || !thread->near) return false;
    const struct memory found = *thread->near;
    const size_t top = __port_thread_top();
    thread->mapped_another = true;
    memset((void *)(found.base + found.len - top), 0, top);
    if (addr == found.base + found.guard) return true;
    zx_vmar_protect(zx_vmar_root_self(), 0, found.base, found.len);
    return false;
}

bool __port_thread_unmap(zx_vaddr_t addr, size_t len) {
    const struct memory *joined = threaded ? self_if_any()->near : NULL;
    if (!joined || joined->base != addr || len > KEPT_MOST) return false;
    keep((struct memory){addr, len, joined->guard});
    return true;
}

/* What a new thread finds at the top of its stack. */
struct beginning {
    _Alignas(16) zx_handle_t handle;
    void *pointer;
    int (*entry)(void *arg);
    void *arg;
};

static void thread_begin(uintptr_t top, uintptr_t unused) {
    const struct beginning *first = (const struct beginning *)top;
    (void)unused;
    machine_thread_pointer_set(first->handle, first->pointer);
    __port_signals_leave(0, NULL, 0);
    first->entry(first->arg);
    __builtin_trap();
}

/* A new thread, and nothing else that Linux can make. */
int __clone(int (*entry)(void *), void *stack, int flags, void *arg, pid_t *tid, void *pointer, int *end_word) {
    if (!(flags & CLONE_THREAD)) return -ENOSYS;
    zx_handle_t handle;
    const char *name = self.named ? self.named : "thread";
    if (zx_thread_create(zx_process_self(), name, strlen(name), 0, &handle) != ZX_OK) return -EAGAIN;
    struct beginning *top = (struct beginning *)((uintptr_t)stack & ~(_Alignof(struct beginning) - 1)) - 1;
    *top = (struct beginning){handle, pointer, entry, arg};
    struct thread *thread = thread_of(pointer);
    *tid = thread_id(handle);
    *thread = (struct thread){.handle = handle, .mapped = self.mapped_another, .end_word = end_word, .id = *tid};
    thread->signals.blocked = self.signals.blocked;
    thread->signals.inside = true; /* until it has its pointer */
    list_add(thread);
    zx_vaddr_t stack_pointer = machine_stack_pointer((uintptr_t)top);
    zx_status_t status = zx_thread_start(handle, (zx_vaddr_t)thread_begin, stack_pointer, (uintptr_t)top, 0);
    if (status == ZX_OK) return *tid;
    list_remove(thread);
    zx_handle_close(handle);
    return -EAGAIN;
}

/* --- the end --- */

/* The memory is unmapped by the thread that joins. If there is none to unmap, none need join. */
LINUX_CALL(exit) {
    if (self.handle != ZX_HANDLE_INVALID) list_remove(&self);
    zx_handle_t handle = self.mapped ? ZX_HANDLE_INVALID : self.handle;
    if (!self.mapped) self.handle = ZX_HANDLE_INVALID;
    __port_thread_end(handle, self.end_word, ZX_HANDLE_INVALID, NULL, 0);
}

_Noreturn void __unmapself(void *base, size_t size) {
    list_remove(&self);
    __port_thread_end(self.handle, self.end_word, zx_vmar_root_self(), base, size);
}

/* What is closed when the thread has been joined. Its memory is unmapped or kept by then: `near` is where that lies. */
static zx_handle_t join_begin(pthread_t thread, struct memory *near) {
    pthread_attr_t attr;
    void *stack;
    const struct thread *joined = thread_of(thread);
    if (!joined->mapped || pthread_getattr_np(thread, &attr) != 0) return ZX_HANDLE_INVALID;
    pthread_attr_getstack(&attr, &stack, &near->len);
    pthread_attr_getguardsize(&attr, &near->guard);
    near->base = (zx_vaddr_t)stack - near->guard;
    self.near = near;
    return joined->handle;
}

static int join_end(zx_handle_t handle, int error) {
    self.near = NULL;
    if (error == 0) zx_handle_close(handle);
    return error;
}

int __wrap_pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *end) {
    struct memory near;
    const zx_handle_t handle = join_begin(thread, &near);
    return join_end(handle, __real_pthread_timedjoin_np(thread, result, end));
}

int __wrap_pthread_tryjoin_np(pthread_t thread, void **result) {
    struct memory near;
    const zx_handle_t handle = join_begin(thread, &near);
    return join_end(handle, __real_pthread_tryjoin_np(thread, result));
}

int __wrap_pthread_join(pthread_t thread, void **result) { return __wrap_pthread_timedjoin_np(thread, result, NULL); }
int __wrap___pthread_join(pthread_t thread, void **result) { return __wrap_pthread_join(thread, result); }

/* --- for programs --- */

/* A thread that the C library made knows its own. */
zx_handle_t _zx_thread_self(void) {
    zx_handle_t handle = threaded ? self_if_any()->handle : ZX_HANDLE_INVALID;
    return handle != ZX_HANDLE_INVALID ? handle : __port_main_thread();
}

zx_handle_t thrd_get_zx_handle(thrd_t thread) {
    zx_handle_t handle = thread_of(thread)->handle;
    return handle != ZX_HANDLE_INVALID ? handle : __port_main_thread();
}

int thrd_create_with_name(thrd_t *thread, thrd_start_t entry, void *arg, const char *name) {
    self.named = name;
    int result = thrd_create(thread, entry, arg);
    self.named = NULL;
    return result;
}

int thrd_status_to_zx_status(int thrd_status) {
    static const zx_status_t status[] = {[thrd_success] = ZX_OK,
                                         [thrd_busy] = ZX_ERR_SHOULD_WAIT,
                                         [thrd_error] = ZX_ERR_INTERNAL,
                                         [thrd_nomem] = ZX_ERR_NO_MEMORY,
                                         [thrd_timedout] = ZX_ERR_TIMED_OUT};
    bool known = thrd_status >= 0 && (size_t)thrd_status < sizeof(status) / sizeof(status[0]);
    return known ? status[thrd_status] : ZX_ERR_INTERNAL;
}

PORT_ALIAS(zx_thread_self, _zx_thread_self);
