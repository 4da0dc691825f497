/*
 * Both sides of an actor. Guide and actor talk in single words over a channel that the actor finds as PA_USER0: first
 * it tells the address of what it has to offer, then each word from the guide is a request, and each answer a result.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#include "user/lib/launch.h"
#include "user/tour/tour.h"

static zx_status_t word_send(zx_handle_t channel, uint64_t word) {
    return zx_channel_write(channel, 0, &word, sizeof(word), NULL, 0);
}

static zx_status_t word_receive(zx_handle_t channel, uint64_t *word) {
    zx_status_t status =
        zx_object_wait_one(channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL);
    if (status != ZX_OK) return status;
    return zx_channel_read(channel, 0, word, NULL, sizeof(*word), 0, NULL, NULL);
}

/* The guide's side. */

struct actor actor_start(const char *role, const char *name) {
    struct actor actor;
    const char *const args[] = {"tour", role, name, NULL};
    zx_status_t status = launch_partner(args, name, &actor.process, &actor.channel);
    if (status == ZX_OK) status = word_receive(actor.channel, &actor.address);
    if (status == ZX_OK) return actor;
    say("", "The %s cannot be started: %s.", name, zx_status_get_string(status));
    exit(EXIT_FAILURE);
}

zx_status_t actor_request(const struct actor *actor) { return word_send(actor->channel, 0); }

zx_status_t actor_result(const struct actor *actor, uint64_t *result) { return word_receive(actor->channel, result); }

zx_status_t actor_ask(const struct actor *actor, uint64_t *result) {
    zx_status_t status = actor_request(actor);
    return status == ZX_OK ? actor_result(actor, result) : status;
}

int64_t actor_end(struct actor *actor) {
    int64_t code = 0;
    zx_task_kill(actor->process);
    check(launch_wait(actor->process, &code) == ZX_OK, "a process can be waited for");
    zx_handle_close(actor->process);
    zx_handle_close(actor->channel);
    return code;
}

/* The actor's side. */

static volatile char watched[64] = "nobody has written here";

/* The text as it is now, in a place where nobody else writes. */
static const char *watched_text(void) {
    static char copy[sizeof(watched)];
    for (size_t i = 0; i < sizeof(copy) - 1; i++) copy[i] = watched[i];
    return copy;
}

/* Looks at the last byte that will be written: then all of the text is there. Ends once it was asked what it saw. */
static void watch(zx_handle_t channel, const char *name) {
    uint64_t request;
    say(name, "I am running. One of my variables reads:");
    say("", "\"%s\"", watched_text());
    word_send(channel, (uintptr_t)watched);
    uint64_t looks = 1;
    while (watched[sizeof(watched) - 1] == '\0') looks++;
    if (word_receive(channel, &request) != ZX_OK) return;
    say(name, "I have looked at it %llu times. Now it reads:", (unsigned long long)looks);
    say("", "\"%s\"", watched_text());
    fflush(stdout);
    word_send(channel, looks);
}

__attribute__((noinline, aligned(16))) static uint64_t work(void) {
    static volatile uint64_t result = WORK_RESULT;
    return result;
}

/* Called through memory, or the compiler would not call at all. */
static uint64_t (*volatile work_function)(void) = work;

static void work_on_request(zx_handle_t channel) {
    uint64_t request;
    word_send(channel, (uintptr_t)work);
    while (word_receive(channel, &request) == ZX_OK) word_send(channel, work_function());
}

int actor_play(const char *role, const char *name) {
    zx_handle_t channel = zx_take_startup_handle(PA_HND(PA_USER0, 0));
    if (strcmp(role, ROLE_WATCHER) == 0) watch(channel, name);
    if (strcmp(role, ROLE_WORKER) == 0) work_on_request(channel);
    return EXIT_SUCCESS;
}
