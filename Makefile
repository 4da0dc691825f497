# Jargoon: builds the kernel, the user programs and the boot image, and runs, tests, checks and debugs them.
#
# `make help` lists commands and variables. Their recipes are here (run, debug, iso, kernel, clean, help,
# compile-commands), or in
#
#   user/sdk/rules.mk       sdk
#   user/app.mk             run APP=FILE, gdb, and how several runs get along in one tree
#   tests/record.mk         record, replay
#   tests/trace.mk          trace
#   user/rules.mk           the user programs and the boot archive
#   arch/$(ARCH)/rules.mk   the machine's part: compiler flags, assembly, the boot image
#   tests/rules.mk          test, check, format, pictures, fuzz-guest, stress, hostile
#   tests/host/rules.mk     fuzz, coverage, and the kernel as a program of the host
#   tests/bench/rules.mk    bench, bench-check
#
# Everything made goes to build/, or to the folder O=; V=1 shows each command.
B := $(or $(O:%/=%),build)
ifneq ($(and $(O),$(filter-out deps help clean replay all run debug gdb record trace sdk iso kernel,$(MAKECMDGOALS))),)
$(error O= is for what runs: $(filter-out deps,$(MAKECMDGOALS)) builds in this folder alone)
endif
ifneq ($(word 2,$(O)),)
$(error O=$(O): no name with a blank can be built in)
endif

# Measuring and showing want the optimised kernel, testing and debugging the one with assertions.
BUILD ?= $(if $(filter run gdb sdk bench bench-check $(if $(TESTS),,trace),$(MAKECMDGOALS)),release,debug)
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
comma := ,

# The two compilers' objects never mix.
OUT := $(B)/$(BUILD)$(if $(findstring clang,$(CC)),-clang)

