/*
 * Resources: making them, what they tell, and what they allow.
 */
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/resource.h>

#include "tests/user/child.h"
#include "tests/user/probe.h"

#define MMIO ZX_RSRC_KIND_MMIO
#define IOPORT ZX_RSRC_KIND_IOPORT
#define EXCLUSIVE ZX_RSRC_FLAG_EXCLUSIVE
#define SOME_PLACE 0x100000000000

static zx_status_t create(uint32_t options, uint64_t base, size_t size, zx_handle_t *out) {
    return zx_resource_create(test_resource(), options, base, size, "test", 4, out);
}

static zx_handle_t resource_make(uint32_t options, uint64_t base, size_t size) {
    zx_handle_t resource;
    MUST(create(options, base, size, &resource));
    return resource;
}

static zx_status_t try_create(uint32_t options, uint64_t base, size_t size) {
    zx_handle_t resource = UNTOUCHED;
    zx_status_t status = create(options, base, size, &resource);
    EXPECT((status == ZX_OK) == (resource != UNTOUCHED));
    if (status == ZX_OK) MUST(zx_handle_close(resource));
    return status;
}

TEST("resource_create/a new resource: its type, rights, name, kind and range") {
    zx_handle_t resource = resource_make(MMIO | EXCLUSIVE, SOME_PLACE, 3);
    zx_info_handle_basic_t basic = basic_info(resource);
    zx_info_resource_t info;
    EXPECT(basic.type == ZX_OBJ_TYPE_RESOURCE && basic.rights == ZX_DEFAULT_RESOURCE_RIGHTS && basic.props == 0);
    NEED_OK(zx_object_get_info(resource, ZX_INFO_RESOURCE, &info, sizeof(info), NULL, NULL));
    EXPECT(info.kind == MMIO && info.flags == EXCLUSIVE && info.base == SOME_PLACE && info.size == 3);
    EXPECT(strcmp(info.name, "test") == 0);
    NEED_OK(zx_object_get_info(test_resource(), ZX_INFO_RESOURCE, &info, sizeof(info), NULL, NULL));
    EXPECT(info.kind == ZX_RSRC_KIND_ROOT && info.flags == 0 && info.base == 0 && info.size == 0);
    EXPECT(strcmp(info.name, "root") == 0);
}

TEST("resource_create/without a name: it is empty, and the place is not looked at") {
    zx_handle_t resource;
    zx_info_resource_t info;
    NEED_OK(zx_resource_create(test_resource(), ZX_RSRC_KIND_VMEX, 0, 0, NULL, 0, &resource));
    NEED_OK(zx_object_get_info(resource, ZX_INFO_RESOURCE, &info, sizeof(info), NULL, NULL));
    EXPECT(info.name[0] == 0);
    EXPECT_STATUS(zx_resource_create(test_resource(), ZX_RSRC_KIND_VMEX, 0, 0, NULL, 1, &resource),
                  ZX_ERR_INVALID_ARGS);
}

static zx_status_t create_from(zx_handle_t parent) {
    zx_handle_t resource;
    zx_status_t status = zx_resource_create(parent, ZX_RSRC_KIND_VMEX, 0, 0, "test", 4, &resource);
    if (status == ZX_OK) MUST(zx_handle_close(resource));
    return status;
}

