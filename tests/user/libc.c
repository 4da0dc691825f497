/*
 * The C library as programs use it: that the port layer of user/libc gives musl what it needs. What is musl's own doing
 * is only touched, to see that it works here.
 */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/time.h>

#include "tests/user/harness.h"

/* --- thread-local variables --- */

#define ALIGNMENT 4096

static _Thread_local int first = 17;
static _Thread_local char zeros[5000];
static _Thread_local _Alignas(ALIGNMENT) char aligned[100] = "far from the others";
static _Thread_local uint64_t last[600] = {[0] = 1, [599] = 600};

TEST("libc/thread-local variables of any size and alignment begin with their values") {
    EXPECT_EQ(first, 17);
    EXPECT_EQ(strcmp(aligned, "far from the others"), 0);
    EXPECT_EQ((uintptr_t)aligned % ALIGNMENT, 0);
    EXPECT_EQ(last[0] + last[599], 601);
    for (size_t i = 0; i < sizeof(zeros); i++) NEED_EQ(zeros[i], 0);
    for (size_t i = 1; i < 599; i++) NEED_EQ(last[i], 0);
}

TEST("libc/thread-local variables keep what is written, apart from each other and from errno") {
    memset(zeros, 1, sizeof(zeros));
    memset(last, 2, sizeof(last));
    memset(aligned, 3, sizeof(aligned));
    first = 4;
    errno = 5;
    for (size_t i = 0; i < sizeof(zeros); i++) NEED_EQ(zeros[i], 1);
    for (size_t i = 0; i < sizeof(last); i++) NEED_EQ(((char *)last)[i], 2);
    for (size_t i = 0; i < sizeof(aligned); i++) NEED_EQ(aligned[i], 3);
    EXPECT_EQ(first, 4);
    EXPECT_EQ(errno, 5);
}

/* --- text and numbers --- */

#define EXPECT_PRINTS(want, ...)                           \
    do {                                                   \
        char out[200];                                     \
        int len = snprintf(out, sizeof(out), __VA_ARGS__); \
        EXPECT_EQ(len, strlen(want));                      \
        EXPECT_BYTES(out, want, sizeof(want));             \
    } while (0)

TEST("libc/printf writes integers, text and pointers of every kind") {
    const char *text = "text";
    EXPECT_PRINTS("[   42|42   |00042|+42| 42]", "[%5d|%-5d|%05d|%+d|% d]", 42, 42, 42, 42, 42);
    EXPECT_PRINTS("[ff|FF|0xff|0377|11]", "[%x|%X|%#x|%#o|%u]", 255, 255, 255, 255, 11u);
    EXPECT_PRINTS("[-128|-32768|-9223372036854775808|18446744073709551615]", "[%hhd|%hd|%lld|%zu]", (signed char)-128,
                  (short)-32768, LLONG_MIN, SIZE_MAX);
    EXPECT_PRINTS("[x|text|  te|0x1234|%]", "[%c|%s|%*.*s|%p|%%]", 'x', text, 4, 2, text, (void *)0x1234);
    int at = 0;
    EXPECT_PRINTS("[123]", "[123%n]", &at);
    EXPECT_EQ(at, 4);
}

TEST("libc/printf writes floating-point numbers, exactly") {
    EXPECT_PRINTS("[3.141593|3.142|-0.0]", "[%f|%.3f|%.1f]", 3.14159265, 3.14159265, -0.0);
    EXPECT_PRINTS("[1.000e+100|1e-05|123457|1.5]", "[%.3e|%g|%g|%g]", 1e100, 1e-5, 123456.7, 1.5);
    EXPECT_PRINTS("[0x1p+0|inf|-inf|nan]", "[%a|%f|%f|%f]", 1.0, HUGE_VAL, -HUGE_VAL, __builtin_nan(""));
    EXPECT_PRINTS("[0.1000000000000000055511151231257827021181583404541015625]", "[%.55f]", 0.1);
    EXPECT_PRINTS("[      2.50|-1.2345678901234567891]", "[%10.2Lf|%.19Lf]", 2.5L, -1.23456789012345678910L);
}

