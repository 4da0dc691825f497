/* The host's answer to user/libc/x86_64/include/libc_inline/ports.h: the devices are a test's. */
#pragma once

#include <stdint.h>

uint8_t in8(uint16_t port);
void out8(uint16_t port, uint8_t value);
