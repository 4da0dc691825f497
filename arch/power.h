/* The end. A machine that can report why it powers off does so; another only powers off, or halts. */
#pragma once

enum power_code {
    POWER_OK,    /* everything that was asked for was done */
    POWER_FAIL,  /* the kernel is well, but the first program failed */
    POWER_PANIC, /* the kernel is not */
};

_Noreturn void arch_power_off(enum power_code code);
