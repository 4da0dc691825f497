/*
 * Handles in channel messages: what they become, who has them when, and that none is ever lost or kept.
 */
#include "tests/user/probe.h"

#define MAX_HANDLES ((uint32_t)64)
#define NESTING 20000
#define DEPTH_MAX 1000

/* What a message can carry, and a way to see what became of it: `seen` tells when the carried end is gone. */
struct cargo {
    zx_handle_t carried, seen;
};

static struct cargo cargo_make(void) {
    struct pair pair = pair_make();
    return (struct cargo){pair.a, pair.b};
}

/* The carried end has left our table, and is gone for good, or lives on somewhere. */
static void expect_consumed(const struct cargo *cargo) {
    EXPECT(!is_handle(cargo->carried));
    EXPECT_EQ(signals_of(cargo->seen), ZX_CHANNEL_PEER_CLOSED);
    zx_handle_close(cargo->seen);
}
static void expect_in_transit(const struct cargo *cargo) {
    EXPECT(!is_handle(cargo->carried));
    EXPECT_EQ(signals_of(cargo->seen), ZX_CHANNEL_WRITABLE);
}

static zx_status_t write_handles(zx_handle_t end, const zx_handle_t *handles, uint32_t count) {
    return zx_channel_write(end, 0, NULL, 0, handles, count);
}
static zx_status_t read_handles(zx_handle_t end, zx_handle_t *handles, uint32_t room) {
    return zx_channel_read(end, 0, NULL, handles, 0, room, NULL, NULL);
}

TEST("channel_write/handles move: same object, same rights, new value, gone from the sender at once") {
    struct pair pair = pair_make();
    zx_handle_t vmo = handle_with(vmo_make(PAGE), ZX_RIGHT_TRANSFER | ZX_RIGHT_READ | ZX_RIGHT_MAP);
    zx_info_handle_basic_t before = basic_info(vmo);
    zx_handle_t read = UNTOUCHED;
    uint32_t bytes = UNTOUCHED;
    uint32_t handles = UNTOUCHED;
    NEED_OK(write_handles(pair.a, &vmo, 1));
    EXPECT(!is_handle(vmo));
    NEED_OK(zx_channel_read(pair.b, 0, NULL, &read, 0, 1, &bytes, &handles));
    EXPECT(bytes == 0 && handles == 1);
    zx_info_handle_basic_t after = basic_info(read);
    EXPECT_EQ(after.koid, before.koid);
    EXPECT_EQ(after.rights, before.rights);
    EXPECT(read != vmo);
}

TEST("channel_write/A3 64 handles and 64 KiB at once, in order") {
    static char bytes[65536];
    static char got[65536];
    struct pair pair = pair_make();
    zx_handle_t handles[MAX_HANDLES];
    zx_handle_t read[MAX_HANDLES];
    zx_koid_t koids[MAX_HANDLES];
    for (uint32_t i = 0; i < MAX_HANDLES; i++) {
        handles[i] = vmo_make(PAGE);
        koids[i] = basic_info(handles[i]).koid;
    }
    pattern_fill(bytes, sizeof(bytes), 2);
    NEED_OK(zx_channel_write(pair.a, 0, bytes, sizeof(bytes), handles, MAX_HANDLES));
    NEED_OK(zx_channel_read(pair.b, 0, got, read, sizeof(got), MAX_HANDLES, NULL, NULL));
    EXPECT_BYTES(got, bytes, sizeof(bytes));
    for (uint32_t i = 0; i < MAX_HANDLES; i++) EXPECT_EQ(basic_info(read[i]).koid, koids[i]);
}

TEST("channel_write/more than 64 handles are OUT_OF_RANGE, and all are gone") {
    static struct cargo cargo[MAX_HANDLES + 1];
    zx_handle_t handles[MAX_HANDLES + 1];
    struct pair pair = pair_make();
    for (uint32_t i = 0; i <= MAX_HANDLES; i++) {
        cargo[i] = cargo_make();
        handles[i] = cargo[i].carried;
    }
    EXPECT_STATUS(write_handles(pair.a, handles, MAX_HANDLES + 1), ZX_ERR_OUT_OF_RANGE);
    for (uint32_t i = 0; i <= MAX_HANDLES; i++) expect_consumed(&cargo[i]);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
}

/* Each failure there is, with a handle in the message. */
static void expect_write_consumes(zx_handle_t end, uint32_t options, const void *bytes, uint32_t len,
                                  zx_status_t status) {
    struct cargo cargo = cargo_make();
    EXPECT_STATUS(zx_channel_write(end, options, bytes, len, &cargo.carried, 1), status);
    expect_consumed(&cargo);
}

