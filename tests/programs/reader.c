/*
 * Threads that read standard input at once, a line at each call: ends with the number of lines, or with -1 if one was
 * not whole.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

#define THREADS 4

static atomic_int lines;
static atomic_bool torn;

/* A line is one letter many times over. */
static int read_lines(void *unused) {
    char line[128];
    ssize_t len;
    (void)unused;
    while ((len = read(STDIN_FILENO, line, sizeof(line))) > 0) {
        for (ssize_t i = 1; i < len - 1; i++) {
            if (line[i] != line[0]) torn = true;
        }
        if (line[len - 1] != '\n') torn = true;
        lines++;
    }
    return 0;
}

int main(void) {
    thrd_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        if (thrd_create(&threads[i], read_lines, NULL) != thrd_success) return -2;
    }
    for (int i = 0; i < THREADS; i++) thrd_join(threads[i], NULL);
    return torn ? -1 : lines;
}
