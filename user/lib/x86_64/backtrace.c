/*
 * Frames on x86-64; see backtrace.h. A function that keeps a frame pointer begins with `push %rbp; mov %rsp, %rbp`:
 * behind that rbp points to the caller's rbp, and above it lies the address to return to. At the function's very
 * beginning, or in one without a frame pointer, rbp is still the caller's, and the address lies at rsp or some way
 * above it. A call to the function's beginning that ends at an address proves that address.
 */
#include "user/lib/backtrace.h"

#include <string.h>

#define WORD sizeof(uint64_t)
#define SCAN_WORDS 128
#define CALL_MAX 7  /* bytes of the longest call without prefixes */
#define CALL_NEAR 5 /* of a call to a fixed address */
#define PROLOGUE_WITHIN 48

static const uint8_t push_and_move[] = {0x55, 0x48, 0x89, 0xe5};
static const uint8_t *const just_move = push_and_move + 1;
#define MOVE_LEN (sizeof(push_and_move) - 1)

struct walk {
    zx_handle_t process;
    const struct process_maps *maps;
    const struct module *module;
    struct frame_place at;
    zx_vaddr_t start; /* of the function there; 0: not known */
};

static bool read_at(const struct walk *w, zx_vaddr_t addr, void *buffer, size_t len) {
    size_t actual;
    return zx_process_read_memory(w->process, addr, buffer, len, &actual) == ZX_OK && actual == len;
}

static bool is_code(const struct walk *w, zx_vaddr_t addr) {
    const zx_info_maps_t *map = process_maps_find(w->maps, addr);
    return map && (map->u.mapping.mmu_flags & ZX_VM_PERM_EXECUTE);
}

/* The length of `call *...` by its second byte, and the third where that matters; 0: it is no such call. */
static size_t indirect_len(uint8_t mod_rm, uint8_t sib) {
    unsigned mod = mod_rm >> 6, rm = mod_rm & 7;
    if ((mod_rm >> 3 & 7) != 2) return 0;
    if (mod == 3) return 2;
    size_t len = 2 + (rm == 4) + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
    return len + (mod == 0 && (rm == 5 || (rm == 4 && (sib & 7) == 5)) ? 4 : 0);
}

enum call { CALL_NONE, CALL_SOME, CALL_EXACT };

/* Is there a call right before the address, and does it go to the function that is looked at? */
static enum call call_before(const struct walk *w, zx_vaddr_t addr) {
    uint8_t code[CALL_MAX];
    if (addr < CALL_MAX || !is_code(w, addr - 1) || !read_at(w, addr - CALL_MAX, code, sizeof(code))) return CALL_NONE;
    if (code[CALL_MAX - CALL_NEAR] == 0xe8) {
        int32_t distance;
        memcpy(&distance, &code[CALL_MAX - sizeof(distance)], sizeof(distance));
        if (w->start != 0 && addr + (zx_vaddr_t)distance == w->start) return CALL_EXACT;
        if (is_code(w, addr + (zx_vaddr_t)distance)) return CALL_SOME;
    }
    for (size_t len = 2; len <= CALL_MAX; len++) {
        const uint8_t *at = &code[CALL_MAX - len];
        if (at[0] == 0xff && indirect_len(at[1], len > 2 ? at[2] : 0) == len) return CALL_SOME;
    }
    return CALL_NONE;
}

/* Goes to the caller, whose address to return to lies in a slot of the stack. */
static bool go_up(struct walk *w, zx_vaddr_t slot, zx_vaddr_t fp) {
    zx_vaddr_t pc;
    if (slot < w->at.sp || !read_at(w, slot, &pc, sizeof(pc))) return false;
    w->at = (struct frame_place){pc, slot + WORD, fp};
    return true;
}

/* What the slot's address is to the function. */
static enum call slot_kind(const struct walk *w, zx_vaddr_t slot) {
    zx_vaddr_t pc;
    return read_at(w, slot, &pc, sizeof(pc)) ? call_before(w, pc) : CALL_NONE;
}

/*
 * The lowest slot from sp on that holds an address of at least that kind; 0: none near. Above what the frame pointer
 * points to there is none, whosever it is.
 */
static zx_vaddr_t scan(const struct walk *w, enum call kind) {
    uint64_t words[SCAN_WORDS];
    size_t actual;
    zx_vaddr_t from = (w->at.sp + WORD - 1) & ~(zx_vaddr_t)(WORD - 1);
    if (zx_process_read_memory(w->process, from, words, sizeof(words), &actual) != ZX_OK) return 0;
    for (size_t i = 0; i < actual / WORD; i++) {
        if (from + i * WORD == w->at.fp) return 0;
        if (call_before(w, words[i]) >= kind) return from + i * WORD;
    }
    return 0;
}

/* Does the function set up a frame at all? Compilers put other instructions between. It may not be known. */
static bool has_prologue(const struct walk *w) {
    uint8_t code[PROLOGUE_WITHIN];
    return w->start == 0 || !read_at(w, w->start, code, sizeof(code)) ||
           memmem(code, sizeof(code), just_move, MOVE_LEN);
}

/* The slot with the caller's address if the thread has not set up its frame yet, or has left it; 0: it has one. */
static zx_vaddr_t slot_outside_frame(const struct walk *w) {
    uint8_t code[1 + sizeof(push_and_move)];
    if (!is_code(w, w->at.pc)) return w->at.sp;
    if (!read_at(w, w->at.pc - 1, code, sizeof(code))) return 0;
    if (memcmp(code + 1, push_and_move, sizeof(push_and_move)) == 0 || code[1] == 0xc3) return w->at.sp;
    return memcmp(code, push_and_move, sizeof(push_and_move)) == 0 ? w->at.sp + WORD : 0;
}

/* By the frame pointer, if it can be one and leads to a call. */
static bool up_by_pointer(struct walk *w, enum call kind) {
    zx_vaddr_t fp = w->at.fp, next;
    if (fp < w->at.sp || fp % WORD != 0 || slot_kind(w, fp + WORD) < kind) return false;
    return read_at(w, fp, &next, sizeof(next)) && go_up(w, fp + WORD, next);
}

static bool up(struct walk *w, bool innermost, bool *guessed) {
    struct symbol symbol;
    if (!is_code(w, w->at.pc))
        w->start = w->at.pc; /* somebody has called something that is none */
    else
        w->start = w->module && symbol_find(w->module, w->at.pc - !innermost, &symbol) ? symbol.start : 0;
    zx_vaddr_t slot = innermost ? slot_outside_frame(w) : 0;
    if (slot != 0 && slot_kind(w, slot) != CALL_NONE) return go_up(w, slot, w->at.fp);
    if (up_by_pointer(w, CALL_EXACT)) return true;
    if ((slot = scan(w, CALL_EXACT)) != 0) return go_up(w, slot, w->at.fp);
    if (has_prologue(w) && up_by_pointer(w, CALL_SOME)) return true;
    if (w->at.fp == 0 && !innermost) return false;
    *guessed = true;
    return (slot = scan(w, CALL_SOME)) != 0 && go_up(w, slot, w->at.fp);
}

size_t backtrace(zx_handle_t process, const struct process_maps *maps, const struct module *module,
                 const struct frame_place *place, struct frame *out, size_t room) {
    struct walk w = {.process = process, .maps = maps, .module = module, .at = *place};
    size_t count = 0;
    for (bool guessed = false; count < room; count++) {
        out[count] = (struct frame){w.at.pc, guessed};
        guessed = false;
        if (!up(&w, count == 0, &guessed)) return count + 1;
    }
    return count;
}
