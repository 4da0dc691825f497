# make sdk: compilers for jargoon's programs, as other projects' build systems expect them, in build/sdk. Programs run
# by `make run APP=` are made with the same.
#
# bin/jargoon-cc and -c++ are the host's GCC with lib/jargoon.specs. lib/start.o is the port layer, which comes before
# musl so that its functions take the place of musl's; what a program does not use is left out. Libraries that musl has
# in libc.a are there as empty archives. The host's GCC, its C++ headers and Debian's musl headers are used where they
# are; the rest is copied.

SDK := $(OUT)/sdk
SDK_COPIED := user/sdk/jargoon.pc user/sdk/jargoon.cmake
SDK_EMPTY := m pthread rt dl util crypt resolv xnet stdc++
SDK_BINUTILS := ar ranlib
SDK_HEADER_FOLDERS := user/libc/include syscalls/include user/libzx/include user/sdk/include
SDK_HEADERS := $(shell find $(SDK_HEADER_FOLDERS) -type f)

# What GCC's own g++ searches for C++'s headers.
SDK_CXX_INCLUDES = $(call once,SDK_CXX_INCLUDES,$(addprefix -isystem ,\
	$(shell g++ -E -x c++ -v /dev/null 2>&1 | sed -n 's,^ \(/.*c++.*\),\1,p')))

# Linker flags without the compiler's prefix for them.
sdk-ld = $(subst $(comma), ,$(patsubst -Wl$(comma)%,%,$(filter -Wl$(comma)%,$(1))))
sdk-fill = -e 's|@$(1)@|$(strip $(2))|'

.PHONY: sdk
sdk: $(SDK)/made
	@ln -sfn $(patsubst $(B)/%,%,$(SDK)) $(B)/sdk
	$(call say,SDK,$(B)/sdk/bin/jargoon-cc)

$(OUT)/sdk.flags: $(ALWAYS)
	$(call remember,$(USER_COMMON) $(USER_CXXFLAGS) $(USER_LDFLAGS) $(USER_LD_STATIC) $(USER_LD_PIE) \
		$(shell g++ -print-file-name=include))

$(SDK)/made: user/sdk/rules.mk $(wildcard user/sdk/*) $(SDK_HEADERS) $(INTERFACE_HEADERS) $(PORT_OBJECTS) $(MUSL) \
		$(OUT)/sdk.flags
	@rm -rf $(SDK)
	@mkdir -p $(SDK)/bin $(SDK)/lib $(SDK)/include
	$(QUIET)cp -R $(addsuffix /.,$(SDK_HEADER_FOLDERS)) $(SDK)/include
	$(QUIET)cp -R $(INTERFACE)/zircon/. $(SDK)/include/zircon
	@find $(SDK)/include -name '*.md' -delete
	$(QUIET)cp user/sdk/jargoon-cc $(SDK)/bin
	$(QUIET)ln -s jargoon-cc $(SDK)/bin/jargoon-c++
	$(QUIET)for tool in $(SDK_BINUTILS); do ln -s $$(command -v $$tool) $(SDK)/bin/jargoon-$$tool; done
	$(QUIET)sed $(call sdk-fill,CFLAGS,$(USER_MACHINE_CFLAGS) -fno-omit-frame-pointer) \
		$(call sdk-fill,CXXFLAGS,$(filter -fno-exceptions -fno-rtti,$(USER_CXXFLAGS))) \
		$(call sdk-fill,MUSL_INCLUDE,$(MUSL_INCLUDE)) \
		$(call sdk-fill,CXX_INCLUDES,$(SDK_CXX_INCLUDES)) \
		$(call sdk-fill,LDFLAGS,$(call sdk-ld,$(USER_LDFLAGS))) \
		$(call sdk-fill,LD_PIE,-static -pie --no-dynamic-linker $(call sdk-ld,$(USER_LD_PIE))) \
		$(call sdk-fill,LD_STATIC,-static $(call sdk-ld,$(USER_LD_STATIC))) \
		user/sdk/jargoon.specs >$(SDK)/lib/jargoon.specs
	$(QUIET)cp $(SDK_COPIED) $(SDK)/lib
	$(QUIET)$(LD) -r -o $(SDK)/lib/start.o $(PORT_OBJECTS)
	$(QUIET)cp $(MUSL) $(SDK)/lib/libc.a
	$(QUIET)for name in $(SDK_EMPTY); do $(AR) rcD $(SDK)/lib/lib$$name.a; done
	@touch $@
