/*
 * Several instances of one program: they share the pages of its text, and have data of their own, whatever is written
 * into one of them.
 */
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/syscalls.h>
#include <zircon/time.h>

#include "tests/programs/neighbour.h"
#include "tests/user/harness.h"
#include "user/lib/launch.h"

#define BREAKPOINT 0xcc

struct instance {
    zx_handle_t process;
    zx_handle_t channel;
};

static bool instance_start(const char *path, struct instance *out) {
    zx_handle_t other;
    if (!TEST_STATUS(zx_channel_create(0, &out->channel, &other), ZX_OK)) return false;
    const struct launch_handle handle = {PA_HND(PA_USER0, 0), other};
    const char *const args[] = {"neighbour", NULL};
    const struct launch what = {
        .archive = launch_archive(), .path = path, .args = args, .handles = &handle, .handle_count = 1};
    return TEST_STATUS(launch(&what, &out->process, NULL), ZX_OK);
}

static zx_status_t ask(const struct instance *instance, struct neighbour_message *answer) {
    struct neighbour_message question = {0};
    uint32_t len, count;
    const zx_channel_call_args_t args = {
        .wr_bytes = &question, .wr_num_bytes = sizeof(question), .rd_bytes = answer, .rd_num_bytes = sizeof(*answer)};
    return zx_channel_call(instance->channel, 0, zx_deadline_after(ZX_SEC(10)), &args, &len, &count);
}

/* The mapping with these permissions that holds `addr`, or the first of all with them if that is 0. */
static zx_info_maps_t mapping_find(const struct instance *instance, zx_vaddr_t addr, uint32_t perms) {
    static zx_info_maps_t maps[64];
    size_t count = 0;
    EXPECT_OK(zx_object_get_info(instance->process, ZX_INFO_PROCESS_MAPS, maps, sizeof(maps), &count, NULL));
    for (size_t i = 0; i < count; i++) {
        if (maps[i].type != ZX_INFO_MAPS_TYPE_MAPPING || maps[i].u.mapping.mmu_flags != perms) continue;
        if (addr == 0 || addr - maps[i].base < maps[i].size) return maps[i];
    }
    EXPECT(!"there is such a mapping");
    return (zx_info_maps_t){0};
}

static void instance_end(struct instance *instance) {
    int64_t code = -1;
    EXPECT_OK(zx_handle_close(instance->channel));
    EXPECT_OK(launch_wait(instance->process, &code));
    EXPECT_EQ(code, 0);
    EXPECT_OK(zx_handle_close(instance->process));
}

#define PERM_TEXT (ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE)
#define PERM_DATA (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

TEST("launch/two instances of a program share its text and have data of their own") {
    struct instance one = {0}, two = {0};
    struct neighbour_message answer;
    NEED(instance_start("test/neighbour", &one) && instance_start("test/neighbour", &two));
    for (uint64_t i = 1; i <= 3; i++) {
        NEED_OK(ask(&one, &answer));
        EXPECT_EQ(answer.calls, 100 + i);
    }
    NEED_OK(ask(&two, &answer));
    EXPECT_EQ(answer.calls, 101);

    zx_info_maps_t text_one = mapping_find(&one, answer.function, PERM_TEXT);
    zx_info_maps_t text_two = mapping_find(&two, answer.function, PERM_TEXT);
    EXPECT_EQ(text_one.u.mapping.vmo_koid, text_two.u.mapping.vmo_koid);
    EXPECT_EQ(text_one.u.mapping.vmo_offset, text_two.u.mapping.vmo_offset);
    zx_info_maps_t data_one = mapping_find(&one, 0, PERM_DATA);
    zx_info_maps_t data_two = mapping_find(&two, 0, PERM_DATA);
    EXPECT(data_one.u.mapping.vmo_koid != data_two.u.mapping.vmo_koid);
    instance_end(&one);
    instance_end(&two);
}

static uint8_t byte_at(const struct instance *instance, zx_vaddr_t addr) {
    uint8_t byte = 0;
    size_t actual = 0;
    EXPECT_OK(zx_process_read_memory(instance->process, addr, &byte, 1, &actual));
    return byte;
}

TEST("launch/a breakpoint written into one instance is not seen by another, nor by one launched later") {
    struct instance one = {0}, two = {0}, later = {0};
    struct neighbour_message answer;
    const uint8_t breakpoint = BREAKPOINT;
    size_t actual = 0;
    NEED(instance_start("test/neighbour", &one) && instance_start("test/neighbour", &two));
    NEED_OK(ask(&one, &answer));
    uint8_t before = byte_at(&one, answer.function);
    NEED(before != BREAKPOINT);
    NEED_OK(zx_process_write_memory(one.process, answer.function, &breakpoint, 1, &actual));
    NEED(instance_start("test/neighbour", &later));
    EXPECT_EQ(byte_at(&one, answer.function), BREAKPOINT);
    EXPECT_EQ(byte_at(&two, answer.function), before);
    EXPECT_EQ(byte_at(&later, answer.function), before);

    EXPECT_STATUS(ask(&one, &answer), ZX_ERR_PEER_CLOSED);
    int64_t code = 0;
    EXPECT_OK(launch_wait(one.process, &code));
    EXPECT_EQ(code, ZX_TASK_RETCODE_EXCEPTION_KILL);
    EXPECT_OK(ask(&two, &answer));
    EXPECT_EQ(answer.result, 42);
    EXPECT_OK(ask(&later, &answer));
    EXPECT_EQ(answer.result, 42);
    instance_end(&two);
    instance_end(&later);
}
