/*
 * The message is laid out as header, ids, arguments, environment. Measuring bounds everything, so that writing
 * cannot fail.
 */
#include "user/lib/procargs.h"

#include <string.h>
#include <zircon/processargs.h>

static size_t strings_len(const char *const *strings) {
    size_t len = 0;
    while (strings && *strings) len += strlen(*strings++) + 1;
    return len;
}

zx_status_t procargs_measure(const struct procargs *from, uint32_t *len) {
    if (from->id_count > ZX_CHANNEL_MAX_MSG_HANDLES) return ZX_ERR_OUT_OF_RANGE;
    size_t sum = sizeof(zx_proc_args_t) + from->id_count * sizeof(uint32_t) + strings_len(from->args) +
                 strings_len(from->environ);
    if (sum > PROCARGS_MAX) return ZX_ERR_OUT_OF_RANGE;
    *len = (uint32_t)sum;
    return ZX_OK;
}

/* Appends the strings at `offset` and counts them; returns the offset after them. */
static uint32_t strings_write(const char *const *strings, char *message, uint32_t offset, uint32_t *count) {
    *count = 0;
    for (; strings && *strings; strings++, ++*count) {
        size_t len = strlen(*strings) + 1;
        memcpy(message + offset, *strings, len);
        offset += (uint32_t)len;
    }
    return offset;
}

void procargs_write(const struct procargs *from, void *message) {
    zx_proc_args_t header = {
        .protocol = ZX_PROCARGS_PROTOCOL,
        .version = ZX_PROCARGS_VERSION,
        .handle_info_off = sizeof(header),
    };
    if (from->id_count) memcpy((char *)message + sizeof(header), from->ids, from->id_count * sizeof(uint32_t));
    header.args_off = header.handle_info_off + from->id_count * (uint32_t)sizeof(uint32_t);
    header.environ_off = strings_write(from->args, message, header.args_off, &header.args_num);
    header.names_off = strings_write(from->environ, message, header.environ_off, &header.environ_num);
    memcpy(message, &header, sizeof(header));
}
