# How a kernel for a PC is made: compiler flags, assembler, and the boot image.

NASM := nasm
MACHINE_TOOLS := nasm
EMULATOR_TOOLS := qemu-system-x86_64
IMAGE_TOOLS := $(if $(filter pvh,$(FW)),,grub-mkrescue xorriso mformat grub=/usr/lib/grub/i386-pc)
MACHINE_PACKAGES := nasm qemu-system-x86 grub-common grub-pc-bin grub-efi-amd64-bin xorriso mtools ovmf
MACHINE_CFLAGS := -mno-red-zone -mgeneral-regs-only -mcmodel=kernel -fcf-protection=none -Iarch/x86_64/include
LINKER_SCRIPT := linker.ld

# --- assembly ---

define assemble
$(call say,NASM,$<)
@mkdir -p $(@D)
$(QUIET)$(NASM) -f elf64 -g -F dwarf -w+all -I./ -MD $(@:.o=.d) -MP -o $@ $<
endef
$(OUT)/kernel/%.asm.o: %.asm $(OUT)/kernel.flags
	$(assemble)
$(OUT)/kernel-test/%.asm.o: %.asm $(OUT)/kernel.flags
	$(assemble)

# --- the boot image ---

ISO_WORDS := Jargoon: the console is the first serial line, 115200 8N1, not this screen.

$(OUT)/jargoon.iso: $(OUT)/kernel.elf $(OUT)/bootfs $(OUT)/iso.flags arch/x86_64/mkiso.sh
	$(call say,ISO,$@)
	$(QUIET)arch/x86_64/mkiso.sh $(OUT)/kernel.elf $(OUT)/bootfs "$$CMDLINE" $@ '$(ISO_WORDS)'
