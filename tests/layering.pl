#!/usr/bin/perl
# Holds the sources to the plan of the house, where a compiler cannot:
#
#   - an include never points to a room further up (tests/lib/Rooms.pm);
#   - nothing but the machines' own folders knows the processor;
#   - arch/PORTING.md explains each function of the contract with a machine, and none that is not there;
#   - a mark of a field, as [I], is one that kernel/base/lockrank.h explains.
#
# Prints what it finds, one line each, and fails if that is anything.
use strict;
use warnings;
use File::Find;
use FindBin;
use lib "$FindBin::Bin/lib";
use Rooms;

my $findings = 0;
sub finding { print "$_[0]\n"; $findings++ }

sub slurp { open my $in, '<', $_[0] or die "$_[0]: $!\n"; local $/; return <$in> }

sub files {
    my ($pattern, @dirs) = @_;
    my @found;
    find({no_chdir => 1, wanted => sub { push @found, $_ if -f && /$pattern/ }}, grep { -d } @dirs);
    return sort @found;
}

my @folders = qw(arch kernel vm syscalls user tests/kernel tests/user tests/programs tests/bench);
for my $file (files(qr{\.([ch]|cc)$}, @folders)) {
    my $line = 0;
    for (split /\n/, slurp($file)) {
        $line++;
        my ($open, $included) = /^\s*#\s*include\s*([<"])([^>"]+)[>"]/ or next;
        finding("$file:$line: may not include $included") unless Rooms::may_include($file, $included, $open eq '<');
    }
}

# A processor's words. No file above arch has them, neither in code nor in comments, unless a reason excuses one. Public
# headers are Zircon's, and name each processor's registers.
my $machine = qr{\b(asm|__asm__|_*x86(?:_64)?|EM_[A-Z0-9_]+|R_X86\w+|isa-debug-exit|multiboot2?|pvh|grub
    |[re][abcd]x|[re][sd]i|[re][sb]p|[re]ip|[re]?flags_\w+|[re]flags|cr[0234]|dr[0-7]|[fg]s_base|[FG]S|gdt|idt|tss|ist
    |msr|\w*apic|tsc|rdtsc|cpuid|pcid|smap|smep|umip|acpi|rsdp|xsave|mxcsr|sse|avx|x87
    |wrmsr|rdmsr|invlpg|swapgs|sysretq?|iretq?|hlt|out[bwl]|in[bwl])\b}xi;
my %excused = (
    'user/libc/cxx.c' => {__asm__ => 'gives a C function the name that C++ has for it'},
    'user/libc/cxx_headers.c' => {__asm__ => 'the same'},
    'user/programs/patcher.c' => {__asm__ => 'patches instructions, which is what it shows'},
);
for my $file (files(qr{\.[chS]$}, qw(kernel vm syscalls user)), glob 'arch/*.h') {
    next if Rooms::room($file) eq 'public' || $file =~ m{^user/(libc|lib|gdbserver)/\w+/};
    my $line = 0;
    for (split /\n/, slurp($file)) {
        $line++;
        next if /^\s*#\s*include/;
        for (/$machine/g) { finding("$file:$line: '$_' belongs in a machine's folder") unless $excused{$file}{+lc} }
    }
}

# The contract and its guide.
my %declared = map { $_ => 1 } map { slurp($_) =~ /\b((?:arch|upcall)_\w+)(?=\(|\[\]|;)/g } glob 'arch/*.h';
delete @declared{map { slurp($_) =~ /struct (arch_\w+)/g } glob 'arch/*.h'};
my %explained = map { $_ => 1 } slurp('arch/PORTING.md') =~ /`((?:arch|upcall)_\w+)(?:\(\))?`/g;
finding("arch/PORTING.md does not explain $_") for grep { !$explained{$_} } sort keys %declared;
finding("arch/PORTING.md explains $_, which is not in arch/*.h") for grep { !$declared{$_} } sort keys %explained;

# Marks of fields, and what each says; kernel/base/lockrank.h has the legend.
my $ranks = slurp('kernel/base/lockrank.h');
my %marks = map { $_ => 1 } $ranks =~ /^ \*   \[([IaT])\]/mg;
for my $mark ($ranks =~ m{RANK_\w+[^/]*/\* \[(\w)\]}g) {
    finding("kernel/base/lockrank.h: [$mark] is the mark of two locks") if $marks{$mark}++;
}
for my $file (files(qr{\.[ch]$}, qw(arch kernel vm syscalls))) {
    for my $mark (map { split /[+\/]/ } slurp($file) =~ m{/\* \[(\w(?:[+/]\w)?)\][ ,]}g) {
        finding("$file: the mark [$mark] is not explained in kernel/base/lockrank.h") unless $marks{$mark};
    }
}

exit($findings ? 1 : 0);
