/* What zx_system_get_features() reports of the machine. */
#pragma once

#include <stdint.h>

/* Kinds of features. */
#define ZX_FEATURE_KIND_CPU ((uint32_t)0u)

/* Of the CPU: there are features, and the instruction cpuid lists them. */
#define ZX_HAS_CPU_FEATURES ((uint32_t)(1u << 0))
