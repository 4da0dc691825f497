/*
 * What the files of gdbserver share: the session with a debugger, and the processes that it debugs. The logic of
 * debugging is in user/lib/debug.h, the framing of packets in packet.h; here the two are brought together. All stops
 * are of all threads of all processes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/gdbserver/machine.h"
#include "user/gdbserver/text.h"
#include "user/lib/debug.h"

struct session {
    bool no_ack;              /* packets are not acknowledged */
    bool multiprocess;        /* thread ids have their process's before them */
    bool swbreak;             /* breakpoints are told as such */
    bool under_way;           /* the debugger waits for a stop */
    bool interrupted;         /* Ctrl-C came meanwhile */
    bool lists_threads;       /* a stop lists all threads */
    bool second_chance;       /* faults are the program's own handlers' first */
    bool fork_events;         /* what a debugged process starts is told as what it forked */
    uint64_t passed[4];       /* signals, a bit each, whose faults are not told: they are the program's own */
    struct thread_id general; /* whose registers and memory are meant */
};

extern struct session session;
extern struct debug_process *processes;

/* Nothing more is to be served. */
extern bool server_end;

/* --- session.c --- */

/* Takes over the serial line. */
zx_status_t session_start(void);
/* Shows SERIAL_READABLE of user/lib/serial.h when something has come. */
zx_handle_t session_event(void);

/* Sends a packet. */
void session_send(const struct reply *reply);
/* Shows text on the debugger's terminal. Only while it waits for an answer to something. */
void session_show(const char *text, size_t len);
/* Takes what has come over the line. */
void session_read(void);

/* --- commands.c --- */

/* Answers a request: true, and `reply` is to be sent; false: the answer will be a stop. */
bool command_do(struct request request, struct reply *reply);

void put_error(struct reply *reply, zx_status_t status);
void put_ok_or_error(struct reply *reply, zx_status_t status);
void put_thread_id(struct reply *reply, const struct debug_thread *thread);

/* The process that is meant by an id, or any if none is; NULL: there is none. */
struct debug_process *process_named(int64_t process);
struct debug_process *process_general(void);
/* The thread that is meant. NULL: there is none. */
struct debug_thread *thread_named(const struct thread_id *id);
struct debug_thread *thread_general(void);

/* --- memory.c --- */
void memory_read(struct request request, struct reply *reply);
void memory_read_binary(struct request request, struct reply *reply);
void memory_write(struct request request, struct reply *reply);
void memory_write_binary(struct request request, struct reply *reply);
void memory_search(struct request request, struct reply *reply);
void break_insert(struct request request, struct reply *reply);
void break_remove(struct request request, struct reply *reply);

/* --- conditions.c --- */

/* The conditions that a Z0 ends in; NULL: there are none. */
zx_status_t conditions_take(struct request request, struct debug_condition **out);
/* Takes threads past breakpoints none of whose conditions holds. If there was one the process is stopped afterwards. */
void conditions_apply(struct debug_process *p);

/* --- resume.c --- */

/* A vCont's actions. As command_do. */
bool resume(struct request request, struct reply *reply);
/* `c`, `s` and their like: all go on, or the general thread makes a step. */
bool resume_one(struct request request, struct reply *reply);
/* Stops everything that is under way, and reports why, if there is anything to report. */
void stops_look(void);
/* What is there now: the answer to `?`. */
void stop_now(struct reply *reply);
void put_stop(struct reply *reply, struct debug_thread *thread, enum gdb_signal signal);
void all_stop(void);

/* --- run.c --- */

/* The program that is run when none is named, and its arguments; the last one NULL. */
extern const char *const *run_args;
zx_status_t run_start(void);
zx_handle_t run_channel(void);
/* Launches it, stopped at its first instruction. `console`: its output goes there, and not to the debugger. */
zx_status_t run_launch(const char *const *args, bool console, struct debug_process **out);
void run_command(struct request request, struct reply *reply);
void attach_command(struct request request, struct reply *reply);
void detach_command(struct request request, struct reply *reply);
void kill_command(struct request request, struct reply *reply);
/* Lets go of a process that has ended, or of all that there are. */
void process_forget(struct debug_process *process);
void detach_all(void);
void kill_all(void);
/* Takes the processes that have begun in the job of those that were launched here. */
void run_take(void);
/* One of them, not told yet; NULL: none. */
struct debug_process *run_begun(void);

/* --- query.c --- */
/* What a thread does, or waits in. */
const char *thread_state_words(zx_thread_state_t state);
void query(struct request request, struct reply *reply);
void setting(struct request request, struct reply *reply);

/* --- objects.c --- */
void transfer(struct request request, struct reply *reply);

/* --- files.c --- */
void file_command(struct request request, struct reply *reply);
/* Those that a session has left open. */
void files_close_all(void);

/* --- words.c --- */
/* Does what `monitor …` says, and shows what there is to show. False: there is no such command. */
bool monitor_command(const char *line);
