; Where a processor begins that another one starts: in real mode, at a page below 1 MiB that this code is copied to. It
; switches straight to 64-bit mode, with the kernel's own tables, in which that page is mapped at its own address
; for as long as processors are being started; then to C on a stack of its own.

global cpu_entry
global cpu_entry_args
global cpu_entry_end

CPU_ENTRY_BASE    equ 0x8000        ; start_cpu.c copies it there

%define AT(label) (CPU_ENTRY_BASE + label - cpu_entry)

MSR_EFER          equ 0xc0000080
CR0_VALUE         equ 0x80050033    ; PG AM WP NE ET MP PE; caches on
CR4_PAE           equ 1 << 5

section .rodata

bits 16

align 16
cpu_entry:
    cli
    cld
    xor ax, ax
    mov ds, ax
    o32 lgdt [AT(gdt_pointer)]
    mov eax, CR4_PAE
    mov cr4, eax
    mov eax, [AT(args.cr3)]
    mov cr3, eax
    mov ecx, MSR_EFER
    mov eax, [AT(args.efer)]
    xor edx, edx
    wrmsr
    mov eax, CR0_VALUE
    mov cr0, eax
    jmp dword 0x08:AT(start64)

bits 64

start64:
    xor eax, eax
    mov ss, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov rsp, [abs AT(args.stack)]
    mov rdi, [abs AT(args.cpu)]
    xor ebp, ebp                    ; backtraces end here
    mov rax, [abs AT(args.entry)]
    call rax
    ud2

align 8
gdt:
    dq 0
    dq 0x00209b0000000000           ; 64-bit kernel code; marked as accessed, for the page cannot be written
gdt_end:

gdt_pointer:
    dw gdt_end - gdt - 1
    dd AT(gdt)

align 8
cpu_entry_args:                     ; struct entry_args of start_cpu.c
args:
.cr3:             dq 0
.efer:            dq 0
.stack:           dq 0
.cpu:             dq 0
.entry:           dq 0
cpu_entry_end:
