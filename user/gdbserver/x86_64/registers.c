/*
 * The registers of a PC's processor, in GDB's order: see machine.h. They lie in an image made of the three kinds that
 * zx_thread_read_state has, and of what GDB wants otherwise than the processor has it. A table says where each is; the
 * description is made of the same table.
 */
#include <stdio.h>
#include <string.h>
#include <zircon/syscalls/debug.h>

#include "user/gdbserver/machine.h"

/* The control registers of the x87 unit, each as four bytes. */
struct x87_control {
    uint32_t fctrl, fstat, ftag, fiseg, fioff, foseg, fooff, fop;
};

struct image {
    zx_thread_state_general_regs_t general;
    uint32_t cs, ss, ds, es, fs, gs;
    struct x87_control control;
    zx_thread_state_fp_regs_t fp;
    zx_thread_state_vector_regs_t vector;
    uint64_t orig_rax; /* of Linux's; it says that the thread is in no call */
};

const char machine_triple[] = "x86_64-unknown-none";

enum kind { GENERAL = 1, FP = 2, VECTOR = 4 };

struct row {
    const char *feature; /* NULL: that of the row before */
    const char *name;    /* %u stands for the number */
    const char *type;
    uint8_t count, len;
    uint8_t kind; /* 0: cannot be changed */
    uint16_t at, stride;
};

#define AT(field) offsetof(struct image, field)
#define ONE(name, field, len, type, kind) \
    { NULL, name, type, 1, len, kind, AT(field), 0 }
#define G(name) ONE(#name, general.name, 8, "int64", GENERAL)
#define SEGMENT(name) ONE(#name, name, 4, "int32", 0)
#define CONTROL(name) ONE(#name, control.name, 4, "int", FP)

/* clang-format off */
static const struct row rows[] = {
    {"core", "rax", "int64", 1, 8, GENERAL, AT(general.rax), 0},
    G(rbx), G(rcx), G(rdx), G(rsi), G(rdi),
    ONE("rbp", general.rbp, 8, "data_ptr", GENERAL), ONE("rsp", general.rsp, 8, "data_ptr", GENERAL),
    G(r8), G(r9), G(r10), G(r11), G(r12), G(r13), G(r14), G(r15),
    ONE("rip", general.rip, 8, "code_ptr", GENERAL), ONE("eflags", general.rflags, 4, "i386_eflags", GENERAL),
    SEGMENT(cs), SEGMENT(ss), SEGMENT(ds), SEGMENT(es), SEGMENT(fs), SEGMENT(gs),
    {NULL, "st%u", "i387_ext", 8, 10, FP, AT(fp.st), 16},
    CONTROL(fctrl), CONTROL(fstat), CONTROL(ftag), CONTROL(fiseg), CONTROL(fioff), CONTROL(foseg), CONTROL(fooff),
    CONTROL(fop),
    {"sse", "xmm%u", "vec128", 16, 16, VECTOR, AT(vector.zmm), 64},
    ONE("mxcsr", vector.mxcsr, 4, "i386_mxcsr", VECTOR),
    {"linux", "orig_rax", "int", 1, 8, 0, AT(orig_rax), 0},
    {"segments", "fs_base", "int", 1, 8, GENERAL, AT(general.fs_base), 0},
    ONE("gs_base", general.gs_base, 8, "int", GENERAL),
    {"avx", "ymm%uh", "uint128", 16, 16, VECTOR, AT(vector.zmm) + 16, 64},
};
/* clang-format on */

#define ROWS (sizeof(rows) / sizeof(rows[0]))

#define REGISTER_FP 6
#define REGISTER_SP 7
#define REGISTER_PC 16
const int registers_expedited[] = {REGISTER_FP, REGISTER_SP, REGISTER_PC, -1};

size_t registers_len(void) {
    size_t len = 0;
    for (size_t i = 0; i < ROWS; i++) len += (size_t)rows[i].count * rows[i].len;
    return len;
}

bool register_find(uint64_t number, size_t *at, size_t *len) {
    *at = 0;
    for (size_t i = 0; i < ROWS; i++) {
        *len = rows[i].len;
        if (number < rows[i].count) {
            *at += number * rows[i].len;
            return true;
        }
        number -= rows[i].count;
        *at += (size_t)rows[i].count * rows[i].len;
    }
    return false;
}

