/*
 * Threads that wait for one another through the C library: a waiting thread takes no processor time, and is woken when
 * what it waits for happens. Each means of waiting is an entry of `means`.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <zircon/syscalls.h>
#include <zircon/threads.h>
#include <zircon/time.h>

#include "tests/user/child.h"
#include "tests/user/probe.h"

/* After `hold`, `waiters` threads that call `wait` sleep until the holder calls `release`. */
struct means {
    const char *name;
    void (*hold)(unsigned waiters);
    void (*wait)(void);
    void (*release)(void);
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void mutex_hold(unsigned waiters) { (void)waiters, pthread_mutex_lock(&mutex); }
static void mutex_wait(void) { pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex); }
static void mutex_release(void) { pthread_mutex_unlock(&mutex); }

static sem_t semaphore;
static void semaphore_hold(unsigned waiters) { (void)waiters, sem_init(&semaphore, 0, 0); }
static void semaphore_wait(void) { sem_wait(&semaphore), sem_post(&semaphore); }
static void semaphore_release(void) { sem_post(&semaphore); }

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static void rwlock_hold(unsigned waiters) { (void)waiters, pthread_rwlock_wrlock(&rwlock); }
static void rwlock_wait(void) { pthread_rwlock_rdlock(&rwlock), pthread_rwlock_unlock(&rwlock); }
static void rwlock_release(void) { pthread_rwlock_unlock(&rwlock); }

static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t condition_mutex = PTHREAD_MUTEX_INITIALIZER;
static bool condition_true;

static void condition_set(bool value) {
    pthread_mutex_lock(&condition_mutex);
    condition_true = value;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&condition_mutex);
}

static void condition_hold(unsigned waiters) { (void)waiters, condition_set(false); }
static void condition_wait(void) {
    pthread_mutex_lock(&condition_mutex);
    while (!condition_true) pthread_cond_wait(&condition, &condition_mutex);
    pthread_mutex_unlock(&condition_mutex);
}
static void condition_release(void) { condition_set(true); }

static pthread_barrier_t barrier;
static void barrier_hold(unsigned waiters) { pthread_barrier_init(&barrier, NULL, waiters + 1); }
static void barrier_wait(void) { pthread_barrier_wait(&barrier); }

static FILE *stream;
static void stream_hold(unsigned waiters) {
    (void)waiters;
    if (!stream) stream = fopencookie(NULL, "w", (cookie_io_functions_t){0});
    flockfile(stream);
}
static void stream_wait(void) { flockfile(stream), funlockfile(stream); }
static void stream_release(void) { funlockfile(stream); }

/* The first thread waits on the bare futex, the others for the first. */
static pthread_once_t once;
static zx_futex_t bare;
static void bare_hold(unsigned waiters) { (void)waiters, atomic_store(&bare, 0), once = PTHREAD_ONCE_INIT; }
static void bare_wait(void) { zx_futex_wait(&bare, 0, ZX_HANDLE_INVALID, ZX_TIME_INFINITE); }
static void once_wait(void) { pthread_once(&once, bare_wait); }
static void bare_release(void) { atomic_store(&bare, 1), zx_futex_wake(&bare, UINT32_MAX); }

static const struct means means[] = {
    {"mutex", mutex_hold, mutex_wait, mutex_release},
    {"semaphore", semaphore_hold, semaphore_wait, semaphore_release},
    {"rwlock", rwlock_hold, rwlock_wait, rwlock_release},
    {"condition", condition_hold, condition_wait, condition_release},
    {"barrier", barrier_hold, barrier_wait, barrier_wait},
    {"stream", stream_hold, stream_wait, stream_release},
    {"once", bare_hold, once_wait, bare_release},
};
#define MEANS (sizeof(means) / sizeof(means[0]))
static const struct means futex = {"futex", bare_hold, bare_wait, bare_release};

/* Returns when it was woken. */
static void *wait_by(void *arg) {
    ((const struct means *)arg)->wait();
    return (void *)zx_clock_get_monotonic();
}

static bool waiter_start(pthread_t *out, const struct means *by) {
    return TEST_EQ(pthread_create(out, NULL, wait_by, (void *)by), 0) &&
           TEST_TRUE(thread_waits(thrd_get_zx_handle(*out)));
}

static zx_time_t waiter_join(pthread_t waiter) {
    void *woken = NULL;
    EXPECT_EQ(pthread_join(waiter, &woken), 0);
    return (zx_time_t)woken;
}

