/*
 * What musl asks of Linux, answered. Each `syscall` in musl's archive has become a call of __port_linux (see redirect):
 * the requests of PORT_LINUX_CALLS have answers here, all others are ENOSYS. A result from -4095 to -1 is the negative
 * number of an error. Requests come before the C library is set up, and from inside it: no answer uses errno, stdio or
 * a lock of the library. None uses the vector registers, and the port is compiled without them.
 */
#include <errno.h>
#include <sys/syscall.h>

#include "user/libc/signals.h"

long __port_linux(unsigned long number, const long *args);

#define ENTRY(name) [SYS_##name] = __port_linux_##name,
static long (*const answers[])(const long *args) = {PORT_LINUX_CALLS(ENTRY)};

long __port_linux(unsigned long number, const long *args) {
    unsigned long call = number & ~PORT_CANCELS;
    bool known = call < sizeof(answers) / sizeof(answers[0]) && answers[call];
    long result;
    if (!known) return -ENOSYS;
    __port_signals_enter();
    do result = answers[call](args);
    while (__port_signals_leave(number, args, result));
    return result;
}
