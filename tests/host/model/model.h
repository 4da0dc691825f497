/*
 * A reference model of VMOs, VMARs, handles, channels, signals, ports, timers, tasks and process memory: what the
 * system calls promise, in flat lists and copies, looked through from end to end each time. It is written from the
 * manual and shares no line with the kernel.
 *
 * Each model_X() for a system call X takes its arguments and returns the status that it must have, after doing to the
 * model what the call must do. Values that the kernel is free to choose, those of new handles, are told to it. Objects
 * are never freed before the program ends; what matters is who holds them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/syscalls/debug.h>
#include <zircon/syscalls/port.h>
#include <zircon/types.h>

#define MODEL_PAGE ((uint64_t)ZX_PAGE_SIZE)
#define MODEL_VMOS 110
#define MODEL_VMARS 40
#define MODEL_CHANNELS 24
#define MODEL_EVENTS 24
#define MODEL_PROCESSES 8
#define MODEL_THREADS 16
#define MODEL_JOBS 72
#define MODEL_TOKENS 16
#define MODEL_TIMERS 12
#define MODEL_PORTS 6
#define MODEL_WATCHES 32
#define MODEL_PACKETS 8
#define MODEL_MAPPINGS 48
#define MODEL_HANDLES 64
#define MODEL_QUEUE 8
#define MODEL_SENT 4

/* Every object: what it is, and how many handles there are to it, in tables and in messages. */
struct model_object {
    zx_obj_type_t type;
    unsigned handles;
    zx_koid_t koid;      /* 0: not asked for */
    zx_signals_t raised; /* by programs */
    char name[ZX_MAX_NAME_LEN];
};

struct model_page {
    struct model_page *next;
    uint64_t index;
    uint64_t number; /* the same in a snapshot, until either side is written */
    uint8_t bytes[ZX_PAGE_SIZE];
};

struct model_vmo {
    struct model_object object;
    struct model_vmo *store; /* the VMO that has the pages: itself, or for a slice the one it is a part of */
    uint64_t store_offset;
    struct model_vmo *parent;
    uint64_t origin; /* a snapshot: which page of its parent's store its first one was */
    uint64_t size;
    bool resizable;
    bool contiguous; /* its pages are there from the first, and stay */
    uint32_t cache_policy;
    unsigned mappings;
    struct model_page *pages; /* those committed */
};

struct model_vmar {
    struct model_object object;
    struct model_process *process;
    struct model_vmar *parent;
    uint64_t base, len;
    uint32_t can; /* ZX_VM_CAN_MAP_* */
    bool dead;
};

struct model_mapping {
    struct model_vmar *vmar; /* NULL: an unused entry */
    uint64_t base, len;
    struct model_vmo *vmo;
    uint64_t offset;
    uint32_t perms, ceiling; /* ZX_VM_PERM_* */
    bool private;
};

struct model_handle {
    zx_handle_t value;
    struct model_object *object;
    zx_rights_t rights;
};

struct model_message {
    uint32_t len;
    uint8_t fill; /* every byte of it, */
    bool is_call; /* but the first four of a call's request: a number from the kernel */
    unsigned count;
    struct model_handle handles[MODEL_SENT];
};

struct model_channel {
    struct model_object object;
    struct model_channel *peer;
    bool closed;
    unsigned queued;
    struct model_message queue[MODEL_QUEUE];
};

/* One event, or one of a pair. */
struct model_event {
    struct model_object object;
    struct model_event *peer; /* NULL: none */
    bool closed;
};

enum model_state { MODEL_INITIAL, MODEL_RUNNING, MODEL_DEAD };

#define MODEL_CONDITIONS 13

struct model_job {
    struct model_object object;
    uint8_t policy[MODEL_CONDITIONS]; /* for each condition 1 above the action that was chosen; 0: none was */
    struct model_job *parent;         /* NULL: the root job */
    unsigned height;
    bool killed, kill_on_oom;
};

