; The way into panic(): every call of it comes here first (the linker's --wrap=panic), while the registers are still
; as they were where things went wrong. Those of each processor's first call are kept, for arch_registers_log().

global __wrap_panic:function

extern __real_panic

; struct percpu
PERCPU_FRAME      equ 32
PERCPU_PANICKED   equ 208

; struct trap_frame
FRAME_RIP         equ 17 * 8
FRAME_CS          equ 18 * 8
FRAME_RFLAGS      equ 19 * 8
FRAME_RSP         equ 20 * 8
FRAME_SS          equ 21 * 8

%macro KEEP 1-*                     ; in the order of the frame
    %assign offset 0
    %rep %0
    mov [gs:PERCPU_FRAME + offset], %1
    %assign offset offset + 8
    %rotate 1
    %endrep
%endmacro

section .text

; Goes on with panic()'s own arguments: every register that may hold one is as it was, and so is the stack. Interrupts
; stay off from here on, so that the processor is the same.
__wrap_panic:
    pushfq
    cli
    bts dword [gs:PERCPU_PANICKED], 0
    jc .later
    KEEP r15, r14, r13, r12, r11, r10, r9, r8, rbp, rbx, rax, rcx, rdx, rsi, rdi
    pop qword [gs:PERCPU_FRAME + FRAME_RFLAGS]
    mov r11, [rsp]
    mov [gs:PERCPU_FRAME + FRAME_RIP], r11
    lea r11, [rsp + 8]
    mov [gs:PERCPU_FRAME + FRAME_RSP], r11
    mov [gs:PERCPU_FRAME + FRAME_CS], cs
    mov [gs:PERCPU_FRAME + FRAME_SS], ss
    jmp __real_panic
.later:
    lea rsp, [rsp + 8]
    jmp __real_panic
