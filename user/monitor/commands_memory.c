/* Commands that read and write the memory of another process. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#include "user/lib/keyboard.h"
#include "user/monitor/command.h"
#include "user/monitor/maps.h"
#include "user/monitor/say.h"
#include "user/monitor/screen.h"
#include "user/monitor/target.h"

#define ROW 16u
#define ROW_WIDTH 80u
#define DUMP_DEFAULT 128u
#define DUMP_MAX 65536u
#define FILL_MAX ((uint64_t)1 << 30)
#define CHUNK ((size_t)65536)
#define MAX_FINDS 40

static uint8_t chunk[CHUNK + LINE_SIZE];

/* A call on memory that did not do all it should. */
static void memory_complain(const struct target *target, zx_vaddr_t addr, zx_status_t status) {
    if (status == ZX_ERR_NO_MEMORY || status == ZX_OK)
        complain("Nothing is mapped at %#llx in %s %llu.\n", (unsigned long long)addr, target->name,
                 (unsigned long long)target->koid);
    else
        target_complain(target, "That memory cannot be had", status);
}

/* dump */

/* As wide as a screen of 80 columns, if it is as wide; half of that on others. */
static size_t row_len(void) { return screen_columns() < ROW_WIDTH ? ROW / 2 : ROW; }

static void show_row(zx_vaddr_t addr, const uint8_t *bytes, size_t len) {
    char text[ROW + 1] = "";
    say("%012llx", (unsigned long long)addr);
    for (size_t i = 0; i < row_len(); i++) {
        const char *gap = i == ROW / 2 ? "  " : " ";
        if (i < len)
            say("%s%02x", gap, bytes[i]);
        else
            say("%s  ", gap);
    }
    memcpy(text, bytes, len);
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] < ' ' || bytes[i] >= 0x7f) text[i] = '.';
    }
    say(" |%s|\n", text);
}

static void dump(const struct target *target, zx_vaddr_t addr, size_t len) {
    size_t actual = 0;
    zx_status_t status = zx_process_read_memory(target->process, addr, chunk, len, &actual);
    for (size_t at = 0, row = row_len(); status == ZX_OK && at < actual; at += row) {
        show_row(addr + at, chunk + at, actual - at < row ? actual - at : row);
    }
    if (status != ZX_OK || actual < len) memory_complain(target, addr + actual, status);
}

static void run_dump(const struct words *words) {
    struct target target;
    zx_vaddr_t addr;
    uint64_t len = DUMP_DEFAULT;
    if (!need_address(&words->items[2], &addr)) return;
    if (words->count > 3 && !need_number(&words->items[3], "LEN", 1, DUMP_MAX, &len)) return;
    if (!target_open(&words->items[1], &target)) return;
    dump(&target, addr, len);
    target_close(&target);
}

/* write, fill */

static void run_write(const struct words *words) {
    struct target target;
    zx_vaddr_t addr;
    uint8_t bytes[LINE_SIZE];
    size_t len, actual = 0;
    if (!need_address(&words->items[2], &addr) || !need_bytes(words, 3, bytes, &len)) return;
    if (!target_open(&words->items[1], &target)) return;
    zx_status_t status = zx_process_write_memory(target.process, addr, bytes, len, &actual);
    if (status == ZX_OK) say("%zu byte%s written.\n", actual, actual == 1 ? "" : "s");
    if (status != ZX_OK || actual < len) memory_complain(&target, addr + actual, status);
    target_close(&target);
}

static void fill(const struct target *target, zx_vaddr_t addr, uint64_t len, uint8_t byte) {
    uint64_t done = 0;
    size_t actual = 0;
    zx_status_t status = ZX_OK;
    memset(chunk, byte, CHUNK);
    do {
        size_t part = len - done < CHUNK ? len - done : CHUNK;
        status = zx_process_write_memory(target->process, addr + done, chunk, part, &actual);
        if (status == ZX_OK) done += actual;
        if (status != ZX_OK || actual < part) break;
    } while (done < len && !keyboard_interrupted());
    say("%llu byte%s filled.\n", (unsigned long long)done, done == 1 ? "" : "s");
    if (done < len) memory_complain(target, addr + done, status);
}

static void run_fill(const struct words *words) {
    struct target target;
    zx_vaddr_t addr;
    uint64_t len, byte;
    if (!need_address(&words->items[2], &addr)) return;
    if (!need_number(&words->items[3], "LEN", 1, FILL_MAX, &len)) return;
    if (!need_number(&words->items[4], "BYTE", 0, 255, &byte)) return;
    if (!target_open(&words->items[1], &target)) return;
    fill(&target, addr, len, (uint8_t)byte);
    target_close(&target);
}

