#pragma once

#define ARCH_ELF_MACHINE EM_X86_64
