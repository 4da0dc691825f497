/*
 * A world of simulated processes, and the model of it: the stage on which a program, read from the bytes of an input,
 * is run step by step and compared with the model.
 *
 * Three processes have a thread each, the actors, which take turns. All have the same scratch memory at SCRATCH, for
 * arguments and results: one page cut into slots, and room for data. What else there is, the program makes.
 */
#pragma once

#include "tests/host/host.h"
#include "tests/host/input.h"
#include "tests/host/model/model.h"

#define ACTORS 3
#define SCRATCH ((uint64_t)0x7f0000000000)
#define SCRATCH_PAGES 18
#define OUT(i) (SCRATCH + 8 * (uint64_t)(i))
#define NAME (SCRATCH + 64)
#define SENT_HANDLES (SCRATCH + 128)
#define DISPOSITIONS (SCRATCH + 2048)
#define CALL_ARGS (SCRATCH + 512)
#define READ_HANDLES (SCRATCH + 1024)
#define DATA (SCRATCH + ZX_PAGE_SIZE)
#define DATA_LEN ((uint64_t)(SCRATCH_PAGES - 1) * ZX_PAGE_SIZE)
/* Where the checks read to; no program can know of it. */
#define CHECK_PAGE (SCRATCH + 2 * SCRATCH_PAGES * ZX_PAGE_SIZE)
/* Behind it, a page that all actors share. */
#define SHARED_PAGE (CHECK_PAGE + ZX_PAGE_SIZE)

struct process;

/* What another actor shall do while the one whose turn it is waits in a call: answer it. */
struct service {
    struct model_server model; /* model.process: NULL if there is nothing to do */
    unsigned by;               /* who it is */
    zx_handle_t channel;
    zx_txid_t txid; /* the request's number */
    bool done;
    bool interrupts; /* before he answers, the caller is suspended for a moment */
};

struct world {
    struct model model;
    struct input in;
    struct model_process *me; /* whose turn it is */
    struct process *processes[ACTORS];
    unsigned turn;
    unsigned steps;
    unsigned touched; /* a bit for each actor whose scratch memory is in place */
    bool over;
    bool trace;
    uint8_t fill; /* the next pattern for data */
    zx_handle_t last_closed;
    struct service service;

    /* Failure injection: make each call fail at each of its allocations before it may succeed. */
    bool inject;
    bool limit;          /* by a limit of its memory, which is one page wider each time */
    unsigned nth;        /* for calls that cannot be repeated: which allocation … */
    bool once_failed;    /* … and whether any of them has got so far */
    zx_status_t failed;  /* what such a call failed with, or ZX_OK */
    uint64_t injections; /* failures so far, over all programs */
};

/* Runs one program from beginning to end, and aborts if anything differs or is left behind. */
void world_run(struct world *w, const uint8_t *data, size_t size);

/* What a step is: one choice of a call and its arguments, the call, and the comparison. steps_*.c. */
typedef void step_fn(struct world *w);
extern step_fn *const steps[];
extern const unsigned step_count;

/* Makes a system call as the actor whose turn it is. */
zx_status_t world_call(struct world *w, enum host_syscall_number number, const uint64_t args[8]);
#define CALL(w, name, ...) world_call(w, HOST_SYS_##name, (uint64_t[8]){__VA_ARGS__})

/* Tells what differs, and aborts. */
_Noreturn void world_fail(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void world_expect(struct world *w, const char *what, zx_status_t got, zx_status_t expected);

/* The actor's own memory accesses, of the kernel and the model alike, where they cannot fail. */
void world_store(struct world *w, uint64_t addr, const void *bytes, uint64_t len);
/* What the actor's memory holds is as the kernel says: after results that the model cannot foretell. */
void world_learn(struct world *w, uint64_t addr, uint64_t len);
/* A store that may fail, made to fail at each of its allocations. What the last try ended with. */
zx_status_t world_store_failing(struct world *w, uint64_t addr, const void *bytes, uint64_t len);
/* A handle, as a call left it. 0 if it cannot be read. */
zx_handle_t world_out_handle(uint64_t addr);
/* Lets everybody run until all others are at rest. */
void world_settle(void);
/* Lets so much time go by, and so much more that for a moment nothing will go off by itself. */
#define WORLD_MOMENT ZX_MSEC(10)
void world_pass_time(struct world *w, zx_duration_t time);
/* The model learns what koid the object of a handle has. */
void world_learn_koid(struct world *w, zx_handle_t value);
/* What the actor who answers a call does; steps_channels.c. */
void world_serve(struct world *w);
/* Fills scratch data with a new pattern. */
uint8_t world_fill(struct world *w, uint64_t len);

/* --- picks.c: choices --- */

/* A handle, mostly of that type (0: any), now and then a wrong one. */
zx_handle_t pick_handle(struct world *w, zx_obj_type_t type);
/* The object of a handle if it has that type, else NULL. */
struct model_object *picked(struct world *w, zx_handle_t value, zx_obj_type_t type);
uint64_t pick_size(struct world *w);
uint64_t pick_offset(struct world *w);
/* A part of something so large; mostly within it, and mostly whole pages. */
void pick_part(struct world *w, uint64_t whole, uint64_t *offset, uint64_t *size);
/* An address in or near what a process has. */
uint64_t pick_address(struct world *w, struct model_process *p);
/* Where a result shall go: a slot, or now and then elsewhere. */
uint64_t pick_out(struct world *w, unsigned slot);
/* A buffer: scratch data, or memory of the process, good or bad. */
uint64_t pick_buffer(struct world *w);
zx_rights_t pick_rights(struct world *w);

/* --- checks.c --- */

/* Compares what all that the actor can see holds with the model, in every way there is. */
void world_check(struct world *w);
/* Compares what memory of the actor's holds, up to where it ends. */
void world_check_buffer(struct world *w, uint64_t addr, uint64_t len);
/* Only through its own mappings, or only through its handles. */
void world_check_mappings(struct world *w, struct model_process *p);
void world_check_handles(struct world *w);
