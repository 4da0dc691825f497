/*
 * vFile: the boot archive as a file system that can only be read, and what GDB reads of /proc. With it a debugger
 * fetches the program from here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/gdbserver/maps.h"
#include "user/gdbserver/server.h"
#include "user/lib/bootfs.h"
#include "user/lib/launch.h"

#define MAX_FILES 8
#define MAX_NAME 256

/* GDB's numbers of errors. */
enum { FILE_NOENT = 2, FILE_BADF = 9, FILE_NOMEM = 12, FILE_ROFS = 30, FILE_INVAL = 22, FILE_MFILE = 24 };

/* An open file: bytes of the archive, or text that was made. */
static struct file {
    bool open;
    char *text; /* NULL: the archive's */
    uint64_t offset, len;
} files[MAX_FILES];

static void put_file_error(struct reply *reply, unsigned number) { put_format(reply, "F-1,%x", number); }

static bool take_name(struct request *request, char name[MAX_NAME]) {
    size_t len;
    struct request digits = take_until(request, ',');
    if (!take_hex_bytes(&digits, name, MAX_NAME - 1, &len)) return false;
    name[len] = '\0';
    return true;
}

/* /proc/PID/maps, or NULL. */
static char *proc_text(const char *name, size_t *len) {
    unsigned long long pid;
    char rest[16];
    if (sscanf(name, "/proc/%llu/%15s", &pid, rest) != 2 || strcmp(rest, "maps") != 0) return NULL;
    struct debug_process *p = process_named((int64_t)pid);
    return p ? maps_text(p, false, len) : NULL;
}

static bool file_find(const char *name, struct file *out) {
    struct newc_file found;
    size_t len;
    *out = (struct file){.open = true, .text = proc_text(name, &len)};
    if (out->text) {
        out->len = len;
        return true;
    }
    while (*name == '/') name++;
    if (bootfs_find(launch_archive(), name, &found) != ZX_OK) return false;
    out->offset = found.offset;
    out->len = found.len;
    return true;
}

/* NAME,FLAGS,MODE; flags: only reading is 0. */
static void file_open(struct request request, struct reply *reply) {
    char name[MAX_NAME];
    uint64_t flags;
    struct file *f = files;
    if (!take_name(&request, name) || !take_hex(&request, &flags)) return put_file_error(reply, FILE_INVAL);
    if (flags & 3) return put_file_error(reply, FILE_ROFS);
    while (f < files + MAX_FILES && f->open) f++;
    if (f == files + MAX_FILES) return put_file_error(reply, FILE_MFILE);
    if (!file_find(name, f)) {
        f->open = false;
        return put_file_error(reply, FILE_NOENT);
    }
    put_format(reply, "F%x", (unsigned)(f - files));
}

static struct file *take_file(struct request *request) {
    uint64_t number;
    if (!take_hex(request, &number) || number >= MAX_FILES || !files[number].open) return NULL;
    return &files[number];
}

static void close_one(struct file *f) {
    free(f->text);
    *f = (struct file){0};
}

void files_close_all(void) {
    for (struct file *f = files; f < files + MAX_FILES; f++) close_one(f);
}

static void file_close(struct request request, struct reply *reply) {
    struct file *f = take_file(&request);
    if (!f) return put_file_error(reply, FILE_BADF);
    close_one(f);
    put_text(reply, "F0");
}

/* How much of a packet the bytes leave for what is before them. */
#define ANSWER_ROOM 32u

/* FD,COUNT,OFFSET */
static void file_read(struct request request, struct reply *reply) {
    static char bytes[PACKET_MAX - ANSWER_ROOM];
    uint64_t len, offset;
    const struct file *f = take_file(&request);
    if (!f) return put_file_error(reply, FILE_BADF);
    if (!take(&request, ",") || !take_hex(&request, &len) || !take(&request, ",") || !take_hex(&request, &offset))
        return put_file_error(reply, FILE_INVAL);
    if (offset > f->len) offset = f->len;
    if (len > f->len - offset) len = f->len - offset;
    if (len > sizeof(bytes)) len = sizeof(bytes);
    if (f->text)
        memcpy(bytes, f->text + offset, len);
    else if (len > 0 && zx_vmo_read(launch_archive(), bytes, f->offset + offset, len) != ZX_OK)
        return put_file_error(reply, FILE_NOMEM);
    put_format(reply, "F%llx;", (unsigned long long)len);
    put_bytes(reply, bytes, len);
}

/* GDB's struct stat: 64 bytes, the mode at 8 and the length at 28, all in the network's order. */
#define STAT_LEN 64
#define STAT_MODE 0100444u

static void put_big_endian(uint8_t *to, uint64_t value, size_t len) {
    while (len > 0) {
        to[--len] = (uint8_t)value;
        value >>= 8;
    }
}

static void file_stat(struct request request, struct reply *reply) {
    uint8_t stat[STAT_LEN] = {0};
    const struct file *f = take_file(&request);
    if (!f) return put_file_error(reply, FILE_BADF);
    put_big_endian(stat + 8, STAT_MODE, 4);
    put_big_endian(stat + 28, f->len, 8);
    put_format(reply, "F%x;", STAT_LEN);
    put_bytes(reply, stat, sizeof(stat));
}

static void file_root(struct request request, struct reply *reply) {
    (void)request;
    put_text(reply, "F0");
}

static void file_refuse(struct request request, struct reply *reply) {
    (void)request;
    put_file_error(reply, FILE_ROFS);
}

/* /proc/PID/exe */
static void file_link(struct request request, struct reply *reply) {
    char name[MAX_NAME], rest[16], path[PROGRAM_PATH_MAX];
    unsigned long long pid;
    if (!take_name(&request, name)) return put_file_error(reply, FILE_INVAL);
    bool is_exe = sscanf(name, "/proc/%llu/%15s", &pid, rest) == 2 && strcmp(rest, "exe") == 0;
    const struct debug_process *p = is_exe ? process_named((int64_t)pid) : NULL;
    if (!p || !program_path(p, path)) return put_file_error(reply, FILE_NOENT);
    put_format(reply, "F%zx;%s", strlen(path), path);
}

static const struct {
    const char *name;
    void (*run)(struct request request, struct reply *reply);
} commands[] = {
    {"setfs:", file_root}, {"open:", file_open},     {"close:", file_close},   {"pread:", file_read},
    {"fstat:", file_stat}, {"pwrite:", file_refuse}, {"unlink:", file_refuse}, {"readlink:", file_link},
};

void file_command(struct request request, struct reply *reply) {
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (take(&request, commands[i].name)) return commands[i].run(request, reply);
    }
}
