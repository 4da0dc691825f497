; User copies. Any instruction that touches user memory stands in usercopy_fixups with the place to go on at when
; its page fault could not be resolved; trap.c looks there and nowhere else.
;
; Eight bytes a step, and where such a step meets a bad byte the copy ends before it: were it finished byte by byte, whoever
; reads the other side could see a word in pieces for as long as the fault takes to resolve. String instructions keep
; rsi, rdi and rcx exact at a fault.

global arch_copy_from_user:function
global arch_copy_to_user:function
global arch_store_to_user:function
global usercopy_fixups

extern cpu_has                      ; its first byte: SMAP is on

%macro FIXUP 2                      ; a fault at %1 continues at %2
    section .rodata.fixups
    dq %1, %2
    section .text
%endmacro

section .rodata.fixups align=8
usercopy_fixups:

section .text

; rdi: to, rsi: from, rdx: how many bytes; returns how many were left
arch_copy_from_user:
arch_copy_to_user:
    cmp byte [rel cpu_has], 0
    je .move
    stac
.move:
    mov rcx, rdx
    shr rcx, 3
    jz .tail
.quads:
    rep movsq
    FIXUP .quads, .quads_bad
.tail:
    mov ecx, edx
    and ecx, 7
    jz .done
.bytes:
    rep movsb
    FIXUP .bytes, .done
.done:
    cmp byte [rel cpu_has], 0
    je .out
    clac
.out:
    mov rax, rcx
    ret

.quads_bad:
    mov eax, edx
    and eax, 7
    lea rcx, [rax + rcx * 8]
    jmp .done

; rdi: to, rsi: what
arch_store_to_user:
    cmp byte [rel cpu_has], 0
    je .store
    stac
.store:
    mov [rdi], rsi
    FIXUP .store, .store_bad
    xor eax, eax
.stored:
    cmp byte [rel cpu_has], 0
    je .store_out
    clac
.store_out:
    ret

.store_bad:
    mov eax, 8
    jmp .stored

section .rodata.fixups
    dq 0, 0
