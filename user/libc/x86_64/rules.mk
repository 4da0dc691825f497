# What user programs need on this machine: its own part of the port layer, and where Debian keeps its musl.

MUSL_INCLUDE := /usr/include/x86_64-linux-musl
MUSL_LIBC := /usr/lib/x86_64-linux-musl/libc.a
USER_MACHINE_CFLAGS := -fcf-protection=none
PORT_MACHINE_SOURCES := $(wildcard user/libc/x86_64/*.c user/libc/x86_64/*.S)
