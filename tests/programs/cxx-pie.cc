/*
 * The same program, linked to lie anywhere.
 */
#include "tests/programs/cxx.cc"
