/*
 * From the first instruction to main(). The bootstrap message is read onto the stack, where its strings stay for as
 * long as the program runs, and made into the block of words that musl's start-up code wants, as Linux lays it out:
 * arguments, environment, and a list of facts about the program. musl then sets up thread-local storage and calls the
 * constructors and main().
 *
 * A static-PIE program lies where its launcher put it, and first corrects the addresses in its own data; nothing before
 * that may use one of them. Nothing before the call of __libc_start_main may use errno, stdio, malloc or a stack
 * protector.
 */
#include <elf.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "libc_inline/machine.h"
#include "user/libc/bootstrap.h"
#include "user/libc/port.h"

#define MAX_STRINGS (128 << 10)
#define AUX_COUNT 6

int main(int argc, char **argv, char **envp);
int __libc_start_main(int (*entry)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*ldso)(void));
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

static const Elf64_Phdr *program_headers(void) {
    return (const void *)((const char *)&__ehdr_start + __ehdr_start.e_phoff);
}

static const Elf64_Phdr *program_header(uint32_t type) {
    const Elf64_Phdr *headers = program_headers();
    for (size_t i = 0; i < __ehdr_start.e_phnum; i++) {
        if (headers[i].p_type == type) return &headers[i];
    }
    return NULL;
}

/* The thread's variables, what musl keeps of it, which is less than 1.5 KiB, and its first frames. */
size_t __port_thread_top(void) {
    const Elf64_Phdr *variables = program_header(PT_TLS);
    return (variables ? variables->p_memsz + variables->p_align : 0) + 2048;
}

/* How far from the addresses in its file the program lies. Its first segment begins with the headers. */
static uintptr_t program_bias(void) {
    const Elf64_Phdr *first = program_header(PT_LOAD);
    return first ? (uintptr_t)&__ehdr_start - first->p_vaddr : 0;
}

/* One fix-up. A static program has none that would need a symbol. */
static void relocate(const Elf64_Rela *fix, uintptr_t bias) {
    if (ELF64_R_TYPE(fix->r_info) != MACHINE_RELOCATION_RELATIVE) refuse("This program wants a dynamic linker.\n");
    *(uintptr_t *)(bias + fix->r_offset) = bias + (uintptr_t)fix->r_addend;
}

/* Makes the addresses in the data of a program that may lie anywhere those of the place where it is. */
static void program_relocate(void) {
    const Elf64_Phdr *dynamic = program_header(PT_DYNAMIC);
    if (!dynamic) return;
    uintptr_t bias = program_bias();
    const char *fixes = NULL;
    size_t len = 0;
    for (const Elf64_Dyn *entry = (const void *)(bias + dynamic->p_vaddr); entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_RELA) fixes = (const char *)(bias + entry->d_un.d_ptr);
        if (entry->d_tag == DT_RELASZ) len = entry->d_un.d_val;
    }
    for (size_t at = 0; fixes && at < len; at += sizeof(Elf64_Rela)) relocate((const void *)(fixes + at), bias);
}

/* Sixteen random bytes, for stack protectors and the heap. */
static void *seed(void) {
    static uint64_t words[2];
    zx_cprng_draw(words, sizeof(words));
    return words;
}

/* The list of facts. */
static void aux_fill(Elf64_auxv_t *aux) {
    const Elf64_auxv_t facts[AUX_COUNT] = {
        {AT_PHDR, {(uintptr_t)program_headers()}}, {AT_PHENT, {sizeof(Elf64_Phdr)}},
        {AT_PHNUM, {__ehdr_start.e_phnum}},        {AT_PAGESZ, {ZX_PAGE_SIZE}},
        {AT_RANDOM, {(uintptr_t)seed()}},          {AT_NULL, {0}},
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

/* A message that is too long for a channel lies in a VMO: its strings are taken from there. False: it is broken. */
static bool long_message_read(const zx_handle_t *handles, uint32_t handle_count, struct bootstrap *start) {
    for (uint32_t i = 0; i < handle_count; i++) {
        zx_vaddr_t at;
        uint64_t len;
        struct bootstrap strings;
        if (start->ids[i] != BOOTSTRAP_MESSAGE_ID) continue;
        if (zx_vmo_get_size(handles[i], &len) != ZX_OK) return false;
        if (zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, handles[i], 0, len, &at) != ZX_OK)
            return false;
        if (!__port_bootstrap_read((const void *)at, len, 0, &strings)) return false;
        strings.ids = start->ids;
        *start = strings;
    }
    return true;
}

_Noreturn void __port_start(zx_handle_t bootstrap) {
    program_relocate();
    uint32_t len = 0;
    uint32_t handle_count = 0;
    zx_status_t status = zx_channel_read(bootstrap, 0, NULL, NULL, 0, 0, &len, &handle_count);
    if (status != ZX_ERR_BUFFER_TOO_SMALL) refuse("A program was started without its arguments.\n");
    uint32_t message[len / sizeof(uint32_t) + 1];
    zx_handle_t handles[handle_count + 1];
    struct bootstrap start;
    status = zx_channel_read(bootstrap, 0, message, handles, len, handle_count, NULL, NULL);
    zx_handle_close(bootstrap);
    if (status != ZX_OK || !__port_bootstrap_read(message, len, handle_count, &start))
        refuse("A program was started with arguments that make no sense.\n");
    __port_handles_keep(start.ids, handles, handle_count);
    if (!long_message_read(handles, handle_count, &start)) refuse("A program was started with broken arguments.\n");
    __port_terminal_open();
    musl_start(&start);
}
