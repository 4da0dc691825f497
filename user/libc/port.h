/*
 * What the files of the port layer share. The layer makes Debian's musl run here, unchanged: it takes the place of
 * the functions through which musl asks Linux for memory, time, streams and an end, by defining them first. What is not
 * replaced makes a Linux system call, which the kernel answers with ZX_ERR_BAD_SYSCALL, and the function fails.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <zircon/types.h>

/* Gives a function the names under which musl and programs look for it; a program may define the second itself. */
#define PORT_ALIAS(name, of) extern __typeof__(of) name __attribute__((weak, alias(#of)))

/* process.c: keeps the handles of the bootstrap message, by id. */
void __port_handles_keep(const uint32_t *ids, const zx_handle_t *handles, size_t count);

/* process.c: the root resource, if one came with the message. Borrowed: the program may take it, and close it. */
zx_handle_t __port_resource(void);

/* stdio.c: writes text of any length to the console. */
void __port_console_write(const char *text, size_t len);

/*
 * terminal.c: the program's terminal, which is the console if its launcher gave it none. Writing shows all of the text
 * in any case. Reading waits for a byte at least; 0 is the end of the input.
 */
void __port_terminal_open(void);
void __port_terminal_write(const char *text, size_t len);
size_t __port_terminal_read(char *buffer, size_t size);
