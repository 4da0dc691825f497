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
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "user/libc/port.h"

/* musl's struct pthread: it is smaller than this, and has the thread's id here. */
#define PTHREAD_SIZE 512
#define PTHREAD_ALIGN 64
#define PTHREAD_TID 0x30

/* An id that musl's locks can hold beside their flags. */
#define TID_MASK 0x3fffffff

void __init_tls(size_t *aux);
int __init_tp(void *thread);
int __set_thread_area(void *thread);

/* What the program's file says of its variables; nothing if it has none. */
static struct {
    const void *image;
    size_t image_len;
    size_t len; /* from the first variable to the thread pointer */
    size_t align;
} tls = {.align = PTHREAD_ALIGN};

/* The first variable's address and the thread pointer less `len` are the same but for multiples of the alignment. */
static void tls_learn(const Elf64_Phdr *header, uintptr_t image_base) {
    uintptr_t image = image_base + header->p_vaddr;
    if (header->p_align > tls.align) tls.align = header->p_align;
    tls.image = (const void *)image;
    tls.image_len = header->p_filesz;
    tls.len = header->p_memsz;
    tls.len += (0 - tls.len - image) & (tls.align - 1);
}

/* Linked to lie anywhere, a program has addresses that count from where it was put. */
static void headers_read(const size_t *aux) {
    const Elf64_Phdr *headers = (const void *)aux[AT_PHDR];
    for (size_t i = 0; i < aux[AT_PHNUM]; i++) {
        if (headers[i].p_type == PT_TLS) tls_learn(&headers[i], aux[AT_BASE]);
    }
}

/* Zeroed memory; NULL if there is none. It has no name of its own yet when the first thread asks. */
static char *block_map(size_t len) {
    zx_vaddr_t addr;
    return __port_memory_map("tls", len, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, &addr) == ZX_OK ? (char *)addr : NULL;
}

static size_t block_len(void) { return (tls.len + tls.align + PTHREAD_SIZE + ZX_PAGE_MASK) & ~(size_t)ZX_PAGE_MASK; }

void *__port_tls_create(void) {
    char *block = block_map(block_len());
    if (!block) return NULL;
    uintptr_t pointer = ((uintptr_t)block + tls.len + tls.align - 1) & ~(tls.align - 1);
    if (tls.image_len) memcpy((char *)pointer - tls.len, tls.image, tls.image_len);
    return (void *)pointer;
}

/*
 * musl asked Linux for the thread's id and took the refusal for one. Locks hold ids and want positive ones. Only what is
 * certainly that refusal is replaced.
 */
static void thread_id_set(void *thread) {
    int *id = (int *)((char *)thread + PTHREAD_TID);
    if (*id == ZX_ERR_BAD_SYSCALL) *id = (int)(__port_koid(zx_thread_self()) & TID_MASK);
}

/* Takes the place of musl's, which calls it with the list of facts, indexed by their numbers. */
void __init_tls(size_t *aux) {
    headers_read(aux);
    void *thread = __port_tls_create();
    if (!thread || __init_tp(thread) < 0) __builtin_trap();
    thread_id_set(thread);
}

/* Makes a thread pointer the calling thread's. musl calls this when it has laid out the thread's storage. */
int __set_thread_area(void *thread) {
    uintptr_t base = (uintptr_t)thread;
    return zx_object_set_property(zx_thread_self(), ZX_PROP_REGISTER_FS, &base, sizeof(base));
}