/* search */

struct search {
    const struct target *target;
    uint8_t bytes[LINE_SIZE];
    size_t len;
    unsigned found;
    size_t carried;  /* bytes at the beginning of `chunk` that were looked at before … */
    zx_vaddr_t next; /* … and the address of the one after them */
    bool interrupted;
};

/* Looks through what has been read into the chunk, `len` bytes with those carried, the first of which is at `addr`. */
static void search_chunk(struct search *s, zx_vaddr_t addr, size_t len, const char *name) {
    const uint8_t *at = chunk, *end = chunk + len;
    while ((at = memmem(at, (size_t)(end - at), s->bytes, s->len))) {
        if (s->found++ < MAX_FINDS) say("%#014llx  %s\n", (unsigned long long)addr + (size_t)(at - chunk), name);
        at++;
    }
    s->carried = len < s->len - 1 ? len : s->len - 1;
    s->next = addr + len;
    memmove(chunk, end - s->carried, s->carried);
}

/* What adjoins the memory searched before is searched together with its end. A page that cannot be read is skipped. */
static void search_mapping(struct search *s, const zx_info_maps_t *map) {
    const zx_vaddr_t end = map->base + map->size;
    for (zx_vaddr_t at = map->base; at < end && !s->interrupted;) {
        size_t want = end - at < CHUNK ? end - at : CHUNK, actual = 0;
        if (at != s->next) s->carried = 0;
        uint8_t *to = chunk + s->carried;
        if (zx_process_read_memory(s->target->process, at, to, want, &actual) != ZX_OK || actual == 0) {
            at += ZX_PAGE_SIZE;
            continue;
        }
        search_chunk(s, at - s->carried, s->carried + actual, maps_name(map).text);
        at += actual;
        s->interrupted = keyboard_interrupted();
    }
}

static void search(struct search *s) {
    struct process_maps maps;
    if (!maps_get(s->target, &maps)) return;
    for (size_t i = 0; i < maps.count && !s->interrupted; i++) {
        const zx_info_maps_t *map = &maps.entries[i];
        if (map->type == ZX_INFO_MAPS_TYPE_MAPPING && map->u.mapping.committed_pages > 0) search_mapping(s, map);
    }
    process_maps_free(&maps);
    if (s->found > MAX_FINDS) say("... and %u more.\n", s->found - MAX_FINDS);
    if (s->found == 0) say("It is nowhere in the memory of %s.\n", s->target->name);
}

static void run_search(const struct words *words) {
    struct target target;
    static struct search s;
    s = (struct search){.target = &target};
    if (!need_bytes(words, 2, s.bytes, &s.len)) return;
    if (!target_open(&words->items[1], &target)) return;
    search(&s);
    target_close(&target);
}

/* maps */

static void run_maps(const struct words *words) {
    struct target target;
    struct process_maps maps;
    if (!target_open(&words->items[1], &target)) return;
    if (maps_get(&target, &maps)) {
        maps_show(&target, &maps);
        process_maps_free(&maps);
    }
    target_close(&target);
}

static const struct command commands[] = {
    {"maps", "PID", "draws a process's address space",
     "From low addresses to high. The bar of a mapping grows by one for each doubling of its size; # is committed "
     "memory, . is not yet. Then come committed and all pages, and the memory object: name, koid+offset. Two "
     "mappings with the same koid and offset show the same pages. Gaps between mappings stand in parentheses.\n",
     1, 1, run_maps},
    {"dump", "PID ADDR [LEN]", "shows memory, in hexadecimal and as text",
     "LEN bytes, up to 65536; 128 if it is left out.\n", 2, 3, run_dump},
    {"write", "PID ADDR BYTES", "writes memory",
     "BYTES are text in quotes, pairs of hexadecimal digits, or both: write hello 0x1002000 \"Hi\\n\" 00. "
     "Memory that is read-only to the process is written too; if it is the program's, nobody else sees it.\n",
     3, WORDS_MAX, run_write},
    {"fill", "PID ADDR LEN BYTE", "fills memory with one byte", "LEN is at most 1 GiB, BYTE a number up to 255.\n", 4,
     4, run_fill},
    {"search", "PID BYTES", "finds bytes in a process's memory",
     "BYTES are text in quotes or pairs of hexadecimal digits. Memory never touched is left out. Ctrl-C stops it.\n", 2,
     WORDS_MAX, run_search},
};
const struct command_family memory_commands = COMMAND_FAMILY("memory of processes", commands);
