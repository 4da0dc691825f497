/*
 * C++17 without exceptions, run-time type information and the C++ library: what of it needs help at run time. Ends with
 * 0, from the last destructor, or with the number of what went wrong.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <zircon/assert.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/exception.h>
#include <zircon/time.h>

#define NEED(condition)                    \
    do {                                   \
        if (!(condition)) _Exit(__LINE__); \
    } while (0)

namespace {

int alive, made;

/* The first of all: its destructor is the last to run, and decides how the program ends. */
struct Counter {
    Counter() { NEED(alive == 0); }
    ~Counter() { _Exit(alive == 0 && made == 15 ? 0 : __LINE__); }
} counter;

struct Counted {
    Counted() { alive++, made++; }
    Counted(const Counted &) = delete;
    virtual ~Counted() { alive--; }
    virtual int value() const { return 1; }
};

struct alignas(256) Derived final : Counted {
    explicit Derived(int given) : number(given) {}
    int value() const override { return number; }
    int number;
};

Counted early;
Derived global{7};

struct Pure {
    virtual int get() const = 0;
    virtual ~Pure() = default;
};
struct Impure : Pure {
    int get() const override { return 3; }
};

const Counted &local_static() {
    static Counted one;
    return one;
}

template <typename... Numbers> constexpr int sum(Numbers... numbers) { return (numbers + ... + 0); }

thread_local volatile int per_thread = sum(1, 2, 3);
thread_local volatile uint64_t many[100] = {9};

void test_objects() {
    NEED(alive == 2 && early.value() == 1 && global.value() == 7);
    NEED(reinterpret_cast<uintptr_t>(&global) % 256 == 0);
    const Counted *first = &local_static();
    NEED(alive == 3 && first == &local_static() && alive == 3);
}

void test_heap() {
    auto *object = new Derived(42);
    NEED(reinterpret_cast<uintptr_t>(object) % 256 == 0);
    Counted *base = object;
    NEED(base->value() == 42 && alive == 4);
    delete base;
    auto *several = new Counted[7];
    NEED(alive == 10);
    delete[] several;
    NEED(alive == 3);
    const Pure *pure = new Impure;
    NEED(pure->get() == 3);
    delete pure;
    auto *bytes = new char[0];
    NEED(bytes != nullptr);
    delete[] bytes;
}

/* Made in a thread when it is first used there, destroyed when the thread ends. */
thread_local Counted of_thread;

int use_local(void *) {
    const int before = alive;
    return of_thread.value() == 1 && alive == before + 1 ? 0 : __LINE__;
}

void test_threads() {
    NEED(of_thread.value() == 1 && alive == 4);
    for (int i = 0; i < 3; i++) {
        thrd_t thread;
        int result = -1;
        NEED(thrd_create(&thread, use_local, nullptr) == thrd_success);
        NEED(thrd_join(thread, &result) == thrd_success && result == 0 && alive == 4);
    }
}

/* Several threads come to a local static variable at once: one makes it, and the others wait until it is there. */
struct Slow {
    int value = 0;
    Slow() {
        zx_nanosleep(zx_deadline_after(ZX_MSEC(2)));
        value = ++slow_made;
    }
    static inline int slow_made;
};

int use_slow(void *) {
    static const Slow slow;
    return slow.value;
}

void test_contended() {
    thrd_t threads[6];
    for (auto &thread : threads) NEED(thrd_create(&thread, use_slow, nullptr) == thrd_success);
    for (auto &thread : threads) {
        int result = 0;
        NEED(thrd_join(thread, &result) == thrd_success && result == 1);
    }
    NEED(Slow::slow_made == 1);
}

/* Made after of_thread, and destroyed after it: the first thread's variables are the first to go. */
struct Witness {
    ~Witness() { NEED(alive == 3); }
};

void test_order() {
    static Witness witness;
    NEED(of_thread.value() == 1 && atexit([] { NEED(alive == 3); }) == 0);
}

void test_calls() {
    char text[] = "old";
    size_t actual = 0;
    NEED(zx_process_write_memory(zx_process_self(), reinterpret_cast<zx_vaddr_t>(text), "new", 3, &actual) == ZX_OK);
    NEED(actual == 3 && text[0] == 'n');
    int32_t word = 5;
    NEED(zx_futex_wait(&word, 4, ZX_HANDLE_INVALID, ZX_TIME_INFINITE) == ZX_ERR_BAD_STATE);
}

} // namespace

int main(int argc, char **) {
    NEED(argc == 1 && per_thread == 6 && many[0] == 9 && many[99] == 0);
    test_objects();
    test_heap();
    test_threads();
    test_contended();
    test_order();
    test_calls();
    auto lambda = [argc](auto value) { return value + argc; };
    if (const auto [handle, wanted, pending] = zx_wait_item_t{1, 2, 0}; handle + wanted + pending != 3) return __LINE__;
    return lambda(1) == 2 ? 0 : __LINE__;
}
