# Runs the measuring program (measure.c) on Jargoon and on Linux, in the same emulator with the same flags, and returns
# what it told: a hash of names and numbers. A run that is not complete ends everything, with a reason.
#
# Linux's kernel is the distribution's, got as a package and unpacked under build/bench/linux, not installed.
package Bench;
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Path qw(make_path remove_tree);
use JSON::PP ();
use Machine;
use Time::HiRes qw(time);

use constant {TIMEOUT => 600, MEM => '1G'};

# Where a run's files go.
our $dir = 'build/bench';

# The time-stamp counter then counts instructions.
use constant COUNTING => '-icount shift=0,sleep=off';

# Everything that could make one run differ from another stays at its default.
delete @ENV{qw(SMP MEM CPU MACHINE FW ACCEL CMDLINE QEMU_FLAGS TIMEOUT)};

sub results {
    my ($text, $who) = @_;
    my %value = map { /^= (\S+) (\S+)$/ ? ($1 => 0 + $2) : () } split /\r?\n/, $text;
    return \%value if exists $value{end};
    my @last = Machine::tail($text);
    die "$who did not measure to the end.\n", map { "    $_\n" } @last > 10 ? @last[-10 .. -1] : @last;
}

# Returns the results and the seconds from power-on to the program's first word.
sub jargoon {
    my ($out, $mode, %machine) = @_;
    my $run = "$dir/jargoon";
    make_path($run);
    Machine::spew("$run/args", "$mode\0");
    my @files = ("bin/init=$out/user/init", "bin/bench=$out/user/bench", "etc/args=$run/args");
    system('user/mkbootfs', "$run/bootfs", @files) == 0
        or die "cannot make $run/bootfs\n";
    my $result = Machine->new(
        kernel => "$out/kernel.elf", bootfs => "$run/bootfs", dir => $run, cmdline => 'init.run=bench', fw => 'pvh',
        accel => 'tcg', mem => MEM, timeout => TIMEOUT, smp => 1, %machine,
    )->run;
    my @faults = Machine::faults($result);
    die map { "Jargoon: $_\n" } Machine::explain($result, @faults) if @faults;
    return (results($result->{console}, 'Jargoon'), $result->{heard});
}

# How the costs of calls grow: what the programs of tests/70-scaling.t print, as growth/NAME/COUNT.
sub growth {
    my ($out, $mem) = @_;
    my %cost;
    for my $program (qw(scaling crowds)) {
        my $run = "$dir/$program";
        make_path($run);
        system('user/mkbootfs', "$run/bootfs", "bin/init=$out/user/init", "bin/$program=$out/user/$program") == 0
            or die "cannot make $run/bootfs\n";
        my $result = Machine->new(
            kernel => "$out/kernel.elf", bootfs => "$run/bootfs", dir => $run, cmdline => "init.run=$program",
            fw => 'pvh', accel => 'tcg', mem => $mem // MEM, timeout => TIMEOUT, smp => 1, qemu_flags => COUNTING,
        )->run;
        my @faults = Machine::faults($result);
        die map { "$program: $_\n" } Machine::explain($result, @faults) if @faults;
        /^(\S+) (\d+) (\d+)$/ and $cost{"growth/$1/$2"} = 0 + $3 for split /\r?\n/, $result->{console};
    }
    return \%cost;
}

# The words for Linux: no mitigations, nothing random, pages of 4 KiB as Jargoon's are.
use constant LINUX_WORDS =>
    'console=ttyS0 quiet mitigations=off nokaslr norandmaps transparent_hugepage=never panic=-1';

# Linux clears each page once more when it is allocated, as Debian configures it; and it copies and clears by string
# instructions of bytes where the processor says that they are fast: the emulator counts each byte. This has neither.
use constant LEAN => 'init_on_alloc=0 clearcpuid=erms,fsrm';

# The same of Linux, which the emulator loads by itself; `words` are added to its command line.
sub linux {
    my ($out, $mode, %machine) = @_;
    my $run = "$dir/linux";
    make_path($run);
    system('user/mkbootfs', "$run/initrd", "init=$out/linux/bench") == 0 or die "cannot make $run/initrd\n";
    my @command = (
        'timeout', TIMEOUT, 'qemu-system-x86_64', qw(-nodefaults -no-user-config -display none -vga none -no-reboot),
        qw(-machine pc -accel tcg -cpu max -smp), $machine{smp} // 1, '-m', MEM, qw(-serial stdio),
        split(' ', $machine{qemu_flags} // ''), '-kernel', linux_kernel(), '-initrd', "$run/initrd",
        '-append', join(' ', LINUX_WORDS, $machine{words} // (), '--', $mode),
    );
    my ($start, $text, $heard) = (time, '');
    open my $console, '-|', @command or die "qemu-system-x86_64: $!\n";
    while (sysread $console, $text, 65536, length $text) {
        $heard //= time - $start if $text =~ /^= begin/m;
    }
    close $console;
    Machine::spew("$run/console", $text);
    return (results($text, 'Linux'), $heard);
}

# LINUX_KERNEL=FILE takes another.
sub linux_kernel {
    return $ENV{LINUX_KERNEL} if length($ENV{LINUX_KERNEL} // '');
    my $unpacked = "$dir/linux/package";
    my ($kernel) = glob "$unpacked/boot/vmlinuz-*";
    return $kernel // fetch_linux($unpacked);
}

# Half a package is never taken for one: it gets its name when it is whole.
sub fetch_linux {
    my ($to) = @_;
    my $new = "$to.new";
    my ($package) = (`apt-cache depends linux-image-cloud-amd64 2>&1` // '') =~ /Depends: (linux-image-\S+)/;
    no_linux('the package lists name no linux-image-cloud-amd64') unless defined $package;
    print STDERR "fetching $package for the comparison; it is unpacked in $to, not installed\n";
    remove_tree($new);
    make_path($new);
    my $said = `cd $new && apt-get -q -o APT::Sandbox::User=root download $package 2>&1`;
    my ($file) = glob "$new/${package}_*.deb";
    no_linux("apt-get download $package says: $said") unless defined $file;
    system('dpkg-deb', '-x', $file, $new) == 0 or no_linux("$file cannot be unpacked");
    unlink $file;
    rename $new, $to or die "$to: $!\n";
    my ($kernel) = glob "$to/boot/vmlinuz-*";
    return $kernel // no_linux("$package holds no boot/vmlinuz-*");
}

sub no_linux {
    my ($why) = @_;
    chomp $why;
    die <<"END";
There is no Linux kernel to compare with: $why
On Debian, with the network there, `apt-get update` first may help. Elsewhere get a kernel for x86-64 that has its
serial console, initramfs and /proc built in, and say  make bench LINUX_KERNEL=/path/to/vmlinuz
END
}

sub first_line { my ($line) = `$_[0]`; chomp($line //= 'unknown'); return $line }

# What the figures depend on, in words.
sub tools {
    return {
        compiler => first_line(($ENV{CC} || 'gcc') . ' --version'),
        emulator => first_line('qemu-system-x86_64 --version'),
    };
}

sub write_json {
    my ($file, $data) = @_;
    Machine::spew($file, JSON::PP->new->pretty->canonical->encode($data));
}

sub read_json {
    my ($file) = @_;
    return JSON::PP->new->decode(Machine::slurp($file) || die "$file: $!\n");
}

1;
