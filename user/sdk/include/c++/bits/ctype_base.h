/* The classes of characters, in a number of bits that the C++ headers of GCC choose freely. */
#pragma once
#pragma GCC system_header

namespace std {

struct ctype_base {
    typedef const int *__to_type;
    typedef unsigned short mask;
    static const mask upper = 1 << 0, lower = 1 << 1, alpha = 1 << 2, digit = 1 << 3, xdigit = 1 << 4, space = 1 << 5,
                      print = 1 << 6, graph = 1 << 7, cntrl = 1 << 8, punct = 1 << 9, alnum = 1 << 10, blank = 1 << 11;
};

} // namespace std
