/*
 * The process and the machine it runs on, as Linux describes them: processes and threads go by the koids of their
 * objects, and there is one user.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/time.h>

#include "user/libc/files.h"
#include "user/libc/port.h"

zx_koid_t __port_koid(zx_handle_t handle) {
    zx_info_handle_basic_t info;
    zx_status_t status = zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
    return status == ZX_OK ? info.koid : ZX_KOID_INVALID;
}

long __port_process_id(void) { return (long)__port_koid(zx_process_self()); }

LINUX_CALL(getpid) { return __port_process_id(); }
LINUX_CALL(getppid) { return 0; }
LINUX_CALL(getuid) { return 0; }
LINUX_CALL(geteuid) { return 0; }
LINUX_CALL(getgid) { return 0; }
LINUX_CALL(getegid) { return 0; }

LINUX_CALL(exit_group) {
    __port_files_bring_back();
    zx_process_exit((int)args[0]);
}

LINUX_CALL(sched_yield) {
    zx_nanosleep(0);
    return 0;
}

/* Every processor, for every thread. The result is the number of bytes filled. */
LINUX_CALL(sched_getaffinity) {
    unsigned char *set = (unsigned char *)args[2];
    size_t count = zx_system_get_num_cpus(), len = (count + 63) / 64 * 8;
    if ((size_t)args[1] < len) return -EINVAL;
    memset(set, 0, len);
    for (size_t i = 0; i < count; i++) set[i / 8] |= (unsigned char)(1 << i % 8);
    return (long)len;
}

LINUX_CALL(sysinfo) {
    *(struct sysinfo *)args[0] = (struct sysinfo){
        .uptime = (unsigned long)(zx_clock_get_monotonic() / ZX_SEC(1)),
        .totalram = zx_system_get_physmem(),
        .freeram = zx_system_get_physmem(),
        .procs = 1,
        .mem_unit = 1,
    };
    return 0;
}

/* Descriptors are counted; nothing else has a limit that a program could set here. */
LINUX_CALL(prlimit64) {
    struct rlimit *before = (struct rlimit *)args[3];
    if (args[0] != 0 && args[0] != __port_process_id()) return -ENOSYS;
    if (args[1] < 0 || args[1] >= RLIM_NLIMITS) return -EINVAL;
    if (args[2]) return -ENOSYS;
    rlim_t limit = args[1] == RLIMIT_NOFILE ? DESCRIPTORS : RLIM_INFINITY;
    if (before) *before = (struct rlimit){limit, limit};
    return 0;
}

LINUX_CALL(getrandom) {
    zx_cprng_draw((void *)args[0], (size_t)args[1]);
    return args[1];
}
