/*
 * Calls through a channel, each in a thread of its own, and the other end that answers them.
 */
#pragma once

#include "tests/user/child.h"

#define NEVER (zx_deadline_after(ZX_SEC(10)))
#define KERNEL_TXID 0x80000000u

/* A request or a reply. */
struct note {
    zx_txid_t txid;
    uint32_t text;
};

zx_channel_call_args_t args_of(const struct note *request, struct note *reply);

struct calling {
    struct worker worker;
    zx_handle_t channel;
    zx_time_t deadline;
    struct note request, reply;
    zx_channel_call_args_t args;
    uint32_t bytes, handles;
    zx_status_t status;
    atomic_bool over;
};

/* Prepares a call, and starts it; both of it. False, and a failure of the test, if it does not come to wait. */
void calling_prepare(struct calling *c, zx_handle_t channel, uint32_t text);
bool calling_start(struct calling *c);
bool calls(struct calling *c, zx_handle_t channel, uint32_t text);

/* Waits for its end, and looks whether that is as it should be. */
void call_ends(struct calling *c, zx_status_t status, uint32_t text);

/* One call that needs no other thread: it polls. */
zx_status_t poll_call(zx_handle_t channel);

/* The request that came to an end; one must be there. */
struct note take(zx_handle_t end);
zx_status_t put(zx_handle_t end, zx_txid_t txid, uint32_t text);
