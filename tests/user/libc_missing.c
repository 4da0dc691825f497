/* What the C library has not, as its manual lists it (user/libc/README.md): each says so, and nothing happens. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/user/harness.h"
#include "user/libc/port.h"

#define NUMBERS 600

TEST("libc/each system call of Linux that has no answer fails with ENOSYS, whatever its arguments") {
#define KNOWN(name) [SYS_##name] = true,
    static const bool known[NUMBERS] = {PORT_LINUX_CALLS(KNOWN)};
    for (long number = 0; number < NUMBERS; number++) {
        if (known[number]) continue;
        errno = 0;
        NEED_EQ(syscall(number, -1L, -1L, -1L, -1L, -1L, -1L), -1);
        NEED_EQ(errno, ENOSYS);
    }
    EXPECT_ERRNO(syscall(-1) == -1, ENOSYS);
    EXPECT_ERRNO(syscall(99999) == -1, ENOSYS);
}

TEST("libc/there are no processes to make or to wait for") {
    char *const args[] = {"sh", NULL};
    EXPECT_ERRNO(fork() == -1, ENOSYS);
    EXPECT_ERRNO(execl("/bin/sh", "sh", NULL) == -1, ENOSYS);
    EXPECT_ERRNO(waitpid(-1, NULL, 0) == -1, ENOSYS);
    EXPECT_ERRNO(popen("ls", "r") == NULL, ENOSYS);
    EXPECT_ERRNO(daemon(1, 1) == -1, ENOSYS);
    EXPECT_EQ(posix_spawn(&(pid_t){0}, "/bin/sh", NULL, NULL, args, NULL), ENOSYS);
    EXPECT_ERRNO(system("ls") == -1, ENOSYS);
    EXPECT_EQ(getppid(), 0);
}

TEST("libc/there are no signals from outside, and no timers that send them") {
    struct itimerval once = {.it_value = {.tv_sec = 1}};
    timer_t timer;
    EXPECT_ERRNO(kill(1, SIGTERM) == -1, ENOSYS);
    EXPECT_ERRNO(setitimer(ITIMER_REAL, &once, NULL) == -1, ENOSYS);
    EXPECT_ERRNO(timer_create(CLOCK_REALTIME, NULL, &timer) == -1, ENOSYS);
    EXPECT_ERRNO(sigqueue(getpid(), SIGUSR1, (union sigval){0}) == -1, ENOSYS);
    EXPECT_EQ(alarm(1), 0);
}

TEST("libc/there are no sockets, and nothing waits for several descriptors") {
    struct pollfd stdin_only = {.fd = STDIN_FILENO, .events = POLLIN};
    fd_set set;
    FD_ZERO(&set);
    EXPECT_ERRNO(socket(AF_INET, SOCK_STREAM, 0) == -1, ENOSYS);
    EXPECT_ERRNO(poll(&stdin_only, 1, 0) == -1, ENOSYS);
    EXPECT_ERRNO(select(0, &set, NULL, NULL, &(struct timeval){0}) == -1, ENOSYS);
    EXPECT_ERRNO(epoll_create(1) == -1, ENOSYS);
    EXPECT_ERRNO(inotify_init() == -1, ENOSYS);
}

TEST("libc/nothing is shared with other processes") {
    EXPECT_ERRNO(sem_open("/name", O_CREAT, 0600, 1) == SEM_FAILED, ENOSYS);
    EXPECT_ERRNO(mq_open("/name", O_CREAT | O_RDWR, 0600, NULL) == (mqd_t)-1, ENOSYS);
    EXPECT_ERRNO(shmget(IPC_PRIVATE, 4096, IPC_CREAT) == -1, ENOSYS);
    EXPECT_ERRNO(msgget(IPC_PRIVATE, IPC_CREAT) == -1, ENOSYS);
    EXPECT_ERRNO(semget(IPC_PRIVATE, 1, IPC_CREAT) == -1, ENOSYS);
}

TEST("libc/files have no links, no file systems and no room kept for them") {
    struct statvfs status;
    EXPECT_ERRNO(symlink("a", "b") == -1, ENOSYS);
    EXPECT_ERRNO(link("a", "b") == -1, ENOSYS);
    EXPECT_ERRNO(statvfs("/", &status) == -1, ENOSYS);
    EXPECT_EQ(posix_fadvise(1, 0, 0, POSIX_FADV_NORMAL), ENOSYS);
    EXPECT_EQ(posix_fallocate(1, 0, 1), ENOSYS);
    EXPECT_EQ(open("/tmp", O_TMPFILE | O_RDWR, 0600), -1);
}

TEST("libc/threads have no priorities, no names by number, and limits cannot be set") {
    struct rlimit limit = {1, 1};
    pthread_mutexattr_t attr;
    NEED_EQ(pthread_mutexattr_init(&attr), 0);
    EXPECT_EQ(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT), ENOSYS);
    EXPECT_EQ(pthread_setschedparam(pthread_self(), SCHED_OTHER, &(struct sched_param){0}), ENOSYS);
    EXPECT_EQ(pthread_setname_np(pthread_self(), "name"), ENOSYS);
    EXPECT_ERRNO(setrlimit(RLIMIT_NOFILE, &limit) == -1, ENOSYS);
    EXPECT_ERRNO(setpriority(PRIO_PROCESS, 0, 1) == -1, ENOSYS);
}

TEST("libc/there is no dynamic linking") {
    EXPECT(dlopen("libm.so", RTLD_NOW) == NULL);
    EXPECT(dlerror() != NULL);
}
