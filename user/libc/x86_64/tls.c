/*
 * Thread-local storage. One block of memory for each thread, as the processor's ABI has it: the program's thread-local
 * variables end where the thread pointer points, and what musl keeps of a thread begins there.
 *
 *     | gap | variables, as the file has them, then zeros | struct pthread of musl |
 *                                                         ^ thread pointer, a multiple of the variables' alignment
 *
 * musl itself has room for a few bytes of variables and asks Linux for more; so this takes its place. Runs before the C
 * library is set up: no errno, no malloc.
 */
#include <elf.h>
#include <string.h>
#include <zircon/syscalls.h>

#include "user/libc/port.h"
#include "user/libc/pthread_impl.h"

/* Room for musl's struct pthread and the port's own fields behind it. */
#define PTHREAD_SIZE 512
#define PTHREAD_ALIGN 64
_Static_assert(sizeof(struct port_pthread) <= PTHREAD_SIZE, "the room for struct pthread is too small");

/* An id that musl's locks can hold beside their flags. */
#define TID_MASK 0x3fffffff

void __init_tls(size_t *aux);
int __init_tp(void *thread);
int __set_thread_area(void *thread);

/* What the program's file says of its variables; nothing if it has none. */
static struct {
    const void *image;
    size_t image_len;
    size_t len;   /* from the first variable to the thread pointer */
    size_t align; /* of the thread pointer */
} tls = {.align = PTHREAD_ALIGN};

/* The linker places the variables by their own alignment alone, counted back from the thread pointer. */
static void tls_learn(const Elf64_Phdr *header, uintptr_t image_base) {
    uintptr_t image = image_base + header->p_vaddr;
    size_t align = header->p_align ? header->p_align : 1;
    if (align > tls.align) tls.align = align;
    tls.image = (const void *)image;
    tls.image_len = header->p_filesz;
    tls.len = header->p_memsz;
    tls.len += (0 - tls.len - image) & (align - 1);
}

/* Linked to lie anywhere, a program has addresses that count from where it was put. */
static void headers_read(const size_t *aux) {
    const Elf64_Phdr *headers = (const void *)aux[AT_PHDR];
    for (size_t i = 0; i < aux[AT_PHNUM]; i++) {
        if (headers[i].p_type == PT_TLS) tls_learn(&headers[i], aux[AT_BASE]);
    }
}

size_t __port_tls_len(void) { return (tls.len + tls.align + PTHREAD_SIZE + ZX_PAGE_MASK) & ~(size_t)ZX_PAGE_MASK; }

void *__port_tls_place(char *block) {
    uintptr_t pointer = ((uintptr_t)block + tls.len + tls.align - 1) & ~(tls.align - 1);
    if (tls.image_len) memcpy((char *)pointer - tls.len, tls.image, tls.image_len);
    return (void *)pointer;
}

int __port_tid(zx_handle_t thread) { return (int)(__port_koid(thread) & TID_MASK); }

/* Takes the place of musl's, which calls it with the list of facts, indexed by their numbers. */
void __init_tls(size_t *aux) {
    zx_vaddr_t block;
    headers_read(aux);
    if (__port_memory_map("tls", __port_tls_len(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, &block) != ZX_OK)
        __builtin_trap();
    void *thread = __port_tls_place((char *)block);
    if (__init_tp(thread) < 0) __builtin_trap();
}

/* Makes a thread pointer the first thread's. musl calls this when it has laid out the thread's storage. */
int __set_thread_area(void *thread) { return machine_thread_pointer_set(__port_main_thread(), thread); }
