/* The types that the prototypes of <zircon/syscalls.h> name. */
#pragma once

#include <zircon/types.h>

typedef struct zx_port_packet zx_port_packet_t; /* <zircon/syscalls/port.h> */
