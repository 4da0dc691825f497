/*
 * Choices of arguments: mostly such that a call succeeds or fails for one reason, now and then anything. See world.h.
 */
#include "tests/host/world.h"

static const uint64_t odd_sizes[] = {
    1,
    4095,
    4097,
    UINT64_MAX,
    UINT64_MAX - 4095,
    UINT64_MAX - 4096,
    UINT64_MAX - 8191,
    (uint64_t)1 << 63,
    (uint64_t)1 << 47,
    (uint64_t)1 << 40,
    (uint64_t)1 << 30,
    (uint64_t)64 << 20,
    ((uint64_t)64 << 20) + 1,
    70000,
};
static const uint64_t bad_addresses[] = {
    0,
    8,
    0x1000,
    0xfff000,
    0x7ffffffff000,
    0x7fffffffeff8,
    0x800000000000,
    0xffff800000000000,
    UINT64_MAX & ~(uint64_t)7,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static zx_handle_t pick_wrong_handle(struct world *w) {
    switch (input_below(&w->in, 5)) {
    case 0: return ZX_HANDLE_INVALID;
    case 1: return w->last_closed;
    case 2: return 0xdeadbeef | input_byte(&w->in);
    case 3: return w->me->handle_count ? w->me->handles[0].value ^ (1u << input_below(&w->in, 32)) : 3;
    default: return w->me->handle_count ? w->me->handles[input_below(&w->in, w->me->handle_count)].value : 0;
    }
}

zx_handle_t pick_handle(struct world *w, zx_obj_type_t type) {
    unsigned candidates[MODEL_HANDLES], count = 0;
    uint8_t choice = input_byte(&w->in);
    if (choice >= 250) return pick_wrong_handle(w);
    for (unsigned i = 0; i < w->me->handle_count; i++) {
        if (!type || w->me->handles[i].object->type == type) candidates[count++] = i;
    }
    return count ? w->me->handles[candidates[choice % count]].value : ZX_HANDLE_INVALID;
}

struct model_object *picked(struct world *w, zx_handle_t value, zx_obj_type_t type) {
    struct model_handle *h = model_find(w->me, value);
    return h && h->object->type == type ? h->object : NULL;
}

/* A few pages, some pages and some bytes, or something odd. */
uint64_t pick_size(struct world *w) {
    uint8_t choice = input_byte(&w->in);
    uint64_t pages = choice / 8 % 6;
    switch (choice % 8) {
    case 0: return (pages + 6) * MODEL_PAGE;
    case 6: return pages * MODEL_PAGE + input_byte(&w->in) - 128;
    case 7: return odd_sizes[input_below(&w->in, COUNT(odd_sizes))];
    default: return pages * MODEL_PAGE;
    }
}

uint64_t pick_offset(struct world *w) {
    uint8_t choice = input_byte(&w->in);
    uint64_t pages = choice / 8 % 6;
    switch (choice % 8) {
    case 5: return pages * MODEL_PAGE + (uint64_t)input_byte(&w->in) * 16;
    case 6: return UINT64_MAX - 4095 - (pages + 1) * MODEL_PAGE;
    case 7: return odd_sizes[input_below(&w->in, COUNT(odd_sizes))];
    default: return pages * MODEL_PAGE;
    }
}

void pick_part(struct world *w, uint64_t whole, uint64_t *offset, uint64_t *size) {
    uint8_t choice = input_byte(&w->in);
    uint64_t pages = whole / MODEL_PAGE;
    *offset = pick_offset(w);
    *size = pick_size(w);
    if (choice % 4 == 3 || pages == 0) return;
    *offset = choice / 4 % 8 % pages * MODEL_PAGE;
    *size = choice / 32 % (model_min(pages, 9) - *offset / MODEL_PAGE) * MODEL_PAGE + MODEL_PAGE;
    if (choice % 4 != 2) return;
    *offset += input_byte(&w->in) * 16;
    *size -= model_min(*size, input_byte(&w->in) * 32);
}

/* The base of one of the mappings that a program made. */
static uint64_t pick_base(struct world *w, const struct model_process *p) {
    uint64_t bases[MODEL_MAPPINGS];
    unsigned count = 0, choice = input_byte(&w->in);
    for (unsigned i = 0; i < MODEL_MAPPINGS; i++) {
        if (p->mappings[i].vmar && p->mappings[i].base < SCRATCH) bases[count++] = p->mappings[i].base;
    }
    return count ? bases[choice % count] : p->root->base;
}

uint64_t pick_address(struct world *w, struct model_process *p) {
    uint8_t choice = input_byte(&w->in);
    if (choice >= 252) return DATA + choice * 16;
    if (choice >= 244) return bad_addresses[input_below(&w->in, COUNT(bad_addresses))];
    uint64_t base = pick_base(w, p), pages = choice / 4 % 4;
    switch (choice % 4) {
    case 0: return base;
    case 1: return base + pages * MODEL_PAGE + (uint64_t)input_byte(&w->in) * 16;
    case 2: return base + (pages + 1) * MODEL_PAGE - 1 - input_byte(&w->in) % 16;
    default: return base + pages * MODEL_PAGE;
    }
}

uint64_t pick_out(struct world *w, unsigned slot) {
    uint8_t choice = input_byte(&w->in);
    if (w->inject || choice < 240) return OUT(slot);
    if (choice < 246) return bad_addresses[input_below(&w->in, COUNT(bad_addresses))];
    uint64_t addr = pick_address(w, w->me) & ~(uint64_t)63;
    /* Two results in one place could not be told apart, but each slot has its own. */
    return addr >= SCRATCH && addr < DATA ? OUT(slot) : addr + 8 * (uint64_t)slot;
}

/* Memory for which a call may need an allocation would make it fail otherwise than by itself. */
uint64_t pick_buffer(struct world *w) {
    uint8_t choice = input_byte(&w->in);
    if (w->inject || choice < 160) return DATA + choice % 16 * 250;
    return pick_address(w, w->me);
}

zx_rights_t pick_rights(struct world *w) {
    uint8_t choice = input_byte(&w->in);
    if (choice < 128) return ZX_RIGHT_SAME_RIGHTS;
    if (choice < 240) return ZX_DEFAULT_VMO_RIGHTS & ~(zx_rights_t)(choice & 0x7f);
    return (zx_rights_t)choice << input_below(&w->in, 24);
}