# What builds does so on all processors, unless -j says otherwise.
BUILDING := all run debug gdb record trace sdk iso kernel user test test-images
ifeq ($(MAKELEVEL)$(filter-out deps $(BUILDING),$(MAKECMDGOALS))$(filter -j% --jobserver%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

# What people run needs no test: what tests depend on is then not even read.
TESTED := $(filter-out all run debug gdb sdk iso kernel deps clean help,$(or $(MAKECMDGOALS),all))

MAKEFLAGS += -rR --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.DEFAULT_GOAL := all

# What differs between machines: arch/$(ARCH)/rules.mk and user/libc/$(ARCH)/rules.mk.
ARCH := x86_64
include arch/$(ARCH)/rules.mk

# $(call once,NAME,TEXT), as the value of NAME: what takes a while to find out is found out when it is first wanted.
once = $(eval $(1) := $(2))$(2)

# What the sources name. Missing packages are installed while this file is read, so that
# `make deps run` is one command: the rest then goes on as if they had always been there.
PACKAGES := gcc g++ libc6-dev binutils perl libbsd-dev musl-dev dpkg-dev tcl $(MACHINE_PACKAGES) \
	gdb qemu-utils clang libclang-rt-dev clang-format clang-tidy cppcheck llvm gcovr gnuplot-nox graphviz
DRY := $(findstring n,$(firstword -$(MAKEFLAGS)))
ifneq ($(filter deps,$(MAKECMDGOALS)),)
ifndef DRY
$(shell .ci/deps $(PACKAGES) >&2)
ifneq ($(.SHELLSTATUS),0)
$(error not everything that is needed could be installed)
endif
endif
endif

# What is missing ends make in a line, before a compiler does so in fifty.
need = $(if $(NEEDING),$(call need-none,$(shell .ci/needs $(OUT) $(1))))
need-none = $(if $(1),$(error $(1)))
NEEDING := $(if $(COUNTING),,$(filter-out deps help clean format,$(or $(MAKECMDGOALS),all)))
RUNNING := $(filter run debug gdb record trace,$(NEEDING))
$(call need,$(firstword $(CC)) $(LD) $(PERL) $(MACHINE_TOOLS) $(if $(value APP)$(filter sdk test,$(NEEDING)),g++) \
	$(if $(RUNNING),$(EMULATOR_TOOLS)) $(if $(RUNNING)$(filter all iso,$(NEEDING)),$(IMAGE_TOOLS)) \
	$(if $(filter debug gdb,$(NEEDING)),$(firstword $(GDB) gdb)) $(if $(filter test check,$(NEEDING)),clang))

.PHONY: all deps
all: iso
deps: ; @:

# What these hold on the command line holds for every machine that is started.
export SMP MEM CPU MACHINE FW ACCEL CMDLINE QEMU_FLAGS TIMEOUT CC GDB

# --- the kernel ---

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef \
	$(if $(findstring clang,$(CC)),-Wthread-safety) $(if $(WERROR),-Werror)

# Debug kernels notice undefined behaviour, and end (kernel/base/ubsan.c). How large an object is depends on what
# the optimiser happens to know: left out.
KERNEL_SANITIZE := -fsanitize=undefined -fno-sanitize=object-size -fno-sanitize-recover=all
KERNEL_CFLAGS := -std=gnu2x $(if $(filter debug,$(BUILD)),-O1 -g -DDEBUG $(KERNEL_SANITIZE),-O2 -g) $(WARNINGS) \
	-ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-omit-frame-pointer -fno-strict-aliasing -fno-common \
	-ffunction-sections -fno-asynchronous-unwind-tables -D_KERNEL -I. -Isyscalls/include \
	-I$(B)/interface $(MACHINE_CFLAGS)
KERNEL_LDFLAGS := -nostdlib -static --gc-sections --fatal-warnings --build-id=none \
	-z noexecstack -z max-page-size=4096 --wrap=panic

# --- the system calls ---

# What is made of the list of them: the headers of syscalls/FILE.c, of the list itself, and of programs. Those that
# would not change are not touched.
INTERFACE := $(B)/interface
INTERFACE_HEADERS := $(patsubst %,$(INTERFACE)/zircon/%.h,syscalls/prototypes zx-syscall-numbers) \
	$(patsubst %,$(INTERFACE)/syscalls/%.h, \
	list pointers $(shell sed -n 's/^\[\([a-z_]*\).*/\1/p' syscalls/syscalls.def))
$(INTERFACE)/made: syscalls/syscalls.def syscalls/generate.pl $(wildcard syscalls/*.md)
	$(call say,CALLS,$<)
	$(QUIET)$(PERL) syscalls/generate.pl headers $(INTERFACE)
	@touch $@
$(INTERFACE_HEADERS): $(if $(COUNTING),|) $(INTERFACE)/made ; @:

SOURCES := $(sort $(shell find arch kernel vm syscalls user tests -name '*.[ch]' -o -name '*.cc' -o -name '*.asm'))
KERNEL_SOURCES := $(filter-out user/% tests/%,$(filter %.c %.asm,$(SOURCES)))
KERNEL_TEST_SOURCES := $(KERNEL_SOURCES) $(wildcard tests/kernel/*.c tests/kernel/*.asm)

# $(call objects,kernel,SOURCES)
objects = $(patsubst %.c,$(OUT)/$(1)/%.o,$(patsubst %.asm,$(OUT)/$(1)/%.asm.o,$(2)))
KERNEL_OBJECTS := $(call objects,kernel,$(KERNEL_SOURCES))
KERNEL_TEST_OBJECTS := $(call objects,kernel-test,$(KERNEL_TEST_SOURCES))

# A file that changes when the words in it do: whatever depends on it is made again with new flags.
remember = @mkdir -p $(@D); printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' >$@
.PHONY: FORCE
FORCE:
ALWAYS := $(if $(COUNTING),,FORCE)
$(OUT)/kernel.flags: $(ALWAYS)
	$(call remember,$(CC) $(KERNEL_CFLAGS) $(KERNEL_LDFLAGS))

# Each step says which of how many it is. A second make tells how many, by a dry run, when the first is about to begin.
say = $(if $(V),,@printf '%-9s %-7s %s\n' '$(step)' '$(1)' '$(2)' >&2)
step = $(if $(TO_DO),,$(eval TO_DO := $(counted)))$(eval DONE += x)$(eval TO_DO := $(wordlist 2,9999,$(TO_DO)))$\
	[$(words $(DONE))/$(words $(DONE) $(TO_DO))]
counted = $(shell MAKEFLAGS= MAKELEVEL=1 $(MAKE) -n COUNTING=1 BUILD='$(BUILD)' CC='$(CC)' O='$(O)' OUT='$(OUT)' \
	RUN='$(RUN)' $(if $(value APP),APP=x) $(filter-out deps clean,$(MAKECMDGOALS)) 2>/dev/null | grep -o '\[step\]')
ifdef COUNTING
step := [step]
MAKE := :
endif

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

-include $(patsubst %.o,%.d,$(KERNEL_OBJECTS) $(if $(TESTED),$(KERNEL_TEST_OBJECTS)))

# --- user programs and the boot archive ---

include user/rules.mk
include user/sdk/rules.mk
include user/app.mk
include tests/record.mk
include tests/trace.mk

# --- the measurements ---

include tests/bench/rules.mk

# --- the kernel on the host ---

include tests/host/rules.mk

# --- the boot image ---

.PHONY: iso
iso: $(OUT)/jargoon.iso
$(OUT)/iso.flags: $(ALWAYS)
	$(call remember,$(CMDLINE))

# --- running ---

# Standard input may be closed; nothing may then open some file in its place.
stdin = test -e /dev/fd/0 || exec </dev/null;

.PHONY: run debug
# make ends with the status that was written down.
ended = $(if $(DRY),,$(exit-with $(RUN)/status))exit $$(cat $(RUN)/status)
run: run-machine
	@$(ended)

.PHONY: run-machine
ifndef APP
run-machine: $(OUT)/kernel.elf $(OUT)/bootfs
	@$(built)$(stdin) tests/machine run $^ $(RUN) ''; echo $$? >$(RUN)/status
endif

debug: $(OUT)/kernel.elf $(if $(value APP),$(RUN),$(OUT))/bootfs
	@$(built)tests/machine debug $^ $(RUN) '$(if $(value APP),init.run=app$(APP_PRIVILEGE))' \
		'$(if $(value APP),$(RUN)/app.elf)' $(GDBFLAGS)

# --- tests and checks ---

include tests/rules.mk

# --- the rest ---

.PHONY: help compile-commands clean
help:
	@$(PERL) tests/help.pl

# For editors: each file with the flags that clang-tidy analyses it with.
compile-command = {"directory": "$(CURDIR)", "file": "$(1)", "command": "clang $(call tidy-flags,$(1)) -c $(1)"}
compile-commands: $(INTERFACE_HEADERS)
	$(file >compile_commands.json,[$(call compile-command,$(firstword $(C_SOURCES))))
	$(foreach source,$(wordlist 2,$(words $(C_SOURCES)),$(C_SOURCES)) $(CXX_SOURCES),\
		$(file >>compile_commands.json,$(comma)$(call compile-command,$(source))))
	$(file >>compile_commands.json,])
	@echo compile_commands.json is made

clean:
	$(QUIET)rm -rf $(B)
