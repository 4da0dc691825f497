# make record: a run that can be gone through again, forwards and backwards; make replay: that, in GDB.
#
# Recorded is the program APP=FILE, or the user tests whose names have one of the words of TESTS. Either is linked where
# no other program lies: an address that GDB stops at then belongs to one program only. tests/lib/Recording.pm has what
# a recording is, and where it is kept.

.PHONY: record replay
# What to record or replay, as it was typed.
RECORDED := $(if $(value APP),APP,$(if $(value TESTS),TESTS))
export RECORDED_NAME := $(if $(RECORDED),$(RECORDED)=$(value $(RECORDED)))

replay:
	@tests/replay "$$RECORDED_NAME" $(GDBFLAGS)

ifneq ($(filter record,$(MAKECMDGOALS)),)

ifeq ($(RECORDED),)
$(error record: APP=file.c, or TESTS='words of their names', says what)
endif

TIMEOUT ?= 60

record: record-app
	@$(ended)

.PHONY: record-app
record-app: $(OUT)/kernel.elf $(RUN)/bootfs
	@$(built)$(stdin) tests/machine record $^ $(RUN) \
		'init.run=$(if $(APP),app$(APP_PRIVILEGE) init.crashes=report,tests)' "$$RECORDED_NAME"; \
		echo $$? >$(RUN)/status

endif

# The user tests in a boot archive of their own, for what can run them alone.
ifneq ($(filter record trace,$(MAKECMDGOALS)),)
ifeq ($(RECORDED),TESTS)
APP_ARGS := $(value TESTS)
$(RUN)/tests: $(call user-objects,$(call program-sources,tests)) $(LINKED)
	@mkdir -p $(@D)
	$(call link-program,$(filter-out $(LINKED),$^),APART)

$(RUN)/bootfs: $(OUT)/user/init $(RUN)/tests $(RUN)/args $(TEST_BINARIES) user/mkbootfs
	$(QUIET)user/mkbootfs $@ bin/init=$< bin/tests=$(RUN)/tests etc/args=$(RUN)/args \
		$(foreach program,$(TEST_PROGRAMS),test/$(program)=$(OUT)/user/test/$(program))
endif

endif
