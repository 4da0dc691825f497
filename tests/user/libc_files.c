/*
 * Files in memory, as the C library has them: streams, descriptors, folders, pipes, and what is refused.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "tests/user/harness.h"

static void make_file(const char *name, const char *text) {
    FILE *file = fopen(name, "w");
    NEED(file != NULL);
    EXPECT(fputs(text, file) >= 0);
    EXPECT_EQ(fclose(file), 0);
}

static void expect_file(const char *name, const char *text) {
    char seen[256] = "";
    FILE *file = fopen(name, "r");
    NEED(file != NULL);
    size_t len = fread(seen, 1, sizeof(seen) - 1, file);
    EXPECT_EQ(len, strlen(text));
    EXPECT_EQ(strcmp(seen, text), 0);
    EXPECT_EQ(fclose(file), 0);
}

static off_t size_of(const char *name) {
    struct stat status;
    return stat(name, &status) == 0 ? status.st_size : -1;
}

TEST("libc/a file that is written can be read, appended to, sought in and updated, by streams") {
    make_file("a", "one two three\n");
    expect_file("a", "one two three\n");
    FILE *file = fopen("a", "a+");
    NEED(file != NULL);
    EXPECT_EQ(fprintf(file, "%d\n", 4), 2);
    rewind(file);
    char word[16];
    for (int i = 0; i < 4; i++) EXPECT_EQ(fscanf(file, "%15s", word), 1);
    EXPECT_EQ(strcmp(word, "4"), 0);
    EXPECT_EQ(fclose(file), 0);
    file = fopen("a", "r+");
    NEED(file != NULL);
    EXPECT_EQ(fseek(file, 4, SEEK_SET), 0);
    EXPECT(fputs("TWO", file) >= 0);
    EXPECT_EQ(ftell(file), 7);
    EXPECT_EQ(fseek(file, -2, SEEK_END), 0);
    EXPECT_EQ(getc(file), '4');
    EXPECT_EQ(fclose(file), 0);
    expect_file("a", "one TWO three\n4\n");
    make_file("a", "");
    EXPECT_EQ(size_of("a"), 0);
    EXPECT_EQ(remove("a"), 0);
    EXPECT_EQ(size_of("a"), -1);
    EXPECT_EQ(errno, ENOENT);
}

TEST("libc/a large file has every byte that was written, and zeros where nothing was") {
    static unsigned char block[10000], seen[10000];
    int fd = open("large", O_RDWR | O_CREAT, 0600);
    NEED(fd >= 0);
    for (int i = 0; i < 200; i++) {
        for (size_t k = 0; k < sizeof(block); k++) block[k] = (unsigned char)(k * 7 + (size_t)i);
        NEED_EQ(write(fd, block, sizeof(block)), sizeof(block));
    }
    EXPECT_EQ(lseek(fd, 1000000, SEEK_END), 3000000);
    EXPECT_EQ(write(fd, "end", 3), 3);
    for (int i = 0; i < 200; i++) {
        for (size_t k = 0; k < sizeof(block); k++) block[k] = (unsigned char)(k * 7 + (size_t)i);
        NEED_EQ(pread(fd, seen, sizeof(seen), i * 10000), sizeof(seen));
        NEED_BYTES(seen, block, sizeof(block));
    }
    memset(block, 0, sizeof(block));
    NEED_EQ(pread(fd, seen, sizeof(seen), 2500000), sizeof(seen));
    EXPECT_BYTES(seen, block, sizeof(block));
    EXPECT_EQ(pread(fd, seen, sizeof(seen), 2999999), 4);
    EXPECT_EQ(ftruncate(fd, 100), 0);
    EXPECT_EQ(ftruncate(fd, 5000), 0);
    EXPECT_EQ(pread(fd, seen, sizeof(seen), 100), 4900);
    EXPECT_BYTES(seen, block, 4900);
    EXPECT_EQ(pwrite(fd, "x", 1, 50), 1);
    EXPECT_EQ(size_of("large"), 5000);
    EXPECT_ERRNO(lseek(fd, -1, SEEK_SET) == -1, EINVAL);
    EXPECT_ERRNO(pwrite(fd, "x", 1, (off_t)1 << 50) == -1, EFBIG);
    EXPECT_ERRNO(write(fd, (const void *)16, 1) == -1, EFAULT);
    EXPECT_EQ(close(fd), 0);
}

TEST("libc/vectors of buffers are read and written in order") {
    char a[3] = "", b[6] = "";
    struct iovec out[] = {{(char *)"ab", 2}, {NULL, 0}, {(char *)"cdefg", 5}}, in[] = {{a, 2}, {b, 5}};
    int fd = open("v", O_RDWR | O_CREAT, 0600);
    EXPECT_EQ(writev(fd, out, 3), 7);
    EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
    EXPECT_EQ(readv(fd, in, 2), 7);
    EXPECT_EQ(strcmp(a, "ab"), 0);
    EXPECT_EQ(strcmp(b, "cdefg"), 0);
}

TEST("libc/open makes, empties or refuses a file as its flags say") {
    EXPECT_ERRNO(open("f", O_RDONLY) == -1, ENOENT);
    int fd = open("f", O_WRONLY | O_CREAT | O_EXCL, 0640);
    EXPECT_EQ(fd, 3);
    EXPECT_EQ(write(fd, "text", 4), 4);
    char byte;
    EXPECT_ERRNO(read(fd, &byte, 1) == -1, EBADF);
    EXPECT_ERRNO(open("f", O_WRONLY | O_CREAT | O_EXCL, 0640) == -1, EEXIST);
    EXPECT_ERRNO(open("f/x", O_RDONLY) == -1, ENOTDIR);
    EXPECT_ERRNO(open("f/", O_RDONLY) == -1, ENOTDIR);
    EXPECT_ERRNO(open("f", O_RDONLY | O_DIRECTORY) == -1, ENOTDIR);
    EXPECT_ERRNO(open("/", O_WRONLY) == -1, EISDIR);
    EXPECT_ERRNO(open("no/f", O_WRONLY | O_CREAT, 0600) == -1, ENOENT);
    EXPECT_ERRNO(open("", O_RDONLY) == -1, ENOENT);
    char name[300] = "";
    memset(name, 'n', 256);
    EXPECT_ERRNO(open(name, O_WRONLY | O_CREAT, 0600) == -1, ENAMETOOLONG);
    name[255] = '\0';
    EXPECT(open(name, O_WRONLY | O_CREAT, 0600) >= 0);
    EXPECT(open("f", O_WRONLY | O_TRUNC) >= 0);
    EXPECT_EQ(size_of("f"), 0);
    struct stat status;
    EXPECT_EQ(fstat(fd, &status), 0);
    EXPECT_EQ(status.st_mode, S_IFREG | 0640);
    int made = 0;
    while (open("f", O_RDONLY) >= 0) made++;
    EXPECT_EQ(errno, EMFILE);
    EXPECT(made > 200);
    EXPECT_ERRNO(open("late", O_RDONLY | O_CREAT, 0600) == -1, EMFILE);
    EXPECT_EQ(close(100), 0);
    EXPECT_EQ(size_of("late"), -1);
    EXPECT_EQ(open("f", O_RDONLY), 100);
}

TEST("libc/a file that was removed is there for whoever has it open") {
    make_file("gone", "still here");
    FILE *file = fopen("gone", "r+");
    NEED(file != NULL);
    EXPECT_EQ(unlink("gone"), 0);
    EXPECT_EQ(size_of("gone"), -1);
    char text[16] = "";
    EXPECT_EQ(fread(text, 1, 15, file), 10);
    EXPECT_EQ(strcmp(text, "still here"), 0);
    make_file("gone", "another");
    EXPECT_EQ(fclose(file), 0);
    expect_file("gone", "another");
    file = tmpfile();
    NEED(file != NULL);
    fputs("temporary", file);
    rewind(file);
    EXPECT(fgets(text, sizeof(text), file) != NULL);
    EXPECT_EQ(strcmp(text, "temporary"), 0);
    EXPECT_EQ(fclose(file), 0);
    char name[] = "/tmp/test.XXXXXX";
    EXPECT(mkstemp(name) >= 0);
    EXPECT_EQ(size_of(name), 0);
}

static int count_entries(const char *path, const char *wanted) {
    DIR *folder = opendir(path);
    int count = 0, found = 0;
    if (!folder) return -1;
    for (struct dirent *entry; (entry = readdir(folder));) {
        count++;
        found += strcmp(entry->d_name, wanted) == 0;
    }
    rewinddir(folder);
    for (int i = 0; i < count; i++) EXPECT(readdir(folder) != NULL);
    closedir(folder);
    return found == 1 ? count : -count;
}

TEST("libc/folders are made, listed, entered and removed") {
    char path[64];
    EXPECT_EQ(mkdir("d", 0755), 0);
    EXPECT_ERRNO(mkdir("d", 0755) == -1, EEXIST);
    EXPECT_ERRNO(mkdir("x/y", 0755) == -1, ENOENT);
    for (int i = 0; i < 300; i++) {
        snprintf(path, sizeof(path), "d/file with a name of some length %d", i);
        make_file(path, path);
    }
    EXPECT_EQ(count_entries("d", "file with a name of some length 299"), 302);
    EXPECT_ERRNO(rmdir("d") == -1, ENOTEMPTY);
    EXPECT_ERRNO(unlink("d") == -1, EISDIR);
    EXPECT_EQ(chdir("d"), 0);
    EXPECT(getcwd(path, sizeof(path)) != NULL);
    EXPECT_EQ(strcmp(path, "/d"), 0);
    EXPECT_ERRNO(getcwd(path, 2) == NULL, ERANGE);
    expect_file("../d/./file with a name of some length 7", "d/file with a name of some length 7");
    DIR *folder = opendir(".");
    NEED(folder != NULL);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_type == DT_REG) EXPECT_EQ(unlinkat(dirfd(folder), entry->d_name, 0), 0);
    }
    closedir(folder);
    EXPECT_EQ(count_entries(".", ".."), 2);
    EXPECT_EQ(rmdir("/d"), 0);
    EXPECT_ERRNO(open("new", O_WRONLY | O_CREAT, 0600) == -1, ENOENT);
    EXPECT_ERRNO(getcwd(path, sizeof(path)) == NULL, ENOENT);
    EXPECT_EQ(chdir("/tmp"), 0);
    EXPECT(realpath("../tmp/..//dev/null", path) != NULL);
    EXPECT_EQ(strcmp(path, "/dev/null"), 0);
    EXPECT_ERRNO(chdir("/dev/null") == -1, ENOTDIR);
    EXPECT_ERRNO(rmdir("/") == -1, EINVAL);
}

TEST("libc/rename moves files and folders, replaces what may be replaced, and refuses the rest") {
    make_file("a", "A");
    make_file("b", "B");
    EXPECT_EQ(mkdir("d", 0755), 0);
    EXPECT_EQ(mkdir("e", 0755), 0);
    EXPECT_EQ(rename("a", "b"), 0);
    expect_file("b", "A");
    EXPECT_EQ(rename("b", "d/c"), 0);
    EXPECT_EQ(rename("d/c", "d/c"), 0);
    expect_file("d/c", "A");
    EXPECT_ERRNO(rename("a", "z") == -1, ENOENT);
    EXPECT_ERRNO(rename("d/c", "e") == -1, EISDIR);
    EXPECT_ERRNO(rename("e", "d/c") == -1, ENOTDIR);
    EXPECT_ERRNO(rename("e", "d") == -1, ENOTEMPTY);
    EXPECT_ERRNO(rename("d", "d/f") == -1, EINVAL);
    EXPECT_ERRNO(rename("d/c", "x/") == -1, ENOTDIR);
    EXPECT_EQ(rename("d", "e"), 0);
    expect_file("e/c", "A");
    EXPECT_EQ(size_of("d"), -1);
}

TEST("libc/a file's status has its size, kind, mode and times") {
    struct stat before, after;
    make_file("s", "12345");
    EXPECT_EQ(stat("s", &before), 0);
    EXPECT(S_ISREG(before.st_mode));
    EXPECT_EQ(before.st_size, 5);
    EXPECT_EQ(before.st_nlink, 1);
    EXPECT_EQ(chmod("s", 0600), 0);
    const struct timespec times[] = {{.tv_sec = 5}, {.tv_sec = 6, .tv_nsec = 7}};
    EXPECT_EQ(utimensat(AT_FDCWD, "s", times, 0), 0);
    EXPECT_EQ(lstat("s", &after), 0);
    EXPECT_EQ(after.st_mode, S_IFREG | 0600);
    EXPECT_EQ(after.st_atime + after.st_mtime, 11);
    EXPECT_EQ(after.st_ino, before.st_ino);
    EXPECT_EQ(access("s", R_OK | W_OK), 0);
    EXPECT_ERRNO(access("s", X_OK) == -1, EACCES);
    EXPECT_EQ(stat("/dev/null", &after), 0);
    EXPECT(S_ISCHR(after.st_mode));
    EXPECT_EQ(stat("/", &after), 0);
    EXPECT(S_ISDIR(after.st_mode));
    EXPECT_ERRNO(readlink("s", (char[8]){0}, 8) == -1, EINVAL);
}

TEST("libc/dup shares the offset, and dup2 takes the place of another, of standard output too") {
    char text[8] = "";
    int fd = open("d", O_RDWR | O_CREAT, 0600), other = dup(fd);
    EXPECT_EQ(write(fd, "ab", 2), 2);
    EXPECT_EQ(write(other, "cd", 2), 2);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(pread(other, text, 8, 0), 4);
    EXPECT_EQ(strcmp(text, "abcd"), 0);
    EXPECT_EQ(fcntl(other, F_DUPFD, 50), 50);
    EXPECT_EQ(fcntl(50, F_SETFD, FD_CLOEXEC), 0);
    EXPECT_EQ(fcntl(50, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(fcntl(50, F_GETFL), O_RDWR);
    int kept = dup(STDOUT_FILENO);
    EXPECT_EQ(dup2(other, STDOUT_FILENO), STDOUT_FILENO);
    printf("efgh");
    fflush(stdout);
    EXPECT_EQ(isatty(STDOUT_FILENO), 0);
    EXPECT_EQ(errno, ENOTTY);
    EXPECT_EQ(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
    EXPECT_EQ(isatty(STDOUT_FILENO), 1);
    expect_file("d", "abcdefgh");
    EXPECT_ERRNO(dup2(9, 10) == -1, EBADF);
    EXPECT_ERRNO(dup2(other, 100000) == -1, EBADF);
}

/* --- pipes --- */

