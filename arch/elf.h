/* ARCH_ELF_MACHINE, the mark of the programs that this machine runs: the e_machine of their files. */
#pragma once

#include <elf.h>

#include "arch_inline/elf.h"
