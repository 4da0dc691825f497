/* Whatever is told here is told as a whole line, so that a person sees what was expected and what came instead. */
#include "user/monitor/target.h"
#include "user/lib/process_find.h"
#include "user/monitor/say.h"

#include <stdio.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

bool target_open(const struct word *word, struct target *out) {
    zx_status_t status = process_find(word->text, &out->process, &out->koid);
    if (status == ZX_OK) {
        char name[ZX_MAX_NAME_LEN];
        if (zx_object_get_property(out->process, ZX_PROP_NAME, name, sizeof(name)) != ZX_OK) *name = '\0';
        printable(out->name, sizeof(out->name), name, strlen(name));
        return true;
    }
    if (status == ZX_ERR_ALREADY_EXISTS) {
        complain("Several processes are called %s; name one by its koid, which `ps` shows.\n", word->text);
    } else {
        complain("There is no process %s; `ps` shows their names and koids.\n", word->text);
    }
    return false;
}

void target_close(struct target *target) { zx_handle_close(target->process); }

static zx_koid_t koid_of(zx_handle_t handle) {
    zx_info_handle_basic_t info = {0};
    zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
    return info.koid;
}

bool target_is_monitor(const struct target *target) { return target->koid == koid_of(zx_process_self()); }

/* Nothing can have a lower koid than the first process. */
bool target_is_init(const struct target *target) {
    struct processes all;
    processes_open(&all);
    bool is_first = all.count > 0 && all.list[0].koid == target->koid;
    processes_close(&all);
    return is_first;
}

void target_complain(const struct target *target, const char *what, zx_status_t status) {
    if (zx_object_wait_one(target->process, ZX_PROCESS_TERMINATED, 0, NULL) == ZX_OK)
        complain("%s %llu has ended.\n", target->name, (unsigned long long)target->koid);
    else
        complain("%s: %s.\n", what, zx_status_get_string(status));
}

bool need_address(const struct word *word, zx_vaddr_t *out) {
    if (word_address(word, out)) return true;
    complain("ADDR is an address in hexadecimal, such as 0x1000000, not '%s'.\n", word->text);
    return false;
}

bool need_number(const struct word *word, const char *name, uint64_t min, uint64_t max, uint64_t *out) {
    if (word_number(word, out) && *out >= min && *out <= max) return true;
    complain("%s is a number from %llu to %llu (or in hexadecimal, with 0x), not '%s'.\n", name,
             (unsigned long long)min, (unsigned long long)max, word->text);
    return false;
}

bool need_bytes(const struct words *words, size_t from, uint8_t *out, size_t *len) {
    const struct word *wrong = words_bytes(words, from, out, len);
    if (!wrong && *len > 0) return true;
    if (wrong)
        complain("Text stands in quotes, and bytes are pairs of hexadecimal digits: '%s' is neither.\n", wrong->text);
    else
        complain("The text is empty: at least one byte is needed.\n");
    return false;
}
