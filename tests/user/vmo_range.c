/*
 * zx_vmo_op_range and zx_vmo_set_cache_policy.
 */
#include "tests/user/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LARGEST (UINT64_MAX - PAGE + 1)

static zx_status_t op(zx_handle_t vmo, uint32_t code, uint64_t offset, uint64_t size) {
    return zx_vmo_op_range(vmo, code, offset, size, NULL, 0);
}
static zx_status_t commit(zx_handle_t vmo, uint64_t offset, uint64_t size) {
    return op(vmo, ZX_VMO_OP_COMMIT, offset, size);
}
static zx_status_t decommit(zx_handle_t vmo, uint64_t offset, uint64_t size) {
    return op(vmo, ZX_VMO_OP_DECOMMIT, offset, size);
}
static zx_status_t zero(zx_handle_t vmo, uint64_t offset, uint64_t size) {
    return op(vmo, ZX_VMO_OP_ZERO, offset, size);
}

/* Only a VMO without any page lets its policy be set. */
static bool is_committed(zx_handle_t vmo) {
    zx_status_t status = zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED);
    EXPECT(status == ZX_OK || status == ZX_ERR_BAD_STATE);
    return status != ZX_OK;
}

static const uint32_t page_ops[] = {ZX_VMO_OP_COMMIT, ZX_VMO_OP_DECOMMIT, ZX_VMO_OP_ZERO};
static const uint32_t cache_ops[] = {ZX_VMO_OP_CACHE_SYNC, ZX_VMO_OP_CACHE_INVALIDATE, ZX_VMO_OP_CACHE_CLEAN,
                                     ZX_VMO_OP_CACHE_CLEAN_INVALIDATE};

static uint32_t tried_op;
static zx_status_t try_op(zx_handle_t vmo) { return op(vmo, tried_op, 0, PAGE); }

TEST("vmo_op_range/H1 H2 H3 H4 H5 H11 bad handles, for every operation") {
    for (tried_op = 0; tried_op <= 12; tried_op++) {
        EXPECT_STATUS(try_op(ZX_HANDLE_INVALID), ZX_ERR_BAD_HANDLE);
        EXPECT_STATUS(try_op(handle_of(KIND_VMAR)), ZX_ERR_WRONG_TYPE);
    }
    tried_op = ZX_VMO_OP_COMMIT;
    check_handles(KIND_VMO, try_op);
}

TEST("vmo_op_range/H6 H7 COMMIT, DECOMMIT, ZERO and CACHE_INVALIDATE need WRITE, the other cache operations READ") {
    zx_handle_t vmo = vmo_make(PAGE);
    for (tried_op = 1; tried_op <= 10; tried_op++) {
        if (tried_op >= ZX_VMO_OP_LOCK && tried_op <= 5) continue;
        bool reads = tried_op == ZX_VMO_OP_CACHE_SYNC || tried_op >= ZX_VMO_OP_CACHE_CLEAN;
        if (tried_op == ZX_VMO_OP_ZERO) reads = false;
        check_rights(vmo, reads ? ZX_RIGHT_READ : ZX_RIGHT_WRITE, try_op);
        EXPECT_OK(try_op(handle_with(vmo, reads ? ZX_RIGHT_READ : ZX_RIGHT_WRITE)));
    }
}

