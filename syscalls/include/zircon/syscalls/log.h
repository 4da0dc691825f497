/*
 * Debug logs are not offered: a program writes to the console with zx_debug_write(). The header is here for sources
 * that include it beside others.
 */
#pragma once

#include <zircon/types.h>
