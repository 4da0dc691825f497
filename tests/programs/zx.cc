/*
 * The C++ classes of handles, each used once as a program would. Ends with 0, or with the number of the line that went
 * wrong.
 */
#include <stdlib.h>
#include <string.h>
#include <zx/channel.h>
#include <zx/event.h>
#include <zx/eventpair.h>
#include <zx/interrupt.h>
#include <zx/port.h>
#include <zx/thread.h>
#include <zx/timer.h>

#define NEED(condition)                    \
    do {                                   \
        if (!(condition)) _Exit(__LINE__); \
    } while (0)
#define NEED_OK(call) NEED((call) == ZX_OK)

namespace {

bool is_handle(zx_handle_t handle) {
    return zx_object_get_info(handle, ZX_INFO_HANDLE_VALID, nullptr, 0, nullptr, nullptr) == ZX_OK;
}

zx_koid_t koid_of(const zx::object_base &object) {
    zx_info_handle_basic_t info;
    NEED_OK(object.get_info(ZX_INFO_HANDLE_BASIC, &info, sizeof(info), nullptr, nullptr));
    return info.koid;
}

void handles_are_owned() {
    zx_handle_t value;
    {
        zx::event event;
        NEED(!event && !event.is_valid());
        NEED_OK(zx::event::create(0, &event));
        value = event.get();
        zx::event moved(static_cast<zx::event &&>(event));
        NEED(!event && moved.get() == value && is_handle(value));
        zx::handle any(static_cast<zx::event &&>(moved));
        zx::event again(static_cast<zx::handle &&>(any));
        NEED(!moved && !any && again.get() == value);
        zx::unowned_event borrowed(again);
        NEED_OK(borrowed->signal(0, ZX_EVENT_SIGNALED));
        zx::event copy;
        NEED_OK(borrowed->duplicate(ZX_RIGHT_WAIT, &copy));
        NEED(copy != again && koid_of(copy) == koid_of(again));
        NEED_OK(copy.wait_one(ZX_EVENT_SIGNALED, zx::time(0), nullptr));
        NEED(copy.signal(0, 0) == ZX_ERR_ACCESS_DENIED);
        NEED_OK(again.replace(ZX_RIGHT_SAME_RIGHTS, &again));
        NEED(!is_handle(value));
        value = again.get();
    }
    NEED(!is_handle(value));
}

void times_do_not_wrap() {
    constexpr zx::duration day = zx::hour(24);
    static_assert((zx::time::infinite() + day) == zx::time::infinite(), "");
    static_assert(day.to_mins() == 1440 && (day - zx::sec(1)).to_hours() == 23, "");
    static_assert(zx::sec(7) / zx::sec(2) == 3 && zx::sec(7) % zx::sec(2) == zx::msec(1000), "");
    zx::time now = zx::clock::get_monotonic();
    NEED_OK(zx::nanosleep(zx::deadline_after(zx::usec(10))));
    NEED(zx::clock::get_monotonic() - now >= zx::usec(10));
    zx::time_utc day_time;
    NEED_OK(zx::clock::get(&day_time));
    NEED(zx::ticks::per_second() > zx::ticks());
}

void messages_and_waits() {
    zx::channel ends[2];
    zx::port port;
    zx::eventpair pair[2];
    zx::timer timer;
    zx_port_packet_t packet;
    char text[6];
    uint32_t len;
    NEED_OK(zx::channel::create(0, &ends[0], &ends[1]));
    NEED_OK(zx::port::create(0, &port));
    NEED_OK(zx::eventpair::create(0, &pair[0], &pair[1]));
    NEED_OK(zx::timer::create(0, ZX_CLOCK_MONOTONIC, &timer));
    NEED_OK(ends[1].wait_async(port, 7, ZX_CHANNEL_READABLE, ZX_WAIT_ASYNC_ONCE));
    zx_handle_disposition_t moved = {ZX_HANDLE_OP_MOVE, pair[0].release(), ZX_OBJ_TYPE_EVENTPAIR, ZX_RIGHT_SAME_RIGHTS,
                                     ZX_OK};
    NEED_OK(ends[0].write_etc(0, "hello", 6, &moved, 1));
    NEED_OK(port.wait(zx::deadline_after(zx::sec(10)), &packet));
    NEED(packet.key == 7);
    zx_handle_info_t info;
    NEED_OK(ends[1].read_etc(0, text, &info, 6, 1, &len, nullptr));
    NEED(len == 6 && strcmp(text, "hello") == 0 && info.type == ZX_OBJ_TYPE_EVENTPAIR);
    zx::eventpair(info.handle).reset();
    NEED_OK(pair[1].wait_one(ZX_EVENTPAIR_PEER_CLOSED, zx::time(0), nullptr));
    NEED_OK(timer.set(zx::time(0), zx::duration()));
    NEED_OK(timer.wait_one(ZX_TIMER_SIGNALED, zx::time(0), nullptr));
}

void memory_and_tasks() {
    zx::vmo vmo, child;
    zx::vmar region, root;
    zx::process process;
    zx::thread thread;
    zx::suspend_token token;
    uintptr_t place, address;
    size_t actual;
    char text[5];
    NEED_OK(zx::vmo::create(ZX_PAGE_SIZE, 0, &vmo));
    NEED_OK(vmo.write("text", 0, 5));
    NEED_OK(vmo.create_child(ZX_VMO_CHILD_SNAPSHOT, 0, ZX_PAGE_SIZE, &child));
    NEED_OK(zx::vmar::root_self()->allocate(0, ZX_PAGE_SIZE, ZX_VM_CAN_MAP_READ, &region, &place));
    NEED_OK(region.map(0, child, 0, ZX_PAGE_SIZE, ZX_VM_PERM_READ, &address));
    NEED(address == place && strcmp(reinterpret_cast<char *>(address), "text") == 0);
    NEED_OK(region.destroy());
    NEED_OK(zx::process::create(*zx::job::default_job(), "zx", 2, 0, &process, &root));
    NEED_OK(root.map(0, vmo, 0, ZX_PAGE_SIZE, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, &address));
    NEED_OK(process.write_memory(address, "more", 5, &actual));
    NEED_OK(process.read_memory(address, text, 5, &actual));
    NEED(actual == 5 && strcmp(text, "more") == 0);
    NEED_OK(zx::thread::create(process, "zx", 2, 0, &thread));
    NEED_OK(process.suspend(&token));
    NEED_OK(process.start(thread, address, 0, zx::handle(), 0));
    NEED_OK(process.kill());
    NEED_OK(process.wait_one(ZX_PROCESS_TERMINATED, zx::deadline_after(zx::sec(10)), nullptr));
    NEED(koid_of(*zx::process::self()) != koid_of(process) && koid_of(*zx::thread::self()) != koid_of(thread));
}

void handles_compare() {
    zx::event a, b;
    NEED_OK(zx::event::create(0, &a));
    NEED_OK(zx::event::create(0, &b));
    const zx_handle_t value = a.get();
    NEED(a == a && a == value && value == a && a != b && a != b.get() && b.get() != a);
    NEED((a < b) == (value < b.get()) && (a > b) == (a > b.get()) && (value < b) != (value >= b));
    NEED(a <= a && a >= value && (a <= b) != (a > b));
    zx::unowned_event first(a), second(value), third(b);
    NEED(first == second && first != third && first->get() == value);
    static_assert(zx::event::TYPE == ZX_OBJ_TYPE_EVENT && zx::vmo::TYPE == ZX_OBJ_TYPE_VMO, "");
}

/* What later sources write in another way. */
void as_in_2018() {
    const zx::time now = zx::clock::get<ZX_CLOCK_MONOTONIC>();
    NEED(zx::sec(1) + now - now == zx::sec(1));
    constexpr zx::ticks ticks = (zx::ticks(6) * 4 - zx::ticks(4)) / 2;
    static_assert(ticks == zx::ticks(10) && ticks / zx::ticks(3) == 3, "");
    zx::channel ends[2];
    char text[3];
    uint32_t len, count;
    NEED_OK(zx::channel::create(0, &ends[0], &ends[1]));
    for (int i = 0; i < 2; i++) NEED_OK(ends[0].write(0, "ab", 3, nullptr, 0));
    NEED_OK(ends[1].read(0, text, 3, &len, nullptr, 0, &count));
    NEED(len == 3 && count == 0 && strcmp(text, "ab") == 0);
    NEED_OK(ends[1].read_etc(0, text, 3, &len, nullptr, 0, &count));
    zx::interrupt interrupt;
    zx::port port;
    NEED(zx::interrupt::create(zx::resource(), 0, ZX_INTERRUPT_SLOT_USER, &interrupt) == ZX_ERR_INVALID_ARGS);
    NEED_OK(zx::interrupt::create(zx::resource(), 0, ZX_INTERRUPT_VIRTUAL, &interrupt));
    NEED_OK(zx::port::create(ZX_PORT_BIND_TO_INTERRUPT, &port));
    NEED_OK(interrupt.bind(port.get(), 7, 0));
    NEED(interrupt.bind(port, 7, 0) == ZX_ERR_ALREADY_BOUND);
    zx::vmo vmo;
    NEED_OK(zx::vmo::create(ZX_PAGE_SIZE, 0, &vmo));
    NEED_OK(vmo.replace_as_executable(zx::handle(), &vmo));
    NEED_OK(vmo.replace_as_executable(zx::resource(), &vmo));
}

} // namespace

int main() {
    handles_are_owned();
    handles_compare();
    as_in_2018();
    times_do_not_wrap();
    messages_and_waits();
    memory_and_tasks();
    return 0;
}
