/*
 * What `syscall` has become in musl (redirect): the number is in rax, the arguments in rdi, rsi, rdx, r10, r8 and r9,
 * and the result comes in rax. As after a system call of Linux all other registers but rcx and r11 are as before; the
 * vector registers are because nothing that __port_linux calls uses them.
 */
        .section .text.__port_linux_entry, "ax", @progbits
        .globl  __port_linux_entry
        .type   __port_linux_entry, @function
__port_linux_entry:
        push    %rbp
        mov     %rsp, %rbp
        push    %r9
        push    %r8
        push    %r10
        push    %rdx
        push    %rsi
        push    %rdi
        mov     %rax, %rdi
        mov     %rsp, %rsi
        and     $-16, %rsp
        call    __port_linux
        lea     -48(%rbp), %rsp
        pop     %rdi
        pop     %rsi
        pop     %rdx
        pop     %r10
        pop     %r8
        pop     %r9
        pop     %rbp
        ret
        .size   __port_linux_entry, . - __port_linux_entry

        .section .note.GNU-stack, "", @progbits
