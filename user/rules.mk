# User programs and the boot archive.
#
# Each folder user/NAME with a main.c is a program: its .c files become $(OUT)/user/NAME, which is bin/NAME in the
# archive. To add one, make the folder; or, if one file is all of it, put it into user/programs. The files of tests/user
# together become the program bin/tests. All of them are linked with the start-up code and port layer (user/libc), what
# they need of user/lib, and Debian's musl.
#
# Each file of tests/programs is a program by itself, test/NAME in the archive, for the tests to launch; NAME.cc is one
# in C++, and NAME-pie.c or .cc is linked to lie anywhere.

CXX := $(patsubst %clang,%clang++,$(patsubst %gcc,%g++,$(firstword $(subst -, ,$(notdir $(CC))))))
AR := ar
include user/libc/$(ARCH)/rules.mk
$(call need,musl=$(MUSL_INCLUDE) musl=$(MUSL_LIBC))

# Nothing of the host's own C library: musl's headers, with what Zircon's have besides; and the compiler's for what
# belongs to the compiler. Segments are
# kept apart by pages, none is writable and executable.
user-include = -nostdinc -isystem user/libc/include -isystem $(MUSL_INCLUDE) \
	-isystem $(shell $(1) -print-file-name=include)
# All code can lie anywhere, so that a program can be linked either way.
USER_COMMON := -O2 -g -fno-omit-frame-pointer -ffunction-sections -fdata-sections -fPIE \
	-fno-asynchronous-unwind-tables $(USER_MACHINE_CFLAGS) -Isyscalls/include -I$(B)/interface
USER_CFLAGS := -std=gnu2x $(USER_COMMON) $(filter-out -Wthread-safety,$(WARNINGS)) -fno-stack-protector \
	-D_GNU_SOURCE -I. -Iuser/libc/$(ARCH)/include -Iarch/$(ARCH)/include
USER_CXXFLAGS := -std=c++17 $(USER_COMMON) -Iuser/libzx/include -fno-exceptions -fno-rtti
# A thread's stack is a megabyte unless the program says otherwise.
USER_LDFLAGS := -nostdlib -Wl,--gc-sections,--build-id=none,--fatal-warnings,-z,stack-size=0x100000 \
	-Wl,--wrap=exit,--wrap=pthread_join,--wrap=__pthread_join,--wrap=pthread_timedjoin_np,--wrap=pthread_tryjoin_np \
	-Wl,-z,max-page-size=4096,-z,separate-code,-z,noexecstack,-z,norelro
USER_LD_STATIC := -static $(if $(findstring clang,$(CC)),,-no-pie) -Wl,-Ttext-segment=0x1000000
USER_LD_APART = $(USER_LD_STATIC) -Wl,-Ttext-segment=0x10000000
USER_LD_PIE := -static-pie -Wl,-z,text
TIDY_USER_CFLAGS = $(USER_CFLAGS) $(call user-include,clang)
TIDY_USER_CXXFLAGS = $(USER_CXXFLAGS) -I. $(call user-include,clang)
USER_INCLUDE = $(call once,USER_INCLUDE,$(call user-include,$(CC)))

USER_OBJECTS := $(OUT)/user/obj
user-objects = $(patsubst %.c,$(USER_OBJECTS)/%.o,$(patsubst %.S,$(USER_OBJECTS)/%.S.o,$(1:%.cc=%.c)))

