/*
 * What the headers of GCC's C++ library expect of the library where they are not all of it. Where they would throw, the
 * program ends with the exception's name and what it would have said: there are no exceptions.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <zircon/assert.h>

#define CXX(name) __asm__(#name)

#define THROWS(name, mangled)                             \
    _Noreturn void __cxx_throw_##name(void) CXX(mangled); \
    void __cxx_throw_##name(void) { __zx_panic("std::" #name "\n"); }
#define THROWS_WHAT(name, mangled)                                    \
    _Noreturn void __cxx_throw_##name(const char *what) CXX(mangled); \
    void __cxx_throw_##name(const char *what) { __zx_panic("std::" #name ": %s\n", what); }

THROWS(bad_alloc, _ZSt17__throw_bad_allocv)
THROWS(bad_array_new_length, _ZSt28__throw_bad_array_new_lengthv)
THROWS(bad_array_new_length_of_new, __cxa_throw_bad_array_new_length)
THROWS(bad_cast, _ZSt16__throw_bad_castv)
THROWS(bad_function_call, _ZSt25__throw_bad_function_callv)
THROWS(terminate, _ZSt9terminatev)
THROWS_WHAT(domain_error, _ZSt20__throw_domain_errorPKc)
THROWS_WHAT(invalid_argument, _ZSt24__throw_invalid_argumentPKc)
THROWS_WHAT(length_error, _ZSt20__throw_length_errorPKc)
THROWS_WHAT(logic_error, _ZSt19__throw_logic_errorPKc)
THROWS_WHAT(out_of_range, _ZSt20__throw_out_of_rangePKc)
THROWS_WHAT(overflow_error, _ZSt22__throw_overflow_errorPKc)
THROWS_WHAT(range_error, _ZSt19__throw_range_errorPKc)
THROWS_WHAT(runtime_error, _ZSt21__throw_runtime_errorPKc)
THROWS_WHAT(underflow_error, _ZSt23__throw_underflow_errorPKc)

_Noreturn void __cxx_throw_system_error(int error) CXX(_ZSt20__throw_system_errori);
void __cxx_throw_system_error(int error) { __zx_panic("std::system_error: %d\n", error); }

_Noreturn void __cxx_throw_out_of_range_fmt(const char *format, ...) CXX(_ZSt24__throw_out_of_range_fmtPKcz);
void __cxx_throw_out_of_range_fmt(const char *format, ...) {
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    __zx_panic("std::out_of_range: %s\n", what);
}

/* std::nothrow, whose value nobody reads. */
extern const char __cxx_nothrow CXX(_ZSt7nothrow);
const char __cxx_nothrow = 0;

/* Is this the tag by which std::make_shared() finds its object? The headers have compared the only address it has. */
bool __cxx_is_make_shared_tag(const void *type) CXX(_ZNSt19_Sp_make_shared_tag5_S_eqERKSt9type_info);
bool __cxx_is_make_shared_tag(const void *type) {
    (void)type;
    return false;
}
