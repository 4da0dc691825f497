; Ways into the kernel and back: 256 interrupt vectors, the system call, and the first entry of a thread into user
; mode. Each leaves a struct trap_frame (trap.h), and for user code always at the same place, the top of the thread's
; kernel stack, so that somebody else can read and change all of a stopped thread's registers. A system call fills most
; of it only when the thread is about to stop: while it runs, nobody may look.
;
; On every entry: GS is the kernel's, the direction flag and AC are clear, interrupts are off.

global vector_entries
global syscall_entry:function
global trap_returned
global trap_ist_returned
global arch_enter_user:function
global verw_sites

extern trap_handle
extern trap_handle_ist
extern user_return
extern lock_rank_assert_none
extern upcall_syscall_table
extern upcall_syscall_count
extern upcall_syscall_direct
extern upcall_syscall_traced
extern upcall_bad_syscall
extern cpu_has                      ; its first byte: SMAP is on

; struct percpu
PERCPU_CURRENT    equ 8
PERCPU_CALL_SP    equ 16
PERCPU_USER_SP    equ 24

; struct arch_thread
THREAD_ATTENTION  equ 8

; struct trap_frame
FRAME_RAX         equ 10 * 8
FRAME_CS          equ 18 * 8
FRAME_SIZE        equ 22 * 8

; A system call begins so far below the top of the stack that its calls' stack is aligned without more
CALL_ROOM         equ 8

; What it leaves there while it runs: its seventh and eighth argument, and the way back
SAVED_RIP         equ 2 * 8
SAVED_FLAGS       equ 3 * 8
SAVED_SP          equ 4 * 8

KERNEL_DATA       equ 0x10
USER_DATA         equ 0x23
USER_CODE         equ 0x2b
USER_FLAGS        equ 0x202

VECTOR_SYSCALL    equ 0x100
SYSCALL_BASE      equ 0x10000
SYSCALL_MASK      equ 127           ; of the table's places (upcall.h)
MSR_GS_BASE       equ 0xc0000101

%macro PUSH 1-*
    %rep %0
    push %1
    %rotate 1
    %endrep
%endmacro

%macro PUSH_REGISTERS 0
    PUSH rdi, rsi, rdx, rcx, rax, rbx, rbp, r8, r9, r10, r11, r12, r13, r14, r15
%endmacro

%macro POP 1-*
    %rep %0
    pop %1
    %rotate 1
    %endrep
%endmacro

%macro POP_REGISTERS 0
    POP r15, r14, r13, r12, r11, r10, r9, r8, rbp, rbx, rax, rcx, rdx, rsi, rdi
    add rsp, 16                     ; vector and error code
%endmacro

; The frame of a system call, from the registers as they are, rcx and r11 apart; interrupts are off, and %1 bytes lie on
; the stack below what the entry left there.
%macro FILL_FRAME 1
%if %1
    add rsp, %1
%endif
    pop rcx
    pop r11
    pop qword [gs:PERCPU_USER_SP]
    add rsp, CALL_ROOM
    push USER_DATA
    push qword [gs:PERCPU_USER_SP]
    push r11
    push USER_CODE
    push rcx
    push 0                          ; no error code
    push VECTOR_SYSCALL
    PUSH_REGISTERS
%endmacro

; Has the processor forget what its buffers hold of the kernel's, last of all before user code. Where it has no need of
; that, or cannot, the instruction is made a NOP of its length (cpu.c). It changes ZF, which comes back with the flags.
%macro CLEAR_BUFFERS 0
    section .rodata.verw_sites
    dq %%site
    section .text
%%site:
    verw [rel data_selector]
%endmacro

section .rodata.verw_sites align=8
verw_sites:

section .rodata
data_selector: dw KERNEL_DATA

; User code can set both flags, and interrupts leave them as they are.
%macro CLEAR_FLAGS 1                ; %1: a label for its end
    cld
    cmp byte [rel cpu_has], 0
    je %1
    clac
%1:
%endmacro

section .text

; One entry for each vector, 16 bytes apart: what the processor does not push, the vector, and on to the common part.
align 16
vector_entries:
%assign vector 0
%rep 256
    align 16
    %if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    push 0                          ; no error code
    %endif
    push strict dword vector
    %if vector == 1 || vector == 2 || vector == 8 || vector == 18
    jmp trap_ist_entry
    %else
    jmp trap_entry
    %endif
    %assign vector vector + 1
%endrep

align 16
trap_entry:
    test byte [rsp + 3 * 8], 3      ; cs
    jz .on_kernel_gs
    swapgs
.on_kernel_gs:
    lfence                          ; nothing is loaded by the wrong GS, not even by a processor that guesses
    PUSH_REGISTERS
    CLEAR_FLAGS trap_dispatch
    mov rdi, rsp
    call trap_handle
