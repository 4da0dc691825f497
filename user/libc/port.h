/*
 * What the files of the port layer share. The layer makes Debian's musl run here, unchanged: it takes the place of
 * the functions through which musl asks Linux for memory, time, streams and an end, by defining them first. What is not
 * replaced makes a Linux system call, which the kernel refuses, and the function fails with ENOSYS (linux.c).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <zircon/types.h>

/* Gives a function the names under which musl and programs look for it; a program may define the second itself. */
#define PORT_ALIAS(name, of) extern __typeof__(of) name __attribute__((weak, alias(#of)))

/* process.c: keeps the handles of the bootstrap message, by id. */
void __port_handles_keep(const uint32_t *ids, const zx_handle_t *handles, size_t count);

/* process.c: the root resource, if one came with the message. Borrowed: the program may take it, and close it. */
zx_handle_t __port_resource(void);

/* identity.c: the koid of an object; ZX_KOID_INVALID if the handle is none. */
zx_koid_t __port_koid(zx_handle_t handle);

/*
 * memory.c: maps a new VMO of that name, of whole pages, into the root region: at `*addr` if options have
 * ZX_VM_SPECIFIC or ZX_VM_SPECIFIC_OVERWRITE, else anywhere; `*addr` gets the place.
 */
zx_status_t __port_memory_map(const char *name, size_t len, zx_vm_option_t options, zx_vaddr_t *addr);

/* process.c: the process's first thread. */
zx_handle_t __port_main_thread(void);

/*
 * The machine's tls.c: how much zeroed memory a thread needs for thread-local storage; what makes such memory a thread's, and gives
 * its thread pointer; a thread's id for musl.
 */
size_t __port_tls_len(void);
void *__port_tls_place(char *block);
int __port_tid(zx_handle_t thread);

/* console.c: writes text of any length; reads one byte, or none at the end of the input. */
void __port_console_write(const char *text, size_t len);
size_t __port_console_read(char *buffer);

/*
 * terminal.c: the program's terminal, which is the console if its launcher gave it none. Writing shows all of the text
 * in any case. Reading waits for a byte at least; 0 is the end of the input.
 */
void __port_terminal_open(void);
void __port_terminal_write(const char *text, size_t len);
size_t __port_terminal_read(char *buffer, size_t size);

/* descriptors.c: as read() and write() do, but with the error's number, negative, as the result. */
ssize_t __port_read(long fd, void *buffer, size_t len);
ssize_t __port_write(long fd, const void *text, size_t len);