static int pipe_ends[2];

static void *write_much(void *arg) {
    static char block[5000];
    for (int i = 0; i < 40; i++) {
        memset(block, i, sizeof(block));
        EXPECT_EQ(write(pipe_ends[1], block, sizeof(block)), sizeof(block));
    }
    close(pipe_ends[1]);
    return arg;
}

TEST("libc/a pipe carries what one thread writes to another, in order, and ends with its writers") {
    pthread_t thread;
    char seen[777];
    size_t count = 0;
    NEED_EQ(pipe(pipe_ends), 0);
    NEED_EQ(pthread_create(&thread, NULL, write_much, NULL), 0);
    for (ssize_t len; (len = read(pipe_ends[0], seen, sizeof(seen))) > 0; count += (size_t)len) {
        for (ssize_t i = 0; i < len; i++) NEED_EQ(seen[i], (count + (size_t)i) / 5000);
    }
    EXPECT_EQ(count, 200000);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_ERRNO(lseek(pipe_ends[0], 0, SEEK_SET) == -1, ESPIPE);
}

TEST("libc/a pipe that nobody reads is EPIPE, and an empty or full one EAGAIN if it may not wait") {
    char byte = 0;
    signal(SIGPIPE, SIG_IGN);
    NEED_EQ(pipe2(pipe_ends, O_NONBLOCK), 0);
    EXPECT_ERRNO(read(pipe_ends[0], &byte, 1) == -1, EAGAIN);
    int written = 0;
    while (write(pipe_ends[1], "x", 1) == 1) written++;
    EXPECT_EQ(errno, EAGAIN);
    EXPECT(written >= PIPE_BUF);
    EXPECT_EQ(close(pipe_ends[0]), 0);
    EXPECT_ERRNO(write(pipe_ends[1], "x", 1) == -1, EPIPE);
    EXPECT_EQ(close(pipe_ends[1]), 0);
    EXPECT_ERRNO(close(pipe_ends[1]) == -1, EBADF);
}

