/*
 * What Zircon reserves at the thread pointer, in bytes from it. Code compiled for Linux, as all programs here are, has
 * its stack guard elsewhere.
 */
#pragma once

#define ZX_TLS_STACK_GUARD_OFFSET 0x10
#define ZX_TLS_UNSAFE_SP_OFFSET 0x18
