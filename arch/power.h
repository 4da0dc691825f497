/*
 * The end. Under QEMU the code reaches the test harness through isa-debug-exit; a machine without it is
 * switched off by ACPI, or halts.
 */
#pragma once

enum power_code {
    POWER_OK = 0x10,    /* QEMU exits with 33: everything that was asked for was done */
    POWER_FAIL = 0x11,  /* 35: the kernel is well, but the first program failed */
    POWER_PANIC = 0x12, /* 37 */
};

_Noreturn void arch_power_off(enum power_code code);