TEST("vmo_op_range/LOCK and UNLOCK are NOT_SUPPORTED, whatever the range, without any right") {
    zx_handle_t none = handle_with(vmo_make(PAGE), ZX_RIGHT_NONE);
    for (uint32_t code = ZX_VMO_OP_LOCK; code <= ZX_VMO_OP_UNLOCK; code++) {
        EXPECT_STATUS(op(none, code, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
        EXPECT_STATUS(op(none, code, UINT64_MAX, UINT64_MAX), ZX_ERR_NOT_SUPPORTED);
    }
}

TEST("vmo_op_range/no such operation is INVALID_ARGS, whatever range and rights") {
    const uint32_t codes[] = {0, 5, 11, 12, 13, 14, 1000, UINT32_MAX};
    zx_handle_t none = handle_with(vmo_make(PAGE), ZX_RIGHT_NONE);
    for (size_t i = 0; i < COUNT(codes); i++) {
        EXPECT_STATUS(op(none, codes[i], 0, PAGE), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(op(none, codes[i], UINT64_MAX, UINT64_MAX), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(op(handle_of(KIND_JOB), codes[i], 0, PAGE), ZX_ERR_WRONG_TYPE);
    }
}

TEST("vmo_op_range/the buffer is not looked at") {
    EXPECT_OK(zx_vmo_op_range(vmo_make(PAGE), ZX_VMO_OP_COMMIT, 0, PAGE, (void *)KERNEL_TEXT, SIZE_MAX));
}

TEST("vmo_op_range/A1 A3 A5 A6 A12 a range beyond the end is OUT_OF_RANGE, and nothing changes") {
    const uint64_t wrong[][2] = {
        {0, 3 * PAGE},       {PAGE, 2 * PAGE}, {2 * PAGE, PAGE}, {3 * PAGE, 0}, {LARGEST, PAGE},
        {LARGEST, 2 * PAGE}, {PAGE, LARGEST},  {0, LARGEST},     {LARGEST, 0},  {(uint64_t)1 << 63, (uint64_t)1 << 63}};
    struct memory m = memory_make(2 * PAGE, 3);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        for (size_t k = 0; k < COUNT(page_ops); k++)
            EXPECT_STATUS(op(m.vmo, page_ops[k], wrong[i][0], wrong[i][1]), ZX_ERR_OUT_OF_RANGE);
    }
    EXPECT_UNTOUCHED(&m);
    EXPECT_STATUS(commit(m.vmo, 2 * PAGE, 1), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(commit(m.vmo, UINT64_MAX, 1), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zero(m.vmo, 1, 2 * PAGE), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zero(m.vmo, 2 * PAGE - 1, UINT64_MAX), ZX_ERR_OUT_OF_RANGE);
    EXPECT_UNTOUCHED(&m);
}

TEST("vmo_op_range/A1 an empty range is fine up to the end, and nothing changes") {
    struct memory m = memory_make(2 * PAGE, 3);
    for (size_t k = 0; k < COUNT(page_ops); k++) {
        for (uint64_t offset = 0; offset <= 2 * PAGE; offset += PAGE) EXPECT_OK(op(m.vmo, page_ops[k], offset, 0));
        EXPECT_OK(op(vmo_make(0), page_ops[k], 0, 0));
    }
    EXPECT_OK(commit(m.vmo, 17, 0));
    EXPECT_OK(zero(m.vmo, 17, 0));
    EXPECT_UNTOUCHED(&m);
}

TEST("vmo_op_range/COMMIT gets pages, of zeros, and leaves those there are") {
    zx_handle_t vmo = vmo_make(3 * PAGE);
    EXPECT(!is_committed(vmo));
    EXPECT_OK(commit(vmo, PAGE, PAGE));
    EXPECT(is_committed(vmo));
    EXPECT_EQ(peek(vmo, PAGE), 0);
    poke(vmo, PAGE, 9);
    EXPECT_OK(commit(vmo, 0, 3 * PAGE));
    EXPECT_EQ(peek(vmo, PAGE), 9);
    EXPECT_EQ(peek(vmo, 0), 0);
    uint64_t *view = map_here(vmo, 0, 3 * PAGE, PERM_RW);
    EXPECT(view[0] == 0 && view[512] == 9 && view[1024] == 0);
}

TEST("vmo_op_range/COMMIT unaligned takes whole pages") {
    zx_handle_t vmo = vmo_make(2 * PAGE);
    EXPECT_OK(commit(vmo, PAGE - 1, 2));
    MUST(decommit(vmo, 0, PAGE));
    EXPECT(is_committed(vmo));
    MUST(decommit(vmo, PAGE, PAGE));
    EXPECT(!is_committed(vmo));
}

TEST("vmo_op_range/COMMIT un-shares the pages of a snapshot") {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_handle_t snapshot;
    poke(vmo, 0, 5);
    NEED_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, 2 * PAGE, &snapshot));
    EXPECT_OK(commit(snapshot, 0, 2 * PAGE));
    EXPECT_EQ(peek(snapshot, 0), 5);
    poke(vmo, 0, 6);
    EXPECT_EQ(peek(snapshot, 0), 5);
    EXPECT_EQ(peek(snapshot, PAGE), 0);
}

/* So many pages that they do not come in a few rows. */
static zx_status_t commit_some(void) {
    zx_handle_t vmo = vmo_make(100 * PAGE);
    zx_status_t status = commit(vmo, 0, 100 * PAGE);
    zx_handle_close(vmo);
    return status;
}

/* Each try has a VMO of its own, made before the failure is armed. */
TEST("vmo_op_range/T20 COMMIT gets all pages or none, NO_MEMORY at each allocation") {
    NEED_OK(commit_some());
    for (unsigned nth = 1; nth < 200; nth++) {
        zx_handle_t vmo = vmo_make(100 * PAGE);
        fail_arm(nth);
        zx_status_t status = commit(vmo, 0, 100 * PAGE);
        bool failed = fail_over();
        NEED_STATUS(status, failed ? ZX_ERR_NO_MEMORY : ZX_OK);
        EXPECT_EQ(is_committed(vmo), !failed);
        MUST(zx_handle_close(vmo));
        if (!failed) {
            EXPECT(nth > 5);
            return;
        }
    }
    EXPECT(false);
}

static void commit_too_much(void) {
    zx_handle_t vmo = vmo_make(LARGEST);
    EXPECT_STATUS(commit(vmo, 0, LARGEST), ZX_ERR_NO_MEMORY);
    EXPECT(!is_committed(vmo));
    zx_handle_close(vmo);
}
TEST("vmo_op_range/A5 COMMIT of more than the machine has is NO_MEMORY soon, and keeps nothing") { commit_too_much(); }

TEST("vmo_op_range/DECOMMIT gives pages back: they read as zeros, through mappings too") {
    struct memory m = memory_make(3 * PAGE, 5);
    EXPECT_OK(decommit(m.vmo, PAGE, PAGE));
    for (size_t i = PAGE; i < 2 * PAGE; i++) NEED_EQ(m.view[i], 0);
    EXPECT_EQ(peek(m.vmo, PAGE), 0);
    EXPECT(m.view[PAGE - 1] != 0 || m.view[PAGE - 2] != 0);
    m.view[PAGE] = 3;
    EXPECT_EQ(peek(m.vmo, PAGE), 3);
    EXPECT_OK(decommit(m.vmo, 0, 3 * PAGE));
    for (size_t i = 0; i < 3 * PAGE; i++) NEED_EQ(m.view[i], 0);
    unmap_here(m.view, m.len);
    EXPECT(!is_committed(m.vmo));
}

TEST("vmo_op_range/A10 H13 DECOMMIT unaligned is INVALID_ARGS, also beyond the end, and nothing changes") {
    struct memory m = memory_make(2 * PAGE, 5);
    const uint64_t wrong[][2] = {{0, 1},        {1, PAGE},         {PAGE - 1, PAGE},      {0, PAGE + 1},
                                 {PAGE + 1, 0}, {0, 9 * PAGE + 1}, {99 * PAGE + 1, PAGE}, {1, UINT64_MAX}};
    for (size_t i = 0; i < COUNT(wrong); i++)
        EXPECT_STATUS(decommit(m.vmo, wrong[i][0], wrong[i][1]), ZX_ERR_INVALID_ARGS);
    EXPECT_UNTOUCHED(&m);
}

TEST("vmo_op_range/DECOMMIT in a snapshot reads zeros, not the parent's bytes, and neither side sees the other's") {
    zx_handle_t vmo = vmo_make(2 * PAGE);
    zx_handle_t snapshot;
    poke(vmo, 0, 5);
    poke(vmo, PAGE, 6);
    NEED_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, 2 * PAGE, &snapshot));
    EXPECT_OK(decommit(snapshot, 0, PAGE));
    EXPECT_EQ(peek(snapshot, 0), 0);
    EXPECT_EQ(peek(vmo, 0), 5);
    EXPECT_OK(decommit(vmo, PAGE, PAGE));
    EXPECT_EQ(peek(vmo, PAGE), 0);
    EXPECT_EQ(peek(snapshot, PAGE), 6);
}