TEST("libc/strtod and scanf read what printf writes, to the last bit") {
    uint64_t random = 12345;
    for (int i = 0; i < 2000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        double value, again;
        uint64_t bits = (random >> 12) | (random & 0x3ff) << 52;
        memcpy(&value, &bits, sizeof(value));
        char text[64];
        snprintf(text, sizeof(text), "%.17g", value);
        NEED(strtod(text, NULL) == value);
        NEED(sscanf(text, "%lf", &again) == 1 && again == value);
    }
    char *end;
    errno = 0;
    EXPECT(strtod("1e999 rest", &end) == HUGE_VAL);
    EXPECT_EQ(errno, ERANGE);
    EXPECT_EQ(strcmp(end, " rest"), 0);
    EXPECT_EQ(strtoull("0xdeadbeefcafe", NULL, 0), 0xdeadbeefcafe);
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

TEST("libc/qsort sorts a hundred thousand numbers, and bsearch finds each") {
    static uint32_t numbers[100000];
    const size_t count = sizeof(numbers) / sizeof(numbers[0]);
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += numbers[i] = (uint32_t)(i * 2654435761u);
    qsort(numbers, count, sizeof(numbers[0]), compare);
    for (size_t i = 0; i < count; i++) {
        sum -= numbers[i];
        if (i > 0) NEED(numbers[i - 1] <= numbers[i]);
    }
    EXPECT_EQ(sum, 0);
    for (uint32_t i = 0; i < count; i += 97) {
        uint32_t wanted = i * 2654435761u;
        NEED(bsearch(&wanted, numbers, count, sizeof(wanted), compare) != NULL);
    }
}

/* --- control --- */

static jmp_buf back;
static int tries;
static int dive(int depth) {
    volatile char frame[200];
    frame[0] = 0;
    if (depth == 0 && tries == 1) longjmp(back, 42);
    return depth == 0 ? 0 : dive(depth - 1) + frame[0];
}

TEST("libc/longjmp returns from many calls at once, with registers as they were") {
    volatile double kept = 1.5;
    int result = setjmp(back);
    tries++;
    if (result == 0) EXPECT_EQ(dive(500), -1);
    EXPECT_EQ(result, 42);
    EXPECT_EQ(tries, 2);
    EXPECT(kept == 1.5);
}

static int recurse(int depth) {
    volatile char frame[1024];
    frame[depth % 1024] = 1;
    return depth == 0 ? 0 : recurse(depth - 1) + frame[depth % 1024];
}

TEST("libc/there are megabytes of stack") { EXPECT_EQ(recurse(7000), 7000); }

static bool is_set(const char *name, const char *value) {
    const char *found = getenv(name);
    return found && strcmp(found, value) == 0;
}

TEST("libc/getenv finds what was given, and what setenv sets") {
    EXPECT(getenv("init.run") != NULL);
    EXPECT(getenv("no such thing") == NULL);
    EXPECT_EQ(setenv("jargoon.test", "a value", 1), 0);
    EXPECT(is_set("jargoon.test", "a value"));
    EXPECT_EQ(unsetenv("jargoon.test"), 0);
    EXPECT(getenv("jargoon.test") == NULL);
}

/* --- time --- */

TEST("libc/clock_gettime counts with the kernel's clock") {
    struct timespec now;
    zx_time_t before = zx_clock_get_monotonic();
    EXPECT_EQ(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    zx_time_t then = now.tv_sec * ZX_SEC(1) + now.tv_nsec;
    EXPECT(before <= then && then <= zx_clock_get_monotonic());
    errno = 0;
    EXPECT_EQ(clock_gettime(12345, &now), -1);
    EXPECT_EQ(errno, EINVAL);
}

static zx_duration_t read_clock(clockid_t clock) {
    struct timespec time = {0};
    EXPECT_EQ(clock_gettime(clock, &time), 0);
    return time.tv_sec * ZX_SEC(1) + time.tv_nsec;
}

/* Those that count from boot; the others show the time of day. */
static bool counts_from_boot(clockid_t clock) {
    return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_MONOTONIC_COARSE ||
           clock == CLOCK_BOOTTIME || clock == CLOCK_BOOTTIME_ALARM;
}

TEST("libc/time, gettimeofday and clock_gettime agree, and every clock but those of processor time is one of two") {
    struct timeval day;
    zx_time_t before = zx_clock_get(ZX_CLOCK_UTC);
    EXPECT_EQ(gettimeofday(&day, NULL), 0);
    zx_time_t seconds = time(NULL);
    zx_time_t then = day.tv_sec * ZX_SEC(1) + day.tv_usec * ZX_USEC(1);
    EXPECT(before / 1000 * 1000 <= then && then <= zx_clock_get(ZX_CLOCK_UTC));
    EXPECT(before / ZX_SEC(1) <= seconds && seconds <= zx_clock_get(ZX_CLOCK_UTC) / ZX_SEC(1));
    for (clockid_t clock = CLOCK_REALTIME; clock <= CLOCK_TAI; clock++) {
        struct timespec resolution = {0};
        if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID || clock == CLOCK_SGI_CYCLE) continue;
        zx_clock_t kind = counts_from_boot(clock) ? ZX_CLOCK_MONOTONIC : ZX_CLOCK_UTC;
        before = zx_clock_get(kind);
        then = read_clock(clock);
        EXPECT(before <= then && then <= zx_clock_get(kind));
        EXPECT_EQ(clock_getres(clock, &resolution), 0);
        EXPECT_EQ(resolution.tv_nsec, 1);
    }
}

#define WORK ZX_MSEC(4)

/* Works until so much processor time has gone by. */
static void *work(void *out_clock) {
    clockid_t *clock = out_clock;
    zx_duration_t start = read_clock(CLOCK_THREAD_CPUTIME_ID);
    EXPECT_EQ(pthread_getcpuclockid(pthread_self(), clock), 0);
    while (read_clock(CLOCK_THREAD_CPUTIME_ID) < start + WORK) continue;
    return NULL;
}

TEST("libc/clocks of processor time count for each thread and for the process, with the threads that have ended") {
    clockid_t own, other;
    pthread_t thread;
    struct timespec time;
    zx_duration_t start = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    zx_duration_t asleep = read_clock(CLOCK_THREAD_CPUTIME_ID);
    zx_nanosleep(zx_deadline_after(4 * WORK));
    if (getenv("test.exact")) EXPECT(read_clock(CLOCK_THREAD_CPUTIME_ID) - asleep < WORK);
    NEED_EQ(pthread_create(&thread, NULL, work, &other), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT(read_clock(CLOCK_PROCESS_CPUTIME_ID) >= start + WORK);
    work(&own);
    EXPECT(read_clock(own) >= WORK);
    EXPECT(read_clock(CLOCK_PROCESS_CPUTIME_ID) >= start + 2 * WORK);
    EXPECT(clock() >= 2 * WORK / ZX_USEC(1));
    EXPECT_EQ(clock_getcpuclockid(0, &own), 0);
    EXPECT(read_clock(own) >= start + 2 * WORK);
    EXPECT(clock_getcpuclockid(getpid() + 1, &own) != 0);
    EXPECT_EQ(clock_gettime(other, &time), -1);
    EXPECT_EQ(errno, EINVAL);
}

TEST("libc/clock_nanosleep to a time of day or a time since boot sleeps until then, never less") {
    const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};
    for (size_t i = 0; i < 2; i++) {
        zx_time_t start = zx_clock_get_monotonic(), until = read_clock(clocks[i]) + ZX_MSEC(3);
        const struct timespec time = {.tv_sec = until / ZX_SEC(1), .tv_nsec = until % ZX_SEC(1)};
        EXPECT_EQ(clock_nanosleep(clocks[i], TIMER_ABSTIME, &time, NULL), 0);
        EXPECT(read_clock(clocks[i]) >= until);
        EXPECT(zx_clock_get_monotonic() < start + ZX_SEC(10));
    }
}

TEST("libc/nanosleep and usleep sleep, never less") {
    const struct timespec pause = {.tv_nsec = 3000000};
    zx_time_t start = zx_clock_get_monotonic();
    EXPECT_EQ(nanosleep(&pause, NULL), 0);
    EXPECT(zx_clock_get_monotonic() >= start + ZX_MSEC(3));
    start = zx_clock_get_monotonic();
    EXPECT_EQ(usleep(2000), 0);
    EXPECT(zx_clock_get_monotonic() >= start + ZX_MSEC(2));
    const struct timespec wrong = {.tv_nsec = 1000000000};
    errno = 0;
    EXPECT_EQ(nanosleep(&wrong, NULL), -1);
    EXPECT_EQ(errno, EINVAL);
}

/* --- descriptors and identity --- */

TEST("libc/descriptors other than the three standard ones fail with EBADF") {
    char byte = 0;
    EXPECT_ERRNO(read(9, &byte, 1) == -1, EBADF);
    EXPECT_ERRNO(read(STDOUT_FILENO, &byte, 1) == -1, EBADF);
    EXPECT_ERRNO(write(9, &byte, 1) == -1, EBADF);
    EXPECT_ERRNO(write(STDIN_FILENO, &byte, 1) == -1, EBADF);
    EXPECT_ERRNO(write(-1, &byte, 1) == -1, EBADF);
    EXPECT_ERRNO(close(9) == -1, EBADF);
    EXPECT_ERRNO(isatty(9) == 0, EBADF);
    EXPECT_EQ(isatty(STDOUT_FILENO), 1);
    EXPECT_EQ(fileno(stderr), STDERR_FILENO);
}

TEST("libc/identity is that of the kernel's objects") {
    zx_info_handle_basic_t info;
    NEED_OK(zx_object_get_info(zx_process_self(), ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL));
    EXPECT_EQ(getpid(), info.koid);
    EXPECT_EQ(getuid(), 0);
    EXPECT_EQ(sysconf(_SC_PAGESIZE), ZX_PAGE_SIZE);
    EXPECT_EQ(sysconf(_SC_NPROCESSORS_ONLN), zx_system_get_num_cpus());
    EXPECT_EQ(sysconf(_SC_NPROCESSORS_CONF), zx_system_get_num_cpus());
    EXPECT_EQ(sysconf(_SC_PHYS_PAGES), zx_system_get_physmem() / ZX_PAGE_SIZE);
}

/* --- streams over memory --- */

TEST("libc/streams over memory work as they do elsewhere") {
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    NEED(out != NULL);
    for (int i = 0; i < 1000; i++) fprintf(out, "%d,", i);
    EXPECT_EQ(fclose(out), 0);
    EXPECT_EQ(len, 3890);
    FILE *in = fmemopen(text, len, "r");
    NEED(in != NULL);
    int number, count = 0;
    while (fscanf(in, "%d,", &number) == 1 && number == count) count++;
    EXPECT_EQ(count, 1000);
    EXPECT_EQ(fclose(in), 0);
    free(text);
}