static void *read_byte(void *arg) {
    char byte;
    return read(pipe_ends[0], &byte, 1) == 1 ? arg : NULL;
}

TEST("libc/a thread that reads from an empty pipe can be cancelled, and the pipe is as it was") {
    pthread_t thread;
    void *result;
    NEED_EQ(pipe(pipe_ends), 0);
    NEED_EQ(pthread_create(&thread, NULL, read_byte, NULL), 0);
    zx_nanosleep(zx_deadline_after(2000000));
    EXPECT_EQ(pthread_cancel(thread), 0);
    EXPECT_EQ(pthread_join(thread, &result), 0);
    EXPECT(result == PTHREAD_CANCELED);
    EXPECT_EQ(write(pipe_ends[1], "x", 1), 1);
    EXPECT(read_byte(&thread) == &thread);
}

/* --- devices and memory --- */

TEST("libc/devices: null, zero, random and the terminal") {
    char bytes[16];
    int fd = open("/dev/null", O_RDWR);
    EXPECT_EQ(write(fd, "x", 1), 1);
    EXPECT_EQ(read(fd, bytes, 16), 0);
    fd = open("/dev/zero", O_RDONLY);
    memset(bytes, 1, 16);
    EXPECT_EQ(read(fd, bytes, 16), 16);
    EXPECT_BYTES(bytes, ((char[16]){0}), 16);
    EXPECT_EQ(read(open("/dev/urandom", O_RDONLY), bytes, 16), 16);
    EXPECT(memcmp(bytes, ((char[16]){0}), 16) != 0);
    EXPECT_EQ(isatty(open("/dev/tty", O_RDWR)), 1);
}

