/*
 * zx_channel_write_etc, zx_channel_read_etc and zx_channel_call_etc: handles with what is to be done with them, and
 * with what they are.
 */
#include "tests/user/agent.h"
#include "tests/user/child.h"
#include "tests/user/probe.h"

#define MOVE ZX_HANDLE_OP_MOVE
#define COPY ZX_HANDLE_OP_DUPLICATE
#define SAME ZX_RIGHT_SAME_RIGHTS
#define SOON (zx_deadline_after(ZX_SEC(10)))

static zx_handle_disposition_t disposition(zx_handle_op_t operation, zx_handle_t handle, zx_obj_type_t type,
                                           zx_rights_t rights) {
    return (zx_handle_disposition_t){operation, handle, type, rights, (zx_status_t)UNTOUCHED};
}

static zx_handle_info_t receive(zx_handle_t channel) {
    zx_handle_info_t info = {.unused = UNTOUCHED};
    uint32_t bytes, handles;
    MUST(zx_channel_read_etc(channel, 0, NULL, &info, 0, 1, &bytes, &handles));
    EXPECT(bytes == 0 && handles == 1);
    return info;
}

TEST("channel_read_etc/tells of each handle value, type and rights") {
    struct pair pair = pair_make();
    zx_handle_t sent[] = {event_make(), handle_with(vmo_make(PAGE), ZX_RIGHT_TRANSFER | ZX_RIGHT_READ)};
    zx_koid_t koid = basic_info(sent[0]).koid;
    zx_handle_info_t got[3] = {{0}, {0}, {.handle = UNTOUCHED}};
    char bytes[4] = "";
    uint32_t num_bytes, num_handles;
    NEED_OK(zx_channel_write(pair.a, 0, "abc", 4, sent, 2));
    NEED_OK(zx_channel_read_etc(pair.b, 0, bytes, got, 4, 3, &num_bytes, &num_handles));
    EXPECT(num_bytes == 4 && num_handles == 2 && strcmp(bytes, "abc") == 0);
    EXPECT(got[0].type == ZX_OBJ_TYPE_EVENT && got[0].rights == ZX_DEFAULT_EVENT_RIGHTS && got[0].unused == 0);
    EXPECT(got[1].type == ZX_OBJ_TYPE_VMO && got[1].rights == (ZX_RIGHT_TRANSFER | ZX_RIGHT_READ));
    EXPECT_EQ(basic_info(got[0].handle).koid, koid);
    EXPECT_EQ(handle_rights(got[1].handle), got[1].rights);
    EXPECT_EQ(got[2].handle, UNTOUCHED);
}

