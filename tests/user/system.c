/*
 * Random bytes, and what the system tells about itself and the machine.
 */
#include <string.h>
#include <zircon/features.h>
#include <zircon/syscalls.h>

#include "tests/user/child.h"
#include "tests/user/probe.h"

TEST("cprng_draw/bytes that differ from draw to draw, all of the buffer and nothing beside it") {
    static unsigned char a[5000], b[5000];
    const size_t lengths[] = {16, 255, 256, 257, 512, 4999};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t len = lengths[i];
        memset(a, 0x5a, sizeof(a));
        memset(b, 0x5a, sizeof(b));
        zx_cprng_draw(a, len);
        zx_cprng_draw(b, len);
        EXPECT(memcmp(a, b, len) != 0);
        for (size_t at = 0; at + 16 <= len; at += 16) EXPECT(memcmp(a + at, b + at, 16) != 0);
        for (size_t at = len; at < sizeof(a); at++) NEED_EQ(a[at], 0x5a);
    }
}

TEST("cprng_draw/no bytes are no bytes, wherever") {
    zx_cprng_draw(NULL, 0);
    zx_cprng_draw((void *)8, 0);
}

TEST("cprng_draw/each bit is up half the time, more or less") {
    static unsigned char bytes[32768];
    unsigned up[8] = {0};
    zx_cprng_draw(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        for (unsigned bit = 0; bit < 8; bit++) up[bit] += bytes[i] >> bit & 1;
    }
    for (unsigned bit = 0; bit < 8; bit++) EXPECT(up[bit] > 15500 && up[bit] < 17300);
}

static void draw_into_nothing(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    zx_cprng_draw((void *)((struct board *)there)->words[0], 300);
    zx_process_exit(0);
}

TEST("cprng_draw/a bad buffer ends the program") {
    EXPECT_EQ(child_run_with(draw_into_nothing, 8), ZX_TASK_RETCODE_EXCEPTION_KILL);
    EXPECT_EQ(child_run_with(draw_into_nothing, KERNEL_TEXT), ZX_TASK_RETCODE_EXCEPTION_KILL);
}

static void draw_for_parent(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    zx_cprng_draw(&((struct board *)there)->words[1], 32);
    zx_process_exit(0);
}

TEST("cprng_draw/no two processes get the same") {
    struct child one, two;
    NEED(child_make(&one) && child_make(&two));
    NEED_OK(child_start(&one, draw_for_parent, ZX_HANDLE_INVALID));
    NEED_OK(child_start(&two, draw_for_parent, ZX_HANDLE_INVALID));
    EXPECT(child_wait(&one) == 0 && child_wait(&two) == 0);
    for (size_t i = 1; i <= 4; i++) EXPECT(one.board->words[i] != two.board->words[i]);
}

TEST("cprng_draw_once/up to 256 bytes, more are INVALID_ARGS") {
    unsigned char bytes[257];
    memset(bytes, 0, sizeof(bytes));
    EXPECT_OK(zx_cprng_draw_once(bytes, 0));
    EXPECT_STATUS(zx_cprng_draw_once(bytes, 257), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_cprng_draw_once(bytes, SIZE_MAX), ZX_ERR_INVALID_ARGS);
    for (size_t i = 0; i < 257; i++) NEED_EQ(bytes[i], 0);
    EXPECT_OK(zx_cprng_draw_once(bytes, 256));
    EXPECT_EQ(bytes[256], 0);
}

TEST("cprng_draw_once/bad buffers are INVALID_ARGS, no bytes are OK wherever") {
    for (size_t i = 0; i < bad_target_count; i++) {
        EXPECT_STATUS(zx_cprng_draw_once((void *)bad_targets[i], 1), ZX_ERR_INVALID_ARGS);
        EXPECT_OK(zx_cprng_draw_once((void *)bad_targets[i], 0));
    }
}

TEST("cprng_add_entropy/up to 256 bytes, more are INVALID_ARGS; bad buffers too") {
    static const unsigned char bytes[257];
    for (size_t len = 0; len <= 256; len += 32) EXPECT_OK(zx_cprng_add_entropy(bytes, len));
    EXPECT_STATUS(zx_cprng_add_entropy(bytes, 257), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_cprng_add_entropy(bytes, SIZE_MAX), ZX_ERR_INVALID_ARGS);
    for (size_t i = 0; i < bad_source_count; i++) {
        EXPECT_STATUS(zx_cprng_add_entropy((void *)bad_sources[i], 1), ZX_ERR_INVALID_ARGS);
        EXPECT_OK(zx_cprng_add_entropy((void *)bad_sources[i], 0));
    }
}

