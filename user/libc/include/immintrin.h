/*
 * The processor's vector instructions, as the compiler has them. GCC 12 asks there for __OPTIMIZE, a word of
 * <zircon/compiler.h>, where it means __OPTIMIZE__, and what it then finds does not compile: it must not see the word.
 */
#pragma once

#pragma push_macro("__OPTIMIZE")
#undef __OPTIMIZE
#include_next <immintrin.h>
#pragma pop_macro("__OPTIMIZE")
