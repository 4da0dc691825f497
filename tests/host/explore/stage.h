/*
 * The stage: a small world, in which each of two or three actors makes one call. stage.c builds it and takes it down,
 * acts*.c are the calls, outcome.c describes how it all ended.
 *
 * Each actor has a thread on a processor of its own. Apart, each has a process of its own; together, they share one.
 * Handles of all that there is are in every process, and memory is mapped at the same addresses.
 */
#pragma once

#include "kernel/object/process.h"
#include "kernel/object/user_thread.h"
#include "tests/host/host.h"
#include "vm/vmar.h"
#include "vm/vmo.h"

#define ACTORS 3
#define PAGES(n) ((uint64_t)(n)*ZX_PAGE_SIZE)

/* What is mapped in every process. */
#define AREA ((vaddr_t)0x200000000000) /* a VMAR */
#define SHARED AREA                    /* SHARED_PAGES of the memory that the actors share */
#define SHARED_PAGES 3
#define ORPHAN (AREA + PAGES(8))     /* a page that nobody has a handle to, and no other process */
#define READ_ONLY (AREA + PAGES(12)) /* its first page, never to be written by its process */
/* Two pages of one VMO for all, which may be executed; nobody has a handle to it. */
#define TEXT (AREA + PAGES(14))
#define TEXT_PAGES 2
#define AREA_PAGES 16
#define SCRATCH ((vaddr_t)0x300000000000) /* a page of the actor's own, always in memory: arguments and results */
#define SCRATCH_OF(a) (SCRATCH + PAGES((a)->index))
#define OUT(a, i) (SCRATCH_OF(a) + 8 * (uint64_t)(i))
#define OUTS 8
#define DATA(a) (SCRATCH_OF(a) + 512) /* what the actor writes: its own pattern */
#define READ_INTO(a) (SCRATCH_OF(a) + 1024)
#define READ_MAX 256
#define FUTEX (SHARED + 64)
#define RANGE 64 /* the interrupts of PROP_RESOURCE */
#define RANGE_SIZE 16

/* Handles that every process has, if an act uses them. */
enum prop {
    PROP_VMO,      /* resizable, SHARED_PAGES long; first and last page there; mapped */
    PROP_FIXED,    /* not resizable, two pages, the first there; mapped nowhere */
    PROP_SLICE,    /* a window on PROP_FIXED */
    PROP_SNAPSHOT, /* of PROP_VMO */
    PROP_EMPTY,    /* a page that is not there, nobody maps it */
    PROP_OTHER,    /* what a mapping is replaced by */
    PROP_AREA,     /* the VMAR at AREA: one's own */
    PROP_PEER_AREA,
    PROP_PEER, /* the process of the next actor */
    PROP_PEER_THREAD,
    PROP_JOB,     /* the actors' */
    PROP_NEST,    /* an empty job in it, but for the egg */
    PROP_CHANNEL, /* the actor's end */
    PROP_EVENT,
    PROP_PAIR, /* one end for the first, the other for all others */
    PROP_PORT,
    PROP_TIMER,
    PROP_EGG, /* a process that has not been started … */
    PROP_EGG_THREAD,
    PROP_CATCH,     /* the last actor's: exceptions of the first one's process */
    PROP_EXCEPTION, /* the last actor's: the victim's, which has nobody else to go to */
    PROP_VICTIM,    /* a process whose thread has met it */
    PROP_VICTIM_THREAD,
    PROP_ROOT,      /* the root resource */
    PROP_RESOURCE,  /* a range of interrupts, exclusive */
    PROP_INTERRUPT, /* a virtual one */
    PROP_INTERRUPT_PORT,
    PROPS,
    PROP_MEMORY = PROPS, /* the VMO that acts on memory use: the world's sharing says which */
};

struct actor {
    unsigned index;
    const struct act *act;
    struct process *process;
    struct user_thread *thread;
    zx_handle_t props[PROPS];
    zx_handle_t memory;
    unsigned cpu; /* where it runs */
    bool ready, done;
    zx_status_t status;
};

/* One call, and what must hold for it. */
struct act {
    const char *name;
    zx_status_t (*run)(struct actor *a);
    unsigned flags;
    unsigned uses; /* props, one bit each */
};

/* It reads results into READ_INTO. */
#define ACT_READS (1u << 0)
/* It has OUT words that are the same in every order that explains it. */
#define ACT_OUTS (1u << 1)
#define ACT_MEMORY (1u << 2)
#define ACT_TASKS (1u << 3)
#define ACT_OBJECTS (1u << 4)
/* It closes what may be the last handle, if the actors share one. */
#define ACT_LAST (1u << 6)
#define ACT_EXCEPTIONS (1u << 7)
/* Time matters: the alarm may go off early. */
#define ACT_TIME (1u << 5)

extern const struct act acts[];
extern const unsigned act_count;

/* How the actors share memory and processes. */
enum sharing { SHARE_SAME, SHARE_SNAPSHOT, SHARE_SLICE, SHARE_TOGETHER, SHARE_COPIED, SHARINGS };
extern const char *const sharing_names[SHARINGS];

struct scenario {
    const struct act *acts[ACTORS];
    unsigned count;
    enum sharing sharing;
};

/* Is there one process? */
static inline bool shares_process(const struct scenario *s) {
    return s->sharing == SHARE_TOGETHER || s->sharing == SHARE_COPIED;
}

struct stage {
    const struct scenario *scenario;
    struct actor actors[ACTORS];
    unsigned count;
    unsigned used; /* props, one bit each */
    struct job *root_job, *job, *nest;
    struct vmo *scratch, *text;
    /* All that the actors have handles to, to be told from what they make. It lives for as long as they have. */
    struct known {
        const struct object *object;
        zx_koid_t koid;
        const char *name;
    } known[64];
    unsigned known_count;
    struct {
        struct vmo *vmo, *fixed, *slice, *snapshot, *empty, *other;
        struct object *ends[2], *event, *pair[2], *port, *timer;
        struct process *egg;
        struct user_thread *egg_thread;
        struct process *victim; /* NULL: no act has a use for one */
        struct user_thread *victim_thread;
        struct handle exception, catch;
        struct object *root, *resource, *interrupt, *interrupt_port;
    } props;
};
extern struct stage stage;

/* Builds the world of a scenario; each actor is then about to make its call. */
void stage_build(const struct scenario *scenario);
/* Lets the actors go, and returns when nobody can do any more. */
void stage_run(void);
/* Ends everybody, and compares what is left with what was there before. */
void stage_take_down(void);

/* Writes down how everything ended, so that equal texts mean equal ends. */
void outcome_tell(void);
const char *outcome_text(void);
