; The way into panic(): every call of it comes here first (the linker's --wrap=panic), while the registers are still
; as they were where things went wrong. The first panic's are kept, for arch_registers_log().

global __wrap_panic:function
global panic_frame

extern __real_panic

; struct trap_frame
FRAME_RIP         equ 17 * 8
FRAME_CS          equ 18 * 8
FRAME_RFLAGS      equ 19 * 8
FRAME_RSP         equ 20 * 8
FRAME_SS          equ 21 * 8
FRAME_SIZE        equ 22 * 8

%macro KEEP 1-*                     ; in the order of the frame
    %assign offset 0
    %rep %0
    mov [rel panic_frame + offset], %1
    %assign offset offset + 8
    %rotate 1
    %endrep
%endmacro

section .bss
align 8
panic_frame: resb FRAME_SIZE
taken: resd 1

section .text

; Goes on with panic()'s own arguments: every register that may hold one is as it was, and so is the stack.
__wrap_panic:
    pushfq
    lock bts dword [rel taken], 0
    jc .later
    KEEP r15, r14, r13, r12, r11, r10, r9, r8, rbp, rbx, rax, rcx, rdx, rsi, rdi
    pop qword [rel panic_frame + FRAME_RFLAGS]
    mov r11, [rsp]
    mov [rel panic_frame + FRAME_RIP], r11
    lea r11, [rsp + 8]
    mov [rel panic_frame + FRAME_RSP], r11
    mov [rel panic_frame + FRAME_CS], cs
    mov [rel panic_frame + FRAME_SS], ss
    jmp __real_panic
.later:
    popfq
    jmp __real_panic
