; memcpy, memmove and memset. String instructions: on hardware with fast ones nothing is faster for long ranges, and
; under emulation eight bytes a step beat one by the factor.

global memcpy:function
global memmove:function
global memset:function

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
