/*
 * Threads: what musl's pthread_create and pthread_exit do with Linux, done with threads of the kernel. Joining, detaching
 * and thread-specific data are musl's own, and so is C11's <threads.h>, which is made of these.
 *
 * A thread lives in one mapping, which whoever joins it unmaps:
 *
 *     | a page that faults | stack | thread-specific data | thread-local storage and struct pthread |
 *
 * One that is detached cannot unmap what it stands on: it is left in a list of the dead, and unmapped when the next one
 * begins or ends.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <threads.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/threads.h>

#include "user/libc/port.h"
#include "user/libc/pthread_impl.h"

#define DEFAULT_STACK ((size_t)1 << 20) /* pages come into being as it grows */
#define C11_THREAD ((const pthread_attr_t *)UINTPTR_MAX)

int __pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*entry)(void *arg), void *arg);
_Noreturn void __pthread_exit(void *result);
void __tl_lock(void);
void __tl_unlock(void);
void __tl_sync(pthread_t thread);
void __do_cleanup_push(struct cleanup *cleanup);
void __do_cleanup_pop(struct cleanup *cleanup);
void __lock(volatile int *lock);
void __unlock(volatile int *lock);

/* Thread-specific data; there only if the program uses any. */
extern size_t __pthread_tsd_size __attribute__((weak));
void __pthread_tsd_run_dtors(void) __attribute__((weak));

/* Guards the ring of threads, their number, and the list of the dead. */
static volatile int ring_lock[1];
static struct port_pthread *dead;

void __tl_lock(void) { __lock(ring_lock); }
void __tl_unlock(void) { __unlock(ring_lock); }

void __do_cleanup_push(struct cleanup *cleanup) {
    struct port_pthread *self = pthread_current();
    cleanup->next = self->cleanups;
    self->cleanups = cleanup;
}

void __do_cleanup_pop(struct cleanup *cleanup) { pthread_current()->cleanups = cleanup->next; }

/* musl calls this when a thread has said that it ends, before it unmaps the thread's stack. */
void __tl_sync(pthread_t thread) {
    struct port_pthread *ending = (struct port_pthread *)thread;
    zx_object_wait_one(ending->handle, ZX_THREAD_TERMINATED, ZX_TIME_INFINITE, NULL);
    zx_handle_close(ending->handle);
}

/* Unmaps the detached threads that have ended. */
static void dead_bury(void) {
    __tl_lock();
    for (struct port_pthread **link = &dead; *link;) {
        struct port_pthread *one = *link;
        if (zx_object_wait_one(one->handle, ZX_THREAD_TERMINATED, 0, NULL) == ZX_OK) {
            *link = one->next_dead;
            zx_handle_close(one->handle);
            munmap(one->map_base, one->map_size);
        } else {
            link = &one->next_dead;
        }
    }
    __tl_unlock();
}

static size_t whole_pages(size_t len) { return (len + ZX_PAGE_MASK) & ~(size_t)ZX_PAGE_MASK; }
static size_t tsd_len(void) { return &__pthread_tsd_size ? whole_pages(__pthread_tsd_size) : 0; }

/* The thread's mapping, with what musl wants to find in it; NULL if there is no memory. */
static struct port_pthread *thread_make(size_t stack_len) {
    size_t tls_len = __port_tls_len();
    size_t len = ZX_PAGE_SIZE + stack_len + tsd_len() + tls_len;
    char *base = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) return NULL;
    if (mprotect(base, ZX_PAGE_SIZE, PROT_NONE) != 0 ||
        mprotect(base + len - tls_len, tls_len, PROT_READ | PROT_WRITE) != 0) {
        munmap(base, len);
        return NULL;
    }
    const struct port_pthread *self = pthread_current();
    struct port_pthread *thread = __port_tls_place(base + len - tls_len);
    thread->self = thread;
    thread->canary = self->canary;
    thread->locale = self->locale;
    thread->sysinfo = self->sysinfo;
    thread->robust_list.head = &thread->robust_list.head;
    thread->detach_state = DT_JOINABLE;
    thread->map_base = base;
    thread->map_size = len;
    thread->stack = base + ZX_PAGE_SIZE + stack_len;
    thread->stack_size = stack_len;
    thread->guard_size = ZX_PAGE_SIZE;
    thread->tsd = thread->stack;
    return thread;
}

