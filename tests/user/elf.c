/*
 * Files that are no sound programs: each is refused with the error that launch.h names, and nothing is left behind.
 * They are made from a sound one, in an archive of the test's own, by changing one field.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/time.h>

#include "tests/user/harness.h"
#include "tests/user/memory.h"
#include "tests/user/probe.h"
#include "user/lib/bootfs.h"
#include "user/lib/launch.h"
#include "user/lib/program.h"

#define ANY_ERROR ZX_OK /* for cases where several would be right */
#define BROKEN ZX_ERR_IO_DATA_INTEGRITY
#define FOREIGN ZX_ERR_NOT_SUPPORTED

/* An archive with one file, "bin/x", whose data begin on its second page. */
static zx_handle_t archive;
static unsigned char *view;
static uint64_t program_len;
static Elf64_Ehdr sound_header;
static Elf64_Phdr sound_segments[16];

static Elf64_Ehdr *header(void) { return (Elf64_Ehdr *)(view + PAGE); }
static Elf64_Phdr *segments(void) { return (Elf64_Phdr *)(view + PAGE + sizeof(Elf64_Ehdr)); }

static void archive_head(uint64_t file_len) {
    char text[120];
    int len = snprintf(text, sizeof(text), "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1u, 0100755u,
                       0u, 0u, 1u, 0u, (unsigned)file_len, 0u, 0u, 0u, 0u, (unsigned)(PAGE - 110), 0u);
    memcpy(view, text, (size_t)len);
    memcpy(view + len, "bin/x", sizeof("bin/x"));
}

static void archive_make(const char *path) {
    struct newc_file file;
    MUST(bootfs_find(launch_archive(), path, &file));
    program_len = file.len;
    size_t size = (PAGE + file.len + PAGE) / PAGE * PAGE;
    archive = vmo_make(size);
    view = map_here(archive, 0, size, PERM_RW);
    MUST(zx_vmo_read(launch_archive(), view + PAGE, file.offset, file.len));
    archive_head(file.len);
    MUST_BE(header()->e_phoff == sizeof(Elf64_Ehdr) && header()->e_phnum <= 16);
    sound_header = *header();
    memcpy(sound_segments, segments(), sizeof(sound_segments));
}

static void archive_mend(void) {
    *header() = sound_header;
    memcpy(segments(), sound_segments, sizeof(sound_segments));
    archive_head(program_len);
}

static zx_status_t launch_it(zx_handle_t *process, const char **why) {
    const char *const args[] = {"x", NULL};
    const struct launch what = {.archive = archive, .path = "bin/x", .args = args};
    return launch(&what, process, why);
}

static void expect_refused(const char *what, zx_status_t want) {
    zx_handle_t process = ZX_HANDLE_INVALID;
    const char *why = NULL;
    (void)launch_it(&process, &why); /* what this very process touches for the first time is no leak */
    baseline_take();
    zx_status_t status = launch_it(&process, &why);
    bool right = want == ANY_ERROR ? status != ZX_OK : status == want;
    bool clean = all_given_back();
    if (!right || !clean) test_note("%s: status %d, %s, %s", what, status, why ? why : "-", clean ? "clean" : "leaks");
    EXPECT(right && clean && why && process == ZX_HANDLE_INVALID);
}

struct change {
    const char *what;
    zx_status_t want;
    size_t offset; /* of the field, from the file's beginning */
    size_t len;
    uint64_t value;
};

#define FIELD(base, type, member) (base) + offsetof(type, member), sizeof(((type *)0)->member)
#define HEADER(member) FIELD(0, Elf64_Ehdr, member)
#define IDENT(index) (index), 1
#define SEGMENT(n, member) FIELD(sizeof(Elf64_Ehdr) + (n) * sizeof(Elf64_Phdr), Elf64_Phdr, member)
#define TEXT 1
#define DATA 3

static const struct change header_changes[] = {
    {"no magic number", BROKEN, IDENT(EI_MAG0), 0},
    {"32 bits", FOREIGN, IDENT(EI_CLASS), ELFCLASS32},
    {"no class", FOREIGN, IDENT(EI_CLASS), 0},
    {"big-endian", FOREIGN, IDENT(EI_DATA), ELFDATA2MSB},
    {"another version", BROKEN, IDENT(EI_VERSION), 2},
    {"another machine", FOREIGN, HEADER(e_machine), EM_AARCH64},
    {"an object file", BROKEN, HEADER(e_type), ET_REL},
    {"a core file", BROKEN, HEADER(e_type), ET_CORE},
    {"small segment headers", BROKEN, HEADER(e_phentsize), 8},
    {"large segment headers", BROKEN, HEADER(e_phentsize), 0xffff},
    {"no segments", BROKEN, HEADER(e_phnum), 0},
    {"too many segments", BROKEN, HEADER(e_phnum), 17},
    {"absurdly many segments", BROKEN, HEADER(e_phnum), 0xffff},
    {"headers past the end", BROKEN, HEADER(e_phoff), 1u << 30},
    {"headers that wrap around", BROKEN, HEADER(e_phoff), UINT64_MAX - 8},
    {"headers in the text", BROKEN, HEADER(e_phoff), 0x1000},
    {"an entry at 0", BROKEN, HEADER(e_entry), 0},
    {"an entry in the kernel", BROKEN, HEADER(e_entry), UINT64_MAX},
    {"an entry in the headers", BROKEN, HEADER(e_entry), 0x1000000},
};

