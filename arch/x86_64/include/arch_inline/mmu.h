/*
 * The kernel's address map, and what an address space is to a PC.
 *
 *   0xffff800000000000  physmap: all of RAM, the image's part read-only
 *   0xffffa00000000000  dynamic area: kernel stacks between guard pages
 *   0xffffffff80000000  physical 0 as the image sees it; the image lies at its second MiB
 *   0xffffffffc0000000  device registers, uncached
 *
 * Each of them begins in a top-level entry of its own that is filled at boot and never changes, so that an address
 * space gets the kernel's half by copying these few entries.
 */
#pragma once

#define PHYSMAP_BASE ((vaddr_t)0xffff800000000000)
#define KERNEL_DYNAMIC_BASE ((vaddr_t)0xffffa00000000000)
#define KERNEL_DYNAMIC_SIZE ((size_t)1 << 39)
#define KERNEL_IMAGE_BASE ((vaddr_t)0xffffffff80000000)
#define KERNEL_DEVICE_BASE ((vaddr_t)0xffffffffc0000000)

#define MMU_LARGE_PAGE ((size_t)2 << 20)

/* Maps of I/O ports: all 65,536 of them, a bit each. */
#define PORT_MAP_WORDS 1024u
#define PORT_MAP_PAGES 2u

struct arch_aspace {
    paddr_t root;           /* [I] */
    unsigned pcid;          /* [I] under which number processors keep its translations */
    unsigned top_live;      /* [t] how many entries of the user half of `root` are in use */
    _Atomic uint64_t cpus;  /* [a] who has it loaded, one bit each: whom a dropped translation concerns at once */
    _Atomic uint64_t stale; /* [a] who may remember what holds no more, and must forget it all at the next load */
    paddr_t ports[PORT_MAP_PAGES]; /* [t] the map of I/O ports that it was given; 0: no page there */
    _Atomic uint32_t ports_end;    /* [t/a] words from here on have none; 0: it was given none */
};

static inline void *arch_phys_to_virt(paddr_t pa) { return (void *)(PHYSMAP_BASE + pa.raw); }

static inline paddr_t arch_virt_to_phys(const void *va) { return (paddr_t){(vaddr_t)va - PHYSMAP_BASE}; }
