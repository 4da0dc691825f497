# make trace: what the kernel does while a program runs, as trace.fxt, for Perfetto or any other reader of Fuchsia's
# trace format, and as trace.html, a page to look at it.
#
# Traced is the program APP=FILE, or the user tests whose names have one of the words of TESTS, or else the tour. The
# optimised kernel does not know its locks' names; BUILD=debug does.

.PHONY: trace
ifneq ($(filter trace,$(MAKECMDGOALS)),)

TIMEOUT ?= 60
traced-APP = app$(APP_PRIVILEGE) init.crashes=report
traced-TESTS = tests

trace: trace-run
	@$(ended)

.PHONY: trace-run
trace-run: $(OUT)/kernel.elf $(if $(RECORDED),$(RUN),$(OUT))/bootfs
	@$(built)$(stdin) tests/machine trace $^ $(RUN) 'init.trace=report init.run=$(strip \
		$(or $(traced-$(RECORDED)),tour))'; \
		echo $$? >$(RUN)/status

endif