TEST("resource_create/H1 H2 H3 H4 H5 H6 H11 bad handles, other types, WRITE; only from the root resource") {
    check_handles(KIND_RESOURCE, create_from);
    check_rights(test_resource(), ZX_RIGHT_WRITE, create_from);
    EXPECT_STATUS(create_from(resource_make(MMIO, 0, PAGE)), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(create_from(resource_make(ZX_RSRC_KIND_ROOT, 0, 0)));
}

TEST("resource_create/kinds and flags that there are not are INVALID_ARGS") {
    for (uint32_t kind = 0; kind < 16; kind++) {
        bool ranged = kind <= IOPORT, exists = kind <= ZX_RSRC_KIND_VMEX;
        EXPECT_STATUS(try_create(kind, 0, ranged ? 1 : 0), exists ? ZX_OK : ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(try_create(kind, 0, ranged ? 0 : 1), ZX_ERR_INVALID_ARGS);
        if (!ranged) EXPECT_STATUS(try_create(kind, 1, 0), ZX_ERR_INVALID_ARGS);
    }
    for (uint32_t flag = EXCLUSIVE << 1; flag; flag <<= 1)
        EXPECT_STATUS(try_create(MMIO | flag, 0, 1), ZX_ERR_INVALID_ARGS);
}

TEST("resource_create/A5 A6 ranges end where the kind's do, and do not wrap") {
    EXPECT_OK(try_create(IOPORT, 0, 65536));
    EXPECT_OK(try_create(IOPORT, 65535, 1));
    EXPECT_STATUS(try_create(IOPORT, 65535, 2), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(try_create(IOPORT, 65536, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(try_create(ZX_RSRC_KIND_IRQ, 255, 1));
    EXPECT_STATUS(try_create(ZX_RSRC_KIND_IRQ, 255, 2), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(try_create(MMIO, 0, UINT64_MAX));
    EXPECT_STATUS(try_create(MMIO, 1, UINT64_MAX), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(try_create(MMIO, UINT64_MAX, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(try_create(MMIO, UINT64_MAX - 1, 2), ZX_ERR_INVALID_ARGS);
}

TEST("resource_create/an exclusive range overlaps no other of its kind, for as long as it lives") {
    zx_handle_t shared = resource_make(MMIO, SOME_PLACE, 100), copy;
    EXPECT_OK(try_create(MMIO, SOME_PLACE + 50, 100));
    EXPECT_STATUS(try_create(MMIO | EXCLUSIVE, SOME_PLACE + 99, 1), ZX_ERR_NOT_FOUND);
    EXPECT_STATUS(try_create(MMIO | EXCLUSIVE, SOME_PLACE - 1, 2), ZX_ERR_NOT_FOUND);
    EXPECT_OK(try_create(MMIO | EXCLUSIVE, SOME_PLACE + 100, 1));
    EXPECT_OK(try_create(MMIO | EXCLUSIVE, SOME_PLACE - 1, 1));
    MUST(zx_handle_close(shared));
    zx_handle_t exclusive = resource_make(MMIO | EXCLUSIVE, SOME_PLACE, 100);
    EXPECT_STATUS(try_create(MMIO, SOME_PLACE, 1), ZX_ERR_NOT_FOUND);
    EXPECT_STATUS(try_create(MMIO | EXCLUSIVE, 0, UINT64_MAX), ZX_ERR_NOT_FOUND);
    EXPECT_OK(try_create(IOPORT | EXCLUSIVE, 0, 100));
    MUST(zx_handle_duplicate(exclusive, ZX_RIGHT_SAME_RIGHTS, &copy));
    MUST(zx_handle_close(exclusive));
    EXPECT_STATUS(try_create(MMIO, SOME_PLACE, 1), ZX_ERR_NOT_FOUND);
    MUST(zx_handle_close(copy));
    EXPECT_OK(try_create(MMIO | EXCLUSIVE, SOME_PLACE, 1));
}

TEST("resource_create/H13 parent, name, then kind, range, what is taken; a bad place leaves the range free") {
    zx_handle_t resource = UNTOUCHED, mmio = resource_make(MMIO, 0, 1);
    const char *nowhere = (const char *)bad_sources[1];
    EXPECT_STATUS(zx_resource_create(mmio, 99, 0, 0, nowhere, 1, &resource), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_resource_create(test_resource(), 99, 0, 0, nowhere, 1, &resource), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(create(MMIO | EXCLUSIVE, 0, 0, &resource), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(create(MMIO | EXCLUSIVE, 0, 1, &resource), ZX_ERR_NOT_FOUND);
    EXPECT_STATUS(create(MMIO | EXCLUSIVE, SOME_PLACE, 1, (void *)bad_targets[1]), ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(resource, UNTOUCHED);
    EXPECT_OK(try_create(MMIO | EXCLUSIVE, SOME_PLACE, 1));
}

static zx_status_t make_one(void) { return try_create(MMIO | EXCLUSIVE, SOME_PLACE, PAGE); }
TEST("resource_create/out of memory") { check_out_of_memory(make_one); }

static zx_status_t physical(zx_handle_t resource, zx_paddr_t base, size_t size) {
    zx_handle_t vmo;
    zx_status_t status = zx_vmo_create_physical(resource, base, size, &vmo);
    if (status == ZX_OK) MUST(zx_handle_close(vmo));
    return status;
}

TEST("vmo_create_physical/a resource of kind MMIO allows the pages in which its range lies") {
    zx_handle_t mmio = resource_make(MMIO, 0xfee00000, 2 * PAGE), part = resource_make(MMIO, 0xfee00800, PAGE);
    EXPECT_OK(physical(mmio, 0xfee00000, 2 * PAGE));
    EXPECT_OK(physical(mmio, 0xfee00000 + PAGE, 1));
    EXPECT_STATUS(physical(mmio, 0xfee00000 + PAGE, PAGE + 1), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(physical(mmio, 0xfee00000 - PAGE, PAGE), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(physical(mmio, 0xfee00000, 0), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(physical(mmio, 0xfee00000, UINT64_MAX), ZX_ERR_OUT_OF_RANGE);
    EXPECT_OK(physical(part, 0xfee00000, 2 * PAGE));
    EXPECT_STATUS(physical(part, 0xfee00000, 2 * PAGE + 1), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(physical(part, 0xfee00000 - PAGE, PAGE), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(physical(resource_make(IOPORT, 0, 65536), 0, PAGE), ZX_ERR_WRONG_TYPE);
}

TEST("resource/what takes the root resource takes no other; VMEX makes memory executable") {
    zx_handle_t vmex = resource_make(ZX_RSRC_KIND_VMEX, 0, 0), made;
    zx_info_kmem_stats_t stats;
    EXPECT_STATUS(zx_vmo_create_contiguous(vmex, PAGE, 0, &made), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_debug_send_command(vmex, "check", 5), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_clock_adjust(vmex, ZX_CLOCK_UTC, 0), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_object_get_info(vmex, ZX_INFO_KMEM_STATS, &stats, sizeof(stats), NULL, NULL), ZX_ERR_WRONG_TYPE);
    EXPECT_OK(zx_vmo_replace_as_executable(vmo_make(PAGE), vmex, &made));
    EXPECT_STATUS(zx_vmo_replace_as_executable(vmo_make(PAGE), resource_make(MMIO, 0, 1), &made), ZX_ERR_WRONG_TYPE);
}

static zx_status_t ask(zx_handle_t handle) {
    zx_info_resource_t info;
    return zx_object_get_info(handle, ZX_INFO_RESOURCE, &info, sizeof(info), NULL, NULL);
}

TEST("object_get_info/RESOURCE: handles, rights, types") {
    check_bad_handles(ask);
    check_rights(test_resource(), ZX_RIGHT_INSPECT, ask);
    EXPECT_STATUS(ask(handle_of(KIND_JOB)), ZX_ERR_WRONG_TYPE);
}
