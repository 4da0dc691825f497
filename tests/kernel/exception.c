/*
 * Exceptions from the inside: a thread whose entry is nowhere faults, and the test is its handler.
 */
#include "kernel/object/exception.h"

#include <zircon/syscalls/object.h>

#include "kernel/object/park.h"
#include "tests/kernel/task_rig.h"
#include "vm/inject.h"

#define RIGHTS ZX_RIGHT_INSPECT

static bool start(void) { return task_start(thread) == ZX_OK; }

/* A handler's end, as a handle outside any table. */
static bool make(struct exception_channel *place, struct handle *out) {
    struct object *end;
    if (exception_channel_create(place, RIGHTS, &end) != ZX_OK) return false;
    *out = handle_make(end, ZX_RIGHT_READ);
    object_unref(end);
    return true;
}

/* What comes out of it: the handle of an exception, and its type. */
static struct handle take(struct handle channel, uint32_t *type) {
    struct handle exception = {0};
    struct message *message;
    uint32_t bytes = sizeof(zx_exception_info_t), handles = 1;
    *type = 0;
    if (!comes_up(channel.object, ZX_CHANNEL_READABLE)) return exception;
    if (channel_read(channel.object, NULL, false, &bytes, &handles, &message) != ZX_OK) return exception;
    *type = ((const zx_exception_info_t *)message_data(message))->type;
    message_take(message, &exception);
    message_discard(message);
    return exception;
}

static bool decide(struct handle exception, uint32_t state) {
    struct exception *e = exception_from_object(exception.object);
    bool good = exception_set_property(e, ZX_PROP_EXCEPTION_STATE, state) == ZX_OK;
    handle_discard(exception);
    return good;
}

static bool has_property(struct handle exception, uint32_t property, zx_status_t status, uint32_t value) {
    uint32_t is = UINT32_MAX;
    struct exception *e = exception_from_object(exception.object);
    return exception_get_property(e, property, &is) == status && is == value;
}

static struct user_thread_info info_of(void) {
    struct user_thread_info info;
    user_thread_get_info(thread, &info);
    return info;
}

static zx_status_t check_parked(void) {
    mutex_lock(&thread->process->lock);
    zx_status_t status = park_check(thread);
    mutex_unlock(&thread->process->lock);
    return status;
}

KTEST(
    "exception/whoever reads the message finds the thread parked; HANDLED raises it again, TRY_NEXT ends the process") {
    struct handle channel;
    uint32_t type;
    NEED(task_begin() && make(&process->exceptions, &channel) && start());
    for (int i = 0; i < 3; i++) {
        struct handle exception = take(channel, &type);
        NEED(exception.object && type == ZX_EXCP_FATAL_PAGE_FAULT);
        EXPECT(check_parked() == ZX_OK);
        EXPECT(info_of().state == ZX_THREAD_STATE_BLOCKED_EXCEPTION);
        EXPECT(info_of().exception_channel == ZX_EXCEPTION_CHANNEL_TYPE_PROCESS);
        EXPECT(has_property(exception, ZX_PROP_EXCEPTION_STRATEGY, ZX_ERR_BAD_STATE, UINT32_MAX));
        EXPECT(decide(exception, i < 2 ? ZX_EXCEPTION_STATE_HANDLED : ZX_EXCEPTION_STATE_TRY_NEXT));
    }
    EXPECT(return_code() == ZX_TASK_RETCODE_EXCEPTION_KILL);
    EXPECT(info_of().exception_channel == ZX_EXCEPTION_CHANNEL_TYPE_NONE);
    handle_discard(channel);
    task_end();
}

KTEST("exception/killed in an exception it dies; the handle can go before or after") {
    for (int i = 0; i < 2; i++) {
        struct handle channel;
        uint32_t type;
        NEED(task_begin() && make(&thread->exceptions, &channel) && start());
        struct handle exception = take(channel, &type);
        NEED(exception.object);
        process_kill(process, 5);
        EXPECT(check_parked() == ZX_ERR_BAD_STATE);
        if (i == 0) handle_discard(exception);
        EXPECT(return_code() == 5);
        if (i == 1) EXPECT(decide(exception, ZX_EXCEPTION_STATE_HANDLED));
        handle_discard(channel);
        task_end();
    }
}

