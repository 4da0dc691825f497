/*
 * A program that may lie anywhere: addresses in its data are right wherever that is. Ends with 0, or with the number of
 * what went wrong. With an argument it tells where it lies, in pages.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define NEED(condition)                    \
    do {                                   \
        if (!(condition)) return __LINE__; \
    } while (0)

static int twice(int n) { return 2 * n; }
static int thrice(int n) { return 3 * n; }

static int target = 5;
static int *const to_target = &target;
static int **volatile to_pointer = (int **)&to_target;
static const char *const words[] = {"zero", "one", "two"};
static int (*const functions[])(int) = {twice, thrice};
static _Thread_local const char *volatile word = "thread";
static _Thread_local _Alignas(128) volatile char room[1000];

extern const char __ehdr_start[];

int main(int argc, char **argv) {
    if (argc == 2) zx_process_exit((intptr_t)((uintptr_t)__ehdr_start / ZX_PAGE_SIZE));
    NEED(argc == 1 && strcmp(argv[0], "place-pie") == 0);
    NEED(*to_pointer == &target && **to_pointer == 5);
    NEED(strcmp(words[2], "two") == 0 && functions[1](7) == 21);
    NEED(strcmp(word, "thread") == 0 && room[999] == 0 && (uintptr_t)room % 128 == 0);
    errno = 3;
    char text[40];
    snprintf(text, sizeof(text), "%s %.2f %d", words[1], 2.5, errno);
    NEED(strcmp(text, "one 2.50 3") == 0);
    char *block = malloc(1 << 20);
    NEED(block != NULL);
    free(block);
    return 0;
}
