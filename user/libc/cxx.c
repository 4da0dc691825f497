/*
 * What a C++ compiler takes for granted beside the C library: operator new and delete over malloc, the guards of local
 * static variables, destructors of thread-local ones, and an end for calls of functions that have no body. The
 * names are those of the Itanium C++ ABI. There are no exceptions, so a `new` that finds no memory ends the program,
 * unless it is the nothrow one, which gives NULL.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <zircon/assert.h>

#include "user/libc/port.h"

#define CXX(name) __asm__(#name)
#define UNUSED __attribute__((unused))

/* new and delete: of one object, of an array; with an alignment; with std::nothrow. */

static void *allocate(size_t size, size_t align) {
    if (size == 0) size = 1;
    if (size > PTRDIFF_MAX) return NULL;
    return align <= _Alignof(max_align_t) ? malloc(size) : aligned_alloc(align, (size + align - 1) & ~(align - 1));
}

static void *allocate_surely(size_t size, size_t align) {
    void *memory = allocate(size, align);
    if (!memory) __zx_panic("operator new: there is no memory for %zu bytes\n", size);
    return memory;
}

#define NEW(mangled, arguments, result)                                \
    __attribute__((weak)) void *__cxx##mangled arguments CXX(mangled); \
    void *__cxx##mangled arguments { return result; }

NEW(_Znwm, (size_t size), allocate_surely(size, 1))
NEW(_Znam, (size_t size), allocate_surely(size, 1))
NEW(_ZnwmSt11align_val_t, (size_t size, size_t align), allocate_surely(size, align))
NEW(_ZnamSt11align_val_t, (size_t size, size_t align), allocate_surely(size, align))
NEW(_ZnwmRKSt9nothrow_t, (size_t size, const void *nothrow UNUSED), allocate(size, 1))
NEW(_ZnamRKSt9nothrow_t, (size_t size, const void *nothrow UNUSED), allocate(size, 1))
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *nothrow UNUSED), allocate(size, align))
NEW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *nothrow UNUSED), allocate(size, align))

#define DELETE(mangled, arguments)                                    \
    __attribute__((weak)) void __cxx##mangled arguments CXX(mangled); \
    void __cxx##mangled arguments { free(memory); }

DELETE(_ZdlPv, (void *memory))
DELETE(_ZdaPv, (void *memory))
DELETE(_ZdlPvm, (void *memory, size_t size UNUSED))
DELETE(_ZdaPvm, (void *memory, size_t size UNUSED))
DELETE(_ZdlPvSt11align_val_t, (void *memory, size_t align UNUSED))
DELETE(_ZdaPvSt11align_val_t, (void *memory, size_t align UNUSED))
DELETE(_ZdlPvmSt11align_val_t, (void *memory, size_t size UNUSED, size_t align UNUSED))
DELETE(_ZdaPvmSt11align_val_t, (void *memory, size_t size UNUSED, size_t align UNUSED))
DELETE(_ZdlPvRKSt9nothrow_t, (void *memory, const void *nothrow UNUSED))
DELETE(_ZdaPvRKSt9nothrow_t, (void *memory, const void *nothrow UNUSED))

/* Virtual functions without a body. */

_Noreturn void __cxa_pure_virtual(void);
_Noreturn void __cxa_pure_virtual(void) { __zx_panic("a pure virtual function was called\n"); }

_Noreturn void __cxa_deleted_virtual(void);
_Noreturn void __cxa_deleted_virtual(void) { __zx_panic("a deleted virtual function was called\n"); }

/* Guards: compiled code calls only while the first byte is not 1, which is made. The second word is a lock. */

struct guard {
    atomic_uchar made;
    zx_futex_t lock;
};

int __cxa_guard_acquire(struct guard *guard);
void __cxa_guard_release(struct guard *guard);
void __cxa_guard_abort(struct guard *guard);

/* 1: the caller makes the variable now, under the lock. 0: another thread has made it. */
int __cxa_guard_acquire(struct guard *guard) {
    __port_lock(&guard->lock);
    if (!guard->made) return 1;
    __port_unlock(&guard->lock);
    return 0;
}

void __cxa_guard_release(struct guard *guard) {
    guard->made = 1;
    __port_unlock(&guard->lock);
}

void __cxa_guard_abort(struct guard *guard) { __port_unlock(&guard->lock); }

/* Destructors of thread-local variables: a list of each thread's own, the last one made the first to go. */

struct departure {
    void (*destroy)(void *object);
    void *object;
    struct departure *next;
};

static _Thread_local struct departure *departures;
static pthread_key_t departures_key;
static pthread_once_t departures_once = PTHREAD_ONCE_INIT;

_Noreturn void __real_exit(int status);
_Noreturn void __wrap_exit(int status);
int __cxa_thread_atexit(void (*destroy)(void *object), void *object, void *dso);

/* Destructors may make further objects. */
static void departures_run(void *unused UNUSED) {
    while (departures) {
        struct departure one = *departures;
        free(departures);
        departures = one.next;
        one.destroy(one.object);
    }
}

/* The variables of the thread that ends the program go before the static ones. */
void __wrap_exit(int status) {
    departures_run(NULL);
    __real_exit(status);
}

static void departures_prepare(void) {
    if (pthread_key_create(&departures_key, departures_run) != 0) abort();
}

/* The key has a value where there is something to do at the thread's end. */
int __cxa_thread_atexit(void (*destroy)(void *object), void *object, void *dso UNUSED) {
    pthread_once(&departures_once, departures_prepare);
    struct departure *one = malloc(sizeof(*one));
    if (!one) return -1;
    *one = (struct departure){destroy, object, departures};
    departures = one;
    return pthread_setspecific(departures_key, one);
}
