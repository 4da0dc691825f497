/* The guard thread does nothing that can fail, and nothing but wait until the process is lost. */
#include "user/lib/crash_watch.h"

#include <pthread.h>
#include <stdbool.h>
#include <zircon/process.h>

#include "user/lib/launch.h"

#define TOLD_MAX 8

static zx_handle_t watched; /* the job's channel */
static zx_handle_t own;     /* this process's */

/* Processes that were told: their other threads may be waiting behind. */
static zx_koid_t told[TOLD_MAX];
static size_t told_count;

static void *guard(void *unused) {
    zx_exception_info_t info;
    zx_handle_t exception;
    zx_object_wait_one(own, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL);
    zx_handle_close(watched);
    if (zx_channel_read(own, 0, &info, &exception, sizeof(info), 1, NULL, NULL) == ZX_OK) zx_handle_close(exception);
    return unused;
}

static zx_status_t guard_start(void) {
    pthread_t thread;
    zx_status_t status = zx_task_create_exception_channel(zx_process_self(), 0, &own);
    if (status != ZX_OK) return status;
    if (pthread_create(&thread, NULL, guard, NULL) == 0) return ZX_OK;
    zx_handle_close(own);
    return ZX_ERR_NO_MEMORY;
}

zx_status_t crash_watch_start(zx_handle_t *channel) {
    zx_status_t status = zx_task_create_exception_channel(zx_job_default(), 0, &watched);
    if (status != ZX_OK) return status;
    status = guard_start();
    if (status == ZX_OK)
        *channel = watched;
    else
        zx_handle_close(watched);
    return status;
}

/* The first time it is asked about a process. */
static bool is_news(zx_koid_t koid) {
    for (size_t i = 0; i < TOLD_MAX; i++) {
        if (told[i] == koid) return false;
    }
    told[told_count++ % TOLD_MAX] = koid;
    return true;
}

static void serve_one(const zx_exception_info_t *info, zx_handle_t exception, crash_line *line) {
    struct crash crash = {.info = *info};
    if (!is_news(info->pid) || zx_exception_get_thread(exception, &crash.thread) != ZX_OK) return;
    if (zx_exception_get_process(exception, &crash.process) == ZX_OK) {
        crash_report(&crash, launch_archive(), line);
        zx_handle_close(crash.process);
    }
    zx_handle_close(crash.thread);
}

void crash_watch_serve(crash_line *line) {
    zx_exception_info_t info;
    zx_handle_t exception;
    if (zx_channel_read(watched, 0, &info, &exception, sizeof(info), 1, NULL, NULL) != ZX_OK) return;
    serve_one(&info, exception, line);
    zx_handle_close(exception);
}