TEST("cprng_add_entropy/bytes drawn before are not drawn again") {
    unsigned char a[32], b[32];
    static const unsigned char same[32];
    zx_cprng_draw(a, sizeof(a));
    NEED_OK(zx_cprng_add_entropy(same, sizeof(same)));
    zx_cprng_draw(b, sizeof(b));
    EXPECT(memcmp(a, b, sizeof(a)) != 0);
}

TEST("system_get_num_cpus/at least one") { EXPECT(zx_system_get_num_cpus() >= 1 && zx_system_get_num_cpus() <= 64); }

TEST("system_get_physmem/choices: whole pages, as the resource tells it") {
    zx_info_kmem_stats_t stats;
    NEED_OK(zx_object_get_info(test_resource(), ZX_INFO_KMEM_STATS, &stats, sizeof(stats), NULL, NULL));
    EXPECT_EQ(zx_system_get_physmem(), stats.total_bytes);
    EXPECT(zx_system_get_physmem() > 0);
    EXPECT_EQ(zx_system_get_physmem() % ZX_PAGE_SIZE, 0);
}

TEST("system_get_dcache_line_size/a power of two") {
    uint32_t size = zx_system_get_dcache_line_size();
    EXPECT(size >= 16 && size <= 1024 && (size & (size - 1)) == 0);
}

TEST("cache_flush/H13 INVALID_ARGS without DATA and INSN, for INVALIDATE without DATA, for any other bit") {
    static char bytes[100];
    for (uint32_t options = 0; options < 64; options++) {
        bool good =
            options && options < 8 && (!(options & ZX_CACHE_FLUSH_INVALIDATE) || (options & ZX_CACHE_FLUSH_DATA));
        EXPECT_STATUS(zx_cache_flush(bytes, sizeof(bytes), options), good ? ZX_OK : ZX_ERR_INVALID_ARGS);
    }
    EXPECT_STATUS(zx_cache_flush(bytes, sizeof(bytes), ZX_CACHE_FLUSH_DATA | 1u << 31), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_cache_flush(bytes, SIZE_MAX, ZX_CACHE_FLUSH_DATA), ZX_ERR_INVALID_ARGS);
}

#define FLUSH_ALL (ZX_CACHE_FLUSH_DATA | ZX_CACHE_FLUSH_INVALIDATE | ZX_CACHE_FLUSH_INSN)

TEST("cache_flush/changes no byte, at any place and length; no bytes are fine wherever") {
    static unsigned char bytes[3 * 4096];
    for (size_t i = 0; i < sizeof(bytes); i++) bytes[i] = (unsigned char)(i * 7);
    for (size_t len = 1; len < sizeof(bytes) / 2; len = len * 3 + 1) {
        EXPECT_OK(zx_cache_flush(bytes + len, len, ZX_CACHE_FLUSH_DATA));
        EXPECT_OK(zx_cache_flush(bytes + len, len, FLUSH_ALL));
    }
    for (size_t i = 0; i < sizeof(bytes); i++) NEED_EQ(bytes[i], (unsigned char)(i * 7));
    EXPECT_OK(zx_cache_flush(NULL, 0, FLUSH_ALL));
    EXPECT_OK(zx_cache_flush((void *)8, 0, FLUSH_ALL));
}

TEST("system_get_version/a text, for whoever has 64 bytes") {
    char text[64];
    memset(text, 'x', sizeof(text));
    for (size_t size = 0; size < 64; size++) EXPECT_STATUS(zx_system_get_version(text, size), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_STATUS(zx_system_get_version(NULL, 63), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_EQ(text[0], 'x');
    NEED_OK(zx_system_get_version(text, sizeof(text)));
    EXPECT(strnlen(text, sizeof(text)) > 0 && strnlen(text, sizeof(text)) < sizeof(text));
}

TEST("system_get_features/of the CPU, and of nothing else") {
    uint32_t features = UNTOUCHED;
    EXPECT_STATUS(zx_system_get_features(1, &features), ZX_ERR_NOT_SUPPORTED);
    EXPECT_STATUS(zx_system_get_features(UINT32_MAX, &features), ZX_ERR_NOT_SUPPORTED);
    EXPECT_STATUS(zx_system_get_features(ZX_FEATURE_KIND_CPU, NULL), ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(features, UNTOUCHED);
    EXPECT_OK(zx_system_get_features(ZX_FEATURE_KIND_CPU, &features));
    EXPECT_EQ(features, ZX_HAS_CPU_FEATURES);
}