TEST("channel_read_etc/errors as channel_read: options, nothing there, sizes, places") {
    struct pair pair = pair_make();
    zx_handle_info_t info;
    uint32_t bytes = 0, handles = 0;
    char byte;
    EXPECT_STATUS(zx_channel_read_etc(pair.b, 2, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_NOT_SUPPORTED);
    EXPECT_STATUS(zx_channel_read_etc(pair.b, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
    zx_handle_t event = event_make();
    NEED_OK(zx_channel_write(pair.a, 0, "a", 1, &event, 1));
    EXPECT_STATUS(zx_channel_read_etc(pair.b, 0, &byte, &info, 0, 1, &bytes, &handles), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT(bytes == 1 && handles == 1);
    EXPECT_STATUS(zx_channel_read_etc(pair.b, 0, &byte, NULL, 1, 0, NULL, NULL), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_STATUS(zx_channel_read_etc(pair.b, 0, &byte, (void *)bad_targets[1], 1, 1, NULL, NULL), ZX_ERR_INVALID_ARGS);
    MUST(zx_handle_close(pair.a));
    EXPECT_STATUS(zx_channel_read_etc(pair.b, 0, &byte, &info, 1, 1, NULL, NULL), ZX_ERR_PEER_CLOSED);
}

TEST("channel_write_etc/MOVE moves, DUPLICATE copies; types are checked, rights weakened") {
    struct pair pair = pair_make();
    zx_handle_t event = event_make(), vmo = vmo_make(PAGE);
    zx_koid_t koid = basic_info(event).koid;
    zx_handle_disposition_t d = disposition(COPY, event, ZX_OBJ_TYPE_EVENT, ZX_RIGHT_WAIT | ZX_RIGHT_TRANSFER);
    NEED_OK(zx_channel_write_etc(pair.a, 0, NULL, 0, &d, 1));
    EXPECT_EQ(d.result, ZX_OK);
    zx_handle_info_t got = receive(pair.b);
    EXPECT(is_handle(event) && got.rights == (ZX_RIGHT_WAIT | ZX_RIGHT_TRANSFER) && got.handle != event);
    EXPECT_EQ(basic_info(got.handle).koid, koid);
    d = disposition(MOVE, event, ZX_OBJ_TYPE_NONE, SAME);
    NEED_OK(zx_channel_write_etc(pair.a, 0, NULL, 0, &d, 1));
    EXPECT(!is_handle(event));
    got = receive(pair.b);
    EXPECT(got.rights == ZX_DEFAULT_EVENT_RIGHTS && basic_info(got.handle).koid == koid);
    d = disposition(MOVE, vmo, ZX_OBJ_TYPE_VMO, ZX_RIGHT_READ);
    NEED_OK(zx_channel_write_etc(pair.a, 0, NULL, 0, &d, 1));
    EXPECT(receive(pair.b).rights == ZX_RIGHT_READ && !is_handle(vmo));
}

/* What each is, and the answer to it. A handle that cannot be moved is gone all the same. */
static void expect_answer(zx_handle_disposition_t d, zx_status_t answer) {
    struct pair pair = pair_make();
    bool stays = d.operation != MOVE && is_handle(d.handle);
    EXPECT_STATUS(zx_channel_write_etc(pair.a, 0, NULL, 0, &d, 1), answer);
    EXPECT_STATUS(d.result, answer);
    EXPECT_EQ(is_handle(d.handle), stays);
    EXPECT_STATUS(zx_channel_read(pair.b, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

TEST("channel_write_etc/errors of one handle, in order: operation, handle, TRANSFER, type, DUPLICATE, rights") {
    zx_rights_t none = ZX_RIGHT_WAIT, few = ZX_RIGHT_TRANSFER | ZX_RIGHT_WAIT;
    for (zx_handle_op_t op = MOVE; op <= COPY; op++) {
        expect_answer(disposition(op, ZX_HANDLE_INVALID, ZX_OBJ_TYPE_VMO, SAME), ZX_ERR_BAD_HANDLE);
        expect_answer(disposition(op, handle_with(event_make(), none), ZX_OBJ_TYPE_VMO, SAME), ZX_ERR_ACCESS_DENIED);
        expect_answer(disposition(op, handle_with(event_make(), few), ZX_OBJ_TYPE_VMO, SAME), ZX_ERR_WRONG_TYPE);
        expect_answer(disposition(op, event_make(), ZX_OBJ_TYPE_NONE, ZX_RIGHT_READ), ZX_ERR_INVALID_ARGS);
        expect_answer(disposition(op, event_make(), ZX_OBJ_TYPE_NONE, SAME | ZX_RIGHT_WAIT), ZX_ERR_INVALID_ARGS);
    }
    expect_answer(disposition(COPY, handle_with(event_make(), few), ZX_OBJ_TYPE_EVENT, ZX_RIGHT_READ),
                  ZX_ERR_ACCESS_DENIED);
    expect_answer(disposition(2, event_make(), ZX_OBJ_TYPE_NONE, SAME), ZX_ERR_INVALID_ARGS);
    expect_answer(disposition(UINT32_MAX, ZX_HANDLE_INVALID, ZX_OBJ_TYPE_NONE, SAME), ZX_ERR_INVALID_ARGS);
}

TEST("channel_write_etc/the end itself is NOT_SUPPORTED, and gone if it was to be moved") {
    struct pair pair = pair_make();
    zx_handle_disposition_t d = disposition(COPY, pair.a, ZX_OBJ_TYPE_NONE, SAME);
    EXPECT_STATUS(zx_channel_write_etc(pair.a, 0, NULL, 0, &d, 1), ZX_ERR_NOT_SUPPORTED);
    EXPECT(is_handle(pair.a));
    d.operation = MOVE;
    EXPECT_STATUS(zx_channel_write_etc(pair.a, 0, NULL, 0, &d, 1), ZX_ERR_NOT_SUPPORTED);
    EXPECT(!is_handle(pair.a));
}

TEST("channel_write_etc/of several the first error is the answer, each is told its own, and those to be moved are "
     "gone") {
    struct pair pair = pair_make();
    zx_handle_t first = event_make(), copied = event_make(), last = event_make();
    zx_handle_disposition_t d[] = {
        disposition(MOVE, first, ZX_OBJ_TYPE_NONE, SAME), disposition(COPY, copied, ZX_OBJ_TYPE_VMO, SAME),
        disposition(MOVE, first, ZX_OBJ_TYPE_NONE, SAME), disposition(MOVE, last, ZX_OBJ_TYPE_NONE, SAME)};
    EXPECT_STATUS(zx_channel_write_etc(pair.a, 0, NULL, 0, d, 4), ZX_ERR_WRONG_TYPE);
    EXPECT(d[0].result == ZX_OK && d[1].result == ZX_ERR_WRONG_TYPE && d[2].result == ZX_ERR_BAD_HANDLE);
    EXPECT_EQ(d[3].result, ZX_OK);
    EXPECT(!is_handle(first) && is_handle(copied) && !is_handle(last));
    EXPECT_STATUS(zx_channel_read(pair.b, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

/* A write that fails before its handles are looked at. */
static void expect_consumed(zx_handle_t channel, uint32_t options, const void *bytes, uint32_t len,
                            zx_status_t answer) {
    zx_handle_t moved = event_make(), copied = event_make();
    zx_handle_disposition_t d[] = {disposition(MOVE, moved, ZX_OBJ_TYPE_NONE, SAME),
                                   disposition(COPY, copied, ZX_OBJ_TYPE_NONE, SAME)};
    EXPECT_STATUS(zx_channel_write_etc(channel, options, bytes, len, d, 2), answer);
    EXPECT(!is_handle(moved) && is_handle(copied));
    EXPECT(d[0].result == (zx_status_t)UNTOUCHED && d[1].result == (zx_status_t)UNTOUCHED);
}

TEST("channel_write_etc/options, the channel, sizes, bytes; handles to be moved are gone whatever is wrong") {
    struct pair pair = pair_make();
    expect_consumed(ZX_HANDLE_INVALID, 1, NULL, 0, ZX_ERR_INVALID_ARGS);
    expect_consumed(ZX_HANDLE_INVALID, 0, NULL, 0, ZX_ERR_BAD_HANDLE);
    expect_consumed(handle_of(KIND_EVENT), 0, NULL, 0, ZX_ERR_WRONG_TYPE);
    expect_consumed(pair.a, 0, NULL, ZX_CHANNEL_MAX_MSG_BYTES + 1, ZX_ERR_OUT_OF_RANGE);
    expect_consumed(pair.a, 0, (void *)bad_sources[1], 1, ZX_ERR_INVALID_ARGS);
    static zx_handle_disposition_t many[ZX_CHANNEL_MAX_MSG_HANDLES + 1];
    for (size_t i = 0; i <= ZX_CHANNEL_MAX_MSG_HANDLES; i++) many[i] = disposition(MOVE, event_make(), 0, SAME);
    EXPECT_STATUS(zx_channel_write_etc(pair.a, 0, NULL, 0, many, ZX_CHANNEL_MAX_MSG_HANDLES + 1), ZX_ERR_OUT_OF_RANGE);
    EXPECT(!is_handle(many[0].handle) && !is_handle(many[ZX_CHANNEL_MAX_MSG_HANDLES].handle));
    for (size_t i = 0; i < ZX_CHANNEL_MAX_MSG_HANDLES; i++) many[i] = disposition(MOVE, event_make(), 0, SAME);
    EXPECT_OK(zx_channel_write_etc(pair.a, 0, NULL, 0, many, ZX_CHANNEL_MAX_MSG_HANDLES));
    MUST(zx_handle_close(pair.b));
    zx_handle_disposition_t d = disposition(MOVE, event_make(), ZX_OBJ_TYPE_NONE, SAME);
    EXPECT_STATUS(zx_channel_write_etc(pair.a, 0, NULL, 0, &d, 1), ZX_ERR_PEER_CLOSED);
    EXPECT(d.result == ZX_OK && !is_handle(d.handle));
}

TEST("channel_write_etc/an array that cannot be read leaves its handles; one that cannot be written, nothing is sent") {
    struct pair pair = pair_make();
    zx_handle_t vmo = vmo_make(PAGE);
    zx_handle_disposition_t d = disposition(MOVE, event_make(), ZX_OBJ_TYPE_NONE, SAME);
    EXPECT_STATUS(zx_channel_write_etc(pair.a, 0, NULL, 0, (void *)bad_sources[1], 1), ZX_ERR_INVALID_ARGS);
    MUST(zx_vmo_write(vmo, &d, 0, sizeof(d)));
    zx_handle_disposition_t *fixed = map_here(vmo, 0, PAGE, PERM_R);
    EXPECT_STATUS(zx_channel_write_etc(pair.a, 0, NULL, 0, fixed, 1), ZX_ERR_INVALID_ARGS);
    EXPECT(!is_handle(d.handle));
    EXPECT_STATUS(zx_channel_read(pair.b, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

/* Answers one request with its own bytes, and with its handle if it has one. */
static void echo_etc(void *arg) {
    zx_handle_t channel = *(zx_handle_t *)arg;
    char bytes[16];
    zx_handle_info_t info;
    uint32_t num_bytes, num_handles;
    if (zx_object_wait_one(channel, ZX_CHANNEL_READABLE, SOON, NULL) != ZX_OK) return;
    if (zx_channel_read_etc(channel, 0, bytes, &info, 16, 1, &num_bytes, &num_handles) != ZX_OK) return;
    (void)!zx_channel_write(channel, 0, bytes, num_bytes, num_handles ? &info.handle : NULL, num_handles);
}

TEST("channel_call_etc/handles go as dispositions and come back as infos") {
    static struct worker server;
    static zx_handle_t end;
    struct pair pair = pair_make();
    char request[8] = "....ask", reply[8] = "";
    zx_handle_t event = event_make();
    zx_handle_disposition_t d = disposition(COPY, event, ZX_OBJ_TYPE_EVENT, ZX_RIGHT_TRANSFER);
    zx_handle_info_t info = {0};
    zx_channel_call_etc_args_t args = {request, &d, reply, &info, sizeof(request), 1, sizeof(reply), 1};
    uint32_t num_bytes, num_handles;
    end = pair.b;
    NEED(worker_start(&server, echo_etc, &end));
    EXPECT_OK(zx_channel_call_etc(pair.a, 0, SOON, &args, &num_bytes, &num_handles));
    NEED(worker_join(&server));
    EXPECT(num_bytes == sizeof(reply) && num_handles == 1 && strcmp(reply + 4, "ask") == 0);
    EXPECT(info.type == ZX_OBJ_TYPE_EVENT && info.rights == ZX_RIGHT_TRANSFER && is_handle(event));
    EXPECT_EQ(basic_info(info.handle).koid, basic_info(event).koid);
}

TEST("channel_call_etc/errors: options, size, the handle, dispositions; a plain call afterwards gives plain handles") {
    static struct worker server;
    static zx_handle_t end;
    struct pair pair = pair_make();
    char bytes[8] = "....ask";
    zx_handle_disposition_t d = disposition(MOVE, event_make(), ZX_OBJ_TYPE_VMO, SAME);
    zx_channel_call_etc_args_t args = {bytes, &d, bytes, NULL, sizeof(bytes), 1, sizeof(bytes), 0};
    EXPECT_STATUS(zx_channel_call_etc(pair.a, 1, SOON, &args, NULL, NULL), ZX_ERR_INVALID_ARGS);
    EXPECT(!is_handle(d.handle) && d.result == (zx_status_t)UNTOUCHED);
    EXPECT_STATUS(zx_channel_call_etc(ZX_HANDLE_INVALID, 0, SOON, &args, NULL, NULL), ZX_ERR_BAD_HANDLE);
    d.handle = event_make();
    EXPECT_STATUS(zx_channel_call_etc(pair.a, 0, SOON, &args, NULL, NULL), ZX_ERR_WRONG_TYPE);
    EXPECT(d.result == ZX_ERR_WRONG_TYPE && !is_handle(d.handle));
    args.wr_num_bytes = 3;
    EXPECT_STATUS(zx_channel_call_etc(pair.a, 0, SOON, &args, NULL, NULL), ZX_ERR_INVALID_ARGS);
    args = (zx_channel_call_etc_args_t){bytes, NULL, bytes, NULL, sizeof(bytes), 0, sizeof(bytes), 0};
    EXPECT_STATUS(zx_channel_call_etc(pair.a, 0, 0, &args, NULL, NULL), ZX_ERR_TIMED_OUT);
    EXPECT_OK(zx_channel_read(pair.b, 0, bytes, NULL, 8, 0, NULL, NULL));
    zx_handle_t sent = event_make(), got[2] = {0, UNTOUCHED};
    zx_channel_call_args_t plain = {bytes, &sent, bytes, got, sizeof(bytes), 1, sizeof(bytes), 1};
    end = pair.b;
    NEED(worker_start(&server, echo_etc, &end));
    EXPECT_OK(zx_channel_call(pair.a, 0, SOON, &plain, NULL, NULL));
    NEED(worker_join(&server));
    EXPECT(is_handle(got[0]) && got[1] == UNTOUCHED);
}

/* Calls with room for a handle, and may be suspended meanwhile. */
static struct caller {
    struct worker worker;
    zx_handle_t channel;
    zx_status_t status;
    zx_handle_info_t info;
} caller;

static void call_slowly(void *arg) {
    struct caller *own = arg;
    char bytes[8] = "....ask";
    zx_channel_call_etc_args_t args = {bytes, NULL, bytes, &own->info, sizeof(bytes), 0, sizeof(bytes), 1};
    own->status = zx_channel_call_etc(own->channel, 0, SOON, &args, NULL, NULL);
}

TEST("channel_call_etc/suspended in it, a caller gets its reply afterwards, with infos") {
    struct pair pair = pair_make();
    zx_handle_t token, event = event_make();
    char bytes[8];
    caller.channel = pair.a;
    NEED(worker_start(&caller.worker, call_slowly, &caller));
    NEED_OK(zx_object_wait_one(pair.b, ZX_CHANNEL_READABLE, SOON, NULL));
    NEED_OK(zx_task_suspend(caller.worker.thread, &token));
    NEED_OK(zx_object_wait_one(caller.worker.thread, ZX_THREAD_SUSPENDED, SOON, NULL));
    MUST(zx_handle_close(token));
    NEED_OK(zx_channel_read(pair.b, 0, bytes, NULL, sizeof(bytes), 0, NULL, NULL));
    NEED_OK(zx_channel_write(pair.b, 0, bytes, sizeof(bytes), &event, 1));
    NEED(worker_join(&caller.worker));
    EXPECT_OK(caller.status);
    EXPECT(caller.info.type == ZX_OBJ_TYPE_EVENT && caller.info.rights == ZX_DEFAULT_EVENT_RIGHTS);
}

TEST("channel_call_etc_noretry/as channel_call_etc, as long as nobody suspends the caller") {
    struct pair pair = pair_make();
    char bytes[8] = "....ask";
    zx_channel_call_etc_args_t args = {bytes, NULL, bytes, NULL, sizeof(bytes), 0, sizeof(bytes), 0};
    EXPECT_STATUS(zx_channel_call_etc_noretry(pair.a, 0, 0, &args, NULL, NULL), ZX_ERR_TIMED_OUT);
    EXPECT_OK(zx_channel_read(pair.b, 0, bytes, NULL, 8, 0, NULL, NULL));
}

static struct pair scarce;
static zx_status_t write_moved(void) {
    zx_handle_disposition_t d = disposition(COPY, handle_of(KIND_EVENT), ZX_OBJ_TYPE_NONE, SAME);
    char bytes[3];
    zx_handle_t got;
    zx_status_t status = zx_channel_write_etc(scarce.a, 0, "abc", 3, &d, 1);
    if (status != ZX_OK) return status;
    MUST(zx_channel_read(scarce.b, 0, bytes, &got, 3, 1, NULL, NULL));
    MUST(zx_handle_close(got));
    return ZX_OK;
}

TEST("channel_write_etc/out of memory") {
    scarce = pair_make();
    check_out_of_memory(write_moved);
}