static void thread_main(uintptr_t arg1, uintptr_t arg2) {
    struct port_pthread *self = (struct port_pthread *)arg1;
    (void)arg2;
    machine_thread_pointer_set(self->handle, self);
    __pthread_exit(self->entry(self->arg));
}

static void ring_insert(struct port_pthread *thread) {
    struct port_pthread *self = pthread_current();
    __libc.threaded = 1;
    __libc.need_locks = 1;
    __tl_lock();
    thread->next = self->next;
    thread->prev = self;
    self->next->prev = thread;
    self->next = thread;
    __libc.threads_minus_1++;
    __tl_unlock();
}

/* Takes a thread out, and tells whether it was the last. */
static bool ring_remove(struct port_pthread *thread) {
    __tl_lock();
    bool last = __libc.threads_minus_1-- == 0;
    thread->next->prev = thread->prev;
    thread->prev->next = thread->next;
    thread->next = thread->prev = thread;
    __tl_unlock();
    return last;
}

static zx_status_t thread_start(struct port_pthread *thread) {
    zx_status_t status = zx_thread_create(zx_process_self(), "thread", strlen("thread"), 0, &thread->handle);
    if (status != ZX_OK) return status;
    thread->tid = __port_tid(thread->handle);
    ring_insert(thread);
    zx_vaddr_t stack = machine_stack_pointer((zx_vaddr_t)thread->stack - thread->stack_size, thread->stack_size);
    status = zx_thread_start(thread->handle, (zx_vaddr_t)thread_main, stack, (uintptr_t)thread, 0);
    if (status == ZX_OK) return ZX_OK;
    ring_remove(thread);
    zx_handle_close(thread->handle);
    return status;
}

int __pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*entry)(void *arg), void *arg) {
    size_t stack_len = DEFAULT_STACK;
    int detach = PTHREAD_CREATE_JOINABLE;
    if (attr && attr != C11_THREAD) {
        pthread_attr_getstacksize(attr, &stack_len);
        pthread_attr_getdetachstate(attr, &detach);
    }
    dead_bury();
    struct port_pthread *thread = thread_make(whole_pages(stack_len > DEFAULT_STACK ? stack_len : DEFAULT_STACK));
    if (!thread) return EAGAIN;
    thread->entry = entry;
    thread->arg = arg;
    if (detach == PTHREAD_CREATE_DETACHED) thread->detach_state = DT_DETACHED;
    *out = (pthread_t)thread;
    if (thread_start(thread) == ZX_OK) return 0;
    munmap(thread->map_base, thread->map_size);
    return EAGAIN;
}

/* The first thread's stack is the process's: nobody unmaps it. */
static void leave(struct port_pthread *self) {
    int state = DT_JOINABLE;
    atomic_int *detach_state = (atomic_int *)&self->detach_state;
    if (atomic_compare_exchange_strong(detach_state, &state, DT_EXITED)) {
        zx_futex_wake(detach_state, UINT32_MAX);
        return;
    }
    __tl_lock();
    if (self->map_base) {
        self->next_dead = dead;
        dead = self;
    }
    __tl_unlock();
}

_Noreturn void __pthread_exit(void *result) {
    struct port_pthread *self = pthread_current();
    self->result = result;
    while (self->cleanups) {
        struct cleanup *cleanup = self->cleanups;
        self->cleanups = cleanup->next;
        cleanup->run(cleanup->arg);
    }
    if (__pthread_tsd_run_dtors) __pthread_tsd_run_dtors();
    if (ring_remove(self)) exit(EXIT_SUCCESS);
    dead_bury();
    leave(self);
    zx_thread_exit();
}

zx_handle_t thrd_get_zx_handle(thrd_t thread) {
    zx_handle_t handle = ((struct port_pthread *)thread)->handle;
    return handle ? handle : __port_main_thread();
}

int thrd_status_to_zx_status(int thrd_status) {
    switch (thrd_status) {
    case thrd_success:
        return ZX_OK;
    case thrd_nomem:
        return ZX_ERR_NO_MEMORY;
    case thrd_timedout:
        return ZX_ERR_TIMED_OUT;
    case thrd_busy:
        return ZX_ERR_SHOULD_WAIT;
    default:
        return ZX_ERR_INTERNAL;
    }
}

PORT_ALIAS(pthread_create, __pthread_create);
PORT_ALIAS(pthread_exit, __pthread_exit);
