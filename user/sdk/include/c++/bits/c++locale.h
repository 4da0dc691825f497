/* A locale as the C++ headers of GCC know it. There is one only. */
#pragma once
#pragma GCC system_header

#include <clocale>
#include <cstdarg>
#include <cstdio>

#define _GLIBCXX_NUM_CATEGORIES 0

namespace std {

typedef int *__c_locale;

inline int __convert_from_v(const __c_locale &, char *out, const int size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int len = vsnprintf(out, static_cast<size_t>(size), format, arguments);
    va_end(arguments);
    return len;
}

} // namespace std
