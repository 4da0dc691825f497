# Jargoon: builds the kernel, the user programs and the boot image, and runs, tests, checks and debugs them.
#
#   make deps          install what is missing (Debian, Ubuntu)
#   make run           boot it in QEMU on this terminal
#   make test          every test
#
# The README lists the other targets and the variables. Everything made goes to build/; V=1 shows each command.

# Measuring and showing want the optimised kernel, testing and debugging the one with assertions.
BUILD ?= $(if $(filter run bench bench-check,$(MAKECMDGOALS)),release,debug)
ifeq ($(filter $(BUILD),debug release),)
$(error BUILD=$(BUILD) is neither debug nor release)
endif

ifeq ($(origin CC),default)
CC := gcc
endif
LD := ld
NM := nm
OBJCOPY := objcopy
PERL := perl
QUIET := $(if $(V),,@)

# The two compilers' objects never mix.
OUT := build/$(BUILD)$(if $(findstring clang,$(CC)),-clang)

MAKEFLAGS += -rR --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.DEFAULT_GOAL := all

# What differs between machines: arch/$(ARCH)/rules.mk and user/libc/$(ARCH)/rules.mk.
ARCH := x86_64
include arch/$(ARCH)/rules.mk

# What the sources name. Missing packages are installed while this file is read, so that
# `make deps run` is one command: the rest then goes on as if they had always been there.
PACKAGES := gcc g++ libc6-dev binutils perl libbsd-dev musl-dev $(MACHINE_PACKAGES) \
	gdb clang libclang-rt-dev clang-format clang-tidy cppcheck llvm gcovr gnuplot-nox
ifneq ($(filter deps,$(MAKECMDGOALS)),)
ifeq ($(findstring n,$(firstword -$(MAKEFLAGS))),)
$(shell .ci/deps $(PACKAGES) >&2)
ifneq ($(.SHELLSTATUS),0)
$(error not everything that is needed could be installed)
endif
endif
endif

.PHONY: all deps
all: iso
deps: ; @:

# What these hold on the command line holds for every machine that is started.
export SMP MEM CPU MACHINE FW ACCEL CMDLINE QEMU_FLAGS TIMEOUT CC

# --- running beside each other ---

# Of those who run the system in this tree at one time, one after the other builds what is not yet built, and each runs in
# a folder of its own. That takes functions loaded into make (tests/lib/make-run.c); without them, whoever is alone
# fares as well.
RUN := $(OUT)/run
ifneq ($(filter run debug,$(MAKECMDGOALS)),)
build/make-run.so: tests/lib/make-run.c
	@mkdir -p $(@D)
	@gcc -shared -fPIC -O1 -o $@.$$$$ $< && mv $@.$$$$ $@ || true
-load build/make-run.so(make_run_gmk_setup)
$(shell mkdir -p $(OUT))
$(begin-turn $(OUT)/lock)
RUN := $(or $(own-folder $(OUT)/run),$(OUT)/run)
built = $(end-turn $(OUT)/lock)
endif

# --- the kernel ---

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef \
	$(if $(findstring clang,$(CC)),-Wthread-safety) $(if $(WERROR),-Werror)

# Debug kernels notice undefined behaviour, and end (kernel/base/ubsan.c). How large an object is depends on what
# the optimiser happens to know: left out.
KERNEL_SANITIZE := -fsanitize=undefined -fno-sanitize=object-size -fno-sanitize-recover=all
KERNEL_CFLAGS := -std=gnu2x $(if $(filter debug,$(BUILD)),-O1 -g -DDEBUG $(KERNEL_SANITIZE),-O2 -g) $(WARNINGS) \
	-ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-omit-frame-pointer -fno-strict-aliasing -fno-common \
	-ffunction-sections -fno-asynchronous-unwind-tables -D_KERNEL -I. -Isyscalls/include -Ibuild/interface $(MACHINE_CFLAGS)
