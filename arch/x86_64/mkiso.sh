#!/bin/sh
# Makes a boot image for BIOS and, where GRUB's EFI modules are installed, UEFI:
#
#     mkiso.sh KERNEL BOOTFS COMMAND-LINE OUT.iso [WORDS]
#
# WORDS are for a person before the screen; GRUB shows them and then starts the kernel.
#
# GRUB gets only the modules that it needs to load two files; on an emulated machine each one more can be felt.
set -euf

kernel=$1 bootfs=$2 cmdline=$3 out=$4 words_shown=${5:-}
# UEFI images look for every kind of partition table and complain of those they miss.
modules="normal multiboot2 part_acorn part_amiga part_apple part_bsd part_dfly part_dvh"
modules="$modules part_gpt part_msdos part_plan part_sun part_sunpc"
[ -z "$words_shown" ] || modules="$modules echo"
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
root=$temporary/root

# Inside GRUB's single quotes everything stands for itself; a quote itself cannot.
case $cmdline in
*[\'\"\\]*) echo "mkiso.sh: no quotes or backslashes in the command line" >&2; exit 1 ;;
esac

mkdir -p "$root/boot/grub"
strip -o "$root/boot/kernel.elf" "$kernel"
cp "$bootfs" "$root/boot/bootfs"
words=
for word in $cmdline; do words="$words '$word'"; done
cat >"$root/boot/grub/grub.cfg" <<CFG
set timeout=0
${words_shown:+echo '$words_shown'}
multiboot2 /boot/kernel.elf$words
module2 /boot/bootfs bootfs
boot
CFG

if ! grub-mkrescue --install-modules="$modules" --fonts= --locales= --themes= -o "$out.new" "$root" \
    >"$temporary/log" 2>&1; then
    cat "$temporary/log" >&2
    exit 1
fi
mv "$out.new" "$out"
