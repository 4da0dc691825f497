/*
 * Agents; see agent.h.
 */
#include "tests/user/agent.h"

#include "tests/user/memory.h"

#define STACK_LEN ((size_t)64 << 10)
#define MAX_AGENTS 256

/* One that may still live: the test's handle to it, and another that the test cannot close. */
struct entry {
    zx_handle_t process, own;
};
static struct entry agents[MAX_AGENTS];
static size_t agent_count;

static void kill_all(void) {
    for (size_t i = 0; i < agent_count; i++) zx_task_kill(agents[i].own);
}

struct child agent_make(void) {
    struct child agent;
    test_must(child_make(&agent));
    MUST_BE(agent_count < MAX_AGENTS);
    if (agent_count == 0) MUST_BE(atexit(kill_all) == 0);
    agents[agent_count++] = (struct entry){agent.process, handle_with(agent.process, ZX_RIGHT_SAME_RIGHTS)};
    return agent;
}

/* The message that an agent gets, with handles to itself and its root region before those that it is given. */
struct letter {
    uint64_t shared;
    uint64_t run;
    uint64_t given_count;
};

static void agent_begin(zx_handle_t channel, uintptr_t board) {
    struct letter letter;
    zx_handle_t handles[2 + AGENT_HANDLES];
    uint32_t len, count;
    (void)board;
    CHILD_NEED(zx_channel_read(channel, 0, &letter, handles, sizeof(letter), 2 + AGENT_HANDLES, &len, &count) == ZX_OK,
               -1);
    struct agent_start start = {.shared = (void *)letter.shared, .self = handles[0], .root = handles[1]};
    for (uint64_t i = 0; i < letter.given_count; i++) start.given[i] = handles[2 + i];
    zx_handle_close(channel);
    ((void (*)(struct agent_start *))letter.run)(&start);
    zx_process_exit(0);
}

void agent_run(const struct child *agent, void (*run)(struct agent_start *), zx_handle_t shared, size_t shared_len,
               const zx_handle_t *given, size_t given_count) {
    struct letter letter = {.run = (uint64_t)run, .given_count = given_count};
    zx_handle_t handles[2 + AGENT_HANDLES] = {handle_with(agent->process, ZX_RIGHT_SAME_RIGHTS),
                                              handle_with(agent->vmar, ZX_RIGHT_SAME_RIGHTS)};
    zx_handle_t ours, theirs;
    struct child copy = *agent;
    MUST_BE(given_count <= AGENT_HANDLES);
    if (shared) MUST(zx_vmar_map(agent->vmar, PERM_RW, 0, shared, 0, shared_len, &letter.shared));
    for (size_t i = 0; i < given_count; i++) handles[2 + i] = handle_with(given[i], ZX_RIGHT_SAME_RIGHTS);
    MUST(zx_channel_create(0, &ours, &theirs));
    MUST(zx_channel_write(ours, 0, &letter, sizeof(letter), handles, 2 + (uint32_t)given_count));
    MUST(child_start(&copy, agent_begin, theirs));
    MUST(zx_object_wait_one(ours, ZX_CHANNEL_PEER_CLOSED, zx_deadline_after(ZX_SEC(20)), NULL));
    MUST(zx_handle_close(ours));
}

void agent_kill(struct child *agent) {
    MUST(zx_task_kill(agent->process));
    MUST_BE(child_wait(agent) != INT64_MIN);
    for (size_t i = 0; i < agent_count; i++) {
        if (agents[i].process != agent->process) continue;
        MUST(zx_handle_close(agents[i].own));
        agents[i] = agents[--agent_count];
        break;
    }
}

static _Noreturn void thread_begin(uintptr_t run, uintptr_t arg) {
    ((void (*)(void *))run)((void *)arg);
    zx_thread_exit();
}

zx_handle_t thread_run(void (*run)(void *), void *arg) {
    zx_handle_t thread = ZX_HANDLE_INVALID;
    zx_vaddr_t stack = (zx_vaddr_t)map_here(vmo_make(STACK_LEN), 0, STACK_LEN, PERM_RW);
    stack += STACK_LEN - sizeof(uint64_t);
    MUST(zx_thread_create(zx_process_self(), "test", 4, 0, &thread));
    MUST(zx_thread_start(thread, (zx_vaddr_t)thread_begin, stack, (uintptr_t)run, (uintptr_t)arg));
    return thread;
}

void thread_join(zx_handle_t thread) {
    MUST(zx_object_wait_one(thread, ZX_THREAD_TERMINATED, zx_deadline_after(ZX_SEC(20)), NULL));
}

bool race_goes_on(zx_time_t begun, bool was_one) {
    zx_duration_t gone = zx_clock_get_monotonic() - begun;
    return gone < (was_one ? ZX_MSEC(250) : ZX_SEC(20));
}

bool word_await(const _Atomic uint64_t *word, uint64_t value) {
    zx_time_t deadline = zx_deadline_after(ZX_SEC(10));
    while (atomic_load(word) != value) {
        if (zx_clock_get_monotonic() >= deadline) return false;
        zx_nanosleep(0);
    }
    return true;
}