TEST("channel_write/handles are consumed on every failure") {
    struct pair pair = pair_make();
    struct pair other = pair_make();
    char byte = 0;
    zx_handle_t weak;
    NEED_OK(zx_handle_replace(other.a, ZX_RIGHT_READ, &weak));
    expect_write_consumes(pair.a, 1, NULL, 0, ZX_ERR_INVALID_ARGS);
    expect_write_consumes(ZX_HANDLE_INVALID, 0, NULL, 0, ZX_ERR_BAD_HANDLE);
    expect_write_consumes(handle_of(KIND_VMO), 0, NULL, 0, ZX_ERR_WRONG_TYPE);
    expect_write_consumes(weak, 0, NULL, 0, ZX_ERR_ACCESS_DENIED);
    expect_write_consumes(pair.a, 0, &byte, 65537, ZX_ERR_OUT_OF_RANGE);
    expect_write_consumes(pair.a, 0, NULL, 1, ZX_ERR_INVALID_ARGS);
    expect_write_consumes(pair.a, 0, (void *)KERNEL_TEXT, 1, ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
    MUST(zx_handle_close(pair.b));
    expect_write_consumes(pair.a, 0, NULL, 0, ZX_ERR_PEER_CLOSED);
}

TEST("channel_write/S2 S4 an unreadable array is INVALID_ARGS and leaves the handles") {
    struct pair pair = pair_make();
    struct cargo cargo = cargo_make();
    for (size_t i = 0; i < bad_source_count; i++)
        EXPECT_STATUS(write_handles(pair.a, (zx_handle_t *)bad_sources[i], 2), ZX_ERR_INVALID_ARGS);
    zx_handle_t *last = (zx_handle_t *)(buffer_make(PAGE) + PAGE) - 1;
    *last = cargo.carried;
    EXPECT_STATUS(write_handles(pair.a, last, 2), ZX_ERR_INVALID_ARGS);
    EXPECT(is_handle(cargo.carried));
    EXPECT_OK(write_handles(pair.a, NULL, 0));
}

TEST("channel_write/an array that cannot be read to its end leaves all handles, whatever else is wrong") {
    const uint32_t there = MAX_HANDLES + 2;
    struct pair pair = pair_make();
    struct cargo cargo = cargo_make();
    zx_handle_t weak = pair_make().a;
    NEED_OK(zx_handle_replace(weak, ZX_RIGHT_READ, &weak));
    zx_handle_t *handles = (zx_handle_t *)(buffer_make(PAGE) + PAGE) - there;
    handles[0] = handles[there - 1] = cargo.carried;
    const struct {
        zx_handle_t end;
        uint32_t options, len;
        zx_status_t status;
    } wrong[] = {
        {pair.a, 1, 0, ZX_ERR_INVALID_ARGS},
        {ZX_HANDLE_INVALID, 0, 0, ZX_ERR_BAD_HANDLE},
        {handle_of(KIND_VMO), 0, 0, ZX_ERR_WRONG_TYPE},
        {weak, 0, 0, ZX_ERR_ACCESS_DENIED},
        {pair.a, 0, 65537, ZX_ERR_OUT_OF_RANGE},
        {pair.a, 0, 1, ZX_ERR_INVALID_ARGS},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const zx_handle_t *const arrays[] = {handles + there - 1, handles};
        for (size_t k = 0; k < 2; k++) {
            const uint32_t count = k ? there + 1 : 2;
            zx_status_t want = k && wrong[i].len == 1 ? ZX_ERR_OUT_OF_RANGE : wrong[i].status;
            EXPECT_STATUS(zx_channel_write(wrong[i].end, wrong[i].options, NULL, wrong[i].len, arrays[k], count), want);
            zx_channel_call_args_t args = {.wr_num_bytes = 65537, .wr_handles = arrays[k], .wr_num_handles = count};
            EXPECT_STATUS(zx_channel_call(pair.a, 0, 0, &args, NULL, NULL), ZX_ERR_OUT_OF_RANGE);
            NEED(is_handle(cargo.carried));
        }
    }
    EXPECT_STATUS(write_handles(pair.a, handles, there), ZX_ERR_OUT_OF_RANGE);
    expect_consumed(&cargo);
}

/* Good, bad, good. */
static void expect_mixed(zx_handle_t end, zx_handle_t bad, zx_status_t status) {
    struct cargo before = cargo_make();
    struct cargo after = cargo_make();
    const zx_handle_t handles[] = {before.carried, bad, after.carried};
    EXPECT_STATUS(write_handles(end, handles, 3), status);
    EXPECT(!is_handle(bad));
    expect_consumed(&before);
    expect_consumed(&after);
}

TEST("channel_write/one bad handle spoils all: BAD_HANDLE, NOT_SUPPORTED, ACCESS_DENIED") {
    struct pair pair = pair_make();
    expect_mixed(pair.a, ZX_HANDLE_INVALID, ZX_ERR_BAD_HANDLE);
    expect_mixed(pair.a, handle_of(KIND_VMO) ^ 0x40000000, ZX_ERR_BAD_HANDLE);
    expect_mixed(pair.a, handle_with(handle_of(KIND_VMO), ZX_RIGHT_READ), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
    expect_mixed(pair.a, pair.a, ZX_ERR_NOT_SUPPORTED);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_PEER_CLOSED);
}

TEST("channel_write/H13 of several bad handles the first one's error counts") {
    struct pair pair = pair_make();
    zx_handle_t stuck = handle_with(handle_of(KIND_VMO), ZX_RIGHT_READ);
    zx_handle_t handles[] = {stuck, ZX_HANDLE_INVALID};
    EXPECT_STATUS(write_handles(pair.a, handles, 2), ZX_ERR_ACCESS_DENIED);
    handles[0] = ZX_HANDLE_INVALID;
    handles[1] = handle_with(handle_of(KIND_VMO), ZX_RIGHT_READ);
    EXPECT_STATUS(write_handles(pair.a, handles, 2), ZX_ERR_BAD_HANDLE);
    EXPECT(!is_handle(handles[1]));
}

TEST("channel_write/H13 a bad handle and a closed other end: the handle's error counts") {
    struct pair pair = pair_make();
    MUST(zx_handle_close(pair.b));
    expect_mixed(pair.a, ZX_HANDLE_INVALID, ZX_ERR_BAD_HANDLE);
    struct cargo cargo = cargo_make();
    EXPECT_STATUS(write_handles(pair.a, &cargo.carried, 1), ZX_ERR_PEER_CLOSED);
    expect_consumed(&cargo);
}

TEST("channel_write/a handle listed twice is BAD_HANDLE, and gone") {
    struct pair pair = pair_make();
    struct cargo cargo = cargo_make();
    const zx_handle_t twice[] = {cargo.carried, cargo.carried};
    EXPECT_STATUS(write_handles(pair.a, twice, 2), ZX_ERR_BAD_HANDLE);
    expect_consumed(&cargo);
}

TEST("channel_write/an end may be sent to itself by way of the other: then the channel is gone") {
    struct pair pair = pair_make();
    struct cargo cargo = cargo_make();
    NEED_OK(write_handles(pair.a, &cargo.carried, 1));
    expect_in_transit(&cargo);
    NEED_OK(write_handles(pair.a, &pair.b, 1));
    EXPECT(!is_handle(pair.b));
    EXPECT_EQ(signals_of(pair.a), ZX_CHANNEL_PEER_CLOSED);
    expect_consumed(&cargo);
    MUST(zx_handle_close(pair.a));
}

TEST("channel_write/two ends cannot hold each other: the second write closes both") {
    struct pair x = pair_make();
    struct pair y = pair_make();
    NEED_OK(write_handles(x.a, &y.b, 1));
    EXPECT_EQ(signals_of(y.a), ZX_CHANNEL_WRITABLE);
    NEED_OK(write_handles(y.a, &x.b, 1));
    EXPECT_EQ(signals_of(x.a), ZX_CHANNEL_PEER_CLOSED);
    EXPECT_EQ(signals_of(y.a), ZX_CHANNEL_PEER_CLOSED);
    MUST(zx_handle_close(x.a));
    MUST(zx_handle_close(y.a));
}

TEST("channel_write/ends that would hold each other are closed: none of them could ever be read again") {
    struct pair one = pair_make();
    struct pair two = pair_make();
    struct cargo cargo = cargo_make();
    const zx_handle_t both[] = {cargo.carried, two.b};
    NEED_OK(write_handles(two.a, &one.b, 1));
    EXPECT_EQ(signals_of(one.a), ZX_CHANNEL_WRITABLE);
    NEED_OK(write_handles(one.a, both, 2));
    expect_consumed(&cargo);
    EXPECT_EQ(signals_of(one.a), ZX_CHANNEL_PEER_CLOSED);
    EXPECT_EQ(signals_of(two.a), ZX_CHANNEL_PEER_CLOSED);
}

TEST("channel_write/an end that has been read may hold what held it") {
    struct pair one = pair_make();
    struct pair two = pair_make();
    zx_handle_t read;
    NEED_OK(write_handles(two.a, &one.b, 1));
    NEED_OK(read_handles(two.b, &read, 1));
    NEED_OK(write_handles(one.a, &two.b, 1));
    EXPECT_EQ(signals_of(two.a), ZX_CHANNEL_WRITABLE);
    NEED_OK(read_handles(read, &two.b, 1));
    EXPECT_EQ(signals_of(two.b), ZX_CHANNEL_WRITABLE);
}

TEST("channel/L6 closing an end closes the handles of messages nobody read") {
    struct pair pair = pair_make();
    struct cargo unread = cargo_make();
    struct cargo also = cargo_make();
    NEED_OK(write_handles(pair.a, &unread.carried, 1));
    NEED_OK(write_handles(pair.a, &also.carried, 1));
    MUST(zx_handle_close(pair.a));
    expect_in_transit(&unread);
    MUST(zx_handle_close(pair.b));
    expect_consumed(&unread);
    expect_consumed(&also);
}

/* A chain of channel ends, each in a message of the one before, cannot be undone by recursion. */
TEST("channel/channels nested in channels very deep are closed without recursion") {
    struct cargo innermost = cargo_make();
    zx_handle_t carried = innermost.carried;
    for (int i = 0; i < NESTING; i++) {
        struct pair pair = pair_make();
        NEED_OK(write_handles(pair.a, &carried, 1));
        MUST(zx_handle_close(pair.a));
        carried = pair.b;
    }
    expect_in_transit(&innermost);
    MUST(zx_handle_close(carried));
    expect_consumed(&innermost);
}

TEST("channel/nested deep the other way: closing the outer end frees a tree of messages") {
    struct pair outer = pair_make();
    struct cargo cargo[8];
    for (size_t i = 0; i < 8; i++) {
        struct pair inner = pair_make();
        cargo[i] = cargo_make();
        NEED_OK(write_handles(inner.a, &cargo[i].carried, 1));
        const zx_handle_t both[] = {inner.a, inner.b};
        NEED_OK(write_handles(outer.a, both, 2));
    }
    MUST(zx_handle_close(outer.b));
    for (size_t i = 0; i < 8; i++) expect_consumed(&cargo[i]);
}

/* Sends an end that holds the cargo. */
static zx_status_t write_holder(zx_handle_t through, const struct cargo *cargo) {
    struct pair holder = pair_make();
    MUST(write_handles(holder.a, &cargo->carried, 1));
    MUST(zx_handle_close(holder.a));
    return write_handles(through, &holder.b, 1);
}

TEST("channel_write/NO_MEMORY for an end that holds others into a queue more than 1,000 deep in those of others") {
    struct pair pair = pair_make();
    struct cargo cargo[2] = {cargo_make(), cargo_make()};
    const zx_handle_t outermost = pair.b;
    zx_handle_t through = pair.a;
    for (int i = 0; i <= DEPTH_MAX; i++) {
        if (i == DEPTH_MAX) EXPECT_STATUS(write_holder(through, &cargo[0]), ZX_OK);
        pair = pair_make();
        NEED_OK(write_handles(through, &pair.b, 1));
        MUST(zx_handle_close(through));
        through = pair.a;
    }
    EXPECT_STATUS(write_holder(through, &cargo[1]), ZX_ERR_NO_MEMORY);
    expect_in_transit(&cargo[0]);
    expect_consumed(&cargo[1]);
    MUST(zx_handle_close(outermost));
    expect_consumed(&cargo[0]);
    MUST(zx_handle_close(through));
}

TEST("channel_read/BUFFER_TOO_SMALL for handles tells the counts and keeps them in transit") {
    struct pair pair = pair_make();
    struct cargo cargo[3] = {cargo_make(), cargo_make(), cargo_make()};
    const zx_handle_t handles[] = {cargo[0].carried, cargo[1].carried, cargo[2].carried};
    zx_handle_t read[3] = {UNTOUCHED, UNTOUCHED, UNTOUCHED};
    NEED_OK(write_handles(pair.a, handles, 3));
    for (uint32_t room = 0; room < 3; room++) {
        uint32_t bytes = UNTOUCHED;
        uint32_t count = UNTOUCHED;
        EXPECT_STATUS(zx_channel_read(pair.b, 0, NULL, read, 100, room, &bytes, &count), ZX_ERR_BUFFER_TOO_SMALL);
        EXPECT(bytes == 0 && count == 3);
        EXPECT(read[0] == UNTOUCHED && read[2] == UNTOUCHED);
    }
    for (size_t i = 0; i < 3; i++) expect_in_transit(&cargo[i]);
    EXPECT_OK(read_handles(pair.b, read, 3));
    EXPECT(is_handle(read[0]) && is_handle(read[1]) && is_handle(read[2]));
}

TEST("channel_read/MAY_DISCARD closes the handles of what does not fit") {
    struct pair pair = pair_make();
    struct cargo cargo = cargo_make();
    uint32_t count = UNTOUCHED;
    NEED_OK(write_handles(pair.a, &cargo.carried, 1));
    EXPECT_STATUS(zx_channel_read(pair.b, ZX_CHANNEL_READ_MAY_DISCARD, NULL, NULL, 0, 0, NULL, &count),
                  ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_EQ(count, 1);
    expect_consumed(&cargo);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
}

TEST("channel_read/O1 O2 O3 O4 a bad pointer for handles is INVALID_ARGS; message and handles are lost") {
    struct pair pair = pair_make();
    for (size_t i = 0; i < bad_target_count; i++) {
        struct cargo cargo = cargo_make();
        NEED_OK(write_handles(pair.a, &cargo.carried, 1));
        EXPECT_STATUS(read_handles(pair.b, (zx_handle_t *)bad_targets[i], 1), ZX_ERR_INVALID_ARGS);
        expect_consumed(&cargo);
        EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
    }
}

TEST("channel_read/bad bytes or counts lose the message's handles too") {
    struct pair pair = pair_make();
    uint32_t *const bad = (uint32_t *)KERNEL_TEXT;
    zx_handle_t read[1] = {UNTOUCHED};
    char byte = 1;
    for (int i = 0; i < 3; i++) {
        struct cargo cargo = cargo_make();
        NEED_OK(zx_channel_write(pair.a, 0, &byte, 1, &cargo.carried, 1));
        EXPECT_STATUS(
            zx_channel_read(pair.b, 0, i == 0 ? NULL : &byte, read, 1, 1, i == 1 ? bad : NULL, i == 2 ? bad : NULL),
            ZX_ERR_INVALID_ARGS);
        EXPECT_EQ(read[0], UNTOUCHED);
        expect_consumed(&cargo);
    }
}

TEST("channel_read/room for more than came is left as it was") {
    struct pair pair = pair_make();
    struct cargo cargo = cargo_make();
    zx_handle_t read[3] = {UNTOUCHED, UNTOUCHED, UNTOUCHED};
    NEED_OK(write_handles(pair.a, &cargo.carried, 1));
    NEED_OK(read_handles(pair.b, read, 3));
    EXPECT(is_handle(read[0]));
    EXPECT(read[1] == UNTOUCHED && read[2] == UNTOUCHED);
    MUST(zx_handle_close(read[0]));
    expect_consumed(&cargo);
}

static void send_and_drop(void) {
    struct pair pair = pair_make();
    for (int i = 0; i < 10; i++) {
        zx_handle_t handles[10];
        for (size_t k = 0; k < 10; k++) handles[k] = vmo_make(PAGE);
        poke(handles[0], 0, 1);
        MUST(write_handles(pair.a, handles, 10));
    }
    zx_handle_close(pair.a);
    zx_handle_close(pair.b);
}

TEST("channel/what messages hold comes back when the channel goes") { check_gives_back(send_and_drop); }

static zx_status_t pass_one_on(void) {
    static struct pair pair;
    if (pair.a == ZX_HANDLE_INVALID) pair = pair_make();
    struct cargo cargo = cargo_make();
    zx_handle_t read = ZX_HANDLE_INVALID;
    zx_status_t status = write_handles(pair.a, &cargo.carried, 1);
    if (status == ZX_OK) status = read_handles(pair.b, &read, 1);
    EXPECT(!is_handle(cargo.carried));
    zx_handle_close(cargo.seen);
    zx_handle_close(read);
    return status;
}

TEST("channel/passing a handle on gives all back, and fails at the message's allocation only") {
    NEED_OK(pass_one_on());
    baseline_take();
    NEED_OK(pass_one_on());
    EXPECT(all_given_back());
}

/* The number of handles is only looked at when they are read: until then all of an array of zeros is tried. */
TEST("channel_write/A5 a huge number of handles ends where the array does") {
    struct pair pair = pair_make();
    unsigned char *array = buffer_make(PAGE);
    EXPECT_STATUS(write_handles(pair.a, (zx_handle_t *)array, UINT32_MAX), ZX_ERR_OUT_OF_RANGE);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
}