struct model_process {
    struct model_object object;
    struct model_job *job;
    unsigned suspensions;
    enum model_state state;
    int64_t return_code;
    uint64_t debug_addr;
    struct model_vmar *root;
    struct model_mapping mappings[MODEL_MAPPINGS];
    unsigned handle_count;
    struct model_handle handles[MODEL_HANDLES];
};

struct model_thread {
    struct model_object object;
    struct model_process *process;
    bool started, dead;
    unsigned suspensions;
    bool parked;
    /* What it does once it may run: an actor continues, others end at once, some with their process. */
    enum model_program { MODEL_ACTOR, MODEL_EXIT_THREAD, MODEL_EXIT_PROCESS } program;
    int64_t code;
    bool registers_known;
    zx_thread_state_general_regs_t registers;
};

/* It holds a process or a thread. */
struct model_token {
    struct model_object object;
    struct model_object *task;
};

struct model_timer {
    struct model_object object;
    uint32_t slack_mode;
    bool set, signalled;
    int64_t deadline;
};

/* A wait through a port, begun by a process through one of its handles. */
struct model_watch {
    struct model_object *object;
    struct model_port *port;
    const struct model_process *process;
    zx_handle_t value;
    uint64_t key;
    zx_signals_t trigger, last; /* the signals when it last looked */
    bool repeating;
    bool listed;   /* may be cancelled */
    bool watching; /* may fire */
    bool doubtful; /* its process is dying: it may fire before that closes its handle, or not */
};

/*
 * What the kernel returns is one of the results that the model allows: packets of one step come in any order, some may
 * be missing, and signals that changed on the way may be told or not.
 */
struct model_packet {
    zx_port_packet_t data;
    zx_signals_t may;          /* be observed, beside those that must */
    struct model_watch *watch; /* NULL: a program's own */
    unsigned step;
    bool doubtful;
};

struct model_port {
    struct model_object object;
    unsigned queued, own; /* all packets, and programs' own */
    struct model_packet queue[MODEL_PACKETS + MODEL_WATCHES];
};

struct model {
    unsigned vmo_count, vmar_count, channel_count, event_count, process_count, thread_count;
    unsigned job_count, token_count, timer_count, port_count, watch_count;
    unsigned step;    /* now */
    unsigned killing; /* processes are being killed within each other */
    struct model_vmo vmos[MODEL_VMOS];
    struct model_vmar vmars[MODEL_VMARS];
    struct model_channel channels[MODEL_CHANNELS];
    struct model_event events[MODEL_EVENTS];
    struct model_process processes[MODEL_PROCESSES];
    struct model_thread threads[MODEL_THREADS];
    struct model_job jobs[MODEL_JOBS]; /* the first is the root job */
    struct model_token tokens[MODEL_TOKENS];
    struct model_timer timers[MODEL_TIMERS];
    struct model_port ports[MODEL_PORTS];
    struct model_watch watches[MODEL_WATCHES];
    struct model_object resource;
};

/* Forgets everything. */
void model_reset(struct model *m);

/* Is there room for what one more call of `p` may create? A forced write can make a VMO for each mapping. */
bool model_has_room(const struct model *m, const struct model_process *p);

