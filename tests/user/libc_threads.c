/*
 * Threads as the C library makes them, by pthread.h and by threads.h.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/threads.h>
#include <zircon/time.h>

#include "tests/user/harness.h"

#define THREADS 4

static _Thread_local int counter = 7;
static _Thread_local _Alignas(1024) char room[3000];

static void run_all(void *(*entry)(void *arg)) {
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) NEED_EQ(pthread_create(&threads[i], NULL, entry, (void *)i), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *result = NULL;
        EXPECT_EQ(pthread_join(threads[i], &result), 0);
        EXPECT_EQ((uintptr_t)result, i + 1);
    }
}

static void *use_locals(void *arg) {
    EXPECT_EQ(counter, 7);
    EXPECT_EQ((uintptr_t)room % 1024, 0);
    for (size_t i = 0; i < sizeof(room); i++) EXPECT_EQ(room[i], 0);
    errno = counter = 100 + (int)(uintptr_t)arg;
    memset(room, counter, sizeof(room));
    zx_nanosleep(zx_deadline_after(ZX_MSEC(2)));
    EXPECT_EQ(counter, 100 + (uintptr_t)arg);
    EXPECT_EQ(errno, counter);
    EXPECT_EQ(room[2999], (char)counter);
    return (char *)arg + 1;
}

TEST("libc/each thread has thread-local variables and an errno of its own, and gives a result") {
    errno = 3;
    run_all(use_locals);
    EXPECT_EQ(counter, 7);
    EXPECT_EQ(errno, 3);
}

static void *use_heap(void *arg) {
    unsigned char *blocks[64] = {0};
    uint64_t random = (uintptr_t)arg + 1;
    for (int i = 0; i < 20000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t slot = (random >> 33) % 64, len = 8 + (random >> 40) % 3000;
        if (blocks[slot]) EXPECT_EQ(*blocks[slot], slot);
        free(blocks[slot]);
        blocks[slot] = malloc(len);
        memset(blocks[slot], (int)slot, len);
    }
    for (size_t i = 0; i < 64; i++) free(blocks[i]);
    return (char *)arg + 1;
}

TEST("libc/threads take memory from one heap and give it back") { run_all(use_heap); }

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive;
static uint64_t total;

static void *count_locked(void *arg) {
    for (int i = 0; i < 20000; i++) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_lock(&recursive);
        pthread_mutex_lock(&recursive);
        uint64_t seen = total;
        if (i % 1000 == 0) zx_nanosleep(zx_deadline_after(ZX_USEC(100)));
        total = seen + 1;
        pthread_mutex_unlock(&recursive);
        pthread_mutex_unlock(&recursive);
        pthread_mutex_unlock(&mutex);
    }
    return (char *)arg + 1;
}

TEST("libc/a mutex is held by one thread at a time") {
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    NEED_EQ(pthread_mutex_init(&recursive, &attr), 0);
    run_all(count_locked);
    EXPECT_EQ(total, THREADS * 20000);
}

/* Two take turns, told by a condition; a semaphore counts the turns. */
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t turns;
static int turn;

static void *take_turns(void *arg) {
    const int mine = (int)(uintptr_t)arg % 2;
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&mutex);
        while (turn % 2 != mine) pthread_cond_wait(&condition, &mutex);
        turn++;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
        sem_post(&turns);
    }
    return (char *)arg + 1;
}

TEST("libc/conditions and semaphores wake those who wait for them") {
    sem_init(&turns, 0, 0);
    run_all(take_turns);
    for (int i = 0; i < THREADS * 100; i++) NEED_EQ(sem_trywait(&turns), 0);
    EXPECT_EQ(sem_trywait(&turns), -1);
    EXPECT_EQ(turn, THREADS * 100);
}

TEST("libc/waits with a time limit end with it") {
    struct timespec until;
    zx_time_t start = zx_clock_get_monotonic();
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&mutex);
    EXPECT_EQ(pthread_cond_timedwait(&condition, &mutex, &until), ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
    EXPECT(zx_clock_get_monotonic() >= start + ZX_MSEC(20));
    sem_init(&turns, 0, 0);
    EXPECT_EQ(sem_timedwait(&turns, &until), -1);
    EXPECT_EQ(errno, ETIMEDOUT);
}

static pthread_key_t key;
static atomic_int destroyed;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int made;

static void make_key(void) { made++; }
static void destroy_value(void *value) { destroyed += (int)(uintptr_t)value; }

static void *use_key(void *arg) {
    pthread_once(&once, make_key);
    EXPECT_EQ(pthread_getspecific(key), 0);
    pthread_setspecific(key, (char *)arg + 1);
    EXPECT_EQ(pthread_getspecific(key), (uintptr_t)arg + 1);
    return (char *)arg + 1;
}

