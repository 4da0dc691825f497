/*
 * Looks at its own read-only segments that have more memory than the file has for them: what is behind the file's part
 * must be zeros. Ends with 0 if it is, with 1 if it is not, and with 2 if there is no such segment: a linker makes
 * none, so the tests change the headers.
 */
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

static bool all_zero(const unsigned char *bytes, size_t len) {
    size_t zeros = 0;
    while (zeros < len && bytes[zeros] == 0) zeros++;
    return zeros == len;
}

int main(void) {
    const Elf64_Phdr *segments = (const Elf64_Phdr *)((const char *)&__ehdr_start + __ehdr_start.e_phoff);
    int result = 2;
    for (unsigned i = 0; i < __ehdr_start.e_phnum; i++) {
        const Elf64_Phdr *s = &segments[i];
        if (s->p_type != PT_LOAD || (s->p_flags & PF_W) || s->p_memsz == s->p_filesz) continue;
        if (!all_zero((const unsigned char *)(s->p_vaddr + s->p_filesz), s->p_memsz - s->p_filesz)) return 1;
        result = 0;
    }
    return result;
}
