/*
 * Signals: waits that one breaks off, and the ways into a handler and out of it.
 *
 * A thread handles a signal on a frame (struct signal_frame) that holds its registers. The vector registers are saved
 * below it. Afterwards all are as the frame has them, which the handler may have changed; the last of them come from
 * below the red zone of the stack that it returns to, for a frame is no more once the stack pointer is above it.
 */
#include <zircon/errors.h>

        .set    number, 0x10000
#define SYSCALL(name, ...) .set number_##name, number; .set number, number + 1;
#include "syscalls/list.h"

#define CANCELS 0x40000000

/* Where struct signal_frame has them (signal_frame.c holds this to be so), and its length. */
#define GREG(i) 40 + 8 * (i)
#define AT_R8 GREG(0)
#define AT_R9 GREG(1)
#define AT_R10 GREG(2)
#define AT_R11 GREG(3)
#define AT_R12 GREG(4)
#define AT_R13 GREG(5)
#define AT_R14 GREG(6)
#define AT_R15 GREG(7)
#define AT_RDI GREG(8)
#define AT_RSI GREG(9)
#define AT_RBP GREG(10)
#define AT_RBX GREG(11)
#define AT_RDX GREG(12)
#define AT_RAX GREG(13)
#define AT_RCX GREG(14)
#define AT_RSP GREG(15)
#define AT_RIP GREG(16)
#define AT_FLAGS GREG(17)
#define AT_NUMBER 936
#define FRAME_LEN 1072
/* Below the stack pointer: 128 bytes that belong to the function, and three words for the way back. */
#define RED_ZONE 128
#define KEEP (RED_ZONE + 24)

        .cfi_sections .debug_frame

        .macro  function name
        .section .text.\name, "ax", @progbits
        .globl  \name
        .type   \name, @function
\name:
        .endm

/* __port_NAME(signals, the call's arguments …): see signals.h. */
        .macro  wait name
        function __port_\name
        mov     $number_\name, %eax
        jmp     wait_call
        .endm

        wait    futex_wait
        wait    nanosleep
        wait    object_wait_one
        wait    debug_read

/* A thread that is stopped between begin and end, where it has looked and does not yet wait, begins again. */
        .section .text.wait_call, "ax", @progbits
wait_call:
        .cfi_startproc
        push    %r8
        push    %rcx
        push    %rdx
        push    %rsi
        push    %rdi
        push    %rax
        .cfi_def_cfa_offset 56
        .globl  __port_wait_begin, __port_wait_end
__port_wait_begin:
        mov     8(%rsp), %rdi
        test    %rdi, %rdi
        jz      1f
        mov     8(%rdi), %rax
        not     %rax
        test    %rax, (%rdi)
        mov     $ZX_ERR_INTERNAL_INTR_RETRY, %eax
        jnz     2f
1:      mov     (%rsp), %eax
        mov     16(%rsp), %rdi
        mov     24(%rsp), %rsi
        mov     32(%rsp), %rdx
        mov     40(%rsp), %r10
        syscall
__port_wait_end:
        cmp     $ZX_ERR_INTERNAL_INTR_RETRY, %eax
        je      __port_wait_begin
2:      add     $48, %rsp
        .cfi_def_cfa_offset 8
        ret
        .cfi_endproc

/* (signal, top): as a stopped thread is made to, but for the registers that a called function need not keep. */
        function __port_signal_here
        pop     %rax
        mov     %rsp, %rdx
        lea     -KEEP(%rsp), %rcx
        test    %rsi, %rsi
        cmovz   %rcx, %rsi
        lea     -FRAME_LEN(%rsi), %rsp
        and     $-16, %rsp
        mov     %edi, %r8d
        cld
        mov     %rsp, %rdi
        mov     %rax, %r9
        xor     %eax, %eax
        mov     $FRAME_LEN / 8, %ecx
        rep stosq
        mov     %r8d, AT_NUMBER(%rsp)
        mov     %r9, AT_RIP(%rsp)
        mov     %rdx, AT_RSP(%rsp)
        mov     %rbx, AT_RBX(%rsp)
        mov     %rbp, AT_RBP(%rsp)
        mov     %r12, AT_R12(%rsp)
        mov     %r13, AT_R13(%rsp)
        mov     %r14, AT_R14(%rsp)
        mov     %r15, AT_R15(%rsp)
        pushf
        pop     AT_FLAGS(%rsp)
        jmp     __port_signal_enter

