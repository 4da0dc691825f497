# The portable kernel as an ordinary program, under sanitizers, and the fuzzers made of it. Always clang: its fuzzer and
# its sanitizers belong together.
#
#   $(HOST)/units           the unit tests of tests/kernel
#   $(HOST)/fuzz_NAME       the fuzzers
#   $(HOST)/line_editor     the tests of the monitor's editor
#   $(HOST)/gdb_packets     the tests of gdbserver's protocol
#   $(HOST)/serial          the tests of the serial lines' driver
#   $(HOST)/keyboard        the tests of what reads the keyboard
#   $(HOST)/inject          failure injection over the corpus of one of them
#   make fuzz TIME=60       all fuzzers, for so many seconds
#   $(HOST)/explore         the explorer of interleavings: tests/host/explore/README.md
#   make coverage           what of the portable kernel all that reaches

HOST := $(B)/host
HOST_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
HOST_CFLAGS := -std=gnu2x -O1 -g -DDEBUG -DKERNEL_TESTS -D_KERNEL $(filter-out -Wthread-safety,$(WARNINGS)) \
	-fno-omit-frame-pointer -I. -Isyscalls/include -I$(B)/interface -Itests/host/include \
	-Iuser/libc/$(ARCH)/include

# All portable code. The kernel's names for addresses are the host's own affair, and the sanitizers have their own
# functions.
HOST_KERNEL := $(filter-out kernel/base/symbols.c kernel/base/ubsan.c kernel/main.c kernel/userboot.c, \
	$(wildcard kernel/*.c kernel/*/*.c vm/*.c syscalls/*.c))
HOST_MACHINE := $(addprefix tests/host/,boot.c cache.c context.c cpu.c machine.c memory.c thread.c)
# And those tests of the kernel that are not about the machine itself.
HOST_UNITS := tests/host/units.c tests/host/cache_units.c tests/kernel/harness.c \
	$(filter-out $(addprefix tests/kernel/,harness.c provoke.c rtc.c vector_state.c mmu_%.c), \
	$(wildcard tests/kernel/*.c))

host_objects = $(patsubst %.c,$(HOST)/$(1)/%.o,$(2))

# The C library's own string functions stay: sanitizers look into them.
$(HOST)/%/kernel/base/string.o: \
	HOST_CFLAGS += $(foreach f,memcmp strlen strnlen strcmp strncmp strchr,-D$(f)=kernel_$(f))

$(HOST)/flags: $(ALWAYS)
	$(call remember,$(HOST_CFLAGS) $(HOST_SANITIZE))

$(HOST)/asan/%.o: %.c $(HOST)/flags | $(INTERFACE_HEADERS)
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(QUIET)clang $(HOST_CFLAGS) $(HOST_SANITIZE) -MMD -MP -c -o $@ $<

$(HOST)/units: $(call host_objects,asan,$(HOST_KERNEL) $(HOST_MACHINE) $(HOST_UNITS))
	$(call say,LINK,$@)
	$(QUIET)clang -rdynamic $(HOST_SANITIZE) -o $@ $^

# --- fuzzers ---

HOST_WORLD := $(wildcard tests/host/model/*.c) \
	$(addprefix tests/host/,world.c checks.c picks.c steps.c steps_vm.c steps_objects.c \
	steps_channels.c steps_signals.c steps_system.c steps_ports.c steps_tasks.c steps_exceptions.c \
	steps_interrupts.c steps_policy.c)
HOST_LOADER := user/lib/bootfs.c user/lib/program.c $(SHARED_SOURCES)
HOST_PARSERS := kernel/base/options.c kernel/base/string.c user/lib/procargs.c user/libc/bootstrap.c
FUZZERS := syscalls elf args gdb

# What the fuzzer looks into, and what it need not know.
HOST_SOURCES_syscalls := tests/host/fuzz_syscalls.c $(HOST_KERNEL)
HOST_SOURCES_elf := tests/host/fuzz_elf.c $(HOST_LOADER)
HOST_SOURCES_args := tests/host/fuzz_args.c tests/host/panic.c $(HOST_PARSERS)
HOST_PACKETS := user/gdbserver/packet.c user/gdbserver/text.c user/gdbserver/agent.c
HOST_SOURCES_gdb := tests/host/fuzz_gdb.c $(HOST_PACKETS)
HOST_BESIDE_syscalls := $(HOST_WORLD) $(HOST_MACHINE)

# What user mode is made of takes the public headers as it sees them.
$(HOST)/fuzz/user/% $(HOST)/fuzz/tests/host/fuzz_elf.o $(HOST)/fuzz/tests/host/fuzz_gdb.o: \
	HOST_CFLAGS := $(filter-out -D_KERNEL,$(HOST_CFLAGS))

# Programs of system calls are choices already: comparisons in the kernel tell the fuzzer little, and cost it a third.
$(HOST)/fuzz/vm/% $(HOST)/fuzz/syscalls/% $(HOST)/fuzz/kernel/object/% $(HOST)/fuzz/kernel/sched/% \
$(HOST)/fuzz/kernel/base/lockrank.o: \
	HOST_CFLAGS += -fno-sanitize-coverage=trace-cmp

$(HOST)/fuzz/%.o: %.c $(HOST)/flags | $(INTERFACE_HEADERS)
	$(call say,HOSTCC,$< (fuzzing))
	@mkdir -p $(@D)
	$(QUIET)clang $(HOST_CFLAGS) $(HOST_SANITIZE) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(FUZZERS:%=$(HOST)/fuzz_%): $(HOST)/fuzz_%: $$(call host_objects,fuzz,$$(HOST_SOURCES_$$*)) \
		$$(call host_objects,asan,$$(HOST_BESIDE_$$*))
	$(call say,LINK,$@)
	$(QUIET)clang -rdynamic $(HOST_SANITIZE) -fsanitize=fuzzer -o $@ $^

$(HOST)/inject: $(call host_objects,asan,tests/host/inject.c $(HOST_WORLD) $(HOST_KERNEL) $(HOST_MACHINE))
	$(call say,LINK,$@)
	$(QUIET)clang -rdynamic $(HOST_SANITIZE) -o $@ $^

# --- the monitor's editor ---

HOST_EDITOR := tests/host/line_editor.c $(addprefix user/monitor/,line_editor.c words.c wrap.c)
$(HOST)/asan/user/% $(HOST)/asan/tests/host/line_editor.o: HOST_CFLAGS := $(filter-out -D_KERNEL,$(HOST_CFLAGS))

$(HOST)/line_editor: $(call host_objects,asan,$(HOST_EDITOR))
	$(call say,LINK,$@)
	$(QUIET)clang $(HOST_SANITIZE) -o $@ $^

# --- gdbserver's protocol ---

HOST_GDB := tests/host/gdb_packets.c tests/host/gdb_agent.c $(HOST_PACKETS)
$(HOST)/asan/tests/host/gdb_packets.o $(HOST)/asan/tests/host/gdb_agent.o: \
	HOST_CFLAGS := $(filter-out -D_KERNEL,$(HOST_CFLAGS))
$(HOST)/gdb_packets: $(call host_objects,asan,$(HOST_GDB))
	$(call say,LINK,$@)
	$(QUIET)clang $(HOST_SANITIZE) -o $@ $^

# --- the serial lines' driver ---

$(HOST)/asan/tests/host/serial.o: HOST_CFLAGS := $(filter-out -D_KERNEL,$(HOST_CFLAGS))
$(HOST)/serial: $(call host_objects,asan,tests/host/serial.c user/lib/serial.c)
	$(call say,LINK,$@)
	$(QUIET)clang $(HOST_SANITIZE) -pthread -o $@ $^

# --- the keyboard ---

$(HOST)/asan/tests/host/keyboard.o: HOST_CFLAGS := $(filter-out -D_KERNEL,$(HOST_CFLAGS))
$(HOST)/asan/user/lib/keyboard.o: HOST_CFLAGS += -D_GNU_SOURCE
$(HOST)/keyboard: $(call host_objects,asan,tests/host/keyboard.c user/lib/keyboard.c)
	$(call say,LINK,$@)
	$(QUIET)clang $(HOST_SANITIZE) -pthread -o $@ $^

# --- the explorer ---

include tests/host/explore/rules.mk

HOST_PROGRAMS := $(HOST)/units $(HOST)/inject $(HOST)/line_editor $(HOST)/gdb_packets $(HOST)/serial \
	$(HOST)/keyboard $(EXPLORE) $(FUZZERS:%=$(HOST)/fuzz_%)

TIME ?= 60
.PHONY: fuzz
fuzz: $(FUZZERS:%=$(HOST)/fuzz_%)
	@tests/host/fuzz $(TIME)

# --- coverage ---

# The same programs once more, counting. The corpus stands for the fuzzer: what random inputs reach is no promise.
COVER := $(B)/coverage
COVER_SANITIZE := -fsanitize=address
COVER_ROOMS := vm kernel/object syscalls

$(HOST)/cover/%.o: %.c $(HOST)/flags | $(INTERFACE_HEADERS)
	$(call say,HOSTCC,$< (coverage))
	@mkdir -p $(@D)
	$(QUIET)clang $(HOST_CFLAGS) --coverage $(COVER_SANITIZE) -MMD -MP -c -o $@ $<

$(HOST)/cover/units: $(call host_objects,cover,$(HOST_KERNEL) $(HOST_MACHINE) $(HOST_UNITS))
$(HOST)/cover/inject: $(call host_objects,cover,$(HOST_KERNEL) $(HOST_MACHINE) $(HOST_WORLD) tests/host/inject.c)
$(HOST)/cover/units $(HOST)/cover/inject:
	$(call say,LINK,$@)
	$(QUIET)clang -rdynamic --coverage $(COVER_SANITIZE) -o $@ $^

# Branches of assertions are there never to be taken.
GCOVR := gcovr -r $(CURDIR) --gcov-executable 'llvm-cov gcov' --exclude-unreachable-branches \
	--exclude-branches-by-pattern '.*\b(ASSERT|CHECK)\(.*' $(COVER_ROOMS:%=--filter '$(CURDIR)/%/')

.PHONY: coverage
coverage: $(HOST)/cover/units $(HOST)/cover/inject
	$(QUIET)find $(HOST)/cover -name '*.gcda' -delete
	$(QUIET)$(HOST)/cover/units >$(HOST)/cover/units.log 2>&1
	$(QUIET)$(HOST)/cover/inject tests/host/corpus/syscalls >$(HOST)/cover/inject.log 2>&1
	$(QUIET)mkdir -p $(COVER)
	$(QUIET)cd $(HOST)/cover && $(GCOVR) --txt $(CURDIR)/$(COVER)/lines.txt \
		--html-details $(CURDIR)/$(COVER)/index.html .
	$(QUIET)cd $(HOST)/cover && $(GCOVR) --txt $(CURDIR)/$(COVER)/branches.txt --branches .
	@sed -n 's/^TOTAL/lines   /p' $(COVER)/lines.txt; sed -n 's/^TOTAL/branches/p' $(COVER)/branches.txt

HOST_OBJECTS := $(call host_objects,asan,tests/host/inject.c \
		$(HOST_KERNEL) $(HOST_MACHINE) $(HOST_UNITS) $(HOST_WORLD) $(HOST_EDITOR) $(HOST_GDB)) \
	$(call host_objects,fuzz,$(foreach f,$(FUZZERS),$(HOST_SOURCES_$(f)))) \
	$(call host_objects,cover,$(HOST_KERNEL) $(HOST_MACHINE) $(HOST_UNITS) $(HOST_WORLD) tests/host/inject.c)
-include $(if $(TESTED),$(HOST_OBJECTS:%.o=%.d))
