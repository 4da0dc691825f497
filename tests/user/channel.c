/*
 * zx_channel_create, zx_channel_write and zx_channel_read, as far as bytes go. Handles in messages are in
 * channel_handles.c.
 */
#include "tests/user/probe.h"

#define NO_HANDLES NULL, 0
#define MAX_BYTES ((size_t)65536)

static unsigned char sent[MAX_BYTES + 1];
static unsigned char got[MAX_BYTES + 1];

/* What a read gave besides its status. */
struct counts {
    uint32_t bytes, handles;
};
#define UNCOUNTED ((struct counts){UNTOUCHED, UNTOUCHED})

static zx_status_t read_bytes(zx_handle_t end, uint32_t options, uint32_t room, struct counts *counts) {
    *counts = UNCOUNTED;
    return zx_channel_read(end, options, got, NULL, room, 0, &counts->bytes, &counts->handles);
}

static zx_status_t write_bytes(zx_handle_t end, uint32_t len) {
    return zx_channel_write(end, 0, sent, len, NO_HANDLES);
}

TEST("channel_create/two ends of one channel with the default rights, both writable") {
    struct pair pair = pair_make();
    EXPECT(pair.a != pair.b);
    EXPECT_EQ(handle_rights(pair.a), ZX_DEFAULT_CHANNEL_RIGHTS);
    EXPECT_EQ(handle_rights(pair.b), ZX_DEFAULT_CHANNEL_RIGHTS);
    EXPECT(!(ZX_DEFAULT_CHANNEL_RIGHTS & ZX_RIGHT_DUPLICATE));
    EXPECT_EQ(signals_of(pair.a), ZX_CHANNEL_WRITABLE);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
}

TEST("channel_create/options are 0") {
    struct pair pair = {UNTOUCHED, UNTOUCHED};
    for (uint32_t option = 1; option != 0; option <<= 1)
        EXPECT_STATUS(zx_channel_create(option, &pair.a, &pair.b), ZX_ERR_INVALID_ARGS);
    EXPECT(pair.a == UNTOUCHED && pair.b == UNTOUCHED);
}

static void create_badly(void) {
    for (size_t i = 0; i < bad_target_count; i++) {
        zx_handle_t good = UNTOUCHED;
        zx_handle_t *bad = (zx_handle_t *)bad_targets[i];
        EXPECT_STATUS(zx_channel_create(0, bad, &good), ZX_ERR_INVALID_ARGS);
        EXPECT(!is_handle(good));
        EXPECT_STATUS(zx_channel_create(0, &good, bad), ZX_ERR_INVALID_ARGS);
        EXPECT(!is_handle(good));
    }
}

TEST("channel_create/bad pointers for either end are INVALID_ARGS, and neither stays") {
    check_gives_back(create_badly);
}

static zx_status_t create_and_close(void) {
    struct pair pair;
    zx_status_t status = zx_channel_create(0, &pair.a, &pair.b);
    if (status != ZX_OK) return status;
    zx_handle_close(pair.a);
    zx_handle_close(pair.b);
    return ZX_OK;
}

TEST("channel_create/NO_MEMORY at each allocation, and nothing stays") { check_out_of_memory(create_and_close); }

static zx_status_t write_one(zx_handle_t end) { return write_bytes(end, 1); }
static zx_status_t read_one(zx_handle_t end) {
    struct counts counts;
    zx_status_t status = read_bytes(end, 0, 1, &counts);
    if (status != ZX_OK) EXPECT(counts.bytes == UNTOUCHED && counts.handles == UNTOUCHED);
    return status;
}