static inline uint64_t model_min(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t model_round_down(uint64_t v) { return v & ~(MODEL_PAGE - 1); }
/* Wraps to 0. */
static inline uint64_t model_round_up(uint64_t v) { return model_round_down(v + MODEL_PAGE - 1); }
static inline bool model_aligned(uint64_t v) { return v % MODEL_PAGE == 0; }
/* Is [offset, offset + len) within [0, size)? */
static inline bool model_within(uint64_t offset, uint64_t len, uint64_t size) {
    return offset <= size && len <= size - offset;
}

/* --- handles.c --- */

struct model_handle *model_find(struct model_process *p, zx_handle_t value);
/* BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED; the type 0 is any. */
zx_status_t model_get(struct model_process *p, zx_handle_t value, zx_obj_type_t type, zx_rights_t rights,
                      struct model_handle **out);
/* A handle comes into a table. */
void model_give(struct model_process *p, zx_handle_t value, struct model_object *object, zx_rights_t rights);
/* A handle leaves its table, still counted. */
struct model_handle model_take(struct model *m, struct model_process *p, struct model_handle *h);
/* A handle that is in no table any more goes away, with all that follows. */
void model_drop(struct model *m, struct model_handle h);
void model_kill(struct model *m, struct model_process *p, int64_t code);
/* Several at once: all are dying before the first has gone. */
void model_kill_many(struct model *m, struct model_process *const *victims, unsigned count, int64_t code);

zx_status_t model_handle_close(struct model *m, struct model_process *p, zx_handle_t h);
zx_status_t model_handle_duplicate(struct model_process *p, zx_handle_t h, zx_rights_t rights, uint64_t out,
                                   zx_handle_t made);
/* With `failed`, an error that is none of the arguments' but consumes the handle all the same. */
zx_status_t model_handle_replace(struct model *m, struct model_process *p, zx_handle_t h, zx_rights_t rights,
                                 uint64_t out, zx_handle_t made, zx_status_t failed);
/* The koid of what an object belongs to, or of its other end. */
zx_koid_t model_related_koid(const struct model_object *object);
/* The handles of an array in `p`'s memory. */
zx_status_t model_handle_close_many(struct model *m, struct model_process *p, uint64_t handles, uint64_t count);
/* Names. Setting one takes bytes up to the first NUL. */
zx_status_t model_set_name(struct model_process *p, zx_handle_t h, uint64_t buffer, uint64_t size);
zx_status_t model_get_name(struct model_process *p, zx_handle_t h, uint64_t buffer, uint64_t size);

/* --- signals.c --- */

bool model_is_waitable(const struct model_object *object);
/* BAD_HANDLE, ACCESS_DENIED, NOT_SUPPORTED. */
zx_status_t model_get_waitable(struct model_process *p, zx_handle_t value, struct model_handle **h);
/* The signals of an object that can be waited for. */
zx_signals_t model_signals(const struct model *m, const struct model_object *object);

zx_status_t model_event_create(struct model *m, struct model_process *p, uint32_t options, uint64_t out,
                               zx_handle_t made);
zx_status_t model_eventpair_create(struct model *m, struct model_process *p, uint32_t options, uint64_t out0,
                                   uint64_t out1, const zx_handle_t made[2]);
zx_status_t model_object_signal(struct model *m, struct model_process *p, zx_handle_t h, zx_signals_t clear,
                                zx_signals_t set);
zx_status_t model_object_signal_peer(struct model *m, struct model_process *p, zx_handle_t h, zx_signals_t clear,
                                     zx_signals_t set);
/* Waits during which nothing happens. */
zx_status_t model_wait_one(const struct model *m, struct model_process *p, zx_handle_t h, zx_signals_t signals,
                           uint64_t out);
zx_status_t model_wait_many(const struct model *m, struct model_process *p, uint64_t items, uint64_t count);
/* Futexes for which nobody waits. */
zx_status_t model_futex_wait(struct model_process *p, uint64_t word, int32_t value, zx_handle_t owner);
zx_status_t model_futex_wake(uint64_t word, uint32_t count);
zx_status_t model_futex_requeue(struct model_process *p, uint64_t word, int32_t value, uint64_t other, uint32_t count,
                                zx_handle_t owner);

/* --- channels.c --- */

zx_status_t model_channel_create(struct model *m, struct model_process *p, uint32_t options, uint64_t out0,
                                 uint64_t out1, const zx_handle_t made[2]);
struct model_channel_write {
    zx_handle_t channel;
    uint32_t options;
    uint64_t bytes;
    uint32_t len;
    uint8_t fill; /* what `bytes` holds, if it can be read */
    uint64_t handles;
    uint32_t count;
    bool etc; /* `handles` are dispositions */
};
zx_status_t model_channel_write(struct model *m, struct model_process *p, const struct model_channel_write *w,
                                zx_status_t failed);
struct model_channel_read {
    zx_handle_t channel;
    uint32_t options;
    uint64_t bytes, handles;
    uint32_t len, count;
    uint64_t actual_len, actual_count;
    zx_handle_t made[MODEL_SENT];
    zx_txid_t txid; /* where the message read has a number of the kernel's, that number */
    bool etc;       /* `handles` are to be zx_handle_info_t */
};
zx_status_t model_channel_read(struct model *m, struct model_process *p, const struct model_channel_read *r,
                               zx_status_t failed);
/* Who answers a call, and with what. */
struct model_server {
    struct model_process *process;
    zx_handle_t made[MODEL_SENT]; /* the request's handles there */
    uint32_t len;
    uint8_t fill;
    zx_handle_t handle; /* or 0 */
};
/* `server` answers the call if the request reaches it; NULL: nobody does. */
zx_status_t model_channel_call(struct model *m, struct model_process *p, const struct model_channel_write *request,
                               const struct model_channel_read *reply, const struct model_server *server,
                               zx_status_t failed);

/* --- vmos.c --- */

/* The page of a store, or NULL if it is not committed; with `commit`, it is then made, or made the store's own. */
struct model_page *model_page(struct model_vmo *store, uint64_t index, bool commit);
struct model_vmo *model_vmo_new(struct model *m, uint64_t size, bool resizable);
/* A snapshot as a forced write takes it: nobody's child. */
struct model_vmo *model_vmo_snapshot(struct model *m, struct model_vmo *vmo, uint64_t offset, uint64_t size);
bool model_vmo_alive(const struct model *m, const struct model_vmo *vmo);
bool model_vmo_has_children(const struct model *m, const struct model_vmo *vmo);

zx_status_t model_vmo_create(struct model *m, struct model_process *p, uint64_t size, uint32_t options, uint64_t out,
                             zx_handle_t made);
zx_status_t model_vmo_get_size(struct model_process *p, zx_handle_t h, uint64_t out);
zx_status_t model_vmo_set_size(struct model_process *p, zx_handle_t h, uint64_t size);
zx_status_t model_vmo_create_child(struct model *m, struct model_process *p, zx_handle_t h, uint32_t options,
                                   uint64_t offset, uint64_t size, uint64_t out, zx_handle_t made);
zx_status_t model_vmo_clone(struct model *m, struct model_process *p, zx_handle_t h, uint32_t options, uint64_t offset,
                            uint64_t size, uint64_t out, zx_handle_t made);
zx_status_t model_vmo_create_contiguous(struct model *m, struct model_process *p, zx_handle_t resource, uint64_t size,
                                        uint32_t align, uint64_t out, zx_handle_t made);
zx_status_t model_vmo_replace_as_executable(struct model *m, struct model_process *p, zx_handle_t h, zx_handle_t vmex,
                                            uint64_t out, zx_handle_t made, zx_status_t failed);
/* Its own committed bytes of [offset, offset + size), as far as the VMO goes. */
uint64_t model_vmo_committed(const struct model *m, const struct model_vmo *vmo, uint64_t offset, uint64_t size);
/* What vmo_op_range does after looking at handle and rights. */
zx_status_t model_vmo_op(struct model_vmo *vmo, uint32_t op, uint64_t offset, uint64_t size);
zx_status_t model_vmo_op_range(struct model_process *p, zx_handle_t h, uint32_t op, uint64_t offset, uint64_t size);
zx_status_t model_vmo_set_cache_policy(const struct model *m, struct model_process *p, zx_handle_t h, uint32_t policy);

/* --- vmars.c --- */

/* The mapping that holds an address, or NULL. */
struct model_mapping *model_mapping_at(struct model_process *p, uint64_t addr);
struct model_vmar *model_vmar_new(struct model *m, struct model_process *p, struct model_vmar *parent, uint64_t base,
                                  uint64_t len, uint32_t can);
struct model_mapping *model_mapping_add(struct model_vmar *v, uint64_t base, uint64_t len, struct model_vmo *vmo,
                                        uint64_t offset, uint32_t perms, uint32_t ceiling);
void model_vmar_kill(struct model *m, struct model_vmar *v);

zx_status_t model_vmar_allocate(struct model *m, struct model_process *p, zx_handle_t h, uint32_t options,
                                uint64_t offset, uint64_t size, uint64_t out, uint64_t out_addr, zx_handle_t made);
struct model_map {
    zx_handle_t vmar, vmo;
    uint32_t options;
    uint64_t vmar_offset, vmo_offset, len, out;
};
zx_status_t model_vmar_map(struct model *m, struct model_process *p, const struct model_map *a);
zx_status_t model_vmar_unmap(struct model *m, struct model_process *p, zx_handle_t h, uint64_t addr, uint64_t len);
zx_status_t model_vmar_protect(struct model *m, struct model_process *p, zx_handle_t h, uint32_t options, uint64_t addr,
                               uint64_t len);
zx_status_t model_vmar_op_range(struct model *m, struct model_process *p, zx_handle_t h, uint32_t op, uint64_t addr,
                                uint64_t len, uint64_t buffer, uint64_t buffer_size);
zx_status_t model_vmar_destroy(struct model *m, struct model_process *p, zx_handle_t h);

/* --- memory.c --- */

/* One byte of a process as the process itself sees it: where it is kept, or what the access ends with. */
zx_status_t model_access(struct model_process *p, uint64_t addr, bool write, struct model_vmo **store,
                         uint64_t *offset);
/* Loads and stores of the process. They go on up to the first byte that fails. */
zx_status_t model_load(struct model_process *p, uint64_t addr, void *out, uint64_t len);
zx_status_t model_store(struct model_process *p, uint64_t addr, const void *bytes, uint64_t len);
/* The same, as the kernel does it for arguments and results: INVALID_ARGS. */
zx_status_t model_put(struct model_process *p, uint64_t addr, const void *bytes, uint64_t len);
/* Nothing if the pointer is NULL. */
zx_status_t model_put_optional(struct model_process *p, uint64_t addr, const void *bytes, uint64_t len);

zx_status_t model_vmo_transfer(const struct model *m, struct model_process *p, zx_handle_t h, bool write,
                               uint64_t buffer, uint64_t offset, uint64_t size);
/* `*moved` gets the number of bytes moved, also on errors. */
zx_status_t model_process_transfer(struct model *m, struct model_process *p, zx_handle_t h, bool write, uint64_t addr,
                                   uint64_t buffer, uint64_t size, uint64_t actual, uint64_t *moved);

/* --- tasks.c --- */

/* In INITIAL, with a root VMAR. */
struct model_process *model_process_new(struct model *m, struct model_job *job);

zx_status_t model_process_create(struct model *m, struct model_process *p, zx_handle_t job, uint32_t options,
                                 uint64_t name, uint64_t out, uint64_t out_vmar, const zx_handle_t made[2]);
zx_status_t model_thread_create(struct model *m, struct model_process *p, zx_handle_t h, uint32_t options,
                                uint64_t name, uint64_t out, zx_handle_t made);
/* The first thread exits as soon as it runs, with `code`, and the process with it. */
zx_status_t model_process_start(struct model *m, struct model_process *p, zx_handle_t process, zx_handle_t thread,
                                zx_handle_t arg, int64_t code, zx_status_t failed);
/* The thread exits as soon as it runs. */
zx_status_t model_thread_start(struct model *m, struct model_process *p, zx_handle_t h);
/* A thread of a process while it runs, or of a job a job, or a process until it is dead; by its koid; or NULL. */
struct model_object *model_find_child(struct model *m, const struct model_object *parent, zx_koid_t koid);
/* `rights` are the child's. */
zx_status_t model_get_child(struct model *m, struct model_process *p, zx_handle_t h, zx_koid_t koid, zx_rights_t rights,
                            uint64_t out, zx_handle_t made);
zx_status_t model_task_kill(struct model *m, struct model_process *p, zx_handle_t h);

/* --- jobs.c --- */

struct model_job *model_job_new(struct model *m, struct model_job *parent);
zx_status_t model_job_create(struct model *m, struct model_process *p, zx_handle_t parent, uint32_t options,
                             uint64_t out, zx_handle_t made);
/* Is it a child of its parent: while it has a handle or members, and is not dead? */
bool model_job_listed(const struct model *m, const struct model_job *job);
zx_signals_t model_job_signals(const struct model *m, const struct model_job *job);
zx_status_t model_job_set_policy(struct model *m, struct model_process *p, zx_handle_t job, uint32_t options,
                                 uint32_t topic, uint64_t entries, uint32_t count);
void model_job_kill(struct model *m, struct model_job *job, int64_t code);

/* --- suspend.c --- */

bool model_is_suspended(const struct model_thread *t);
/* A thread begins. */
void model_thread_run(struct model *m, struct model_thread *t, enum model_program program, int64_t code);
/* All threads go on until they have parked or ended. */
void model_settle(struct model *m);
zx_status_t model_task_suspend(struct model *m, struct model_process *p, zx_handle_t task, uint64_t out,
                               zx_handle_t made);
/* Its last handle was closed. */
void model_token_end(struct model *m, struct model_token *token);
/* `*t` is the thread if its registers can be had. */
zx_status_t model_thread_state(struct model_process *p, zx_handle_t thread, bool write, uint32_t kind, uint64_t size,
                               struct model_thread **t);

/* --- timers.c --- */

zx_status_t model_timer_create(struct model *m, struct model_process *p, uint32_t options, uint32_t clock, uint64_t out,
                               zx_handle_t made);
zx_status_t model_timer_set(struct model *m, struct model_process *p, zx_handle_t h, int64_t now, int64_t deadline,
                            int64_t slack);
zx_status_t model_timer_cancel(struct model *m, struct model_process *p, zx_handle_t h);
/* When the next one goes off: ZX_TIME_INFINITE for never. */
int64_t model_timer_next(const struct model *m);
/* It is so late by now. */
void model_time(struct model *m, int64_t now);

/* --- ports.c --- */

zx_status_t model_port_create(struct model *m, struct model_process *p, uint32_t options, uint64_t out,
                              zx_handle_t made);
zx_status_t model_port_queue(struct model *m, struct model_process *p, zx_handle_t h, uint64_t packet);
/* `got` is the packet that the kernel gave, NULL for none; if it is none that is allowed the result is INTERNAL. */
zx_status_t model_port_wait(struct model_process *p, zx_handle_t h, uint64_t out, const zx_port_packet_t *got);
/* Is it known which packet comes next, or that there is none? */
bool model_port_is_sure(const struct model_port *port);
zx_status_t model_port_cancel(struct model *m, struct model_process *p, zx_handle_t h, zx_handle_t source,
                              uint64_t key);
zx_status_t model_wait_async(struct model *m, struct model_process *p, zx_handle_t h, zx_handle_t port, uint64_t key,
                             zx_signals_t signals, uint32_t options);
/* Signals may have changed: of one object, or of any. */
void model_notify(struct model *m, const struct model_object *object);
/* A handle has left its table. */
void model_watches_cancel(struct model *m, const struct model_process *p, zx_handle_t value);
void model_port_end(struct model *m, struct model_port *port);
/* The process is dying; its watches are over when it is dead. */
void model_watches_doubt(struct model *m, const struct model_process *p);
void model_watches_end(struct model *m);
