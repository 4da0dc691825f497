/*
 * Handling exceptions; see catch.h.
 */
#include "tests/user/catch.h"

zx_handle_t channel_on(zx_handle_t task, uint32_t options) {
    zx_handle_t channel = ZX_HANDLE_INVALID;
    MUST(zx_task_create_exception_channel(task, options, &channel));
    return channel;
}

struct caught catch_any(zx_handle_t channel) {
    struct caught caught = {.exception = ZX_HANDLE_INVALID};
    uint32_t bytes = 0, handles = 0;
    MUST(zx_object_wait_one(channel, ZX_CHANNEL_READABLE, zx_deadline_after(ZX_SEC(10)), NULL));
    MUST(zx_channel_read(channel, 0, &caught.info, &caught.exception, sizeof(caught.info), 1, &bytes, &handles));
    MUST_BE(bytes == sizeof(caught.info) && handles == 1);
    return caught;
}

struct caught catch_of(zx_handle_t channel, const struct child *child, zx_excp_type_t type) {
    struct caught caught = catch_any(channel);
    EXPECT_EQ(caught.info.type, type);
    EXPECT_EQ(caught.info.pid, basic_info(child->process).koid);
    EXPECT_EQ(caught.info.tid, basic_info(child->thread).koid);
    return caught;
}

bool nothing_comes(zx_handle_t channel) {
    settle();
    return !(signals_of(channel) & ZX_CHANNEL_READABLE);
}

zx_status_t exception_set(zx_handle_t exception, uint32_t property, uint32_t value) {
    return zx_object_set_property(exception, property, &value, sizeof(value));
}

void release(struct caught caught, uint32_t state) {
    MUST(exception_set(caught.exception, ZX_PROP_EXCEPTION_STATE, state));
    MUST(zx_handle_close(caught.exception));
}

zx_info_thread_t thread_info(zx_handle_t thread) {
    zx_info_thread_t info = {0};
    MUST(zx_object_get_info(thread, ZX_INFO_THREAD, &info, sizeof(info), NULL, NULL));
    return info;
}

zx_thread_state_general_regs_t registers_of(zx_handle_t thread) {
    zx_thread_state_general_regs_t regs = {0};
    MUST(zx_thread_read_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof(regs)));
    return regs;
}

void registers_set(zx_handle_t thread, const zx_thread_state_general_regs_t *regs) {
    MUST(zx_thread_write_state(thread, ZX_THREAD_STATE_GENERAL_REGS, regs, sizeof(*regs)));
}

void load_nothing(zx_handle_t handle, uintptr_t there) {
    uint64_t value;
    (void)handle;
    (void)there;
    __asm__ volatile("movq (%%rax), %0" : "=r"(value) : "a"((uint64_t)NOTHING_THERE) : "memory");
    zx_process_exit((int64_t)value);
}

void lead_to_board(const struct child *child, zx_handle_t thread, uint64_t word) {
    zx_thread_state_general_regs_t regs = registers_of(thread);
    child->board->words[1] = word;
    regs.rax = child->board_there + sizeof(uint64_t);
    registers_set(thread, &regs);
}

bool child_stops(struct child *child, zx_handle_t *channel, struct caught *caught) {
    if (!child_make(child)) return false;
    *channel = channel_on(child->process, 0);
    MUST(child_start(child, load_nothing, ZX_HANDLE_INVALID));
    *caught = catch_of(*channel, child, ZX_EXCP_FATAL_PAGE_FAULT);
    return true;
}
