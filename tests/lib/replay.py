"""What GDB must know of a recording: the program's symbols beside the kernel's, where the recording ends, and $ram().

GDB is connected, and stopped before the machine's first instruction; this leaves it in the program's main().
"""
import os

import gdb

PHYSMAP = 0xFFFF800000000000
PAGE_FRAME = 0x000FFFFFFFFFF000
PRESENT, LARGE = 1, 1 << 7


class End(gdb.Breakpoint):
    """Stops where the machine would be switched off, and GDB lose it."""

    def __init__(self):
        super().__init__("arch_power_off", internal=True)

    def stop(self):
        print("The recording ends here. From here it goes backwards: reverse-continue, reverse-step.")
        return True


def entry_read(table, index):
    """An entry of the page table at a physical address."""
    return int.from_bytes(gdb.selected_inferior().read_memory(PHYSMAP + table + 8 * index, 8), "little")


def page_walk(address):
    """The physical address behind a virtual one of the process that is running."""
    table = int(gdb.parse_and_eval("(unsigned long)$cr3")) & PAGE_FRAME
    for shift in (39, 30, 21, 12):
        entry = entry_read(table, address >> shift & 511)
        if not entry & PRESENT:
            raise gdb.GdbError("%#x is not in memory here" % address)
        if shift == 12 or entry & LARGE and shift != 39:
            break
        table = entry & PAGE_FRAME
    offset = address & ((1 << shift) - 1)
    return (entry & PAGE_FRAME & ~((1 << shift) - 1)) | offset


class Ram(gdb.Function):
    """$ram(&x): the same x where the kernel sees it, through its map of all memory.

What the kernel writes for another process, zx_process_write_memory() above all, it writes there:
    watch -location *$ram(&x)"""

    def __init__(self):
        super().__init__("ram")

    def invoke(self, pointer):
        seen = gdb.Value(PHYSMAP + page_walk(int(pointer)))
        return seen.cast(pointer.type)


def program_load():
    """The program's symbols, which are beside the kernel's."""
    folder = os.path.dirname(gdb.current_progspace().filename)
    gdb.execute("add-symbol-file '%s/program.elf'" % folder, to_string=True)


def main_reach():
    """To the program's beginning."""
    gdb.Breakpoint("main", temporary=True)
    gdb.execute("continue")


gdb.execute("set confirm off")
program_load()
gdb.execute("set confirm on")
End()
Ram()
main_reach()
