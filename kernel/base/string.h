/* The byte and string functions that the compiler expects and the kernel uses, as ISO C defines them. */
#pragma once

#include <stddef.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t len);
void *memmove(void *dst, const void *src, size_t len);
void *memset(void *dst, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t len);

/* Copies at most size - 1 bytes and always terminates. */
void string_copy(char *dst, const char *src, size_t size);
