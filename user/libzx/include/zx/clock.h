/*
 * The clocks, where later sources look for them.
 */
#pragma once

#include <zx/resource.h>
#include <zx/time.h>
