# The plan of the house: the rooms, and who may use whom. tests/layering.pl holds every include to it, and
# book/pictures.pl draws it.
package Rooms;
use strict;
use warnings;

# The kernel's rooms from the bottom up. A file may include its own room and those before it.
our @ROOMS = ('arch', 'kernel/base', 'kernel/sched', 'vm', 'kernel/object', 'syscalls', 'kernel');
my %level = map { $ROOMS[$_] => $_ } 0 .. $#ROOMS;

# What a kernel without a C library may take from outside.
my $freestanding = qr{^(zircon/.*|std(arg|atomic|bool|def|int|noreturn)\.h|elf\.h|limits\.h|bsd/sys/(queue|tree)\.h)$};

# The room that a file or an included path belongs to.
sub room {
    my ($path) = @_;
    return 'arch/x86_64' if $path =~ m{^(arch/x86_64|arch_inline)/};
    return 'user' if $path =~ m{^libc_inline/};
    return 'public' if $path =~ m{^syscalls/include/|^zircon/};
    return $1 if $path =~ m{^(tests/\w+|user|kernel/(?:base|sched|object)|\w+)/};
    return '';
}

# May the file include that path, a system header if it is in <>?
sub may_include {
    my ($file, $included, $system) = @_;
    my ($from, $to) = (room($file), room($included));
    return $to eq 'public' || $system && $included =~ /^std\w+\.h$|^(limits|threads)\.h$/ if $from eq 'public';
    return 1 if $to eq 'public';
    # User programs use the public headers and the C library; the list of calls gives them their stubs, and what
    # the kernel reads archives and programs with, and shows names with, is theirs too.
    return 1 if $from =~ m{^(user|tests/user)$}
        && $included =~ m{^(arch/types|kernel/base/(newc|elf_image|printable))\.h$};
    return 1 if $from eq 'tests/user' && $to eq 'tests/programs';
    return $system || $to eq $from || $to eq 'user' || $included =~ m{^syscalls/(list|pointers)\.h$}
        if $from =~ m{^(user|tests/(?:user|programs|bench))$};
    # On the host, free memory is closed to AddressSanitizer.
    return 1 if $file eq 'kernel/base/poison.h' && $included eq 'sanitizer/asan_interface.h';
    return $included =~ $freestanding if $system;
    return $to =~ m{^arch|^kernel/base$} if $from eq 'arch/x86_64';
    return 1 if $from eq 'tests/kernel' && ($to eq $from || exists $level{$to});
    # Tests of a machine look inside it; none but that machine's kernel runs them.
    return 1 if $file =~ m{^tests/kernel/(mmu_|rtc\.|vector_state\.)} && $to eq 'arch/x86_64';
    return 1 if $from eq 'arch' && $included =~ m{^arch_inline/};
    # The test kernel runs its tests instead of a first program.
    return 1 if $file eq 'kernel/main.c' && $to eq 'tests/kernel';
    return exists $level{$from} && exists $level{$to} && $level{$to} <= $level{$from};
}

1;
