/*
 * Kinds of resources.
 */
#pragma once

#include <zircon/types.h>

/* What a resource allows, in the low half of resource_create's options. The first three have ranges. */
typedef uint32_t zx_rsrc_kind_t;
#define ZX_RSRC_KIND_MMIO ((zx_rsrc_kind_t)0u) /* of physical addresses */
#define ZX_RSRC_KIND_IRQ ((zx_rsrc_kind_t)1u)  /* of interrupts */
#define ZX_RSRC_KIND_IOPORT ((zx_rsrc_kind_t)2u)
#define ZX_RSRC_KIND_HYPERVISOR ((zx_rsrc_kind_t)3u)
#define ZX_RSRC_KIND_ROOT ((zx_rsrc_kind_t)4u) /* everything */
#define ZX_RSRC_KIND_VMEX ((zx_rsrc_kind_t)5u) /* making memory executable */
#define ZX_RSRC_KIND_SMC ((zx_rsrc_kind_t)6u)  /* not on this machine */
#define ZX_RSRC_KIND_COUNT ((zx_rsrc_kind_t)7u)

/* In the high half: no other resource of the kind overlaps the range. */
typedef uint32_t zx_rsrc_flags_t;
#define ZX_RSRC_FLAG_EXCLUSIVE ((zx_rsrc_flags_t)0x00010000u)
#define ZX_RSRC_FLAGS_MASK ZX_RSRC_FLAG_EXCLUSIVE

#define ZX_RSRC_EXTRACT_KIND(options) ((options)&0x0000ffffu)
#define ZX_RSRC_EXTRACT_FLAGS(options) ((options)&0xffff0000u)
