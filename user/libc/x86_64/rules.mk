# What user programs need on this machine: its own part of the port layer, and where Debian keeps its musl.

MUSL_INCLUDE := /usr/include/x86_64-linux-musl
MUSL_LIBC := /usr/lib/x86_64-linux-musl/libc.a
USER_MACHINE_CFLAGS := -fcf-protection=none
PORT_MACHINE_SOURCES := $(wildcard user/libc/x86_64/*.c user/libc/x86_64/*.S)

# musl as the port layer has it: what it would ask of Linux it asks of __port_linux.
MUSL := $(OUT)/user/libc.a
$(MUSL): $(MUSL_LIBC) user/libc/x86_64/redirect
	$(call say,MUSL,$@)
	@mkdir -p $(@D)
	$(QUIET)user/libc/x86_64/redirect $< $@

# What answers must not touch the vector registers, which a system call of Linux keeps.
$(OUT)/user/obj/user/libc/%.o $(OUT)/user/obj/kernel/base/newc.o: private USER_CFLAGS += -mgeneral-regs-only
