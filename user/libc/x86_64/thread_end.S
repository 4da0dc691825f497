/*
 * void __port_thread_end(handle, word, region, addr, len): ends the calling thread. It closes the handle, if any,
 * unmaps `len` bytes of a region, if any, and sets the word, if any, to 0, for which it wakes a waiting thread. From
 * then on there may be no stack any more; so nothing here uses it.
 */
        .set    number, 0x10000
#define SYSCALL(name, ...) .set number_##name, number; .set number, number + 1;
#include "syscalls/list.h"

        .macro  ask name
        mov     $number_\name, %eax
        syscall
        .endm

        .section .text.__port_thread_end, "ax", @progbits
        .globl  __port_thread_end
        .type   __port_thread_end, @function
__port_thread_end:
        mov     %rsi, %rbx
        mov     %edx, %r12d
        mov     %rcx, %r13
        mov     %r8, %r14
        test    %edi, %edi
        jz      1f
        ask     handle_close
1:      test    %r14, %r14
        jz      2f
        mov     %r12d, %edi
        mov     %r13, %rsi
        mov     %r14, %rdx
        ask     vmar_unmap
2:      test    %rbx, %rbx
        jz      3f
        movl    $0, (%rbx)
        mov     %rbx, %rdi
        mov     $1, %esi
        ask     futex_wake
3:      ask     thread_exit
        ud2
        .size   __port_thread_end, . - __port_thread_end

        .section .note.GNU-stack, "", @progbits
