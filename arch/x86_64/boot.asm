; From the boot loader's hands into 64-bit C: the headers by which loaders know us, and two 32-bit entries,
; multiboot2's and PVH's. Both come with paging off and a pointer to what the loader has to tell in ebx.
;
; The tables made here map the first 4 GiB three times, by 2 MiB pages: at their own addresses, for the switch
; itself; at the physmap; and (its first GiB) where the image is linked. They lie behind the image's end, in memory that
; is handed out as free once mmu_boot.c has built the real ones.

%define PHYS(symbol) (symbol - KERNEL_IMAGE_BASE)

KERNEL_IMAGE_BASE equ 0xffffffff80000000

MULTIBOOT2_HEADER equ 0xe85250d6
MULTIBOOT2_MAGIC  equ 0x36d76289
PVH_MAGIC         equ 0x336ec578
XEN_PHYS32_ENTRY  equ 18

COM1              equ 0x3f8
DEBUG_EXIT        equ 0xf4
EXIT_PANIC        equ 0x12        ; as power.c has it

MSR_EFER          equ 0xc0000080
EFER_LME          equ 1 << 8
CR0_VALUE         equ 0x80050033    ; PG AM WP NE ET MP PE; caches on
CR4_PAE           equ 1 << 5
FLAGS_ID          equ 1 << 21

PRESENT_WRITE     equ 0x03
LARGE_PAGE        equ 0x83
BOOT_STACK_SIZE   equ 16384

global boot_stack_guard
extern machine_start

section .boot.header progbits alloc noexec nowrite align=8

header:
    dd MULTIBOOT2_HEADER
    dd 0                            ; protected mode, i386
    dd .end - header
    dd 0x100000000 - (MULTIBOOT2_HEADER + (.end - header))
    dw 3, 0                         ; the entry, as a physical address
    dd 12
    dd PHYS(multiboot2_entry)
    dd 0
    dw 6, 0                         ; modules on page boundaries
    dd 8
    dw 0, 0
    dd 8
.end:

section .note.pvh progbits alloc noexec nowrite align=4

    dd 4                            ; length of the name
    dd 8                            ; and of the value
    dd XEN_PHYS32_ENTRY
    db "Xen", 0
    dq PHYS(pvh_entry)

section .boot.text progbits alloc exec nowrite align=16

bits 32

multiboot2_entry:
    mov edi, eax
    jmp start32

pvh_entry:
    mov edi, PVH_MAGIC

; edi: which loader, ebx: what it passed
start32:
    cli
    cld
    mov esp, PHYS(boot_stack_top)
    mov esi, ebx
    call require_long_mode
    call build_tables

    mov eax, CR4_PAE
    mov cr4, eax
    mov eax, PHYS(boot_pml4)
    mov cr3, eax
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_LME
    wrmsr
    mov eax, CR0_VALUE
    mov cr0, eax
    lgdt [PHYS(boot_gdt_pointer)]
    jmp 0x08:PHYS(start64_low)

; Returns if the processor has a 64-bit mode, else says so and stops.
require_long_mode:
    pushfd
    pop eax
    mov ecx, eax
    xor eax, FLAGS_ID               ; whoever lets this flag change has CPUID
    push eax
    popfd
    pushfd
    pop eax
    cmp eax, ecx
    je .none
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb .none
    mov eax, 0x80000001
    cpuid
    test edx, 1 << 29
    jz .none
    ret
.none:
    mov esi, PHYS(no_long_mode)
.next:
    lodsb
    test al, al
    jz .stop
    mov ah, al
    mov dx, COM1 + 5
.wait:
    in al, dx
    test al, 0x20
    jz .wait
    mov al, ah
    mov dx, COM1
    out dx, al
    jmp .next
.stop:
    mov dx, DEBUG_EXIT
    mov eax, EXIT_PANIC
    out dx, eax
.halt:
    hlt
    jmp .halt

build_tables:
    mov eax, LARGE_PAGE
    xor ecx, ecx
.page:
    mov [PHYS(boot_pd) + ecx * 8], eax
    add eax, 1 << 21
    inc ecx
    cmp ecx, 4 * 512
    jne .page

    mov eax, PHYS(boot_pd) + PRESENT_WRITE
    mov [PHYS(boot_pdpt_image) + 510 * 8], eax
    xor ecx, ecx
.directory:
    mov [PHYS(boot_pdpt) + ecx * 8], eax
    add eax, 4096
    inc ecx
    cmp ecx, 4
    jne .directory

    mov eax, PHYS(boot_pdpt) + PRESENT_WRITE
    mov [PHYS(boot_pml4)], eax
    mov [PHYS(boot_pml4) + 256 * 8], eax
    mov dword [PHYS(boot_pml4) + 511 * 8], PHYS(boot_pdpt_image) + PRESENT_WRITE
    ret

bits 64

start64_low:
    mov rax, start64
    jmp rax

start64:
    xor eax, eax
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    mov rsp, boot_stack_top
    xor ebp, ebp                    ; backtraces end here
    mov edi, edi                    ; the upper halves are not promised
    mov esi, esi
    call machine_start
    ud2

section .rodata

no_long_mode: db "Jargoon needs a 64-bit processor (x86-64); this one has no long mode.", 13, 10, 0

align 8
boot_gdt:
    dq 0
    dq 0x00209a0000000000           ; 64-bit kernel code
boot_gdt_end:

boot_gdt_pointer:
    dw boot_gdt_end - boot_gdt - 1
    dq PHYS(boot_gdt)

section .bss align=4096

boot_stack_guard: resb 4096
boot_stack:       resb BOOT_STACK_SIZE
boot_stack_top:

section .boot.tables nobits alloc noexec write align=4096

boot_pml4:        resb 4096
boot_pdpt:        resb 4096
boot_pdpt_image:  resb 4096
boot_pd:          resb 4 * 4096
