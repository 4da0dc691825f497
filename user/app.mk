# make run APP=FILE: one program, made as user/sdk/app says, and run alone; make gdb: in a debugger. And what these,
# `make record` and `make debug` need to be run several times at once in one tree.
#
# A program's run has to look like the program: its output, nothing else on standard output, and its exit status as
# make's. And whoever runs one must not disturb another who does. Plain make can do neither: it ends with 0, 1 or 2, and
# two makes that build the same file write over each other. So functions are loaded into it (tests/lib/make-run.c, which
# explains them): those who run take turns in building what is not yet built, then each runs in a folder of its own, and
# make ends with the program's status. Where make cannot load them, whoever is alone fares as well, but for the status.

RUN := $(OUT)/run
ifneq ($(if $(COUNTING),,$(filter run debug record trace gdb sdk,$(MAKECMDGOALS))),)
$(B)/make-run.so: tests/lib/make-run.c
	@mkdir -p $(@D)
	@gcc -shared -fPIC -O1 -o $@.$$$$ $< && mv $@.$$$$ $@ || true
-load $(B)/make-run.so(make_run_gmk_setup)
$(shell mkdir -p $(OUT))
$(begin-turn $(OUT)/lock)
RUN := $(or $(own-folder $(OUT)/run),$(OUT)/run)
built = $(end-turn $(OUT)/lock)
endif

# make gdb APP=FILE: the program under a debugger, which stops it at main; GDB=wait with make run: it waits for one, and
# the terminal is its own. Either way a server in the machine launches it. Without APP the server is there beside the
# monitor, for any debugger to attach to what it likes.
ifneq ($(if $(filter gdb,$(MAKECMDGOALS)),gdb,$(filter wait,$(GDB))),)
APP_SERVER := gdbserver
APP_DEBUG_CFLAGS := -Og -g3 -fno-omit-frame-pointer
SERVER_ARGS := $(if $(filter gdb,$(MAKECMDGOALS)),,--wait) bin/app
TIMEOUT ?= 0
endif

# For a debugger of the whole machine, to which an address must belong to one program.
ifneq ($(filter debug record,$(MAKECMDGOALS)),)
ifdef PIE
$(error a program that is debugged with the kernel lies where it is linked to: leave PIE= out)
endif
APP_LINK := $(filter-out -static,$(USER_LD_APART))
APP_DEBUG_CFLAGS := -Og -g3
endif

# A program is confined to a job of its own; with PRIVILEGED=1 it has the root job and the root resource.
APP_PRIVILEGE := $(if $(PRIVILEGED), init.privileged=app)

.PHONY: gdb
ifndef APP
gdb: $(OUT)/kernel.elf $(OUT)/bootfs
	@$(built)$(stdin) GDB=wait tests/machine run $^ $(RUN) 'init.run=monitor init.beside=gdbserver'
else
gdb: $(OUT)/kernel.elf $(RUN)/bootfs
	@$(built)tests/machine gdb $^ $(RUN) 'init.run=gdbserver$(APP_PRIVILEGE)' $(RUN)/app.elf
endif

ifeq ($(origin APP)$(value APP),command line)
$(error APP= names nothing to run)
endif

ifdef APP

TIMEOUT ?= 60

run-machine: $(OUT)/kernel.elf $(RUN)/bootfs
	@$(built)$(stdin) tests/machine app $^ $(RUN) \
		'init.run=$(or $(APP_SERVER),app)$(APP_PRIVILEGE) init.crashes=report'; \
		echo $$? >$(RUN)/status

# As they were typed, for the script alone: neither make nor the shell reads anything into them.
export APP := $(value APP)
export APP_CFLAGS := $(value APP_CFLAGS)
export APP_LDLIBS := $(value APP_LDLIBS)
export FILES := $(value FILES)
export OUTFILES := $(value OUTFILES)
# What it includes in quotes it may also take from user/lib.
APP_FLAGS = -Wall -O2 -g -ffunction-sections -fdata-sections -iquote . $(APP_DEBUG_CFLAGS) \
	$(if $(PIE),-static-pie) $(APP_LINK)

$(RUN)/app: FORCE $(SDK)/made $(OUT)/user/libuser.a
	@mkdir -p $(@D)
	$(call say,APP,'"$$APP"')
	$(QUIET)APP_LDLIBS="$$APP_LDLIBS '$(OUT)/user/libuser.a'" user/sdk/app $(SDK) $@ $(APP_FLAGS)

$(RUN)/bootfs: $(OUT)/user/init $(RUN)/app $(RUN)/args $(RUN)/outfiles $(APP_SERVER:%=$(OUT)/user/%) user/mkbootfs
	$(QUIET)user/mkbootfs $@ bin/init=$< bin/app=$(RUN)/app etc/args=$(RUN)/args "files/=$$FILES" \
		$(if $(OUTFILES),etc/outfiles=$(RUN)/outfiles) \
		$(foreach server,$(APP_SERVER),bin/$(server)=$(OUT)/user/$(server))

endif

# Its arguments, and the files that it is to leave, as they were typed. They may be longer than what a variable of the
# environment can be.
unexport ARGS
MAKEOVERRIDES := $(if $(value ARGS),,$(MAKEOVERRIDES))
APP_ARGS := $(SERVER_ARGS) $(value ARGS)
$(RUN)/args: WORDS = APP_ARGS
$(RUN)/outfiles: WORDS = OUTFILES
$(RUN)/args $(RUN)/outfiles: FORCE
	@mkdir -p $(@D)
	$(if $(COUNTING),,$(file >$@.typed,$(value $(WORDS))))
	$(QUIET)user/words $(WORDS:APP_%=%) $@.typed >$@