TEST("vmo_op_range/ZERO zeroes the very bytes, in part of a page, a page, and across") {
    const size_t ranges[][2] = {{0, 1},           {5, 100},        {PAGE - 1, 2},        {PAGE, PAGE},
                                {0, 3 * PAGE},    {100, 2 * PAGE}, {PAGE + 1, PAGE - 1}, {2 * PAGE - 1, 1},
                                {1, 3 * PAGE - 2}};
    static const unsigned char zeros[3 * 4096];
    for (size_t i = 0; i < COUNT(ranges); i++) {
        struct memory m = memory_make(3 * PAGE, 5);
        EXPECT_OK(zero(m.vmo, ranges[i][0], ranges[i][1]));
        EXPECT_MEMORY(&m, ranges[i][0], zeros, ranges[i][1]);
        unmap_here(m.view, m.len);
        MUST(zx_handle_close(m.vmo));
    }
}

TEST("vmo_op_range/ZERO gives whole pages back, and commits nothing") {
    zx_handle_t vmo = vmo_make(3 * PAGE);
    EXPECT_OK(zero(vmo, 1, 3 * PAGE - 2));
    EXPECT(!is_committed(vmo));
    poke(vmo, PAGE, 1);
    EXPECT_OK(zero(vmo, PAGE, PAGE));
    EXPECT(!is_committed(vmo));
}