/* --- the x87 unit --- */

enum tag { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

#define EXPONENT_MASK 0x7fffu

static enum tag tag_of(uint64_t low, uint64_t high) {
    unsigned exponent = high & EXPONENT_MASK;
    if (exponent == EXPONENT_MASK) return TAG_SPECIAL;
    if (exponent == 0) return low == 0 ? TAG_ZERO : TAG_SPECIAL;
    return low >> 63 ? TAG_VALID : TAG_SPECIAL;
}

static unsigned top_of(uint16_t status) { return status >> 11 & 7; }

/* GDB has two bits for each register, by its place in the unit; the processor keeps only whether it is empty. */
static void control_read(const zx_thread_state_fp_regs_t *fp, struct x87_control *out) {
    *out = (struct x87_control){.fctrl = fp->fcw,
                                .fstat = fp->fsw,
                                .fiseg = fp->fip >> 32 & 0xffff,
                                .fioff = (uint32_t)fp->fip,
                                .foseg = fp->fdp >> 32 & 0xffff,
                                .fooff = (uint32_t)fp->fdp,
                                .fop = fp->fop};
    for (unsigned place = 0; place < 8; place++) {
        unsigned i = (place - top_of(fp->fsw)) & 7;
        enum tag tag = fp->ftw >> place & 1 ? tag_of(fp->st[i].low, fp->st[i].high) : TAG_EMPTY;
        out->ftag |= (uint32_t)tag << 2 * place;
    }
}

static void control_write(const struct x87_control *control, zx_thread_state_fp_regs_t *fp) {
    fp->fcw = (uint16_t)control->fctrl;
    fp->fsw = (uint16_t)control->fstat;
    fp->ftw = 0;
    for (unsigned place = 0; place < 8; place++) {
        if ((control->ftag >> 2 * place & 3) != TAG_EMPTY) fp->ftw |= (uint8_t)(1u << place);
    }
    fp->fip = (uint64_t)(control->fiseg & 0xffff) << 32 | control->fioff;
    fp->fdp = (uint64_t)(control->foseg & 0xffff) << 32 | control->fooff;
    fp->fop = (uint16_t)control->fop;
}

/* --- reading and writing --- */

#define USER_CODE 0x2b
#define USER_DATA 0x23

static zx_status_t image_read(zx_handle_t thread, struct image *out) {
    *out = (struct image){.cs = USER_CODE, .ss = USER_DATA, .orig_rax = UINT64_MAX};
    zx_status_t status =
        zx_thread_read_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &out->general, sizeof(out->general));
    if (status == ZX_OK) status = zx_thread_read_state(thread, ZX_THREAD_STATE_FP_REGS, &out->fp, sizeof(out->fp));
    if (status == ZX_OK)
        status = zx_thread_read_state(thread, ZX_THREAD_STATE_VECTOR_REGS, &out->vector, sizeof(out->vector));
    if (status == ZX_OK) control_read(&out->fp, &out->control);
    return status;
}

zx_status_t registers_get(zx_handle_t thread, uint8_t out[REGISTERS_MAX]) {
    struct image image;
    zx_status_t status = image_read(thread, &image);
    for (size_t i = 0; i < ROWS && status == ZX_OK; i++) {
        for (size_t n = 0; n < rows[i].count; n++, out += rows[i].len)
            memcpy(out, (const char *)&image + rows[i].at + n * rows[i].stride, rows[i].len);
    }
    return status;
}

/* Takes what lies in [from, to); returns the kinds that have changed. */
static unsigned image_change(struct image *image, const uint8_t *in, size_t from, size_t to) {
    unsigned kinds = 0;
    size_t at = 0;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t n = 0; n < rows[i].count; n++, at += rows[i].len) {
            if (at < from || at + rows[i].len > to || rows[i].kind == 0) continue;
            memcpy((char *)image + rows[i].at + n * rows[i].stride, in + at, rows[i].len);
            kinds |= rows[i].kind;
        }
    }
    return kinds;
}