static const struct change segment_changes[] = {
    {"a dynamic linker", FOREIGN, SEGMENT(TEXT, p_type), PT_INTERP},
    {"no text", BROKEN, SEGMENT(TEXT, p_type), PT_NOTE},
    {"text at an offset past the end", BROKEN, SEGMENT(TEXT, p_offset), 1u << 30},
    {"text at an offset that wraps around", BROKEN, SEGMENT(TEXT, p_offset), UINT64_MAX & ~(uint64_t)ZX_PAGE_MASK},
    {"text at an offset within a page", BROKEN, SEGMENT(TEXT, p_offset), 0x1001},
    {"text longer than the file", BROKEN, SEGMENT(TEXT, p_filesz), 1u << 30},
    {"text of all addresses", BROKEN, SEGMENT(TEXT, p_filesz), UINT64_MAX},
    {"text larger than its memory", BROKEN, SEGMENT(TEXT, p_memsz), 16},
    {"memory that wraps around", BROKEN, SEGMENT(TEXT, p_memsz), UINT64_MAX},
    {"memory up to the kernel", BROKEN, SEGMENT(TEXT, p_memsz), 0x7fffffffffff},
    {"memory over the next segment", BROKEN, SEGMENT(TEXT, p_memsz), 1u << 20},
    {"text in the kernel", BROKEN, SEGMENT(TEXT, p_vaddr), 0xffffffff80101000},
    {"text at the end of user memory", BROKEN, SEGMENT(TEXT, p_vaddr), 0x7ffffffff000},
    {"text outside canonical addresses", BROKEN, SEGMENT(TEXT, p_vaddr), 0x800000001000},
    {"text at 0", BROKEN, SEGMENT(TEXT, p_vaddr), 0},
    {"text over the headers", BROKEN, SEGMENT(TEXT, p_vaddr), 0x1000000},
    {"text after the data", BROKEN, SEGMENT(TEXT, p_vaddr), 0x2001000},
    {"text within a page", BROKEN, SEGMENT(TEXT, p_vaddr), 0x1001001},
    {"writable text", BROKEN, SEGMENT(TEXT, p_flags), PF_R | PF_W | PF_X},
    {"text that is not text", BROKEN, SEGMENT(TEXT, p_flags), PF_R},
    {"text that cannot be read", BROKEN, SEGMENT(TEXT, p_flags), PF_X},
    {"data that cannot be read", BROKEN, SEGMENT(DATA, p_flags), PF_W},
    {"data without any use", BROKEN, SEGMENT(DATA, p_flags), 0},
    {"an alignment of three", BROKEN, SEGMENT(TEXT, p_align), 3},
    {"an absurd alignment", BROKEN, SEGMENT(DATA, p_align), (uint64_t)1 << 62},
    {"data larger than no memory", BROKEN, SEGMENT(DATA, p_memsz), 0},
};

static void expect_all_refused(const struct change *changes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        memcpy(view + PAGE + changes[i].offset, &changes[i].value, changes[i].len);
        expect_refused(changes[i].what, changes[i].want);
        archive_mend();
    }
}

static void expect_sound(void) {
    zx_handle_t process;
    int64_t code = -1;
    NEED_OK(launch_it(&process, NULL));
    EXPECT_OK(launch_wait(process, &code));
    EXPECT_EQ(code, 100); /* it wanted arguments */
    EXPECT_OK(zx_handle_close(process));
}

TEST("launch/a file with an absurd header, or for another machine, is refused and leaves nothing behind") {
    archive_make("test/ends");
    expect_sound();
    expect_all_refused(header_changes, sizeof(header_changes) / sizeof(header_changes[0]));
    expect_sound();
}

TEST("launch/a file with absurd segments is refused and leaves nothing behind") {
    archive_make("test/ends");
    MUST_BE(segments()[TEXT].p_flags == (PF_R | PF_X) && segments()[DATA].p_flags == (PF_R | PF_W));
    MUST_BE(segments()[DATA].p_type == PT_LOAD);
    expect_all_refused(segment_changes, sizeof(segment_changes) / sizeof(segment_changes[0]));
    segments()[DATA].p_memsz = USER_END - segments()[DATA].p_vaddr;
    expect_refused("no room for a stack", ANY_ERROR);
    archive_mend();
    expect_sound();
}

