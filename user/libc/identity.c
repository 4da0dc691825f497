/*
 * Who a program is, for functions that cannot fail: processes and threads go by the koids of their objects, and there is
 * one user.
 */
#include <sched.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <threads.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "user/libc/port.h"

int __lsysinfo(struct sysinfo *out);

zx_koid_t __port_koid(zx_handle_t handle) {
    zx_info_handle_basic_t info;
    zx_status_t status = zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
    return status == ZX_OK ? info.koid : ZX_KOID_INVALID;
}

pid_t getpid(void) { return (pid_t)__port_koid(zx_process_self()); }
pid_t getppid(void) { return 0; }
uid_t getuid(void) { return 0; }
uid_t geteuid(void) { return 0; }
gid_t getgid(void) { return 0; }
gid_t getegid(void) { return 0; }

int sched_yield(void) {
    zx_nanosleep(0);
    return 0;
}

void thrd_yield(void) { zx_nanosleep(0); }

/* What sysconf() tells of the machine's memory comes from here. */
int __lsysinfo(struct sysinfo *out) {
    *out = (struct sysinfo){
        .uptime = (unsigned long)(zx_clock_get_monotonic() / 1000000000),
        .totalram = zx_system_get_physmem(),
        .freeram = zx_system_get_physmem(),
        .procs = 1,
        .mem_unit = 1,
    };
    return 0;
}

PORT_ALIAS(sysinfo, __lsysinfo);