KERNEL_LDFLAGS := -nostdlib -static --gc-sections --fatal-warnings --build-id=none \
	-z noexecstack -z max-page-size=4096 --wrap=panic

# --- the system calls ---

# What is made of the list of them; the headers of syscalls/FILE.c, and of the list itself.
INTERFACE := build/interface
INTERFACE_HEADERS := $(patsubst %,$(INTERFACE)/syscalls/%.h,list $(shell sed -n 's/^\[\([a-z_]*\).*/\1/p' syscalls/syscalls.def))
$(INTERFACE_HEADERS) &: syscalls/syscalls.def syscalls/generate.pl
	$(call say,CALLS,$<)
	$(QUIET)$(PERL) syscalls/generate.pl headers $(INTERFACE)

# The prototypes of <zircon/syscalls.h> and what the manual pages say of each call's arguments are made in place.
.PHONY: interface
interface:
	$(QUIET)$(PERL) syscalls/generate.pl refresh

KERNEL_SOURCES := $(sort $(shell find arch kernel vm syscalls -name '*.c' -o -name '*.asm'))
KERNEL_TEST_SOURCES := $(KERNEL_SOURCES) $(wildcard tests/kernel/*.c tests/kernel/*.asm)

# $(call objects,kernel,SOURCES)
objects = $(patsubst %.c,$(OUT)/$(1)/%.o,$(patsubst %.asm,$(OUT)/$(1)/%.asm.o,$(2)))
KERNEL_OBJECTS := $(call objects,kernel,$(KERNEL_SOURCES))
KERNEL_TEST_OBJECTS := $(call objects,kernel-test,$(KERNEL_TEST_SOURCES))

# A file that changes when the words in it do: whatever depends on it is made again with new flags.
remember = @mkdir -p $(@D); printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' >$@
.PHONY: FORCE
FORCE:
$(OUT)/kernel.flags: FORCE
	$(call remember,$(CC) $(KERNEL_CFLAGS) $(KERNEL_LDFLAGS))

say = $(if $(V),,@printf '  %-8s%s\n' '$(1)' '$(2)' >&2)

$(OUT)/kernel/%.o: %.c $(OUT)/kernel.flags | $(INTERFACE_HEADERS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(QUIET)$(CC) $(KERNEL_CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/kernel-test/%.o: %.c $(OUT)/kernel.flags | $(INTERFACE_HEADERS)
	$(call say,CC,$< (tests))
	@mkdir -p $(@D)
	$(QUIET)$(CC) $(KERNEL_CFLAGS) -DKERNEL_TESTS -MMD -MP -c -o $@ $<

# Linked twice: the first link tells where the functions are, the second carries that table for backtraces.
# What the table says must still be true after it.
$(OUT)/kernel.elf: $(KERNEL_OBJECTS)
$(OUT)/kernel-test.elf: $(KERNEL_TEST_OBJECTS)
$(OUT)/kernel.elf $(OUT)/kernel-test.elf: $(OUT)/%.elf: $(LINKER_SCRIPT) kernel/symtab.pl $(OUT)/kernel.flags
	$(call say,LINK,$@)
	@mkdir -p $(OUT)/$*
	$(QUIET)$(PERL) kernel/symtab.pl --empty >$(OUT)/$*/symtab.1.c
	$(QUIET)$(CC) $(KERNEL_CFLAGS) -c -o $(OUT)/$*/symtab.1.o $(OUT)/$*/symtab.1.c
	$(QUIET)$(LD) $(KERNEL_LDFLAGS) -T $(LINKER_SCRIPT) -o $(OUT)/$*/pass1.elf $(filter %.o,$^) $(OUT)/$*/symtab.1.o
	$(QUIET)$(NM) -n $(OUT)/$*/pass1.elf | $(PERL) kernel/symtab.pl >$(OUT)/$*/symtab.2.c
	$(QUIET)$(CC) $(KERNEL_CFLAGS) -c -o $(OUT)/$*/symtab.2.o $(OUT)/$*/symtab.2.c
	$(QUIET)$(LD) $(KERNEL_LDFLAGS) -T $(LINKER_SCRIPT) -o $@ $(filter %.o,$^) $(OUT)/$*/symtab.2.o
	$(QUIET)$(NM) -n $@ | $(PERL) kernel/symtab.pl | cmp -s - $(OUT)/$*/symtab.2.c || \
		{ echo "$@: the second link moved the code" >&2; false; }

.PHONY: kernel
kernel: $(OUT)/kernel.elf

-include $(patsubst %.o,%.d,$(KERNEL_OBJECTS) $(KERNEL_TEST_OBJECTS))

# --- user programs and the boot archive ---

-include user/rules.mk

# --- the measurements ---

include tests/bench/rules.mk

# --- the kernel on the host ---

include tests/host/rules.mk

# --- the boot image ---

.PHONY: iso
iso: $(OUT)/jargoon.iso
$(OUT)/iso.flags: FORCE
	$(call remember,$(CMDLINE))

# --- running ---

# Standard input may be closed; nothing may then open some file in its place.
stdin = test -e /dev/fd/0 || exec </dev/null;

.PHONY: run
ifndef APP

run: $(OUT)/kernel.elf $(OUT)/bootfs
	@$(built)$(stdin) tests/machine run $^ $(RUN) ''

else

# One program, alone in an archive with init. What make itself says must not mix with what the program says, and make must
# end with the program's status: $(exit-with) does that, as soon as the program has ended.
TIMEOUT ?= 60

run: run-app
	@$(exit-with $(RUN)/status)exit $$(cat $(RUN)/status)

.PHONY: run-app
run-app: $(OUT)/kernel.elf $(RUN)/bootfs
	@$(built)$(stdin) tests/machine app $^ $(RUN) 'init.run=app'; echo $$? >$(RUN)/status

endif

.PHONY: debug
debug: $(OUT)/kernel.elf $(OUT)/bootfs
	@$(built)tests/machine debug $^ $(RUN) '' $(GDBFLAGS)

# --- tests ---

# Both builds of everything, then whatever TESTS names, two scripts at a time. Those that look at how runs of the system in
# one tree get along run by themselves.
TESTS ?= tests/*.t
TEST_JOBS ?= $(shell nproc | awk '{ print ($$1 > 1 ? 2 : 1) }')
.PHONY: test test-images
test: | $(filter-out deps test clean,$(MAKECMDGOALS))
	$(QUIET)$(MAKE) BUILD=release test-images
	$(QUIET)$(MAKE) BUILD=debug test-images
	$(QUIET)unset BUILD; prove --timer -j$(TEST_JOBS) --rules='seq={tests/40-run.t,tests/50-boot-time.t,tests/70-scaling.t}' --rules='par=**' $(TESTS)
test-images: $(OUT)/kernel.elf $(OUT)/kernel-test.elf $(OUT)/bootfs $(HOST_PROGRAMS) $(OUT)/user/bench $(OUT)/linux/bench

# The fuzzer inside the machine, for long: `make fuzz-guest CALLS=10000000 SEED=1`.
CALLS ?= 1000000
.PHONY: fuzz-guest
fuzz-guest: $(OUT)/kernel.elf $(OUT)/user/init $(OUT)/user/tests
	$(QUIET)tests/fuzz-guest $(CALLS) $(SEED)

# Everything at once, on several processors: `make stress TIME=600 SEED=1`.
.PHONY: stress
stress: $(OUT)/kernel.elf $(OUT)/user/init $(OUT)/user/tests
	$(QUIET)tests/stress $(TIME) $(SEED)

# --- checks ---

C_SOURCES := $(sort $(shell find arch kernel vm syscalls user tests -name '*.c'))
C_HEADERS := $(sort $(shell find arch kernel vm syscalls user tests -name '*.h'))
CXX_SOURCES := $(sort $(shell find user tests -name '*.cc'))
CHECKS := gcc clang format tidy cppcheck layering interface cases

.PHONY: check $(CHECKS:%=check-%) format
check: $(CHECKS:%=check-%)

check-gcc check-clang: check-%:
	$(QUIET)$(MAKE) CC=$* WERROR=1 BUILD=debug OUT=build/check/$*-debug test-images
	$(QUIET)$(MAKE) CC=$* WERROR=1 BUILD=release OUT=build/check/$*-release test-images

check-format:
	$(call say,FORMAT,$(words $(C_SOURCES) $(C_HEADERS) $(CXX_SOURCES)) files)
	$(QUIET)clang-format --dry-run -Werror $(C_SOURCES) $(C_HEADERS) $(CXX_SOURCES)

check-interface:
	$(call say,CALLS,syscalls/generate.pl)
	$(QUIET)$(PERL) syscalls/generate.pl check

check-layering:
	$(call say,LAYERS,tests/layering.pl)
	$(QUIET)$(PERL) tests/layering.pl

check-cases:
	$(call say,CASES,tests/cases.pl)
	$(QUIET)$(PERL) tests/cases.pl

# Whose flags a file is compiled with.
SIDE_USER := user/% tests/user/% tests/programs/% tests/bench/%
SIDE_HOST := tests/host/%
SIDE_TOOL := tests/lib/%
side-of = $(firstword $(foreach side,USER HOST TOOL,$(if $(filter $(SIDE_$(side)),$(1)),$(side))) KERNEL)
TIDY_KERNEL_CFLAGS := -DKERNEL_TESTS $(filter-out $(KERNEL_SANITIZE),$(KERNEL_CFLAGS))
TIDY_HOST_CFLAGS ?= -std=gnu2x -D_GNU_SOURCE -D_KERNEL -DDEBUG -I. -Isyscalls/include -Ibuild/interface -Itests/host/include -Iuser/libc/$(ARCH)/include
TIDY_TOOL_CFLAGS := -std=gnu2x

# Each file is analysed again only after a change, with the flags of its side of the fence.
TIDY := $(C_SOURCES:%.c=build/check/tidy/%.ok)
check-tidy: $(TIDY)
$(TIDY): build/check/tidy/%.ok: %.c $(C_HEADERS) .clang-tidy | $(INTERFACE_HEADERS)
	$(call say,TIDY,$<)
	@mkdir -p $(@D)
	$(QUIET)clang-tidy --quiet $< -- $(TIDY_$(call side-of,$<)_CFLAGS) 2>$(@:.ok=.log) || \
		{ cat $(@:.ok=.log) >&2; false; }
	@touch $@

# bsd/ and nothing else of the system's headers: a kernel uses no more of them.
CPPCHECK := cppcheck -q --enable=warning,performance,portability --std=c11 --inline-suppr --error-exitcode=1 \
	--suppress=missingInclude --suppress=comparePointers --suppress=staticStringCompare \
	-D__GNUC__=12 -D__$(ARCH)__ -DDEBUG -I. -Isyscalls/include -Ibuild/interface
check-cppcheck: $(INTERFACE_HEADERS)
	$(call say,CPPCHECK,$(words $(C_SOURCES)) files)
	@mkdir -p build/check/include && ln -sfn /usr/include/bsd build/check/include/bsd
	$(QUIET)$(CPPCHECK) -D_KERNEL -DKERNEL_TESTS -Iarch/$(ARCH)/include -Ibuild/check/include \
		$(filter-out $(SIDE_USER) $(SIDE_HOST) $(SIDE_TOOL),$(C_SOURCES))
	$(QUIET)$(CPPCHECK) $(filter $(SIDE_USER) $(SIDE_TOOL),$(C_SOURCES))

# Not a check: makes the sources pass the one for format.
format:
	$(QUIET)clang-format -i $(C_SOURCES) $(C_HEADERS) $(CXX_SOURCES)

.PHONY: clean
clean:
	$(QUIET)rm -rf build
