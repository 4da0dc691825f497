# Tests and checks.
#
#   make test          every script of TESTS, on both builds
#   make check         what can be found without running it; check-NAME is one of CHECKS alone
#   make format        makes the sources pass check-format
#   make pictures      draws the book's pictures anew
#   make fuzz-guest    random system calls in the emulator
#   make stress        everything at once, on several processors
#   make hostile       programs that take all they can get, and a bystander

# --- tests ---

# Both builds of everything, then whatever TESTS names, three scripts at a time: one of them waits for a serial line or
# a clock most of the time. The longest begin first. After all these, alone, what looks at how long something takes.
TESTS ?= tests/*.t
TEST_JOBS ?= $(shell nproc | awk '{ print ($$1 > 1 ? 3 : 1) }')
TEST_LONG := $(patsubst %,tests/%.t,20-user-free 40-run 20-user 43-debian 44-cases 22-switches 46-gdb 63-explore \
	45-monitor 30-boot 40-sdk 25-user-options)
TEST_ALONE := tests/50-boot-time.t
test_scripts = $(or $(wildcard $(TESTS)),$(TESTS))
test_beside = $(filter $(test_scripts),$(TEST_LONG)) $(filter-out $(TEST_LONG) $(TEST_ALONE),$(test_scripts))
test_alone = $(filter $(TEST_ALONE),$(test_scripts))
.PHONY: test test-images
test: | $(filter-out deps test clean,$(MAKECMDGOALS))
	$(QUIET)$(MAKE) BUILD=release test-images
	$(QUIET)$(MAKE) BUILD=debug test-images
	$(QUIET)unset BUILD; status=0; \
		$(if $(strip $(test_beside)),prove --timer -j$(TEST_JOBS) $(test_beside) || status=1;) \
		$(if $(test_alone),prove --timer $(test_alone) || status=1;) \
		exit $$status
test-images: $(OUT)/kernel.elf $(OUT)/kernel-test.elf $(OUT)/bootfs $(OUT)/bootfs-test $(HOST_PROGRAMS) \
	$(OUT)/user/bench $(OUT)/linux/bench

# The fuzzer inside the machine, for long: `make fuzz-guest CALLS=10000000 SEED=1`.
CALLS ?= 1000000
.PHONY: fuzz-guest
fuzz-guest: $(OUT)/kernel.elf $(OUT)/user/init $(OUT)/user/tests
	$(QUIET)tests/fuzz-guest $(CALLS) $(SEED)

# Everything at once, on several processors: `make stress TIME=600 SEED=1`.
.PHONY: stress
stress: $(OUT)/kernel.elf $(OUT)/user/init $(OUT)/user/tests
	$(QUIET)tests/stress $(TIME) $(SEED)

# Programs that take all they can get, for so many seconds each, while a bystander does 1,000 of each of its things:
# `make hostile TIME=10`.
.PHONY: hostile
hostile: $(OUT)/kernel.elf $(OUT)/user/init $(OUT)/user/tests
	$(QUIET)tests/hostile $(or $(TIME),10)

# Debuggers at random, against a program with eight threads: `make debug-sessions SESSIONS=200 SEED=1`.
SESSIONS ?= 200
.PHONY: debug-sessions
debug-sessions:
	$(QUIET)$(MAKE) BUILD=release test-images
	$(QUIET)tests/debug-sessions $(SESSIONS) $(SEED)

# A program stepped by a debugger, so many times, and each pc compared with what its instructions give.
STEPS ?= 10000
.PHONY: debug-steps
debug-steps:
	$(QUIET)$(MAKE) BUILD=release test-images
	$(QUIET)tests/debug-steps $(STEPS)

# --- checks ---

C_SOURCES := $(filter %.c,$(SOURCES))
C_HEADERS := $(filter %.h,$(SOURCES))
CXX_SOURCES := $(filter %.cc,$(SOURCES))
CHECKS := gcc clang format lines tidy cppcheck layering interface cases help book

.PHONY: check $(CHECKS:%=check-%) format pictures
check: $(CHECKS:%=check-%)

# What both need of the host is made before: two makes must not make it at once.
check-gcc check-clang: check-%: | $(HOST_PROGRAMS)
	$(QUIET)$(MAKE) CC=$* WERROR=1 BUILD=debug OUT=$(B)/check/$*-debug test-images
	$(QUIET)$(MAKE) CC=$* WERROR=1 BUILD=release OUT=$(B)/check/$*-release test-images

check-format:
	$(call say,FORMAT,$(words $(C_SOURCES) $(C_HEADERS) $(CXX_SOURCES)) files)
	$(QUIET)clang-format --dry-run -Werror $(C_SOURCES) $(C_HEADERS) $(CXX_SOURCES)

check-lines check-layering check-cases: check-%:
	$(call say,CHECK,tests/$*.pl)
	$(QUIET)$(PERL) tests/$*.pl

# The pages against the tree, and the pictures against what they are drawn from.
check-book: $(INTERFACE_HEADERS)
	$(call say,CHECK,tests/book.pl)
	$(QUIET)$(PERL) tests/book.pl
	$(QUIET)$(PERL) book/pictures.pl check

check-interface:
	$(call say,CHECK,syscalls/generate.pl)
	$(QUIET)$(PERL) syscalls/generate.pl check

check-help:
	$(call say,CHECK,tests/help.pl)
	$(QUIET)$(PERL) tests/help.pl $(filter %Makefile %.mk,$(MAKEFILE_LIST))

# Whose flags a file is compiled with.
SIDE_USER := user/% tests/user/% tests/programs/% tests/cases/% tests/bench/%
SIDE_HOST := tests/host/%
SIDE_TOOL := tests/lib/%
side-of = $(firstword $(foreach side,USER HOST TOOL,$(if $(filter $(SIDE_$(side)),$(1)),$(side))) KERNEL)
TIDY_KERNEL_CFLAGS := -DKERNEL_TESTS $(filter-out $(KERNEL_SANITIZE),$(KERNEL_CFLAGS))
TIDY_HOST_CFLAGS := -std=gnu2x -D_GNU_SOURCE -D_KERNEL -DDEBUG -I. -Isyscalls/include -I$(B)/interface \
	-Itests/host/include -Iuser/libc/$(ARCH)/include
TIDY_TOOL_CFLAGS := -std=gnu2x
tidy-flags = $(if $(filter %.cc,$(1)),$(TIDY_USER_CXXFLAGS),$(TIDY_$(call side-of,$(1))_CFLAGS))

# Each file is analysed again only after a change, with the flags of its side of the fence.
TIDY := $(C_SOURCES:%.c=$(B)/check/tidy/%.ok)
check-tidy: $(TIDY)
$(TIDY): $(B)/check/tidy/%.ok: %.c $(C_HEADERS) .clang-tidy | $(INTERFACE_HEADERS)
	$(call say,TIDY,$<)
	@mkdir -p $(@D)
	$(QUIET)clang-tidy --quiet $< -- $(call tidy-flags,$<) 2>$(@:.ok=.log) || \
		{ cat $(@:.ok=.log) >&2; false; }
	@touch $@

# bsd/ and nothing else of the system's headers: a kernel uses no more of them.
CPPCHECK := cppcheck -q --enable=warning,performance,portability --std=c11 --inline-suppr --error-exitcode=1 \
	--suppress=missingInclude --suppress=comparePointers --suppress=staticStringCompare \
	-D__GNUC__=12 -D__$(ARCH)__ -DDEBUG -I. -Isyscalls/include -I$(B)/interface
check-cppcheck: $(INTERFACE_HEADERS)
	$(call say,CPPCHECK,$(words $(C_SOURCES)) files)
	@mkdir -p $(B)/check/include && ln -sfn /usr/include/bsd $(B)/check/include/bsd
	$(QUIET)$(CPPCHECK) -D_KERNEL -DKERNEL_TESTS -Iarch/$(ARCH)/include -I$(B)/check/include \
		$(filter-out $(SIDE_USER) $(SIDE_HOST) $(SIDE_TOOL),$(C_SOURCES))
	$(QUIET)$(CPPCHECK) $(filter $(SIDE_USER) $(SIDE_TOOL),$(C_SOURCES))

# Not a check: makes the sources pass the one for format.
format:
	$(QUIET)clang-format -i $(C_SOURCES) $(C_HEADERS) $(CXX_SOURCES)

pictures:
	$(QUIET)$(PERL) book/pictures.pl
