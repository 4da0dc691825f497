/*
 * How threads end that nobody waits for any more, or only by a word in memory.
 *
 * void __port_thread_end(handle, word, region, addr, len): ends the calling thread. It closes the handle, if any,
 * unmaps `len` bytes of a region, if any, and sets the word, if any, to 0, for which it wakes a waiting thread. From
 * then on there may be no stack any more; so nothing here uses it.
 *
 * The two calls of <zircon/syscalls.h> that do the same in their own order are below.
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

        .macro  begin name
        .section .text._zx_\name, "ax", @progbits
        .globl  _zx_\name
        .weak   zx_\name
        .type   _zx_\name, @function
        .type   zx_\name, @function
_zx_\name:
zx_\name:
        .endm

        .macro  close_and_exit
        mov     %r12d, %edi
        ask     handle_close
        ask     thread_exit
        ud2
        .endm

/* (value_ptr, wake_count, new_value, close_handle) */
        begin   futex_wake_handle_close_thread_exit
        mov     %ecx, %r12d
        mov     %edx, (%rdi)
        ask     futex_wake
        close_and_exit

/* (handle, addr, len, close_handle). Until the unmapping has succeeded there is a stack. */
        begin   vmar_unmap_handle_close_thread_exit
        push    %r12
        mov     %ecx, %r12d
        ask     vmar_unmap
        test    %eax, %eax
        jnz     1f
        close_and_exit
1:      pop     %r12
        ret

        .section .note.GNU-stack, "", @progbits
