/*
 * The system calls' user side: from each line of the list a function of that name, weak as zx_NAME and strong as
 * _zx_NAME. The number goes into eax, the fourth argument from rcx to r10, and the seventh and eighth from the stack
 * to r12 and r13, which belong to the caller. The kernel returns with the other argument registers cleared, so a stub
 * that may have to repeat its call keeps its arguments on the stack.
 */
#include <zircon/errors.h>

#define SYSCALL(name, kind, count, ...) stub name, kind, count

        .set    number, 0x10000

/* Debuggers find the caller's frame by these. */
        .cfi_sections .debug_frame

        .macro  stub name, kind, count
        .section .text._zx_\name, "ax", @progbits
        .globl  _zx_\name
        .weak   zx_\name
        .type   _zx_\name, @function
        .type   zx_\name, @function
zx_\name:
_zx_\name:
        .cfi_startproc
        .ifc    \kind, BLOCKING
        call_blocking \count
        .elseif \count > 6
        call_wide \count
        .else
        mov     %rcx, %r10
        mov     $number, %eax
        syscall
        ret
        .endif
        .cfi_endproc
        .size   _zx_\name, . - _zx_\name
        .size   zx_\name, . - zx_\name
        .set    number, number + 1
        .endm

        .macro  call_wide count
        push    %r12
        push    %r13
        .cfi_def_cfa_offset 24
        .cfi_offset r12, -16
        .cfi_offset r13, -24
        mov     24(%rsp), %r12
        .if     \count > 7
        mov     32(%rsp), %r13
        .endif
        mov     %rcx, %r10
        mov     $number, %eax
        syscall
        pop     %r13
        pop     %r12
        ret
        .endm

        .macro  call_blocking count
        .if     \count > 6
        .error  "a blocking call has at most six arguments"
        .endif
        push    %r9
        push    %r8
        push    %rcx
        push    %rdx
        push    %rsi
        push    %rdi
        .cfi_def_cfa_offset 56
1:      mov     (%rsp), %rdi
        mov     8(%rsp), %rsi
        mov     16(%rsp), %rdx
        mov     24(%rsp), %r10
        mov     32(%rsp), %r8
        mov     40(%rsp), %r9
        mov     $number, %eax
        syscall
        cmp     $ZX_ERR_INTERNAL_INTR_RETRY, %eax
        je      1b
        add     $48, %rsp
        ret
        .endm

#include "syscalls/list.h"

        .section .note.GNU-stack, "", @progbits
