/*
 * What the files of the tour share. The tour shows; but it also checks whatever it shows, and fails if anything was
 * otherwise than it should be.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/types.h>

/* One line of the tour: who speaks ("" for the guide), and what, as printf has it. */
void say(const char *who, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Begins a scene. */
void scene(const char *title);

/* Takes note of something that ought to be true; says so if it is not. */
void check(bool good, const char *what);

/* Closes the tour with the sum of all checks, and returns the program's exit status. */
int verdict(void);

/* An actor: a process that runs this same program in a role, and a channel to it. */
struct actor {
    zx_handle_t process;
    zx_handle_t channel;
    uint64_t address; /* what it has for us to write to */
};

/* Roles. The watcher shows its text as soon as that has changed; the worker calls its function when asked to. */
#define ROLE_WATCHER "watcher"
#define ROLE_WORKER "worker"

/* Launches an actor and waits until it has told its address. Without actors there is no tour: exits on failure. */
struct actor actor_start(const char *role, const char *name);

/* Asks the actor for its next act; then waits for the result: ZX_ERR_PEER_CLOSED if it died instead. */
zx_status_t actor_request(const struct actor *actor);
zx_status_t actor_result(const struct actor *actor, uint64_t *result);

/* Both. */
zx_status_t actor_ask(const struct actor *actor, uint64_t *result);

/* Kills the actor if it has not ended, waits for its end, and returns its return code. */
int64_t actor_end(struct actor *actor);

/* What an actor does: main() of the launched program. */
int actor_play(const char *role, const char *name);

/* The result of calling a worker's function. */
#define WORK_RESULT 42

/* A process that has memory but never runs, and memory objects in it. */
struct dummy {
    zx_handle_t process;
    zx_handle_t vmar;
    zx_vaddr_t base; /* a region of DUMMY_PAGES, empty at first */
    zx_handle_t region;
};
#define DUMMY_PAGES 8

struct dummy dummy_create(void);
void dummy_destroy(struct dummy *dummy);

/* Gives the dummy pages of a new VMO, from the `at`-th page of its region on; returns the VMO. */
zx_handle_t dummy_map(const struct dummy *dummy, size_t at, size_t pages, uint32_t cache_policy);

/* The scenes, in order. */
void scene_running_child(void);
void scene_two_objects(void);
void scene_hole(void);
void scene_breakpoint(void);
void scene_errors(void);
