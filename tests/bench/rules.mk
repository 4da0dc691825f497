# The measurements.
#
#   make bench                   measures Jargoon and Linux in one emulator: tables, chart, build/bench/results.json
#   make bench UPDATE=1          and puts tables and charts into tests/bench/README.md
#   make bench AGAIN=1           shows what was measured last
#   make bench-check             Jargoon alone: fails if a figure is worse than tests/bench/reference.json says
#   make bench-check UPDATE=1    makes that file anew
#
# One program from one source: with jargoon.c it is a program of ours, with linux.c and musl's own start-up code one of
# Linux's. Both are made of the same objects but for that one.

BENCH_SHARED := $(patsubst %,tests/bench/%.c,calls copies copying measure meter together transfers)
BENCH_JARGOON := $(call user-objects,$(BENCH_SHARED) tests/bench/jargoon.c)
BENCH_LINUX := $(call user-objects,$(BENCH_SHARED) tests/bench/linux.c)
MUSL_START := $(addprefix $(dir $(MUSL_LIBC)),crt1.o crti.o)
MUSL_END := $(dir $(MUSL_LIBC))crtn.o

$(OUT)/user/bench: $(BENCH_JARGOON) $(LINKED)
	$(call link-program,$(BENCH_JARGOON),STATIC)

# What is measured are calls, not the frames of who makes them.
$(USER_OBJECTS)/tests/bench/%.o: private USER_CFLAGS += -fomit-frame-pointer

# How costs grow.
BENCH_GROWTH := scaling crowds
$(foreach program,$(BENCH_GROWTH),$(eval $(OUT)/user/$(program): \
	$(call user-objects,tests/bench/$(program).c) $(LINKED); \
	$$(call link-program,$(call user-objects,tests/bench/$(program).c),STATIC)))
GROWTH_PROGRAMS := $(addprefix $(OUT)/user/,$(BENCH_GROWTH))

$(OUT)/linux/bench: $(BENCH_LINUX) $(OUT)/user.flags
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(QUIET)$(CC) -nostdlib -static $(if $(findstring clang,$(CC)),,-no-pie) -Wl,--build-id=none -o $@ \
		$(MUSL_START) $(BENCH_LINUX) $(MUSL_LIBC) $(USER_LIBGCC) $(MUSL_END)

.PHONY: bench bench-check
bench: $(OUT)/kernel.elf $(OUT)/user/init $(OUT)/user/bench $(OUT)/linux/bench $(GROWTH_PROGRAMS)
	$(QUIET)tests/bench/bench $(OUT) $(if $(UPDATE),update) $(if $(AGAIN),again)
bench-check: $(OUT)/kernel.elf $(OUT)/user/init $(OUT)/user/bench $(GROWTH_PROGRAMS)
	$(QUIET)tests/bench/check $(OUT) $(if $(UPDATE),update)

-include $(if $(TESTED),$(patsubst %.o,%.d,$(BENCH_JARGOON) $(BENCH_LINUX)))
