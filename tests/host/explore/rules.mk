# The explorer: the whole kernel with atomic operations that are announced, on several simulated processors. What
# belongs to the machine is linked between two markers: its variables go back to what they were before each schedule.
#
#   make explore            all pairs of calls; DEPTH=3 SCENARIO=unmap+load@same REPLAY='7:2 31:1'
#   make explore-mutants    does it find mistakes that are put back? MUTANTS='name …'

EXPLORE := $(HOST)/explore
EXPLORE_DIR := tests/host/explore
EXPLORE_KERNEL := $(filter-out kernel/sched/force.c,$(HOST_KERNEL))
EXPLORE_MACHINE := $(filter-out tests/host/cpu.c,$(HOST_MACHINE)) \
	$(addprefix $(EXPLORE_DIR)/,acts.c acts_exceptions.c acts_memory.c acts_objects.c acts_tasks.c \
		cpus.c stage.c tlb.c)
EXPLORE_OUTSIDE := $(addprefix $(EXPLORE_DIR)/,\
	footprint.c lookup.c main.c outcome.c path.c schedule.c search.c snapshot.c trace.c)
EXPLORE_SOURCES := $(EXPLORE_DIR)/first.c $(EXPLORE_KERNEL) $(EXPLORE_MACHINE) $(EXPLORE_DIR)/last.c $(EXPLORE_OUTSIDE)
# Each schedule takes every kernel stack down, page by page: they are no larger than they must be.
EXPLORE_CFLAGS = $(filter-out -DKERNEL_TESTS,$(HOST_CFLAGS)) -I$(EXPLORE_DIR)/include -DKSTACK_PAGES=24

# These run at each step: fast, and unchecked.
EXPLORE_FAST := $(addprefix $(EXPLORE_DIR)/,cpus.c footprint.c lookup.c path.c schedule.c tlb.c trace.c)
$(call host_objects,explore-asan,$(EXPLORE_FAST)): HOST_SANITIZE := -O2

$(HOST)/explore-asan/%.o: %.c $(HOST)/flags
	$(call say,HOSTCC,$< (explorer))
	@mkdir -p $(@D)
	$(QUIET)clang $(EXPLORE_CFLAGS) $(HOST_SANITIZE) -MMD -MP -c -o $@ $<

# How it was built is told beside it, for those who build it once more with a mistake in it.
$(EXPLORE): $(call host_objects,explore-asan,$(EXPLORE_SOURCES))
	$(call say,LINK,$@)
	$(QUIET)clang -no-pie -rdynamic $(HOST_SANITIZE) -o $@ $^
	@printf '%s\n' 'clang $(EXPLORE_CFLAGS) $(HOST_SANITIZE)' 'clang -no-pie -rdynamic $(HOST_SANITIZE)' $^ >$@.how

# Preemptions, and seconds of processor time for each scenario.
DEPTH ?= 2
EXPLORE_TIME ?= 900
.PHONY: explore explore-mutants
explore: $(EXPLORE)
	@$(EXPLORE) -k $(DEPTH) -t $(EXPLORE_TIME) -j $(shell nproc) $(if $(REPLAY),-r '$(REPLAY)') $(SCENARIO)

explore-mutants: $(EXPLORE)
	@$(EXPLORE_DIR)/mutants/run $(MUTANTS)

$(B)/check/tidy/$(EXPLORE_DIR)/%.ok: TIDY_HOST_CFLAGS += -I$(EXPLORE_DIR)/include

-include $(if $(TESTED),$(patsubst %.o,%.d,$(call host_objects,explore-asan,$(EXPLORE_SOURCES))))