TEST("channel_write/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_CHANNEL, write_one); }
TEST("channel_read/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_CHANNEL, read_one); }

static zx_handle_t weakened(zx_handle_t end, zx_rights_t without) {
    zx_handle_t weak;
    MUST(zx_handle_replace(end, ZX_DEFAULT_CHANNEL_RIGHTS & ~without, &weak));
    return weak;
}

TEST("channel_write/H6 H7 needs WRITE, channel_read READ") {
    struct pair pair = pair_make();
    pair.a = weakened(pair.a, ZX_RIGHT_WRITE);
    pair.b = weakened(pair.b, ZX_RIGHT_READ);
    EXPECT_STATUS(write_one(pair.a), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(read_one(pair.b), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(write_one(pair.b));
    EXPECT_OK(read_one(pair.a));
}

TEST("channel_write/A1 A2 A3 a message of any size up to 64 KiB arrives whole") {
    const uint32_t sizes[] = {0, 1, 7, 8, 9, 4095, 4096, 4097, 65535, 65536};
    struct pair pair = pair_make();
    pattern_fill(sent, sizeof(sent), 3);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct counts counts;
        memset(got, 0, sizeof(got));
        NEED_OK(write_bytes(pair.a, sizes[i]));
        NEED_OK(read_bytes(pair.b, 0, MAX_BYTES, &counts));
        EXPECT(counts.bytes == sizes[i] && counts.handles == 0);
        EXPECT_BYTES(got, sent, sizes[i]);
        EXPECT_EQ(got[sizes[i]], 0);
    }
}

TEST("channel_write/A4 A5 more than 64 KiB is OUT_OF_RANGE, and nothing is sent") {
    struct pair pair = pair_make();
    EXPECT_STATUS(write_bytes(pair.a, MAX_BYTES + 1), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(write_bytes(pair.a, UINT32_MAX), ZX_ERR_OUT_OF_RANGE);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
}

TEST("channel_write/options are 0, and come before the handle") {
    struct pair pair = pair_make();
    for (uint32_t option = 1; option != 0; option <<= 1) {
        EXPECT_STATUS(zx_channel_write(pair.a, option, sent, 1, NO_HANDLES), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_channel_write(ZX_HANDLE_INVALID, option, sent, UINT32_MAX, NO_HANDLES), ZX_ERR_INVALID_ARGS);
    }
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
}

TEST("channel_write/H13 right, then sizes, then bytes, then the other end") {
    struct pair pair = pair_make();
    struct pair weak = pair_make();
    weak.a = weakened(weak.a, ZX_RIGHT_WRITE);
    EXPECT_STATUS(zx_channel_write(weak.a, 0, NULL, MAX_BYTES + 1, NO_HANDLES), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_channel_write(handle_of(KIND_VMAR), 0, NULL, MAX_BYTES + 1, NO_HANDLES), ZX_ERR_WRONG_TYPE);
    MUST(zx_handle_close(pair.b));
    EXPECT_STATUS(zx_channel_write(pair.a, 0, NULL, MAX_BYTES + 1, NO_HANDLES), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_channel_write(pair.a, 0, NULL, 1, NO_HANDLES), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_channel_write(pair.a, 0, sent, 1, NO_HANDLES), ZX_ERR_PEER_CLOSED);
    EXPECT_STATUS(zx_channel_write(pair.a, 0, NULL, 0, NO_HANDLES), ZX_ERR_PEER_CLOSED);
}

static void write_badly(void) {
    struct pair pair = pair_make();
    for (size_t i = 0; i < bad_source_count; i++)
        EXPECT_STATUS(zx_channel_write(pair.a, 0, (void *)bad_sources[i], 9, NO_HANDLES), ZX_ERR_INVALID_ARGS);
    unsigned char *buffer = buffer_make(2 * PAGE);
    EXPECT_STATUS(zx_channel_write(pair.a, 0, buffer + PAGE, PAGE + 1, NO_HANDLES), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(zx_channel_write(pair.a, 0, buffer + PAGE, PAGE, NO_HANDLES));
    EXPECT_EQ(signals_of(pair.a), ZX_CHANNEL_WRITABLE);
}

TEST("channel_write/S1 S2 S4 S5 S6 bad bytes are INVALID_ARGS, and nothing is sent") { write_badly(); }

TEST("channel_write/S1 NULL is fine if there are no bytes") {
    struct pair pair = pair_make();
    struct counts counts;
    EXPECT_OK(zx_channel_write(pair.a, 0, NULL, 0, NO_HANDLES));
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE | ZX_CHANNEL_READABLE);
    EXPECT_OK(zx_channel_read(pair.b, 0, NULL, NULL, 0, 0, &counts.bytes, &counts.handles));
    EXPECT(counts.bytes == 0 && counts.handles == 0);
}

static zx_status_t write_and_drop(void) {
    static struct pair pair;
    struct counts counts;
    if (pair.a == ZX_HANDLE_INVALID) pair = pair_make();
    zx_status_t status = write_bytes(pair.a, 3000);
    return status == ZX_OK ? read_bytes(pair.b, 0, MAX_BYTES, &counts) : status;
}

TEST("channel_write/NO_MEMORY for the message, and nothing is sent") { check_out_of_memory(write_and_drop); }

TEST("channel_read/H13 right, then options, then an empty queue") {
    struct pair pair = pair_make();
    struct counts counts;
    for (uint32_t option = 2; option != 0; option <<= 1) {
        EXPECT_STATUS(read_bytes(pair.a, option, 1, &counts), ZX_ERR_NOT_SUPPORTED);
        EXPECT_STATUS(read_bytes(pair.a, option | 1, 1, &counts), ZX_ERR_NOT_SUPPORTED);
        EXPECT_STATUS(read_bytes(ZX_HANDLE_INVALID, option, 1, &counts), ZX_ERR_BAD_HANDLE);
    }
    EXPECT_STATUS(read_bytes(weakened(pair.a, ZX_RIGHT_READ), 2, 1, &counts), ZX_ERR_ACCESS_DENIED);
}

TEST("channel_read/SHOULD_WAIT while there is nothing, PEER_CLOSED when nothing can come") {
    struct pair pair = pair_make();
    EXPECT_STATUS(read_one(pair.a), ZX_ERR_SHOULD_WAIT);
    MUST(zx_handle_close(pair.b));
    EXPECT_STATUS(read_one(pair.a), ZX_ERR_PEER_CLOSED);
    struct counts counts;
    EXPECT_STATUS(read_bytes(pair.a, ZX_CHANNEL_READ_MAY_DISCARD, 1, &counts), ZX_ERR_PEER_CLOSED);
}

TEST("channel_read/what came before the end is still to be read") {
    struct pair pair = pair_make();
    struct counts counts;
    NEED_OK(write_bytes(pair.a, 5));
    NEED_OK(write_bytes(pair.a, 6));
    MUST(zx_handle_close(pair.a));
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED);
    EXPECT_OK(read_bytes(pair.b, 0, MAX_BYTES, &counts));
    EXPECT_EQ(counts.bytes, 5);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED);
    EXPECT_OK(read_bytes(pair.b, 0, MAX_BYTES, &counts));
    EXPECT_EQ(counts.bytes, 6);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_PEER_CLOSED);
    EXPECT_STATUS(read_one(pair.b), ZX_ERR_PEER_CLOSED);
}

TEST("channel_read/messages come in the order they were sent, each way on its own") {
    struct pair pair = pair_make();
    for (uint32_t i = 1; i <= 50; i++) {
        NEED_OK(zx_channel_write(pair.a, 0, &i, sizeof(i), NO_HANDLES));
        uint32_t back = i * 1000;
        NEED_OK(zx_channel_write(pair.b, 0, &back, sizeof(back), NO_HANDLES));
    }
    for (uint32_t i = 1; i <= 50; i++) {
        uint32_t there = 0;
        uint32_t back = 0;
        NEED_OK(zx_channel_read(pair.b, 0, &there, NULL, sizeof(there), 0, NULL, NULL));
        NEED_OK(zx_channel_read(pair.a, 0, &back, NULL, sizeof(back), 0, NULL, NULL));
        EXPECT(there == i && back == i * 1000);
    }
    EXPECT_EQ(signals_of(pair.a), ZX_CHANNEL_WRITABLE);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
}

TEST("channel_read/BUFFER_TOO_SMALL tells the sizes, moves nothing and keeps the message") {
    struct pair pair = pair_make();
    struct counts counts;
    pattern_fill(sent, 100, 5);
    memset(got, 0, sizeof(got));
    NEED_OK(write_bytes(pair.a, 100));
    for (uint32_t room = 0; room < 100; room += 33) {
        EXPECT_STATUS(read_bytes(pair.b, 0, room, &counts), ZX_ERR_BUFFER_TOO_SMALL);
        EXPECT(counts.bytes == 100 && counts.handles == 0);
        EXPECT_EQ(got[0], 0);
    }
    EXPECT_STATUS(zx_channel_read(pair.b, 0, NULL, NULL, 99, 0, NULL, NULL), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    EXPECT_OK(read_bytes(pair.b, 0, 100, &counts));
    EXPECT_BYTES(got, sent, 100);
}

TEST("channel_read/MAY_DISCARD loses what does not fit, and tells its sizes") {
    struct pair pair = pair_make();
    struct counts counts;
    NEED_OK(write_bytes(pair.a, 100));
    NEED_OK(write_bytes(pair.a, 3));
    EXPECT_STATUS(read_bytes(pair.b, ZX_CHANNEL_READ_MAY_DISCARD, 99, &counts), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT(counts.bytes == 100 && counts.handles == 0);
    EXPECT_OK(read_bytes(pair.b, ZX_CHANNEL_READ_MAY_DISCARD, 99, &counts));
    EXPECT_EQ(counts.bytes, 3);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
}

TEST("channel_read/bad pointers are INVALID_ARGS and lose the message; NULL counts are none") {
    struct pair pair = pair_make();
    uint32_t count;
    NEED_OK(write_bytes(pair.a, 10));
    EXPECT_OK(zx_channel_read(pair.b, 0, got, NULL, 10, 0, NULL, NULL));
    for (size_t i = 0; i < bad_target_count; i++) {
        void *bad = (void *)bad_targets[i];
        NEED_OK(write_bytes(pair.a, 10));
        EXPECT_STATUS(zx_channel_read(pair.b, 0, bad, NULL, 10, 0, &count, &count), ZX_ERR_INVALID_ARGS);
        EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
        if (!bad) continue;
        NEED_OK(write_bytes(pair.a, 10));
        EXPECT_STATUS(zx_channel_read(pair.b, 0, got, NULL, 10, 0, bad, &count), ZX_ERR_INVALID_ARGS);
        EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
        NEED_OK(write_bytes(pair.a, 10));
        EXPECT_STATUS(zx_channel_read(pair.b, 0, got, NULL, 10, 0, &count, bad), ZX_ERR_INVALID_ARGS);
        EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
        NEED_OK(write_bytes(pair.a, 10));
        EXPECT_STATUS(zx_channel_read(pair.b, 0, got, NULL, 0, 0, bad, &count), ZX_ERR_INVALID_ARGS);
        EXPECT_OK(zx_channel_read(pair.b, 0, got, NULL, 10, 0, NULL, NULL));
    }
}

TEST("channel_write/a message is the same when its buffer changes later") {
    struct pair pair = pair_make();
    struct counts counts;
    memset(sent, 1, 100);
    NEED_OK(write_bytes(pair.a, 100));
    memset(sent, 2, 100);
    NEED_OK(read_bytes(pair.b, 0, 100, &counts));
    for (size_t i = 0; i < 100; i++) NEED_EQ(got[i], 1);
}

/* --- a queue has an end --- */

#define QUEUE_MAX 3500
#define NOBODY_READS(end) \
    for (int i = 0; i < QUEUE_MAX; i++) NEED_OK(write_bytes(end, 1))

TEST("channel_write/3,500 messages fit, then it is not WRITABLE and SHOULD_WAIT, handles gone, until one is read") {
    struct pair pair = pair_make();
    struct counts counts;
    NOBODY_READS(pair.a);
    EXPECT_EQ(signals_of(pair.a), ZX_SIGNAL_NONE);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    const zx_handle_t event = event_make();
    EXPECT_STATUS(zx_channel_write(pair.a, 0, sent, 1, &event, 1), ZX_ERR_SHOULD_WAIT);
    EXPECT(!is_handle(event));
    EXPECT_STATUS(read_bytes(pair.b, 0, 0, &counts), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_EQ(signals_of(pair.a), ZX_SIGNAL_NONE);
    NEED_OK(read_bytes(pair.b, 0, 1, &counts));
    EXPECT_EQ(signals_of(pair.a), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(write_bytes(pair.a, 1));
    EXPECT_STATUS(write_bytes(pair.a, 1), ZX_ERR_SHOULD_WAIT);
    EXPECT_EQ(signals_of(pair.a), ZX_SIGNAL_NONE);
    EXPECT_STATUS(read_bytes(pair.b, ZX_CHANNEL_READ_MAY_DISCARD, 0, &counts), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_EQ(signals_of(pair.a), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(write_bytes(pair.b, 1));
}

TEST("channel/WRITABLE goes when the other end does, and does not come back") {
    for (int full = 0; full < 2; full++) {
        struct pair pair = pair_make();
        if (full) NOBODY_READS(pair.a);
        EXPECT_EQ(signals_of(pair.a), full ? ZX_SIGNAL_NONE : ZX_CHANNEL_WRITABLE);
        MUST(zx_handle_close(pair.b));
        EXPECT_EQ(signals_of(pair.a), ZX_CHANNEL_PEER_CLOSED);
        EXPECT_STATUS(write_bytes(pair.a, 1), ZX_ERR_PEER_CLOSED);
    }
}