/* --- waiting is idle --- */

#define WAITERS 300
static pthread_t waiters[WAITERS];

static zx_duration_t waiters_runtime(void) {
    zx_duration_t sum = 0;
    for (size_t i = 0; i < WAITERS; i++) {
        zx_info_thread_stats_t stats = {0};
        zx_handle_t thread = thrd_get_zx_handle(waiters[i]);
        EXPECT_OK(zx_object_get_info(thread, ZX_INFO_THREAD_STATS, &stats, sizeof(stats), NULL, NULL));
        sum += stats.total_runtime;
    }
    return sum;
}

TEST("libc/three hundred waiting threads take less than a hundredth of a processor") {
    const zx_duration_t watched = ZX_MSEC(200);
    for (size_t i = 0; i < MEANS; i++) means[i].hold((WAITERS - i + MEANS - 1) / MEANS);
    for (size_t i = 0; i < WAITERS; i++) NEED(waiter_start(&waiters[i], &means[i % MEANS]));
    zx_duration_t before = waiters_runtime();
    zx_nanosleep(zx_deadline_after(watched));
    zx_duration_t spent = waiters_runtime() - before;
    if (!TEST_TRUE(spent < watched / 100)) test_note("%lld ns of %lld", (long long)spent, (long long)watched);
    for (size_t i = 0; i < MEANS; i++) means[i].release();
    for (size_t i = 0; i < WAITERS; i++) waiter_join(waiters[i]);
}

/* --- a waiter is woken at once --- */

#define TRIES 31

static int compare(const void *a, const void *b) {
    zx_duration_t x = *(const zx_duration_t *)a, y = *(const zx_duration_t *)b;
    return x < y ? -1 : x > y;
}

/* From the release until the waiter runs: the median. */
static zx_duration_t hand_over(const struct means *by) {
    zx_duration_t took[TRIES] = {0};
    for (size_t i = 0; i < TRIES; i++) {
        pthread_t waiter;
        by->hold(1);
        if (!waiter_start(&waiter, by)) return ZX_TIME_INFINITE;
        zx_time_t start = zx_clock_get_monotonic();
        by->release();
        took[i] = waiter_join(waiter) - start;
    }
    qsort(took, TRIES, sizeof(took[0]), compare);
    return took[TRIES / 2];
}

TEST("libc/a waiting thread is woken in at most three times the time that a bare futex takes") {
    zx_duration_t bare_time = hand_over(&futex);
    for (const struct means *by = means; by->wait != once_wait; by++) {
        zx_duration_t time = hand_over(by);
        if (times_are_exact() && !TEST_TRUE(time <= 3 * bare_time))
            test_note("%s: %lld ns, a futex %lld", by->name, (long long)time, (long long)bare_time);
    }
}

/* --- many printers cost no more than one --- */

#define PRINTERS 16
#define LINES 3200    /* in all, where their time is compared */
#define FEW_LINES 160 /* where it is not */

/* A slow device: a printer waits for it with the stream locked. */
static ssize_t take(void *cookie, const char *text, size_t len) {
    (void)cookie, (void)text;
    zx_nanosleep(zx_deadline_after(ZX_USEC(50)));
    return (ssize_t)len;
}

static void *print(void *lines) {
    for (uintptr_t i = 0; i < (uintptr_t)lines; i++)
        fprintf(stream, "line %d of a thread, %s\n", (int)i, "and some text");
    return NULL;
}

static zx_duration_t print_from(size_t threads) {
    const uintptr_t each = (times_are_exact() ? LINES : FEW_LINES) / threads;
    pthread_t printers[PRINTERS];
    stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = take});
    setvbuf(stream, NULL, _IOLBF, BUFSIZ);
    zx_time_t start = zx_clock_get_monotonic();
    for (size_t i = 0; i < threads; i++) EXPECT_EQ(pthread_create(&printers[i], NULL, print, (void *)each), 0);
    for (size_t i = 0; i < threads; i++) EXPECT_EQ(pthread_join(printers[i], NULL), 0);
    zx_duration_t took = zx_clock_get_monotonic() - start;
    fclose(stream);
    return took;
}

TEST("libc/printf from sixteen threads on one processor costs no more than from one") {
    zx_duration_t one = print_from(1), many = print_from(PRINTERS);
    if (times_are_exact() && !TEST_TRUE(many <= one + one / 10))
        test_note("%lld ns from one, %lld from sixteen", (long long)one, (long long)many);
}
