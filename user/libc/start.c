/*
 * From the first instruction to main(). The bootstrap message is read onto the stack, where its strings stay for as
 * long as the program runs, and made into the block of words that musl's start-up code wants, as Linux lays it out:
 * arguments, environment, and a list of facts about the program. musl then sets up thread-local storage and calls
 * the constructors and main().
 *
 * Nothing before the call of __libc_start_main may use errno, stdio, malloc or a stack protector.
 */
#include <elf.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "user/libc/bootstrap.h"
#include "user/libc/port.h"

#define MAX_STRINGS 4096
#define AUX_COUNT 6

/* What musl keeps beside the thread-local variables of the first thread leaves this much for them. */
#define MAX_TLS_SIZE 96
#define MAX_TLS_ALIGN 16

/* The offset of the thread's id in musl's struct pthread. */
#define PTHREAD_TID 0x30

int main(int argc, char **argv, char **envp);
int __libc_start_main(int (*entry)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*ldso)(void));
int __set_thread_area(void *thread);
_Noreturn void __port_start(zx_handle_t bootstrap);

/* The linker's name for the beginning of the program's headers in memory. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

/* What C++ programs register their destructors with. */
extern void *__dso_handle;
__attribute__((visibility("hidden"))) void *__dso_handle;

static _Noreturn void refuse(const char *reason) {
    __port_console_write(reason, strlen(reason));
    zx_process_exit(ZX_ERR_INVALID_ARGS);
}

/* musl has room for little thread-local storage unless Linux gives it more, and would crash without a word. */
static void tls_check(const Elf64_Phdr *headers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (headers[i].p_type != PT_TLS) continue;
        if (headers[i].p_memsz <= MAX_TLS_SIZE && headers[i].p_align <= MAX_TLS_ALIGN) continue;
        refuse("This program has more thread-local variables than there is room for.\n");
    }
}

/* Sixteen random bytes, for stack protectors and the heap. */
static void *seed(void) {
    static uint64_t words[2];
    zx_cprng_draw(words, sizeof(words));
    return words;
}

/* The list of facts. */
static void aux_fill(Elf64_auxv_t *aux) {
    const Elf64_Phdr *headers = (const void *)((const char *)&__ehdr_start + __ehdr_start.e_phoff);
    tls_check(headers, __ehdr_start.e_phnum);
    const Elf64_auxv_t facts[AUX_COUNT] = {
        {AT_PHDR, {(uintptr_t)headers}}, {AT_PHENT, {sizeof(*headers)}},   {AT_PHNUM, {__ehdr_start.e_phnum}},
        {AT_PAGESZ, {ZX_PAGE_SIZE}},     {AT_RANDOM, {(uintptr_t)seed()}}, {AT_NULL, {0}},
    };
    memcpy(aux, facts, sizeof(facts));
}

/* Lays out the block and starts musl with it. `start` points into this frame, which is never left. */
static _Noreturn void musl_start(const struct bootstrap *start) {
    if (start->args_num > MAX_STRINGS || start->environ_num > MAX_STRINGS) refuse("Too many arguments.\n");
    size_t pointers = start->args_num + 1 + start->environ_num + 1;
    uintptr_t block[pointers + AUX_COUNT * sizeof(Elf64_auxv_t) / sizeof(uintptr_t)];
    char **argv = (char **)block;
    char **envp = argv + start->args_num + 1;
    __port_bootstrap_strings(start->args, start->args_num, argv);
    argv[start->args_num] = NULL;
    __port_bootstrap_strings(start->environ, start->environ_num, envp);
    envp[start->environ_num] = NULL;
    aux_fill((Elf64_auxv_t *)(block + pointers));
    __libc_start_main(main, (int)start->args_num, argv, NULL, NULL, NULL);
    __builtin_unreachable();
}

_Noreturn void __port_start(zx_handle_t bootstrap) {
    uint32_t len = 0;
    uint32_t handle_count = 0;
    zx_status_t status = zx_channel_read(bootstrap, 0, NULL, NULL, 0, 0, &len, &handle_count);
    if (status != ZX_ERR_BUFFER_TOO_SMALL) refuse("A program was started without its arguments.\n");
    uint32_t message[len / sizeof(uint32_t) + 1];
    zx_handle_t handles[handle_count + 1];
    struct bootstrap start;
    status = zx_channel_read(bootstrap, 0, message, handles, len, handle_count, NULL, NULL);
    zx_handle_close(bootstrap);
    if (status != ZX_OK || !__port_bootstrap_read(message, len, handle_count, &start)) {
        refuse("A program was started with arguments that make no sense.\n");
    }
    __port_handles_keep(start.ids, handles, handle_count);
    musl_start(&start);
}

/* Makes a thread pointer the calling thread's. musl calls this when it has laid out the thread's storage. */
int __set_thread_area(void *thread) {
    uintptr_t base = (uintptr_t)thread;
    return zx_object_set_property(zx_thread_self(), ZX_PROP_REGISTER_FS, &base, sizeof(base));
}

/*
 * musl asked Linux for the thread's id, and took the refusal for one. Locks hold ids and want positive ones. Only what
 * is certainly that refusal is replaced.
 */
__attribute__((constructor(101))) static void thread_id_set(void) {
    if (gettid() != ZX_ERR_BAD_SYSCALL) return;
    int *id = (int *)((char *)pthread_self() + PTHREAD_TID);
    if (*id == ZX_ERR_BAD_SYSCALL) *id = 1;
}
