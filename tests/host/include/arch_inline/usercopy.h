/* User copies, simulated (tests/host/memory.c). */
#pragma once

size_t host_copy_from_user(void *dst, vaddr_t user, size_t len);
size_t host_copy_to_user(vaddr_t user, const void *src, size_t len);

static inline size_t arch_copy_from_user(void *dst, vaddr_t user, size_t len) {
    return host_copy_from_user(dst, user, len);
}
static inline size_t arch_copy_to_user(vaddr_t user, const void *src, size_t len) {
    return host_copy_to_user(user, src, len);
}
static inline size_t arch_store_to_user(vaddr_t user, uint64_t value) {
    return host_copy_to_user(user, &value, sizeof(value));
}
static inline size_t arch_store4_to_user(vaddr_t user, uint32_t value) {
    return host_copy_to_user(user, &value, sizeof(value));
}
