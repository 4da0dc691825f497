/*
 * The first instruction of a program: rdi is its end of the bootstrap channel, rsp the top of its stack. The C code
 * begins with an aligned stack and at the outermost frame.
 */
        .section .text._start, "ax", @progbits
        .globl  _start
        .type   _start, @function
_start:
        xor     %ebp, %ebp
        and     $-16, %rsp
        call    __port_start
        ud2
        .size   _start, . - _start

        .section .note.GNU-stack, "", @progbits
