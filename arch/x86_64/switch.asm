; From one kernel stack to another. What C keeps across a call is all there is to save.

global thread_switch_stack:function
global thread_begin

section .text

; rdi: where to leave the old stack pointer, rsi: the new one
thread_switch_stack:
    push rbp
    push rbx
    push r12
    push r13
    push r14
    push r15
    mov [rdi], rsp
    mov rsp, rsi
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret

; Where a thread begins that has never run: r12 and r13 were put on its stack by arch_thread_init().
thread_begin:
    mov rdi, r13
    xor ebp, ebp                    ; backtraces end here
    call r12
    ud2
