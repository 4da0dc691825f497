/*
 * What `make run` needs of GNU make and GNU make has not. Loaded into it (the `load` directive), this adds
 *
 *     $(begin-turn FILE)   waits until no other make is between its own begin-turn of FILE and its end-turn
 *     $(end-turn FILE)     ends that
 *     $(own-folder NAME)   NAME, or if another make has that one, NAME-2, NAME-3 and so on: made if need be, and
 *                          this make's for as long as it runs
 *     $(exit-with FILE)    ends make with the status written in FILE; by itself it can end only with 0, 1 or 2
 *
 * so that several `make run APP=…` may run at once in one tree, and each hands on its own program's exit status.
 *
 * What is held is a lock on a file, kept from make's children: it is released when make ends, in whatever way.
 */
#include <errno.h>
#include <fcntl.h>
#include <gnumake.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FOLDERS 1000

int plugin_is_GPL_compatible;

static int turn = -1;

static int lock_open(const char *path) { return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666); }

/* Where nothing can be locked make continues without. */
static char *begin_turn(const char *name, unsigned int argc, char **argv) {
    (void)name;
    (void)argc;
    turn = lock_open(argv[0]);
    if (turn < 0 || flock(turn, LOCK_EX | LOCK_NB) == 0) return NULL;
    fputs("make: waiting for another make to have built\n", stderr);
    while (flock(turn, LOCK_EX) != 0 && errno == EINTR) continue;
    return NULL;
}

static char *end_turn(const char *name, unsigned int argc, char **argv) {
    (void)name;
    (void)argc;
    (void)argv;
    if (turn >= 0) close(turn);
    turn = -1;
    return NULL;
}

/* True if the folder is ours now, or cannot be anybody's. */
static bool folder_take(const char *folder, size_t size) {
    char path[size + sizeof("/lock")];
    snprintf(path, sizeof(path), "%s/lock", folder);
    mkdir(folder, 0777);
    int lock = lock_open(path);
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) == 0) return true;
    close(lock);
    return false;
}

static char *own_folder(const char *name, unsigned int argc, char **argv) {
    (void)name;
    (void)argc;
    size_t size = strlen(argv[0]) + sizeof("-1000");
    char *folder = gmk_alloc((unsigned int)size);
    snprintf(folder, size, "%s", argv[0]);
    for (int i = 2; i < MAX_FOLDERS && !folder_take(folder, size); i++) snprintf(folder, size, "%s-%d", argv[0], i);
    return folder;
}

static char *exit_with(const char *name, unsigned int argc, char **argv) {
    (void)name;
    (void)argc;
    int status = 2;
    FILE *file = fopen(argv[0], "r");
    if (file == NULL || fscanf(file, "%d", &status) != 1) status = 2;
    if (file != NULL) fclose(file);
    exit(status);
}

int make_run_gmk_setup(void);
int make_run_gmk_setup(void) {
    gmk_add_function("begin-turn", begin_turn, 1, 1, GMK_FUNC_DEFAULT);
    gmk_add_function("end-turn", end_turn, 1, 1, GMK_FUNC_DEFAULT);
    gmk_add_function("own-folder", own_folder, 1, 1, GMK_FUNC_DEFAULT);
    gmk_add_function("exit-with", exit_with, 1, 1, GMK_FUNC_DEFAULT);
    return 1;
}