KTEST("exception/the threads' own, then a second chance, then jobs; a channel that was closed is passed over") {
    struct handle places[4], exception;
    uint32_t type;
    NEED(task_begin() && make(&process->debugger, &places[0]) && make(&thread->exceptions, &places[1]) &&
         make(&process->exceptions, &places[2]) && make(&job->exceptions, &places[3]) && start());
    exception = take(places[0], &type);
    EXPECT(type == ZX_EXCP_THREAD_STARTING && decide(exception, ZX_EXCEPTION_STATE_TRY_NEXT));
    exception = take(places[0], &type);
    NEED(exception.object);
    EXPECT(exception_set_property(exception_from_object(exception.object), ZX_PROP_EXCEPTION_STRATEGY, 1) == ZX_OK);
    EXPECT(has_property(exception, ZX_PROP_EXCEPTION_STRATEGY, ZX_OK, ZX_EXCEPTION_STRATEGY_SECOND_CHANCE));
    EXPECT(has_property(exception, ZX_PROP_EXCEPTION_STATE, ZX_OK, ZX_EXCEPTION_STATE_TRY_NEXT));
    handle_discard(places[2]);
    EXPECT(decide(exception, ZX_EXCEPTION_STATE_TRY_NEXT));
    static const unsigned order[] = {1, 0, 3};
    for (size_t i = 0; i < 3; i++) {
        exception = take(places[order[i]], &type);
        NEED(exception.object && type == ZX_EXCP_FATAL_PAGE_FAULT);
        EXPECT(i != 1 ||
               has_property(exception, ZX_PROP_EXCEPTION_STRATEGY, ZX_OK, ZX_EXCEPTION_STRATEGY_SECOND_CHANCE));
        EXPECT(decide(exception, i < 2 ? ZX_EXCEPTION_STATE_TRY_NEXT : ZX_EXCEPTION_STATE_THREAD_EXIT));
    }
    exception = take(places[0], &type);
    EXPECT(type == ZX_EXCP_THREAD_EXITING && check_parked() == ZX_ERR_NOT_SUPPORTED);
    EXPECT(info_of().state == ZX_THREAD_STATE_DYING);
    EXPECT(decide(exception, ZX_EXCEPTION_STATE_TRY_NEXT));
    EXPECT(return_code() == 0);
    for (unsigned i = 0; i < 4; i++) {
        if (i != 2) handle_discard(places[i]);
    }
    task_end();
}

static zx_status_t make_and_close(void *arg UNUSED) {
    struct object *handlers;
    zx_status_t status = exception_channel_create(&process->exceptions, RIGHTS, &handlers);
    if (status != ZX_OK) return status;
    handle_discard(handle_make(handlers, 0));
    object_unref(handlers);
    return ZX_OK;
}

static bool is_free(void *arg UNUSED) { return !exception_channel_is_live(&process->exceptions); }

KTEST("exception/if there is no memory for a channel there is none") {
    NEED(task_begin());
    EXPECT(fail_each_allocation(make_and_close, is_free, NULL) >= 1 && is_free(NULL));
    task_end();
}

KTEST("exception/a place is free again when its channel's end is closed, and never again once it is shut") {
    struct handle channel;
    struct object *end_of;
    NEED(task_begin());
    for (int i = 0; i < 3; i++) {
        NEED(make(&process->debugger, &channel));
        EXPECT(exception_channel_create(&process->debugger, RIGHTS, &end_of) == ZX_ERR_ALREADY_BOUND);
        if (i < 2) handle_discard(channel);
    }
    process_kill(process, 0);
    EXPECT(object_signals(channel.object) == ZX_CHANNEL_PEER_CLOSED);
    EXPECT(exception_channel_create(&process->debugger, RIGHTS, &end_of) == ZX_ERR_BAD_STATE);
    handle_discard(channel);
    task_end();
}

KTEST("exception/put off until the boundary: a process's start, its thread's, and an error of policy, in this order") {
    static const uint32_t types[] = {ZX_EXCP_PROCESS_STARTING, ZX_EXCP_THREAD_STARTING, ZX_EXCP_POLICY_ERROR};
    for (int handled = 0; handled < 2; handled++) {
        struct handle debuggers[2], exception;
        zx_exception_report_t report = {0};
        uint32_t type;
        NEED(task_begin() && make(&job->debugger, &debuggers[0]) && make(&process->debugger, &debuggers[1]));
        exception_raise_policy_error(thread);
        NEED(start());
        for (size_t i = 0; i < 3; i++) {
            exception = take(debuggers[i > 0], &type);
            NEED(exception.object && type == types[i]);
            EXPECT(check_parked() == ZX_OK && exception_get_report(thread, &report) == ZX_OK);
            EXPECT(report.header.type == types[i] && report.context.arch.u.x86_64.vector == 0);
            EXPECT(decide(exception, i == 2 && handled ? ZX_EXCEPTION_STATE_THREAD_EXIT : 0));
        }
        exception = take(debuggers[1], &type);
        EXPECT(type == ZX_EXCP_THREAD_EXITING && decide(exception, ZX_EXCEPTION_STATE_TRY_NEXT));
        EXPECT(return_code() == (handled ? 0 : ZX_TASK_RETCODE_EXCEPTION_KILL));
        EXPECT(exception_get_report(thread, &report) == ZX_ERR_BAD_STATE);
        for (size_t i = 0; i < 2; i++) handle_discard(debuggers[i]);
        task_end();
    }
}