TEST("libc/thread-specific data is destroyed with its thread, and pthread_once runs once") {
    NEED_EQ(pthread_key_create(&key, destroy_value), 0);
    run_all(use_key);
    EXPECT_EQ(destroyed, 1 + 2 + 3 + 4);
    EXPECT_EQ(made, 1);
}

static atomic_int ended;
static int end_soon(void *arg) {
    (void)arg;
    ended++;
    return 0;
}

/* Each has a megabyte and more of addresses, and a page of memory at least. */
TEST("libc/threads that are detached leave nothing behind") {
    const int count = 600;
    for (int i = 0; i < count; i++) {
        thrd_t thread;
        NEED_EQ(thrd_create(&thread, end_soon, NULL), thrd_success);
        NEED_EQ(thrd_detach(thread), thrd_success);
    }
    const size_t most = (size_t)64 << 20;
    zx_info_task_stats_t stats = {.mem_mapped_bytes = SIZE_MAX};
    for (int i = 0; i < 1000 && (ended < count || stats.mem_mapped_bytes >= most); i++) {
        thrd_sleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        EXPECT_OK(zx_object_get_info(zx_process_self(), ZX_INFO_TASK_STATS, &stats, sizeof(stats), NULL, NULL));
    }
    EXPECT_EQ(ended, count);
    EXPECT(stats.mem_mapped_bytes < most);
}

static int tell_handle(void *out) {
    *(zx_handle_t *)out = zx_thread_self();
    return (int)zx_thread_self();
}

TEST("thrd_get_zx_handle/is what the thread knows as its own") {
    zx_handle_t seen = ZX_HANDLE_INVALID;
    thrd_t thread;
    int result = 0;
    const zx_handle_t mine = zx_thread_self();
    EXPECT_EQ(thrd_get_zx_handle(thrd_current()), mine);
    NEED_EQ(thrd_create(&thread, tell_handle, &seen), thrd_success);
    zx_handle_t handle = thrd_get_zx_handle(thread);
    EXPECT(handle != mine && handle != ZX_HANDLE_INVALID);
    EXPECT_EQ(thrd_join(thread, &result), thrd_success);
    EXPECT_EQ(seen, handle);
    EXPECT_EQ((zx_handle_t)result, handle);
    EXPECT_EQ(zx_thread_self(), mine);
    EXPECT_EQ(thrd_status_to_zx_status(thrd_success), ZX_OK);
    EXPECT_EQ(thrd_status_to_zx_status(thrd_nomem), ZX_ERR_NO_MEMORY);
}

static uint32_t threads_known(void) {
    zx_info_process_handle_stats_t stats = {0};
    EXPECT_OK(zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS_HANDLE_STATS, &stats, sizeof(stats), NULL, NULL));
    return stats.handle_count[ZX_OBJ_TYPE_THREAD];
}

static void *end_at_once(void *arg) { return arg; }
static int end_with_0(void *arg) { return arg != NULL; }

static int join_by_trying(pthread_t thread) {
    int error;
    while ((error = pthread_tryjoin_np(thread, NULL)) == EBUSY) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    return error;
}

static int join_in_time(pthread_t thread) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 60;
    return pthread_timedjoin_np(thread, NULL, &end);
}

static int join(pthread_t thread) { return pthread_join(thread, NULL); }

TEST("libc/of a thread that was joined, in whichever way, no handle is left; nor of a detached one") {
    static int (*const ways[])(pthread_t thread) = {join, join_in_time, join_by_trying, pthread_detach};
    static char stack[65536];
    const uint32_t before = threads_known();
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        pthread_t thread;
        NEED_EQ(pthread_create(&thread, NULL, end_at_once, NULL), 0);
        EXPECT_EQ(ways[i](thread), 0);
    }
    thrd_t thrd;
    NEED_EQ(thrd_create(&thrd, end_with_0, NULL), thrd_success);
    EXPECT_EQ(thrd_join(thrd, NULL), thrd_success);
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    EXPECT_EQ(pthread_attr_setstack(&attr, stack, sizeof(stack)), 0);
    NEED_EQ(pthread_create(&thread, &attr, end_at_once, NULL), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    for (int i = 0; i < 1000 && threads_known() != before; i++) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    EXPECT_EQ(threads_known(), before);
}

static int tell_name(void *arg) { return zx_object_get_property(zx_thread_self(), ZX_PROP_NAME, arg, ZX_MAX_NAME_LEN); }

static void expect_named(const char *name, const char *seen) {
    char told[ZX_MAX_NAME_LEN] = "";
    thrd_t thread;
    int result = 1;
    NEED_EQ(thrd_create_with_name(&thread, tell_name, told, name), thrd_success);
    EXPECT_EQ(thrd_join(thread, &result), thrd_success);
    EXPECT_EQ(result, ZX_OK);
    EXPECT(strcmp(told, seen) == 0);
}

