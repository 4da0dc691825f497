# User programs and the boot archive.
#
# Each folder user/NAME with a main.c is a program: its .c files become $(OUT)/user/NAME, which is bin/NAME in the
# archive. To add one, make the folder. The files of tests/user together become the program bin/tests. All of them are
# linked with the start-up code and port layer (user/libc), what they need of user/lib, and Debian's musl.
#
# With APP=FILE the archive holds init and that one program instead, as bin/app, and ARGS in etc/args.

CXX := $(patsubst %clang,%clang++,$(patsubst %gcc,%g++,$(firstword $(subst -, ,$(notdir $(CC))))))
AR := ar
MUSL_INCLUDE := /usr/include/x86_64-linux-musl
MUSL_LIBC := /usr/lib/x86_64-linux-musl/libc.a

# Nothing of the host's own C library: musl's headers, and the compiler's for what belongs to the compiler. Segments are
# kept apart by pages, none is writable and executable.
user-include = -nostdinc -isystem $(MUSL_INCLUDE) -isystem $(shell $(1) -print-file-name=include)
USER_COMMON := -O2 -g -ffunction-sections -fdata-sections -fno-pic -fno-pie -fcf-protection=none \
	-fno-asynchronous-unwind-tables -Isyscalls/include
USER_CFLAGS := -std=gnu2x $(USER_COMMON) $(filter-out -Wthread-safety,$(WARNINGS)) -fno-stack-protector \
	-D_GNU_SOURCE -I.
USER_LDFLAGS := -nostdlib -static $(if $(findstring clang,$(CC)),,-no-pie) -Wl,--gc-sections,--build-id=none \
	-Wl,--fatal-warnings,-Ttext-segment=0x1000000,-z,max-page-size=4096,-z,separate-code,-z,noexecstack,-z,norelro
TIDY_USER_CFLAGS = $(USER_CFLAGS) $(call user-include,clang)
USER_INCLUDE := $(call user-include,$(CC))

USER_OBJECTS := $(OUT)/user/obj
user-objects = $(patsubst %.c,$(USER_OBJECTS)/%.o,$(patsubst %.S,$(USER_OBJECTS)/%.S.o,$(1)))

USER_PROGRAMS := $(patsubst user/%/main.c,%,$(wildcard user/*/main.c)) $(if $(wildcard tests/user/*.c),tests)
program-sources = $(sort $(wildcard $(if $(filter tests,$(1)),tests/user,user/$(1))/*.c))
PORT_OBJECTS := $(call user-objects,$(sort $(wildcard user/libc/*.c user/libc/*.S)))
LIB_OBJECTS := $(call user-objects,$(sort $(wildcard user/lib/*.c)))

$(OUT)/user.flags: FORCE
	$(call remember,$(CC) $(USER_CFLAGS) $(USER_LDFLAGS))

$(USER_OBJECTS)/%.o: %.c $(OUT)/user.flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(QUIET)$(CC) $(USER_CFLAGS) $(USER_INCLUDE) -MMD -MP -c -o $@ $<

$(USER_OBJECTS)/%.S.o: %.S $(OUT)/user.flags
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(QUIET)$(CC) $(USER_CFLAGS) $(USER_INCLUDE) -MMD -MP -c -o $@ $<

$(OUT)/user/libuser.a: $(LIB_OBJECTS)
	@rm -f $@
	$(QUIET)$(AR) rcsD $@ $^

# $(call link-program,OBJECTS): the port layer comes before musl and is linked whole, so that its functions take the
# place of musl's; what a program does not use goes again. The program with its symbols stays beside it, as NAME.elf.
define link-program
$(call say,LINK,$@)
$(QUIET)$(CC) $(USER_LDFLAGS) -o $@.elf $(1) $(PORT_OBJECTS) $(OUT)/user/libuser.a $(MUSL_LIBC) $(USER_LIBGCC)
$(QUIET)$(OBJCOPY) --strip-all $@.elf $@
endef
USER_LIBGCC := $(shell $(CC) -print-libgcc-file-name)
LINKED := $(PORT_OBJECTS) $(OUT)/user/libuser.a $(OUT)/user.flags

USER_BINARIES := $(USER_PROGRAMS:%=$(OUT)/user/%)
$(USER_BINARIES): $(OUT)/user/%: $$(call user-objects,$$(call program-sources,$$*)) $(LINKED)
	$(call link-program,$(filter-out $(LINKED),$^))

.PHONY: user
user: $(USER_BINARIES)

$(OUT)/bootfs: $(USER_BINARIES) user/mkbootfs
	$(call say,BOOTFS,$@)
	$(QUIET)user/mkbootfs $@ $(foreach program,$(USER_PROGRAMS),bin/$(program)=$(OUT)/user/$(program))

ifdef APP

# The values as they were typed, for the shell alone: neither make nor the shell reads anything into them.
export APP_FILE := $(value APP)
export APP_ARGS := $(value ARGS)
APP_DIR := $(RUN)
# A program of somebody else's is compiled as its language's compiler does by itself, only against our headers.
APP_IS_CXX := $(filter %.cc %.cpp %.cxx,$(lastword $(value APP)))
APP_CFLAGS := $(USER_COMMON) -Wall $(if $(APP_IS_CXX),-std=c++17 -fno-exceptions -fno-rtti -fno-threadsafe-statics)

$(APP_DIR)/app: FORCE $(LINKED)
	@mkdir -p $(@D)
	$(QUIET)test ! -d "$$APP_FILE" || { echo "APP: $$APP_FILE is a folder, not a program" >&2; false; }
	$(QUIET)$(if $(APP_IS_CXX),$(CXX) -x c++,$(CC) -x c) $(APP_CFLAGS) $(USER_INCLUDE) -c -o $@.o "$$APP_FILE"
	$(call link-program,$@.o)

$(APP_DIR)/args: FORCE
	@mkdir -p $(@D)
	$(QUIET)$(PERL) -MText::ParseWords -e 'my @words = shellwords($$ENV{APP_ARGS}); \
		die "ARGS: a quote is not closed\n" if !@words && $$ENV{APP_ARGS} =~ /\S/; \
		print map { "$$_\0" } @words' >$@

$(APP_DIR)/bootfs: $(OUT)/user/init $(APP_DIR)/app $(APP_DIR)/args user/mkbootfs
	$(QUIET)user/mkbootfs $@ bin/init=$< bin/app=$(APP_DIR)/app etc/args=$(APP_DIR)/args

endif

-include $(patsubst %.o,%.d,$(PORT_OBJECTS) $(LIB_OBJECTS) \
	$(foreach program,$(USER_PROGRAMS),$(call user-objects,$(call program-sources,$(program)))))
