/*
 * The types that the prototypes of <zircon/syscalls.h> name.
 */
#pragma once

#include <zircon/types.h>