trap_returned:
trap_resume:
    test byte [rsp + FRAME_CS], 3
    jz .to_kernel
    swapgs
    POP_REGISTERS
    CLEAR_BUFFERS
    iretq
.to_kernel:
    POP_REGISTERS
    iretq

; Debug, NMI, double fault and machine check bring a stack of their own, because they can strike where the
; kernel has no stack yet, or user mode's GS still: in the first and last instructions of a system call. So the
; code segment does not say whose GS it is; its value does, since only the kernel's is in the upper half.
trap_ist_entry:
    PUSH_REGISTERS
    CLEAR_FLAGS .flags_clear
    test byte [rsp + FRAME_CS], 3
    jnz trap_ist_from_user
    xor ebx, ebx
    mov ecx, MSR_GS_BASE
    rdmsr
    test edx, edx
    js .on_kernel_gs
    swapgs
    inc ebx
.on_kernel_gs:
    lfence
    mov rdi, rsp
    call trap_handle_ist
trap_ist_returned:
    test ebx, ebx
    jz .resume
    swapgs
.resume:
    POP_REGISTERS
    iretq

; Nothing special then: moves to the thread's stack, where the handler may sleep.
trap_ist_from_user:
    swapgs
    lfence
    mov rsi, rsp
    mov rsp, [gs:PERCPU_CALL_SP]
    sub rsp, FRAME_SIZE - CALL_ROOM
    mov rdi, rsp
    mov ecx, FRAME_SIZE / 8
    rep movsq
    jmp trap_dispatch

; rax: number; arguments in rdi rsi rdx r10 r8 r9 r12 r13; rcx and r11 hold the way back. The mask in SFMASK has
; cleared every flag that could harm. The handlers are C, so rbx, rbp and r12 to r15 come back as they were, and need
; to be in memory only if somebody wants this thread's attention.
align 16
syscall_entry:
    swapgs
    mov [gs:PERCPU_USER_SP], rsp
    mov rsp, [gs:PERCPU_CALL_SP]
    push qword [gs:PERCPU_USER_SP]
    push r11
    push rcx
    sti
    sub rax, SYSCALL_BASE
    cmp rax, [rel upcall_syscall_direct]
    jae .not_direct
    and eax, SYSCALL_MASK           ; which changes nothing but for a processor that guesses otherwise
    mov rcx, r10
    push r13
    push r12
    call [upcall_syscall_table + rax * 8]
.done:
%ifdef DEBUG
    mov [rsp], rax
    call lock_rank_assert_none
    mov rax, [rsp]
%endif
    cli
    mov rdi, [gs:PERCPU_CURRENT]
    xor esi, esi
    xor edx, edx
    xor r10d, r10d
    xor r8d, r8d
    xor r9d, r9d
    mov rcx, [rsp + SAVED_RIP] ; in the lower half: it follows an instruction that user mode ran
    mov r11, [rsp + SAVED_FLAGS]
    cmp dword [rdi + THREAD_ATTENTION], 0
    mov edi, 0
    jne .attention
    mov rsp, [rsp + SAVED_SP]
    swapgs
    CLEAR_BUFFERS
    o64 sysret

; Calls are being recorded, or it is none.
.not_direct:
    cmp rax, [rel upcall_syscall_count]
    jae .refused
    and eax, SYSCALL_MASK
    mov rcx, r10
    push rax                        ; for the stack's alignment
    push rax
    push r13
    push r12
    call upcall_syscall_traced
    add rsp, 2 * 8
    jmp .done

; Not one of our numbers, so maybe a C library that takes us for Linux and expects its registers back.
.refused:
    cli
    FILL_FRAME 0
    sti
    call upcall_bad_syscall
    mov [rsp + FRAME_RAX], rax
    mov rdi, rsp
    call user_return
    jmp trap_resume

.attention:
    FILL_FRAME 16
    mov rdi, rsp
    call user_return
    jmp trap_resume

; rdi: entry, rsi: stack, rdx and rcx: the two arguments. What the stack held so far is of no use any more.
arch_enter_user:
    cli
    mov rsp, [gs:PERCPU_CALL_SP]
    add rsp, CALL_ROOM
    push USER_DATA
    push rsi
    push USER_FLAGS
    push USER_CODE
    push rdi
    push 0
    push VECTOR_SYSCALL
    push rdx                        ; rdi
    push rcx                        ; rsi
    xor eax, eax
    %rep 13
    push rax
    %endrep
    mov rdi, rsp
    xor ebp, ebp
    call user_return
    jmp trap_resume

section .rodata.verw_sites
    dq 0