USER_PROGRAMS := $(patsubst user/%/main.c,%,$(wildcard user/*/main.c)) \
	$(patsubst user/programs/%.c,%,$(wildcard user/programs/*.c)) $(if $(wildcard tests/user/*.c),tests)
program-sources = $(sort $(wildcard user/programs/$(1).c $(if $(filter tests,$(1)),tests/user,user/$(1))/*.c \
	user/$(1)/$(ARCH)/*.c))
PORT_OBJECTS := $(call user-objects,$(sort $(wildcard user/libc/*.c) $(PORT_MACHINE_SOURCES) kernel/base/newc.c))
# What the kernel and programs both compile: readers of archives and programs, and what a terminal may see.
SHARED_SOURCES := kernel/base/newc.c kernel/base/elf_image.c kernel/base/printable.c
LIB_OBJECTS := $(call user-objects,$(sort $(wildcard user/lib/*.c user/lib/$(ARCH)/*.c)) $(SHARED_SOURCES))

$(OUT)/user.flags: $(ALWAYS)
	$(call remember,$(CC) $(USER_CFLAGS) $(USER_CXXFLAGS) $(USER_LDFLAGS) $(USER_LD_STATIC) $(USER_LD_PIE))

$(USER_OBJECTS)/%.o: %.c $(OUT)/user.flags | $(INTERFACE_HEADERS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(QUIET)$(CC) $(USER_CFLAGS) $(USER_INCLUDE) -MMD -MP -c -o $@ $<

$(USER_OBJECTS)/%.o: %.cc $(OUT)/user.flags | $(INTERFACE_HEADERS)
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(QUIET)$(CXX) $(USER_CXXFLAGS) -I. -Wall -Wextra $(if $(WERROR),-Werror) $(USER_INCLUDE) -MMD -MP -c -o $@ $<

$(USER_OBJECTS)/%.S.o: %.S $(OUT)/user.flags | $(INTERFACE_HEADERS)
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(QUIET)$(CC) $(USER_CFLAGS) $(USER_INCLUDE) -MMD -MP -c -o $@ $<

$(OUT)/user/libuser.a: $(LIB_OBJECTS)
	@rm -f $@
	$(QUIET)$(AR) rcsD $@ $^

# $(call link-program,OBJECTS,KIND), KIND being PIE, STATIC, or APART from where those of that kind lie: the port layer
# comes before musl and is linked whole, so that its functions take the place of musl's; what a program does not use
# goes again. It keeps the table of its functions, by which a crash report names them, but for the tests; what else a
# debugger wants is beside it, in NAME.elf.
define link-program
$(call say,LINK,$@)
$(QUIET)$(CC) $(USER_LDFLAGS) $(USER_LD_$(2)) -o $@.elf $(1) $(PORT_OBJECTS) $(OUT)/user/libuser.a $(MUSL) \
	$(USER_LIBGCC)
$(QUIET)$(OBJCOPY) $(if $(filter %/tests,$@)$(findstring /test/,$@),--strip-all,--strip-debug) $@.elf $@
endef
USER_LIBGCC = $(call once,USER_LIBGCC,$(shell $(CC) -print-libgcc-file-name))
LINKED := $(PORT_OBJECTS) $(OUT)/user/libuser.a $(MUSL) $(OUT)/user.flags

USER_BINARIES := $(USER_PROGRAMS:%=$(OUT)/user/%)
$(USER_BINARIES): $(OUT)/user/%: $$(call user-objects,$$(call program-sources,$$*)) $(LINKED)
	$(call link-program,$(filter-out $(LINKED),$^),STATIC)

TEST_SOURCES := $(sort $(wildcard tests/programs/*.c tests/programs/*.cc))
TEST_PROGRAMS := $(patsubst tests/programs/%,%,$(basename $(TEST_SOURCES)))
DEBUGGED_CFLAGS := -Og -g3 -fno-omit-frame-pointer
$(USER_OBJECTS)/tests/programs/debugged.o: private USER_CFLAGS += $(DEBUGGED_CFLAGS)
TEST_BINARIES := $(TEST_PROGRAMS:%=$(OUT)/user/test/%)
$(TEST_BINARIES): $(OUT)/user/test/%: $(USER_OBJECTS)/tests/programs/%.o $(LINKED)
	@mkdir -p $(@D)
	$(call link-program,$< $(WITH),$(if $(filter %-pie,$*),PIE,STATIC))

# A debugger's server that forgets something in each session, for the test that must find it; in no archive but its own.
LEAKY := $(OUT)/user/test/gdbserver-leaks
$(LEAKY): WITH = $(call user-objects,$(call program-sources,gdbserver)) -Wl,--wrap=files_close_all
$(LEAKY): $$(call user-objects,$$(call program-sources,gdbserver))

.PHONY: user
user: $(USER_BINARIES) $(TEST_BINARIES)

# What the monitor says of each program that people run is the first sentence in its source.
PROGRAM_MAINS := $(filter-out user/init/% user/monitor/% user/gdbserver/%,$(wildcard user/*/main.c user/programs/*.c))
main-name = $(patsubst user/programs/%.c,%,$(patsubst user/%/main.c,%,$(1)))
$(OUT)/user/descriptions: $(PROGRAM_MAINS) user/descriptions
	@mkdir -p $(@D)
	$(QUIET)user/descriptions $(foreach main,$(PROGRAM_MAINS),$(call main-name,$(main))=$(main)) >$@

# The manual pages of the calls, which it shows too.
MANUAL := $(filter-out syscalls/CHOICES.md,$(wildcard syscalls/*.md))
$(OUT)/user/manual: user/manual $(MANUAL)
	@mkdir -p $(@D)
	$(QUIET)user/manual $(MANUAL) >$@

# What runs for people, and that with the tests.
BOOTFS_FILES := $(foreach program,$(filter-out tests,$(USER_PROGRAMS)),bin/$(program)=$(OUT)/user/$(program)) \
	etc/programs=$(OUT)/user/descriptions etc/manual=$(OUT)/user/manual
BOOTFS_TEST_FILES := $(BOOTFS_FILES) bin/tests=$(OUT)/user/tests \
	$(foreach program,$(filter-out gdbserver-leaks,$(TEST_PROGRAMS)),test/$(program)=$(OUT)/user/test/$(program))
archive-sources = $(foreach file,$(1),$(lastword $(subst =, ,$(file))))
define make-archive
$(call say,BOOTFS,$@)
$(QUIET)user/mkbootfs $@ $(1)
endef
$(OUT)/bootfs: $(call archive-sources,$(BOOTFS_FILES)) user/mkbootfs
	$(call make-archive,$(BOOTFS_FILES))
$(OUT)/bootfs-test: $(call archive-sources,$(BOOTFS_TEST_FILES)) $(TEST_BINARIES) user/mkbootfs
	$(call make-archive,$(BOOTFS_TEST_FILES))

-include $(patsubst %.o,%.d,$(PORT_OBJECTS) $(LIB_OBJECTS) $(call user-objects,\
	$(foreach program,$(if $(TESTED),$(USER_PROGRAMS),$(filter-out tests,$(USER_PROGRAMS))),\
	$(call program-sources,$(program))) $(if $(TESTED),$(TEST_SOURCES))))
