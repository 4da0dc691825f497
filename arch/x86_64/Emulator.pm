# A PC in QEMU: its name, its chipsets and firmware, and the devices by which the kernel writes its streams. What tests
# do with a machine is in tests/lib/Machine.pm, whose objects these functions get.
package Emulator;
use strict;
use warnings;
use Text::ParseWords qw(shellwords);

# How it ends when the kernel switches it off (power.c).
use constant {POWER_OK => 33, POWER_FAIL => 35, POWER_PANIC => 37};

sub defaults { return (cpu => 'max', machine => 'pc', fw => 'bios') }

sub check {
    my ($self) = @_;
    die "FW=$self->{fw} is none of bios, uefi, pvh\n" unless $self->{fw} =~ /^(bios|uefi|pvh)$/;
}

# Some hosts have a /dev/kvm that opens on a processor without virtualisation; no kernel survives there.
sub default_accel {
    open my $cpuinfo, '<', '/proc/cpuinfo' or return 'tcg';
    my $virtual = grep { /^flags\s*:.*\b(vmx|svm)\b/ } <$cpuinfo>;
    return $virtual && open(my $kvm, '+<', '/dev/kvm') ? 'kvm' : 'tcg';
}

sub firmware_args {
    my ($self) = @_;
    if ($self->{fw} eq 'pvh') {
        return ('-kernel', $self->{kernel}, '-initrd', $self->{bootfs}, '-append', $self->{cmdline});
    }
    my $iso = $self->file('boot.iso');
    system('arch/x86_64/mkiso.sh', $self->{kernel}, $self->{bootfs}, $self->{cmdline}, $iso) == 0
        or die "cannot make $iso\n";
    return ('-cdrom', $iso) if $self->{fw} eq 'bios';
    my ($ovmf) = grep { -e } qw(/usr/share/ovmf/OVMF.fd /usr/share/qemu/OVMF.fd)
        or die "OVMF: not found; `make deps` installs it\n";
    return ('-bios', $ovmf, '-cdrom', $iso);
}

# A file name within one of its comma-separated options.
sub quoted { my ($name) = @_; $name =~ s/,/,,/g; return $name }

# The emulator's own monitor shares the terminal, or Ctrl-C would end it; -echr makes Ctrl-] what leads to it.
sub console_args {
    my ($self, $console_file) = @_;
    if ($self->{console} eq 'socket') {
        my $socket = 'socket,id=console,server=on,wait=off,path=' . quoted($self->file('console.sock'));
        return ('-chardev', "$socket,logfile=" . quoted($console_file), qw(-serial chardev:console));
    }
    return ('-serial', 'file:' . quoted($console_file)) if defined $console_file;
    return $self->{console} eq 'terminal' ? qw(-serial mon:stdio -echr 0x1d) : qw(-serial stdio);
}

# Recording this run to the folder's files `events` and `disk`, or giving it back. The disk is there to hold the
# machine's first state, which every step backwards in GDB reads again; it need not be safe from a power cut. The one
# device that has the processor do some of its reset would wait for it for ever: a replay lets nothing run meanwhile.
sub recording_args {
    my ($self) = @_;
    my $mode = $self->{recording} or return ();
    my ($events, $disk) = map { quoted($self->file($_)) } qw(events disk);
    return (
        '-icount', "shift=auto,rr=$mode,rrfile=$events,rrsnapshot=init", qw(-global apic-common.vapic=off),
        '-drive', "file=$disk,format=qcow2,if=none,id=states,cache=unsafe",
        '-drive', 'driver=blkreplay,if=none,image=states,id=replay', '-device', 'ide-hd,drive=replay',
    );
}

# The file that holds the states of a recording, empty, to begin one.
sub recording_begin {
    my ($self) = @_;
    system('qemu-img', 'create', '-q', '-f', 'qcow2', $self->file('disk'), '1G') == 0
        or die "qemu-img cannot make the file for a recording's states; is it there? `make deps` installs it\n";
}

# The second serial line, which belongs to programs: a Unix socket if the machine has a `line`, a file name, or nothing.
sub line_args {
    my ($self) = @_;
    return qw(-serial null) unless defined $self->{line};
    return ('-chardev', 'socket,id=line,server=on,wait=off,path=' . quoted($self->{line}), qw(-serial chardev:line));
}

# The whole command, ready to run; report and console go to the files named, the console to standard output if to none.
sub command {
    my ($self, $report, $console_file) = @_;
    return (
        'qemu-system-x86_64', qw(-nodefaults -no-user-config -display none -vga none -no-reboot),
        '-machine', $self->{machine}, '-accel', $self->{accel} || default_accel(), '-cpu', $self->{cpu},
        '-smp', $self->{smp}, '-m', $self->{mem},
        $self->console_args($console_file), $self->line_args, '-serial', 'file:' . quoted($self->file('kernel.log')),
        '-debugcon', 'file:' . quoted($report), '-device', 'isa-debug-exit,iobase=0xf4,iosize=4',
        $self->firmware_args, $self->recording_args, shellwords($self->{qemu_flags}),
    );
}

1;
