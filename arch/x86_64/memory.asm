; memcpy, memmove and memset. String instructions: on hardware with fast ones nothing is faster for long ranges, and
; under emulation eight bytes a step beat one by the factor. For whole pages, and for objects of some hundred bytes that
; are to be zero, 32 bytes a step beat both under emulation, and are as good on hardware: there one vector register is
; used, which gets back what it held. It may be the user's, or that of a thread which has no place for vector state, so
; nobody else comes to run meanwhile.

global memcpy:function
global memmove:function
global memset:function
global arch_zero:function
global arch_page_zero:function
global arch_page_copy:function

extern cpu_has                      ; its second byte: wide moves

PAGE_SIZE         equ 4096
STEP              equ 32            ; bytes that a register holds
TURN              equ 32            ; steps in one turn of a loop
ZERO_TURN         equ 8             ; the same, of what is no page

section .text

; rdi: to, rsi: from, rdx: how many bytes
memmove:
    mov rax, rdi
    sub rax, rsi
    cmp rax, rdx
    jb .down                        ; the destination begins within the source
memcpy:
    mov rax, rdi
    mov rcx, rdx
    shr rcx, 3
    rep movsq
    mov ecx, edx
    and ecx, 7
    rep movsb
    ret

memmove.down:
    mov rax, rdi
    mov rcx, rdx
    lea rsi, [rsi + rdx - 1]
    lea rdi, [rdi + rdx - 1]
    std
    and ecx, 7
    rep movsb
    sub rsi, 7
    sub rdi, 7
    mov rcx, rdx
    shr rcx, 3
    rep movsq
    cld
    ret

; rdi: where, esi: byte, rdx: how many
memset:
    mov r8, rdi
    movzx eax, sil
    mov rcx, 0x0101010101010101
    imul rax, rcx
    mov rcx, rdx
    shr rcx, 3
    rep stosq
    mov ecx, edx
    and ecx, 7
    rep stosb
    mov rax, r8
    ret

%macro WIDE_BEGIN 0
    pushfq
    cli
    sub rsp, STEP
    vmovdqu [rsp], ymm0
%endmacro

%macro WIDE_END 0
    vmovdqu ymm0, [rsp]
    add rsp, STEP
    popfq
%endmacro

%macro ZERO 1                       ; so many steps
%assign at 0
%rep %1
    vmovdqu [rdi + at], ymm0
%assign at at + STEP
%endrep
%endmacro

; rdi: where, rsi: how many bytes. The last turn overlaps the one before.
arch_zero:
    lea rax, [rsi - ZERO_TURN * STEP]
    cmp rax, PAGE_SIZE              ; interrupts are off meanwhile
    ja .narrow
    cmp byte [rel cpu_has + 1], 0
    je .narrow
    WIDE_BEGIN
    add rax, rdi
    vpxor xmm0, xmm0, xmm0
.turn:
    ZERO ZERO_TURN
    add rdi, ZERO_TURN * STEP
    cmp rdi, rax
    jb .turn
    mov rdi, rax
    ZERO ZERO_TURN
    WIDE_END
    ret
.narrow:
    mov rdx, rsi
    xor esi, esi
    jmp memset

; rdi: a page
arch_page_zero:
    cmp byte [rel cpu_has + 1], 0
    je .narrow
    WIDE_BEGIN
    vpxor xmm0, xmm0, xmm0
    mov ecx, PAGE_SIZE / (TURN * STEP)
.turn:
    ZERO TURN
    add rdi, TURN * STEP
    dec ecx
    jnz .turn
    WIDE_END
    ret
.narrow:
    xor eax, eax
    mov ecx, PAGE_SIZE / 8
    rep stosq
    ret

; rdi: to, rsi: from; pages
arch_page_copy:
    cmp byte [rel cpu_has + 1], 0
    je .narrow
    WIDE_BEGIN
    mov ecx, PAGE_SIZE / (TURN * STEP)
.turn:
%assign at 0
%rep TURN
    vmovdqa ymm0, [rsi + at]
    vmovdqa [rdi + at], ymm0
%assign at at + STEP
%endrep
    add rdi, TURN * STEP
    add rsi, TURN * STEP
    dec ecx
    jnz .turn
    WIDE_END
    ret
.narrow:
    mov ecx, PAGE_SIZE / 8
    rep movsq
    ret
