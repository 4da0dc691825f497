/*
 * The message comes from whoever launched this program, who may have got it wrong: a part that is cut off makes all of
 * it unusable. Runs before the C library is set up and uses nothing of it that needs to be.
 */
#include "user/libc/bootstrap.h"

#include <string.h>

/* Are there `count` whole strings at `offset`? */
static bool strings_check(const char *message, size_t len, uint32_t offset, uint32_t count) {
    if (offset > len) return false;
    const char *at = message + offset;
    const char *end = message + len;
    for (; count > 0; count--) {
        const char *nul = memchr(at, 0, (size_t)(end - at));
        if (!nul) return false;
        at = nul + 1;
    }
    return true;
}

bool __port_bootstrap_read(const void *message, size_t len, size_t handle_count, struct bootstrap *out) {
    const zx_proc_args_t *header = message;
    const char *bytes = message;
    if (len < sizeof(*header)) return false;
    if (header->protocol != ZX_PROCARGS_PROTOCOL || header->version != ZX_PROCARGS_VERSION) return false;
    if (header->handle_info_off % sizeof(uint32_t) != 0 || header->handle_info_off > len) return false;
    if (handle_count > (len - header->handle_info_off) / sizeof(uint32_t)) return false;
    if (!strings_check(bytes, len, header->args_off, header->args_num)) return false;
    if (!strings_check(bytes, len, header->environ_off, header->environ_num)) return false;
    *out = (struct bootstrap){
        .ids = (const uint32_t *)(const void *)(bytes + header->handle_info_off),
        .args = bytes + header->args_off,
        .args_num = header->args_num,
        .environ = bytes + header->environ_off,
        .environ_num = header->environ_num,
    };
    return true;
}

void __port_bootstrap_strings(const char *strings, uint32_t count, char **out) {
    for (uint32_t i = 0; i < count; i++) {
        out[i] = (char *)strings;
        strings += strlen(strings) + 1;
    }
}