TEST("vmo_op_range/ZERO in a snapshot does not show in the parent, nor the other way") {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_handle_t snapshot;
    poke(vmo, 0, 5);
    poke(vmo, 8, 6);
    NEED_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &snapshot));
    EXPECT_OK(zero(snapshot, 0, 8));
    EXPECT(peek(vmo, 0) == 5 && peek(snapshot, 0) == 0 && peek(snapshot, 8) == 6);
    EXPECT_OK(zero(vmo, 0, PAGE));
    EXPECT(peek(vmo, 8) == 0 && peek(snapshot, 8) == 6);
}

TEST("vmo_op_range/ZERO of part of a page that is not cached is BAD_STATE, of whole pages it works") {
    zx_handle_t vmo = vmo_make(2 * PAGE);
    NEED_OK(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED));
    uint64_t *view = map_here(vmo, 0, 2 * PAGE, PERM_RW);
    view[0] = view[512] = 7;
    EXPECT_STATUS(zero(vmo, 8, 8), ZX_ERR_BAD_STATE);
    EXPECT_OK(zero(vmo, 0, PAGE));
    EXPECT(view[0] == 0 && view[512] == 7);
}

TEST("vmo_op_range/cache operations: within the VMO, not empty, any alignment, holes are fine") {
    struct memory m = memory_make(2 * PAGE, 5);
    zx_handle_t hole = vmo_make(2 * PAGE);
    for (size_t k = 0; k < COUNT(cache_ops); k++) {
        uint32_t code = cache_ops[k];
        EXPECT_OK(op(m.vmo, code, 0, 2 * PAGE));
        EXPECT_OK(op(m.vmo, code, 17, 1));
        EXPECT_OK(op(m.vmo, code, 2 * PAGE - 1, 1));
        EXPECT_OK(op(hole, code, 0, 2 * PAGE));
        EXPECT_STATUS(op(m.vmo, code, 0, 0), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(op(m.vmo, code, 9 * PAGE, 0), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(op(m.vmo, code, 0, 2 * PAGE + 1), ZX_ERR_OUT_OF_RANGE);
        EXPECT_STATUS(op(m.vmo, code, 2 * PAGE, 1), ZX_ERR_OUT_OF_RANGE);
        EXPECT_STATUS(op(m.vmo, code, UINT64_MAX, 2), ZX_ERR_OUT_OF_RANGE);
    }
    EXPECT_UNTOUCHED(&m);
    EXPECT(!is_committed(hole));
}

TEST("vmo_op_range/cache operations, COMMIT and DECOMMIT work on memory that is not cached") {
    zx_handle_t vmo = vmo_make(PAGE);
    NEED_OK(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_WRITE_COMBINING));
    for (size_t k = 0; k < COUNT(cache_ops); k++) EXPECT_OK(op(vmo, cache_ops[k], 0, PAGE));
    EXPECT_OK(commit(vmo, 0, PAGE));
    EXPECT_OK(zx_vmo_set_size(vmo, 2 * PAGE));
    EXPECT_OK(decommit(vmo, 0, PAGE));
}

static zx_status_t set_uncached(zx_handle_t vmo) { return zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED); }

