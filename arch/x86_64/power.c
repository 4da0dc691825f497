/*
 * Off: by QEMU's isa-debug-exit, which takes the code along (QEMU ends with 33, 35 or 37); else by the ACPI ports of
 * the machines we know; else by standing still.
 */
#include "arch/power.h"

#include "arch/cpu.h"
#include "arch/x86_64/serial.h"
#include "arch/x86_64/x86.h"

#define DEBUG_EXIT 0xf4
#define DEBUG_EXIT_BASE 0x10u /* QEMU doubles it and adds 1 */
#define ACPI_CONTROL_QEMU 0x604
#define ACPI_CONTROL_OLD 0xb004
#define ACPI_SOFT_OFF 0x2000

_Noreturn void arch_power_off(enum power_code code) {
    arch_irq_disable();
    serial_drain();
    out32(DEBUG_EXIT, DEBUG_EXIT_BASE + code);
    out16(ACPI_CONTROL_QEMU, ACPI_SOFT_OFF);
    out16(ACPI_CONTROL_OLD, ACPI_SOFT_OFF);
    arch_halt();
}