static Elf64_Phdr *segment_of_type(uint32_t type) {
    Elf64_Phdr *s = segments(), *end = s + header()->e_phnum;
    while (s < end && s->p_type != type) s++;
    MUST_BE(s < end);
    return s;
}

TEST("launch/thread-local data with an alignment of three, or larger than its memory, is refused") {
    archive_make("test/ends");
    segment_of_type(PT_TLS)->p_align = 3;
    expect_refused("an alignment of three", BROKEN);
    archive_mend();
    segment_of_type(PT_TLS)->p_memsz = segment_of_type(PT_TLS)->p_filesz - 1;
    expect_refused("larger than its memory", BROKEN);
    archive_mend();
    expect_sound();
}

/* The program's notes, made into memory that the file has nothing for, and says to be past its end. */
TEST("launch/memory that the file has nothing for is zeros, wherever that would be in the file") {
    struct target t = target_make();
    struct program program;
    const char *why = "-";
    zx_vaddr_t entry;
    archive_make("test/ends");
    Elf64_Phdr *s = segments() + header()->e_phnum - 1;
    const zx_vaddr_t addr = USER_BASE + ((size_t)1 << 32);
    *s = (Elf64_Phdr){.p_type = PT_LOAD,
                      .p_flags = PF_R,
                      .p_offset = (uint64_t)1 << 40,
                      .p_vaddr = addr,
                      .p_memsz = PAGE,
                      .p_align = PAGE};
    NEED_OK(program_read(archive, "bin/x", &program, &why));
    NEED_OK(program_map(&program, t.vmar, &entry));
    EXPECT_TARGET(&t, addr, buffer_make(PAGE), PAGE);
}

TEST("launch/a file that is cut off is refused and leaves nothing behind") {
    archive_make("test/ends");
    const uint64_t lens[] = {0, 1, 63, 64, 119, 120, 300, 4096, 4097, program_len / 2};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        archive_head(lens[i]);
        expect_refused("cut off", BROKEN);
    }
    archive_mend();
    expect_sound();
}

TEST("launch/a damaged archive is refused, and a file that is not in it not found") {
    archive_make("test/ends");
    memset(view, '7', 6);
    expect_refused("no magic number", BROKEN);
    archive_head(1u << 30);
    expect_refused("a file longer than the archive", BROKEN);
    archive_mend();
    view[110] = 'c';
    expect_refused("another file", BROKEN); /* nothing marks the archive's end */
    MUST(zx_vmo_set_size(archive, 0));
    expect_refused("nothing", BROKEN);
    archive = launch_archive();
    expect_refused("not there", ZX_ERR_NOT_FOUND);
}

/* The constants, made to want memory to the end of their last page. The file's next bytes are the data's. */
static Elf64_Phdr *constants_extend(void) {
    archive_make("test/zeros");
    Elf64_Phdr *s = &segments()[TEXT + 1];
    MUST_BE(s->p_type == PT_LOAD && s->p_flags == PF_R && s[1].p_offset / PAGE == s->p_offset / PAGE);
    s->p_memsz = PAGE;
    return s;
}

TEST("launch/read-only memory that the file has nothing for is zeros, whatever follows in the file") {
    zx_handle_t process;
    int64_t code = -1;
    constants_extend();
    NEED_OK(launch_it(&process, NULL));
    EXPECT_OK(launch_wait(process, &code));
    EXPECT_EQ(code, 0);
}

TEST("launch/read-only memory shows nothing of what follows the file in the archive") {
    struct target t = target_make();
    struct program program;
    const char *why;
    zx_vaddr_t entry;
    Elf64_Phdr *s = constants_extend();
    s->p_memsz = s->p_filesz;
    segments()[DATA].p_type = PT_NULL;
    archive_head(s->p_offset + s->p_filesz);
    NEED_OK(program_read(archive, "bin/x", &program, &why));
    NEED_OK(program_map(&program, t.vmar, &entry));
    EXPECT_TARGET(&t, s->p_vaddr, view + PAGE + s->p_offset, s->p_filesz);
    EXPECT_TARGET(&t, s->p_vaddr + s->p_filesz, buffer_make(PAGE), PAGE - s->p_filesz);
}

/* Where a program begins tells how its image was moved. */
TEST("launch/a static-PIE program that wants an alignment of megabytes gets it") {
    archive_make("test/place-pie");
    const uint64_t align = (uint64_t)16 << 20;
    for (size_t i = 0; i < header()->e_phnum; i++) {
        if (segments()[i].p_type == PT_LOAD) segments()[i].p_align = align;
    }
    const char *const args[] = {"place-pie", "where", NULL};
    const struct launch what = {.archive = archive, .path = "bin/x", .args = args};
    zx_handle_t process;
    int64_t page = -1;
    NEED_OK(launch(&what, &process, NULL));
    EXPECT_OK(launch_wait(process, &page));
    EXPECT(page > 0 && (uint64_t)page * PAGE % align == 0);
    EXPECT_OK(zx_handle_close(process));
}
