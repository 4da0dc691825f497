/* The four scenes in which writing works. */
#include <stdio.h>
#include <string.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#include "user/lib/debug.h"
#include "user/tour/tour.h"

#define BREAKPOINT 0xcc

/* Writes, says what came of it, and checks that it went as it should. */
static void show_write(const char *who, zx_handle_t process, zx_vaddr_t vaddr, const void *bytes, size_t len,
                       size_t want) {
    size_t actual = 0;
    zx_status_t status = zx_process_write_memory(process, vaddr, bytes, len, &actual);
    say("", "zx_process_write_memory(%s, %#lx, ..., %zu)", who, (unsigned long)vaddr, len);
    say("", "    %s, %zu byte%s", zx_status_get_string(status), actual, actual == 1 ? "" : "s");
    check(status == ZX_OK && actual == want, "the number of bytes written");
}

void scene_running_child(void) {
    scene("A parent writes into its child while the child runs");
    struct actor child = actor_start(ROLE_WATCHER, "child");
    zx_nanosleep(zx_deadline_after(ZX_MSEC(5)));
    char text[64] = "hello from your parent";
    text[sizeof(text) - 1] = 1;
    say("parent", "The child is another process; I only hold a handle to it.");
    show_write("child", child.process, child.address, text, sizeof(text), sizeof(text));
    uint64_t looks = 0;
    check(actor_ask(&child, &looks) == ZX_OK && looks > 0, "the child sees the new text");
    actor_end(&child);
}

void scene_two_objects(void) {
    scene("One write, two memory objects side by side");
    struct dummy target = dummy_create();
    zx_handle_t left = dummy_map(&target, 0, 1, ZX_CACHE_POLICY_CACHED);
    zx_handle_t right = dummy_map(&target, 1, 1, ZX_CACHE_POLICY_CACHED);
    const char text[] = "left|right";
    const size_t lead = strlen("left|");
    say("parent", "Two memory objects of one page each adjoin in the target.");
    show_write("target", target.process, target.base + ZX_PAGE_SIZE - lead, text, sizeof(text), sizeof(text));

    char in_left[16] = "", in_right[16] = "";
    zx_status_t status = zx_vmo_read(left, in_left, ZX_PAGE_SIZE - lead, lead);
    if (status == ZX_OK) status = zx_vmo_read(right, in_right, 0, sizeof(text) - lead);
    say("parent", "The first object ends in \"%s\", the second begins with \"%s\".", in_left, in_right);
    check(status == ZX_OK && strcmp(in_left, "left|") == 0 && strcmp(in_right, "right") == 0,
          "both objects have their part");
    zx_handle_close(left);
    zx_handle_close(right);
    dummy_destroy(&target);
}

void scene_hole(void) {
    scene("A hole in the way");
    struct dummy target = dummy_create();
    zx_handle_close(dummy_map(&target, 0, 1, ZX_CACHE_POLICY_CACHED));
    static const char text[100];
    say("parent", "The target has one page and nothing after it. I write 100 bytes,");
    say("", "beginning 60 bytes before its end.");
    show_write("target", target.process, target.base + ZX_PAGE_SIZE - 60, text, sizeof(text), 60);
    say("parent", "The call succeeds, and says how far it got.");
    dummy_destroy(&target);
}

static uint8_t byte_at(zx_handle_t process, zx_vaddr_t vaddr) {
    uint8_t byte = 0;
    size_t actual = 0;
    zx_status_t status = zx_process_read_memory(process, vaddr, &byte, sizeof(byte), &actual);
    check(status == ZX_OK && actual == sizeof(byte), "a byte can be read");
    return byte;
}

static void show_bytes(const struct actor *first, const struct actor *second) {
    say("parent", "Its first byte is 0x%02x in the first and 0x%02x in the second.",
        byte_at(first->process, first->address), byte_at(second->process, second->address));
}

/* Becomes the actor's debugger, which is told of its breakpoints. */
static struct debug_process *debug(const struct actor *actor) {
    zx_handle_t process;
    struct debug_process *p = NULL;
    zx_status_t status = zx_handle_duplicate(actor->process, ZX_RIGHT_SAME_RIGHTS, &process);
    if (status == ZX_OK) status = debug_attach(process, &p);
    check(status == ZX_OK, "a process can be debugged");
    if (status != ZX_OK) return NULL;
    debug_set_actions(p, DEBUG_GO);
    debug_go(p);
    return p;
}

/* The thread that has stopped, once one has. */
static struct debug_thread *await_stop(struct debug_process *p) {
    struct debug_thread *t;
    while (!(t = debug_news(p)) && !p->ended) debug_wait(p);
    check(t, "the breakpoint is met");
    return t;
}

/* The actor calls its function, stops, is looked at, put right, and goes on as if nothing had been. */
static void meet_breakpoint(const struct actor *first, uint8_t before) {
    struct machine_place place = {0};
    uint64_t result = 0;
    struct debug_process *p = debug(first);
    zx_status_t status = actor_request(first);
    struct debug_thread *t = p ? await_stop(p) : NULL;
    if (!t) return;
    check(machine_place_get(t->handle, &place) == ZX_OK, "registers can be read");
    say("parent", "The first calls its function, and stops. Its registers say that it");
    say("", "is at %#lx, right behind the breakpoint. I take that out:", (unsigned long)place.pc);
    check(place.pc == first->address + machine_break_advance, "it stands behind the breakpoint");
    show_write("first", first->process, first->address, &before, sizeof(before), sizeof(before));
    check(machine_pc_set(t->handle, first->address) == ZX_OK, "registers can be written");
    debug_detach(p);
    if (status == ZX_OK) status = actor_result(first, &result);
    say("parent", "Set back to the beginning of its function, it goes on and gets %llu.", (unsigned long long)result);
    check(status == ZX_OK && result == WORK_RESULT, "the first goes on");
}

void scene_breakpoint(void) {
    scene("A breakpoint in shared, read-only program text");
    struct actor first = actor_start(ROLE_WORKER, "first");
    struct actor second = actor_start(ROLE_WORKER, "second");
    say("parent", "Two processes run one program, from the same pages of memory.");
    say("", "It has a function at %#lx.", (unsigned long)first.address);
    check(first.address == second.address, "both have the function at the same address");
    const uint8_t before = byte_at(first.process, first.address);
    show_bytes(&first, &second);
    const uint8_t breakpoint = BREAKPOINT;
    show_write("first", first.process, first.address, &breakpoint, sizeof(breakpoint), sizeof(breakpoint));
    show_bytes(&first, &second);
    check(byte_at(first.process, first.address) == BREAKPOINT, "the breakpoint is in the first");
    check(byte_at(second.process, second.address) == before, "the second's text is as it was");

    uint64_t result = 0;
    zx_status_t status = actor_ask(&second, &result);
    say("parent", "The second calls its function and gets %llu.", (unsigned long long)result);
    check(status == ZX_OK && result == WORK_RESULT, "the second is not disturbed");
    meet_breakpoint(&first, before);
    actor_end(&first);
    actor_end(&second);
}
