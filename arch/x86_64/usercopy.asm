; User copies. Any instruction that touches user memory is listed in usercopy_fixups with the address to continue at
; when its page fault could not be resolved; trap.c looks there and nowhere else.
;
; Eight bytes a step, and where a step meets a bad byte the copy ends before it: if it were finished byte by byte, a
; reader of the other side could see a torn word for as long as the fault takes to resolve. String
; instructions keep rsi, rdi and rcx exact at a fault.
;
; Their callers, arch_inline/usercopy.h, name the registers that are changed here: usercopy_move changes rax, rcx, rdx,
; rsi and rdi, a store only rax.

global usercopy_move:function
global usercopy_store:function
global usercopy_store4:function
global usercopy_fixups
global usercopy_smap_sites

%macro FIXUP 2                      ; a fault at %1 continues at %2
    section .rodata.fixups
    dq %1, %2
    section .text
%endmacro

; STAC or CLAC, where the processor has SMAP: written over a NOP of the same length before anything is copied.
%macro SMAP_SITE 1
    section .rodata.smap_sites
    dq %%site
    db %1
    align 8, db 0
    section .text
%%site:
    db 0x0f, 0x1f, 0x00
%endmacro
%define STAC SMAP_SITE {0x0f, 0x01, 0xcb}
%define CLAC SMAP_SITE {0x0f, 0x01, 0xca}

section .rodata.fixups align=8
usercopy_fixups:

section .rodata.smap_sites align=8
usercopy_smap_sites:

section .text

; rdi: to, rsi: from, rdx: how many bytes; returns how many were left
usercopy_move:
    STAC
    mov rcx, rdx
    shr rcx, 3
.quads:
    rep movsq
    FIXUP .quads, .quads_bad
    and edx, 7
    jnz .tail
    CLAC
    xor eax, eax
    ret

.tail:
    mov ecx, edx
.bytes:
    rep movsb
    FIXUP .bytes, .done
.done:
    CLAC
    mov rax, rcx
    ret

.quads_bad:
    and edx, 7
    lea rcx, [rdx + rcx * 8]
    jmp .done

; rdi: to, the second argument: what, which is %3 and takes %2 bytes
%macro STORE 3
%1:
    STAC
.store:
    mov [rdi], %3
    FIXUP .store, .store_bad
    xor eax, eax
.stored:
    CLAC
    ret

.store_bad:
    mov eax, %2
    jmp .stored
%endmacro

STORE usercopy_store, 8, rsi
STORE usercopy_store4, 4, esi

section .rodata.fixups
    dq 0, 0

section .rodata.smap_sites
    dq 0, 0
