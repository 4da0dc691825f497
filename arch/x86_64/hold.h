/* Holding the other processors: arch_cpus_hold() of arch/cpu.h. */
#pragma once

/* Waits, held, for as long as anybody holds; this processor then sees new text. Interrupts are off. */
void hold_serve(void);