static zx_status_t image_write(zx_handle_t thread, const struct image *image, unsigned kinds) {
    zx_status_t status = ZX_OK;
    if (kinds & GENERAL)
        status = zx_thread_write_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &image->general, sizeof(image->general));
    if (status == ZX_OK && (kinds & FP))
        status = zx_thread_write_state(thread, ZX_THREAD_STATE_FP_REGS, &image->fp, sizeof(image->fp));
    if (status == ZX_OK && (kinds & VECTOR))
        status = zx_thread_write_state(thread, ZX_THREAD_STATE_VECTOR_REGS, &image->vector, sizeof(image->vector));
    return status;
}

/* A kind that is refused takes those back that were not. */
zx_status_t registers_set(zx_handle_t thread, const uint8_t in[REGISTERS_MAX], size_t from, size_t to) {
    struct image was, image;
    zx_status_t status = image_read(thread, &was);
    if (status != ZX_OK) return status;
    image = was;
    unsigned kinds = image_change(&image, in, from, to);
    control_write(&image.control, &image.fp);
    status = image_write(thread, &image, kinds);
    if (status != ZX_OK) (void)image_write(thread, &was, kinds);
    return status;
}

/* They end where FS points to, as far from there as keeps them aligned. */
zx_status_t thread_variables(zx_handle_t thread, const Elf64_Phdr *segment, zx_vaddr_t *out) {
    zx_thread_state_general_regs_t regs;
    const uint64_t align = segment->p_align ? segment->p_align : 1;
    zx_status_t status = zx_thread_read_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof(regs));
    if (status != ZX_OK) return status;
    *out = regs.fs_base - segment->p_memsz - (-(segment->p_memsz + segment->p_vaddr) & (align - 1));
    return ZX_OK;
}

/* --- the description --- */

/* Types that GDB does not know by itself: flags by their bits, and the views of a vector register. */
#define FLAG(name, bit) "<field name=\"" name "\" start=\"" bit "\" end=\"" bit "\"/>"
static const char core_types[] =
    "<flags id=\"i386_eflags\" size=\"4\">" FLAG("", "22") FLAG("CF", "0") FLAG("", "1") FLAG("PF", "2") FLAG("AF", "4")
        FLAG("ZF", "6") FLAG("SF", "7") FLAG("TF", "8") FLAG("IF", "9") FLAG("DF", "10") FLAG("OF", "11")
            FLAG("NT", "14") FLAG("RF", "16") FLAG("VM", "17") FLAG("AC", "18") FLAG("ID", "21") "</flags>";
static const char sse_types[] =
    "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/><vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
    "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/><vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
    "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/><vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
    "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>"
    "<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
    "<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
    "<field name=\"uint128\" type=\"uint128\"/></union>"
    "<flags id=\"i386_mxcsr\" size=\"4\">" FLAG("IE", "0") FLAG("DE", "1") FLAG("ZE", "2") FLAG("OE", "3")
        FLAG("UE", "4") FLAG("PE", "5") FLAG("DAZ", "6") FLAG("IM", "7") FLAG("DM", "8") FLAG("ZM", "9")
            FLAG("OM", "10") FLAG("UM", "11") FLAG("PM", "12") FLAG("FZ", "15") "</flags>";

static const char *types_of(const char *feature) {
    if (strcmp(feature, "core") == 0) return core_types;
    return strcmp(feature, "sse") == 0 ? sse_types : "";
}

static size_t describe_row(const struct row *row, char *out, size_t room) {
    size_t len = 0;
    for (unsigned n = 0; n < row->count; n++) {
        char name[16];
        snprintf(name, sizeof(name), row->name, n); /* NOLINT: the table's own formats */
        len += (size_t)snprintf(out + len, room - len, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"/>", name,
                                row->len * 8u, row->type);
    }
    return len;
}

const char *registers_description(void) {
    static char text[12288];
    if (text[0]) return text;
    const size_t room = sizeof(text);
    size_t len = (size_t)snprintf(text, room,
                                  "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
                                  "<architecture>i386:x86-64</architecture><osabi>GNU/Linux</osabi>");
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].feature)
            len += (size_t)snprintf(text + len, room - len, "%s<feature name=\"org.gnu.gdb.i386.%s\">%s",
                                    i ? "</feature>" : "", rows[i].feature, types_of(rows[i].feature));
        len += describe_row(&rows[i], text + len, room - len);
    }
    snprintf(text + len, room - len, "</feature></target>");
    return text;
}
