/*
 * What a thread can do that stops it: the types of exceptions.
 */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS

typedef uint32_t zx_excp_type_t;

/* Types that the machine raises. Bit 15 is set in the others. */
#define ZX_EXCP_GENERAL ((zx_excp_type_t)0x008u)
#define ZX_EXCP_FATAL_PAGE_FAULT ((zx_excp_type_t)0x108u)
#define ZX_EXCP_UNDEFINED_INSTRUCTION ((zx_excp_type_t)0x208u)
#define ZX_EXCP_SW_BREAKPOINT ((zx_excp_type_t)0x308u)
#define ZX_EXCP_HW_BREAKPOINT ((zx_excp_type_t)0x408u) /* a single step too */
#define ZX_EXCP_UNALIGNED_ACCESS ((zx_excp_type_t)0x508u)

#define ZX_EXCP_SYNTH ((zx_excp_type_t)0x8000u)
#define ZX_EXCP_IS_ARCH(excp) (((excp)&ZX_EXCP_SYNTH) == 0)

__END_CDECLS