TEST("libc/a terminal's modes are kept, and its size can be asked for") {
    struct termios before, raw, seen;
    NEED_EQ(tcgetattr(STDIN_FILENO, &before), 0);
    EXPECT(before.c_lflag & ICANON);
    raw = before;
    cfmakeraw(&raw);
    EXPECT_EQ(tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw), 0);
    EXPECT_EQ(tcgetattr(STDOUT_FILENO, &seen), 0);
    EXPECT_EQ(seen.c_lflag, raw.c_lflag);
    EXPECT_EQ(tcsetattr(STDIN_FILENO, TCSANOW, &before), 0);
    EXPECT_ERRNO(tcgetattr(open("/dev/null", O_RDWR), &seen) == -1, ENOTTY);
}

TEST("libc/mmap of a file is a copy of it, or, shared, the file") {
    make_file("m", "mapped text");
    int fd = open("m", O_RDWR);
    char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    NEED(at != MAP_FAILED);
    EXPECT_EQ(strcmp(at, "mapped text"), 0);
    at[0] = 'M';
    expect_file("m", "mapped text");
    at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    NEED(at != MAP_FAILED);
    at[0] = 'S';
    at[8191] = 1;
    expect_file("m", "Sapped text");
    EXPECT_EQ(pwrite(fd, "T", 1, 1), 1);
    EXPECT_EQ(at[1], 'T');
    EXPECT_EQ(munmap(at, 8192), 0);
    int reads = open("m", O_RDONLY);
    EXPECT_ERRNO(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, reads, 0) == MAP_FAILED, EACCES);
    at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, reads, 0);
    NEED(at != MAP_FAILED);
    EXPECT_EQ(memcmp(at, "STpped text", 12), 0);
    EXPECT_ERRNO(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0) == MAP_FAILED, ENODEV);
}

TEST("libc/shm_open makes memory with a name, and limits can be asked for") {
    struct rlimit limit;
    int fd = shm_open("/name", O_RDWR | O_CREAT | O_EXCL, 0600);
    NEED(fd >= 0);
    EXPECT_EQ(ftruncate(fd, 10000), 0);
    char *at = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    NEED(at != MAP_FAILED);
    at[9999] = 7;
    EXPECT_EQ(pread(fd, &at[0], 1, 9999), 1);
    EXPECT_EQ(at[0], 7);
    EXPECT_EQ(shm_unlink("/name"), 0);
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(limit.rlim_cur, 256);
    EXPECT_EQ(sysconf(_SC_OPEN_MAX), 256);
}
