/* Turns at the console; see output.h. Not mutexes: a thread that waits for a stalled device must be killable. */
#include "kernel/object/output.h"

#include "kernel/object/process.h"

static struct spinlock lock = SPINLOCK_INIT(RANK_WAIT, "console");

static zx_status_t take(struct output_turn *turn) {
    spin_lock(&lock);
    if (turn->taken) return waitq_block(&turn->waits, &lock, ZX_TIME_INFINITE, WAIT_INTERRUPTIBLE);
    turn->taken = true;
    spin_unlock(&lock);
    return ZX_OK;
}

/* The next has it before it even runs. */
static void pass_on(struct output_turn *turn) {
    spin_lock(&lock);
    turn->taken = waitq_wake_one(&turn->waits, ZX_OK);
    spin_unlock(&lock);
}

/* That of the process, and those of its jobs below `end`. */
static void pass_on_below(struct process *process, const struct job *end) {
    pass_on(&process->output);
    for (struct job *job = process->job; job != end; job = job->parent) pass_on(&job->output);
}

zx_status_t output_begin(struct process *process) {
    zx_status_t status = take(&process->output);
    if (status != ZX_OK) return status;
    for (struct job *job = process->job; job; job = job->parent) {
        status = take(&job->output);
        if (status == ZX_OK) continue;
        pass_on_below(process, job);
        break;
    }
    return status;
}

void output_end(struct process *process) { pass_on_below(process, NULL); }