TEST("vmo_set_cache_policy/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_VMO, set_uncached); }
TEST("vmo_set_cache_policy/H6 needs MAP and nothing else") { check_rights(vmo_make(PAGE), ZX_RIGHT_MAP, set_uncached); }

TEST("vmo_set_cache_policy/H13 no such policy is INVALID_ARGS, whatever the handle") {
    for (uint32_t policy = 4; policy != 0; policy <<= 1) {
        EXPECT_STATUS(zx_vmo_set_cache_policy(vmo_make(PAGE), policy), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_vmo_set_cache_policy(ZX_HANDLE_INVALID, policy | 1), ZX_ERR_INVALID_ARGS);
    }
}

TEST("vmo_set_cache_policy/any policy, any number of times, while there is nothing of it") {
    zx_handle_t vmo = vmo_make(PAGE);
    for (uint32_t i = 0; i < 20; i++) EXPECT_OK(zx_vmo_set_cache_policy(vmo, i * 7 % 4));
    EXPECT_OK(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
    poke(vmo, 0, 1);
    EXPECT_EQ(peek(vmo, 0), 1);
}

/* Every policy is refused, the one that holds included. */
static void expect_fixed(zx_handle_t vmo) {
    for (uint32_t policy = 0; policy <= 3; policy++)
        EXPECT_STATUS(zx_vmo_set_cache_policy(vmo, policy), ZX_ERR_BAD_STATE);
}

TEST("vmo_set_cache_policy/BAD_STATE while a page is committed; not after it is given back") {
    zx_handle_t vmo = vmo_make(2 * PAGE);
    poke(vmo, PAGE, 1);
    expect_fixed(vmo);
    MUST(decommit(vmo, PAGE, PAGE));
    EXPECT_OK(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
    poke(vmo, PAGE, 1);
    expect_fixed(vmo);
    MUST(zx_vmo_set_size(vmo, PAGE));
    EXPECT_OK(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED));
}

TEST("vmo_set_cache_policy/BAD_STATE while mapped, in any process; not after it is unmapped") {
    zx_handle_t vmo = vmo_make(PAGE);
    void *view = map_here(vmo, 0, PAGE, PERM_NONE);
    expect_fixed(vmo);
    unmap_here(view, PAGE);
    EXPECT_OK(set_uncached(vmo));
    struct target target = target_make();
    target_map(&target, PLACE, vmo, 0, PAGE, PERM_R);
    expect_fixed(vmo);
    MUST(zx_task_kill(target.process));
    EXPECT_OK(set_uncached(vmo));
}

TEST("vmo_set_cache_policy/BAD_STATE for parents and for children; a parent is free when they are gone") {
    const uint32_t kinds[] = {ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SLICE};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        zx_handle_t vmo;
        zx_handle_t child;
        NEED_OK(zx_vmo_create(PAGE, ZX_VMO_NON_RESIZABLE, &vmo));
        NEED_OK(zx_vmo_create_child(vmo, kinds[i], 0, PAGE, &child));
        expect_fixed(vmo);
        expect_fixed(child);
        MUST(zx_handle_close(child));
        EXPECT_OK(set_uncached(vmo));
    }
}

TEST("vmo_set_cache_policy/memory that is not cached works through mappings, and zeros are its beginning") {
    for (uint32_t policy = 1; policy <= 3; policy++) {
        zx_handle_t vmo = vmo_make(PAGE);
        NEED_OK(zx_vmo_set_cache_policy(vmo, policy));
        volatile uint64_t *one = map_here(vmo, 0, PAGE, PERM_RW);
        volatile uint64_t *two = map_here(vmo, 0, PAGE, PERM_RW);
        EXPECT_EQ(one[3], 0);
        one[3] = policy;
        EXPECT_EQ(two[3], policy);
    }
}

TEST("vmo_set_cache_policy/a load from a page that does not exist commits one, unless the memory is cached") {
    for (uint32_t policy = 0; policy <= 3; policy++) {
        zx_handle_t vmo = vmo_make(2 * PAGE);
        NEED_OK(zx_vmo_set_cache_policy(vmo, policy));
        volatile uint64_t *view = map_here(vmo, 0, 2 * PAGE, PERM_R);
        EXPECT_EQ(view[PAGE / sizeof(*view)], 0);
        EXPECT_EQ(vmo_info(vmo).committed_bytes, policy == ZX_CACHE_POLICY_CACHED ? 0 : PAGE);
    }
}

/* A function that returns `value`, written through one mapping and called through another. */
static const unsigned char return_code[] = {0xb8, 0, 0, 0, 0, 0xc3}; /* mov $value, %eax; ret */

static void write_code(volatile unsigned char *at, unsigned char value) {
    for (size_t i = 0; i < sizeof(return_code); i++) at[i] = return_code[i];
    at[1] = value;
}

TEST("vmo_op_range/after CACHE_SYNC, as after cache_flush with INSN, the caller executes what it wrote elsewhere") {
    zx_handle_t vmo = vmo_make(PAGE);
    volatile unsigned char *written = map_here(vmo, 0, PAGE, PERM_RW);
    int (*called)(void) = (int (*)(void))(uintptr_t)map_here(vmo, 0, PAGE, PERM_RX);
    for (unsigned char i = 0; i < 100; i++) {
        write_code(written, i);
        EXPECT_OK(
            i % 2 ? op(vmo, ZX_VMO_OP_CACHE_SYNC, 0, sizeof(return_code))
                  : zx_cache_flush((void *)written, sizeof(return_code), ZX_CACHE_FLUSH_DATA | ZX_CACHE_FLUSH_INSN));
        EXPECT_EQ(called(), i);
    }
}

TEST("vmo_op_range/the cache operations change no byte and commit no page, whatever the cache policy") {
    for (uint32_t policy = 0; policy <= 3; policy++) {
        zx_handle_t vmo = vmo_make(100 * PAGE);
        NEED_OK(zx_vmo_set_cache_policy(vmo, policy));
        volatile uint64_t *view = map_here(vmo, 0, 100 * PAGE, PERM_RW);
        for (size_t i = 0; i < 50; i++) view[i * PAGE / 8 + i] = i + 1;
        for (size_t i = 0; i < COUNT(cache_ops); i++) EXPECT_OK(op(vmo, cache_ops[i], 5, 99 * PAGE));
        for (size_t i = 0; i < 50; i++) NEED_EQ(view[i * PAGE / 8 + i], i + 1);
        EXPECT_EQ(vmo_info(vmo).committed_bytes, 50 * PAGE);
    }
}
