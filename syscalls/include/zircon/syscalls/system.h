/*
 * Power control is not offered: the machine is switched off when its first program has ended. The header is here for
 * sources that include it beside others.
 */
#pragma once

#include <zircon/types.h>
