/*
 * Crash reports of all processes of the caller's job and its descendants: their unhandled exceptions come here last,
 * are told to a person, and are passed on, so that the process ends as it would have.
 *
 * A caller that crashes itself cannot report it, and would wait for itself. A thread of its own sees that before the
 * job does, and gives the watch up; then it dies like any other.
 */
#pragma once

#include "user/lib/crash_report.h"

/*
 * Begins the watch, once. From then on the caller waits for ZX_CHANNEL_READABLE of *channel too, and serves it. An
 * error, ALREADY_BOUND if somebody watches already: there are no reports, and all is as if this had not been called.
 */
zx_status_t crash_watch_start(zx_handle_t *channel);

/*
 * Reports the next crash that has come in, if there is one. Of a process with many threads that crash at once the first
 * is told.
 */
void crash_watch_serve(crash_line *line);