TEST("libc/thrd_create_with_name names the kernel's thread, and only that one") {
    expect_named("worker", "worker");
    expect_named("a name of more than thirty-one bytes", "a name of more than thirty-one ");
    expect_named("", "");
    expect_named(NULL, "thread");
}

TEST("libc/MTX_INIT is a plain mutex, CND_INIT a condition") {
    static mtx_t plain = MTX_INIT;
    static cnd_t told = CND_INIT;
    EXPECT_EQ(mtx_lock(&plain), thrd_success);
    EXPECT_EQ(mtx_trylock(&plain), thrd_busy);
    EXPECT_EQ(cnd_signal(&told), thrd_success);
    EXPECT_EQ(mtx_unlock(&plain), thrd_success);
    EXPECT_EQ(mtx_trylock(&plain), thrd_success);
    EXPECT_EQ(mtx_unlock(&plain), thrd_success);
}

TEST("libc/a thread for which there is no room is EAGAIN") {
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    NEED_EQ(pthread_attr_setstacksize(&attr, (size_t)1 << 47), 0);
    EXPECT_EQ(pthread_create(&thread, &attr, use_key, NULL), EAGAIN);
}

static void *print_lines(void *arg) {
    FILE *stream = arg;
    for (int i = 0; i < 300; i++) fprintf(stream, "a line of some length that stays whole\n");
    return (char *)arg + 1;
}

static ssize_t lines_check(void *cookie, const char *text, size_t len) {
    size_t *lines = cookie;
    for (size_t i = 0; i < len; i++) *lines += text[i] == '\n';
    return (ssize_t)len;
}

TEST("libc/threads may print to one stream") {
    size_t lines = 0;
    FILE *stream = fopencookie(&lines, "w", (cookie_io_functions_t){.write = lines_check});
    pthread_t threads[THREADS];
    NEED(stream != NULL);
    for (size_t i = 0; i < THREADS; i++) NEED_EQ(pthread_create(&threads[i], NULL, print_lines, stream), 0);
    for (size_t i = 0; i < THREADS; i++) EXPECT_EQ(pthread_join(threads[i], NULL), 0);
    EXPECT_EQ(fclose(stream), 0);
    EXPECT_EQ(lines, THREADS * 300);
}

static bool is_on_stack(const char *where, size_t least, size_t most) {
    pthread_attr_t attr;
    void *base = NULL;
    size_t len = 0;
    EXPECT_EQ(pthread_getattr_np(pthread_self(), &attr), 0);
    EXPECT_EQ(pthread_attr_getstack(&attr, &base, &len), 0);
    return TEST_TRUE(len >= least) && TEST_TRUE(len <= most) && TEST_TRUE((uintptr_t)where - (uintptr_t)base < len);
}

static void *look_at_stack(void *arg) {
    char here;
    is_on_stack(&here, (uintptr_t)arg, (uintptr_t)arg + 4 * ZX_PAGE_SIZE);
    return NULL;
}

TEST("libc/pthread_getattr_np ends, and knows the stack of the first thread and of others") {
    char here;
    pthread_t thread;
    pthread_attr_t attr;
    is_on_stack(&here, 8u << 20, (8u << 20) + ZX_PAGE_SIZE);
    NEED_EQ(pthread_create(&thread, NULL, look_at_stack, (void *)((uintptr_t)1 << 20)), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    NEED_EQ(pthread_attr_init(&attr), 0);
    NEED_EQ(pthread_attr_setstacksize(&attr, 65536), 0);
    NEED_EQ(pthread_create(&thread, &attr, look_at_stack, (void *)65536), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
}

static void *use_stack(void *arg) {
    char here;
    return (uintptr_t)&here - (uintptr_t)arg < 65536 ? arg : NULL;
}

TEST("libc/a thread can have a stack of its maker's, which stays when it ends, and leaves no handle behind") {
    static _Alignas(16) char stack[65536];
    pthread_attr_t attr;
    pthread_t thread;
    void *result = NULL;
    NEED_EQ(pthread_attr_init(&attr), 0);
    NEED_EQ(pthread_attr_setstack(&attr, stack, sizeof(stack)), 0);
    for (int i = 0; i < 3; i++) {
        NEED_EQ(pthread_create(&thread, &attr, use_stack, stack), 0);
        EXPECT_EQ(pthread_join(thread, &result), 0);
        EXPECT_EQ((uintptr_t)result, (uintptr_t)stack);
    }
}

TEST("libc/a thread whose scheduling cannot be had is not made") {
    pthread_attr_t attr;
    pthread_t thread;
    NEED_EQ(pthread_attr_init(&attr), 0);
    NEED_EQ(pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED), 0);
    EXPECT_EQ(pthread_create(&thread, &attr, use_stack, NULL), ENOSYS);
}