/* The stack pointer is at the frame. Debuggers find the caller's registers there. */
        function __port_signal_enter
        .cfi_startproc
        .cfi_signal_frame
        mov     %rsp, %rbx
        .cfi_def_cfa rbx, 0
        .cfi_offset rip, AT_RIP
        .cfi_offset rsp, AT_RSP
        .cfi_offset rbx, AT_RBX
        .cfi_offset rbp, AT_RBP
        .cfi_offset r12, AT_R12
        .cfi_offset r13, AT_R13
        .cfi_offset r14, AT_R14
        .cfi_offset r15, AT_R15
        cld
        sub     __port_vector_len(%rip), %rsp
        and     $-64, %rsp
        cmpb    $0, __port_vector_xsave(%rip)
        je      1f
        xor     %eax, %eax
        lea     512(%rsp), %rdi
        mov     $8, %ecx
        rep stosq
        dec     %rax
        mov     %rax, %rdx
        xsave64 (%rsp)
        mov     %rbx, %rdi
        call    __port_signal_handle
        mov     $-1, %eax
        mov     %eax, %edx
        xrstor64 (%rsp)
        jmp     2f
1:      fxsave64 (%rsp)
        mov     %rbx, %rdi
        call    __port_signal_handle
        fxrstor64 (%rsp)
2:      mov     AT_RSP(%rbx), %rax
        sub     $KEEP, %rax
        mov     AT_RIP(%rbx), %rcx
        mov     %rcx, 16(%rax)
        mov     AT_FLAGS(%rbx), %rcx
        mov     %rcx, 8(%rax)
        mov     AT_RBX(%rbx), %rcx
        mov     %rcx, (%rax)
        mov     %rax, AT_RSP(%rbx)
        mov     AT_R8(%rbx), %r8
        mov     AT_R9(%rbx), %r9
        mov     AT_R10(%rbx), %r10
        mov     AT_R11(%rbx), %r11
        mov     AT_R12(%rbx), %r12
        mov     AT_R13(%rbx), %r13
        mov     AT_R14(%rbx), %r14
        mov     AT_R15(%rbx), %r15
        mov     AT_RDI(%rbx), %rdi
        mov     AT_RSI(%rbx), %rsi
        mov     AT_RBP(%rbx), %rbp
        mov     AT_RDX(%rbx), %rdx
        mov     AT_RAX(%rbx), %rax
        mov     AT_RCX(%rbx), %rcx
        mov     AT_RSP(%rbx), %rsp
        pop     %rbx
        popf
        ret     $RED_ZONE
        .cfi_endproc

/*
 * (cancel, number, arguments …): in musl's place, a call at which a thread may be cancelled. musl has its signal's
 * handler compare the program counter with the code up to the `syscall`, to see whether the call has been made. Here a
 * wait that has not begun is broken off like one that has, so there is no such code.
 */
        .weak   __cancel
        function __syscall_cp_asm
        .globl  __cp_begin, __cp_end, __cp_cancel
__cp_begin:
__cp_end:
        cmpl    $0, (%rdi)
        jne     __cp_cancel
        lea     CANCELS(%rsi), %rax
        mov     %rdx, %rdi
        mov     %rcx, %rsi
        mov     %r8, %rdx
        mov     %r9, %r10
        mov     8(%rsp), %r8
        mov     16(%rsp), %r9
        jmp     __port_linux_entry
__cp_cancel:
        jmp     __cancel

        .section .note.GNU-stack, "", @progbits
