; An exception without any way to handle it: the processor resets the machine.

        section .rodata
no_table:
        dw      0
        dq      0

        section .text
        global  triple_fault
triple_fault:
        lidt    [rel no_table]
        int3
